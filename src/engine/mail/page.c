/* What a page of HTML shows, where its links lead, and what it could do. */
#include "engine/mail/facts.h"

#include "wire/attachment.h"
#include "wire/html.h"
#include "wire/mail_head.h"

#define SHOWN 400 /* bytes of a link's text that are kept */

/* ── links ── */

/* The value of a query's parameter, undecoded; empty: it is not there. */
static struct span query_value(struct span query, const char *name)
{
    struct span wanted = span_str(name);
    while (query.n > 0) {
        struct span pair = span_until(&query, '&', NULL);
        if (pair.n > 4 && span_starts(pair, SPAN_LIT("amp;")))
            (void)span_skip(&pair, 4);
        if (pair.n > wanted.n && pair.p[wanted.n] == '=' && span_starts(pair, wanted)) {
            (void)span_skip(&pair, wanted.n + 1);
            return pair;
        }
    }
    return (struct span){0};
}

/* Is it the domain, or under it? */
static bool under(struct span host, const char *domain)
{
    struct span d = span_str(domain);
    return host.n >= d.n && mail_same(span_of(host.p + host.n - d.n, d.n), d) && (host.n == d.n || host.p[host.n - d.n - 1] == '.');
}

/* Where a link leads that a mail filter rewrote, or a sender's counter of clicks; False: it is none, or it cannot be read. */
static bool unwrap(const struct url *u, struct buf *out)
{
    struct span host = span_of(u->host, u->host_n);
    if (under(host, "safelinks.protection.outlook.com") || under(host, "linkprotect.cudasvc.com")) {
        struct span v = query_value(u->query, "url");
        url_unescape(out, v.n > 0 ? v : query_value(u->query, "a"));
        return out->n > 0;
    }
    if (under(host, "urldefense.proofpoint.com")) { /* v2: - is %, _ is / */
        struct buf plain = BUF_INIT(8192);
        struct span v = query_value(u->query, "u");
        for (size_t i = 0; i < v.n; i++)
            buf_u8(&plain, v.p[i] == '-' ? '%' : v.p[i] == '_' ? '/' : v.p[i]);
        url_unescape(out, buf_span(&plain));
        buf_release(&plain);
        return out->n > 0;
    }
    if (mail_is(host, "urldefense.com") && span_starts(u->path, SPAN_LIT("/v3/__"))) {
        struct span v = span_of(u->path.p + 6, u->path.n - 6);
        v.n = (uint32_t)mail_find(v, "__;");
        buf_add_span(out, v);
        return v.n > 0;
    }
    if (under(host, "awstrack.me") && span_starts(u->path, SPAN_LIT("/L0/"))) { /* /L0/https:%2F%2Fexample.org%2F/1/… */
        struct span v = span_of(u->path.p + 4, u->path.n - 4);
        v.n = (uint32_t)span_find(&v, '/');
        url_unescape(out, v);
        return out->n > 0;
    }
    return false;
}

static bool like_last(const struct facts *f, struct span url, struct span shown)
{
    for (size_t i = f->links_n; i > 0 && i + 24 > f->links_n; i--)
        if (span_equal(f->links[i - 1].url, url) && (shown.n == 0 || span_equal(f->links[i - 1].shown, shown)))
            return true;
    return false;
}

void facts_link_add(const struct mail_known *k, struct facts *f, enum link_where where, struct span text, struct span shown, bool picture)
{
    struct buf scratch = BUF_INIT(16384);
    struct buf inner = BUF_INIT(16384);
    struct buf http = BUF_INIT(16384);
    struct url u;
    (void)k; /* what the host is, judge.c asks */
    text.n = text.n < 8192 ? text.n : 8192;
    if (text.n > 4 && mail_is(span_of(text.p, 4), "www.")) {
        buf_add_str(&http, "http://");
        buf_add_span(&http, text);
        text = buf_span(&http);
    } else if (text.n > 4 && (mail_is(span_of(text.p, 4), "hxxp"))) {
        buf_add_str(&http, "http");
        buf_add(&http, text.p + 4, text.n - 4);
        text = buf_span(&http);
    } else if (text.n > 2 && text.p[0] == '/' && (text.p[1] == '/' || text.p[1] == '\\')) {
        buf_add_str(&http, "http:");
        buf_add_span(&http, text);
        text = buf_span(&http);
    }
    bool good = url_read(text, &scratch, &u);
    for (int depth = 0; good && depth < 3 && unwrap(&u, &inner); depth++) {
        good = url_read(buf_span(&inner), &scratch, &u);
        buf_clear(&inner);
    }
    if (good && f->links_n == FACTS_LINKS)
        f->links_cut = true;
    struct span whole = buf_span(&scratch);
    if (good && f->links_n < FACTS_LINKS && !like_last(f, whole, shown)) {
        struct span url = facts_keep(f, whole);
        struct facts_link *l = &f->links[f->links_n];
        if (url.n == whole.n && url.n > 0) {
            *l = (struct facts_link){.where = where,
                                     .url = url,
                                     .shown = facts_keep(f, shown),
                                     .host = facts_keep(f, span_of(u.host, u.host_n)),
                                     .ip = u.ip,
                                     .dressed = u.dressed,
                                     .userinfo = u.userinfo.n > 0,
                                     .picture = picture,
                                     .port = u.port};
            (void)memcpy(l->scheme, u.scheme, sizeof l->scheme);
            l->path = span_of(url.p + (u.path.p - whole.p), u.path.n);
            l->query = u.query.n == 0 ? (struct span){0} : span_of(url.p + (u.query.p - whole.p), u.query.n);
            l->fragment = u.fragment.n == 0 ? (struct span){0} : span_of(url.p + (u.fragment.p - whole.p), u.fragment.n);
            f->links_n++;
        }
    }
    buf_release(&scratch);
    buf_release(&inner);
    buf_release(&http);
}

