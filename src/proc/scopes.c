#include "proc/scopes.h"

#include <stdlib.h>

#define FLOWS 1024 /* a power of two */
#define FLOW_SCOPES 64

struct flow_scopes {
    uint64_t flow; /* 0: none */
    uint8_t n;
    uint8_t of[FLOW_SCOPES][LEDGER_SCOPE];
};

struct scopes {
    struct flow_scopes flows[FLOWS]; /* by the number of the flow: a newer one takes an older one's place */
};

struct scopes *scopes_new(void)
{
    return calloc(1, sizeof(struct scopes));
}

void scopes_free(struct scopes *s)
{
    free(s);
}

static void add(struct scope_choice *c, const uint8_t scope[LEDGER_SCOPE])
{
    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->of[i], scope, LEDGER_SCOPE) == 0)
            return;
    if (c->n < SCOPES_MOST)
        memcpy(c->of[c->n++], scope, LEDGER_SCOPE);
}

static void add_patients(struct scope_choice *c, struct veil *v, const struct record *r)
{
    for (size_t i = 0; i < r->n; i++) {
        enum record_key k = r->fields[i].key;
        uint8_t scope[LEDGER_SCOPE];
        if (k != KEY_PATIENT && k != KEY_PRIOR_PATIENT && k != KEY_WHO)
            continue;
        veil_scope(v, r->fields[i].text, scope);
        add(c, scope);
    }
}

static const struct flow_scopes *flow_of(const struct scopes *s, uint64_t flow)
{
    const struct flow_scopes *f = &s->flows[flow & (FLOWS - 1)];
    return flow != 0 && f->flow == flow ? f : NULL;
}

static void remember(struct scopes *s, uint64_t flow, const struct scope_choice *c)
{
    struct flow_scopes *f = &s->flows[flow & (FLOWS - 1)];
    if (flow == 0 || c->n == 0)
        return;
    if (f->flow != flow)
        *f = (struct flow_scopes){.flow = flow};
    for (size_t i = 0; i < c->n; i++) {
        size_t k = 0;
        while (k < f->n && memcmp(f->of[k], c->of[i], LEDGER_SCOPE) != 0)
            k++;
        if (k == f->n && f->n < FLOW_SCOPES)
            memcpy(f->of[f->n++], c->of[i], LEDGER_SCOPE);
    }
}

static void add_flow(struct scope_choice *c, const struct flow_scopes *f)
{
    for (size_t i = 0; f != NULL && i < f->n; i++)
        add(c, f->of[i]);
}

/* Those of the conversations that a finding or its packets are about. */
static void add_flows(struct scope_choice *c, const struct scopes *s, const struct record *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_EVIDENCE_FLOW)
            add_flow(c, flow_of(s, (uint64_t)r->fields[i].number));
}

void scopes_choose(struct scopes *s, struct veil *v, const struct record *r, struct scope_choice *ret)
{
    ret->shared = false;
    ret->n = 0;
    switch (r->event) {
    case EVENT_LAB_MESSAGE:
        add_patients(ret, v, r);
        ret->shared = ret->n > 1 || (ret->n == 0 && record_number(r, KEY_PATIENTS, 0) > 0);
        remember(s, r->flow.id, ret);
        if (ret->n == 0 && (record_number(r, KEY_CONTINUED, 0) != 0 || record_get(r, KEY_CONTINUES).n > 0)) {
            ret->shared = true;
            add_flow(ret, flow_of(s, r->flow.id));
        }
        return;
    case EVENT_LAB_RESULT:
    case EVENT_LAB_ORDER:
        add_patients(ret, v, r);
        ret->shared = ret->n > 1;
        remember(s, r->flow.id, ret);
        return;
    case EVENT_EVIDENCE_PACKETS:
        ret->shared = true;
        add_patients(ret, v, r);
        add_flows(ret, s, r);
        return;
    default: return;
    }
}

bool scopes_bare(const struct scopes *s, const struct record *r)
{
    bool about = flow_of(s, r->flow.id) != NULL;
    for (size_t i = 0; i < r->n && r->event == EVENT_FINDING; i++) {
        const struct field *f = &r->fields[i];
        about |= f->key == KEY_PATIENT || (f->key == KEY_EVIDENCE_FLOW && flow_of(s, (uint64_t)f->number) != NULL);
    }
    return r->event == EVENT_FINDING && about;
}
