/* What records say about accounts. A record that cannot be meant (an unknown role, an account that is not there) is ignored. */
#include "lab/people/account.h"
#include "lab/views_private.h"

/* The account that the record in hand is about. False: it names none. */
static bool subject(const struct apply *a, char out[ACCOUNT_NAME_MAX + 1])
{
    return account_name(event_text(&a->ev, "account"), out);
}

static void secret(const struct apply *a, const char *key, char out[ACCOUNT_HASH_MAX])
{
    if (!event_member(a->c->private_json, key, out, ACCOUNT_HASH_MAX))
        out[0] = 0;
}

static int changed(struct apply *a, const char *name, int rc)
{
    view_notice(a->v, TOPIC_PEOPLE, span_str(name), a->c->index);
    return rc;
}

/* A change of one account by a statement whose ?1 is the name and ?2 the record. */
static struct store_stmt *change(struct apply *a, const char *sql, const char *name)
{
    struct store_stmt *q = store_stmt(a->w, sql);
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, (int64_t)a->c->index);
    return q;
}

static int touch(struct apply *a, const char *name, struct error *e)
{
    return changed(a, name, store_run(change(a, "UPDATE account SET changed = ?2 WHERE name = ?1", name), e));
}

/* ── roles ── */

static int grant(struct apply *a, const char *name, struct error *e)
{
    enum job role;
    struct span by = event_text(&a->ev, "person");
    if (!job_find(event_text(&a->ev, "account_role"), &role))
        return 0;
    /* the same role anew takes the place of the earlier grant */
    struct store_stmt *q = store_stmt(a->w, "UPDATE account_grant SET ended = ?3, ended_by = ?4, ended_why = 'granted anew', ended_record = ?5 WHERE "
                                            "account = ?1 AND role = ?2 AND site = ?6 AND ended = 0");
    store_bind_str(q, 1, name);
    store_bind_str(q, 2, job_name(role));
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, by);
    store_bind_int(q, 5, (int64_t)a->c->index);
    store_bind_text(q, 6, event_text(&a->ev, "site"));
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "INSERT INTO account_grant(account, role, site, since, until, by, why, record, ended, ended_by, ended_why, ended_record, "
                         "maker) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', '', -1, ?9 FROM account WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_str(q, 2, job_name(role));
    store_bind_text(q, 3, event_text(&a->ev, "site"));
    store_bind_int(q, 4, a->ev.time);
    store_bind_int(q, 5, event_when(&a->ev, "until"));
    store_bind_text(q, 6, span_is(by, name) ? SPAN_LIT("") : by); /* the first administrator: the set-up code gave it */
    store_bind_text(q, 7, event_text(&a->ev, "why"));
    store_bind_int(q, 8, (int64_t)a->c->index);
    store_bind_text(q, 9, event_text(&a->ev, "for_maker"));
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM account_grant WHERE account = ?1 AND ended <> 0 AND n <= (SELECT n FROM account_grant WHERE account = ?1 "
                         "ORDER BY n DESC LIMIT 1 OFFSET ?2)");
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, KEEP_GRANTS);
    return store_run(q, e);
}

int account_apply_granted(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    return !subject(a, name) ? 0 : grant(a, name, e) != 0 ? -1 : touch(a, name, e);
}

int account_apply_withdrawn(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    if (!subject(a, name))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE account_grant SET ended = ?3, ended_by = ?4, ended_why = ?5, ended_record = ?6 WHERE account = "
                                            "?1 AND role = ?2 AND ended = 0");
    store_bind_str(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "account_role"));
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_text(q, 5, event_text(&a->ev, "why"));
    store_bind_int(q, 6, (int64_t)a->c->index);
    return store_run(q, e) != 0 ? -1 : touch(a, name, e);
}

/* ── the account itself ── */

int account_apply_created(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char hash[ACCOUNT_HASH_MAX];
    char invite[ACCOUNT_HASH_MAX];
    enum job role;
    struct span by = event_text(&a->ev, "person");
    secret(a, "password_hash", hash);
    secret(a, "invite_hash", invite);
    struct span given = event_text(&a->ev, "account_role");
    if (!subject(a, name) || (hash[0] == 0 && invite[0] == 0) || (given.n > 0 && !job_find(given, &role)))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO account SELECT ?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, 0, 0, '', 0, ?10 WHERE "
                                            "?12 < ?11 ON CONFLICT DO NOTHING");
    store_bind_str(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "display_name"));
    store_bind_str(q, 3, hash[0] != 0 ? "active" : "invited");
    store_bind_str(q, 4, hash);
    store_bind_int(q, 5, hash[0] != 0 ? a->ev.time : 0);
    store_bind_str(q, 6, invite);
    store_bind_int(q, 7, invite[0] != 0 ? event_when(&a->ev, "until") : 0);
    store_bind_int(q, 8, a->ev.time);
    store_bind_text(q, 9, span_is(by, name) ? SPAN_LIT("") : by);
    store_bind_int(q, 10, (int64_t)a->c->index);
    store_bind_int(q, 11, KEEP_ACCOUNTS);
    store_bind_int(q, 12, counter_now(a, "accounts", e));
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "SELECT changed = ?2 FROM account WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, (int64_t)a->c->index);
    bool made = store_run_int(q, 0, e) == 1; /* else: a second one of this name */
    if (made && counter_add(a, "accounts", 1, e) != 0)
        return -1;
    if (made && given.n > 0 && hash[0] != 0 && grant(a, name, e) != 0)
        return -1;
    return changed(a, name, 0);
}

