#include "lab/people/passkey.h"

#include "base/text.h"
#include "lab/views_private.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

void passkey_handle(struct span id, char out[PASSKEY_HANDLE])
{
    uint8_t hash[SHA256_SIZE];
    struct span parts[] = {SPAN_LIT("tourniquet passkey handle"), id};
    crypto_sha256_parts(parts, 2, hash);
    text_hex_to(out, hash, (PASSKEY_HANDLE - 1) / 2);
}

bool passkey_name_valid(struct span name)
{
    return name.n <= 4 * PASSKEY_NAME_MAX && account_display_name_valid(name);
}

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n > 0 ? (const char *)text.p : "");
}

/* ── what the ledger says ── */

/* The account and the passkey that the record is about. False: it is about none. */
static bool about(struct apply *a, struct span *ret_account, struct span *ret_id)
{
    *ret_account = event_text(&a->ev, "account");
    *ret_id = event_text(&a->ev, "passkey.id");
    return ret_account->n > 0 && ret_id->n > 0 && ret_id->n < PASSKEY_ID_TEXT;
}

int passkey_apply_added(struct apply *a, struct error *e)
{
    struct span account;
    struct span id;
    struct span key = event_text(&a->ev, "passkey.key");
    char handle[PASSKEY_HANDLE];
    if (!about(a, &account, &id) || key.n == 0 || key.n >= PASSKEY_KEY_TEXT)
        return 0;
    passkey_handle(id, handle);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO passkey(id, handle, account, name, key, user, transports, counter, flags, added) "
                                            "SELECT ?1, ?2, name, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM account WHERE name = ?3 "
                                            "AND (SELECT count(*) FROM passkey WHERE account = ?3 AND stopped = 0) < ?11 ON CONFLICT DO NOTHING");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, handle);
    store_bind_text(q, 3, account);
    store_bind_text(q, 4, event_text(&a->ev, "name"));
    store_bind_text(q, 5, key);
    store_bind_text(q, 6, event_text(&a->ev, "passkey.user"));
    store_bind_text(q, 7, event_text(&a->ev, "passkey.transports"));
    store_bind_int(q, 8, event_int(&a->ev, "passkey.counter", 0));
    store_bind_int(q, 9, event_int(&a->ev, "passkey.flags", 0));
    store_bind_int(q, 10, a->ev.time);
    store_bind_int(q, 11, PASSKEYS_PER_ACCOUNT);
    return store_run(q, e);
}

/* A statement about a passkey of an account (?1, ?2). NULL: the record is about none. */
static struct store_stmt *change(struct apply *a, const char *sql)
{
    struct span account;
    struct span id;
    if (!about(a, &account, &id))
        return NULL;
    struct store_stmt *q = store_stmt(a->w, sql);
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, account);
    return q;
}

int passkey_apply_used(struct apply *a, struct error *e)
{
    struct store_stmt *q = change(a, "UPDATE passkey SET counter = max(counter, ?3), used = ?4 WHERE id = ?1 AND account = ?2");
    if (q == NULL)
        return 0;
    store_bind_int(q, 3, event_int(&a->ev, "passkey.counter", 0));
    store_bind_int(q, 4, a->ev.time);
    return store_run(q, e);
}

int passkey_apply_renamed(struct apply *a, struct error *e)
{
    struct store_stmt *q = change(a, "UPDATE passkey SET name = ?3 WHERE id = ?1 AND account = ?2");
    if (q == NULL)
        return 0;
    store_bind_text(q, 3, event_text(&a->ev, "name"));
    return store_run(q, e);
}

int passkey_apply_stopped(struct apply *a, struct error *e)
{
    struct store_stmt *q = change(a, "UPDATE passkey SET stopped = ?3 WHERE id = ?1 AND account = ?2");
    if (q == NULL)
        return 0;
    store_bind_int(q, 3, a->ev.time);
    return store_run(q, e);
}

int passkey_apply_removed(struct apply *a, struct error *e)
{
    struct store_stmt *q = change(a, "DELETE FROM passkey WHERE id = ?1 AND account = ?2");
    return q == NULL ? 0 : store_run(q, e);
}

int passkey_drop_all(struct apply *a, struct span account, struct error *e)
{
    static const char *const all[] = {"DELETE FROM passkey WHERE account = ?1", "DELETE FROM totp WHERE account = ?1",
                                      "DELETE FROM recovery WHERE account = ?1"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct store_stmt *q = store_stmt(a->w, all[i]);
        store_bind_text(q, 1, account);
        if (store_run(q, e) != 0)
            return -1;
    }
    return 0;
}

/* ── reading ── */

#define COLUMNS "SELECT id, handle, account, name, key, user, transports, counter, flags, added, used, stopped FROM passkey "

static void read_row(struct store_stmt *q, struct passkey *p)
{
    copy(p->id, sizeof p->id, store_text(q, 0));
    copy(p->handle, sizeof p->handle, store_text(q, 1));
    copy(p->account, sizeof p->account, store_text(q, 2));
    copy(p->name, sizeof p->name, store_text(q, 3));
    copy(p->key, sizeof p->key, store_text(q, 4));
    copy(p->user, sizeof p->user, store_text(q, 5));
    copy(p->transports, sizeof p->transports, store_text(q, 6));
    p->counter = (uint32_t)store_int(q, 7);
    p->flags = (uint8_t)store_int(q, 8);
    p->added = store_int(q, 9);
    p->used = store_int(q, 10);
    p->stopped = store_int(q, 11);
}

static int one(struct store_stmt *q, struct passkey *ret, bool *ret_found, struct error *e)
{
    *ret_found = store_step(q);
    if (*ret_found)
        read_row(q, ret);
    return store_done(q, e);
}

int passkey_get(struct store_conn *c, struct span id, struct passkey *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, COLUMNS "WHERE id = ?1");
    store_bind_text(q, 1, id);
    return one(q, ret, ret_found, e);
}

int passkey_of(struct store_conn *c, struct span account, struct span handle, struct passkey *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, COLUMNS "WHERE account = ?1 AND handle = ?2");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, handle);
    return one(q, ret, ret_found, e);
}

int passkey_list(struct store_conn *c, struct span account, passkey_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, COLUMNS "WHERE account = ?1 ORDER BY added, handle");
    store_bind_text(q, 1, account);
    while (store_step(q)) {
        struct passkey p;
        read_row(q, &p);
        each(context, &p);
    }
    return store_done(q, e);
}

int64_t passkey_total(struct store_conn *c, struct span account, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM passkey WHERE account = ?1 AND stopped = 0");
    store_bind_text(q, 1, account);
    return store_run_int(q, -1, e);
}
