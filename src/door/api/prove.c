/* POST /proofs: what the ledger proves of a result, for somebody outside. It shows what is hidden, so it is a look (look.c has the invariants); and
 * it hands out the keys of those records, which open them and no others, so that whoever holds the answer can check it without this program's word.
 */
#include "door/api/look_private.h"

#include "lab/inventory/custody.h"
#include "lab/people/password_rules.h"
#include "record/ledger/shown.h"

#include <stdlib.h>

#define WAY_MOST 24    /* sightings in one proof */
#define RESULTS_MOST 8 /* results that one specimen and test may name */

/* What goes into the proof: of each sighting the result, the message that brought it (without its key: it tells other results too), and the record
 * that says how the two compare. */
struct gathered {
    struct call *c;
    size_t n;
    struct shown_wish wishes[SHOWN_RECORDS];
    size_t ways;
    uint64_t heads[RESULTS_MOST];
    char patient[MESSAGE_PATIENT];
    bool failed; /* the result could not be opened: the problem is set */
    bool first;  /* of its way */
};

static void wish(struct gathered *g, int64_t index, bool open)
{
    if (index < 0 || g->n == SHOWN_RECORDS)
        return;
    for (size_t i = 0; i < g->n; i++)
        if (g->wishes[i].index == (uint64_t)index) {
            g->wishes[i].open = g->wishes[i].open || open;
            return;
        }
    g->wishes[g->n++] = (struct shown_wish){.index = (uint64_t)index, .open = open};
}

static void gather(void *context, const struct result_row *row)
{
    struct gathered *g = context;
    if (g->n + 4 > SHOWN_RECORDS)
        return;
    wish(g, (int64_t)row->record, true);
    wish(g, row->message_record, false);
    wish(g, row->told, true);
    if (row->patient.n > 0 && row->patient.n < sizeof g->patient && g->patient[0] == 0)
        memcpy(g->patient, row->patient.p, row->patient.n);
}

/* ── the answer ── */

static void put_told(struct call *c, const struct result_row *row)
{
    struct error e = {0};
    struct api_record r;
    char value[512] = "";
    struct buf opened = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    if (c->api->host.ledger_open_record(c->api->host.context, row->record, &opened, &r, &e) == 0 &&
        event_member(r.private, "value", value, sizeof value))
        jsonw_put_str(&c->json, "value", value);
    else
        jsonw_put_str(&c->json, "value", NULL);
    explicit_bzero(value, sizeof value);
    buf_release(&opened);
}

static void put_sighting(void *context, const struct result_row *row)
{
    struct gathered *g = context;
    struct jsonw *j = &g->c->json;
    if (g->first) {
        result_put(g->c, row);
        jsonw_key(j, "way");
        jsonw_array(j);
        g->first = false;
    }
    jsonw_object(j);
    result_put(g->c, row);
    result_put_step(j, row);
    put_told(g->c, row);
    jsonw_object_end(j);
}

static void answer(struct call *c, struct gathered *g, uint64_t look, struct span proof)
{
    struct error e = {0};
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "look", look);
    jsonw_key(j, "results");
    jsonw_array(j);
    for (size_t i = 0; i < g->ways; i++) {
        g->first = true;
        jsonw_object(j);
        (void)custody_chain(c->db, g->heads[i], put_sighting, g, &e);
        if (!g->first)
            jsonw_array_end(j);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_put_uint(j, "records", g->n);
    jsonw_put_text(j, "proof", proof);
    jsonw_object_end(j);
}

/* ── the decision ── */

static bool record_proof(struct call *c, const struct gathered *g, struct span reason, uint64_t *ret_index)
{
    struct record *r = decision(c, EVENT_PHI_LOOK);
    if (r == NULL)
        return false;
    record_text(r, KEY_WHY, reason);
    record_str(r, KEY_WHAT, "proof of a result, with the keys of its records");
    record_int(r, KEY_LOOKED_RECORD, (int64_t)g->heads[0]);
    record_str(r, KEY_LOOKED_EVENT, event_name(EVENT_LAB_RESULT));
    record_str(r, KEY_LOOKED_PATIENT, g->patient);
    for (size_t i = 0; i < g->n; i++)
        if (g->wishes[i].open)
            record_int(r, KEY_SHOWN, (int64_t)g->wishes[i].index);
    bool ok = decide(c, r, ret_index);
    free(r);
    return ok;
}

static void prove(struct call *c, struct gathered *g, struct span reason, int64_t before)
{
    uint64_t look_record = 0;
    struct error e = {0};
    struct buf proof = BUF_SECRET(SHOWN_BYTES);
    for (size_t i = 0; i < g->ways; i++)
        if (custody_chain(c->db, g->heads[i], gather, g, &e) != 0) {
            problem_store(c, &e);
            return;
        }
    if (g->n == 0) {
        problem(c, 404, "no-result", "No result of this specimen and test is among the newest 100,000.");
        return;
    }
    if (!record_proof(c, g, reason, &look_record))
        return;
    if (c->api->host.ledger_show == NULL || c->api->host.ledger_show(c->api->host.context, g->wishes, g->n, &proof, &e) != 0) {
        if (e.class == ERR_CLOSED)
            problem(c, 410, "erased", e.text);
        else
            problem(c, 503, "no-proof", "The proof could not be made. Check the ledger.");
    } else {
        c->reply->hidden = true;
        answer(c, g, look_record, buf_span(&proof));
        look_judge_burst(c, before, look_record);
    }
    buf_release(&proof);
}

static void add_head(void *context, const struct result_row *row)
{
    struct gathered *g = context;
    if (g->ways < RESULTS_MOST)
        g->heads[g->ways++] = row->record;
}

/* The results meant: by a record, or by what is on the tube and the name of the test. False: the problem is set. */
static bool find(struct call *c, struct gathered *g, struct span record, struct span specimen, struct span test)
{
    uint64_t index = 0;
    struct error e = {0};
    char token[32] = "";
    bool by_record = record.n > 0;
    if (by_record ? !span_decimal(record, INT64_MAX, &index) || specimen.n > 0 || test.n > 0 : specimen.n == 0 || test.n == 0) {
        problem(c, 400, "body", "Name a result by \"record\", or by \"specimen\" and \"test\".");
        return false;
    }
    if (by_record) {
        g->heads[g->ways++] = index;
        return true;
    }
    if (c->api->host.specimen == NULL || c->api->host.specimen(c->api->host.context, specimen, token, &e) != 0 ||
        custody_find(c->db, span_str(token), test, add_head, g, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    return true;
}

void handle_proof_post(struct call *c)
{
    enum { RECORD, SPECIMEN, TEST, REASON, PASSWORD, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {[RECORD] = {.name = "record", .max = 20, .optional = true},
                                   [SPECIMEN] = {.name = "specimen", .max = 128, .optional = true},
                                   [TEST] = {.name = "test", .max = 128, .optional = true},
                                   [REASON] = {.name = "reason", .max = 4 * REASON_MAX, .optional = true},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    int64_t before = 0;
    struct gathered *g = calloc(1, sizeof *g);
    if (g == NULL)
        problem_store(c, &(struct error){ERR_SYSTEM, "no memory"});
    else if (look_permitted(c, f[REASON].text, f[PASSWORD].text, &before)) {
        g->c = c;
        if (find(c, g, f[RECORD].text, f[SPECIMEN].text, f[TEST].text))
            prove(c, g, f[REASON].text, before);
    }
    free(g);
    body_close(&body);
}
