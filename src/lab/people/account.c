#include "lab/people/account.h"

#include "base/text.h"
#include "lab/views_private.h"

#include <stdio.h>

bool account_name(struct span name, char out[ACCOUNT_NAME_MAX + 1])
{
    if (name.n == 0 || name.n > ACCOUNT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || (c != '.' && c != '_' && c != '-' && c != '@')))
            return false;
        out[i] = (char)c;
    }
    out[name.n] = 0;
    return true;
}

bool account_display_name_valid(struct span name)
{
    size_t characters = 0;
    while (name.n > 0) {
        size_t n = text_utf8_len(name);
        if (n == 0 || name.p[0] < 0x20 || name.p[0] == 0x7f || (n == 2 && name.p[0] == 0xc2 && name.p[1] < 0xa0))
            return false;
        characters++;
        (void)span_skip(&name, n);
    }
    return characters >= 1 && characters <= ACCOUNT_DISPLAY_MAX;
}

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, (const char *)text.p);
}

int account_apply_created(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char hash[ACCOUNT_HASH_MAX];
    struct span role = event_text(&a->ev, "account_role");
    if (!account_name(event_text(&a->ev, "account"), name) || !event_member(a->c->private_json, "password_hash", hash, sizeof hash))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO account SELECT ?1, ?2, name, ?4, ?5, ?6 FROM role WHERE name = ?3 "
                                            "AND (SELECT count(*) FROM account) < ?7 ON CONFLICT DO NOTHING");
    store_bind_str(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "display_name"));
    store_bind_text(q, 3, role);
    store_bind_str(q, 4, hash);
    store_bind_int(q, 5, a->ev.time);
    store_bind_int(q, 6, (int64_t)a->c->index);
    store_bind_int(q, 7, KEEP_ACCOUNTS);
    return store_run(q, e);
}

int account_get(struct store_conn *c, struct span name, struct account *ret, bool *ret_found, struct error *e)
{
    *ret_found = false;
    struct store_stmt *q = store_stmt(c, "SELECT name, display_name, role, password_hash FROM account WHERE name = ?1");
    store_bind_text(q, 1, name);
    if (store_step(q)) {
        copy(ret->name, sizeof ret->name, store_text(q, 0));
        copy(ret->display_name, sizeof ret->display_name, store_text(q, 1));
        copy(ret->role, sizeof ret->role, store_text(q, 2));
        copy(ret->password_hash, sizeof ret->password_hash, store_text(q, 3));
        *ret_found = true;
    }
    return store_done(q, e);
}

int64_t account_total(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM account"), -1, e);
}

bool role_may(struct store_conn *c, const char *role, const char *permission)
{
    struct span verb = span_str(permission);
    struct span noun = span_until(&verb, '.', NULL);
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM role_permission WHERE role = ?1 AND noun = ?2 AND verb = ?3");
    store_bind_str(q, 1, role);
    store_bind_text(q, 2, noun);
    store_bind_text(q, 3, verb);
    return store_run_int(q, 0, NULL) == 1;
}
