#include "keys_place.h"

#include "record/ledger/inside.h"
#include "record/ledger/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const struct passphrase_cost cheap = {.passes = 1, .kib = 64};
const uint8_t ann[LEDGER_SCOPE] = {0xa1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
const uint8_t bob[LEDGER_SCOPE] = {0xb0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

struct ledger *try_open(const struct root_source *root, struct error *e)
{
    struct ledger_options o = place_options();
    o.root = root;
    o.now = T0;
    *e = (struct error){0};
    return ledger_open(&o, NULL, e);
}

struct ledger *must_open(const struct root_source *root)
{
    struct error e;
    struct ledger *l = try_open(root, &e);
    if (l == NULL)
        print_error("%s\n", e.text);
    assert_non_null(l);
    return l;
}

void must_not_open(const struct root_source *root, enum err_class class, const char *says)
{
    struct error e;
    struct ledger *l = try_open(root, &e);
    assert_null(l);
    if (e.class != class || strstr(e.text, says) == NULL)
        print_error("%d %s\n", (int)e.class, e.text);
    assert_int_equal(e.class, class);
    assert_non_null(strstr(e.text, says));
}

void put(struct ledger *l, const uint8_t *scope, tq_time time, const char *text)
{
    struct error e = {0};
    int rc = ledger_append(l, LEDGER_CUSTODY, scope, time, span_str(text), NULL, &e);
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
}

void commit(struct ledger *l)
{
    struct error e = {0};
    assert_int_equal(ledger_commit(l, T0, &e), 0);
}

void seen(struct ledger *l, const char *expected)
{
    struct error e = {0};
    struct ledger_record r;
    char got[256] = "";
    size_t n = 0;
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    assert_non_null(reader);
    int rc;
    while ((rc = ledger_reader_next(reader, &r, &e)) == 1 && n < sizeof got - 1) {
        assert_true(!r.erased || (r.payload.n == 0 && r.erased_at != 0));
        got[n++] = r.erased ? '-' : r.payload.n > 0 ? (char)r.payload.p[0] : '0';
    }
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    assert_string_equal(got, expected);
    ledger_reader_free(reader);
}

void holds(void)
{
    struct error e = {0};
    struct ledger_report r;
    assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
    if (!r.holds)
        print_error("%s\n", r.why);
    assert_true(r.holds);
}

size_t erase_of(struct ledger *l, const uint8_t *scope, uint32_t from, uint32_t to, uint64_t record)
{
    struct error e = {0};
    struct buf ids = BUF_INIT(65536);
    size_t n = 0;
    assert_int_equal(ledger_keys_of(l, span_of(scope, 10), from, to, record, &ids, &e), 0);
    int rc = ledger_erase(l, buf_span(&ids), T0, record, &n, &e);
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    buf_release(&ids);
    return n;
}

void two_patients(struct ledger *l)
{
    put(l, ann, T0, "ann-in-november");
    put(l, bob, T0, "bob-in-november");
    put(l, NULL, T0, "nobody");
    put(l, ann, T0 + MONTH, "ann-in-december");
    put(l, ann, T0, "ann-again");
    commit(l);
}
