#include "engine/mail/facts.h"

#include "base/text.h"
#include "wire/attachment.h"
#include "wire/mail_head.h"

#include <stdlib.h>

struct block {
    struct block *next;
    size_t n, size;
    uint8_t bytes[];
};

static uint8_t *arena_take(struct arena *a, size_t n)
{
    if (a->used + n > FACTS_KEPT || n == 0)
        return NULL;
    if (a->blocks == NULL || a->blocks->size - a->blocks->n < n) {
        size_t size = n > 16384 ? n : 16384;
        struct block *b = malloc(sizeof *b + size);
        if (b == NULL)
            return NULL;
        *b = (struct block){.next = a->blocks, .size = size};
        a->blocks = b;
    }
    uint8_t *p = a->blocks->bytes + a->blocks->n;
    a->blocks->n += n;
    a->used += n;
    return p;
}

struct span facts_keep(struct facts *f, struct span bytes)
{
    uint8_t *p = arena_take(&f->arena, bytes.n);
    if (p == NULL)
        return (struct span){0};
    return span_of(p, span_copy(bytes, p, bytes.n));
}

struct span facts_keep_lower(struct facts *f, struct span bytes)
{
    uint8_t *p = arena_take(&f->arena, bytes.n);
    if (p == NULL)
        return (struct span){0};
    for (size_t i = 0; i < bytes.n; i++)
        p[i] = bytes.p[i] >= 'A' && bytes.p[i] <= 'Z' ? bytes.p[i] | 0x20 : bytes.p[i];
    return span_of(p, bytes.n);
}

void facts_release(struct facts *f)
{
    for (struct block *b = f->arena.blocks; b != NULL;) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    buf_release(&f->text);
    buf_release(&f->words);
}

/* ── header ── */

static bool find(const struct facts *f, const char *name, struct span *value)
{
    return mail_field_find(f->tree.parts[0].head, name, 0, value);
}

static bool has(const struct facts *f, const char *name)
{
    struct span value;
    return find(f, name, &value) && value.n > 0;
}

/* The first address of a field, in small letters. */
static struct span first_address(struct facts *f, const char *field, struct span *ret_name, size_t *ret_n)
{
    struct span value;
    struct mail_address a;
    struct span address = {0};
    size_t n = 0;
    if (!find(f, field, &value))
        return address;
    value.n = value.n < 16384 ? value.n : 16384;
    for (; n < 100 && mail_address_next(&value, &a); n++) {
        bool wanted = n == 0 || (ret_name != NULL && mail_domain(address).n == 0);
        if (!wanted)
            continue;
        if (n == 0 || a.address.n > 0)
            address = facts_keep_lower(f, a.address);
        if (ret_name != NULL && (n == 0 || a.display.n > 0)) { /* "Parcel service, <x@a.example>": the comma is a mistake, the name is the first */
            struct buf name = BUF_INIT(1024);
            mail_display_decode(&name, a.display);
            *ret_name = facts_keep(f, mail_trim(buf_span(&name)));
            buf_release(&name);
        }
    }
    if (ret_n != NULL)
        *ret_n = n;
    return address;
}

/* "Re: …", "AW[2]: …", behind a list's "[name]" too: what programs write before the subject of an answer. */
static bool answers(struct span subject)
{
    static const char prefixes[] = " re aw sv rv fw fwd wg antw ref res rif vs odp tr enc ynt ";
    subject = mail_trim(subject);
    if (span_peek(&subject, 0) == '[') {
        (void)span_until(&subject, ']', NULL);
        subject = mail_trim(subject);
    }
    char word[8] = " ";
    size_t n = span_find_either(&subject, ':', '[');
    if (n == 0 || n > 4 || n == subject.n)
        return false;
    (void)memcpy(word + 1, subject.p, n);
    word[n + 1] = ' ';
    return mail_find(span_str(prefixes), word) < sizeof prefixes - 1;
}

