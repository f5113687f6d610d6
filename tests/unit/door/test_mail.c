/* Mails that people report: what is said of them at once, what is kept and what is not, who sees which, decisions, what is like them; and the form in
 * which the reader tells of a mail, also when it lies. Behind it is the reader's own work, in this process. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"

#include "base/text.h"
#include "door/mailed.h"
#include "keeper.h"
#include "proc/mail_job.h"

#define MARK "ZEBRAFINCH"
#define ATTACK(n)                                                                                                                                    \
    "From: \"IT help desk\" <help@lab-exarnple.top>\r\nTo: pat@lab.example\r\nSubject: " MARK                                                        \
    " password expires\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <" n "@x.example>\r\n\r\nYour mailbox " n                             \
    " is full and will be closed today. Sign in at once to keep your messages and confirm your password here: "                                      \
    "http://login.lab-exarnple.top/owa?u=pat@lab.example\r\nThe help desk thanks you for your patience with this upgrade.\r\n"
#define FINE                                                                                                                                         \
    "From: Maria <maria@lab.example>\r\nTo: pat@lab.example\r\nSubject: rota\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: "               \
    "<1@lab.example>\r\n"                                                                                                                            \
    "\r\nHere is the rota for next week.\r\n"
#define AGAIN "\"password\":\"" KEEPER_PASSWORD "\""
#define OTHER_PASSWORD "lantern gravel pumice 31"

static struct mail_known *known;
static const struct mail_secret secret = {1234, 5678};
static int times_read;
static int (*broken)(struct buf *told, struct error *e); /* instead of reading */

static int read_mail(void *context, struct span message, bool cut, struct buf *told, struct error *e)
{
    (void)context;
    struct mail_job job = {.lab = {.own = {SPAN_LIT("lab.example")}, .own_n = 1, .cut = cut}, .message = message};
    times_read++;
    return broken != NULL ? broken(told, e) : mail_job_do(known, &job, -1, told, e);
}

static bool made_by_us(void *context, struct span id, struct span mark)
{
    (void)context;
    return mail_ours_holds(&secret, id, mark);
}

struct who {
    char session[65];
    char csrf[40];
};

static void leave(struct keeper *k, struct who *out)
{
    memcpy(out->session, k->session, sizeof k->session);
    memcpy(out->csrf, k->csrf, sizeof k->csrf);
}

static void enter(struct keeper *k, const struct who *in)
{
    memcpy(k->session, in->session, sizeof k->session);
    memcpy(k->csrf, in->csrf, sizeof k->csrf);
}

static void invite(struct keeper *k, const char *name, const char *role, const struct who *ana, struct who *out)
{
    char body[512];
    enter(k, ana);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"role\":\"%s\",\"why\":\"starts on Monday\"," AGAIN "}", name, role);
    ASK(k, 201, "POST /api/v1/people", body, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"code\":\"%s\",\"password\":\"" OTHER_PASSWORD "\"}", name, keeper_member(k, "code"));
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/invitation", body, NULL);
    keeper_take_session(k);
    leave(k, out);
}

/* Ana is the lab manager, Pat a phlebotomist, Ray at the front desk. */
struct lab {
    struct keeper *k;
    struct who ana, pat, ray;
};

static struct lab lab(void)
{
    broken = NULL;
    keeper_mail_read = read_mail;
    keeper_mail_ours = made_by_us;
    struct lab l = {.k = keeper_new()};
    assert_int_equal(keeper_set_up(l.k), 201);
    leave(l.k, &l.ana);
    invite(l.k, "pat", "phlebotomist", &l.ana, &l.pat);
    invite(l.k, "ray", "front desk", &l.ana, &l.ray);
    return l;
}

static void one(struct keeper *k, const char *act, const char *id, int status, const char *body, const char *etag)
{
    char ask[160];
    (void)snprintf(ask, sizeof ask, "%s /api/v1/mail/%s%s", body == NULL ? "GET" : "POST", id, act);
    ASK(k, status, ask, body, etag);
}

