#include "lab/inventory/custody.h"

#include "lab/inventory/result_private.h"
#include "lab/views_private.h"

#define RUNS_MAX 256 /* rows of one record that are read */

static const char *const words[CUSTODY_STATES] = {"pending",  "one-sided", "as-sent", "unclear", "corrected",
                                                  "replayed", "extra",     "missing", "changed"};

/* What the detector's words mean. The text of those with a part has its name for %s. */
static const struct {
    const char *verdict;
    enum custody_state state;
    const char *text;
} verdicts[] = {
    {"same", CUSTODY_AS_SENT, "It arrived as it was sent."},
    {"converted", CUSTODY_AS_SENT, "It arrived with the same value, in another unit."},
    {"late", CUSTODY_AS_SENT, "It arrived as it was sent, but late."},
    {"unclear", CUSTODY_UNCLEAR, "It was seen at both ends, but its two forms cannot be compared, or too little is known of its way to do so."},
    {"changed", CUSTODY_CHANGED, "It arrived with another %s than the one that was sent."},
    {"altered", CUSTODY_CHANGED, "It came a second time with another %s, and not as a proper correction."},
    {"corrected", CUSTODY_CORRECTED, "It properly corrects a result that was sent before."},
    {"replayed", CUSTODY_REPLAYED, "Its message had been sent and accepted before."},
    {"missing", CUSTODY_MISSING, "It was not passed on, or not accepted, and should have been."},
    {"extra", CUSTODY_EXTRA, "No analyzer was seen sending it."},
    {"stayed", CUSTODY_ONE_SIDED, "It was not seen going on. Results like it mostly do not, or too few were seen to say."},
    {"again", CUSTODY_ONE_SIDED, "It was sent once more; the later one counts."},
    {"control", CUSTODY_ONE_SIDED, "A quality control: it need not go on."},
    {"gap", CUSTODY_ONE_SIDED, "It was not seen going on, but packets are missing from what was captured then."},
    {"ended", CUSTODY_ONE_SIDED, "It was not seen going on before listening ended."},
    {"once", CUSTODY_ONE_SIDED, "It was seen at one place only, so it cannot be compared."},
    {"awaited", CUSTODY_PENDING, "It was sent, and is expected at the next place."},
};

const char *custody_word(enum custody_state s)
{
    return (unsigned)s < CUSTODY_STATES ? words[s] : "";
}

int custody_of_word(struct span word)
{
    for (int i = 0; i < CUSTODY_STATES; i++)
        if (span_is(word, words[i]))
            return i;
    return -1;
}

/* -1: not known */
static int verdict_of(struct span word)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (span_is(word, verdicts[i].verdict))
            return (int)i;
    return -1;
}

void custody_say(const struct result_row *row, struct buf *out)
{
    int v = verdict_of(row->why);
    if (v < 0)
        return;
    struct span text = span_str(verdicts[v].text);
    bool part = false;
    buf_add_span(out, span_until(&text, '%', &part));
    if (!part)
        return;
    (void)span_skip(&text, 1);
    buf_add_span(out, row->part.n > 0 ? row->part : SPAN_LIT("content"));
    buf_add_span(out, text);
}

/* ── projection ── */

/* One run of results: the places of the first ones, and how many. */
struct run {
    int64_t run;    /* of the capture */
    int64_t record; /* that says so */
    struct span message;
    struct span from;
    struct span verdict;
    struct span changed;
    struct span finding;
    enum custody_state state;
    int64_t here;
    int64_t there;
    int64_t count;
};

static void bind_run(struct store_stmt *q, const struct run *r)
{
    store_bind_int(q, 1, r->run);
    store_bind_text(q, 2, r->message);
    store_bind_int(q, 3, r->here);
    store_bind_int(q, 4, r->here + r->count - 1);
}

