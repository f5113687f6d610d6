/* A message's results, put together in canonical form, and handed to those who judge them. */
#include "engine/detect/detect_private.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define TEXT_MOST 200 /* longer values are documents */
#define USES 16       /* a habit that is at hand is noted as used so often */

/* ── digests ── */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 31 | b >> 33)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

uint64_t result_key(uint64_t specimen, uint64_t test, uint16_t link, uint32_t observed)
{
    uint64_t rest = (uint64_t)link << 32 | observed;
    return index_key(mix(mix(specimen, test), rest), mix(specimen, rest)); /* those of one specimen lie side by side */
}

/* ── what a result says ── */

/* "4.0" and "4.00" are one value; "<4.0" is another, and so is a text. */
static uint32_t exact_digest(const struct detect *d, const struct gathered *g, const struct result *t)
{
    if (g->is.numeric) {
        struct number n = g->is.number;
        while (n.decimals > 0 && n.digits % 10 == 0) {
            n.digits /= 10;
            n.decimals--;
        }
        return (uint32_t)mix((uint64_t)n.digits, (uint64_t)n.decimals << 8 | n.comparator) | 1;
    }
    struct hash_state s = hash_start(&d->key);
    hash_add(&s, 'v');
    for (size_t i = 0; i < t->pieces; i++)
        hash_piece(&s, t->value[i].text);
    return (uint32_t)hash_end(s) | 1;
}

uint64_t part_test(uint64_t test, const struct seen_result *says)
{
    return mix(test, says->numeric ? (uint64_t)says->unit.dimension << 16 | (uint16_t)says->unit.power : UINT64_MAX);
}

/* Test and link are keyed digests: nobody can choose two that meet. */
static struct digest habit_key(const struct detect *d, uint64_t test)
{
    uint64_t link = d->open.at->key;
    return (struct digest){.a = mix(link, test), .b = mix(test, link)};
}

/* What is near is told by all but 16 bits of one half of the habit's digest and 12 of the other; the number takes the place of the former. */
static struct near *near_of(const struct detect *d, struct digest key)
{
    return &d->near[key.b >> 32 & (NEAR_HABITS - 1)];
}

static uint64_t near_tag(struct digest key)
{
    return (key.a | (NEAR_NUMBER + 1)) & ~NEAR_NUMBER; /* never 0 */
}

static struct habit *habit_find(struct detect *d, const struct gathered *g, struct digest key)
{
    bool is_new;
    struct habit *h = memo_put(d->habits, key, d->open.time, &is_new);
    uint64_t number = memo_number(d->habits, h);
    struct near *old = &d->near[d->near_places[number]];
    if (is_new && old->is != 0 && (old->is & NEAR_NUMBER) == number)
        old->is = 0; /* who had this number before is forgotten */
    struct near *near = near_of(d, key);
    near->is = near_tag(key) | number;
    d->near_places[number] = (uint16_t)(near - d->near);
    h->link = d->open.link;
    if (h->test != 0)
        return h;
    d->references[number] = (struct references){0};
    h->test = g->is.test;
    h->alternate = g->alternate;
    h->low = 1;
    h->analyte = g->analyte;
    h->code_n = g->code_n & 31;
    memcpy(h->code, g->code, g->code_n);
    return h;
}

/* The habit of a result that was near when it came: what it is in is here by now. */
static struct habit *habit_near(struct detect *d, const struct gathered *g)
{
    struct habit *h = habit_at(d, g->near);
    if (g->near == NEAR_NONE || h->test != g->is.test)
        return NULL;
    h->link = d->open.link;
    if (h->n % USES == 0)
        memo_use(d->habits, g->near, d->open.time);
    return h;
}

static enum status status_of(const struct detect *d, struct span status)
{
    if (d->open.poct1a && (span_is(status, "A") || span_is(status, "R"))) /* accepted, resent */
        return STATUS_FINAL;
    if (d->open.astm && (span_is(status, "R") || span_is(status, "W"))) /* transmitted before; valid or not, final all the same */
        return STATUS_FINAL;
    return status_read(status);
}

