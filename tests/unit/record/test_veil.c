/* veil: tokens, digests, the allow-list, findings, and that no clear field gets out. */
#include "record/veil/allow.h"
#include "record/veil/community.h"
#include "record/veil/veil.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t key_one[VEIL_KEY] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const uint8_t key_two[VEIL_KEY] = {9, 8, 7};

static struct veil *veil_with(const uint8_t *key, bool reveal)
{
    struct error e = {0};
    struct veil *v = veil_new(key, reveal, &e);
    assert_non_null(v);
    return v;
}

/* The record as parsed JSON; duplicate keys are refused. */
static json_t *parsed(struct veil *v, const struct record *r, bool private)
{
    struct buf out = BUF_INIT(1 << 24);
    if (private)
        veil_private_json(v, &out, r);
    else
        veil_json(v, &out, r);
    assert_true(buf_ok(&out));
    json_error_t error;
    json_t *j = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, &error);
    if (j == NULL)
        print_error("%s in %.*s\n", error.text, (int)out.n, (const char *)out.p);
    assert_non_null(j);
    buf_release(&out);
    return j;
}

/* Text at "a" or "a.b"; NULL where there is none. */
static const char *at(const json_t *j, const char *path)
{
    char copy[64];
    (void)snprintf(copy, sizeof copy, "%s", path);
    char *dot = strchr(copy, '.');
    if (dot != NULL) {
        *dot = 0;
        j = json_object_get(j, copy);
        return json_string_value(json_object_get(j, dot + 1));
    }
    return json_string_value(json_object_get(j, copy));
}

static struct flow_ref flow_of(const char *src, uint16_t sport, const char *dst, uint16_t dport, uint8_t proto)
{
    struct flow_ref f = {.id = 7, .proto = proto, .sport = sport, .dport = dport};
    assert_true(address_parse(span_str(src), &f.src));
    assert_true(address_parse(span_str(dst), &f.dst));
    return f;
}

/* As sense makes it: what is private first, then the result. */
static void result_record(struct record *r, const char *specimen, const char *test, const char *value, const char *units)
{
    static struct flow_ref flow;
    flow = flow_of("10.0.5.11", 40000, "10.0.5.2", 2575, 6);
    record_start(r, EVENT_LAB_RESULT, INT64_C(1767225600000000000), &flow);
    record_str(r, KEY_MESSAGE, "f7.0.1");
    record_str(r, KEY_PRIVATE, "595774^^^HOSP^MR");
    record_str(r, KEY_PRIVATE, "Lovelace^Augusta^Li");
    record_str(r, KEY_PRIVATE, "19340117");
    record_str(r, KEY_TEST_CODE, test);
    record_str(r, KEY_TEST_SYSTEM, "LN");
    record_str(r, KEY_PATIENT, "595774");
    record_str(r, KEY_SPECIMEN, specimen);
    record_str(r, KEY_VALUE, value);
    record_str(r, KEY_UNITS, units);
    record_str(r, KEY_FLAGS, "H");
    record_str(r, KEY_FLAGS, "A");
    record_str(r, KEY_STATUS, "F");
}

static void result_is_veiled(void **state)
{
    (void)state;
    static struct record r;
    result_record(&r, "S54465785", "2345-7", "5.1", "mmol/L");
    struct veil *v = veil_with(key_one, false);
    json_t *j = parsed(v, &r, false);
    assert_string_equal(at(j, "time"), "2026-01-01T00:00:00.000000000Z");
    assert_string_equal(at(j, "event"), "lab.result");
    assert_string_equal(at(j, "flow.proto"), "tcp");
    assert_string_equal(at(j, "flow.src"), "10.0.5.11");
    assert_true(json_is_null(json_object_get(json_object_get(j, "flow"), "vlan")));
    assert_string_equal(at(j, "test.code"), "2345-7");
    assert_string_equal(at(j, "test.system"), "LN");
    assert_int_equal(strlen(at(j, "patient")), 18);
    assert_memory_equal(at(j, "patient"), "P-", 2);
    assert_memory_equal(at(j, "specimen"), "S-", 2);
    assert_memory_equal(at(j, "value_digest"), "V-", 2);
    assert_int_equal(strlen(at(j, "value_digest")), 34);
    assert_int_equal(json_array_size(json_object_get(j, "flags")), 2);
    assert_null(json_object_get(j, "patient_id"));
    assert_null(json_object_get(j, "value"));
    assert_null(json_object_get(j, "private"));
    json_decref(j);
    veil_free(v);
}