/* The rows here follow those there; and so do the rows that follow those. */
static int link_rows(struct store_conn *w, const struct run *r, struct error *e)
{
    struct store_stmt *q = store_stmt(
        w, "UPDATE result AS l SET prev = f.n, head = coalesce(f.head, f.n), changed = iif(l.step = 'changed', l.changed, ?8), "
           "told = iif(l.step = 'changed', l.told, ?9), step = iif(l.step = 'changed', l.step, ?7) FROM result AS f WHERE l.run = ?1 AND "
           "l.message = ?2 AND l.place BETWEEN ?3 AND ?4 AND f.run = ?1 AND f.message = ?5 AND f.place = l.place - ?3 + ?6 "
           "AND coalesce(f.head, f.n) <> l.n");
    bind_run(q, r);
    store_bind_text(q, 5, r->from);
    store_bind_int(q, 6, r->there);
    store_bind_text(q, 7, r->verdict);
    if (r->changed.n > 0)
        store_bind_text(q, 8, r->changed);
    store_bind_int(q, 9, r->record);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(w, "UPDATE result AS c SET head = l.head FROM result AS l WHERE l.run = ?1 AND l.message = ?2 AND l.place BETWEEN ?3 AND ?4 AND "
                      "l.head IS NOT NULL AND c.head = l.n");
    bind_run(q, r);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(w, "INSERT INTO followed SELECT src FROM result WHERE run = ?1 AND message = ?2 AND place = ?3 AND src IS NOT NULL "
                      "ON CONFLICT DO NOTHING");
    store_bind_int(q, 1, r->run);
    store_bind_text(q, 2, r->from);
    store_bind_int(q, 3, r->there);
    return store_run(q, e);
}

/* What this says, and what was said of the rows here before they followed others, counts for the first rows; what was missing and arrives is late. */
static int settle(struct store_conn *w, const struct run *r, struct error *e)
{
    struct store_stmt *q = store_stmt(
        w,
        "UPDATE result AS h SET last = coalesce(l.last, l.n, h.last), told = iif(l.n = h.n, ?11, h.told), "
        "state = iif(h.state = ?9 AND ?5 = ?10, ?5, max(h.state, ?5, l.state)), "
        "why = CASE WHEN h.state = ?9 AND ?5 = ?10 THEN 'late' WHEN l.n <> h.n AND l.state > max(h.state, ?5) THEN l.why WHEN ?5 >= h.state THEN ?6 "
        "ELSE h.why END, "
        "part = CASE WHEN l.n <> h.n AND l.state > max(h.state, ?5) THEN l.part WHEN ?5 > h.state THEN ?7 ELSE coalesce(h.part, ?7) END, "
        "finding = CASE WHEN l.n <> h.n AND l.state > max(h.state, ?5) THEN l.finding WHEN ?5 > h.state THEN ?8 ELSE coalesce(h.finding, ?8) END "
        "FROM result AS l WHERE l.run = ?1 AND l.message = ?2 AND l.place BETWEEN ?3 AND ?4 AND h.n = coalesce(l.head, l.n)");
    bind_run(q, r);
    store_bind_int(q, 5, r->state);
    store_bind_text(q, 6, r->verdict);
    if (r->changed.n > 0)
        store_bind_text(q, 7, r->changed);
    if (r->finding.n > 0)
        store_bind_text(q, 8, r->finding);
    store_bind_int(q, 9, CUSTODY_MISSING);
    store_bind_int(q, 10, CUSTODY_AS_SENT);
    store_bind_int(q, 11, r->record);
    return store_run(q, e);
}

