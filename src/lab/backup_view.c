#include "lab/backup_view.h"

#include "lab/views_private.h"

#include <stdio.h>

#define KEEP_BACKUPS 1000

int backup_apply_made(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "backup");
    if (id.n == 0 || id.n > 64)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO backup(id, at, bytes, records, place) VALUES (?1, ?2, ?3, ?4, ?5)");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, a->ev.time);
    store_bind_int(q, 3, event_int(&a->ev, "bytes", 0));
    store_bind_int(q, 4, event_int(&a->ev, "tree_size", 0));
    store_bind_text(q, 5, event_text(&a->ev, "where"));
    if (store_run(q, e) != 0)
        return -1;
    for (size_t i = 0; event_item(&a->ev, "removed", i).n > 0; i++) {
        q = store_stmt(a->w, "DELETE FROM backup WHERE id = ?1");
        store_bind_text(q, 1, event_item(&a->ev, "removed", i));
        if (store_run(q, e) != 0)
            return -1;
    }
    q = store_stmt(a->w, "DELETE FROM backup WHERE at < (SELECT at FROM backup ORDER BY at DESC LIMIT 1 OFFSET ?1)");
    store_bind_int(q, 1, KEEP_BACKUPS - 1);
    return store_run(q, e);
}

int backup_apply_tested(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE backup SET tested_at = ?2, holds = ?3, why = nullif(?4, '') WHERE id = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "backup"));
    store_bind_int(q, 2, a->ev.time);
    store_bind_int(q, 3, event_int(&a->ev, "holds", 0));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    return store_run(q, e);
}

int retention_apply_removed(struct apply *a, struct error *e)
{
    struct span day = event_text(&a->ev, "day");
    if (day.n != 10)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO retention VALUES (?1, ?2, ?3, ?4) ON CONFLICT(kind) DO UPDATE SET until = max(until, "
                                            "excluded.until), records = records + excluded.records, bytes = bytes + excluded.bytes");
    store_bind_text(q, 1, event_text(&a->ev, "kind"));
    store_bind_text(q, 2, day);
    store_bind_int(q, 3, event_int(&a->ev, "records", 0));
    store_bind_int(q, 4, event_int(&a->ev, "bytes", 0));
    if (store_run(q, e) != 0)
        return -1;
    return span_is(event_text(&a->ev, "kind"), "evidence") ? finding_apply_packets_removed(a, e) : 0;
}

int backup_list(struct store_conn *c, backup_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT id, at, bytes, records, place, tested_at, holds, why FROM backup ORDER BY at DESC, id");
    while (store_step(q)) {
        struct backup_row row = {
            .id = store_text(q, 0),
            .at = store_int(q, 1),
            .bytes = store_int(q, 2),
            .records = store_int(q, 3),
            .place = store_text(q, 4),
            .tested_at = store_int(q, 5),
            .holds = store_int(q, 6) != 0,
            .why = store_text(q, 7),
        };
        each(context, &row);
    }
    return store_done(q, e);
}

bool backup_finding_open(struct store_conn *c, const char *kind)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM finding WHERE kind = ?1 AND state <> 'dismissed'");
    store_bind_str(q, 1, kind);
    return store_run_int(q, 0, NULL) > 0;
}

bool backup_finding_told(struct store_conn *c, const char *kind)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM finding WHERE kind = ?1 AND ended = 0");
    store_bind_str(q, 1, kind);
    return store_run_int(q, 0, NULL) > 0;
}

int backup_summary(struct store_conn *c, struct backup_summary *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT max(at), max(tested_at), (SELECT id FROM backup WHERE holds = 1 ORDER BY tested_at DESC LIMIT 1) FROM backup");
    *ret = (struct backup_summary){0};
    if (store_step(q)) {
        ret->made = store_int(q, 0);
        ret->tested = store_int(q, 1);
        (void)snprintf(ret->good, sizeof ret->good, "%.*s", (int)store_text(q, 2).n, store_text(q, 2).n == 0 ? "" : (const char *)store_text(q, 2).p);
    }
    if (store_done(q, e) != 0)
        return -1;
    ret->overdue = backup_finding_open(c, "ledger.backup_overdue");
    ret->broken = backup_finding_open(c, "ledger.backup_broken");
    return 0;
}

tq_time retention_until(struct store_conn *c, const char *kind)
{
    struct store_stmt *q = store_stmt(c, "SELECT until FROM retention WHERE kind = ?1");
    char text[32] = "";
    tq_time t = 0;
    store_bind_str(q, 1, kind);
    if (store_step(q) && store_text(q, 0).n == 10)
        (void)snprintf(text, sizeof text, "%.10sT00:00:00Z", (const char *)store_text(q, 0).p);
    (void)store_done(q, NULL);
    return text[0] != 0 && time_parse(span_str(text), &t) ? t : 0;
}
