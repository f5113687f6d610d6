/* From which network card somebody speaks: sender.spoofed where a known address speaks from another one while the one before is still heard.
 *
 * The sensor says the card where the sender is on the same link (no router took a hop), with the first message of a connection and where it changes.
 * Here it is kept for each pair of ends: a machine with several cards may well use one for each of those it talks to. What proves two senders is that
 * the first card speaks again after the other one did: over a connection that is older than the other's word, or, where devices connect anew for each
 * message, a second time, or at once. Who was replaced, and a standby that takes over, is heard from the new card alone; a standby that gives back
 * was heard alone for longer than the first one is ever silent.
 *
 * Who puts himself between two speaks to each of them as the other: one card that is neither's own, beside the own card of each. A router or a
 * firewall on the way has a card on each of its sides, or one for several networks (then the two are no neighbours), and a lab in which one card
 * stands for all (a capture inside of a machine, a virtual network) shows no others. */
#include "engine/detect/detect_private.h"

#define SETTLES (60 * TIME_SECOND)       /* two cards within this time are a habit */
#define TOGETHER (10 * 60 * TIME_SECOND) /* words from two cards that are no further apart stand against each other */
#define AT_ONCE (2 * 60 * TIME_SECOND)
#define KNOWN_WELL 10            /* connections from the first card: fewer may come from one of two by chance */
#define REIGN (60 * TIME_SECOND) /* a standby takes over for at least so long … */
#define REIGN_PAUSES 3           /* … and for so many pauses between two connections from the first card (one in twenty lasts so long) */
#define REIGN_LEAST 2            /* … and connects so often */

struct card {
    uint64_t home; /* as card_number has it */
    uint64_t rival;
    uint64_t other; /* the latest that is not home, whatever it was taken for */
    uint64_t rival_flow;
    uint64_t rival_ordinal; /* of its message; 0: none to name */
    tq_time since;          /* when home was heard first, */
    tq_time last;           /* and last, as far as is known */
    tq_time rival_at;
    uint32_t seen;   /* connections on which home was news, before the rival's */
    uint16_t reigns; /* connections of the rival, with nothing from home between */
    uint8_t turns;   /* how often home spoke again after the rival */
    uint8_t direction;
    uint16_t rival_port; /* from which the rival's connection comes */
    tq_time rival_last;
    bool shared;  /* several are the habit */
    bool between; /* it was told that somebody stands between the two */
};

struct memo *cards_new(void)
{
    return memo_new(CARDS_MAX, sizeof(struct card));
}

/* "00:1b:21:0a:0b:0c" as a number, not 0; 0: it is none. */
static uint64_t card_number(struct span mac)
{
    uint64_t n = 1;
    for (size_t i = 0; i < mac.n; i++) {
        uint8_t c = mac.p[i];
        if (c == ':')
            continue;
        n = n << 4 | (uint64_t)(c <= '9' ? c - '0' : (c & 0xdf) - 'A' + 10);
    }
    return mac.n == 17 ? n : 0;
}

static struct span card_text(uint64_t n, char out[18])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 17; i++)
        out[i] = i % 3 == 2 ? ':' : digits[n >> (44 - (i / 3 * 2 + i % 3) * 4) & 15];
    out[17] = 0;
    return span_str(out);
}

static void two_cards(struct detect *d, const struct record *r, struct parties *p, const struct card *c, enum severity severity)
{
    char rival[18];
    char home[18];
    char also[MESSAGE_ID_TEXT];
    parties_text(p);
    struct buf cause = BUF_INIT(256);
    const struct span more[] = {SPAN_LIT("card"), card_text(c->rival, rival)};
    bool low = severity == SEVERITY_LOW;
    struct finding f = {
        .kind = KIND_SENDER_SPOOFED,
        .severity = severity,
        .title = low ? "{0} speaks to {1} from another network card ({2}) than before ({3})."
                     : "{0} speaks to {1} from two network cards: {2} uses the address of {3}, which is still sending too.",
        .advice =
            low ? "All is well if the device was replaced, or a second one that stands by took over. If nobody did that, find the device with the "
                  "network card {2}."
                : "Somebody may be passing off messages as those of {0}. Have the network people find the switch port behind which {2} is and "
                  "close it; hold back the results that came from {0} since then until they are compared with the analyzer's own display.",
        .technique = low ? NULL : "T1036",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text), card_text(c->rival, rival), card_text(c->home, home)},
        .n_subjects = 4,
        .also = message_id_text(c->rival_flow, c->direction, c->rival_ordinal, also),
        .also_flow = c->rival_flow,
        .cause = cause_on(&cause, p, more, 2),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

static void in_between(struct detect *d, const struct record *r, struct parties *p, uint64_t card)
{
    char text[18];
    parties_text(p);
    struct buf cause = BUF_INIT(256);
    const struct span more[] = {SPAN_LIT("between"), card_text(card, text)};
    struct finding f = {
        .kind = KIND_SENDER_SPOOFED,
        .severity = SEVERITY_HIGH,
        .title = "The network card {2} speaks to {1} as {0}, and to {0} as {1}; both have network cards of their own.",
        .advice =
            "Somebody may stand between the two, and read or change what passes. Have the network people find the switch port behind which {2} is "
            "and close it; compare the results that passed since then with the analyzer's own display.",
        .technique = "T1557",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text), card_text(card, text)},
        .n_subjects = 3,
        .cause = cause_on(&cause, p, more, 2),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

