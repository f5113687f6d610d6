#include "door/api/look_private.h"

#include "base/text.h"
#include "wire/show.h"

/* What a look shows: of each record what everybody may see, the clear fields, and the body taken apart. Nothing of it is interpreted, and all of it
 * is JSON text: what a hostile sender put into a message stays a text. */

static void put_fields(struct jsonw *j, struct show_reader *r, size_t *left)
{
    struct show_field f;
    jsonw_key(j, "fields");
    jsonw_array(j);
    while (*left > 0 && show_field(r, &f)) {
        --*left;
        jsonw_object(j);
        jsonw_put_uint(j, "number", f.number);
        put_optional(j, "name", f.name);
        jsonw_key(j, "text");
        if (f.withheld)
            jsonw_null(j);
        else
            jsonw_text(j, f.text);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

static void put_lines(struct jsonw *j, enum show_form form, struct span text)
{
    struct show_reader r;
    struct show_line line;
    size_t fields = LOOK_FIELDS;
    size_t lines = LOOK_LINES;
    show_start(&r, form, text);
    jsonw_key(j, "lines");
    jsonw_array(j);
    while (fields > 0 && lines-- > 0 && show_line(&r, &line)) {
        jsonw_object(j);
        jsonw_put_text(j, "name", line.name);
        jsonw_put_uint(j, "depth", line.depth);
        put_fields(j, &r, &fields);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_put_uint(j, "left", show_left(&r));
}

static void put_body(struct jsonw *j, const struct looked *l)
{
    const struct api_record *r = &l->record;
    jsonw_key(j, "body");
    if (r->body.n == 0 || l->event.event != EVENT_LAB_MESSAGE) {
        jsonw_null(j);
        return;
    }
    enum show_form form = show_form(event_text(&l->event, "protocol"));
    struct buf plain = BUF_SECRET(CHARSET_GROWTH * r->body.n + 8);
    struct buf hex = BUF_INIT(128);
    const char *charset = "";
    struct span text = show_text(form, r->body, &plain, &charset);
    text_hex(&hex, r->digest);
    jsonw_object(j);
    jsonw_put_uint(j, "bytes", r->body_whole);
    jsonw_put_uint(j, "kept", r->body.n);
    jsonw_put_bool(j, "cut", r->body.n < r->body_whole);
    put_optional(j, "sha256", buf_span(&hex));
    jsonw_put_str(j, "charset", charset);
    put_lines(j, form, text);
    jsonw_object_end(j);
    buf_release(&plain);
    buf_release(&hex);
}

static void put_item(struct jsonw *j, const struct looked *l)
{
    jsonw_object(j);
    jsonw_put_uint(j, "record", l->index);
    jsonw_put_str(j, "event", l->readable ? event_name(l->event.event) : "");
    put_ready(j, "seen", l->record.veiled, "null");
    put_ready(j, "clear", l->record.private, "null");
    put_body(j, l);
    put_optional(j, "erased", span_str(l->erased));
    jsonw_object_end(j);
}

void look_put(struct call *c, uint64_t look, uint64_t record, const struct looked *items, size_t n)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "look", look);
    jsonw_put_uint(j, "seconds", LOOK_SECONDS);
    jsonw_put_uint(j, "record", record);
    jsonw_key(j, "items");
    jsonw_array(j);
    for (size_t i = 0; i < n; i++)
        put_item(j, &items[i]);
    jsonw_array_end(j);
    jsonw_object_end(j);
}
