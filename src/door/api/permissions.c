/* The request table and the roles as one page for people: docs/permissions.md. */
#include "door/api/api_private.h"

static void put_head(struct buf *out)
{
    buf_add_str(out, "| permission | what |");
    for (int j = 0; j < JOB_COUNT; j++)
        buf_addf(out, " %s |", job_name((enum job)j));
    buf_add_str(out, " API token |\n|---|---|");
    for (int j = 0; j <= JOB_COUNT; j++)
        buf_add_str(out, "---|");
    buf_add_str(out, "\n");
}

static void put_permission(const struct permission *p, struct buf *out)
{
    buf_addf(out, "| %s | %s |", p->name, p->what);
    for (int j = 0; j < JOB_COUNT; j++)
        buf_add_str(out, (p->roles & JOB_BIT(j)) != 0 ? " yes |" : " |");
    buf_add_str(out, p->token ? " yes |\n" : " |\n");
}

/* One line a request that needs this permission; NULL: those that need none, but whose flags have `flag`. */
static void put_requests(const char *permission, unsigned flag, struct buf *out)
{
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        bool here = permission != NULL ? r->permission != NULL && strcmp(r->permission, permission) == 0
                                       : r->permission == NULL && (r->flags & flag) != 0;
        if (here)
            buf_addf(out, "- `%s %s`\n", r->method, r->path);
    }
}

void permissions_document(struct buf *out)
{
    buf_add_str(
        out,
        "# Who may do what\n\nMade from the program's own tables (`src/lab/people/job.c`, `src/door/api/table.c`) by `test_door_matrix --write "
        "docs/permissions.md`;\na test tries every request with every role, and compares this page. A person may have several roles, and then may "
        "what any of them may.\n`local administrator` is whoever may use the local socket of the machine; no account has this role. Every refusal "
        "is a record.\n\n## Roles\n\n");
    put_head(out);
    for (size_t i = 0; i < permission_count(); i++) {
        struct permission p = permission_at(i);
        put_permission(&p, out);
    }
    buf_add_str(out, "\nAssessor and maker's engineer are given until a date. Emergency is the role of the sealed account: its use is a finding.\n\n"
                     "## Requests\n");
    for (size_t i = 0; i < permission_count(); i++) {
        buf_addf(out, "\n%s:\n\n", permission_at(i).name);
        put_requests(permission_at(i).name, 0, out);
    }
    buf_add_str(out, "\nWhoever is signed in:\n\n");
    put_requests(NULL, ROUTE_SIGNED, out);
    buf_add_str(out, "\nAnybody:\n\n");
    put_requests(NULL, ROUTE_OPEN, out);
}