static void reveal_adds_clear_fields(void **state)
{
    (void)state;
    static struct record r;
    result_record(&r, "S54465785", "Lovelace", "5.1", "mmol/L");
    record_str(&r, KEY_CONTAINER, "S54465785");
    struct veil *v = veil_with(key_one, true);
    json_t *j = parsed(v, &r, false);
    assert_string_equal(at(j, "container"), at(j, "specimen")); /* one barcode, one token, whatever it is called */
    assert_string_equal(at(j, "container_id"), "S54465785");
    assert_string_equal(at(j, "patient_id"), "595774");
    assert_string_equal(at(j, "specimen_id"), "S54465785");
    assert_string_equal(at(j, "value"), "5.1");
    assert_string_equal(at(j, "test.code"), "Lovelace");
    assert_memory_equal(at(j, "patient"), "P-", 2);
    assert_null(json_object_get(j, "private"));
    json_decref(j);
    veil_free(v);
}

/* The clear half that the keeper seals. */
static void private_half(void **state)
{
    (void)state;
    static struct record r;
    result_record(&r, "S54465785", "Lovelace", "5.1", "mmol/L");
    record_str(&r, KEY_PASSWORD_HASH, "$argon2id$x");
    struct veil *v = veil_with(key_one, false);
    json_t *j = parsed(v, &r, true);
    assert_string_equal(at(j, "patient_id"), "595774");
    assert_string_equal(at(j, "specimen_id"), "S54465785");
    assert_string_equal(at(j, "value"), "5.1");
    assert_string_equal(at(j, "test.code"), "Lovelace");
    assert_string_equal(at(j, "password_hash"), "$argon2id$x");
    assert_null(at(j, "test.system"));
    assert_null(at(j, "units"));
    assert_null(json_object_get(j, "private"));
    json_decref(j);
    j = parsed(v, &r, false);
    assert_null(json_object_get(j, "password_hash"));
    json_decref(j);
    veil_free(v);
}

static void same_key_same_token(void **state)
{
    (void)state;
    static struct record r;
    struct veil *a = veil_with(key_one, false);
    struct veil *b = veil_with(key_one, false);
    struct veil *c = veil_with(key_two, false);
    result_record(&r, "SAME1", "GLU", "5.1", "mmol/L");
    json_t *ja = parsed(a, &r, false);
    json_t *jb = parsed(b, &r, false);
    json_t *jc = parsed(c, &r, false);
    assert_string_equal(at(ja, "specimen"), at(jb, "specimen"));
    assert_string_equal(at(ja, "value_digest"), at(jb, "value_digest"));
    assert_string_not_equal(at(ja, "specimen"), at(jc, "specimen"));
    assert_string_not_equal(at(ja, "value_digest"), at(jc, "value_digest"));
    json_decref(jb);
    json_decref(jc);
    jb = parsed(a, &r, false); /* from the cache */
    assert_true(json_equal(ja, jb));
    json_decref(ja);
    json_decref(jb);
    veil_free(a);
    veil_free(b);
    veil_free(c);
}

/* One text, three classes: three tokens that have nothing in common. */
static void classes_are_apart(void **state)
{
    (void)state;
    static struct record r;
    struct veil *v = veil_with(key_one, false);
    record_start(&r, EVENT_LAB_RESULT, 0, NULL);
    record_str(&r, KEY_PATIENT, "ABC1234567");
    record_str(&r, KEY_SPECIMEN, "ABC1234567");
    record_str(&r, KEY_TEST_CODE, "ABC1234567");
    json_t *j = parsed(v, &r, false);
    assert_string_not_equal(at(j, "patient") + 2, at(j, "specimen") + 2);
    assert_string_not_equal(at(j, "patient") + 2, at(j, "test.code") + 2);
    assert_memory_equal(at(j, "test.code"), "T-", 2);
    json_decref(j);
    veil_free(v);
}

static char *digest_of(struct veil *v, const char *specimen, const char *test, const char *value, const char *units)
{
    static struct record r;
    result_record(&r, specimen, test, value, units);
    json_t *j = parsed(v, &r, false);
    char *copy = strdup(at(j, "value_digest"));
    json_decref(j);
    return copy;
}