void facts_text_links(const struct mail_known *k, struct facts *f, struct span text, enum link_where where)
{
    struct span url;
    for (size_t n = 0; n < 2 * FACTS_LINKS && url_next(&text, &url); n++)
        facts_link_add(k, f, where, url, (struct span){0}, false);
}

/* ── pages ── */

struct page {
    const struct mail_known *k;
    struct facts *f;
    bool file;
    uint32_t flags;
    size_t hidden; /* elements that are open inside a hidden one, and it */
    char hidden_name[HTML_NAME];
    bool in_link;
    bool picture;
    struct buf url;
    struct buf shown;
    struct buf base;
    struct buf own; /* text of a file */
};

static struct buf *text_of(struct page *p)
{
    return p->file ? &p->own : &p->f->text;
}

static void put_shown(struct page *p, struct span utf8)
{
    struct buf *out = text_of(p);
    if (p->hidden > 0) {
        p->f->hidden += mail_trim(utf8).n;
        return;
    }
    if (out->n + utf8.n < FACTS_TEXT)
        buf_add_span(out, utf8);
    if (p->in_link && p->shown.n + utf8.n < SHOWN)
        buf_add_span(&p->shown, utf8);
}

static bool is(const struct html_token *t, const char *name)
{
    return strcmp(t->name, name) == 0;
}

static bool one_of(const struct html_token *t, const char *const *names)
{
    for (; *names != NULL; names++)
        if (is(t, *names))
            return true;
    return false;
}

static bool void_element(const struct html_token *t)
{
    static const char *const names[] = {"br", "img", "input", "meta", "link", "hr", "base", "area", "col", "embed", "source", "wbr", NULL};
    return t->closed || one_of(t, names);
}

static bool block(const struct html_token *t)
{
    static const char *const names[] = {"br", "p",  "div", "tr", "table", "li", "ul",     "ol",         "h1",
                                        "h2", "h3", "h4",  "h5", "h6",    "hr", "center", "blockquote", NULL};
    return one_of(t, names);
}

/* Is what stands in the element not shown? */
static bool hides(const struct html_token *t)
{
    struct span style;
    if (html_attribute(t, "hidden", &style))
        return true;
    if (!html_attribute(t, "style", &style))
        return false;
    char plain[512];
    size_t n = 0;
    for (size_t i = 0; i < style.n && n + 1 < sizeof plain; i++)
        if (style.p[i] > ' ')
            plain[n++] = (char)style.p[i];
    struct span s = span_of(plain, n);
    static const char *const ways[] = {"display:none", "visibility:hidden", "font-size:0", "opacity:0;",
                                       "max-height:0", "line-height:0;",    "mso-hide:all"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        size_t at = mail_find(s, ways[i]);
        if (at == s.n)
            continue;
        size_t end = at + strlen(ways[i]);
        bool fraction = end < s.n && (s.p[end] == '.' || (s.p[end] >= '1' && s.p[end] <= '9')); /* font-size:0.9em is shown */
        if (!fraction)
            return true;
    }
    return false;
}

static void end_link(struct page *p)
{
    if (!p->in_link)
        return;
    p->in_link = false;
    facts_link_add(p->k, p->f, p->file ? LINK_FILE : LINK_PAGE, buf_span(&p->url), mail_trim(buf_span(&p->shown)), p->picture);
    buf_clear(&p->url);
    buf_clear(&p->shown);
}

