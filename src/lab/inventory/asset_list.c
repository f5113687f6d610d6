#include "lab/inventory/asset_private.h"
#include "lab/inventory/import.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

/* Lists that were read in: what each value was before, so that one act takes a list back. What somebody changed since stays. */

#define KEEP_LISTS 20
#define KEEP_LISTED 20000 /* devices of all of them; the newest list is always kept */
#define FIELDS_MAX 16

/* Nobody heard it or joined anything to it, and no word is about it. */
#define UNTOUCHED                                                                                                                                    \
    "asset.root = asset.n AND asset.first_seen IS NULL AND NOT EXISTS (SELECT 1 FROM asset AS o WHERE o.root = asset.n AND o.n <> asset.n) AND NOT " \
    "EXISTS (SELECT 1 FROM asset AS o WHERE o.behind = asset.n) AND NOT EXISTS (SELECT 1 FROM asset_fact AS o WHERE o.asset = asset.n) AND NOT "     \
    "EXISTS (SELECT 1 FROM admission AS o WHERE o.asset = asset.n) AND NOT EXISTS (SELECT 1 FROM finding AS o WHERE o.asset = asset.n) AND NOT "     \
    "EXISTS (SELECT 1 FROM asset_distinct AS o WHERE o.one = asset.n) AND NOT EXISTS (SELECT 1 FROM asset_distinct AS o WHERE o.other = asset.n) "   \
    "AND NOT EXISTS (SELECT 1 FROM door AS o WHERE o.asset = asset.id)"
/* The word that counts: m is an identity, t a row of asset_told. */
#define STANDING                                                                                                                                     \
    "(SELECT s.record FROM asset_edit AS s WHERE s.field = t.field AND s.asset IN (SELECT n FROM asset WHERE root = m.root) ORDER BY s.record DESC " \
    "LIMIT 1)"

/* ── reading in ── */

int asset_list_begin(struct apply *a, int64_t list, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_list(record, person, time) VALUES (?1, nullif(?2, ''), ?3) ON CONFLICT DO NOTHING");
    store_bind_int(q, 1, list);
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_int(q, 3, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    if (list != (int64_t)a->c->index)
        return 0;
    static const char cut[] = "DELETE FROM asset_list WHERE record IN (SELECT record FROM (SELECT record, row_number() OVER w AS place, sum(devices) "
                              "OVER w AS listed FROM asset_list WINDOW w AS (ORDER BY record DESC)) WHERE place > ?1 OR (place > 1 AND listed > ?2))";
    return run2(a->w, cut, KEEP_LISTS, KEEP_LISTED, e) != 0
               ? -1
               : store_run(store_stmt(a->w, "DELETE FROM asset_told WHERE list NOT IN (SELECT record FROM asset_list)"), e);
}

int asset_list_note(struct apply *a, int64_t list, int64_t asset, const char *field, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO asset_told SELECT ?1, m.n, ?3, ?4, s.value, s.person, s.time, s.record FROM asset AS m LEFT JOIN asset_edit AS s ON s.field "
        "= ?3 AND s.asset IN (SELECT n FROM asset WHERE root = m.root) WHERE m.n = ?2 ORDER BY s.record DESC LIMIT 1 ON CONFLICT DO NOTHING");
    store_bind_int(q, 1, list);
    store_bind_int(q, 2, asset);
    store_bind_str(q, 3, field);
    store_bind_int(q, 4, (int64_t)a->c->index);
    return store_run(q, e);
}

/* ── taking back ── */

