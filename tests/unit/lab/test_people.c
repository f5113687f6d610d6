/* Accounts' names, sessions, throttling, and which passwords are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/people/account.h"
#include "lab/people/password_rules.h"
#include "lab/people/session.h"
#include "lab/people/throttle.h"

#include <stdio.h>

static void names_are_folded(void **state)
{
    (void)state;
    char out[ACCOUNT_NAME_MAX + 1];
    assert_true(account_name(SPAN_LIT("Ana.R-1@lab"), out));
    assert_string_equal(out, "ana.r-1@lab");
    static const char *const bad[] = {"",    ".ana", "-ana",       "a b",
                                      "a/b", "a\"b", "\xc3\xa1na", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(account_name(span_str(bad[i]), out));
    assert_true(account_display_name_valid(SPAN_LIT("Ana R\xc3\xados")));
    assert_false(account_display_name_valid(SPAN_LIT("")));
    assert_false(account_display_name_valid(SPAN_LIT("a\nb")));
    assert_false(account_display_name_valid(SPAN_LIT("\xff")));
}

static void weak_passwords_are_refused(void **state)
{
    (void)state;
    static const char *const weak[] = {
        "short",          "eleven char",    "password1234",       "Password2026!!", "P@ssw0rd12345",  "123456789012",
        "aaaaaaaaaaaa",   "abcdefghijklm",  "qwertyuiop12",       "asdfghjkl123",   "tourniquet2026", "Tourniquet!!!!",
        "iloveyou1234",   "letmeinletmein", "abc123abc123abc123", "xyXYxyXYxyXY",   "Ana.Rios2026!",  "main-street-1",
        "mainstreetana1", "hospital2026!",  "98765432109876",     "zxcvbnmasdfg",
    };
    const struct span context[] = {SPAN_LIT("ana.rios"), SPAN_LIT("Ana R\xc3\xados"), SPAN_LIT("main-street"), SPAN_LIT("tourniquet")};
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
        if (password_refused(span_str(weak[i]), context, 4) == NULL)
            fail_msg("accepted: %s", weak[i]);
}

static void good_passwords_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "correct horse battery staple",
        "tulip anvil Grenada 6 moss",
        "V9#kq2!mZx7pT4&w",
        "caf\xc3\xa9 verde lluvia monta\xc3\xb1"
        "a",
        "\xe6\x9c\x9d\xe9\x9c\xa7\xe6\xa3\xae"
        "\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\xa8\xe4\xbb\xae\xe5\x90\x8d\xe4\xba\xa4"
        "\xe3\x81\x98\xe3\x82\x8a\xe6\x96\x87\xe7\xab\xa0\xe3\x81\xa7\xe3\x81\x99",
        "rhubarb-kettle-97-osprey",
        "my dog ate the blue curtain",
    };
    const struct span context[] = {SPAN_LIT("ana"), SPAN_LIT("main-street")};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *why = password_refused(span_str(good[i]), context, 2);
        if (why != NULL)
            fail_msg("refused: %s: %s", good[i], why);
    }
    char longest[130];
    for (size_t i = 0; i < 129; i++)
        longest[i] = (char)('a' + (i * i * 7 + i / 5) % 26);
    longest[129] = 0;
    assert_null(password_refused(span_of(longest, 128), context, 2));
    assert_non_null(password_refused(span_of(longest, 129), context, 2));
    assert_non_null(password_refused(span_of("\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe", 12), context, 2));
}

static void sessions_live_and_end(void **state)
{
    (void)state;
    struct error e = {0};
    struct sessions *s = sessions_new(&e);
    char token[SESSION_TOKEN];
    struct session one;
    struct session two;
    assert_true(session_open(s, "ana", "10.0.0.5", false, 0, token, &one));
    assert_int_equal(strlen(token), 64);
    assert_null(strstr(token, one.handle));
    assert_true(session_use(s, span_str(token), 29 * 60 * TIME_SECOND, &two));
    assert_string_equal(two.account, "ana");
    assert_string_equal(two.handle, one.handle);
    assert_true(session_look(s, span_str(token), 50 * 60 * TIME_SECOND, &two)); /* counts for nothing */
    assert_false(session_use(s, span_str(token), 29 * 60 * TIME_SECOND + SESSION_IDLE, &two));
    bool idle = false;
    assert_true(session_expired(s, 29 * 60 * TIME_SECOND + SESSION_IDLE, &two, &idle));
    assert_true(idle);
    assert_false(session_expired(s, 29 * 60 * TIME_SECOND + SESSION_IDLE, &two, &idle));
    assert_true(session_open(s, "ana", "10.0.0.5", false, 0, token, &one));
    for (tq_time t = 0; t < SESSION_LONGEST; t += 20 * 60 * TIME_SECOND)
        assert_true(session_use(s, span_str(token), t, &two));
    assert_false(session_use(s, span_str(token), SESSION_LONGEST, &two)); /* however busy */
    assert_true(session_close(s, span_str(token), &two));
    assert_false(session_close(s, span_str(token), &two));
    assert_false(session_use(s, SPAN_LIT(""), 0, &two));
    assert_false(session_use(s, span_of(token, 63), 0, &two));
    for (int i = 0; i < 50; i++)
        assert_true(session_open(s, "ana", "10.0.0.5", false, i, token, &one));
    assert_int_equal(sessions_count(s), SESSIONS_PER_ACCOUNT);
    char name[16];
    bool room = true;
    for (int i = 0; i < 100 && room; i++) {
        (void)snprintf(name, sizeof name, "p%d", i);
        for (int k = 0; k < SESSIONS_PER_ACCOUNT && room; k++)
            room = session_open(s, name, "10.0.0.5", false, 0, token, &one);
    }
    assert_false(room);
    assert_int_equal(sessions_count(s), SESSIONS_MAX);
    sessions_free(s);
}