/* An address from an attribute: decoded, and put behind the page's base where it is a part of one. */
static void address_of(struct page *p, struct span value, struct buf *out)
{
    buf_clear(out);
    value.n = value.n < 8192 ? value.n : 8192;
    struct buf plain = BUF_INIT(16384);
    html_decode(&plain, value);
    struct span v = mail_trim(buf_span(&plain));
    bool whole = span_find(&v, ':') < 12 && span_find(&v, ':') < v.n;
    if (!whole && p->base.n > 0 && v.n > 0 && v.p[0] != '#')
        buf_add_span(out, buf_span(&p->base));
    buf_add_span(out, v);
    buf_release(&plain);
}

static void add_address(struct page *p, const struct html_token *t, const char *attribute, enum link_where where)
{
    struct span value;
    struct buf url = BUF_INIT(16384);
    if (html_attribute(t, attribute, &value)) {
        address_of(p, value, &url);
        facts_link_add(p->k, p->f, p->file && where != LINK_FORM ? LINK_FILE : where, buf_span(&url), (struct span){0}, false);
    }
    buf_release(&url);
}

static void meta(struct page *p, const struct html_token *t)
{
    struct span value;
    if (!html_attribute(t, "http-equiv", &value) || !mail_is(value, "refresh") || !html_attribute(t, "content", &value))
        return;
    size_t at = mail_find(value, "url=");
    if (at == value.n)
        return;
    (void)span_skip(&value, at + 4);
    while (value.n > 0 && (value.p[0] == '\'' || value.p[0] == '"'))
        (void)span_skip(&value, 1);
    value.n = (uint32_t)span_find_either(&value, '\'', '"');
    struct buf url = BUF_INIT(16384);
    address_of(p, value, &url);
    facts_link_add(p->k, p->f, p->file ? LINK_FILE : LINK_REFRESH, buf_span(&url), (struct span){0}, false);
    buf_release(&url);
    p->flags |= ATTACHMENT_LEADS;
}

static void picture(struct page *p, const struct html_token *t)
{
    struct span value;
    bool tiny = html_attribute(t, "width", &value) && (span_is(value, "1") || span_is(value, "0") || mail_is(value, "1px"));
    if (!p->file)
        p->f->pictures += !tiny;
    if (p->in_link)
        p->picture = true;
    if (html_attribute(t, "src", &value) && value.n > 4 && !mail_is(span_of(value.p, 4), "cid:") && !mail_is(span_of(value.p, 4), "data"))
        add_address(p, t, "src", LINK_PICTURE);
    if (html_attribute(t, "alt", &value) && value.n < 300) {
        struct buf alt = BUF_INIT(1024);
        html_decode(&alt, value);
        put_shown(p, buf_span(&alt));
        put_shown(p, SPAN_LIT(" "));
        buf_release(&alt);
    }
}

static void open_tag(struct page *p, const struct html_token *t)
{
    struct span value;
    if (p->hidden > 0 && !void_element(t) && strcmp(t->name, p->hidden_name) == 0)
        p->hidden++;
    if (p->hidden == 0 && !void_element(t) && hides(t)) {
        p->hidden = 1;
        (void)memcpy(p->hidden_name, t->name, sizeof p->hidden_name);
    }
    if (block(t) || is(t, "td"))
        put_shown(p, is(t, "td") ? SPAN_LIT(" ") : SPAN_LIT("\n"));
    if (is(t, "a") || is(t, "area")) {
        end_link(p);
        if (!html_attribute(t, "href", &value))
            return;
        address_of(p, value, &p->url);
        p->in_link = true;
        p->picture = false;
        if (is(t, "area"))
            end_link(p);
    } else if (is(t, "img") || is(t, "image")) {
        picture(p, t);
    } else if (is(t, "form")) {
        p->f->form |= !p->file;
        p->flags |= ATTACHMENT_LEADS;
        add_address(p, t, "action", LINK_FORM);
    } else if (is(t, "input")) {
        bool password = html_attribute(t, "type", &value) && mail_is(value, "password");
        if (password) {
            p->flags |= ATTACHMENT_ASKS;
            p->f->asks_password |= !p->file;
        }
        if (html_attribute(t, "placeholder", &value) || html_attribute(t, "value", &value)) {
            put_shown(p, value);
            put_shown(p, SPAN_LIT(" "));
        }
    } else if (is(t, "meta")) {
        meta(p, t);
    } else if (is(t, "base")) {
        if (html_attribute(t, "href", &value) && p->base.n == 0)
            html_decode(&p->base, value);
    } else if (is(t, "iframe") || is(t, "embed") || is(t, "frame")) {
        p->flags |= ATTACHMENT_LEADS;
        add_address(p, t, "src", LINK_PAGE);
    } else if (is(t, "object")) {
        add_address(p, t, "data", LINK_PAGE);
    } else if (is(t, "script")) {
        p->flags |= ATTACHMENT_RUNS;
        p->f->script |= !p->file;
        add_address(p, t, "src", LINK_PICTURE);
    }
    if (mail_find(t->attributes, "onload") < t->attributes.n || mail_find(t->attributes, "onerror") < t->attributes.n)
        p->flags |= ATTACHMENT_RUNS;
}