/* ── specimens ── */

static void add_id(const struct detect *d, struct span text, uint64_t ids[IDS], size_t *n)
{
    uint64_t id = text.n == 0 ? 0 : identity_digest(&d->key, text);
    for (size_t i = 0; i < *n; i++)
        if (ids[i] == id)
            return;
    if (id != 0 && *n < IDS)
        ids[(*n)++] = id;
}

size_t ids_of(const struct detect *d, const struct result *t, uint64_t ids[IDS])
{
    size_t n = 0;
    memset(ids, 0, IDS * sizeof *ids);
    add_id(d, t->specimen, ids, &n);
    if (!span_equal(t->order, t->specimen))
        add_id(d, t->order, ids, &n);
    add_id(d, t->filler, ids, &n);
    if (!span_equal(t->container, t->specimen))
        add_id(d, t->container, ids, &n);
    return n;
}

static bool is_control(const struct detect *d, const struct result *t)
{
    uint8_t role = t->role.n == 0 ? 0 : t->role.p[0] & 0xdf;
    if (d->open.test_message)
        return true;
    if (role != 0 && role != 'P' && strchr("QCEFOVBL", role) != NULL)
        return true;
    return role != 'P' && t->patient.n == 0 && identity_is_control(t->specimen);
}

static void join_ids(uint64_t to[IDS], const uint64_t ids[IDS])
{
    for (size_t k = 1; k < IDS && ids[k] != 0; k++) /* each order of a specimen has a number of its own */
        for (size_t m = 1; m < IDS; m++)
            if (to[m] == 0 || to[m] == ids[k]) {
                to[m] = ids[k];
                break;
            }
}

/* The group of this result's specimen: mostly that of the result before. */
static uint16_t group_of(struct detect *d, const struct result *t)
{
    struct gathering *o = &d->open;
    bool like_before = o->groups_n > 0 && t->role.n == o->role_n && (t->role.n == 0 || t->role.p[0] == o->role) &&
                       (t->patient.n == 0) == o->no_patient;
    bool control = like_before && same_text(t->specimen, o->specimen_text, o->specimen_n) ? o->groups[o->groups_n - 1].control : is_control(d, t);
    o->role_n = t->role.n;
    o->role = t->role.n == 0 ? 0 : t->role.p[0];
    o->no_patient = t->patient.n == 0;
    if (o->groups_n > 0 && t->specimen.n > 0 && same_text(t->specimen, o->specimen_text, o->specimen_n) && t->filler.n == 0 &&
        (t->order.n == 0 || span_equal(t->order, t->specimen)) && o->groups[o->groups_n - 1].control == control)
        return (uint16_t)(o->groups_n - 1);
    o->specimen_n = keep_text(t->specimen, o->specimen_text, sizeof o->specimen_text);
    uint64_t ids[IDS];
    bool unnumbered = ids_of(d, t, ids) == 0;
    uint64_t moment = !control && (unnumbered || d->moments) ? moment_id(d, t) : 0;
    if (unnumbered)
        ids[0] = moment;
    for (size_t i = o->groups_n; i-- > 0;)
        if (o->groups[i].ids[0] == ids[0] && o->groups[i].control == control) {
            join_ids(o->groups[i].ids, ids);
            o->specimen_n = i + 1 == o->groups_n ? o->specimen_n : 0;
            return (uint16_t)i;
        }
    struct group *g = &o->groups[o->groups_n++];
    *g = (struct group){
        .control = control, .material = t->material.n > 0 && !span_is(t->material, "blood"), .patient = identity_digest(&d->key, t->patient)};
    memcpy(g->ids, ids, sizeof g->ids);
    g->moment = moment;
    g->unnumbered = unnumbered && moment != 0;
    d->moments = d->moments || g->unnumbered;
    g->name_n = (uint8_t)span_copy(g->unnumbered ? t->observed : t->specimen, g->name, sizeof g->name);
    g->from = o->n - 1;
    specimen_expect(d, ids[0]);
    return (uint16_t)(o->groups_n - 1);
}