/* The value goes back to what it was before the list, unless somebody said something else since. */
static int put_back(struct apply *a, int64_t list, int64_t asset, const char *field, struct error *e)
{
    static const char *const steps[] = {
        "DELETE FROM asset_edit WHERE field = ?3 AND asset IN (SELECT n FROM asset WHERE root = (SELECT root FROM asset WHERE n = ?2)) AND ?1 > -1",
        ("INSERT INTO asset_edit SELECT m.root, t.field, t.value, t.person, t.time, t.before FROM asset_told AS t JOIN asset AS m ON m.n = t.asset "
         "WHERE t.list = ?1 AND t.asset = ?2 AND t.field = ?3 AND t.value IS NOT NULL"),
        "DELETE FROM asset_told WHERE list = ?1 AND asset = ?2 AND field = ?3",
    };
    int rc = 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT count(*) FROM asset_told AS t JOIN asset AS m ON m.n = t.asset WHERE t.list = ?1 AND t.asset = ?2 "
                                      "AND t.field = ?3 AND t.record = " STANDING);
    store_bind_int(q, 1, list);
    store_bind_int(q, 2, asset);
    store_bind_str(q, 3, field);
    if (number_of(q, e, &rc) == 0)
        return rc;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        q = store_stmt(a->w, steps[i]);
        store_bind_int(q, 1, list);
        store_bind_int(q, 2, asset);
        store_bind_str(q, 3, field);
        if (store_run(q, e) != 0)
            return -1;
    }
    return 0;
}

/* The list had made it: it goes, where there is nothing else of it. */
static int forget(struct apply *a, int64_t list, int64_t asset, bool *ret_gone, struct error *e)
{
    int rc = 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT count(*) FROM asset JOIN asset_told AS t ON t.asset = asset.n AND t.list = ?2 AND t.field = '' WHERE "
                                      "asset.n = ?1 AND " UNTOUCHED " AND NOT EXISTS (SELECT 1 FROM asset_edit AS o WHERE o.asset = asset.n)");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, list);
    *ret_gone = number_of(q, e, &rc) != 0;
    if (rc != 0 || !*ret_gone)
        return rc;
    q = store_stmt(a->w, "SELECT count(*) FROM asset_address WHERE asset = ?1");
    store_bind_int(q, 1, asset);
    int64_t addresses = number_of(q, e, &rc);
    /* its number is never given again; its room is free, as that of one that was joined to another */
    if (rc != 0 || asset_changed(a, asset, e) != 0 || counter_add(a, "addresses", -addresses, e) != 0 || counter_add(a, "assets_joined", 1, e) != 0)
        return -1;
    static const char *const steps[] = {"DELETE FROM asset_address WHERE asset = ?1 AND ?2", "DELETE FROM asset_told WHERE asset = ?1 AND ?2",
                                        "DELETE FROM asset WHERE n = ?1 AND ?2"};
    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
        rc = run2(a->w, steps[i], asset, 1, e);
    return rc;
}

static bool named(struct span list, const char *field)
{
    while (list.n > 0)
        if (span_is(span_until(&list, ' ', NULL), field))
            return true;
    return false;
}

static int back_row(struct apply *a, int64_t list, struct span row, struct error *e)
{
    const char *const *fields;
    size_t n = asset_editable(&fields);
    char id[64];
    char value[VALUE_MAX];
    char none[VALUE_MAX] = ""; /* fields of which nobody had said anything */
    int rc = 0;
    bool gone = false;
    int64_t asset = event_member(row, "asset", id, sizeof id) ? asset_by_id(a, span_str(id), &rc, e) : 0;
    (void)event_member(row, "none", none, sizeof none);
    for (size_t i = 0; rc == 0 && asset != 0 && i < n; i++)
        if (event_member(row, fields[i], value, sizeof value) || named(span_str(none), fields[i]))
            rc = put_back(a, list, asset, fields[i], e);
    if (rc == 0 && asset != 0 && event_member(row, "gone", value, sizeof value))
        rc = forget(a, list, asset, &gone, e);
    if (rc != 0 || asset == 0 || gone)
        return rc;
    return asset_judge(a, asset, e) != 0 ? -1 : asset_changed(a, asset, e);
}

