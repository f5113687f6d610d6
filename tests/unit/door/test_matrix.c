/* The permission matrix: every request of the table with every role, allowed or refused as the one table says, and every refusal recorded.
 *
 * usage to write the page that is made from it: test_door_matrix --write docs/permissions.md */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/api/api_private.h"
#include "keeper.h"

/* "METHOD /path" with an id of nothing in place of each {…}. */
static void concrete(const struct route *route, char out[256])
{
    size_t n = (size_t)snprintf(out, 256, "%s ", route->method);
    for (const char *p = route->path; *p != 0 && n < 250; p++) {
        if (*p == '{') {
            n += (size_t)snprintf(out + n, 256 - n, "nosuch");
            p = strchr(p, '}');
        } else {
            out[n++] = *p;
        }
    }
    out[n] = 0;
}

/* A fresh session of this account, put in hand. */
static void sign_in_as(struct keeper *k, const char *name)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" KEEPER_PASSWORD "\"}", name);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/session", body, NULL);
    keeper_take_session(k);
}

static bool ends_sessions(const struct route *r)
{
    return strcmp(r->method, "DELETE") == 0 && strcmp(r->path, "/api/v1/session") == 0;
}

static void try_all(struct keeper *k, enum job job, size_t *tried)
{
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *route = &api_routes[i];
        if (ends_sessions(route))
            continue;
        char ask[256];
        concrete(route, ask);
        bool allowed = route->permission == NULL || jobs_may(JOB_BIT(job), route->permission);
        k->last[0] = 0;
        int status = keeper_ask(k, ask, route->body != NULL ? "{\"why\":\"x\"}" : NULL, "1");
        bool refused = status == 403 && strstr(keeper_text(k), "\"code\":\"not-permitted\"") != NULL;
        if (refused == allowed)
            fail_msg("%s for %s gives %d %s", ask, job_name(job), status, keeper_text(k));
        if (refused && (strstr(k->last, "request.refused") == NULL || strstr(k->last, route->permission) == NULL))
            fail_msg("%s for %s is refused without a record", ask, job_name(job));
        ++*tried;
        k->now.monotonic += 2 * TIME_SECOND; /* under the limit of refusals that are written down */
    }
}

static void every_request_with_every_role(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    struct error e = {0};
    char hash[PASSWORD_TEXT];
    size_t tried = 0;
    assert_int_equal(password_hash(SPAN_LIT(KEEPER_PASSWORD), hash, &e), 0);
    feed_lab(k);
    for (int j = JOB_MANAGER; j < JOB_COUNT; j++) {
        char name[8];
        (void)snprintf(name, sizeof name, "p%d", j);
        keeper_account(k, name, job_name((enum job)j), hash);
        sign_in_as(k, name);
        try_all(k, (enum job)j, &tried);
        k->now.monotonic += 61 * TIME_SECOND;
    }
    keeper_account(k, "nobody", "", hash); /* somebody without a role */
    sign_in_as(k, "nobody");
    try_all(k, JOB_COUNT, &tried);
    (void)printf("# %zu requests tried\n", tried);
    assert_true(tried >= (api_route_count - 1) * JOB_COUNT);
    keeper_free(k);
}

static void nobody_gets_only_what_is_open(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    for (size_t i = 0; i < api_route_count; i++) {
        char ask[256];
        concrete(&api_routes[i], ask);
        bool open = (api_routes[i].flags & ROUTE_OPEN) != 0;
        int status = keeper_ask(k, ask, NULL, NULL);
        bool shut = status == 401 && strstr(keeper_text(k), "\"code\":\"not-signed-in\"") != NULL;
        if (shut == open)
            fail_msg("%s for nobody gives %d", ask, status);
    }
    keeper_free(k);
}

/* Every permission that a request names is in the table, and every one of the table is named by a request: neither is left over. */
static void the_two_tables_fit(void **state)
{
    (void)state;
    bool named[128] = {false};
    for (size_t i = 0; i < api_route_count; i++) {
        bool known = api_routes[i].permission == NULL;
        if (known && (api_routes[i].flags & (ROUTE_OPEN | ROUTE_SIGNED)) == 0)
            fail_msg("%s %s names no permission", api_routes[i].method, api_routes[i].path);
        for (size_t p = 0; p < permission_count(); p++)
            if (!known && strcmp(permission_at(p).name, api_routes[i].permission) == 0)
                known = named[p] = true;
        if (!known)
            fail_msg("%s is in no row of the table of permissions", api_routes[i].permission);
    }
    for (size_t p = 0; p < permission_count(); p++) {
        struct permission it = permission_at(p);
        if (!named[p] && strcmp(it.name, "looks.read") != 0 && strcmp(it.name, "acts.read") != 0 &&
            strcmp(it.name, "visits.read") != 0) /* these widen what a request shows */
            fail_msg("no request needs %s", it.name);
        if ((it.roles & JOB_BIT(JOB_LOCAL)) == 0)
            fail_msg("the local administrator may not %s", it.name);
        if (it.token && (strcmp(it.name, "phi.look") == 0 || strcmp(it.name, "people.manage") == 0))
            fail_msg("a token may have %s", it.name);
        /* who only reads changes nothing */
        const char *verb = strchr(it.name, '.') + 1;
        bool reads = strcmp(verb, "read") == 0 || strcmp(verb, "verify") == 0;
        if (!reads && (it.roles & (JOB_BIT(JOB_AUDITOR) | JOB_BIT(JOB_ASSESSOR))) != 0)
            fail_msg("an auditor or assessor may %s", it.name);
    }
}

static void the_page_is_current(void **state)
{
    (void)state;
    struct buf made = BUF_INIT(1u << 20);
    permissions_document(&made);
    static char kept[1u << 20];
    FILE *f = fopen(DOCS "/permissions.md", "rb");
    assert_non_null(f);
    size_t n = fread(kept, 1, sizeof kept, f);
    (void)fclose(f);
    if (!span_equal(buf_span(&made), span_of(kept, n)))
        fail_msg("docs/permissions.md is old: build/tests/unit/door/test_door_matrix --write docs/permissions.md");
    buf_release(&made);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        struct buf made = BUF_INIT(1u << 20);
        permissions_document(&made);
        FILE *f = fopen(argv[2], "wb");
        bool written = f != NULL && fwrite(made.p, 1, made.n, f) == made.n && fclose(f) == 0;
        buf_release(&made);
        return written ? 0 : 3;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_with_every_role),
        cmocka_unit_test(nobody_gets_only_what_is_open),
        cmocka_unit_test(the_two_tables_fit),
        cmocka_unit_test(the_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
