#include "lab/people/token.h"

#include "base/text.h"
#include "lab/views_private.h"

#include <stdio.h>

static void hash_of(struct span text, char out[API_TOKEN_HASH])
{
    uint8_t hash[SHA256_SIZE];
    struct span parts[] = {SPAN_LIT("tourniquet api token"), text};
    crypto_sha256_parts(parts, 2, hash);
    text_hex_to(out, hash, sizeof hash);
}

void api_token_make(char text[API_TOKEN_TEXT], char id[API_TOKEN_ID], char hash[API_TOKEN_HASH])
{
    uint8_t secret[32];
    uint8_t name[8];
    crypto_random(secret, sizeof secret);
    crypto_random(name, sizeof name);
    memcpy(text, API_TOKEN_PREFIX, 4);
    text_hex_to(text + 4, secret, sizeof secret);
    text_hex_to(id, name, sizeof name);
    hash_of(span_str(text), hash);
    crypto_wipe(secret, sizeof secret);
}

/* ── the view ── */

int token_apply_created(struct apply *a, struct error *e)
{
    char hash[API_TOKEN_HASH];
    char account[ACCOUNT_NAME_MAX + 1];
    struct buf scopes = BUF_INIT(API_TOKEN_SCOPES * 24);
    struct span scope;
    if (!event_member(a->c->private_json, "token_hash", hash, sizeof hash) || !account_name(event_text(&a->ev, "account"), account))
        return 0;
    for (size_t i = 0; (scope = event_item(&a->ev, "scopes", i)).n > 0; i++) {
        buf_add_str(&scopes, i > 0 ? " " : "");
        buf_add_span(&scopes, scope);
    }
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO api_token SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', '' WHERE "
                                            "(SELECT count(*) FROM api_token WHERE account = ?2) < ?9 ON CONFLICT DO NOTHING");
    store_bind_text(q, 1, event_text(&a->ev, "token"));
    store_bind_str(q, 2, account);
    store_bind_text(q, 3, event_text(&a->ev, "label"));
    store_bind_str(q, 4, hash);
    store_bind_text(q, 5, buf_ok(&scopes) ? buf_span(&scopes) : SPAN_LIT(""));
    store_bind_int(q, 6, a->ev.time);
    store_bind_int(q, 7, event_when(&a->ev, "until"));
    store_bind_int(q, 8, (int64_t)a->c->index);
    store_bind_int(q, 9, KEEP_TOKENS);
    buf_release(&scopes);
    view_notice(a->v, TOPIC_PEOPLE, span_str(account), a->c->index);
    return store_run(q, e);
}

int token_apply_revoked(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE api_token SET revoked = ?2, revoked_by = ?3, revoked_why = ?4 WHERE id = ?1 AND revoked = 0");
    store_bind_text(q, 1, event_text(&a->ev, "token"));
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    view_notice(a->v, TOPIC_PEOPLE, event_text(&a->ev, "account"), a->c->index);
    return store_run(q, e);
}

int token_end_all(struct apply *a, const char *account, const char *why, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE api_token SET revoked = ?2, revoked_by = ?3, revoked_why = ?4 WHERE account = ?1 AND revoked = 0");
    store_bind_str(q, 1, account);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_str(q, 4, why);
    return store_run(q, e);
}

/* ── reading ── */

#define COLUMNS "id, account, label, scopes, created, until, record, revoked, revoked_by, revoked_why"

static void copy(struct span text, char *out, size_t size)
{
    out[span_copy(text, out, size - 1)] = 0;
}

static void read_token(struct store_stmt *q, struct api_token *ret)
{
    *ret = (struct api_token){.created = store_int(q, 4), .until = store_int(q, 5), .record = (uint64_t)store_int(q, 6), .revoked = store_int(q, 7)};
    copy(store_text(q, 0), ret->id, sizeof ret->id);
    copy(store_text(q, 1), ret->account, sizeof ret->account);
    copy(store_text(q, 2), ret->label, sizeof ret->label);
    copy(store_text(q, 3), ret->scopes, sizeof ret->scopes);
    copy(store_text(q, 8), ret->revoked_by, sizeof ret->revoked_by);
    copy(store_text(q, 9), ret->revoked_why, sizeof ret->revoked_why);
}

int api_token_find(struct store_conn *c, struct span text, tq_time now, struct api_token *ret, bool *ret_found, struct error *e)
{
    char hash[API_TOKEN_HASH];
    *ret_found = false;
    if (text.n != API_TOKEN_TEXT - 1 || !span_starts(text, SPAN_LIT(API_TOKEN_PREFIX)))
        return 0;
    hash_of(text, hash);
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM api_token WHERE hash = ?1 AND revoked = 0 AND until > ?2");
    store_bind_str(q, 1, hash);
    store_bind_int(q, 2, now);
    *ret_found = store_step(q);
    if (*ret_found)
        read_token(q, ret);
    return store_done(q, e);
}

int api_token_get(struct store_conn *c, struct span id, struct api_token *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM api_token WHERE id = ?1");
    store_bind_text(q, 1, id);
    *ret_found = store_step(q);
    if (*ret_found)
        read_token(q, ret);
    return store_done(q, e);
}

bool api_token_scope(struct span scopes, const char *permission)
{
    while (scopes.n > 0)
        if (span_is(span_until(&scopes, ' ', NULL), permission))
            return true;
    return false;
}

int api_token_list(struct store_conn *c, struct span account, api_token_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM api_token WHERE ?1 = '' OR account = ?1 ORDER BY record DESC LIMIT 1000");
    store_bind_text(q, 1, account);
    while (store_step(q)) {
        struct api_token t;
        read_token(q, &t);
        each(context, &t);
    }
    return store_done(q, e);
}

int64_t api_token_count(struct store_conn *c, struct span account, tq_time now, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM api_token WHERE account = ?1 AND revoked = 0 AND until > ?2");
    store_bind_text(q, 1, account);
    store_bind_int(q, 2, now);
    return store_run_int(q, -1, e);
}

tq_time api_token_ends(struct store_conn *c, struct span account, tq_time now)
{
    struct store_stmt *q = store_stmt(c, "SELECT coalesce(min(until), 0) FROM api_token WHERE account = ?1 AND revoked = 0 AND until > ?2");
    store_bind_text(q, 1, account);
    store_bind_int(q, 2, now);
    return store_run_int(q, 0, NULL);
}
