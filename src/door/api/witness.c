/* Who cosigns the ledger: GET /witnesses, and what is carried to and fro by hand. */
#include "door/api/api_private.h"

#include <stdio.h>
#include <stdlib.h>

#define NOTE_BYTES (64u << 10)
#define PROOF_BYTES (256u << 10)

static void put_witness(struct call *c, const struct api_witness *w)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "name", w->name);
    jsonw_put_str(j, "key", w->key);
    put_optional(j, "url", span_str(w->url));
    jsonw_key(j, "last_size");
    if (w->any)
        jsonw_uint(j, w->size);
    else
        jsonw_null(j);
    put_time(j, "last_at", w->any ? w->at : 0);
    jsonw_put_str(j, "state", w->state);
    put_optional(j, "why", said(c, span_str(w->why)));
    jsonw_put_bool(j, "asking", w->asking);
    jsonw_object_end(j);
}

void handle_witnesses(struct call *c)
{
    struct api_witness *all = calloc(API_WITNESSES, sizeof *all);
    look_away(c);
    size_t n = all == NULL ? 0 : c->api->host.witnesses(c->api->host.context, all);
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    for (size_t i = 0; i < n; i++)
        put_witness(c, &all[i]);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    free(all);
}

void handle_witness_ask(struct call *c)
{
    struct error e = {0};
    if (c->api->host.witness_ask(c->api->host.context, c->params[0], &e) != 0) {
        if (e.class == ERR_AGAIN)
            problem_later(c, 409, "asking", "This witness is being asked already. Its answer will show here.", 5);
        else
            problem(c, 404, "no-witness", "No witness of lab.yaml has this name.");
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "started", true);
    jsonw_object_end(&c->json);
}

void handle_ledger_offer(struct call *c)
{
    char old[PARAM_MAX + 1];
    uint64_t from = UINT64_MAX;
    struct error e = {0};
    if (!query_text(c, "old", old))
        return;
    look_away(c);
    if (old[0] != 0 && !span_decimal(span_str(old), INT64_MAX, &from)) {
        problem(c, 400, "query", "`old` is a number of records.");
        return;
    }
    if (c->api->host.ledger_offer(c->api->host.context, from, &c->reply->body, &e) != 0) {
        buf_clear(&c->reply->body);
        if (e.class == ERR_MISUSE)
            problem(c, 422, "no-offer", "The ledger has not so many records.");
        else
            problem(c, 503, "no-offer", "The offer could not be made. Check the ledger.");
        return;
    }
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/plain; charset=utf-8");
}

/* Somebody brought a cosignature: that, and who did, is recorded. */
static bool note_brought(struct call *c, const char *name, uint64_t size)
{
    uint64_t index;
    struct record *r = decision(c, EVENT_LEDGER_WITNESSED);
    if (r == NULL)
        return false;
    record_str(r, KEY_NAME, name);
    record_str(r, KEY_STATE, "agrees");
    record_int(r, KEY_TREE_SIZE, (int64_t)size);
    bool done = decide(c, r, &index);
    free(r);
    return done;
}

void handle_ledger_cosignature(struct call *c)
{
    struct body_field fields[] = {{.name = "note", .max = NOTE_BYTES}, {.name = "key", .optional = true, .max = 255}};
    struct body body;
    char key[256];
    char name[129];
    uint64_t size = 0;
    struct error e = {0};
    if (!body_open(c, &body, fields, 2))
        return;
    (void)snprintf(key, sizeof key, "%.*s", (int)fields[1].text.n, fields[1].text.n == 0 ? "" : (const char *)fields[1].text.p);
    look_away(c);
    int rc = c->api->host.witness_bring(c->api->host.context, fields[0].text, key, name, &size, &e);
    body_close(&body);
    if (rc != 0) {
        if (e.class == ERR_CORRUPT || e.class == ERR_MISUSE)
            problem(c, 422, e.class == ERR_CORRUPT ? "does-not-hold" : "not-kept", e.text);
        else
            problem(c, 503, "not-kept", "The cosignature could not be kept. Try again in a moment.");
        return;
    }
    if (!look(c) || !note_brought(c, name, size))
        return;
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "name", name);
    jsonw_put_uint(&c->json, "records", size);
    jsonw_object_end(&c->json);
}

void handle_ledger_check(struct call *c)
{
    struct body_field field = {.name = "proof", .max = PROOF_BYTES};
    struct body body;
    struct api_proof proof = {0};
    struct error e = {0};
    if (!body_open(c, &body, &field, 1))
        return;
    look_away(c);
    bool holds = c->api->host.ledger_check(c->api->host.context, field.text, &proof, &e) == 0;
    body_close(&body);
    if (!holds && e.class != ERR_CORRUPT && e.class != ERR_MISUSE) {
        problem(c, 503, "not-checked", "The proof could not be checked. Try again in a moment.");
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "holds", holds);
    jsonw_key(&c->json, "index");
    if (holds)
        jsonw_uint(&c->json, proof.index);
    else
        jsonw_null(&c->json);
    jsonw_key(&c->json, "records");
    if (holds)
        jsonw_uint(&c->json, proof.records);
    else
        jsonw_null(&c->json);
    put_optional(&c->json, "why", span_str(holds ? "" : e.text));
    jsonw_object_end(&c->json);
}