/* ── the open message ── */

/* A sender's own time, without its zone: only to be compared with another of the same sender. 0: it is none. */
static tq_time stamp_of(struct span stamp)
{
    uint8_t whole[24];
    tq_time t = 0;
    if (stamp.n < 19)
        return 0;
    memcpy(whole, stamp.p, 19);
    whole[19] = 'Z';
    return time_parse(span_of(whole, 20), &t) ? t : 0;
}

#define COPY_WITHIN (5 * TIME_SECOND)

/* One conversation: its flow, and the one in which its copy is seen. */
struct conversation {
    uint64_t flow[2];
    struct digest last; /* identity of the first one's last message */
    tq_time time;
};

struct memo *conversations_new(void)
{
    return memo_new(CONVERSATIONS_MAX, sizeof(struct conversation));
}

/* What tells a message from the others of its conversation: its control id, or else when it says it was sent, or else all that it says. Zeros:
 * nothing does. */
static struct digest identity_of(const struct detect *d, const struct message *m)
{
    if (m->control_id.n > 0)
        return d->own;
    if (m->sent_at.n == 0 && m->marks.n == 0)
        return (struct digest){.a = 0, .b = 0};
    struct hash_state s = digest_start(&d->key, 'i');
    hash_piece(&s, m->sent_at.n > 0 ? m->sent_at : m->marks);
    hash_piece(&s, m->sender);
    return digest_end(s);
}

struct digest conversation_key(const struct detect *d, const struct flow_ref *f)
{
    struct hash_state s = digest_start(&d->key, 'c');
    hash_piece(&s, span_of(f->src.bytes, sizeof f->src.bytes));
    hash_piece(&s, span_of(f->dst.bytes, sizeof f->dst.bytes));
    hash_add(&s, (uint64_t)f->sport << 16 | f->dport);
    return digest_end(s);
}

/* Where on its way this conversation is seen here: 1 where another flow between the same addresses and ports had the same message a moment ago (two
 * taps, two VLANs, both sides of somebody in between), else 0. */
static uint8_t leg_of(struct detect *d, const struct record *r, struct digest key, struct digest identity)
{
    const struct flow_ref *f = &r->flow;
    struct conversation *c = memo_put(d->conversations, key, r->time, NULL);
    if (c->flow[1] == f->id && f->id != 0)
        return 1;
    tq_time since = r->time - c->time;
    bool named = identity.a != 0 || identity.b != 0;
    if (c->flow[0] != f->id && c->flow[0] != 0 && named && digest_equal(identity, c->last) && since <= COPY_WITHIN && since >= -COPY_WITHIN) {
        c->flow[1] = f->id;
        return 1;
    }
    c->flow[0] = f->id;
    c->last = identity;
    c->time = r->time;
    return 0;
}

static void open_message(struct detect *d, const struct record *r, const struct parties *p, struct span id, struct digest identity)
{
    struct gathering *o = &d->open;
    const struct who *w = p->who;
    struct link ends = {.sender = *p->sender, .receiver = *p->receiver, .port = p->port, .receiver_listens = p->receiver_listens};
    ends.leg = leg_of(d, r, w != NULL ? w->keys[WHO_TALKS] : conversation_key(d, &r->flow), identity);
    o->id_n = id.n <= sizeof o->id ? span_copy(id, o->id, sizeof o->id) : 0;
    o->message = digest_text(&d->key, 'm', id);
    o->announced = o->cut = o->test_message = o->queued = o->poct1a = o->astm = o->marked = false;
    d->first_copy.link = LINK_NONE;
    o->left = 0;
    o->n = o->groups_n = o->judged = 0;
    o->time = r->time;
    o->said = 0;
    o->age = -1;
    o->control = (struct digest){.a = 0, .b = 0};
    o->specimen_n = o->observed_n = 0;
    o->observed_digest = 0;
    o->latest = w != NULL ? w->keys[WHO_LATEST] : latest_key(d, r->flow.id);
    o->link = links_put(d->links, w != NULL && ends.leg == 0 ? w->keys[WHO_LINK] : links_key(&d->key, &ends), &ends, r->time);
    o->at = links_at(d->links, o->link);
}

