/* What one message shows by itself: that it passes in clear text, is damaged, or attacks its receiver. */
#include "base/text.h"
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512

_Static_assert(2 * ENDPOINT_TEXT + TEXT_DECIMAL + 3 <= CAUSE_MAX / 2, "the ends of a cause have room");

/* Addresses that only exist inside a site: RFC 1918, 3927, 6598, 4193, 4291 (link-local), loopback. */
static bool is_local(const struct address *a)
{
    const uint8_t *b = a->bytes;
    if (a->family == 4)
        return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
               (b[0] == 100 && (b[1] & 0xc0) == 64);
    static const uint8_t loopback[16] = {[15] = 1};
    return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || memcmp(b, loopback, 16) == 0;
}

/* The documentation ranges reach nobody (RFC 5737, RFC 3849): where both ends are of them, they stand for a site; beside local ones, for the outside.
 */
static bool is_documentation(const struct address *a)
{
    static const uint8_t nets[3][3] = {{192, 0, 2}, {198, 51, 100}, {203, 0, 113}};
    static const uint8_t six[4] = {0x20, 0x01, 0x0d, 0xb8};
    if (a->family != 4)
        return memcmp(a->bytes, six, 4) == 0;
    for (size_t i = 0; i < 3; i++)
        if (memcmp(a->bytes, nets[i], 3) == 0)
            return true;
    return false;
}

static bool leaves_site(const struct parties *p)
{
    return !(is_local(p->sender) && is_local(p->receiver)) && !(is_documentation(p->sender) && is_documentation(p->receiver));
}

static struct span cause_of(char out[CAUSE_MAX], const struct parties *p, struct span more)
{
    char *end = stpcpy(stpcpy(out, p->sender_text), ">");
    end = stpcpy(stpcpy(end, p->receiver_text), ":");
    end = stpcpy(text_decimal(end, p->port), "|");
    end += span_copy(more, end, CAUSE_MAX / 2);
    return span_of(out, (size_t)(end - out));
}

/* Of these two ends, in whichever direction. */
struct digest clear_text_key(const struct detect *d, const struct parties *p)
{
    struct hash_state g = digest_start(&d->key, 'k');
    const struct address *client = p->receiver_listens ? p->sender : p->receiver;
    const struct address *server = p->receiver_listens ? p->receiver : p->sender;
    hash_piece(&g, span_of(client->bytes, sizeof client->bytes));
    hash_piece(&g, span_of(server->bytes, sizeof server->bytes));
    hash_piece(&g, span_of((uint8_t[]){(uint8_t)(p->port >> 8), (uint8_t)p->port}, 2));
    return digest_end(g);
}

/* True the first time for these two ends: most messages stop here, without a text being made. */
static bool first_on_link(struct detect *d, const struct parties *p, tq_time now)
{
    bool is_new;
    (void)memo_put(d->causes, p->who->keys[WHO_CLEAR], now, &is_new);
    return is_new;
}

static void clear_text(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    if (m->encrypted || (m->results <= 0 && m->patients <= 0) || !first_on_link(d, p, r->time))
        return;
    char cause[CAUSE_MAX];
    parties_text(p);
    bool out = leaves_site(p);
    struct finding f = {
        .kind = KIND_PHI_CLEARTEXT,
        .severity = out ? SEVERITY_HIGH : SEVERITY_LOW,
        .title = out ? "Results from {0} to {1} pass in clear text, over public addresses." : "Results from {0} to {1} pass in clear text.",
        .advice = out ? "Stop sending over the open internet: put this connection into a VPN or TLS now, and ask your privacy officer whether what "
                        "was sent must be "
                        "reported."
                      : "Everyone on this network can read these results and change them on the way. Switch on TLS at both ends if the devices can "
                        "do it; if not, "
                        "put both into a network segment of their own and place a TLS relay in front of them.",
        .technique = "T1040",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text)},
        .n_subjects = 2,
        .cause = cause_of(cause, p, (struct span){0}),
    };
    if (m->results <= 0)
        f.title = out ? "Patient data from {0} to {1} pass in clear text, over public addresses."
                      : "Patient data from {0} to {1} pass in clear text.";
    finding_put(d, r, &f);
}

/* A reason without its numbers: "PID-5, byte 812: …" of two messages are one cause. */
static struct span reason_kind(struct span reason, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < reason.n && n < size; i++) {
        bool digit = reason.p[i] >= '0' && reason.p[i] <= '9';
        if (digit && n > 0 && out[n - 1] == '#')
            continue;
        out[n++] = digit ? '#' : (char)reason.p[i];
    }
    return span_of(out, n);
}

/* title + " (" + reason + ")." */
static const char *title_with(struct buf *b, const char *title, struct span reason)
{
    buf_add_str(b, title);
    buf_add_str(b, " (");
    if (reason.n > 200)
        reason.n = 200;
    buf_add_span(b, reason);
    buf_add_str(b, ").");
    return buf_text(b);
}