int account_apply_edited(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct span shown = event_text(&a->ev, "display_name");
    if (!subject(a, name) || !account_display_name_valid(shown))
        return 0;
    struct store_stmt *q = change(a, "UPDATE account SET display_name = ?3, changed = ?2 WHERE name = ?1", name);
    store_bind_text(q, 3, shown);
    return changed(a, name, store_run(q, e));
}

int account_apply_closed(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    if (!subject(a, name))
        return 0;
    struct store_stmt *q = change(
        a, "UPDATE account SET state = 'closed', closed = ?3, invite_hash = '', invite_until = 0, changed = ?2 WHERE name = ?1", name);
    store_bind_int(q, 3, a->ev.time);
    if (store_run(q, e) != 0 || passkey_drop_all(a, span_str(name), e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE account_grant SET ended = ?2, ended_by = ?3, ended_why = ?4, ended_record = ?5 WHERE account = ?1 AND ended = 0");
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_str(q, 4, "the account was closed");
    store_bind_int(q, 5, (int64_t)a->c->index);
    if (store_run(q, e) != 0)
        return -1;
    return changed(a, name, token_end_all(a, name, "the account was closed", e));
}

/* A one-time code takes the place of the password: of one that was forgotten, that somebody else may know, or of an account opened again. */
static int invite(struct apply *a, const char *name, struct error *e)
{
    char hash[ACCOUNT_HASH_MAX];
    secret(a, "invite_hash", hash);
    struct store_stmt *q = change(a,
                                  "UPDATE account SET state = 'invited', closed = 0, password_known = 1, invite_hash = ?3, invite_until = ?4, "
                                  "changed = ?2 WHERE name = ?1",
                                  name);
    store_bind_str(q, 3, hash);
    store_bind_int(q, 4, event_when(&a->ev, "until"));
    return changed(a, name, store_run(q, e));
}

int account_apply_reopened(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    return subject(a, name) ? invite(a, name, e) : 0;
}

int account_apply_reset(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    if (!subject(a, name))
        return 0;
    if (event_int(&a->ev, "compromised", 0) == 1 && token_end_all(a, name, "the password may be known to somebody else", e) != 0)
        return -1;
    return invite(a, name, e);
}

int account_apply_password(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char hash[ACCOUNT_HASH_MAX];
    secret(a, "password_hash", hash);
    if (!subject(a, name) || hash[0] == 0)
        return 0;
    /* hashed anew at a sign-in: it is as old as before */
    bool same = span_is(event_text(&a->ev, "state"), "rehashed");
    struct store_stmt *q = change(a,
                                  "UPDATE account SET state = 'active', password_hash = ?3, password_set = CASE WHEN ?4 THEN password_set ELSE ?5 "
                                  "END, password_known = 0, invite_hash = '', invite_until = 0, changed = ?2 WHERE name = ?1 AND state <> 'closed'",
                                  name);
    store_bind_str(q, 3, hash);
    store_bind_int(q, 4, same);
    store_bind_int(q, 5, a->ev.time);
    return changed(a, name, store_run(q, e));
}

int account_apply_reviewed(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct span by = event_text(&a->ev, "person");
    for (size_t i = 0; account_name(event_item(&a->ev, "reviewed", i), name); i++) {
        struct store_stmt *q = change(a, "UPDATE account SET reviewed = ?3, reviewed_by = ?4, changed = ?2 WHERE name = ?1", name);
        store_bind_int(q, 3, a->ev.time);
        store_bind_text(q, 4, by);
        if (store_run(q, e) != 0)
            return -1;
        (void)changed(a, name, 0);
    }
    return 0;
}

int account_apply_signed_in(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    if (!subject(a, name))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE account SET last_sign_in = ?2 WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "INSERT OR REPLACE INTO account_place SELECT name, ?2, ?3 FROM account WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "origin"));
    store_bind_int(q, 3, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM account_place WHERE account = ?1 AND origin NOT IN (SELECT origin FROM account_place WHERE account = ?1 "
                         "ORDER BY last DESC, origin LIMIT ?2)");
    store_bind_str(q, 1, name);
    store_bind_int(q, 2, KEEP_PLACES);
    return store_run(q, e);
}
