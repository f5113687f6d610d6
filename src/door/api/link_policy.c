/* What a link learnt, and the policy that a person approves out of it, or takes back.
 *
 * Invariants
 *  1. What is approved is what stands on the ledger, up to the record that the person's page showed: the decision names it.
 *  2. Names that had to be hidden may pass only where the person has looked at them first; else they are left out, and the decision says so. */
#include "door/api/link_private.h"

#include "lab/people/look.h"

#include <stdlib.h>

#define LOOK_RECORDS 8                      /* that one look shows (look_private.h) */
#define LOOK_COUNTS (60 * 60 * TIME_SECOND) /* how long a look at hidden names counts */

static const char *const lists[LINK_WORD_KINDS] = {"types", "senders", "tests"};

/* What there is to a list, besides its names. */
struct summary {
    size_t names, hidden;
    uint64_t last;         /* the newest record that has one of them */
    uint64_t first_hidden; /* the record to look at: the others come with it */
    uint64_t last_hidden;
    uint64_t records[LOOK_RECORDS]; /* that have hidden names */
    size_t records_n;               /* one more than there is room: too many */
    struct jsonw *j;                /* the names are written, where it is not NULL */
    int what;                       /* whose array is open */
};

static void open_list(struct summary *s, int what)
{
    while (s->j != NULL && s->what < what) {
        if (s->what >= 0)
            jsonw_array_end(s->j);
        if (++s->what == LINK_WORD_KINDS)
            return;
        jsonw_key(s->j, lists[s->what]);
        jsonw_array(s->j);
    }
}

static void note_hidden(struct summary *s, uint64_t record)
{
    if (s->hidden++ == 0 || record < s->first_hidden)
        s->first_hidden = record;
    s->last_hidden = record > s->last_hidden ? record : s->last_hidden;
    for (size_t i = 0; i < s->records_n && i < LOOK_RECORDS; i++)
        if (s->records[i] == record)
            return;
    if (s->records_n < LOOK_RECORDS)
        s->records[s->records_n] = record;
    s->records_n += s->records_n <= LOOK_RECORDS;
}

static void take_word(void *context, const struct link_word *w)
{
    struct summary *s = context;
    s->names++;
    s->last = w->record > s->last ? w->record : s->last;
    if (w->hidden)
        note_hidden(s, w->record);
    open_list(s, w->what);
    if (s->j != NULL)
        jsonw_text(s->j, w->text);
}

static int put_rules(struct call *c, const char *key, const char *name, enum link_words list, int64_t size, int64_t rate, struct error *e)
{
    struct jsonw *j = &c->json;
    struct summary s = {.j = j, .what = -1};
    jsonw_key(j, key);
    jsonw_object(j);
    int rc = link_words(c->db, span_str(name), list, take_word, &s, e);
    open_list(&s, LINK_WORD_KINDS);
    jsonw_put_int(j, "size", size);
    jsonw_put_int(j, "rate", rate);
    jsonw_put_uint(j, "hidden", s.hidden);
    jsonw_key(j, "look_at");
    if (s.hidden > 0)
        jsonw_uint(j, s.first_hidden);
    else
        jsonw_null(j);
    jsonw_object_end(j);
    return rc;
}

int link_policy_put(struct call *c, const struct api_link *l, const struct link_decided *d, struct error *e)
{
    struct jsonw *j = &c->json;
    int rc = 0;
    jsonw_key(j, "policy");
    jsonw_object(j);
    jsonw_put_str(j, "unknown", l->unknown);
    put_time(j, "learning_since", d->learn_from);
    put_time(j, "learning_until", l->learning_until);
    if (d->learn_from != 0 || d->proposed_at != 0)
        rc = put_rules(c, d->proposed_at != 0 ? "proposed" : "learnt", l->name, LINK_WORDS_LEARNT, d->learn_size, d->learn_rate, e);
    jsonw_key(j, d->proposed_at != 0 ? "learnt" : "proposed");
    jsonw_null(j);
    if (d->learn_from == 0 && d->proposed_at == 0) {
        jsonw_key(j, "learnt");
        jsonw_null(j);
    }
    put_time(j, "proposed_at", d->proposed_at);
    if (d->unknown[0] != 0 && rc == 0) {
        rc = put_rules(c, "approved", l->name, LINK_WORDS_ALLOWED, d->allow_size, d->allow_rate, e);
    } else {
        jsonw_key(j, "approved");
        jsonw_null(j);
    }
    put_optional(j, "approved_by", span_str(d->by));
    put_time(j, "approved_at", d->at);
    jsonw_object_end(j);
    return rc;
}

/* ── deciding ── */