static void read_head(struct facts *f)
{
    struct span value;
    f->from = first_address(f, "from", &f->from_name, &f->from_n);
    f->from_host = mail_domain(f->from);
    f->reply_to = first_address(f, "reply-to", NULL, NULL);
    f->reply_host = mail_domain(f->reply_to);
    f->return_host = mail_domain(first_address(f, "return-path", NULL, NULL));
    f->sender_host = mail_domain(first_address(f, "sender", NULL, NULL));
    f->to = first_address(f, "delivered-to", NULL, NULL);
    struct span to = first_address(f, "to", NULL, &f->to_n);
    f->to = to.n > 0 ? to : f->to;
    f->to_host = mail_domain(f->to);
    struct buf subject = BUF_INIT(4096);
    if (find(f, "subject", &value))
        mail_words_decode(&subject, value);
    f->subject = facts_keep(f, buf_span(&subject));
    buf_release(&subject);
    f->has_date = has(f, "date");
    f->has_message_id = find(f, "message-id", &value);
    if (f->has_message_id) {
        f->message_id = facts_keep(f, mail_trim(value));
        f->message_id_host = mail_domain(f->message_id);
    }
    f->answer = (has(f, "in-reply-to") || has(f, "references")) && answers(f->subject); /* anybody can write those fields */
    f->unsubscribe = find(f, "list-unsubscribe", &value) && (mail_find(value, "http") < value.n || mail_find(value, "mailto:") < value.n);
    f->list_post = has(f, "list-post") || has(f, "x-mailing-list") || has(f, "x-beenthere") || has(f, "mailing-list");
    f->list = f->list_post || has(f, "list-id");
    if (find(f, "precedence", &value))
        f->list |= mail_is(value, "list") || mail_is(value, "bulk");
    f->script_sent = has(f, "x-php-originating-script") || has(f, "x-php-script") ||
                     (find(f, "x-mailer", &value) && (mail_find(value, "phpmailer") < value.n || mail_find(value, "leaf") < value.n));
    f->report = strncmp(f->tree.parts[0].type, "multipart/report", 16) == 0;
    while (f->received < 64 && mail_field_find(f->tree.parts[0].head, "received", f->received, &value))
        f->received++;
}

/* ── parts ── */

static struct span charset_of(const struct mail_part *p, struct buf *out)
{
    struct span type;
    if (mail_field_find(p->head, "content-type", 0, &type))
        (void)mail_parameter(type, "charset", out);
    return buf_span(out);
}

static struct span name_of(const struct mail_part *p, struct buf *out)
{
    struct span value;
    bool found = mail_field_find(p->head, "content-disposition", 0, &value) && mail_parameter(value, "filename", out) && out->n > 0;
    if (!found && mail_field_find(p->head, "content-type", 0, &value))
        (void)mail_parameter(value, "name", out);
    return mail_trim(buf_span(out));
}

static bool attached(const struct mail_part *p)
{
    struct span value;
    char word[32];
    if (!mail_field_find(p->head, "content-disposition", 0, &value))
        return false;
    mail_token(value, word, sizeof word);
    return strcmp(word, "attachment") == 0;
}

static void add_text(const struct mail_known *k, struct facts *f, struct span utf8)
{
    size_t room = FACTS_TEXT - (f->text.n < FACTS_TEXT ? f->text.n : FACTS_TEXT);
    utf8.n = utf8.n < room ? utf8.n : (uint32_t)room;
    facts_text_links(k, f, utf8, LINK_TEXT);
    buf_add_span(&f->text, utf8);
    buf_u8(&f->text, '\n');
}

/* Unfolds a calendar's lines (RFC 5545, section 3.1) and takes its escapes away. */
static void add_calendar(const struct mail_known *k, struct facts *f, struct span utf8)
{
    struct buf plain = BUF_INIT(FACTS_TEXT);
    for (size_t i = 0; i < utf8.n && plain.n + 4 < FACTS_TEXT; i++) {
        uint8_t c = utf8.p[i];
        uint8_t next = i + 1 < utf8.n ? utf8.p[i + 1] : 0;
        if (c == '\r')
            continue;
        if (c == '\n' && (next == ' ' || next == '\t')) {
            i++;
        } else if (c == '\\' && (next == 'n' || next == 'N')) {
            buf_u8(&plain, '\n');
            i++;
        } else if (c == '\\' && next != 0) {
            buf_u8(&plain, next);
            i++;
        } else {
            buf_u8(&plain, c);
        }
    }
    struct span rest = buf_span(&plain);
    f->calendar = true;
    while (rest.n > 0) {
        struct span line = span_until(&rest, '\n', NULL);
        struct span name = line;
        name.n = (uint32_t)span_find_either(&name, ':', ';');
        bool property = name.n > 0 && name.n < line.n && name.n < 40;
        bool words = !property || mail_is(name, "summary") || mail_is(name, "description") || mail_is(name, "location") || mail_is(name, "url") ||
                     mail_is(name, "attach") || mail_is(name, "x-alt-desc") || mail_find(name, " ") < name.n;
        if (!words)
            continue;
        if (property && mail_is(name, "x-alt-desc"))
            (void)facts_page(k, f, line, false);
        else
            add_text(k, f, line);
    }
    buf_release(&plain);
}

