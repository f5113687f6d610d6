/* What a person may be shown of a message: text, and nothing that a program would follow, draw or run. */
#include "base/text.h"
#include "engine/mail/facts.h"

#include <stdlib.h>

/* Text with its links in a form that nothing makes a link of. */
static void defanged(struct buf *out, struct span text, bool address)
{
    struct span rest = text;
    struct span url;
    const uint8_t *at = text.p;
    while (!address && url_next(&rest, &url)) {
        defanged(out, span_of(at, (size_t)(url.p - at)), true);
        bool host = true;
        size_t slashes = 0;
        for (size_t i = 0; i < url.n; i++) {
            slashes += url.p[i] == '/';
            host = slashes < 3;
            if (i < 4 && (url.p[i] == 't' || url.p[i] == 'T') && (url.p[0] | 0x20) == 'h')
                buf_u8(out, 'x');
            else if (url.p[i] == '.' && host)
                buf_add_str(out, "[.]");
            else
                buf_u8(out, url.p[i]);
        }
        at = url.p + url.n;
    }
    struct span tail = span_of(at, (size_t)(text.p + text.n - at));
    for (size_t i = 0; i < tail.n; i++) {
        uint8_t c = tail.p[i];
        if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f))
            buf_u8(out, c);
    }
}

/* The same without directions, and at most two empty lines in a row. */
static void put_text(struct buf *out, struct span text)
{
    struct buf plain = BUF_INIT(4 * MAIL_SHOWN);
    defanged(&plain, span_of(text.p, text.n < 2 * MAIL_SHOWN ? text.n : 2 * MAIL_SHOWN), false);
    struct span rest = buf_span(&plain);
    size_t lines = 0;
    while (rest.n > 0 && out->n + 8 < MAIL_SHOWN) {
        size_t length = text_utf8_len(rest);
        struct span c = span_take(&rest, length > 0 ? length : 1);
        bool foreign = false;
        bool nothing = false;
        struct span look = c;
        if (length > 1)
            (void)fold_letter(fold_next(&look), &foreign, &nothing);
        lines = c.p[0] == '\n' ? lines + 1 : c.p[0] == ' ' || c.p[0] == '\t' ? lines : 0;
        if (length == 0)
            buf_u8(out, '?');
        else if (!nothing && lines < 3)
            buf_add_span(out, c);
    }
    buf_release(&plain);
}

static void put_some(struct buf *out, struct span value, uint32_t most)
{
    put_text(out, span_of(value.p, value.n < most ? value.n : most));
}

static void put_line(struct buf *out, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    buf_add_str(out, name);
    put_some(out, value, 500);
    buf_u8(out, '\n');
}

static void show_facts(struct buf *out, const struct facts *f)
{
    put_line(out, "From: ", f->from_name);
    put_line(out, "Address: ", f->from);
    put_line(out, "Answers to: ", f->reply_to);
    put_line(out, "Subject: ", f->subject);
    for (size_t i = 0; i < f->files_n; i++)
        if (!f->files[i].inside && !f->files[i].embedded)
            put_line(out, "Attached: ", f->files[i].name.n > 0 ? f->files[i].name : span_str(f->files[i].type));
    buf_u8(out, '\n');
    put_text(out, buf_span(&f->text));
}

/* ── in parts ── */

/* The scheme of a link, and what stands behind its host, in a form that nothing makes a link of. */
static void tell_link(const struct mail_known *k, const struct mail_view *view, const struct facts_link *link)
{
    struct buf rest = BUF_INIT(2048);
    struct buf shown = BUF_INIT(2048);
    struct span site = known_site(k, link->host);
    struct span before = span_of(link->host.p, link->host.n - (site.n < link->host.n ? site.n : link->host.n));
    put_some(&rest, link->path, 400);
    if (link->query.n > 0)
        buf_u8(&rest, '?');
    put_some(&rest, link->query, 400);
    put_some(&shown, link->shown, 400);
    struct mail_view_link one = {.scheme = span_str(link->scheme),
                                 .before = before,
                                 .site = site.n > 0 ? site : link->host,
                                 .rest = buf_span(&rest),
                                 .shown = buf_span(&shown),
                                 .dressed = link->dressed || link->userinfo};
    view->link(view->context, &one);
    buf_release(&shown);
    buf_release(&rest);
}

static void tell_facts(const struct mail_known *k, const struct mail_view *view, const struct facts *f)
{
    struct buf text = BUF_INIT(MAIL_SHOWN);
    const struct {
        const char *name;
        struct span value;
    } heads[] = {{"name", f->from_name}, {"from", f->from}, {"reply_to", f->reply_to}, {"subject", f->subject}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_clear(&text);
        put_some(&text, heads[i].value, 500);
        view->head(view->context, heads[i].name, buf_span(&text));
    }
    for (size_t i = 0; i < f->files_n; i++) {
        const struct facts_file *file = &f->files[i];
        if (file->embedded)
            continue;
        buf_clear(&text);
        put_some(&text, file->name, 200);
        struct mail_view_file one = {
            .name = buf_span(&text), .type = file->type, .sha256 = file->sha256, .bytes = file->bytes, .inside = file->inside};
        view->file(view->context, &one);
    }
    for (size_t i = 0; i < f->links_n; i++)
        if (f->links[i].where != LINK_PICTURE)
            tell_link(k, view, &f->links[i]);
    buf_clear(&text);
    put_text(&text, buf_span(&f->text));
    view->text(view->context, buf_span(&text));
    buf_release(&text);
}

static int open_and_show(const struct mail_known *k, struct span message, struct buf *out, const struct mail_view *view, struct error *e)
{
    struct facts *f = calloc(1, sizeof *f);
    struct facts *inner = calloc(1, sizeof *inner);
    bool read = f != NULL && inner != NULL && facts_read(k, f, message);
    bool carries = read && f->attached.n > 0;
    if (carries)
        read = facts_read(k, inner, f->attached);
    if (read && out != NULL)
        show_facts(out, carries ? inner : f);
    if (read && view != NULL)
        tell_facts(k, view, carries ? inner : f);
    if (inner != NULL)
        facts_release(inner);
    if (f != NULL)
        facts_release(f);
    free(inner);
    free(f);
    return read && (out == NULL || buf_ok(out)) ? 0 : err_set(e, ERR_SYSTEM, "no memory for a mail");
}

int mail_show(const struct mail_known *k, struct span message, struct buf *out, struct error *e)
{
    return open_and_show(k, message, out, NULL, e);
}

int mail_view(const struct mail_known *k, struct span message, const struct mail_view *view, struct error *e)
{
    return open_and_show(k, message, NULL, view, e);
}
