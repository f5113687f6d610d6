/* Clocks that are wrong: the stamps of a sender's messages beside the time at which they pass. Wrong is what stays: the last fifteen stamps lie
 * within a minute of each other, and all of them more than two minutes from the packet clock. Messages that were kept for later show another distance
 * each. */
#include "engine/detect/detect_private.h"

#include "base/skew.h"

#define STAMPS 15
#define STEADY_S 60
#define WRONG_S 120
#define VERY_WRONG_S 3600
#define CAUSE_MAX 256

struct sender_clock {
    int64_t skew[STAMPS];
    uint32_t n; /* stamps so far */
    bool told;
};

struct memo *clocks_new(void)
{
    return memo_new(CLOCKS_MAX, sizeof(struct sender_clock));
}

static bool steady(const struct sender_clock *k, int64_t *ret_least)
{
    int64_t least = k->skew[0];
    int64_t most = k->skew[0];
    for (int i = 1; i < STAMPS; i++) {
        least = k->skew[i] < least ? k->skew[i] : least;
        most = k->skew[i] > most ? k->skew[i] : most;
    }
    bool fast = least > WRONG_S;
    *ret_least = fast ? least : most; /* the one nearest to the truth */
    return most - least <= STEADY_S && (fast || most < -WRONG_S);
}

static void tell(struct detect *d, const struct record *r, struct parties *p, struct span name, int64_t skew)
{
    uint64_t size = (uint64_t)(skew < 0 ? -skew : skew);
    const char *unit = size >= 172800 ? "days" : size >= 7200 ? "hours" : "minutes";
    uint64_t number = size >= 172800 ? size / 86400 : size >= 7200 ? size / 3600 : size / 60;
    struct buf title = BUF_INIT(512);
    struct buf cause = BUF_INIT(CAUSE_MAX + 128);
    parties_text(p);
    buf_addf(&title, "The clock of {0} is %llu %s %s: the times on its results are not true.", (unsigned long long)number, unit,
             skew < 0 ? "slow" : "fast");
    buf_addf(&cause, "%s|", p->sender_text);
    buf_add_span(&cause, name.n > CAUSE_MAX ? span_of(name.p, CAUSE_MAX) : name);
    struct finding f = {
        .kind = KIND_DEVICE_CLOCK,
        .severity = size >= VERY_WRONG_S ? SEVERITY_MEDIUM : SEVERITY_LOW,
        .title = buf_text(&title),
        .advice = "Set the clock of the device at {0}, or have it follow the lab's time server. Until then, do not go by the times on its results.",
        .technique = NULL,
        .subjects = {span_str(p->sender_text)},
        .n_subjects = 1,
        .cause = buf_span(&cause),
    };
    finding_put(d, r, &f);
    buf_release(&title);
    buf_release(&cause);
}

struct digest clock_key(const struct detect *d, const struct address *sender, struct span name)
{
    struct hash_state g = digest_start(&d->key, 'c');
    hash_piece(&g, span_of(sender->bytes, sender->family == 4 ? 4 : sizeof sender->bytes));
    hash_piece(&g, name);
    return digest_end(g);
}

void judge_clock(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    int64_t skew = 0;
    if (!skew_of(m->sent_at, r->time, &skew))
        return;
    struct sender_clock *k = memo_put(d->clocks, p->who->keys[WHO_CLOCK], r->time, NULL);
    k->skew[k->n++ % STAMPS] = skew;
    if (k->n < STAMPS)
        return;
    int64_t wrong = 0;
    bool is_wrong = steady(k, &wrong);
    if (is_wrong && !k->told)
        tell(d, r, p, sender_name(m->sender), wrong);
    k->told = is_wrong; /* one that was set and goes wrong again is told again */
}
