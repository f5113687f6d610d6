#include "engine/relay/policy.h"

#include "base/table.h"

#include <stdlib.h>

enum { LISTS = 3 };

struct learnt {
    uint64_t count;
    bool told; /* by policy_news */
};

struct policy {
    enum relay_unknown unknown;
    struct table *allowed[LISTS]; /* by enum relay_learnt; NULL: everything */
    struct table *learnt[LISTS];  /* text → struct learnt; NULL: nothing is learnt */
    uint32_t size_max;
    uint32_t rate_max;
    tq_time learn_until;
    uint32_t largest;
};

static int fill(struct table **ret, struct hash_key key, const char *const *texts, size_t n, struct error *e)
{
    if (n == 0)
        return 0;
    if (n > POLICY_LIST_MAX)
        return err_set(e, ERR_MISUSE, "a list of a link's policy has %zu entries; %d are the most", n, POLICY_LIST_MAX);
    *ret = table_new(key, n, 1);
    for (size_t i = 0; i < n && *ret != NULL; i++) {
        if (strlen(texts[i]) > TABLE_KEY_MAX)
            return err_set(e, ERR_MISUSE, "an entry of a link's policy is longer than %d bytes", TABLE_KEY_MAX);
        if (table_put(*ret, span_str(texts[i]), NULL) == NULL)
            return err_set(e, ERR_SYSTEM, "no memory for a link's policy");
    }
    return *ret != NULL ? 0 : err_set(e, ERR_SYSTEM, "no memory for a link's policy");
}

struct policy *policy_new(const struct relay_policy *from, struct hash_key key, struct error *e)
{
    struct policy *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for a link's policy");
        return NULL;
    }
    p->unknown = from->unknown;
    p->size_max = from->size_max;
    p->rate_max = from->rate_max;
    p->learn_until = from->learn_until;
    static const size_t most[LISTS] = {POLICY_LEARN_TYPES, POLICY_LEARN_SENDERS, POLICY_LEARN_TESTS};
    bool ok = fill(&p->allowed[RELAY_LEARNT_TYPE], key, from->types, from->types_n, e) == 0 &&
              fill(&p->allowed[RELAY_LEARNT_SENDER], key, from->senders, from->senders_n, e) == 0 &&
              fill(&p->allowed[RELAY_LEARNT_TEST], key, from->tests, from->tests_n, e) == 0;
    for (int i = 0; i < LISTS && ok && from->learn_until != 0; i++) {
        p->learnt[i] = table_new(key, most[i], sizeof(struct learnt));
        ok = p->learnt[i] != NULL || err_set(e, ERR_SYSTEM, "no memory for what a link learns") == 0;
    }
    if (ok)
        return p;
    policy_free(p);
    return NULL;
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < LISTS; i++) {
        table_free(p->allowed[i]);
        table_free(p->learnt[i]);
    }
    free(p);
}

bool policy_learns(const struct policy *p, tq_time now)
{
    return p->learn_until != 0 && now < p->learn_until;
}

bool policy_floods(const struct policy *p, uint32_t in_minute)
{
    return p->rate_max != 0 && in_minute > p->rate_max;
}

bool policy_refuses(const struct policy *p, tq_time now)
{
    if (p->unknown != RELAY_UNKNOWN_REFUSE || policy_learns(p, now))
        return false;
    return p->allowed[0] != NULL || p->allowed[1] != NULL || p->allowed[2] != NULL || p->size_max != 0 || p->rate_max != 0;
}

struct tests {
    struct policy *policy;
    bool learn;
    struct span bad; /* the first that is not allowed */
    bool found;
};

/* What has a control character in it is no name, and could not be written in a list. */
static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return text.n > 0 && text.n <= TABLE_KEY_MAX;
}

static void learn(struct policy *p, enum relay_learnt what, struct span text)
{
    struct learnt *l = !is_name(text) || p->learnt[what] == NULL ? NULL : table_put(p->learnt[what], text, NULL);
    if (l != NULL)
        l->count += 1;
}

static void each_test(void *context, struct span code)
{
    struct tests *t = context;
    if (t->learn)
        learn(t->policy, RELAY_LEARNT_TEST, code);
    else if (!t->found && code.n > 0 && table_get(t->policy->allowed[RELAY_LEARNT_TEST], code) == NULL) {
        t->bad = code;
        t->found = true;
    }
}

/* "APPLICATION|FACILITY", or H-5. */
static struct span sender_of(enum relay_protocol protocol, const struct look *look, char out[TABLE_KEY_MAX])
{
    if (protocol == RELAY_ASTM)
        return look->sender_app;
    if (look->sender_app.n + 1 + look->sender_place.n > TABLE_KEY_MAX)
        return look->sender_app;
    size_t n = span_copy(look->sender_app, out, TABLE_KEY_MAX);
    out[n++] = '|';
    n += span_copy(look->sender_place, out + n, TABLE_KEY_MAX - n);
    return span_of(out, n);
}

