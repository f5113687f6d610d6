/* POST /people/import: people from a list (CSV). Without a token it is a preview and changes nothing; with the preview's token it is done, and the
 * one-time codes of those who are new are in the answer, this once. Columns: name, display name, role, until, site; the first row names them. */
#include "door/api/people_private.h"

#include "base/text.h"
#include "lab/inventory/sheet.h"
#include "lab/people/password_rules.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS_MOST 500
#define LIST_BYTES 262144

enum column { C_NAME, C_DISPLAY, C_ROLE, C_UNTIL, C_SITE, C_COLUMNS };
enum action { A_CREATE, A_GRANT, A_SAME, A_ERROR, A_ACTIONS };
static const char *const action_names[A_ACTIONS] = {"create", "grant", "same", "error"};

struct row {
    enum action action;
    uint32_t line;
    char name[ACCOUNT_NAME_MAX + 1];
    char display_name[4 * ACCOUNT_DISPLAY_MAX + 1];
    char site[121];
    bool with_role;
    struct wanted_role role;
    const char *reason; /* of A_ERROR */
};

struct plan {
    size_t n;
    int64_t counts[A_ACTIONS];
    char token[2 * SHA256_SIZE + 1];
    struct row rows[ROWS_MOST];
};

static enum column column_of(struct span heading)
{
    static const struct {
        const char *heading;
        enum column column;
    } known[] = {{"name", C_NAME},        {"account", C_NAME},   {"username", C_NAME}, {"login", C_NAME},   {"displayname", C_DISPLAY},
                 {"fullname", C_DISPLAY}, {"role", C_ROLE},      {"until", C_UNTIL},   {"end", C_UNTIL},    {"enddate", C_UNTIL},
                 {"site", C_SITE},        {"nombre", C_DISPLAY}, {"cuenta", C_NAME},   {"funcion", C_ROLE}, {"hasta", C_UNTIL}};
    char plain[32];
    size_t n = 0;
    for (size_t i = 0; i < heading.n && n < sizeof plain - 1; i++) {
        uint8_t c = heading.p[i] | 0x20;
        if (c >= 'a' && c <= 'z')
            plain[n++] = (char)c;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_is(span_of(plain, n), known[i].heading))
            return known[i].column;
    return C_COLUMNS;
}

static const char *wrong_role(struct call *c, struct span role, struct span until, struct row *r)
{
    r->with_role = role.n > 0;
    if (!r->with_role)
        return NULL;
    if (!job_find(role, &r->role.job) || r->role.job == JOB_LOCAL || r->role.job == JOB_EMERGENCY)
        return "There is no such role to give.";
    if (!people_until(until, c->now.wall, &r->role.until))
        return "The end is a day to come (2027-01-31), five years away at most.";
    if (job_needs_end(r->role.job) && (r->role.until == 0 || r->role.until - c->now.wall > PEOPLE_OUTSIDER))
        return "Access of somebody from outside ends on a day: say which, within a year.";
    return NULL;
}