/* A later list that found this one's word there goes back to what was before both. */
static int finish(struct apply *a, int64_t list, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w,
        "UPDATE asset_told AS t SET (value, person, time, before) = (SELECT o.value, o.person, o.time, o.before FROM asset_told AS o WHERE o.list = "
        "?1 AND o.asset = t.asset AND o.field = t.field) WHERE EXISTS (SELECT 1 FROM asset_told AS o WHERE o.list = ?1 AND o.asset = t.asset AND "
        "o.field = t.field AND o.record = t.before)");
    store_bind_int(q, 1, list);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM asset_told WHERE list = ?1");
    store_bind_int(q, 1, list);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE asset_list SET undone_person = nullif(?2, ''), undone_time = ?3, undone_record = ?4 WHERE record = ?1");
    store_bind_int(q, 1, list);
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_int(q, 3, a->ev.time);
    store_bind_int(q, 4, (int64_t)a->c->index);
    return store_run(q, e);
}

int asset_apply_unimported(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t list = event_int(&a->ev, "list", -1);
    struct store_stmt *q = store_stmt(a->w, "SELECT count(*) FROM asset_list WHERE record = ?1 AND undone_record IS NULL");
    store_bind_int(q, 1, list);
    if (number_of(q, e, &rc) == 0)
        return rc;
    for (size_t i = 0; i < IMPORT_ROWS; i++) {
        struct span row = event_item(&a->ev, "rows", i);
        if (row.n > 0 && back_row(a, list, row, e) != 0)
            return -1;
    }
    return event_int(&a->ev, "continued", 0) != 0 ? 0 : finish(a, list, e);
}

/* ── what can be taken back ── */

int import_lists(struct store_conn *c, int64_t record, import_list_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, person, time, devices, undone_person, coalesce(undone_time, 0) "
                                         "FROM asset_list WHERE ?1 IN (-1, record) ORDER BY record DESC");
    store_bind_int(q, 1, record);
    while (store_step(q)) {
        const struct import_list list = {.record = store_int(q, 0),
                                         .person = store_text(q, 1),
                                         .time = store_int(q, 2),
                                         .devices = store_int(q, 3),
                                         .undone_person = store_text(q, 4),
                                         .undone_time = store_int(q, 5)};
        each(context, &list);
    }
    return store_done(q, e);
}

/* The device in hand. */
struct back {
    struct import_plan *plan;
    struct span held;
    const char *const *fields;
    size_t n;
    int64_t asset; /* 0: none */
    char id[40], device[40], title[4 * 80 + 64];
    bool made, goes;
    bool given[FIELDS_MAX], kept[FIELDS_MAX];
    char values[FIELDS_MAX][VALUE_MAX];
};

static void write_back(struct back *b, struct import_row *row)
{
    struct jsonw j = jsonw_to(&b->plan->texts);
    row->event_at = b->plan->texts.n;
    jsonw_object(&j);
    jsonw_put_str(&j, "asset", b->id);
    if (b->goes)
        jsonw_put_str(&j, "gone", "true");
    struct buf none = BUF_INIT(VALUE_MAX);
    for (size_t i = 0; i < b->n; i++) {
        if (b->given[i] && b->values[i][0] != 0)
            jsonw_put_str(&j, b->fields[i], b->values[i]);
        else if (b->given[i])
            buf_addf(&none, "%s%s", none.n > 0 ? " " : "", b->fields[i]);
    }
    if (none.n > 0)
        jsonw_put_text(&j, "none", buf_span(&none));
    buf_release(&none);
    jsonw_object_end(&j);
    row->event_n = b->plan->texts.n - row->event_at;
}

static void write_kept(struct back *b, struct import_row *row, bool changed)
{
    struct jsonw j = jsonw_to(&b->plan->texts);
    row->at = b->plan->texts.n;
    jsonw_put_str(&j, "device", b->device);
    jsonw_put_str(&j, "title", b->title);
    jsonw_put_str(&j, "why", changed ? "changed" : "known");
    jsonw_key(&j, "fields");
    jsonw_array(&j);
    for (size_t i = 0; i < b->n; i++)
        if (b->kept[i])
            jsonw_str(&j, b->fields[i]);
    jsonw_array_end(&j);
    row->n = b->plan->texts.n - row->at;
}

