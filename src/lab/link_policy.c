/* What links learn, and the policies that people approve out of it: link.learnt, link.policy. */
#include "lab/link_view.h"

#include "lab/views_private.h"

#define KEEP_WORDS 20000 /* of a link and list; an honest relay tells of 1,152 at most */

static const char *const members[LINK_WORD_KINDS] = {"types", "senders", "tests"};

bool link_word_hidden(struct span text)
{
    return text.n == 18 && span_starts(text, SPAN_LIT("T-"));
}

static int put_word(struct apply *a, struct span link, enum link_words list, int what, struct span text, int64_t place, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT OR IGNORE INTO link_word SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM link_word WHERE link = ?1 AND list = ?2) < ?7");
    store_bind_text(q, 1, link);
    store_bind_int(q, 2, list);
    store_bind_int(q, 3, what);
    store_bind_text(q, 4, text);
    store_bind_int(q, 5, (int64_t)a->c->index);
    store_bind_int(q, 6, place);
    store_bind_int(q, 7, KEEP_WORDS);
    return store_run(q, e);
}

static int put_words(struct apply *a, struct span link, enum link_words list, struct error *e)
{
    for (int what = 0; what < LINK_WORD_KINDS; what++) {
        struct span text;
        for (int64_t i = 0; (text = event_item(&a->ev, members[what], (size_t)i)).n > 0; i++)
            if (put_word(a, link, list, what, text, i, e) != 0)
                return -1;
    }
    return 0;
}

static int drop_words(struct apply *a, struct span link, enum link_words list, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM link_word WHERE link = ?1 AND list = ?2");
    store_bind_text(q, 1, link);
    store_bind_int(q, 2, list);
    return store_run(q, e);
}

/* Relays tell bit by bit. A record without learn.until is of a version that told all at once, when the time was over. */
int link_apply_learnt(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "link");
    tq_time from = event_when(&a->ev, "learn.from");
    bool at_once = !event_has(&a->ev, "learn.until");
    if (name.n == 0 || link_have_row(a, name, e) != 0)
        return name.n == 0 ? 0 : -1;
    struct store_stmt *q = store_stmt(a->w, "SELECT learn_floor FROM link WHERE name = ?1");
    store_bind_text(q, 1, name);
    if (!at_once && from < store_run_int(q, 0, NULL))
        return 0; /* a relay that has not heard yet that it was taken back */
    if ((at_once && drop_words(a, name, LINK_WORDS_LEARNT, e) != 0) || put_words(a, name, LINK_WORDS_LEARNT, e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE link SET learn_from = iif(?2 = 0 OR learn_from <= ?2, learn_from, ?2), "
                         "learn_size = max(learn_size, ?3), learn_rate = max(learn_rate, ?4), "
                         "proposed_at = iif(?5, ?6, proposed_at) WHERE name = ?1");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, from);
    store_bind_int(q, 3, event_int(&a->ev, "size", 0));
    store_bind_int(q, 4, event_int(&a->ev, "rate", 0));
    store_bind_int(q, 5, at_once || event_int(&a->ev, "learn.over", 0) != 0);
    store_bind_int(q, 6, a->ev.time);
    view_notice(a->v, TOPIC_LINKS, name.n < VIEW_ID ? name : SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

/* What was learnt up to a record may pass. */
static int allow_learnt(struct apply *a, struct span name, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT OR IGNORE INTO link_word SELECT link, 1, what, text, record, place FROM link_word WHERE link = ?1 "
                                      "AND list = 0 AND record <= ?2 AND (?3 OR NOT (length(text) = 18 AND text LIKE 'T-%'))");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, event_int(&a->ev, "learnt_to", 0));
    store_bind_int(q, 3, span_is(event_text(&a->ev, "hidden"), "included"));
    return store_run(q, e);
}

static int take_back(struct apply *a, struct span name, struct error *e)
{
    if (drop_words(a, name, LINK_WORDS_LEARNT, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE link SET unknown = NULL, policy_by = NULL, policy_at = NULL, proposed_at = NULL, learn_from = ?2, "
                                      "learn_floor = ?2, learn_size = 0, learn_rate = 0 WHERE name = ?1");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, a->ev.time);
    return store_run(q, e);
}

static int approve(struct apply *a, struct span name, struct error *e)
{
    bool by_record = event_int(&a->ev, "learnt_to", -1) >= 0; /* else an earlier version's: it has the lists itself */
    if (by_record ? allow_learnt(a, name, e) != 0 : put_words(a, name, LINK_WORDS_ALLOWED, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE link SET unknown = ?2, allow_size = ?3, allow_rate = ?4, policy_by = nullif(?5, ''), policy_at = ?6 "
                                      "WHERE name = ?1");
    struct span unknown = event_text(&a->ev, "unknown");
    store_bind_text(q, 1, name);
    store_bind_text(q, 2, unknown.n > 0 ? unknown : SPAN_LIT("flag"));
    store_bind_int(q, 3, event_int(&a->ev, "size", 0));
    store_bind_int(q, 4, event_int(&a->ev, "rate", 0));
    store_bind_text(q, 5, event_text(&a->ev, "person"));
    store_bind_int(q, 6, a->ev.time);
    return store_run(q, e);
}

int link_apply_policy(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "link");
    if (name.n == 0 || link_have_row(a, name, e) != 0)
        return name.n == 0 ? 0 : -1;
    view_notice(a->v, TOPIC_LINKS, name.n < VIEW_ID ? name : SPAN_LIT(""), a->c->index);
    if (drop_words(a, name, LINK_WORDS_ALLOWED, e) != 0)
        return -1;
    return event_int(&a->ev, "on", 1) != 0 ? approve(a, name, e) : take_back(a, name, e);
}

/* ── reading ── */

int link_words(struct store_conn *c, struct span name, enum link_words list, link_word_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT what, text, record, place FROM link_word WHERE link = ?1 AND list = ?2 ORDER BY what, record, place");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, list);
    while (store_step(q)) {
        struct link_word w = {
            .what = (int)store_int(q, 0), .text = store_text(q, 1), .record = (uint64_t)store_int(q, 2), .place = (size_t)store_int(q, 3)};
        w.hidden = link_word_hidden(w.text);
        each(context, &w);
    }
    return store_done(q, e);
}