/* What is to be done with a row. */
static void judge(struct call *c, struct plan *p, const struct span cells[C_COLUMNS], struct row *r)
{
    struct account a = {0};
    struct error e = {0};
    bool found = false;
    r->action = A_ERROR;
    if (!account_name(cells[C_NAME], r->name)) {
        r->reason = "A name has 1 to 64 letters (a-z), digits, dots, dashes or underscores.";
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->rows[i].name, r->name) == 0) {
            r->reason = "This name stands in the list already.";
            return;
        }
    struct span shown = cells[C_DISPLAY].n > 0 ? cells[C_DISPLAY] : span_str(r->name);
    if (!account_display_name_valid(shown) || cells[C_SITE].n >= sizeof r->site) {
        r->reason = "The name to show has 1 to 80 characters, a site at most 120.";
        return;
    }
    r->display_name[span_copy(shown, r->display_name, sizeof r->display_name - 1)] = 0;
    r->site[span_copy(cells[C_SITE], r->site, sizeof r->site - 1)] = 0;
    r->reason = wrong_role(c, cells[C_ROLE], cells[C_UNTIL], r);
    if (r->reason != NULL)
        return;
    (void)account_get(c->db, span_str(r->name), &a, &found, &e);
    unsigned roles = found ? account_roles(c->db, span_str(r->name), c->api->site, c->now.wall) : 0;
    if (e.class != ERR_NONE)
        r->reason = "The keeper cannot read its views now.";
    else if (a.closed)
        r->reason = "This account is closed. Open it again on the page.";
    else if (found && strcmp(r->name, c->person.name) == 0)
        r->reason = "Nobody changes their own access.";
    else if ((roles & JOB_BIT(JOB_EMERGENCY)) != 0)
        r->reason = "The emergency account keeps its one role.";
    else
        r->action = !found ? A_CREATE : r->with_role && (roles & JOB_BIT(r->role.job)) == 0 ? A_GRANT : A_SAME;
    crypto_wipe(&a, sizeof a);
}

/* The token: of the list and of what would be done with it. */
static void seal(struct plan *p, struct span list)
{
    struct crypto_hash *h = crypto_hash_new();
    uint8_t hash[SHA256_SIZE];
    p->token[0] = 0;
    if (h == NULL)
        return;
    crypto_hash_add(h, list);
    for (size_t i = 0; i < p->n; i++)
        crypto_hash_add(h, span_str(action_names[p->rows[i].action]));
    crypto_hash_end(h, hash);
    crypto_hash_free(h);
    text_hex_to(p->token, hash, sizeof hash);
}

static bool headings(struct sheet *s, enum column columns[SHEET_COLUMNS], size_t *ret_n)
{
    struct sheet_row row;
    bool named = false;
    *ret_n = 0;
    if (!sheet_next(s, &row) || row.flaw != NULL)
        return false;
    for (size_t i = 0; i < row.n; i++) {
        columns[i] = column_of(row.cells[i]);
        named |= columns[i] == C_NAME;
    }
    *ret_n = row.n;
    return named;
}

/* False: the problem is set. */
static bool plan(struct call *c, struct span list, struct plan *p)
{
    struct sheet s;
    struct sheet_row line;
    enum column columns[SHEET_COLUMNS];
    size_t n = 0;
    if (!sheet_open(&s, list)) {
        problem(c, 503, "memory", "The machine is out of memory.");
        return false;
    }
    bool ok = headings(&s, columns, &n);
    if (!ok)
        problem(c, 422, "list", "The first row names the columns: name, display name, role, until, site. \"name\" must be among them.");
    while (ok && sheet_next(&s, &line)) {
        struct row *r = &p->rows[p->n];
        struct span cells[C_COLUMNS] = {{0}};
        if (p->n == ROWS_MOST) {
            problem(c, 422, "list", "A list has at most 500 people. Split it.");
            ok = false;
            break;
        }
        *r = (struct row){.action = A_ERROR, .line = line.line, .reason = line.flaw};
        for (size_t i = 0; i < line.n && i < n; i++)
            if (columns[i] != C_COLUMNS)
                cells[columns[i]] = line.cells[i];
        if (line.flaw == NULL)
            judge(c, p, cells, r);
        p->counts[r->action]++;
        p->n++;
    }
    sheet_close(&s);
    seal(p, list);
    return ok;
}

static void put_counts(struct call *c, const struct plan *p)
{
    jsonw_key(&c->json, "counts");
    jsonw_object(&c->json);
    for (int i = 0; i < A_ACTIONS; i++)
        jsonw_put_int(&c->json, action_names[i], p->counts[i]);
    jsonw_object_end(&c->json);
}