static void value_digest_binds_all_parts(void **state)
{
    (void)state;
    struct veil *v = veil_with(key_one, false);
    char *base = digest_of(v, "S1", "GLU", "5.1", "mmol/L");
    char *other[] = {
        digest_of(v, "S2", "GLU", "5.1", "mmol/L"), digest_of(v, "S1", "GLV", "5.1", "mmol/L"), digest_of(v, "S1", "GLU", "5.2", "mmol/L"),
        digest_of(v, "S1", "GLU", "5.1", "mg/dL"),  digest_of(v, "S1G", "LU", "5.1", "mmol/L"),
    };
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_string_not_equal(base, other[i]);
        free(other[i]);
    }
    free(base);
    veil_free(v);
}

static void shape_rules(void **state)
{
    (void)state;
    static const char *const shown[] = {"AU5800",
                                        "COAG-DELTA^CS51",
                                        "2345-7",
                                        "10*3/uL",
                                        "\xc2\xb5mol/L",
                                        "\xb5mol/L",
                                        "Gluk\xc3\xb6se",
                                        "A45-1",
                                        "12345",
                                        "",
                                        "10.0.5.1 port 2575",
                                        "a\\b\"c",
                                        "10\xe2\x81\xb9/L",
                                        "0123456789 is too long a run of digits but 01234-56789 is not"};
    for (size_t i = 0; i + 1 < sizeof shown / sizeof shown[0]; i++)
        assert_true(allow_shape(span_str(shown[i])));
    static const char *const hidden[] = {"123456",
                                         "A123456B",
                                         "a\tb",
                                         "line\r",
                                         "\x7f",
                                         "\x85",
                                         "\xe2\x80\xae evil",
                                         "\xd9\xa1\xd9\xa2",
                                         "\xe2\x80\x8b",
                                         "\xc2\xad",
                                         "0123456789012345678901234567890123456789012345678901234567890123456789",
                                         "\xef\xbc\x91",
                                         "\x80\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_false(allow_shape(span_str(hidden[i])));
    char long_text[ALLOW_BYTES + 2];
    memset(long_text, 'a', sizeof long_text);
    assert_true(allow_shape(span_of(long_text, ALLOW_BYTES)));
    assert_false(allow_shape(span_of(long_text, ALLOW_BYTES + 1)));
    /* where nothing is private, the shape alone decides: looked at in one go for plain texts, and byte by byte for others */
    static struct allow none;
    allow_start(&none);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        assert_int_equal(allow_shown(&none, span_str(shown[i])), allow_shape(span_str(shown[i])));
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_false(allow_shown(&none, span_str(hidden[i])));
    for (size_t n = 0; n < sizeof long_text; n++) {
        for (int c = 0; c < 256; c++) {
            memset(long_text, '7', sizeof long_text);
            for (size_t i = 3; i < n; i += ALLOW_DIGITS + 1)
                long_text[i] = 'a';
            if (n > 0)
                long_text[(unsigned)c % n] = (char)c;
            assert_int_equal(allow_shown(&none, span_of(long_text, n)), allow_shape(span_of(long_text, n)));
        }
    }
}

static void private_texts_are_found(void **state)
{
    (void)state;
    static struct allow a;
    allow_start(&a);
    allow_private(&a, SPAN_LIT("DOE^John^Q^^Dr"));
    allow_private(&a, SPAN_LIT(" 12 Elm Street "));
    allow_private(&a, SPAN_LIT("M"));
    allow_private(&a, SPAN_LIT("4711"));
    static const char *const hidden[] = {"Doe",    "doe",        "JOHN",   "Mr John Doe",      "doe1980", "DOE^John^Q^^Dr",
                                         "john-2", "Elm Street", "street", "at 12 elm street", "4711",    "X-4711",
                                         "elm"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_false(allow_shown(&a, span_str(hidden[i])));
    static const char *const shown[] = {"DOEL", "GLU", "M", "Johnson 3", "Helmet", "14711", "AU5800", "tree", "Dr"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        assert_true(allow_shown(&a, span_str(shown[i])));
}

static void too_much_private_shuts(void **state)
{
    (void)state;
    static struct allow a;
    allow_start(&a);
    char text[8];
    for (int i = 0; i <= ALLOW_PIECES; i++) {
        (void)snprintf(text, sizeof text, "x%04d", i);
        allow_private(&a, span_str("yyyy"));
    }
    assert_false(allow_shown(&a, SPAN_LIT("GLU")));
    static struct record r;
    record_start(&r, EVENT_LAB_RESULT, 0, NULL);
    record_str(&r, KEY_TEST_CODE, "GLU");
    record_str(&r, KEY_MESSAGE_TYPE, "ORU^R01");
    record_str(&r, KEY_VERSION, "2.5.1");
    record_str(&r, KEY_STATUS, "F");
    record_int(&r, KEY_PRIVATE_CUT, 1);
    struct veil *v = veil_with(key_one, false);
    json_t *j = parsed(v, &r, false);
    assert_memory_equal(at(j, "test.code"), "T-", 2);
    assert_string_equal(at(j, "type"), "ORU^R01");
    assert_string_equal(at(j, "version"), "2.5.1");
    assert_string_equal(at(j, "status"), "F");
    json_decref(j);
    veil_free(v);
    static const char *const odd[] = {"ORU", "ORU^R0", "oru^R01", "ORU^R01 ", "DOE^JIM", "LI^A01"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_false(allow_message_type(span_str(odd[i])));
    static const char *const no_version[] = {"2.", "2.5.1.2", "1980", "12345", "2,5", "3.1"};
    for (size_t i = 0; i < sizeof no_version / sizeof no_version[0]; i++)
        assert_false(allow_version(span_str(no_version[i])));
}

/* Texts that are alike but for their ends are compared at every place: what that may cost is bounded, and a text beyond it is not shown. */
/* What was private in the record before is taken for this one's only where it is the same: in any order of records, every private text is found. */
static void each_record_has_its_own_private_texts(void **state)
{
    (void)state;
    struct veil *v = veil_with(key_one, false);
    static const char *const private[] = {"Turing", "Hopper", "Hopper^Grace", "", "Tur", "ing^x"};
    enum { KINDS = sizeof private / sizeof private[0] };
    for (unsigned i = 0; i < 4 * KINDS * KINDS * 2; i++) {
        unsigned kind = i / 4 / KINDS % 2 == 0 ? i / 4 % KINDS : i / 4 / KINDS % KINDS;
        bool cut = i % 4 == 3;
        struct record r;
        record_start(&r, EVENT_LAB_MESSAGE, 5, NULL);
        char foreign[16]; /* the bytes before lie in the same place */
        (void)snprintf(foreign, sizeof foreign, "%s", i % 2 == 0 ? "Turing" : "Hopper");
        char name[16];
        (void)snprintf(name, sizeof name, "%s", private[kind]);
        record_str(&r, KEY_PRIVATE, name);
        if (cut)
            record_int(&r, KEY_PRIVATE_CUT, 1);
        record_str(&r, KEY_SENDER, foreign);
        struct buf got = BUF_INIT(65536);
        struct buf expected = BUF_INIT(65536);
        struct veil *fresh = veil_with(key_one, false);
        veil_json(v, &got, &r);
        veil_json(fresh, &expected, &r);
        assert_true(span_equal(buf_span(&got), buf_span(&expected)));
        bool shown = memmem(got.p, got.n, foreign, 6) != NULL;
        if (cut || strncmp(name, foreign, 6) == 0)
            assert_false(shown);
        else if (name[0] == 0)
            assert_true(shown);
        veil_free(fresh);
        buf_release(&got);
        buf_release(&expected);
    }
    veil_free(v);
}

static void too_much_alike_is_not_shown(void **state)
{
    (void)state;
    static struct allow a;
    char private[80];
    char text[ALLOW_BYTES];
    memset(private, 'a', sizeof private);
    private[sizeof private - 1] = 'b';
    memset(text, 'a', sizeof text);
    text[sizeof text - 2] = 'b';
    allow_start(&a);
    allow_private(&a, span_of(private, sizeof private));
    assert_true(allow_shown(&a, span_of(text, sizeof text)));
    for (int i = 0; i < 20; i++)
        allow_private(&a, span_of(private, sizeof private));
    assert_false(allow_shown(&a, span_of(text, sizeof text)));
    assert_true(allow_shown(&a, SPAN_LIT("GLU")));
}

static void message_has_its_keys(void **state)
{
    (void)state;
    static struct record r;
    record_start(&r, EVENT_LAB_MESSAGE, 0, NULL);
    record_str(&r, KEY_MESSAGE_ID, "f1.0.1");
    struct veil *v = veil_with(key_one, false);
    json_t *j = parsed(v, &r, false);
    assert_true(json_is_null(json_object_get(j, "malformed")));
    assert_true(json_is_null(json_object_get(j, "ack")));
    assert_string_equal(at(j, "id"), "f1.0.1");
    json_decref(j);
    record_str(&r, KEY_ACK_CODE, "AA");
    record_str(&r, KEY_ACK_FOR, "A45-1");
    j = parsed(v, &r, false);
    assert_string_equal(at(j, "ack.code"), "AA");
    assert_string_equal(at(j, "ack.for"), "A45-1");
    json_decref(j);
    veil_free(v);
}

static void finding_record(struct record *r, const char *cause)
{
    static struct flow_ref flow;
    flow = flow_of("10.0.5.11", 40000, "10.0.5.2", 2575, 6);
    record_start(r, EVENT_FINDING, 0, &flow);
    record_str(r, KEY_KIND, "sender.unknown");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, "high");
    record_str(r, KEY_TITLE, "{1} at {0} {x} {7}{");
    record_str(r, KEY_SUBJECT, "10.0.5.11");
    record_str(r, KEY_SUBJECT, "Lovelace");
    record_str(r, KEY_EVIDENCE_MESSAGE, "f7.0.1");
    record_str(r, KEY_ADVICE, "Find {0}.");
    record_str(r, KEY_PRIVATE, "Lovelace^Augusta");
}

static void finding_is_written(void **state)
{
    (void)state;
    static struct record r;
    struct veil *v = veil_with(key_one, false);
    finding_record(&r, "10.0.5.11|Lovelace");
    json_t *j = parsed(v, &r, false);
    char title[128];
    const char *name = json_string_value(json_array_get(json_object_get(j, "subject"), 1));
    assert_memory_equal(name, "T-", 2);
    (void)snprintf(title, sizeof title, "%s at 10.0.5.11 {x} (not known){", name);
    assert_string_equal(at(j, "title"), title);
    assert_string_equal(at(j, "advice"), "Find 10.0.5.11.");
    assert_true(json_is_null(json_object_get(j, "technique")));
    json_t *evidence = json_object_get(j, "evidence");
    assert_int_equal(json_array_size(json_object_get(evidence, "messages")), 1);
    assert_true(json_is_array(json_object_get(evidence, "flows")));
    assert_true(json_is_array(json_object_get(evidence, "records")));
    assert_null(json_object_get(j, "cause"));
    assert_int_equal(strlen(at(j, "id")), 32);
    char id[33];
    veil_finding_id(v, "sender.unknown", span_str("10.0.5.11|Lovelace"), id);
    assert_string_equal(at(j, "id"), id);
    veil_finding_id(v, "sender.unknown", span_str("10.0.5.12|Lovelace"), id);
    assert_string_not_equal(at(j, "id"), id);
    json_decref(j);
    veil_free(v);
}

/* Every class of clear field carries a marker of its own; neither the marker nor a part of it may be in the output. */
static void markers_never_get_out(void **state)
{
    (void)state;
    static struct record r;
    char texts[KEY_COUNT][24];
    struct veil *v = veil_with(key_one, false);
    for (int event = 1; event < EVENT_COUNT; event++) {
        record_start(&r, (enum event)event, 0, NULL);
        for (int k = 0; k < KEY_COUNT; k++) {
            const struct key_info *info = key_info((enum record_key)k);
            (void)snprintf(texts[k], sizeof texts[k], "%s%03d", info->class == FIELD_OPEN || info->class == FIELD_FOREIGN ? "open" : "Zqxmark", k);
            if (info->type == TYPE_TEXT)
                record_str(&r, (enum record_key)k, texts[k]);
        }
        /* what outsiders fill repeats what is private */
        record_str(&r, KEY_FLAGS, texts[KEY_PRIVATE]);
        record_str(&r, KEY_SUBJECT, texts[KEY_PATIENT]);
        record_str(&r, KEY_SUBJECT, "flag of Zqxmark and others");
        record_str(&r, KEY_PRIVATE, "Zqxmark");
        struct buf out = BUF_INIT(1 << 20);
        veil_json(v, &out, &r);
        assert_null(strstr(buf_text(&out), "mark"));
        assert_non_null(strstr(buf_text(&out), "open"));
        buf_release(&out);
    }
    veil_free(v);
}

static void key_names_fit_together(void **state)
{
    (void)state;
    for (int a = 0; a < KEY_COUNT; a++) {
        const char *x = key_info((enum record_key)a)->json;
        const char *dot = strchr(x, '.');
        assert_true(dot == NULL || dot - x < 16); /* room for the object's name in the veil */
        for (int b = a + 1; b < KEY_COUNT; b++) {
            const char *y = key_info((enum record_key)b)->json;
            if (!(a == KEY_MESSAGE_ID && b == KEY_FINDING))
                assert_string_not_equal(x, y);
            if (dot == NULL || b == a + 1 || strncmp(x, y, (size_t)(dot - x) + 1) != 0)
                continue;
            assert_int_equal(strncmp(key_info((enum record_key)(b - 1))->json, y, (size_t)(dot - x) + 1),
                             0); /* members of one object stand together */
        }
    }
}

/* TCP and UDP over IPv4: as published with the format; the others computed with another implementation of SHA-1. */
static void community_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *src, *dst;
        uint16_t sport, dport;
        uint8_t proto;
        const char *id;
    } rows[] = {
        {"128.232.110.120", "66.35.250.204", 34855, 80, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {"66.35.250.204", "128.232.110.120", 80, 34855, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {"192.168.1.52", "8.8.8.8", 54585, 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {"192.168.170.8", "192.168.170.20", 7, 80, 132, "1:gFaHI1laWtpQlwRSTE0djem/ECM="},
        {"fe80::200:86ff:fe05:80fa", "fe80::260:97ff:fe07:69ea", 1337, 80, 6, "1:K2jXMLu4BK8Jnsnu8TLW9ML3S3E="},
        {"10.0.0.2", "10.0.0.1", 0, 0, 47, "1:+KlEHDT0vJgzs/eNmzHq0aSpRYw="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct flow_ref f = flow_of(rows[i].src, rows[i].sport, rows[i].dst, rows[i].dport, rows[i].proto);
        char id[COMMUNITY_ID];
        assert_true(community_id(&f, id));
        assert_string_equal(id, rows[i].id);
    }
    struct flow_ref none = {.id = 1};
    char id[COMMUNITY_ID];
    assert_false(community_id(&none, id));
}

/* A sender's name in components: the serial number is a token, the patient's number too, the rest is shown, empty places stay. */
static void said_in_parts(void **state)
{
    (void)state;
    struct veil *v = veil_with(key_one, false);
    struct record r;
    static const char *const parts[] = {"XP-100", "00-13", "", "BS649542", "595774", "Li"};
    record_start(&r, EVENT_ASSET_EVIDENCE, 1, NULL);
    record_str(&r, KEY_MODEL, "XP-100");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        record_item(&r, KEY_SAID, span_str(parts[i]));
    record_str(&r, KEY_FACILITY, "Lovelace");
    record_str(&r, KEY_PRIVATE, "595774^^^HOSP^MR");
    record_str(&r, KEY_PRIVATE, "Lovelace^Augusta^Li");
    json_t *j = parsed(v, &r, false);
    const json_t *said = json_object_get(j, "said");
    assert_int_equal(json_array_size(said), sizeof parts / sizeof parts[0]);
    for (size_t i = 0; i < json_array_size(said); i++) {
        const char *shown = json_string_value(json_array_get(said, i));
        if (i == 3 || i == 4)
            assert_memory_equal(shown, "T-", 2);
        else
            assert_string_equal(shown, parts[i]);
    }
    assert_memory_equal(at(j, "facility"), "T-", 2);
    assert_string_equal(at(j, "model"), "XP-100");
    json_decref(j);
    veil_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(said_in_parts),
        cmocka_unit_test(result_is_veiled),
        cmocka_unit_test(reveal_adds_clear_fields),
        cmocka_unit_test(private_half),
        cmocka_unit_test(same_key_same_token),
        cmocka_unit_test(classes_are_apart),
        cmocka_unit_test(value_digest_binds_all_parts),
        cmocka_unit_test(shape_rules),
        cmocka_unit_test(private_texts_are_found),
        cmocka_unit_test(too_much_private_shuts),
        cmocka_unit_test(each_record_has_its_own_private_texts),
        cmocka_unit_test(too_much_alike_is_not_shown),
        cmocka_unit_test(message_has_its_keys),
        cmocka_unit_test(finding_is_written),
        cmocka_unit_test(markers_never_get_out),
        cmocka_unit_test(key_names_fit_together),
        cmocka_unit_test(community_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
