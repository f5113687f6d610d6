/* Records as an attacker may make them, in any order: the detector judges them without harm, and every finding is whole.
 *
 * A byte says what comes: a message, a result, an order, an answer, a joined patient, a jump in time; the next ones choose among few ends, specimens
 * and tests, so that they meet, and texts are taken from the input as they are. */
#include "engine/detect/detect.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *context, const struct record *r)
{
    (void)context;
    if (r->event != EVENT_FINDING || record_get(r, KEY_TITLE).n == 0 || record_get(r, KEY_ADVICE).n == 0 || record_get(r, KEY_CAUSE).n == 0)
        abort();
}

static struct span text(struct span *in)
{
    size_t n = span_u8(in) % 24;
    return span_take(in, n < in->n ? n : in->n);
}

static void start(struct record *r, enum event event, tq_time at, struct span *in, char id[32], unsigned ordinal)
{
    uint8_t ends = span_u8(in);
    struct flow_ref f = {.id = 1 + ends % 6U, .proto = 6, .sport = 40000, .dport = 2575};
    f.src = (struct address){.family = 4, .bytes = {10, 0, 5, (uint8_t)(ends % 6)}};
    f.dst = (struct address){.family = 4, .bytes = {10, 0, 5, (uint8_t)(1 + ends / 8 % 6)}};
    (void)snprintf(id, 32, "f%u.%u.%u", 1 + ends % 6U, (unsigned)(ends >> 7), ordinal);
    record_start(r, event, at, &f);
}

static void message(struct record *r, struct span *in)
{
    record_int(r, KEY_RESULTS, span_u8(in) % 8);
    record_int(r, KEY_PATIENTS, span_u8(in));
    record_text(r, KEY_CONTROL_ID, text(in));
    record_str(r, KEY_PROTOCOL, span_u8(in) % 2 == 0 ? "hl7" : "astm");
    record_str(r, KEY_MESSAGE_TYPE, span_u8(in) % 4 == 0 ? "QBP^Q22" : "ORU^R01");
}

static void result(struct record *r, struct span *in)
{
    static const enum record_key keys[] = {KEY_TEST_CODE, KEY_TEST_ALTERNATE, KEY_PATIENT, KEY_SPECIMEN, KEY_ORDER, KEY_FILLER,
                                           KEY_VALUE,     KEY_UNITS,          KEY_RANGE,   KEY_FLAGS,    KEY_STATUS};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        record_text(r, keys[i], text(in));
    record_str(r, KEY_OBSERVED_AT, span_u8(in) % 2 == 0 ? "2026-03-02T08:00:00" : NULL);
    record_str(r, KEY_ACTION, span_u8(in) % 2 == 0 ? "new" : "cancel");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record r;
    const struct detect_options options = {.hash_key = {1, 2}, .sink = {.put = check}};
    struct error e = {0};
    struct span in = span_of(data, size);
    struct detect *d = detect_new(&options, &e);
    tq_time now = INT64_C(1700000000000000000);
    char id[32] = "";
    if (d == NULL)
        abort();
    for (unsigned n = 1; in.n > 0; n++) {
        uint8_t what = span_u8(&in);
        now += (what >> 4) * 700 * TIME_MS;
        if (what % 8 == 7) {
            now += span_u8(&in) * 60 * TIME_SECOND;
            detect_advance(d, now);
            continue;
        }
        char own[32];
        bool continues = what % 8 < 3 && id[0] != 0;
        start(&r, what % 8 < 4 ? EVENT_LAB_RESULT : what % 8 == 4 ? EVENT_LAB_ORDER : EVENT_LAB_MESSAGE, now, &in, own, n);
        if (r.event == EVENT_LAB_MESSAGE) {
            (void)snprintf(id, sizeof id, "%s", own);
            record_str(&r, KEY_MESSAGE_ID, own);
            message(&r, &in);
            if (what % 8 == 6)
                record_text(&r, KEY_ACK_FOR, text(&in));
        } else {
            record_str(&r, KEY_MESSAGE, continues ? id : own);
            result(&r, &in);
        }
        detect_record(d, &r);
    }
    detect_end(d);
    detect_free(d);
    return 0;
}