static void put_preview(struct call *c, const struct plan *p)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "token", p->token);
    jsonw_put_int(j, "saved", 0);
    jsonw_put_bool(j, "whole", false);
    put_ready(j, "codes", (struct span){0}, "[]");
    put_counts(c, p);
    jsonw_key(j, "rows");
    jsonw_array(j);
    for (size_t i = 0; i < p->n; i++) {
        const struct row *r = &p->rows[i];
        jsonw_object(j);
        jsonw_put_int(j, "line", r->line);
        jsonw_put_str(j, "action", action_names[r->action]);
        put_optional(j, "name", span_str(r->name));
        put_optional(j, "display_name", span_str(r->display_name));
        put_optional(j, "role", span_str(r->with_role && r->reason == NULL ? job_name(r->role.job) : ""));
        put_time(j, "until", r->role.until);
        put_optional(j, "reason", r->reason == NULL ? (struct span){0} : said(c, span_str(r->reason)));
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_object_end(j);
}

/* One row; false: the problem is set. */
static bool do_row(struct call *c, const struct row *r, struct span why, struct invitation *ret)
{
    ret->code[0] = 0;
    if (r->action == A_CREATE && !people_invite(c, r->name, span_str(r->display_name), why, ret))
        return false;
    return r->action > A_GRANT || !r->with_role || people_grant(c, r->name, &r->role, span_str(r->site), (struct span){0}, why);
}

static void carry_out(struct call *c, const struct plan *p, struct span why)
{
    struct jsonw *j = &c->json;
    struct buf codes = BUF_SECRET(REQUEST_BODY_MAX);
    struct jsonw list = jsonw_to(&codes);
    int64_t saved = 0;
    bool ok = true;
    jsonw_array(&list);
    for (size_t i = 0; i < p->n && ok; i++) {
        struct invitation invitation;
        if (p->rows[i].action > A_GRANT)
            continue;
        ok = do_row(c, &p->rows[i], why, &invitation);
        if (ok && invitation.code[0] != 0) {
            jsonw_object(&list);
            jsonw_put_str(&list, "name", p->rows[i].name);
            jsonw_put_str(&list, "display_name", p->rows[i].display_name);
            jsonw_put_str(&list, "code", invitation.code);
            put_time(&list, "until", invitation.until);
            jsonw_object_end(&list);
        }
        saved += ok;
        crypto_wipe(&invitation, sizeof invitation);
    }
    jsonw_array_end(&list);
    if (!ok && saved == 0) {
        buf_release(&codes);
        return;
    }
    if (!ok) { /* those who are in have their codes: they must be shown */
        buf_clear(&c->reply->body);
        c->json = jsonw_to(&c->reply->body);
        c->reply->type[0] = 0;
        c->reply->r.status = 0;
    }
    jsonw_object(j);
    jsonw_put_str(j, "token", NULL);
    put_counts(c, p);
    put_ready(j, "rows", (struct span){0}, "[]");
    jsonw_put_int(j, "saved", saved);
    jsonw_put_bool(j, "whole", ok);
    jsonw_key(j, "codes");
    jsonw_raw(j, buf_span(&codes));
    jsonw_object_end(j);
    buf_release(&codes);
}

void handle_people_import(struct call *c)
{
    enum { LIST, TOKEN, WHY, PASSWORD, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {[LIST] = {.name = "list", .max = LIST_BYTES},
                                   [TOKEN] = {.name = "token", .max = 64, .optional = true},
                                   [WHY] = {.name = "why", .max = 4 * PEOPLE_WHY_MAX, .optional = true},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    struct plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        problem(c, 503, "memory", "The machine is out of memory.");
    else if (plan(c, f[LIST].text, p)) {
        if (f[TOKEN].text.n == 0)
            put_preview(c, p);
        else if (!span_is(f[TOKEN].text, p->token))
            problem(c, 409, "changed", "The list, or what is known of its people, has changed since the preview. Look at it again.");
        else if (people_why(c, f[WHY].text) && proof_again(c, f[PASSWORD].text, PEOPLE_PERMISSION))
            carry_out(c, p, f[WHY].text);
    }
    free(p);
    body_close(&body);
}
