#include "lab/people/recovery.h"

#include "lab/views_private.h"

#include <stdio.h>

int recovery_apply_asked(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "recovery");
    if (id.n == 0 || id.n >= RECOVERY_ID)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO recovery(id, account, why, asked_by, asked_at, until) "
                                            "SELECT ?1, name, ?3, ?4, ?5, ?6 FROM account WHERE name = ?2");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "account"));
    store_bind_text(q, 3, event_text(&a->ev, "why"));
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_int(q, 5, a->ev.time);
    store_bind_int(q, 6, a->ev.time + RECOVERY_AGE);
    return store_run(q, e);
}

/* By another person than asked, and once. */
int recovery_apply_approved(struct apply *a, struct error *e)
{
    char hash[RECOVERY_HASH];
    if (!event_member(a->c->private_json, "recovery_hash", hash, sizeof hash))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE recovery SET approved_by = ?2, hash = ?3, until = ?4 "
                                            "WHERE id = ?1 AND hash = '' AND asked_by <> ?2 AND account <> ?2");
    store_bind_text(q, 1, event_text(&a->ev, "recovery"));
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_str(q, 3, hash);
    store_bind_int(q, 4, a->ev.time + RECOVERY_AGE);
    return store_run(q, e);
}

/* Used or withdrawn. What was used takes the place of every passkey and app that there was: they may be in other hands. */
int recovery_apply_ended(struct apply *a, struct error *e)
{
    if (a->ev.event == EVENT_RECOVERY_USED)
        return passkey_drop_all(a, event_text(&a->ev, "account"), e);
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM recovery WHERE id = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "recovery"));
    return store_run(q, e);
}

/* ── reading ── */

#define COLUMNS "SELECT id, account, why, asked_by, asked_at, approved_by, hash, until FROM recovery "

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n > 0 ? (const char *)text.p : "");
}

static void read_row(struct store_stmt *q, struct recovery *r)
{
    *r = (struct recovery){.why = store_text(q, 2), .asked_at = store_int(q, 4), .until = store_int(q, 7)};
    copy(r->id, sizeof r->id, store_text(q, 0));
    copy(r->account, sizeof r->account, store_text(q, 1));
    copy(r->asked_by, sizeof r->asked_by, store_text(q, 3));
    copy(r->approved_by, sizeof r->approved_by, store_text(q, 5));
    copy(r->hash, sizeof r->hash, store_text(q, 6));
}

static int one(struct store_stmt *q, struct span key, tq_time now, struct recovery *ret, bool *ret_found, struct error *e)
{
    store_bind_text(q, 1, key);
    store_bind_int(q, 2, now);
    *ret_found = store_step(q);
    if (*ret_found)
        read_row(q, ret);
    ret->why = (struct span){0};
    return store_done(q, e);
}

int recovery_get(struct store_conn *c, struct span id, tq_time now, struct recovery *ret, bool *ret_found, struct error *e)
{
    return one(store_stmt(c, COLUMNS "WHERE id = ?1 AND until > ?2"), id, now, ret, ret_found, e);
}

int recovery_of(struct store_conn *c, struct span account, tq_time now, struct recovery *ret, bool *ret_found, struct error *e)
{
    return one(store_stmt(c, COLUMNS "WHERE account = ?1 AND until > ?2"), account, now, ret, ret_found, e);
}

int recovery_list(struct store_conn *c, tq_time now, recovery_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, COLUMNS "WHERE until > ?1 ORDER BY asked_at");
    store_bind_int(q, 1, now);
    while (store_step(q)) {
        struct recovery r;
        read_row(q, &r);
        each(context, &r);
    }
    return store_done(q, e);
}