static void settle(struct keeper *k, const char *id, int status, const char *body)
{
    char etag[32];
    one(k, "", id, 200, NULL, NULL);
    (void)snprintf(etag, sizeof etag, "%s", keeper_member(k, "etag"));
    one(k, "/decide", id, status, body, etag);
}

static void from_question_to_answer(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    char id[64];
    char second[64];
    enter(k, &l.pat);
    ASK(k, 201, "POST /api/v1/mail", ATTACK("one"), NULL);
    SAYS(k, "\"verdict\":\"dangerous\"");
    SAYS(k, "\"state\":\"waiting\"");
    (void)snprintf(id, sizeof id, "%s", keeper_member(k, "id"));
    assert_non_null(strstr(k->last, "\"event\":\"mail.reported\""));
    assert_non_null(strstr(k->last, "\"person\":\"pat\""));
    assert_null(strstr(k->last, MARK));       /* what it says is sealed, … */
    assert_null(strstr(k->last, "exarnple")); /* … like where it came from */
    int before = times_read;
    ASK(k, 201, "POST /api/v1/mail", ATTACK("one"), NULL); /* sent once more: the same report */
    assert_string_equal(keeper_member(k, "id"), id);
    assert_int_equal(times_read, before);
    ASK(k, 201, "POST /api/v1/mail?language=es", ATTACK("two"), NULL);
    SAYS(k, "Le pide que ");
    (void)snprintf(second, sizeof second, "%s", keeper_member(k, "id"));
    one(k, "", id, 200, NULL, NULL);
    SAYS(k, "\"indicators\":[]"); /* not for who reported */
    one(k, "/look", id, 403, "{\"reason\":\"I want to know it\"}", NULL);
    one(k, "/decide", id, 403, "{\"verdict\":\"harmless\"}", "1");
    ASK(k, 403, "GET /api/v1/indicators", NULL, NULL);

    enter(k, &l.ray); /* nobody else's business */
    one(k, "", id, 404, NULL, NULL);
    ASK(k, 200, "GET /api/v1/mail", NULL, NULL);
    SAYS(k, "\"total\":0");

    enter(k, &l.ana);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"mail_waiting\":2");
    ASK(k, 200, "GET /api/v1/mail?state=waiting", NULL, NULL);
    SAYS(k, "\"total\":2");
    assert_null(strstr(keeper_text(k), MARK));
    ASK(k, 400, "GET /api/v1/mail?state=lost", NULL, NULL);
    one(k, "", id, 200, NULL, NULL);
    SAYS(k, "\"value\":\"login.lab-exarnple.top\"");
    SAYS(k, second); /* they are alike */
    one(k, "/look", id, 422, "{\"reason\":\"why\"}", NULL);
    one(k, "/look", id, 200, "{\"reason\":\"to decide about it\"," AGAIN "}", NULL);
    SAYS(k, MARK);
    SAYS(k, "\"site\":\"lab-exarnple.top\"");
    assert_null(strstr(keeper_text(k), "http://login"));
    assert_non_null(strstr(k->last, "\"event\":\"phi.look\""));
    assert_null(strstr(k->last, MARK));
    one(k, "/decide", id, 412, "{\"verdict\":\"harmless\"}", "1");
    settle(k, id, 422, "{\"verdict\":\"perhaps\"}");
    settle(k, id, 409, "{\"verdict\":\"open\"}");
    settle(k, id, 200, "{\"verdict\":\"dangerous\",\"alike\":true,\"answer\":\"Well seen. Delete it.\"}");
    SAYS(k, "\"state\":\"dangerous\"");
    one(k, "", second, 200, NULL, NULL);
    SAYS(k, "\"state\":\"dangerous\"");
    SAYS(k, "\"answer\":\"Well seen. Delete it.\"");
    ASK(k, 200, "GET /api/v1/indicators", NULL, NULL);
    SAYS(k, "\"value\":\"login.lab-exarnple.top\"");
    SAYS(k, "\"value\":\"help@lab-exarnple.top\"");

    enter(k, &l.ray); /* the third of its kind is known at once, by where it leads … */
    ASK(k, 201, "POST /api/v1/mail",
        "From: News <news@harmless.example>\r\nTo: ray@lab.example\r\nSubject: hello\r\nMessage-ID: <9@harmless.example>\r\n"
        "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\n\r\nHave a look: http://login.lab-exarnple.top/x\r\n",
        NULL);
    SAYS(k, "\"code\":\"seen-before\"");
    SAYS(k, "\"verdict\":\"dangerous\"");

    enter(k, &l.ana); /* what was decided can be taken back: then it is looked for no more */
    settle(k, id, 200, "{\"verdict\":\"open\"}");
    SAYS(k, "\"state\":\"waiting\"");
    settle(k, second, 200, "{\"verdict\":\"open\"}");
    ASK(k, 200, "GET /api/v1/indicators", NULL, NULL);
    SAYS(k, "\"total\":0");
    settle(k, id, 200, "{\"verdict\":\"harmless\"}");
    enter(k, &l.pat);
    ASK(k, 200, "GET /api/v1/mail", NULL, NULL);
    SAYS(k, "\"state\":\"harmless\"");
    SAYS(k, "\"decided_by\":null");
    keeper_free(k);
}

