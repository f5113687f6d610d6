#include "proc/link_words.h"

#include "lab/event.h"
#include "proc/opened.h"

#include <jansson.h>

static const char *const members[LINK_WORD_KINDS] = {"types", "senders", "tests"};

struct reading {
    struct ledger *ledger;
    pthread_mutex_t *lock;
    struct link_clear *to;
    bool opened; /* the record below, its sealed part */
    uint64_t record;
    json_t *clear;
};

/* The sealed part of a record. Names of one record come together, so the last one is kept. */
static json_t *clear_of(struct reading *r, uint64_t record)
{
    if (r->opened && r->record == record)
        return r->clear;
    struct buf opened = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    struct api_record x;
    json_decref(r->clear);
    r->clear = NULL;
    r->opened = true;
    r->record = record;
    if (opened_record(r->ledger, r->lock, record, &opened, &x, NULL) == 0 && x.private.n > 0)
        r->clear = json_loadb((const char *)x.private.p, x.private.n, JSON_ALLOW_NUL, NULL);
    buf_release(&opened);
    return r->clear;
}

static void take(void *context, const struct link_word *w)
{
    struct reading *r = context;
    struct span text = w->text;
    if (w->what < 0 || w->what >= LINK_WORD_KINDS)
        return;
    if (w->hidden) {
        const json_t *word = json_array_get(json_object_get(clear_of(r, w->record), members[w->what]), w->place);
        if (word == NULL) {
            r->to->missing++;
            return;
        }
        text = span_of(json_string_value(word), json_string_length(word));
    }
    struct buf *to = &r->to->words[w->what];
    if (text.n == 0 || memchr(text.p, '\n', text.n) != NULL || to->n + text.n + 1 > LINK_ORDER_WORDS / LINK_WORD_KINDS)
        return;
    buf_add_span(to, text);
    buf_u8(to, '\n');
}

int link_clear_get(struct store_conn *c, struct ledger *l, pthread_mutex_t *lock, struct span name, enum link_words list, struct link_clear *ret,
                   struct error *e)
{
    struct reading r = {.ledger = l, .lock = lock, .to = ret};
    *ret = (struct link_clear){0};
    for (int i = 0; i < LINK_WORD_KINDS; i++)
        ret->words[i] = BUF_SECRET(LINK_ORDER_WORDS / LINK_WORD_KINDS + 1);
    int rc = link_words(c, name, list, take, &r, e);
    json_decref(r.clear);
    bool whole = rc == 0;
    for (int i = 0; i < LINK_WORD_KINDS; i++)
        whole = whole && buf_ok(&ret->words[i]);
    if (whole)
        return 0;
    link_clear_release(ret);
    return rc != 0 ? -1 : err_set(e, ERR_SYSTEM, "no memory for what a link learnt");
}

void link_clear_release(struct link_clear *x)
{
    for (int i = 0; i < LINK_WORD_KINDS; i++)
        buf_release(&x->words[i]);
}