/* What a reason (as the sensor words it: docs/formats/events.md) means to the lab. The first row whose words it begins with counts. */
static const struct flaw {
    const char *begins;
    enum kind kind;
    enum severity severity;
    const char *title;
    const char *advice;
    const char *technique;
} flaws[] = {
    {"tcp: ", KIND_PROTOCOL_VIOLATION, SEVERITY_HIGH,
     "What {0} sent to {1} was seen twice with different content: somebody may be changing it on the way",
     "Compare the results of this moment in the LIS with the display of the device. Look for a device between {0} and {1} that does not belong "
     "there, and check the "
     "switch for changed cabling.",
     "T1557"},
    {"framing: the stream ends", KIND_MESSAGE_MALFORMED, SEVERITY_MEDIUM,
     "A message from {0} to {1} was cut off, and its results may not have arrived",
     "Look up in the LIS whether the results of this moment are there and complete, and send them again from the device if not.", NULL},
    {"framing: the block is not ended", KIND_MESSAGE_MALFORMED, SEVERITY_MEDIUM,
     "A message from {0} to {1} was cut off, and its results may not have arrived",
     "Look up in the LIS whether the results of this moment are there and complete, and send them again from the device if not.", NULL},
    {"framing: ", KIND_PROTOCOL_VIOLATION, SEVERITY_LOW, "{0} does not keep to the rules of transmission when it sends to {1}",
     "Have the interface settings of the device checked. Receivers may lose results over this.", NULL},
    {"bytes are missing", KIND_MESSAGE_MALFORMED, SEVERITY_INFO,
     "A message from {0} to {1} could be read only in part, because the capture lost some of it",
     "Nothing is wrong in the lab because of this. If it goes on, have the network tap or mirror port checked: it drops packets.", NULL},
    {"frames are missing", KIND_MESSAGE_MALFORMED, SEVERITY_INFO,
     "A message from {0} to {1} could be read only in part, because the capture lost some of it",
     "Nothing is wrong in the lab because of this. If it goes on, have the network tap or mirror port checked: it drops packets.", NULL},
    {"message of ", KIND_MESSAGE_MALFORMED, SEVERITY_LOW, "A message from {0} to {1} was too large to be examined",
     "Ask the device's vendor whether messages of this size are expected (pictures and documents can be). If not, have the device examined.", NULL},
    {"", KIND_MESSAGE_MALFORMED, SEVERITY_MEDIUM, "A message from {0} to {1} is damaged, and its results may not have arrived",
     "Look up in the LIS whether the results of this moment are there and complete, and send them again from the device if not. If it goes on, have "
     "the network "
     "cable, the interface settings and the device's software version checked.",
     NULL},
};

static const struct flaw *flaw_of(struct span reason)
{
    const struct flaw *f = flaws;
    while (!span_starts(reason, span_str(f->begins)))
        f++;
    return f;
}

static void malformed(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    if (m->malformed.n == 0)
        return;
    const struct flaw *flaw = flaw_of(m->malformed);
    if (m->gaps > 0 && flaw->kind == KIND_MESSAGE_MALFORMED) /* whatever is wrong with it may be what the capture lost */
        flaw = flaw_of(SPAN_LIT("bytes are missing"));
    char kind[160];
    char cause[CAUSE_MAX];
    struct buf title = BUF_INIT(1024);
    parties_text(p);
    struct finding f = {
        .kind = flaw->kind,
        .severity = flaw->severity,
        .title = title_with(&title, flaw->title, m->malformed),
        .advice = flaw->advice,
        .technique = flaw->technique,
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text)},
        .n_subjects = 2,
        .cause = cause_of(cause, p, reason_kind(m->malformed, kind, sizeof kind)),
    };
    finding_put(d, r, &f);
    buf_release(&title);
}

/* What may come from a broken device as well as from an attacker. */
static bool only_upsets(struct span what)
{
    return span_starts(what, SPAN_LIT("NUL byte")) || span_starts(what, SPAN_LIT("control character")) || span_starts(what, SPAN_LIT("absurd"));
}

static void hostile(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    if (m->hostile.n == 0)
        return;
    char kind[160];
    char cause[CAUSE_MAX];
    struct buf title = BUF_INIT(1024);
    parties_text(p);
    bool attack = !only_upsets(m->hostile);
    struct finding f = {
        .kind = KIND_MESSAGE_HOSTILE,
        .severity = attack ? SEVERITY_CRITICAL : SEVERITY_HIGH,
        .title = title_with(&title, attack ? "A message from {0} tries to attack {1}" : "A message from {0} holds what can bring {1} to a stop",
                            m->hostile),
        .advice =
            attack
                ? "Take {0} off the network now and leave it switched on for examination. Tell whoever runs {1} to look at its logs for this moment, "
                  "and trust "
                  "no result that {0} sent until somebody has checked the device."
                : "Check that {1} still takes results. Have the device at {0} examined: it is broken, or somebody is using it to upset its receiver.",
        .technique = "T1210",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text)},
        .n_subjects = 2,
        .cause = cause_of(cause, p, reason_kind(m->hostile, kind, sizeof kind)),
    };
    finding_put(d, r, &f);
    buf_release(&title);
}

void judge_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    clear_text(d, r, m, p);
    malformed(d, r, m, p);
    hostile(d, r, m, p);
}