static void what_is_fine_waits_for_nobody(void **state)
{
    (void)state;
    struct lab l = lab();
    enter(l.k, &l.pat);
    ASK(l.k, 201, "POST /api/v1/mail", FINE, NULL);
    SAYS(l.k, "\"verdict\":\"fine\"");
    SAYS(l.k, "\"state\":\"answered\"");
    ASK(l.k, 422, "POST /api/v1/mail", "not a mail at all", NULL);
    ASK(l.k, 422, "POST /api/v1/mail", NULL, NULL);
    l.k->session[0] = 0;
    ASK(l.k, 401, "POST /api/v1/mail", FINE, NULL);
    keeper_free(l.k);
}

static void our_own_is_a_lesson(void **state)
{
    (void)state;
    struct lab l = lab();
    char mark[MAIL_OURS_MARK];
    char mail[4096];
    mail_ours_mark(&secret, SPAN_LIT("c1-pat"), mark);
    enter(l.k, &l.pat);
    (void)snprintf(mail, sizeof mail, "X-Tourniquet-Exercise: c1-pat.%s\r\n%s", mark, ATTACK("three"));
    ASK(l.k, 201, "POST /api/v1/mail", mail, NULL);
    SAYS(l.k, "\"exercise\":true");
    SAYS(l.k, "\"state\":\"answered\"");
    assert_non_null(strstr(l.k->last, "\"exercise\":\"c1-pat\""));
    ASK(l.k, 200, "GET /api/v1/mail", NULL, NULL);
    SAYS(l.k, "\"total\":1");
    enter(l.k, &l.ana); /* who reported one is nobody else's business */
    ASK(l.k, 200, "GET /api/v1/mail", NULL, NULL);
    SAYS(l.k, "\"total\":0");
    enter(l.k, &l.pat);
    mark[0] = mark[0] == '0' ? '1' : '0'; /* nobody else can make one */
    (void)snprintf(mail, sizeof mail, "X-Tourniquet-Exercise: c1-pat.%s\r\n%s", mark, ATTACK("four"));
    ASK(l.k, 201, "POST /api/v1/mail", mail, NULL);
    SAYS(l.k, "\"exercise\":false");
    SAYS(l.k, "\"state\":\"waiting\"");
    keeper_free(l.k);
}