static struct policy_verdict against(const struct policy *p, const char *code, const char *reason, struct span foreign)
{
    static const enum relay_verdict verdicts[] = {RELAY_PASSED, RELAY_FLAGGED, RELAY_REFUSED};
    return (struct policy_verdict){.verdict = verdicts[p->unknown], .reason = reason, .code = code, .foreign = foreign};
}

static bool in_list(const struct policy *p, enum relay_learnt what, struct span text)
{
    return p->allowed[what] == NULL || (text.n <= TABLE_KEY_MAX && table_get(p->allowed[what], text) != NULL);
}

struct policy_verdict policy_judge(struct policy *p, enum relay_protocol protocol, struct span content, uint32_t size, uint32_t in_minute,
                                   tq_time now, struct look *look, bool *ret_read)
{
    struct tests tests = {.policy = p, .learn = policy_learns(p, now)};
    look_test *each = tests.learn || p->allowed[RELAY_LEARNT_TEST] != NULL ? each_test : NULL;
    *ret_read = protocol == RELAY_MLLP ? look_hl7(content, look, each, &tests) : look_astm(content, look, each, &tests);
    struct policy_verdict passed = {.verdict = RELAY_PASSED};
    struct span code = hl7_part(look->type, '^', 1);
    if (protocol == RELAY_MLLP && look->answer && look->results == 0 && span_is(code, "ACK"))
        return passed; /* whatever it answers; other answers are told by their caller, who knows what they answer */
    UNCLEARED char text[TABLE_KEY_MAX];
    struct span sender = tests.learn || p->allowed[RELAY_LEARNT_SENDER] != NULL ? sender_of(protocol, look, text) : (struct span){0};
    if (tests.learn) {
        learn(p, RELAY_LEARNT_TYPE, look->type);
        learn(p, RELAY_LEARNT_SENDER, sender);
        if (size > p->largest)
            p->largest = size;
        return passed;
    }
    if (p->size_max != 0 && size > p->size_max)
        return against(p, "207", "the message is longer than this link allows", look->type);
    if (policy_floods(p, in_minute))
        return against(p, "207", "more messages in a minute than this link allows", (struct span){0});
    if (look->headers > 1 && (p->allowed[RELAY_LEARNT_TYPE] != NULL || p->allowed[RELAY_LEARNT_SENDER] != NULL))
        return against(p, "207", "several messages came as one: they cannot be judged", look->type);
    if (!in_list(p, RELAY_LEARNT_TYPE, look->type))
        return against(p, "200", "this type of message is not allowed on this link", look->type);
    if (!in_list(p, RELAY_LEARNT_SENDER, sender) && !in_list(p, RELAY_LEARNT_SENDER, look->sender_app))
        return against(p, "207", "this sender is not allowed on this link", look->sender_app);
    if (tests.found)
        return against(p, "103", "a test of this message is not allowed on this link", tests.bad);
    return passed;
}

void policy_proposed(const struct policy *p, void (*each)(void *context, enum relay_learnt what, const char *text, uint64_t count), void *context)
{
    for (int i = 0; i < LISTS; i++) {
        struct span key;
        void *value;
        size_t at = 0;
        while (p->learnt[i] != NULL && table_next(p->learnt[i], &at, &key, &value)) {
            char text[TABLE_KEY_MAX + 1];
            size_t n = span_copy(key, text, TABLE_KEY_MAX);
            text[n] = 0;
            const struct learnt *l = value;
            each(context, (enum relay_learnt)i, text, l->count);
        }
    }
}

bool policy_news(struct policy *p, bool (*each)(void *context, enum relay_learnt what, struct span text), void *context)
{
    for (int i = 0; i < LISTS; i++) {
        struct span key;
        void *value;
        size_t at = 0;
        while (p->learnt[i] != NULL && table_next(p->learnt[i], &at, &key, &value)) {
            struct learnt *l = value;
            if (l->told)
                continue;
            if (!each(context, (enum relay_learnt)i, key))
                return false;
            l->told = true;
        }
    }
    return true;
}

void policy_not_told(struct policy *p)
{
    for (int i = 0; i < LISTS; i++) {
        struct span key;
        void *value;
        size_t at = 0;
        while (p->learnt[i] != NULL && table_next(p->learnt[i], &at, &key, &value))
            ((struct learnt *)value)->told = false;
    }
}

void policy_known(struct policy *p, enum relay_learnt what, struct span text)
{
    struct learnt *l = !is_name(text) || p->learnt[what] == NULL ? NULL : table_put(p->learnt[what], text, NULL);
    if (l != NULL)
        l->told = true;
}

void policy_known_largest(struct policy *p, uint32_t largest)
{
    p->largest = largest > p->largest ? largest : p->largest;
}

void policy_learn_until(struct policy *p, tq_time until)
{
    if (p->learn_until != 0)
        p->learn_until = until;
}

uint32_t policy_largest(const struct policy *p)
{
    return p->largest;
}
