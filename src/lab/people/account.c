#include "lab/people/account.h"

#include "base/text.h"

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

#define COLUMNS                                                                                                                                      \
    "name, display_name, state, password_hash, password_set, password_known, invite_hash, invite_until, created, created_by, closed, reviewed, "     \
    "reviewed_by, last_sign_in, changed"

static void read_account(struct store_stmt *q, struct account *ret)
{
    *ret = (struct account){
        .closed = span_is(store_text(q, 2), "closed"),
        .password_set = store_int(q, 4),
        .password_known = store_int(q, 5) != 0,
        .invite_until = store_int(q, 7),
        .created = store_int(q, 8),
        .closed_at = store_int(q, 10),
        .reviewed = store_int(q, 11),
        .last_sign_in = store_int(q, 13),
        .changed = (uint64_t)store_int(q, 14),
    };
    copy(ret->name, sizeof ret->name, store_text(q, 0));
    copy(ret->display_name, sizeof ret->display_name, store_text(q, 1));
    copy(ret->password_hash, sizeof ret->password_hash, store_text(q, 3));
    copy(ret->invite_hash, sizeof ret->invite_hash, store_text(q, 6));
    copy(ret->created_by, sizeof ret->created_by, store_text(q, 9));
    copy(ret->reviewed_by, sizeof ret->reviewed_by, store_text(q, 12));
}

int account_get(struct store_conn *c, struct span name, struct account *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM account WHERE name = ?1");
    store_bind_text(q, 1, name);
    *ret_found = store_step(q);
    if (*ret_found)
        read_account(q, ret);
    return store_done(q, e);
}

int64_t account_total(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM account"), -1, e);
}

bool account_knows(struct store_conn *c, struct span account, struct span origin, tq_time since)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM account_place WHERE account = ?1 AND origin = ?2 AND last > ?3");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, origin);
    store_bind_int(q, 3, since);
    return store_run_int(q, 0, NULL) == 1;
}

const char *account_state(const struct account *a)
{
    return a->closed ? "closed" : a->password_hash[0] == 0 || a->password_known ? "invited" : "active";
}

#define MATCHES                                                                                                                                      \
    "(?1 = '' OR instr(name, lower(?1)) > 0 OR instr(lower(display_name), lower(?1)) > 0) AND (?2 OR state <> 'closed') "                            \
    "AND (?5 = 0 OR (state <> 'closed' AND max(created, coalesce(reviewed, 0)) < ?5 AND name <> ?6 AND name <> '" ACCOUNT_EMERGENCY "')) "           \
    "AND (?7 = 0 OR (state <> 'closed' AND ("                                                                                                        \
    "EXISTS (SELECT 1 FROM account_grant WHERE account = name AND ended = 0 AND until > ?7 AND until <= ?8) OR "                                     \
    "EXISTS (SELECT 1 FROM api_token WHERE account = name AND revoked = 0 AND until > ?7 AND until <= ?8))))"

static void bind_filter(struct store_stmt *q, const struct account_query *query)
{
    store_bind_text(q, 1, query->text);
    store_bind_int(q, 2, query->closed);
    store_bind_int(q, 5, query->due);
    store_bind_text(q, 6, query->but);
    store_bind_int(q, 7, query->ending);
    store_bind_int(q, 8, query->ending == 0 ? 0 : query->ending + ACCOUNT_ENDS_SOON);
}

int account_list(struct store_conn *c, const struct account_query *query, account_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM account WHERE " MATCHES " AND name > ?3 ORDER BY name LIMIT ?4");
    bind_filter(q, query);
    store_bind_text(q, 3, query->after);
    store_bind_int(q, 4, query->limit);
    while (store_step(q)) {
        struct account a;
        read_account(q, &a);
        each(context, &a);
    }
    return store_done(q, e);
}

int64_t account_count(struct store_conn *c, const struct account_query *query, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM account WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}

/* ── grants ── */

int account_grants(struct store_conn *c, struct span account, grant_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT role, site, since, until, by, why, record, ended, ended_by, ended_why, ended_record, maker "
                                         "FROM account_grant WHERE account = ?1 ORDER BY n DESC");
    store_bind_text(q, 1, account);
    while (store_step(q)) {
        struct account_grant g = {
            .site = store_text(q, 1),
            .since = store_int(q, 2),
            .until = store_int(q, 3),
            .by = store_text(q, 4),
            .why = store_text(q, 5),
            .record = (uint64_t)store_int(q, 6),
            .ended = store_int(q, 7),
            .ended_by = store_text(q, 8),
            .ended_why = store_text(q, 9),
            .ended_record = store_int(q, 10),
            .maker = store_text(q, 11),
        };
        if (job_find(store_text(q, 0), &g.role))
            each(context, &g);
    }
    return store_done(q, e);
}

bool grant_in_force(const struct account_grant *g, const char *site, tq_time at)
{
    return (g->site.n == 0 || span_is(g->site, site)) && g->since <= at && (g->until == 0 || at < g->until) && (g->ended == 0 || at < g->ended);
}

struct roles_at {
    const char *site;
    tq_time at;
    unsigned roles;
};

static void add_role(void *context, const struct account_grant *g)
{
    struct roles_at *r = context;
    if (grant_in_force(g, r->site, r->at))
        r->roles |= JOB_BIT(g->role);
}

unsigned account_roles(struct store_conn *c, struct span account, const char *site, tq_time at)
{
    struct roles_at r = {.site = site, .at = at};
    return account_grants(c, account, add_role, &r, NULL) == 0 ? r.roles : 0;
}

int64_t account_holders(struct store_conn *c, enum job role, const char *site, tq_time at, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(DISTINCT account) FROM account_grant JOIN account ON name = account WHERE role = ?1 AND "
                                         "state <> 'closed' AND site IN ('', ?2) AND since <= ?3 AND until = 0 AND ended = 0");
    store_bind_str(q, 1, job_name(role));
    store_bind_str(q, 2, site);
    store_bind_int(q, 3, at);
    return store_run_int(q, -1, e);
}