int custody_apply(struct apply *a, struct error *e)
{
    const struct event_view *ev = &a->ev;
    struct run r = {.run = counter_now(a, "runs", e),
                    .record = (int64_t)a->c->index,
                    .message = event_text(ev, "message"),
                    .from = event_text(ev, "step.from"),
                    .verdict = event_text(ev, "step.verdict"),
                    .changed = event_text(ev, "step.changed"),
                    .finding = event_text(ev, "id")};
    int v = verdict_of(r.verdict);
    if (v < 0 || r.message.n == 0)
        return 0;
    r.state = verdicts[v].state;
    /* the same link again is no next place */
    bool on = r.from.n > 0 && !span_is(r.verdict, "altered") && !span_is(r.verdict, "corrected");
    for (size_t i = 0; i < RUNS_MAX; i++) {
        r.here = event_item_int(ev, "step.here", i, -1);
        r.there = event_item_int(ev, "step.there", i, -1);
        r.count = event_item_int(ev, "step.count", i, 0);
        if (r.here < 0 || r.count <= 0 || r.count > UINT16_MAX)
            break;
        if ((on && r.there >= 0 && link_rows(a->w, &r, e) != 0) || settle(a->w, &r, e) != 0)
            return -1;
    }
    view_notice(a->v, TOPIC_RESULTS, SPAN_LIT(""), a->c->index);
    return 0;
}

int custody_stopped(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE result SET awaited = 0, state = ?1, why = 'ended' WHERE awaited = 1 AND state = 0 "
                                            "AND NOT EXISTS (SELECT 1 FROM capture WHERE state = 'reading')");
    store_bind_int(q, 1, CUSTODY_ONE_SIDED);
    return store_run(q, e);
}

/* ── reading ── */

int custody_summary(struct store_conn *c, struct custody_summary *ret, struct error *e)
{
    *ret = (struct custody_summary){0};
    struct store_stmt *q = store_stmt(c, "SELECT state, results FROM result_tally");
    while (store_step(q)) {
        int64_t state = store_int(q, 0);
        ret->total += store_int(q, 1);
        if (state > CUSTODY_PENDING && state < CUSTODY_STATES)
            ret->of[state] = store_int(q, 1);
    }
    if (store_done(q, e) != 0)
        return -1;
    ret->of[CUSTODY_PENDING] = store_run_int(store_stmt(c, "SELECT count(*) FROM result INDEXED BY result_awaited WHERE awaited = 1 AND state = 0 "
                                                           "AND head IS NULL AND time > " RESULT_AWAITED_SINCE),
                                             0, e);
    ret->since = store_run_int(store_stmt(c, "SELECT time FROM result ORDER BY n LIMIT 1"), 0, e);
    int64_t told = 0;
    for (int i = 0; i < CUSTODY_STATES; i++)
        told += i == CUSTODY_ONE_SIDED ? 0 : ret->of[i];
    ret->of[CUSTODY_ONE_SIDED] = ret->total - told; /* and those of which nothing was told */
    return 0;
}

int custody_chain(struct store_conn *c, uint64_t record, result_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " RESULT_COLUMNS " FROM " RESULT_TABLES
                                         " WHERE r.n = (SELECT coalesce(head, n) FROM result WHERE record = ?1) OR "
                                         "r.head = (SELECT coalesce(head, n) FROM result WHERE record = ?1) ORDER BY r.head IS NOT NULL, r.time, r.n "
                                         "LIMIT 32");
    store_bind_int(q, 1, (int64_t)record);
    struct result_row row;
    while (store_step(q)) {
        result_row_of(q, &row);
        each(context, &row);
    }
    return store_done(q, e);
}

int custody_find(struct store_conn *c, struct span specimen, struct span test, result_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " RESULT_COLUMNS " FROM " RESULT_TABLES
                                         " WHERE r.n IN (SELECT min(n) FROM result WHERE specimen = ?1 AND (test_code = ?2 COLLATE NOCASE OR "
                                         "test_text = ?2 COLLATE NOCASE) GROUP BY coalesce(head, n) ORDER BY max(n) DESC LIMIT 8) ORDER BY r.n DESC");
    store_bind_text(q, 1, specimen);
    store_bind_text(q, 2, test);
    struct result_row row;
    while (store_step(q)) {
        result_row_of(q, &row);
        each(context, &row);
    }
    return store_done(q, e);
}