static void close_device(struct back *b)
{
    bool given = false;
    bool kept = false;
    if (b->asset == 0 || b->plan->n == IMPORT_LIST_ROWS)
        return;
    for (size_t i = 0; i < b->n; i++) {
        given |= b->given[i];
        kept |= b->kept[i];
    }
    struct import_row *row = &b->plan->rows[b->plan->n++];
    *row = (struct import_row){0};
    b->goes = b->goes && !kept;
    bool stays = kept || (b->made && !b->goes);
    row->action = stays ? IMPORT_AMBIGUOUS : b->goes ? IMPORT_CREATE : IMPORT_CHANGE;
    b->plan->counts[row->action]++;
    if (given || b->goes)
        write_back(b, row);
    if (stays)
        write_kept(b, row, kept);
}

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n == 0 ? "" : (const char *)text.p);
}

static bool listed(struct span ids, const char *id)
{
    return ids.n > 0 && memmem(ids.p, ids.n, id, strlen(id)) != NULL;
}

static void take_row(struct back *b, struct store_stmt *q)
{
    if (store_int(q, 0) != b->asset) {
        close_device(b);
        *b = (struct back){.plan = b->plan, .held = b->held, .fields = b->fields, .n = b->n, .asset = store_int(q, 0)};
        copy(b->id, sizeof b->id, store_text(q, 1));
        copy(b->device, sizeof b->device, store_text(q, 2));
        copy(b->title, sizeof b->title, store_text(q, 3));
    }
    struct span field = store_text(q, 4);
    if (field.n == 0) {
        b->made = true;
        b->goes = store_int(q, 7) != 0 && !listed(b->held, b->id);
    }
    for (size_t i = 0; i < b->n; i++)
        if (span_is(field, b->fields[i])) {
            bool ours = store_int(q, 6) != 0;
            b->given[i] = ours;
            b->kept[i] = !ours;
            copy(b->values[i], VALUE_MAX, store_text(q, 5));
        }
}

struct import_plan *import_back_make(struct store_conn *c, int64_t list, struct span held, struct error *e)
{
    struct import_plan *p = calloc(1, sizeof *p);
    struct back *b = calloc(1, sizeof *b);
    if (p != NULL) {
        p->texts = BUF_INIT(64u << 20);
        p->columns = BUF_INIT(16);
        p->rows = calloc(IMPORT_LIST_ROWS, sizeof *p->rows);
    }
    int rc = 0;
    if (p == NULL || b == NULL || p->rows == NULL) {
        rc = err_set(e, ERR_SYSTEM, "no memory");
    } else {
        b->plan = p;
        b->held = held;
        b->n = asset_editable(&b->fields);
        struct store_stmt *q = store_stmt(
            c,
            "SELECT t.asset, m.id, r.id, r.title, t.field, t.value, coalesce(t.record = " STANDING
            ", 0), t.field = '' AND EXISTS (SELECT 1 FROM asset WHERE asset.n = t.asset AND " UNTOUCHED
            " AND NOT EXISTS (SELECT 1 FROM asset_edit AS o WHERE o.asset = asset.n AND NOT EXISTS (SELECT 1 FROM asset_told AS u WHERE u.list = ?1 "
            "AND u.asset = asset.n AND u.field = o.field AND u.record = o.record))) FROM asset_told AS t JOIN asset AS m ON m.n = t.asset JOIN asset "
            "AS r ON r.n = m.root WHERE t.list = ?1 ORDER BY t.asset, t.field");
        store_bind_int(q, 1, list);
        while (store_step(q))
            take_row(b, q);
        close_device(b);
        rc = store_done(q, e);
        if (rc == 0 && !buf_ok(&p->texts))
            rc = err_set(e, ERR_SYSTEM, "no memory");
    }
    free(b);
    if (rc == 0)
        return p;
    import_plan_free(p);
    return NULL;
}