/* Was the rival there alone for longer than home is ever silent? */
static bool took_over(const struct card *c, tq_time now)
{
    tq_time pause = c->seen > 0 ? (c->last - c->since) / c->seen : REIGN;
    return c->turns == 0 && c->reigns >= REIGN_LEAST && c->rival_last - c->rival_at >= REIGN && now - c->last >= REIGN_PAUSES * pause;
}

/* From the card that it always had. */
static void from_home(struct detect *d, const struct record *r, struct parties *p, struct card *c)
{
    if (c->rival != 0 && c->rival_port == r->flow.sport) { /* one connection, seen in front of somebody in between and behind him */
        c->shared = true;
    } else if (c->rival != 0 && r->flow.id > c->rival_flow && took_over(c, r->time)) {
        c->shared = true; /* a pair of which one stands by */
        c->rival = 0;
    } else if (c->rival != 0 && r->time - c->rival_at <= TOGETHER) {
        bool older = r->flow.id < c->rival_flow;
        bool well = c->seen >= KNOWN_WELL;
        c->turns += c->turns < UINT8_MAX;
        if (older || (well && c->turns > 1))
            two_cards(d, r, p, c, SEVERITY_HIGH);
        else if (well && r->time - c->rival_at <= AT_ONCE)
            two_cards(d, r, p, c, SEVERITY_MEDIUM);
        c->shared = !older && !well;
    } else if (c->rival != 0) {
        c->rival = 0;
        c->turns = 0;
    }
    c->last = r->time;
}

static void from_another(struct detect *d, const struct record *r, const struct message *m, struct parties *p, struct card *c, uint64_t card)
{
    c->other = card;
    if (r->time - c->since < SETTLES)
        c->shared = true;
    if (c->shared)
        return;
    if (c->rival == card && r->time - c->rival_at > TOGETHER && c->turns == 0) { /* the old one was not heard again: it was replaced */
        *c = (struct card){.home = card, .other = c->home, .since = c->rival_at, .last = r->time, .seen = c->seen, .between = c->between};
        return;
    }
    d->rival_card = r->time;
    if (c->rival == card) {
        c->rival_last = r->time;
        count_up(&c->reigns);
        return;
    }
    *c = (struct card){.home = c->home,
                       .other = card,
                       .since = c->since,
                       .last = c->last,
                       .seen = c->seen,
                       .rival = card,
                       .rival_at = r->time,
                       .rival_last = r->time,
                       .reigns = 1,
                       .between = c->between};
    c->rival_flow = r->flow.id;
    c->rival_port = r->flow.sport;
    message_id_read(m->id, &c->direction, &c->rival_ordinal);
    two_cards(d, r, p, c, SEVERITY_LOW);
}

static struct digest card_key(const struct detect *d, const struct address *from, const struct address *to, uint16_t vlan)
{
    struct hash_state s = digest_start(&d->key, 'k');
    hash_piece(&s, span_of(from->bytes, sizeof from->bytes));
    hash_piece(&s, span_of(to->bytes, sizeof to->bytes));
    hash_piece(&s, span_of(&vlan, sizeof vlan));
    return digest_end(s);
}

/* Two of one network: between others a router stands, which may well have one card for all of them, and be heard on two sides. */
static bool neighbours(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 3 : 8) == 0;
}

/* Does one card speak for both ends, each of which has another of its own, too? Told once. */
static void judge_between(struct detect *d, const struct record *r, struct parties *p, struct card *c)
{
    struct card *back = memo_get(d->cards, card_key(d, p->receiver, p->sender, r->flow.vlan));
    if (c->other == 0 || c->between || back == NULL || back->other == 0 || back->between || !neighbours(p->sender, p->receiver))
        return;
    bool by_other = c->other == back->other || c->other == back->home;
    uint64_t common = by_other ? c->other : c->home;
    uint64_t own = by_other ? c->home : c->other;
    uint64_t theirs = common == back->other ? back->home : back->other;
    if ((common != back->home && common != back->other) || own == theirs)
        return;
    c->between = back->between = true;
    in_between(d, r, p, common);
}

void judge_card(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    bool news = m->mac.n > 0;
    if (news)
        p->who->card = card_number(m->mac);
    bool waited_for = d->rival_card != 0 && r->time - d->rival_card <= TOGETHER;
    if (p->who->card == 0 || (!news && !waited_for))
        return;
    bool is_new;
    struct card *c = memo_put(d->cards, card_key(d, p->sender, p->receiver, r->flow.vlan), r->time, &is_new);
    if (is_new)
        *c = (struct card){.home = p->who->card, .since = r->time};
    c->seen += news && c->home == p->who->card && c->rival == 0;
    if (c->home == p->who->card)
        from_home(d, r, p, c);
    else
        from_another(d, r, m, p, c, p->who->card);
    if (news)
        judge_between(d, r, p, c);
}
