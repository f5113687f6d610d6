/* Who sends: senders never seen before, and names used from another address.
 *
 * A sender is an address with a name: the first component of MSH-3 or H-5 (versions and serial numbers behind it come and go with the kind of
 * message). What speaks during the learning time is taken as known. Memory holds keyed digests of names, never names. Answers (ACK and the like) say
 * nothing about who sends results and are left out. */
#include "engine/detect/detect_private.h"

#define STILL_SPEAKS (10 * 60 * TIME_SECOND)           /* a name's owner that spoke so lately is still there */
#define RIVAL_WAITS (INT64_C(24) * 3600 * TIME_SECOND) /* how long after a rival the owner's next word proves two */
#define CAUSE_MAX 256
#define HEARD_PAUSE (10 * TIME_SECOND)
#define OLD_ACQUAINTANCE (10 * 60 * TIME_SECOND) /* heard for so long, … */
#define OLD_SPOKE 3                              /* … and so often: who that is was told when it came */
#define HEARD_SELDOM 2                           /* who was heard so often or less … */
#define HEARD_SHARE 6                            /* … is one in so many of those heard, …*/
#define HEARD_LEAST 5                            /* … or all of them were heard less than so often each: others are expected */
/* So long after the start a connection whose beginning was not seen can be one that stood before it: until then none is forgotten that began since.
 */
#define UNDERWAY_MOST (30 * 60 * TIME_SECOND)

struct known {
    tq_time first;
    tq_time last;
    uint8_t learnt;       /* seen in the learning time, or in an earlier run */
    uint8_t shared;       /* of a name: several addresses used it in the learning time */
    uint64_t card;        /* of a name: the network card of its home; 0: not known */
    uint8_t spoke;        /* of an address: how often, with a pause between, … */
    tq_time heard;        /* … and when last */
    struct address home;  /* of a name: the first address that used it */
    struct address rival; /* of a name: another, newer address that used it, not told yet */
    tq_time rival_at;
};

struct memo *senders_new(void)
{
    return memo_new(KNOWN_MAX, sizeof(struct known));
}