void gather_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    gather_close(d, NULL);
    order_close(d);
    if (m->ack_code.n == 0 && m->ack_for.n == 0)
        d->own = m->own;
    d->open.id_n = 0; /* a sensor that started again may use an id again */
    d->replay.complete = false;
    if (m->results <= 0)
        return;
    open_message(d, r, p, m->id, identity_of(d, m));
    d->open.announced = true;
    d->open.at->ours = m->ours;
    d->open.at->lost = m->gaps > 0 ? r->time : d->open.at->lost;
    d->open.left = d->open.told = m->results;
    d->open.test_message = m->processing.n > 0;
    d->open.queued = m->queued;
    d->open.poct1a = span_is(m->protocol, "poct1a");
    d->open.astm = span_is(m->protocol, "astm");
    d->open.said = stamp_of(m->sent_at);
    copy_open(d, r, m);
    d->open.cut = pieces_lost(m->malformed);
    d->open.marked = d->open.marked && !d->open.cut; /* a name may be among what is missing */
    if (!d->open.astm && m->control_id.n > 0)
        d->open.control = d->own;
    replay_message(d, m);
    memo_expect(d->messages, d->replay.identity);
    memo_expect(d->expected, d->own);
}

/* How its flag fits its range; 0: nothing is said. */
static int8_t fit_of(const struct gathered *g, const struct range_word *range)
{
    if (!g->is.numeric || !range->known || g->is.number.comparator != COMPARES_EQUAL || g->is.flag == FLAG_NONE)
        return 0;
    return (int8_t)flag_fits((enum flag)g->is.flag, number_value(&g->is.number), &range->is, number_half_step(&g->is.number));
}

/* When it was observed: mostly as the one before. */
static void read_observed(struct detect *d, struct span observed)
{
    struct gathering *o = &d->open;
    if (observed.n > 0 && same_text(observed, o->observed_text, o->observed_n))
        return;
    o->observed_n = keep_text(observed, o->observed_text, sizeof o->observed_text);
    o->observed_digest = observed.n == 0 ? 0 : (uint32_t)digest_text(&d->key, 'o', observed) | 1;
    tq_time at = stamp_of(observed);
    o->age = o->said == 0 || at == 0 || at > o->said ? -1 : (o->said - at) / TIME_SECOND;
}

/* What the message is looked up by will be needed when its results are in. */
static void expect_entries(const struct detect *d)
{
    const struct gathering *o = &d->open;
    memo_expect_entry(d->messages, d->replay.identity, o->time);
    memo_expect_entry(d->expected, d->own, o->time);
    copy_expect(d);
    specimen_expect_entry(d, o->groups[o->groups_n - 1].ids[0], o->time);
}

/* Its test, and the habit of that on this link: it is looked at when all results are here. By then the memory has brought it, or what looking it up
 * touches. */
static void read_test(struct detect *d, struct gathered *g, const struct result *t)
{
    const struct code_word *code = words_code(d->words, &d->key, d->analytes, t->code);
    struct digest key = habit_key(d, code->test);
    uint64_t near = near_of(d, key)->is;
    g->is.test = code->test;
    g->alternate = 0;
    g->analyte = code->analyte;
    g->code_n = code->n;
    memcpy(g->code, code->text, sizeof g->code);
    if ((near & ~NEAR_NUMBER) == near_tag(key)) {
        g->near = (uint16_t)(near & NEAR_NUMBER);
        memo_expect_number(d->habits, g->near, HABIT_HOT);
        __builtin_prefetch(&d->references[g->near], 1);
        return;
    }
    g->near = NEAR_NONE;
    memo_expect(d->habits, key);
    if (t->alternate.n == 0)
        return;
    code = words_code(d->words, &d->key, d->analytes, t->alternate);
    g->alternate = code->test;
    g->analyte = g->analyte == ANALYTE_NONE ? code->analyte : g->analyte;
}