static bool holds(struct span s, const char *word)
{
    return mail_find(s, word) < s.n;
}

/* What a script could do. */
static void script(struct page *p, struct span s)
{
    bool unpacks = holds(s, "atob(") || holds(s, "unescape(") || holds(s, "fromCharCode") || holds(s, "decodeURIComponent(") ||
                   holds(s, "charCodeAt") || holds(s, "\\x68\\x74") || holds(s, "parseInt(");
    bool makes = holds(s, "new Blob") || holds(s, "createObjectURL") || holds(s, "msSaveOrOpenBlob") || holds(s, "msSaveBlob") ||
                 holds(s, "new File(") || holds(s, ".download");
    bool writes = holds(s, "document.write") || holds(s, "eval(") || holds(s, "innerHTML") || holds(s, "Function(") || holds(s, "outerHTML") ||
                  holds(s, "srcdoc");
    bool leads = holds(s, "location.href") || holds(s, "location.replace") || holds(s, "window.location") || holds(s, "location.assign") ||
                 holds(s, "location=") || holds(s, "window.open") || holds(s, "document.location");
    p->flags |= ATTACHMENT_RUNS;
    if (makes && (unpacks || holds(s, ".click()") || s.n > 4096))
        p->flags |= ATTACHMENT_SMUGGLES;
    if (unpacks && (writes || leads))
        p->flags |= ATTACHMENT_HIDDEN;
    if (leads)
        p->flags |= ATTACHMENT_LEADS;
    if (holds(s, "password") && (holds(s, "fetch(") || holds(s, "XMLHttpRequest") || holds(s, "$.ajax") || holds(s, "$.post")))
        p->flags |= ATTACHMENT_ASKS;
    facts_text_links(p->k, p->f, span_of(s.p, s.n < 65536 ? s.n : 65536), p->file ? LINK_FILE : LINK_PAGE);
}

uint32_t facts_page(const struct mail_known *k, struct facts *f, struct span html, bool file)
{
    struct page p = {
        .k = k, .f = f, .file = file, .url = BUF_INIT(16384), .shown = BUF_INIT(SHOWN + 1024), .base = BUF_INIT(4096), .own = BUF_INIT(FACTS_TEXT)};
    struct html h = html_of(html);
    struct html_token t;
    struct buf text = BUF_INIT(FACTS_TEXT * 2);
    while (html_next(&h, &t) != HTML_END) {
        if (t.kind == HTML_TEXT && strcmp(t.name, "title") != 0) {
            buf_clear(&text);
            html_decode(&text, t.text);
            put_shown(&p, buf_span(&text));
        } else if (t.kind == HTML_RAW && strcmp(t.name, "script") == 0) {
            script(&p, t.text);
        } else if (t.kind == HTML_OPEN) {
            open_tag(&p, &t);
        } else if (t.kind == HTML_CLOSE) {
            if (is(&t, "a"))
                end_link(&p);
            if (block(&t))
                put_shown(&p, SPAN_LIT("\n"));
            if (p.hidden > 0 && strcmp(t.name, p.hidden_name) == 0)
                p.hidden--;
        }
    }
    end_link(&p);
    facts_text_links(k, f, buf_span(text_of(&p)), file ? LINK_FILE : LINK_TEXT);
    if (file) { /* what a page in a file says counts like the message's own words */
        size_t room = f->text.n < FACTS_TEXT ? FACTS_TEXT - f->text.n : 0;
        struct span own = buf_span(&p.own);
        own.n = own.n < room ? own.n : (uint32_t)room;
        buf_add_span(&f->text, own);
    }
    buf_u8(&f->text, '\n');
    buf_release(&text);
    buf_release(&p.url);
    buf_release(&p.shown);
    buf_release(&p.base);
    buf_release(&p.own);
    return p.flags;
}