enum { APPROVE, UNKNOWN, HIDDEN, REASON, PASSWORD, FIELDS };

static void decide_policy(struct call *c, const struct body_field *f, const struct link_decided *d, const struct summary *s, bool on)
{
    struct record *r = decision(c, EVENT_LINK_POLICY);
    uint64_t record = 0;
    if (r == NULL)
        return;
    record_text(r, KEY_LINK, c->params[0]);
    record_text(r, KEY_WHY, f[REASON].text);
    record_int(r, KEY_LINK_ON, on);
    if (on) {
        record_int(r, KEY_LINK_SIZE, d->learn_size);
        record_int(r, KEY_LINK_RATE, d->learn_rate);
        record_text(r, KEY_LINK_UNKNOWN, f[UNKNOWN].text);
        record_int(r, KEY_LINK_LEARNT_TO, (int64_t)s->last);
        record_str(r, KEY_LINK_HIDDEN, s->hidden == 0 ? NULL : span_is(f[HIDDEN].text, "include") ? "included" : "left out");
    }
    if (decide(c, r, &record))
        link_hand_on(c, &(struct api_link_order){.what = API_LINK_POLICY, .link = c->params[0], .on = on});
    free(r);
}

/* Whoever lets hidden names pass has seen them: a look at their records within the last hour, after the newest of them was there. */
static bool has_looked(struct call *c, const struct summary *s, struct error *e)
{
    return look_of_record(c->db, span_str(c->person.name), s->first_hidden, s->last_hidden, c->now.wall - LOOK_COUNTS, e);
}

static void approve(struct call *c, const struct body_field *f, const struct link_decided *d)
{
    struct summary s = {0};
    struct error e = {0};
    struct span unknown = f[UNKNOWN].text;
    struct span hidden = f[HIDDEN].text;
    if (link_words(c->db, c->params[0], LINK_WORDS_LEARNT, take_word, &s, &e) != 0)
        problem_store(c, &e);
    else if (d->proposed_at == 0 || s.names == 0)
        problem(c, 409, "nothing-proposed", "No policy is proposed for this link: give it time to learn (learn: in lab.yaml).");
    else if (!span_is(unknown, "pass") && !span_is(unknown, "flag") && !span_is(unknown, "refuse"))
        problem(c, 422, "unknown", "What happens to what is not allowed: pass, flag or refuse.");
    else if (s.hidden > 0 && !span_is(hidden, "include") && !span_is(hidden, "leave_out"))
        problem(c, 422, "hidden",
                "Some names of this policy are hidden. Look at them and say include, or say leave_out: then what they name is not allowed.");
    else if (s.records_n > LOOK_RECORDS && span_is(hidden, "include"))
        problem(c, 422, "too-many",
                "So many names are hidden that one look does not show them all. Leave them out, or write the policy into lab.yaml.");
    else if (s.hidden > 0 && span_is(hidden, "include") && !has_looked(c, &s, &e))
        problem(c, 422, "look-first", "Look at the hidden names first: nobody approves what they have not seen.");
    else if (proof_again(c, f[PASSWORD].text, "links.manage"))
        decide_policy(c, f, d, &s, true);
}

static void take_back(struct call *c, const struct body_field *f, const struct link_decided *d)
{
    if (d->unknown[0] == 0)
        problem(c, 409, "nothing-approved", "No policy of this link is approved: there is nothing to take back.");
    else if (proof_again(c, f[PASSWORD].text, "links.manage"))
        decide_policy(c, f, d, NULL, false);
}

/* approve: true approves what the link proposes; false takes back what was approved, and the link goes by lab.yaml again. */
void handle_link_policy(struct call *c)
{
    struct body_field f[FIELDS] = {[APPROVE] = {.name = "approve", .boolean = true, .max = 5},
                                   [UNKNOWN] = {.name = "unknown", .max = 8, .optional = true},
                                   [HIDDEN] = {.name = "hidden", .max = 16, .optional = true},
                                   [REASON] = {.name = "reason", .max = 500},
                                   [PASSWORD] = {.name = "password", .max = 1024, .optional = true}};
    struct body body;
    struct link_decided d;
    struct error e = {0};
    if (!link_named(c) || !body_open(c, &body, f, FIELDS))
        return;
    if (link_decided_get(c, c->params[0], &d, &e) != 0)
        problem_store(c, &e);
    else if (!reason_valid(f[REASON].text))
        problem(c, 422, "reason", "Say in a few words why.");
    else if (span_is(f[APPROVE].text, "true"))
        approve(c, f, &d);
    else
        take_back(c, f, &d);
    body_close(&body);
}