static void pieces_make_a_mail(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    const char *mail = ATTACK("five");
    char half[4096];
    char ask[80];
    size_t n = strlen(mail) / 2;
    (void)snprintf(half, sizeof half, "%.*s", (int)n, mail);
    enter(k, &l.pat);
    ASK(k, 200, "POST /api/v1/mail/pieces?at=0", half, NULL);
    enter(k, &l.ray); /* somebody else's is another one */
    (void)snprintf(ask, sizeof ask, "POST /api/v1/mail?at=%zu", n);
    ASK(k, 409, ask, mail + n, NULL);
    enter(k, &l.pat);
    ASK(k, 409, "POST /api/v1/mail?at=7", mail + n, NULL);
    ASK(k, 201, ask, mail + n, NULL);
    SAYS(k, "\"verdict\":\"dangerous\"");
    ASK(k, 400, "POST /api/v1/mail/pieces?at=x", half, NULL);
    ASK(k, 400, "POST /api/v1/mail?at=99999999999", half, NULL);
    ASK(k, 200, "POST /api/v1/mail/pieces?at=0", half, NULL);
    k->now.monotonic += 200 * TIME_SECOND; /* it waited too long */
    ASK(k, 409, ask, mail + n, NULL);
    for (int i = 0; i < 24; i++) { /* 24 MiB and no more */
        static char mib[(1u << 20) + 1];
        memset(mib, 'a', sizeof mib - 1);
        (void)snprintf(ask, sizeof ask, "POST /api/v1/mail/pieces?at=%d", i << 20);
        ASK(k, 200, ask, mib, NULL);
    }
    (void)snprintf(ask, sizeof ask, "POST /api/v1/mail/pieces?at=%d", 24 << 20);
    ASK(k, 413, ask, "a", NULL);
    keeper_free(k);
}

static int dead(struct buf *told, struct error *e)
{
    (void)told;
    return err_set(e, ERR_CORRUPT, "its reading came to harm");
}

static int away(struct buf *told, struct error *e)
{
    (void)told;
    return err_set(e, ERR_AGAIN, "not there");
}

static int lies(struct buf *told, struct error *e)
{
    (void)e;
    buf_add_str(told, "\1\2\377 what a reader that was taken over may say");
    return 0;
}

static void a_reader_that_fails_is_an_answer(void **state)
{
    (void)state;
    struct lab l = lab();
    enter(l.k, &l.pat);
    broken = dead;
    ASK(l.k, 422, "POST /api/v1/mail", ATTACK("six"), NULL);
    SAYS(l.k, "\"unreadable\"");
    broken = away;
    ASK(l.k, 503, "POST /api/v1/mail", ATTACK("six"), NULL);
    broken = lies;
    ASK(l.k, 422, "POST /api/v1/mail", ATTACK("six"), NULL);
    broken = NULL;
    ASK(l.k, 201, "POST /api/v1/mail", ATTACK("six"), NULL);
    keeper_free(l.k);
}

static void not_too_many(void **state)
{
    (void)state;
    struct lab l = lab();
    enter(l.k, &l.pat);
    for (int i = 0; i < 60; i++) {
        char mail[2048];
        (void)snprintf(mail, sizeof mail, "Subject: %d\r\nFrom: a@b.example\r\n\r\nnumber %d\r\n", i, i);
        ASK(l.k, 201, "POST /api/v1/mail", mail, NULL);
    }
    ASK(l.k, 429, "POST /api/v1/mail", ATTACK("seven"), NULL);
    l.k->now.wall += 2 * 3600 * TIME_SECOND;
    ASK(l.k, 201, "POST /api/v1/mail", ATTACK("seven"), NULL);
    keeper_free(l.k);
}

/* Every cut, and every changed byte, of what the reader tells is taken or refused, and never read past its end. */
static void what_the_reader_tells(void **state)
{
    (void)state;
    struct buf told = BUF_INIT(MAILED_MAX);
    struct error e = {0};
    struct mail_job job = {.message = span_str(ATTACK("eight"))};
    struct mailed *m = calloc(1, sizeof *m);
    struct mailed_shown *s = calloc(1, sizeof *s);
    assert_true(m != NULL && s != NULL);
    assert_int_equal(mail_job_do(known, &job, -1, &told, &e), 0);
    assert_int_equal(mailed_decode(buf_span(&told), m, &e), 0);
    assert_int_equal(m->verdict, 2);
    assert_int_equal(mailed_shown_decode(m->shown, s, &e), 0);
    assert_true(s->links_n == 1 && span_is(s->links[0].site, "lab-exarnple.top"));
    for (size_t n = 0; n < told.n; n++) {
        uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees a step too far */
        memcpy(copy, told.p, n);
        assert_int_equal(mailed_decode(span_of(copy, n), m, &e), -1);
        free(copy);
    }
    for (size_t i = 0; i < told.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            told.p[i] ^= (uint8_t)(1u << bit);
            if (mailed_decode(buf_span(&told), m, &e) == 0)
                (void)mailed_shown_decode(m->shown, s, &e);
            told.p[i] ^= (uint8_t)(1u << bit);
        }
    free(s);
    free(m);
    buf_release(&told);
}

