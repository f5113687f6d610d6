#include "lab/people/act.h"

#include "lab/ledger_view.h"
#include "lab/views_private.h"

#include <stdio.h>

#define KEEP_ACTS 100000

/* ── settings of lab.yaml ── */

/* The names of what changed, with commas between. */
static void setting_names(const struct event_view *ev, char *out, size_t size)
{
    struct span one;
    for (size_t i = 0, n = 0; i < SETTINGS_MOST && (one = event_item(ev, "settings", i)).n > 0; i++) {
        int more = snprintf(out + n, size - n, "%s%.*s", n > 0 ? ", " : "", (int)one.n, (const char *)one.p);
        if (more < 0 || n + (size_t)more >= size)
            return;
        n += (size_t)more;
    }
}

int setting_apply(struct apply *a, struct error *e)
{
    struct span one;
    for (size_t i = 0; i < SETTINGS_MOST && (one = event_item(&a->ev, "edits", i)).n > 0; i++) {
        struct span name = span_until(&one, '=', NULL);
        struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO setting SELECT ?1, ?2 WHERE (SELECT count(*) FROM setting) < ?3 OR EXISTS "
                                                "(SELECT 1 FROM setting WHERE name = ?1)");
        store_bind_text(q, 1, name);
        store_bind_text(q, 2, one);
        store_bind_int(q, 3, SETTINGS_MOST);
        if (store_run(q, e) != 0)
            return -1;
    }
    return 0;
}

bool setting_same(struct store_conn *c, const char *name, const char *digest)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM setting WHERE name = ?1 AND digest = ?2");
    store_bind_str(q, 1, name);
    store_bind_str(q, 2, digest);
    return store_run_int(q, 0, NULL) != 0;
}

bool setting_any(struct store_conn *c)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM setting"), 0, NULL) != 0;
}

/* ── doings ── */

int act_apply(struct apply *a, struct error *e)
{
    struct span person = event_text(&a->ev, "person");
    struct span account = event_text(&a->ev, "account");
    if (!a->c->custody || event_maker(a->ev.event) != MAKER_KEEPER || (person.n == 0 && account.n == 0 && a->ev.event != EVENT_CONFIG_CHANGED))
        return 0;
    const char *name = event_name(a->ev.event);
    if (person.n > 0 && (strncmp(name, "asset.", 6) == 0 || strncmp(name, "finding.", 8) == 0))
        atomic_store(&a->v->decided, a->c->index + 1);
    char settings[512] = "";
    if (a->ev.event == EVENT_CONFIG_CHANGED)
        setting_names(&a->ev, settings, sizeof settings);
    if (a->ev.event == EVENT_TRAINING_BEGUN || a->ev.event == EVENT_TRAINING_ANSWERED)
        return 0; /* how somebody gets on with learning is nobody's business */
    struct buf what = BUF_INIT(1024);
    ledger_say_what(&a->ev, &what);
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO act VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, person);
    store_bind_text(q, 4, account);
    store_bind_str(q, 5, name);
    store_bind_text(q, 6, buf_ok(&what) ? buf_span(&what) : SPAN_LIT(""));
    store_bind_text(q, 7, event_text(&a->ev, "permission"));
    store_bind_text(q, 8, event_text(&a->ev, "by_role"));
    store_bind_text(q, 9, event_text(&a->ev, "why"));
    store_bind_text(q, 10, event_text(&a->ev, "origin"));
    store_bind_text(q, 11, a->ev.event == EVENT_CONFIG_CHANGED ? span_str(settings) : ledger_object(&a->ev));
    store_bind_text(q, 12, event_text(&a->ev, "asset"));
    int rc = store_run(q, e);
    buf_release(&what);
    if (rc != 0)
        return -1;
    view_notice(a->v, TOPIC_ACTS, SPAN_LIT(""), a->c->index);
    if (counter_add(a, "acts", 1, e) != 0)
        return -1;
    if (counter_now(a, "acts", e) <= KEEP_ACTS + KEEP_SLACK)
        return 0;
    q = store_stmt(a->w, "DELETE FROM act WHERE record <= (SELECT record FROM act ORDER BY record DESC LIMIT 1 OFFSET ?1)");
    store_bind_int(q, 1, KEEP_ACTS);
    return store_run(q, e) != 0 ? -1 : counter_add(a, "acts", -KEEP_SLACK - 1, e);
}

#define MATCHES                                                                                                                                      \
    "(CASE WHEN ?1 <> '' AND ?1 = ?2 THEN act.person = ?1 OR act.account = ?1 ELSE (?1 = '' OR act.person = ?1) AND (?2 = '' OR act.account = ?2) "  \
    "END) AND (?3 = '' OR event = ?3 OR substr(event, 1, length(?3) + 1) = ?3 || '.') AND (?4 = '' OR instr(lower(what), lower(?4)) > 0 OR "         \
    "instr(lower(object), lower(?4)) > 0 OR "                                                                                                        \
    "instr(lower(why), lower(?4)) > 0 OR instr(lower(origin), lower(?4)) > 0) AND (?5 < 0 OR record = ?5) AND (?8 = 0 OR time >= ?8) AND (?9 = 0 "   \
    "OR time < ?9) AND (?10 = '' OR asset = ?10) AND "                                                                                               \
    "(?11 = '' OR permission = ?11 OR substr(permission, 1, length(?11) + 1) = ?11 || '.')"

static void bind(struct store_stmt *q, const struct act_query *query)
{
    store_bind_text(q, 1, query->person);
    store_bind_text(q, 2, query->account);
    store_bind_text(q, 3, query->event);
    store_bind_text(q, 4, query->text);
    store_bind_int(q, 5, query->record);
    store_bind_int(q, 8, query->since);
    store_bind_int(q, 9, query->until);
    store_bind_text(q, 10, query->asset);
    store_bind_text(q, 11, query->permission);
}

int act_list(struct store_conn *c, const struct act_query *query, act_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT record, time, act.person, coalesce(account.display_name, act.person), act.account, event, what, "
           "permission, role, why, origin, object, asset FROM act LEFT JOIN account ON account.name = act.person WHERE " MATCHES
           " AND record < ?6 ORDER BY record DESC LIMIT ?7");
    bind(q, query);
    store_bind_int(q, 6, query->before > 0 ? query->before : INT64_MAX);
    store_bind_int(q, 7, query->limit);
    while (store_step(q)) {
        struct act_row row = {
            .record = (uint64_t)store_int(q, 0),
            .time = store_int(q, 1),
            .person = store_text(q, 2),
            .display_name = store_text(q, 3),
            .account = store_text(q, 4),
            .event = store_text(q, 5),
            .what = store_text(q, 6),
            .permission = store_text(q, 7),
            .role = store_text(q, 8),
            .why = store_text(q, 9),
            .origin = store_text(q, 10),
            .object = store_text(q, 11),
            .asset = store_text(q, 12),
        };
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t act_total(struct store_conn *c, const struct act_query *query, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM act WHERE " MATCHES);
    bind(q, query);
    return store_run_int(q, -1, e);
}
