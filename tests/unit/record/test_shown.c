/* Records shown to somebody outside: what was shown is there and can be opened, and nothing else of the ledger; and no byte of a proof can be
 * another. */
#include "ledger_place.h"
#include "record/ledger/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define RECORDS 300 /* more than a tile */

static char verifier[300];

static struct ledger *filled(void)
{
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    for (int i = 0; i < RECORDS; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "result %d", i);
        assert_int_equal(ledger_append(l, i % 5 == 4 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, NULL, T0 + i, span_str(text), NULL, &e), 0);
        if (i % 50 == 49)
            assert_int_equal(ledger_commit(l, T0 + i, &e), 0);
    }
    (void)snprintf(verifier, sizeof verifier, "%s", ledger_verifier(l));
    return l;
}

struct seen {
    size_t n;
    struct {
        uint64_t index;
        bool open;
        char text[64];
        tq_time time;
    } all[8];
};

static void see(void *context, const struct shown_record *r)
{
    struct seen *s = context;
    assert_true(s->n < 8);
    s->all[s->n].index = r->index;
    s->all[s->n].open = r->open;
    s->all[s->n].time = r->time;
    (void)snprintf(s->all[s->n++].text, 64, "%.*s", (int)r->payload.n, r->payload.n == 0 ? (const uint8_t *)"" : r->payload.p);
}

static void show(struct ledger *l, const struct shown_wish *wishes, size_t n, struct buf *out)
{
    struct error e = {0};
    if (ledger_show(l, ledger_path, wishes, n, out, &e) != 0)
        fail_msg("%s", e.text);
}

static void what_is_shown_can_be_opened(void **state)
{
    (void)state;
    struct error e = {0};
    struct seen s = {0};
    uint64_t size = 0;
    struct buf proof = BUF_INIT(SHOWN_BYTES);
    struct ledger *l = filled();
    show(l, (struct shown_wish[]){{7, true}, {280, true}, {8, false}}, 3, &proof);
    ledger_close(l);
    folder_remove(ledger_path); /* nothing of the ledger is needed */
    assert_true(ledger_is_shown(buf_span(&proof)));
    if (ledger_check_shown(buf_span(&proof), verifier, see, &s, &size, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(size, RECORDS);
    assert_int_equal(s.n, 3);
    assert_true(s.all[0].index == 7 && s.all[0].open && s.all[0].time == T0 + 7);
    assert_string_equal(s.all[0].text, "result 7");
    assert_string_equal(s.all[1].text, "result 280");
    assert_true(s.all[2].index == 8 && !s.all[2].open && s.all[2].text[0] == 0);
    struct buf again = BUF_INIT(SHOWN_BYTES);
    assert_int_equal(ledger_copy_shown(buf_span(&proof), &again, &e), 0);
    assert_true(span_equal(buf_span(&proof), buf_span(&again)));
    const char *keep = getenv("SHOWN_TO"); /* for seeds of the fuzzer */
    FILE *f = keep == NULL ? NULL : fopen(keep, "wbe");
    if (f != NULL) {
        (void)fwrite(proof.p, 1, proof.n, f);
        (void)fclose(f);
        (void)printf("# %s\n", verifier);
    }
    buf_release(&again);
    buf_release(&proof);
}

/* Every byte, changed in two ways, and every length: refused. */
static void no_byte_can_be_another(void **state)
{
    (void)state;
    struct error e = {0};
    uint64_t size = 0;
    struct buf proof = BUF_INIT(SHOWN_BYTES);
    struct ledger *l = filled();
    show(l, (struct shown_wish[]){{12, true}, {11, false}}, 2, &proof);
    ledger_close(l);
    uint8_t *bytes = malloc(proof.n);
    assert_non_null(bytes);
    assert_int_equal(ledger_check_shown(buf_span(&proof), verifier, NULL, NULL, &size, &e), 0);
    for (size_t i = 0; i < proof.n; i++) {
        memcpy(bytes, proof.p, proof.n);
        for (int bit = 0; bit < 8; bit += 1 + (int)(i % 3)) {
            bytes[i] = (uint8_t)(proof.p[i] ^ 1u << bit);
            struct seen s = {0};
            if (ledger_check_shown(span_of(bytes, proof.n), verifier, see, &s, &size, &e) == 0 || s.n > 0)
                fail_msg("byte %zu, bit %d: taken", i, bit);
        }
    }
    for (size_t n = 0; n < proof.n; n++)
        if (ledger_check_shown(span_of(proof.p, n), verifier, NULL, NULL, &size, &e) == 0)
            fail_msg("cut to %zu bytes: taken", n);
    free(bytes);
    buf_release(&proof);
}

/* A key of another record, or none at all under sealed bytes; two records exchanged. */
static void pieces_fit_only_where_they_belong(void **state)
{
    (void)state;
    struct error e = {0};
    uint64_t size = 0;
    struct buf one = BUF_INIT(SHOWN_BYTES);
    struct buf other = BUF_INIT(SHOWN_BYTES);
    struct ledger *l = filled();
    show(l, (struct shown_wish[]){{20, true}}, 1, &one);
    show(l, (struct shown_wish[]){{21, true}}, 1, &other);
    static const char *const lines[] = {"log ", "record ", "entry ", "key ", "sealed "};
    for (size_t i = 1; i < sizeof lines / sizeof lines[0]; i++) { /* the line of the other one */
        struct buf mixed = BUF_INIT(SHOWN_BYTES);
        struct span a = buf_span(&one);
        while (a.n > 0) {
            bool lf;
            struct span line = span_until(&a, '\n', &lf);
            struct span b = buf_span(&other);
            struct span from = line;
            while (span_starts(line, span_str(lines[i])) && b.n > 0) {
                struct span theirs = span_until(&b, '\n', NULL);
                if (span_starts(theirs, span_str(lines[i])))
                    from = theirs;
            }
            buf_add_span(&mixed, from);
            if (lf)
                buf_u8(&mixed, '\n');
        }
        assert_int_equal(ledger_check_shown(buf_span(&mixed), verifier, NULL, NULL, &size, &e), -1);
        buf_release(&mixed);
    }
    assert_int_equal(ledger_show(l, ledger_path, (struct shown_wish[]){{4, true}}, 1, &one, &e), -1); /* an observation */
    assert_int_equal(e.class, ERR_MISUSE);
    assert_int_equal(ledger_show(l, ledger_path, (struct shown_wish[]){{RECORDS + 5, true}}, 1, &one, &e), -1);
    assert_int_equal(ledger_show(l, ledger_path, NULL, 0, &one, &e), -1);
    ledger_close(l);
    /* another log's key */
    assert_int_equal(
        ledger_check_shown(buf_span(&other), "example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", NULL, NULL, &size, &e), -1);
    buf_release(&one);
    buf_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_shown_can_be_opened, place_make, place_remove),
        cmocka_unit_test_setup_teardown(no_byte_can_be_another, place_make, place_remove),
        cmocka_unit_test_setup_teardown(pieces_fit_only_where_they_belong, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