static void read_value(struct detect *d, struct gathered *g, const struct result *t)
{
    g->is.numeric = t->pieces == 1 && number_read(t->value[0].text, &g->is.number);
    g->is.exact = t->pieces == 0 ? 0 : exact_digest(d, g, t);
    g->is.unit = words_unit(d->words, t->units);
    g->is.flag = (uint8_t)flag_read(t->flag) & 15;
    g->is.status = (uint8_t)status_of(d, t->status) & 15;
    if (t->range.n == 0)
        return;
    const struct range_word *range = words_range(d->words, &d->key, t->range);
    g->is.range = range->digest;
    g->fits = fit_of(g, range);
}

static void add(struct detect *d, const struct result *t)
{
    struct gathering *o = &d->open;
    struct gathered *g = &o->all[o->n++];
    memset(g, 0, offsetof(struct gathered, alternate)); /* the rest is for a new habit */
    g->nth = SENT_TESTS;
    g->document = t->pieces > 1 || (t->pieces == 1 && t->value[0].text.n > TEXT_MOST);
    read_test(d, g, t);
    g->group = group_of(d, t);
    struct group *group = &o->groups[g->group];
    read_observed(d, t->observed);
    if (group->n == 1)
        expect_entries(d);
    if (++group->n == 1 || o->age > group->age)
        group->age = o->age;
    group->to = o->n;
    g->is.observed = o->observed_digest;
    read_value(d, g, t);
    g->is.key = result_key(group->ids[0], g->is.test, o->link, g->is.observed);
    results_expect(d->results, g->is.key);
    __builtin_prefetch(results_at(d->results, d->results->next + (uint32_t)o->n), 1); /* where it will be kept */
    uint64_t content = mix(g->is.exact, g->is.unit.dimension ^ (uint64_t)(uint16_t)g->is.unit.power << 32);
    uint64_t whose = group->ids[0] ^ group->patient; /* the same for somebody else is no replay of the message */
    uint64_t says = mix(g->is.test, content);
    group->values += says;
    d->replay.content += mix(mix(whose, g->is.observed), says);
}

void gather_result(struct detect *d, const struct record *r, const struct result *t)
{
    struct gathering *o = &d->open;
    bool open = o->id_n > 0 && t->message.n == o->id_n && memcmp(t->message.p, o->id, o->id_n) == 0;
    if (!open) {
        gather_close(d, NULL);
        d->replay.complete = false;
        UNCLEARED struct parties p;
        parties_of(r, t->message, &p);
        open_message(d, r, &p, t->message, (struct digest){.a = 0, .b = 0});
    }
    add(d, t);
    o->left--;
    bool full = o->n == GATHER_MAX || o->groups_n == GROUPS_MAX;
    if (!o->announced || o->left <= 0 || full)
        gather_close(d, r);
}

/* The same result earlier in this message; NULL: there is none. */
static struct gathered *first_of(struct gathering *o, const struct gathered *g)
{
    struct habit *h = g->habit;
    size_t i = (size_t)(g - o->all);
    struct gathered *first = h->at_message == (uint32_t)o->message && h->at < i ? &o->all[h->at] : NULL;
    if (first != NULL && first->habit == h && first->group == g->group && first->is.observed == g->is.observed)
        return first;
    h->at = (uint8_t)i;
    h->at_message = (uint32_t)o->message;
    return NULL;
}

/* A code that stands for several things (a value, the signal that it was computed from, an interpretation): each but the first is a test of its own.
 */
static void part_from(struct detect *d, struct gathered *first, struct gathered *g)
{
    first->is.parted = true;
    g->part = true;
    g->alternate = 0;
    g->analyte = ANALYTE_NONE;
    g->is.test = part_test(g->is.test, &g->is);
    g->is.key = result_key(d->open.groups[g->group].ids[0], g->is.test, d->open.link, g->is.observed);
    g->habit = habit_find(d, g, habit_key(d, g->is.test));
    g->is.habit = (uint16_t)memo_number(d->habits, g->habit);
}

