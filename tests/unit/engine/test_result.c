/* engine/result: the same result in other words is the same; another one is not. */
#include "engine/result/analyte.h"
#include "engine/result/number.h"
#include "engine/result/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        int decimals;
        int comparator;
    } good[] = {{"4", 4, 0, COMPARES_EQUAL},
                {"4.0", 4, 1, COMPARES_EQUAL},
                {"+4.00", 4, 2, COMPARES_EQUAL},
                {" 4.1 ", 4.1, 1, COMPARES_EQUAL},
                {".5", 0.5, 1, COMPARES_EQUAL},
                {"-34.2", -34.2, 1, COMPARES_EQUAL},
                {"<0.01", 0.01, 2, COMPARES_LESS},
                {"<=5", 5, 0, COMPARES_LESS_EQUAL},
                {"> 100", 100, 0, COMPARES_MORE},
                {"\xe2\x89\xa5"
                 "2",
                 2, 0, COMPARES_MORE_EQUAL},
                {"<^0.01", 0.01, 2, COMPARES_LESS}, /* SN */
                {"^7^", 7, 0, COMPARES_EQUAL},
                {"4,5", 4.5, 1, COMPARES_EQUAL},
                {"1,234,567", 1234567, 0, COMPARES_EQUAL},
                {"1,234.5", 1234.5, 1, COMPARES_EQUAL},
                {"1.234,5", 1234.5, 1, COMPARES_EQUAL},
                {"1.2E+3", 1200, 0, COMPARES_EQUAL},
                {"1.25e-2", 0.0125, 4, COMPARES_EQUAL},
                {"000042", 42, 0, COMPARES_EQUAL}};
    static const char *const bad[] = {
        "", " ", "NEG", "1:128", "4.0.1", "4-5", "--4", "1e", "1e99", "4 5", "0x10", "inf", "^", "<", "1234567890123456", "+++", ","};
    struct number n;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!number_read(span_str(good[i].text), &n))
            fail_msg("%s was not read", good[i].text);
        assert_true(number_value(&n) - good[i].value < 1e-9 && good[i].value - number_value(&n) < 1e-9);
        assert_int_equal(n.decimals, good[i].decimals);
        assert_int_equal(n.comparator, good[i].comparator);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (number_read(span_str(bad[i]), &n))
            fail_msg("%s was read", bad[i]);
}

static bool close_to(const char *a, const char *b, double factor)
{
    struct number x;
    struct number y;
    assert_true(number_read(span_str(a), &x) && number_read(span_str(b), &y));
    return number_close(&x, &y, factor);
}

static void rounding_is_no_change(void **state)
{
    (void)state;
    assert_true(close_to("4.0", "4.00", 1));
    assert_true(close_to("4.1", "4.08", 1));
    assert_true(close_to("4", "4.4", 1));
    assert_false(close_to("4.0", "4.1", 1)); /* the same decimals: any difference is one */
    assert_false(close_to("4.1", "4.20", 1));
    assert_true(close_to("5.2", "94", 0.05551)); /* mg/dL to mmol/L */
    assert_false(close_to("5.3", "90", 0.05551));
    assert_false(close_to("41", "4.1", 1)); /* a decimal point that went */
}

static void units(void **state)
{
    (void)state;
    static const char *const same[][6] = {{"mg/dL", "MG/DL", "mg/dl", " mg / dL ", "mg%?"},
                                          {"10*9/L", "10^9/L", "10*3/uL", "x10E3/uL", "K/uL", "G/L"},
                                          {"10*3/mm3", "10\xc2\xb3/\xc2\xb5L", "thou/ul", "10e3/uL", "K/\xce\xbcL", "10**3/uL"},
                                          {"ng/mL", "ug/L", "\xc2\xb5g/L", "mcg/L", "ng/ml"},
                                          {"mIU/L", "m[IU]/L", "uIU/mL", "mU/L", "u[iU]/mL", "\xc2\xb5IU/mL"},
                                          {"10*12/L", "10*6/uL", "M/uL", "T/L", "10^6/mm3"},
                                          {"%", "percent", "/100{WBCs}"},
                                          {"mm[Hg]", "mmHg"},
                                          {"pg", "PG"},
                                          {"L/L", "1", "{ratio}"}};
    static const char *const other[][2] = {{"mg/dL", "mmol/L"}, {"mg/dL", "g/dL"}, {"g/L", "G/L"}, {"U/L", "ukat/L"},
                                           {"ug/L", "mg/L"},    {"fL", "pg"},      {"", "%"},      {"mmol/L", "meq/L"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        for (size_t k = 1; k < 6 && same[i][k] != NULL; k++)
            if (!unit_same(unit_read(span_str(same[i][0])), unit_read(span_str(same[i][k]))) && strchr(same[i][k], '?') == NULL)
                fail_msg("%s and %s should be one", same[i][0], same[i][k]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_false(unit_same(unit_read(span_str(other[i][0])), unit_read(span_str(other[i][1]))));
    double f = unit_factor(unit_read(SPAN_LIT("g/dL")), unit_read(SPAN_LIT("g/L")));
    assert_true(f > 9.999 && f < 10.001);
    f = unit_factor(unit_read(SPAN_LIT("U/L")), unit_read(SPAN_LIT("ukat/L")));
    assert_true(f > 0.016666 && f < 0.016667);
    f = unit_factor(unit_read(SPAN_LIT("kPa")), unit_read(SPAN_LIT("mmHg")));
    assert_true(f > 7.49 && f < 7.51);
    assert_true(unit_factor(unit_read(SPAN_LIT("mg/dL")), unit_read(SPAN_LIT("mmol/L"))) == 0);
}

static void ranges_and_flags(void **state)
{
    (void)state;
    struct range r;
    static const char *const whole[] = {"3.5-5.1",
                                        "3.5 - 5.1",
                                        "(3.5-5.1)",
                                        "3.5 to 5.1 mmol/L",
                                        "3.5^5.1",
                                        ("3.5\xe2\x80\x93"
                                         "5.1"),
                                        "3,5-5,1"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        assert_true(range_read(span_str(whole[i]), &r));
        assert_true(r.has_low && r.has_high && r.low == 3.5 && r.high == 5.1);
    }
    assert_true(range_read(SPAN_LIT("-2-3"), &r) && r.low == -2 && r.high == 3);
    assert_true(range_read(SPAN_LIT("<26"), &r) && !r.has_low && r.high == 26);
    assert_true(range_read(SPAN_LIT("<= 26"), &r) && r.high == 26);
    assert_true(range_read(SPAN_LIT(">=40"), &r) && r.has_low && r.low == 40 && !r.has_high);
    assert_false(range_read(SPAN_LIT("5.1-3.5"), &r)); /* upside down */
    assert_false(range_read(SPAN_LIT("negative"), &r));
    assert_false(range_read(SPAN_LIT(""), &r));
    (void)range_read(SPAN_LIT("3.5-5.1"), &r);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("N")), 4.0, &r, 0.05), 1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("N")), 6.9, &r, 0.05), -1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("HH")), 6.9, &r, 0.05), 1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("H")), 5.1, &r, 0.05), 1); /* at the edge, rounded */
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("H")), 4.0, &r, 0.05), -1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("L")), 6.9, &r, 0.05), -1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("LL")), 2.0, &r, 0.05), 1);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("A")), 2.0, &r, 0.05), 0);
    assert_int_equal(flag_fits(flag_read(SPAN_LIT("")), 2.0, &r, 0.05), 0);
    assert_int_equal(flag_read(SPAN_LIT("CH")), FLAG_VERY_HIGH);
    assert_int_equal(status_read(SPAN_LIT("")), STATUS_FINAL);
    assert_int_equal(status_read(SPAN_LIT("f")), STATUS_FINAL);
    assert_int_equal(status_read(SPAN_LIT("P")), STATUS_PRELIMINARY);
    assert_int_equal(status_read(SPAN_LIT("C")), STATUS_CORRECTED);
    assert_int_equal(status_read(SPAN_LIT("X")), STATUS_WITHDRAWN);
}