static void read_shown(const struct mail_known *k, struct facts *f, const struct mail_part *p, struct span bytes)
{
    struct buf charset = BUF_INIT(128);
    struct buf utf8 = BUF_INIT(4 * FACTS_TEXT);
    struct span set = charset_of(p, &charset);
    bytes.n = bytes.n < 2 * FACTS_TEXT ? bytes.n : 2 * FACTS_TEXT;
    f->lies_charset |= mail_charset_decode(&utf8, set, bytes);
    buf_release(&charset);
    if (strcmp(p->type, "text/html") == 0) {
        f->html_parts++;
        (void)facts_page(k, f, buf_span(&utf8), false);
    } else if (strcmp(p->type, "text/calendar") == 0) {
        add_calendar(k, f, buf_span(&utf8));
    } else {
        struct span text = buf_span(&utf8);
        struct span start = mail_trim(span_of(text.p, text.n < 512 ? text.n : 512));
        bool page = start.n > 6 && (mail_find(start, "<!doctype html") < 8 || mail_find(start, "<html") < 8 || mail_find(start, "<body") < 8);
        if (page && mail_find(start, "<") == 0)
            (void)facts_page(k, f, text, false);
        else
            add_text(k, f, text);
    }
    buf_release(&utf8);
}

/* Is a text part one of those that are shown in the message itself? Of alternatives all are: each could be the one. */
static bool is_shown(const struct mail_part *p, struct span name)
{
    bool text = strncmp(p->type, "text/plain", 10) == 0 || strncmp(p->type, "text/html", 9) == 0 || strcmp(p->type, "text/calendar") == 0 ||
                strcmp(p->type, "text/enriched") == 0 || strcmp(p->type, "text") == 0;
    if (!text)
        return p->parent == 0 && p->depth == 0 && strncmp(p->type, "multipart/", 10) != 0 && strncmp(p->type, "application/", 12) != 0 &&
               strncmp(p->type, "image/", 6) != 0 && strncmp(p->type, "message/", 8) != 0;
    return !attached(p) && (name.n == 0 || strcmp(p->type, "text/calendar") == 0 || strncmp(p->type, "text/plain", 10) == 0);
}

static void read_attached_message(struct facts *f, struct span bytes)
{
    if (f->attached_n++ == 0)
        f->attached = facts_keep(f, bytes);
}

static bool ends_with(struct span s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && mail_is(span_of(s.p + s.n - n, n), end);
}

static void read_part(const struct mail_known *k, struct facts *f, const struct mail_part *p)
{
    struct buf name_room = BUF_INIT(1024);
    struct buf decoded = BUF_INIT(FACTS_FILE);
    struct span name = name_of(p, &name_room);
    struct span bytes = p->body;
    bool cut = false;
    if (p->encoding != MAIL_PLAIN) {
        mail_decode(&decoded, p->encoding, p->body);
        bytes = buf_span(&decoded);
        cut = decoded.n >= FACTS_FILE;
    }
    if (is_shown(p, name)) {
        read_shown(k, f, p, bytes);
    } else if (strncmp(p->type, "message/rfc822", 14) == 0 || ends_with(name, ".eml")) {
        read_attached_message(f, bytes);
    } else if (strncmp(p->type, "multipart/", 10) != 0 && strncmp(p->type, "message/", 8) != 0 && bytes.n > 0) {
        struct span id;
        bool embedded = strncmp(p->type, "image/", 6) == 0 && !attached(p) && (mail_field_find(p->head, "content-id", 0, &id) || name.n == 0);
        facts_file_add(k, f, name, bytes, cut ? (uint64_t)p->body.n / 4 * 3 : bytes.n, !cut, embedded);
    }
    buf_release(&decoded);
    buf_release(&name_room);
}

/* Preamble and what stands behind the last boundary are not shown by anybody; a multipart that cannot be divided is shown as text. */
static bool is_leaf(const struct facts *f, size_t i)
{
    const struct mail_part *p = &f->tree.parts[i];
    return !p->divided && !p->inner;
}

bool facts_read(const struct mail_known *k, struct facts *f, struct span message)
{
    f->text = BUF_INIT(FACTS_TEXT + 65536);
    f->words = BUF_INIT(FACTS_TEXT);
    mail_tree_read(&f->tree, message);
    read_head(f);
    fold_words(&f->words, f->subject, &f->fold);
    f->subject_words = f->words.n;
    for (size_t i = 0; i < f->tree.n; i++) {
        struct mail_part *p = &f->tree.parts[i];
        if (p->message && !p->inner && f->attached_n++ == 0 && p->body.n > 0)
            f->attached = p->body; /* lies in the message itself */
        if (!is_leaf(f, i))
            continue;
        if (strncmp(p->type, "multipart/", 10) == 0)
            (void)memcpy(p->type, "text/plain", 11);
        read_part(k, f, p);
    }
    fold_words(&f->words, buf_span(&f->text), &f->fold);
    return f->text.p != NULL || f->text.n == 0;
}