/* Results that a message holds several times are compared as one. */
static void merge_several(struct detect *d)
{
    struct gathering *o = &d->open;
    for (size_t i = 0; i < o->n; i++) {
        struct gathered *g = &o->all[i];
        struct gathered *first = first_of(o, g);
        if (first != NULL && !g->document && !first->document && !same_kind(&first->is, &g->is)) {
            part_from(d, first, g);
            first = first_of(o, g);
        }
        if (first == NULL)
            continue;
        first->several = g->merged = true;
        first->is.exact += g->is.exact;
    }
}

static void find_habits(struct detect *d)
{
    struct gathering *o = &d->open;
    for (size_t i = 0; i < o->n; i++) {
        struct gathered *g = &o->all[i];
        g->habit = habit_near(d, g);
        if (g->habit == NULL)
            g->habit = habit_find(d, g, habit_key(d, g->is.test));
        g->is.habit = (uint16_t)memo_number(d->habits, g->habit);
    }
}

void gather_close(struct detect *d, const struct record *r)
{
    struct gathering *o = &d->open;
    copy_look(d);
    if (o->n == 0)
        return;
    d->replay.whole = d->replay.complete && o->left <= 0 && (size_t)o->told == o->n;
    for (size_t i = 0; i < o->n; i++) {
        if (o->all[i].near == NEAR_NONE)
            memo_expect_entry(d->habits, habit_key(d, o->all[i].is.test), o->time);
        results_expect_entry(d->results, o->all[i].is.key);
    }
    if (o->left <= 0)
        judge_replay(d, r);
    sent_make_room(d, o->n, o->groups_n);
    find_habits(d);
    merge_several(d);
    for (size_t i = 0; i < o->groups_n; i++) {
        o->groups[i].of = specimen_get(d, o->groups[i].ids[0]);
        specimen_expect_sent(d, o->groups[i].of);
    }
    for (size_t i = 0; i < o->n; i++)
        if (!o->groups[o->all[i].group].control && !o->all[i].merged)
            judge_repeats(d, r, &o->all[i]);
    judge_renumbered(d, r);
    for (size_t i = 0; i < o->groups_n; i++)
        if (!o->groups[i].control)
            judge_alike(d, r, (uint16_t)i);
    for (size_t i = 0; i < o->groups_n; i++)
        specimen_expect_results(d, &o->groups[i]);
    judge_custody(d, r);
    for (size_t i = 0; i < o->n; i++) {
        if (o->groups[o->all[i].group].control)
            continue;
        if (o->all[i].is.status == STATUS_CORRECTED)
            judge_correction(d, r, &o->all[i]);
        judge_value(d, r, &o->all[i]);
        judge_shift(d, r, &o->all[i]);
    }
    for (size_t i = 0; i < o->groups_n; i++)
        if (!o->groups[i].control)
            judge_orders(d, r, &o->groups[i]);
    if (o->left <= 0)
        copy_judge(d, r);
    o->judged += o->n;
    o->n = o->groups_n = 0;
}

struct link *open_link(const struct detect *d)
{
    return d->open.at;
}

void link_text(const struct link *l, struct parties *p)
{
    *p = (struct parties){.sender = &l->sender, .receiver = &l->receiver, .port = l->port, .receiver_listens = l->receiver_listens};
    parties_text(p);
}

struct span cause_on(struct buf *b, const struct parties *p, const struct span *more, size_t n)
{
    char port[TEXT_DECIMAL];
    buf_add_str(b, p->sender_text);
    buf_u8(b, '>');
    buf_add_str(b, p->receiver_text);
    buf_u8(b, ':');
    buf_add(b, port, (size_t)(text_decimal(port, p->port) - port));
    for (size_t i = 0; i < n; i++) {
        buf_u8(b, '|');
        buf_add_span(b, more[i]);
    }
    return buf_span(b);
}

struct span test_name(const struct habit *h)
{
    return span_of(h->code, h->code_n);
}