static void identities(void **state)
{
    (void)state;
    const struct hash_key key = {1, 2};
    uint64_t a = identity_digest(&key, SPAN_LIT("0012345"));
    assert_true(a == identity_digest(&key, SPAN_LIT("12345")));
    assert_true(a == identity_digest(&key, SPAN_LIT(" 12345^1^2 ")));
    assert_true(a == identity_digest(&key, SPAN_LIT("12-345")));
    assert_true(a != identity_digest(&key, SPAN_LIT("12354"))); /* two digits changed places */
    assert_true(identity_digest(&key, SPAN_LIT("abc1")) == identity_digest(&key, SPAN_LIT("ABC1")));
    assert_true(identity_digest(&key, SPAN_LIT(" 000 ")) == 0);
    static const char *const controls[] = {"QC1-LOT2206", "qc-2", "CTRL_H", "LEVEL 2", "CAL 3", "BIORAD LOT44"};
    static const char *const samples[] = {"0012345", "S1234", "LOTTE1", "CALDER7", "20260302-17", "AQC77X", "CONTROLLED1"};
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
        assert_true(identity_is_control(span_str(controls[i])));
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        assert_false(identity_is_control(span_str(samples[i])));
}

static void analytes(void **state)
{
    (void)state;
    struct error e = {0};
    struct analytes *a = analytes_new(&e);
    if (a == NULL)
        fail_msg("%s", e.text);
    struct analyte_limit l;
    uint16_t k = analytes_find(a, SPAN_LIT("2823-3"));
    assert_int_not_equal(k, ANALYTE_NONE);
    assert_int_equal(analytes_find(a, SPAN_LIT("k")), k);
    assert_true(analytes_limit(a, k, unit_read(SPAN_LIT("mmol/L")), &l));
    assert_true(l.low == 0.8 && l.high == 15);
    assert_true(analytes_limit(a, k, unit_read(SPAN_LIT("umol/mL")), &l) && l.high > 14.9 && l.high < 15.1);
    assert_false(analytes_limit(a, k, unit_read(SPAN_LIT("mg/dL")), &l));
    assert_int_equal(analytes_find(a, SPAN_LIT("HCO3")), ANALYTE_NONE); /* venous or arterial: two analytes use it */
    assert_int_not_equal(analytes_find(a, SPAN_LIT("1963-8")), ANALYTE_NONE);
    assert_int_equal(analytes_find(a, SPAN_LIT("NO-SUCH")), ANALYTE_NONE);
    assert_true(analytes_limit(a, analytes_find(a, SPAN_LIT("HGB")), unit_read(SPAN_LIT("g/L")), &l) && l.high > 279 && l.high < 281);
    assert_true(analytes_row(a, k, 1, &l));
    assert_false(analytes_row(a, k, 99, &l));
    analytes_free(a);
    static const char *const broken[] = {"Sodium; NA; 2951-2; S/P; mmol/L; 85; 215\n", "Sodium; NA; 2951-2; S/P; mmol/L; low; 215; judged\n",
                                         "; NA; ; ; ; 1; 2; judged\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_null(analytes_read(broken[i], &e));
        assert_int_equal(e.class, ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),    cmocka_unit_test(rounding_is_no_change),
        cmocka_unit_test(units),      cmocka_unit_test(ranges_and_flags),
        cmocka_unit_test(identities), cmocka_unit_test(analytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