static char told[400]; /* whom about what, as it came */

static void tell(void *context, struct span account, struct span id, bool attached)
{
    (void)context;
    size_t n = strlen(told);
    (void)snprintf(told + n, sizeof told - n, "%.*s %s %d;", (int)account.n, (const char *)account.p, id.n > 0 ? "id" : "", attached);
}

/* What comes by the postbox is the report of whoever has the sender's address, and nothing else can be done there. */
static void forwarded_is_reported(void **state)
{
    (void)state;
    keeper_mail_tell = tell;
    told[0] = 0;
    struct lab l = lab();
    struct keeper *k = l.k;
    enter(k, &l.ana);
    ASK(k, 200, "PUT /api/v1/training/people/pat/contact", "{\"mail\":\"Pat@lab.example\"}", NULL);
    ASK(k, 200, "PUT /api/v1/training/people/ray/contact", "{\"mail\":\"ray@lab.example\"}", NULL);
    assert_int_equal(keeper_ask_posted(k, "pat@LAB.example", "GET /api/v1/session", ""), 200);
    assert_string_equal(keeper_member(k, "name"), "pat");
    assert_int_equal(keeper_ask_posted(k, "pat", "GET /api/v1/session", ""), 401);
    assert_int_equal(keeper_ask_posted(k, "", "GET /api/v1/session", ""), 401);
    assert_int_equal(keeper_ask_posted(k, "%@lab.example", "GET /api/v1/session", ""), 401);
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "GET /api/v1/mail", ""), 404);
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "DELETE /api/v1/session", ""), 404);
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "GET /api/v1/results", ""), 404);
    assert_int_equal(keeper_ask_posted(k, "nobody@lab.example", "POST /api/v1/mail", ATTACK("1")), 401);
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "POST /api/v1/mail", ATTACK("1")), 201);
    assert_string_equal(told, "pat id 0;");
    char id[64];
    (void)snprintf(id, sizeof id, "%s", keeper_member(k, "id"));
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "POST /api/v1/mail", ATTACK("1")), 201);
    assert_string_equal(told, "pat id 0;"); /* the same again is the same report, and answered once */
    enter(k, &l.pat);
    ASK(k, 200, "GET /api/v1/mail?mine=yes", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), id));
    ASK(k, 201, "POST /api/v1/mail", ATTACK("2"), NULL); /* on the page: the answer is there */
    assert_string_equal(told, "pat id 0;");
    enter(k, &l.ana);
    settle(k, id, 200, "{\"verdict\":\"dangerous\",\"alike\":true}");
    assert_string_equal(told, "pat id 0;pat id 1;pat id 1;"); /* whoever reported hears what was decided of each */
    ASK(k, 200, "PUT /api/v1/training/people/ray/contact", "{\"mail\":\"pat@lab.example\"}", NULL);
    assert_int_equal(keeper_ask_posted(k, "pat@lab.example", "GET /api/v1/session", ""), 401); /* two have it: nobody knows whose it is */
    keeper_free(k);
    keeper_mail_tell = NULL;
}

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    known = mail_known_new(&e);
    return known == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    mail_known_free(known);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_question_to_answer),
        cmocka_unit_test(what_is_fine_waits_for_nobody),
        cmocka_unit_test(our_own_is_a_lesson),
        cmocka_unit_test(pieces_make_a_mail),
        cmocka_unit_test(a_reader_that_fails_is_an_answer),
        cmocka_unit_test(not_too_many),
        cmocka_unit_test(what_the_reader_tells),
        cmocka_unit_test(forwarded_is_reported),
    };
    return cmocka_run_group_tests_name("door_mail", tests, set_up, tear_down);
}
