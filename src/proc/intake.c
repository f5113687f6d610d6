#include "proc/intake.h"

static struct record checked; /* large: not on the stack */

bool intake_may(enum event event, bool evidence)
{
    enum event_maker maker = event_maker(event);
    return (maker == MAKER_SENSOR || maker == MAKER_DETECTOR) && (event == EVENT_EVIDENCE_PACKETS) == evidence;
}

bool intake_relay_may(const struct record *r)
{
    enum event_maker maker = event_maker(r->event);
    bool finding = r->event == EVENT_FINDING || r->event == EVENT_FINDING_ENDED;
    struct span kind = record_get(r, KEY_KIND);
    bool of_link = span_starts(kind, SPAN_LIT("link.")) || (r->event == EVENT_FINDING && span_is(kind, "protocol.violation"));
    return maker == MAKER_SENSOR || maker == MAKER_RELAY || (finding && of_link && record_get(r, KEY_LINK).n > 0);
}

static int decode(struct span encoded, bool evidence, struct error *e)
{
    if (record_decode(encoded, &checked, e) != 0)
        return -1;
    bool may = intake_may(checked.event, evidence) || (!evidence && intake_relay_may(&checked));
    return may ? 0 : err_set(e, ERR_PEER, "%s is not the detector's to say", event_name(checked.event));
}

static struct position position_of(struct span *s)
{
    struct position p = {.seq = span_be64(s)};
    p.ordinal = span_be32(s);
    return p;
}

int intake_record(struct span body, struct position *last, struct position *ret, struct span *ret_encoded, struct error *e)
{
    struct position p = position_of(&body);
    if (body.bad || p.seq == 0 || !position_after(p, *last))
        return err_set(e, ERR_PEER, "a record came out of order");
    if (decode(body, false, e) != 0)
        return -1;
    *last = *ret = p;
    *ret_encoded = body;
    return 0;
}

int intake_evidence(struct span body, struct position last, struct position *ret, struct span *ret_encoded, struct error *e)
{
    struct position p = position_of(&body);
    if (body.bad || p.seq == 0 || p.ordinal == 0 || position_after(p, last))
        return err_set(e, ERR_PEER, "packets came of no finding");
    if (decode(body, true, e) != 0)
        return -1;
    *ret = p;
    *ret_encoded = body;
    return 0;
}
