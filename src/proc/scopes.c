#include "proc/scopes.h"

#include <stdlib.h>

#define FLOWS 1024 /* a power of two */
#define FLOW_SLOTS (2 * SCOPES_FLOW)
#define ALL_SLOTS (1u << 19)        /* of all conversations: 12 MiB */
#define SWEEP (RECORD_PACKETS / 64) /* bytes of messages between two attempts to find room in a full one */
#define SLOTS_MIN 16

struct seen {
    uint8_t scope[LEDGER_SCOPE];
    uint64_t at; /* bytes of the conversation's messages up to the last that named it, and 1; 0: a free slot */
};

struct flow_scopes {
    uint64_t flow;  /* 0: none */
    uint64_t bytes; /* of its messages */
    uint64_t swept; /* `bytes` when room was last looked for */
    uint64_t over;  /* `bytes` and 1 when a patient last found no room; 0: never */
    size_t n;
    size_t size; /* slots: a power of two, at least twice n */
    struct seen *seen;
};

struct scopes {
    size_t slots;                    /* of all */
    struct flow_scopes flows[FLOWS]; /* by the number of the flow: a newer one takes an older one's place */
};

struct scopes *scopes_new(void)
{
    return calloc(1, sizeof(struct scopes));
}

void scopes_free(struct scopes *s)
{
    for (size_t i = 0; s != NULL && i < FLOWS; i++)
        free(s->flows[i].seen);
    free(s);
}

/* ── what a record names ── */

static void add(struct scope_choice *c, const uint8_t scope[LEDGER_SCOPE])
{
    if (c->n < SCOPES_MOST)
        memcpy(c->of[c->n++], scope, LEDGER_SCOPE);
    else
        c->short_of = true;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, LEDGER_SCOPE);
}

/* Each once, from `first` on. */
static void settle(struct scope_choice *c, size_t first)
{
    size_t n = first;
    if (c->n - first < 2)
        return;
    qsort(c->of[first], c->n - first, LEDGER_SCOPE, compare);
    for (size_t i = first; i < c->n; i++)
        if (n == first || compare(c->of[n - 1], c->of[i]) != 0)
            memmove(c->of[n++], c->of[i], LEDGER_SCOPE);
    c->n = n;
}

static void add_patient(struct scope_choice *c, struct veil *v, struct span id)
{
    uint8_t scope[LEDGER_SCOPE];
    veil_scope(v, id, scope);
    add(c, scope);
}

static void add_patients(struct scope_choice *c, struct veil *v, const struct record *r)
{
    c->short_of |= record_number(r, KEY_WHO_LOST, 0) != 0;
    for (size_t i = 0; i < r->n; i++) {
        enum record_key k = r->fields[i].key;
        if (k == KEY_PATIENT || k == KEY_PRIOR_PATIENT || k == KEY_WHO)
            add_patient(c, v, r->fields[i].text);
        struct span more = k == KEY_WHO_MORE ? r->fields[i].text : (struct span){0};
        while (more.n > 0) {
            struct span id = span_take(&more, span_be16(&more));
            if (id.bad)
                break;
            add_patient(c, v, id);
        }
        c->short_of |= more.bad;
    }
}

/* ── whom a conversation is about ── */

static const struct flow_scopes *flow_of(const struct scopes *s, uint64_t flow)
{
    const struct flow_scopes *f = &s->flows[flow & (FLOWS - 1)];
    return flow != 0 && f->flow == flow ? f : NULL;
}

/* Whether what was seen when this stood can be in the newest packets. */
static bool lately(const struct flow_scopes *f, uint64_t at)
{
    return at != 0 && f->bytes - (at - 1) <= RECORD_PACKETS;
}

/* The slot with this scope, or the free one where it belongs; scopes are keyed hashes: their own bits are as good as any hash of them. */
static struct seen *slot_of(struct seen *seen, size_t size, const uint8_t scope[LEDGER_SCOPE])
{
    uint64_t hash;
    memcpy(&hash, scope, sizeof hash);
    size_t i = hash & (size - 1);
    while (seen[i].at != 0 && memcmp(seen[i].scope, scope, LEDGER_SCOPE) != 0)
        i = (i + 1) & (size - 1);
    return &seen[i];
}