static bool same_address(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct span sender_name(struct span sender)
{
    return span_until(&sender, '^', NULL);
}

static struct digest key_of(const struct detect *d, char purpose, const struct address *a, struct span name, uint16_t port)
{
    struct hash_state g = digest_start(&d->key, purpose);
    if (a != NULL)
        hash_piece(&g, span_of(a->bytes, a->family == 4 ? 4 : sizeof a->bytes));
    hash_piece(&g, name);
    hash_piece(&g, span_of((uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port}, 2));
    return digest_end(g);
}

static struct known *look(struct detect *d, struct digest key, tq_time now, bool learning, bool *ret_new)
{
    struct known *k = memo_put(d->known, key, now, ret_new);
    if (*ret_new)
        k->first = now;
    if (learning && !k->learnt) {
        k->learnt = 1;
        memo_hold(d->known, key);
    }
    k->last = now;
    return k;
}

static struct span cause_of(struct buf *b, const char *address, struct span name, const char *other)
{
    buf_addf(b, "%s|", address);
    buf_add_span(b, name.n > CAUSE_MAX / 2 ? span_of(name.p, CAUSE_MAX / 2) : name);
    buf_addf(b, "|%s", other);
    return buf_span(b);
}

static void spoofed(struct detect *d, const struct record *r, const struct message *m, const struct address *rival, const struct address *home)
{
    char rival_text[46];
    char home_text[46];
    address_format(rival, rival_text);
    address_format(home, home_text);
    struct buf cause = BUF_INIT(512);
    struct finding f = {
        .kind = KIND_SENDER_SPOOFED,
        .severity = SEVERITY_CRITICAL,
        .title = "{0} sends results under the name {1}, which belongs to {2}, and {2} is still sending too.",
        .advice = "Somebody may be passing off results as those of {2}. Find the device with address {0} and take it off the network; hold back the "
                  "results that "
                  "arrived under this name since then until they are compared with the display of the real analyzer.",
        .technique = "T1036",
        .subjects = {span_str(rival_text), m->sender, span_str(home_text)},
        .n_subjects = 3,
        .cause = cause_of(&cause, rival_text, sender_name(m->sender), home_text),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

enum newness {
    NEW_STRANGER,
    NEW_NAME,       /* of somebody known */
    NEW_UNDERWAY,   /* it was there before, and spoke only now */
    NEW_MOVED,      /* under another address than before */
    NEW_AMONG_MANY, /* others are heard for the first time, too */
};

static void unknown(struct detect *d, const struct record *r, const struct message *m, struct parties *p, enum severity severity, enum newness how)
{
    struct buf cause = BUF_INIT(512);
    parties_text(p);
    bool named = m->sender.n > 0;
    struct finding f = {
        .kind = KIND_SENDER_UNKNOWN,
        .severity = severity,
        .title = how == NEW_UNDERWAY ? "{2} at {0} was heard for the first time: its connection to {1} stood before the capture began."
                 : how == NEW_NAME   ? "{0} sends to {1} under a name that it never used before: {2}."
                 : how == NEW_AMONG_MANY
                     ? "{2} at {0} was heard for the first time, by {1}; what else sends in this lab is not known for long, either."
                 : how == NEW_MOVED ? "{2} speaks to {1} from the address {0} now; its network card is the one that it had."
                 : named            ? "A sender never seen before, {2} at {0}, sends to {1}."
                                    : "A sender never seen before, at {0}, sends to {1}.",
        .advice = how == NEW_UNDERWAY || how == NEW_AMONG_MANY
                      ? "All is well if this is a device of the lab that had nothing to send until now. If nobody knows it, find out who "
                        "connected it."
                  : how == NEW_MOVED ? "All is well if the device was given another address. Have it entered in the list of devices."
                  : how == NEW_NAME
                      ? "If the device was renamed, replaced or got new software, all is well. If nobody did that, have it examined."
                      : "Find out who connected the device with address {0}. If nobody in the lab did, take it off the network now and check every "
                        "result that it "
                        "sent to {1}.",
        .technique = severity == SEVERITY_LOW ? NULL : "T1200",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text), m->sender},
        .n_subjects = 3,
        .cause = cause_of(&cause, p->sender_text, sender_name(m->sender), ""),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

/* Who speaks with a pause between is heard anew. While there are devices that were heard once or twice there are others that were not heard yet (what
 * Good and Turing's and Chao's estimates of what was not seen go by; Chao's corrected one is none where only one was heard once): a lab's devices do
 * not all have something to say in its first minute. */
static void note_heard(struct detect *d, struct known *address, tq_time now, bool is_new)
{
    if (!is_new && now - address->heard < HEARD_PAUSE)
        return;
    address->heard = now;
    d->spoken++;
    address->spoke += address->spoke < UINT8_MAX;
    d->heard += address->spoke == 1;
    d->heard_once += address->spoke == 1;
    d->heard_once -= address->spoke == 2;
    d->heard_seldom += address->spoke == 1;
    d->heard_seldom -= address->spoke == HEARD_SELDOM + 1;
}

static bool at_start(const struct detect *d)
{
    return !d->learnt && d->now - d->first <= UNDERWAY_MOST;
}

static bool others_expected(const struct detect *d)
{
    bool seldom = (d->heard_once > 1 && d->heard_seldom * HEARD_SHARE > d->heard) || d->spoken < HEARD_LEAST * d->heard;
    return at_start(d) && seldom;
}

static bool is_answer(const struct message *m)
{
    return m->ack_code.n > 0 || m->ack_for.n > 0 || span_starts(m->type, SPAN_LIT("ACK"));
}

static struct digest card_key(const struct detect *d, uint64_t card)
{
    return key_of(d, 'm', NULL, span_of(&card, sizeof card), 0);
}

/* From which address a card speaks. */
static void note_card(struct detect *d, const struct parties *p, tq_time now, bool moved)
{
    bool is_new;
    struct known *k = memo_put(d->known, card_key(d, p->who->card), now, &is_new);
    d->cards_heard += is_new;
    if (is_new || moved)
        k->home = *p->sender;
    else if (!same_address(&k->home, p->sender))
        k->shared = 1;
}

/* Does this card tell its device from others? Not that of a router, nor where one stands for all (captures that were made up, virtual networks). */
static bool card_is_own(const struct detect *d, uint64_t card, const struct address *home)
{
    const struct known *k = card == 0 ? NULL : memo_get(d->known, card_key(d, card));
    return k != NULL && !k->shared && same_address(&k->home, home) && d->cards_heard > 1;
}

/* What a message says about the name that it uses. */
struct name_news {
    struct address home;  /* whose name it is */
    struct address rival; /* family not 0: its owner speaks again after this newer address used it */
    bool taken;           /* the name's owner is another address, which spoke a moment ago … */
    bool moved;           /* … from the same network card: it has another address now */
};

static struct name_news judge_name(struct detect *d, const struct parties *p, tq_time now, bool learning, bool newcomer)
{
    struct digest key = p->who->keys[WHO_NAME];
    const struct address *from = p->sender;
    struct name_news news = {0};
    bool is_new;
    tq_time last = 0;
    struct known *name = memo_get(d->known, key);
    if (name != NULL)
        last = name->last;
    name = look(d, key, now, learning, &is_new);
    if (is_new)
        name->home = *from;
    bool at_home = same_address(&name->home, from);
    news.home = name->home;
    if (at_home) {
        name->card = p->who->card != 0 ? p->who->card : name->card;
        if (name->rival.family != 0 && now - name->rival_at <= RIVAL_WAITS)
            news.rival = name->rival;
        name->rival.family = 0;
        return news;
    }
    name->last = last; /* of its owner, not of others */
    if (learning)
        name->shared = 1;
    if (!newcomer || name->shared || same_address(&name->home, p->receiver)) /* nobody passes himself off to somebody as that one himself */
        return news;
    news.taken = now - last <= STILL_SPEAKS;
    news.moved = news.taken && name->card == p->who->card && card_is_own(d, name->card, &name->home);
    if (!news.taken || news.moved) {
        name->rival = *from;
        name->rival_at = now;
    }
    return news;
}

/* A relay passes messages on under their sender's name, from its own address: what it forwarded says so, and where a tap saw it, its address does. */
static bool is_forwarded(struct detect *d, const struct record *r, const struct address *from)
{
    bool says_so = span_is(record_get(r, KEY_LINK_LEG), "forwarded");
    if (!says_so && (!d->forwards || record_get(r, KEY_LINK).n > 0))
        return false;
    struct digest key = key_of(d, 'x', from, (struct span){0}, 0);
    if (!says_so)
        return memo_get(d->known, key) != NULL;
    d->forwards = true;
    (void)look(d, key, r->time, true, &(bool){false});
    return true;
}

void sender_keys(const struct detect *d, const struct parties *p, struct span name, struct digest keys[WHO_KEYS])
{
    const struct span none = {0};
    keys[WHO_PAIR] = key_of(d, 'p', p->sender, name, 0);
    keys[WHO_RECEIVER] = key_of(d, 'r', p->receiver, none, p->port);
    keys[WHO_LISTENER] = key_of(d, 'l', p->receiver, none, 0);
    keys[WHO_ADDRESS] = key_of(d, 'a', p->sender, none, 0);
    keys[WHO_AT_HOME] = key_of(d, 'l', p->sender, none, 0);
    keys[WHO_NAME] = key_of(d, 'n', NULL, name, 0);
}

void judge_sender(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    if (is_answer(m) || is_forwarded(d, r, p->sender))
        return;
    const struct digest *keys = p->who->keys;
    tq_time now = r->time;
    bool learning = !d->learnt && now - d->first < (d->options.learn > 0 ? d->options.learn : LEARN_DEFAULT);
    struct span name = sender_name(m->sender);
    bool new_pair;
    bool new_address;
    bool new_receiver;
    (void)look(d, keys[WHO_PAIR], now, learning, &new_pair);
    (void)look(d, keys[WHO_RECEIVER], now, learning, &new_receiver);
    if (p->receiver_listens)
        (void)look(d, keys[WHO_LISTENER], now, learning, &(bool){false});
    /* An address at home in the lab: it was learnt, or others have been sending to it (a LIS that sends its first order, the second address of a
     * middleware). */
    struct known *address = look(d, keys[WHO_ADDRESS], now, learning, &new_address);
    bool at_home = address->learnt || memo_get(d->known, keys[WHO_AT_HOME]) != NULL;
    if (learning && new_pair)
        d->senders_learnt++;
    bool newcomer = new_pair && !learning && d->senders_learnt > 0;
    struct name_news news = {0};
    if (name.n > 0)
        news = judge_name(d, p, now, learning, newcomer && !at_home);
    if (m->mac.n > 0 && p->who->card != 0)
        note_card(d, p, now, news.moved);
    if (news.rival.family != 0)
        spoofed(d, r, m, &news.rival, &news.home);
    /* a port to which nobody else sends was waiting for this device; who forges results sends them where results are taken */
    bool acquainted = !new_address && address->spoke >= OLD_SPOKE && now - address->first >= OLD_ACQUAINTANCE;
    enum newness how = span_is(m->state, "underway") && at_start(d)          ? NEW_UNDERWAY
                       : others_expected(d) || (new_receiver && at_start(d)) ? NEW_AMONG_MANY
                                                                             : NEW_STRANGER;
    if (!newcomer || at_home || address->spoke > 0 || (how == NEW_AMONG_MANY && !news.taken)) /* who stood there before says nothing of who comes */
        note_heard(d, address, now, new_address);
    if (!newcomer || (name.n == 0 && !new_address))
        return;
    if (news.taken && !news.moved)
        spoofed(d, r, m, p->sender, &news.home);
    else if (news.moved)
        unknown(d, r, m, p, SEVERITY_LOW, NEW_MOVED);
    else if (!at_home && !acquainted)
        unknown(d, r, m, p, how != NEW_STRANGER ? SEVERITY_LOW : !new_receiver && m->results > 0 ? SEVERITY_HIGH : SEVERITY_MEDIUM, how);
    else if (!new_address)
        unknown(d, r, m, p, SEVERITY_LOW, NEW_NAME);
}

/* ── What is kept over a restart: docs/formats/detector-state.md ── */

static void put_address(struct buf *out, const struct address *a)
{
    buf_u8(out, a->family);
    buf_add(out, a->bytes, sizeof a->bytes);
}

static bool get_address(struct span *in, struct address *a)
{
    a->family = span_u8(in);
    struct span bytes = span_take(in, sizeof a->bytes);
    if (bytes.bad || (a->family != 0 && a->family != 4 && a->family != 6))
        return false;
    memcpy(a->bytes, bytes.p, sizeof a->bytes);
    return true;
}

void senders_save(const struct detect *d, struct buf *out)
{
    size_t at = 0;
    size_t n = 0;
    struct digest key;
    const void *value;
    while (memo_next_held(d->known, &at, &key, &value))
        n++;
    buf_be32(out, (uint32_t)d->senders_learnt);
    buf_be32(out, (uint32_t)n);
    at = 0;
    while (memo_next_held(d->known, &at, &key, &value)) {
        const struct known *k = value;
        buf_be64(out, key.a);
        buf_be64(out, key.b);
        buf_be64(out, (uint64_t)k->first);
        buf_be64(out, (uint64_t)k->last);
        put_address(out, &k->home);
        put_address(out, &k->rival);
        buf_be64(out, (uint64_t)k->rival_at);
        buf_u8(out, k->shared);
    }
}

int senders_restore(struct detect *d, struct span *in, struct error *e)
{
    uint32_t learnt = span_be32(in);
    uint32_t n = span_be32(in);
    if (in->bad || n > KNOWN_MAX || learnt > KNOWN_MAX)
        return err_set(e, ERR_CORRUPT, "the detector's state is cut, or claims more senders than it can hold");
    for (uint32_t i = 0; i < n; i++) {
        struct digest key = {.a = span_be64(in), .b = 0};
        key.b = span_be64(in);
        struct known k = {.learnt = 1};
        k.first = (tq_time)span_be64(in);
        k.last = (tq_time)span_be64(in);
        bool ok = get_address(in, &k.home) && get_address(in, &k.rival);
        k.rival_at = (tq_time)span_be64(in);
        k.shared = span_u8(in);
        if (!ok || in->bad || k.shared > 1)
            return err_set(e, ERR_CORRUPT, "entry %u of the detector's state is malformed", i);
        struct known *to = memo_put(d->known, key, k.last, NULL);
        *to = k;
        memo_hold(d->known, key);
    }
    d->senders_learnt = learnt;
    d->forwards = n > 0; /* it may be among them */
    d->learnt = learnt > 0;
    return 0;
}