static void csrf_tokens_hang_on_the_session(void **state)
{
    (void)state;
    char a[SESSION_CSRF];
    char b[SESSION_CSRF];
    char token[SESSION_TOKEN] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    session_csrf(span_str(token), a);
    session_csrf(span_str(token), b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 32);
    token[0] = '1';
    session_csrf(span_str(token), b);
    assert_string_not_equal(a, b);
    session_csrf(SPAN_LIT("x"), b);
    assert_string_equal(b, "");
}

static void guessing_gets_slow_but_locks_nobody_out(void **state)
{
    (void)state;
    struct error e = {0};
    struct throttle *t = throttle_new(&e);
    tq_time now = 1000 * TIME_SECOND;
    int64_t wait = 0;
    struct span ana = SPAN_LIT("ana");
    struct span bad = SPAN_LIT("10.0.0.66");
    struct span desk = SPAN_LIT("10.0.0.5");
    int tried = 0;
    for (int second = 0; second < 3600; second++)
        tried += throttle_ask(t, ana, bad, false, now + second * TIME_SECOND, &wait);
    assert_in_range(tried, 10, 30); /* an hour of guessing once a second */
    assert_true(wait > 0 && wait <= 300);
    now += 3600 * TIME_SECOND;
    if (!throttle_ask(t, ana, desk, false, now, &wait)) { /* she herself, at the desk: at once, or in half a minute */
        assert_true(wait <= 30);
        now += wait * TIME_SECOND;
        assert_true(throttle_ask(t, ana, desk, false, now, &wait));
    }
    throttle_right(t, ana, desk);
    assert_true(throttle_ask(t, ana, desk, false, now, &wait));
    throttle_free(t);

    t = throttle_new(&e); /* one place, many names: at most 20, then at the pace of the place */
    tried = 0;
    char name[16];
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        tried += throttle_ask(t, span_str(name), bad, false, now + i * TIME_SECOND, &wait);
    }
    assert_in_range(tried, 20, 50);
    throttle_free(t);

    t = throttle_new(&e); /* many places, many names, at once: the limit over all */
    tried = 0;
    char peer[16];
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        (void)snprintf(peer, sizeof peer, "p%d", i);
        tried += throttle_ask(t, span_str(name), span_str(peer), false, now + i * TIME_MS, &wait);
    }
    assert_in_range(tried, 100, 140); /* 20 s at 5 a second, and the burst */
    throttle_free(t);
}

/* A thousand machines guess at Ana's account for an hour, ten times a second. */
static void many_machines_keep_nobody_out_where_she_works(void **state)
{
    (void)state;
    struct error e = {0};
    struct throttle *t = throttle_new(&e);
    struct span ana = SPAN_LIT("ana");
    struct span desk = SPAN_LIT("10.0.0.5");
    int64_t wait = 0;
    int tried = 0;
    int elsewhere = 0;
    char peer[16];
    for (int i = 0; i < 36000; i++) {
        tq_time now = i * (TIME_SECOND / 10);
        (void)snprintf(peer, sizeof peer, "p%d", i % 1000);
        tried += throttle_ask(t, ana, span_str(peer), false, now, &wait);
        if (i % 600 != 599)
            continue;
        if (!throttle_ask(t, ana, desk, true, now, &wait))
            fail_msg("she waits %lld s after %d", (long long)wait, i);
        throttle_right(t, ana, desk);
        elsewhere += throttle_ask(t, ana, SPAN_LIT("a new place"), false, now, &wait);
    }
    assert_in_range(tried, 20, 400); /* the guessers, all together */
    assert_true(elsewhere < 60);     /* she too waits where nobody knows her yet */
    throttle_free(t);
}

static void right_passwords_do_not_count(void **state)
{
    (void)state;
    struct error e = {0};
    struct throttle *t = throttle_new(&e);
    int64_t wait = 0;
    for (int i = 0; i < 200; i++) {
        if (!throttle_ask(t, SPAN_LIT("ana"), SPAN_LIT("desk"), false, i * TIME_SECOND, &wait))
            fail_msg("waits after %d", i);
        throttle_right(t, SPAN_LIT("ana"), SPAN_LIT("desk"));
    }
    throttle_free(t);
}

static void windows_hold_a_minute(void **state)
{
    (void)state;
    struct throttle_window w = {0};
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(throttle_window_open(&w, 5, i * TIME_SECOND, &wait));
        throttle_window_count(&w);
    }
    assert_false(throttle_window_open(&w, 5, 10 * TIME_SECOND, &wait));
    assert_int_equal(wait, 50);
    assert_true(throttle_window_open(&w, 5, 60 * TIME_SECOND, &wait));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_folded),
        cmocka_unit_test(weak_passwords_are_refused),
        cmocka_unit_test(good_passwords_are_taken),
        cmocka_unit_test(sessions_live_and_end),
        cmocka_unit_test(csrf_tokens_hang_on_the_session),
        cmocka_unit_test(guessing_gets_slow_but_locks_nobody_out),
        cmocka_unit_test(many_machines_keep_nobody_out_where_she_works),
        cmocka_unit_test(right_passwords_do_not_count),
        cmocka_unit_test(windows_hold_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