/* Room for one more, by forgetting whom the newest packets cannot be about, or by growing. */
static bool find_room(struct scopes *s, struct flow_scopes *f)
{
    size_t kept = 0;
    size_t size = SLOTS_MIN;
    if (f->size == FLOW_SLOTS && f->bytes - f->swept < SWEEP)
        return false;
    f->swept = f->bytes;
    for (size_t i = 0; i < f->size; i++)
        kept += lately(f, f->seen[i].at);
    while (size < 3 * (kept + 1) && size < FLOW_SLOTS)
        size *= 2;
    if (kept == SCOPES_FLOW || s->slots - f->size + size > ALL_SLOTS)
        return false;
    struct seen *fresh = calloc(size, sizeof *fresh);
    if (fresh == NULL)
        return false;
    for (size_t i = 0; i < f->size; i++)
        if (lately(f, f->seen[i].at))
            *slot_of(fresh, size, f->seen[i].scope) = f->seen[i];
    free(f->seen);
    s->slots = s->slots - f->size + size;
    f->seen = fresh;
    f->size = size;
    f->n = kept;
    return true;
}

static void see(struct scopes *s, struct flow_scopes *f, const uint8_t scope[LEDGER_SCOPE])
{
    struct seen *at = f->size == 0 ? NULL : slot_of(f->seen, f->size, scope);
    if (at == NULL || (at->at == 0 && 2 * (f->n + 1) > f->size)) {
        if (!find_room(s, f)) {
            f->over = f->bytes + 1;
            return;
        }
        at = slot_of(f->seen, f->size, scope);
    }
    f->n += at->at == 0;
    memcpy(at->scope, scope, LEDGER_SCOPE);
    at->at = f->bytes + 1;
}

static void remember(struct scopes *s, const struct record *r, const struct scope_choice *c)
{
    struct flow_scopes *f = &s->flows[r->flow.id & (FLOWS - 1)];
    if (r->flow.id == 0 || (c->n == 0 && f->flow != r->flow.id))
        return;
    if (f->flow != r->flow.id) {
        s->slots -= f->size;
        free(f->seen);
        *f = (struct flow_scopes){.flow = r->flow.id};
    }
    int64_t bytes = r->event == EVENT_LAB_MESSAGE ? record_number(r, KEY_BYTES, 0) : 0;
    f->bytes += bytes > 0 ? (uint64_t)bytes : 0;
    for (size_t i = 0; i < c->n; i++)
        see(s, f, c->of[i]);
    if (c->short_of)
        f->over = f->bytes + 1;
}

static void add_flow(struct scope_choice *c, const struct flow_scopes *f)
{
    if (f == NULL)
        return;
    c->short_of |= lately(f, f->over);
    for (size_t i = 0; i < f->size; i++)
        if (lately(f, f->seen[i].at))
            add(c, f->seen[i].scope);
}

/* Those of the conversations that a finding or its packets are about. */
static void add_flows(struct scope_choice *c, const struct scopes *s, const struct record *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_EVIDENCE_FLOW)
            add_flow(c, flow_of(s, (uint64_t)r->fields[i].number));
}

/* ── choosing ── */

static void choose_message(struct scopes *s, struct veil *v, const struct record *r, struct scope_choice *ret)
{
    add_patients(ret, v, r);
    settle(ret, 0);
    remember(s, r, ret);
    if (ret->short_of)
        ret->n = 0; /* nothing of them is kept */
    ret->shared = ret->n > 1 || ret->short_of || (ret->n == 0 && record_number(r, KEY_PATIENTS, 0) > 0);
    if (ret->n == 0 && (record_number(r, KEY_CONTINUED, 0) != 0 || record_get(r, KEY_CONTINUES).n > 0)) {
        ret->shared = true;
        add_flow(ret, flow_of(s, r->flow.id));
    }
}

static void choose_packets(struct scopes *s, struct veil *v, const struct record *r, struct scope_choice *ret)
{
    static const uint8_t evidence[LEDGER_SCOPE] = SCOPE_EVIDENCE;
    ret->shared = true;
    add(ret, evidence);
    add_patients(ret, v, r);
    add_flows(ret, s, r);
    settle(ret, 1);
}

void scopes_choose(struct scopes *s, struct veil *v, const struct record *r, struct scope_choice *ret)
{
    ret->shared = false;
    ret->short_of = false;
    ret->n = 0;
    switch (r->event) {
    case EVENT_LAB_MESSAGE: choose_message(s, v, r, ret); return;
    case EVENT_LAB_RESULT:
    case EVENT_LAB_ORDER:
        add_patients(ret, v, r);
        settle(ret, 0);
        ret->shared = ret->n > 1;
        remember(s, r, ret);
        return;
    case EVENT_EVIDENCE_PACKETS: choose_packets(s, v, r, ret); return;
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
