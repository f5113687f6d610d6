/* Phishing simulations: templates, whom a mail may go to, and counts that follow from records. */
#include "feed.h"

#include "lab/phishing/phishing.h"
#include "lab/phishing/template.h"

#define CAMPAIGN "00112233445566778899aabbccddeeff"
#define SECOND "ffeeddccbbaa99887766554433221100"

static void say(struct feed *f, const char *time, const char *event, const char *rest, const char *private_json)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"time\":\"%s\",\"event\":\"%s\",%s}", time, event, rest);
    if (private_json != NULL)
        feed_private(f, json, private_json);
    else
        feed(f, json);
}

static void person(struct feed *f, const char *name, const char *role)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest, "\"person\":\"mia\",\"account\":\"%s\",\"display_name\":\"%s\",\"account_role\":\"%s\"", name, name, role);
    say(f, "2026-01-01T08:00:00Z", "account.created", rest, "{\"password_hash\":\"x\"}");
}

static void plan(struct feed *f, const char *id, const char *audience, const char *starts, const char *until)
{
    char rest[512];
    (void)snprintf(
        rest, sizeof rest,
        "\"person\":\"mia\",\"campaign\":\"%s\",\"template\":\"courier\",\"language\":\"es\",\"audience\":[%s],\"starts\":\"%s\",\"until\":"
        "\"%s\",\"rate\":60,\"course\":\"after-simulation\"",
        id, audience, starts, until);
    say(f, "2026-02-01T08:00:00Z", "phish.planned", rest, NULL);
}

static void mail(struct feed *f, const char *event, const char *time, const char *campaign, const char *who, const char *more)
{
    char rest[256];
    char sealed[256];
    char hash[PHISHING_HASH];
    char token[64];
    (void)snprintf(token, sizeof token, "%s-%s", campaign, who);
    phishing_hash(span_str(token), hash);
    (void)snprintf(rest, sizeof rest, "\"campaign\":\"%s\"%s", campaign, more);
    (void)snprintf(sealed, sizeof sealed, "{\"recipient\":\"%s\",\"token_hash\":\"%s\"}", who, hash);
    say(f, time, event, rest, sealed);
}

struct seen {
    char text[1024];
};

static void see_target(void *context, struct span account, struct span display_name)
{
    struct seen *s = context;
    size_t n = strlen(s->text);
    (void)display_name;
    (void)snprintf(s->text + n, sizeof s->text - n, "%.*s ", (int)account.n, (const char *)account.p);
}

static void see_count(void *context, struct span name, const struct phishing_counts *n)
{
    struct seen *s = context;
    size_t at = strlen(s->text);
    (void)snprintf(s->text + at, sizeof s->text - at, "%.*s:%d/%d r%d v%d b%d n%d ", (int)name.n, (const char *)name.p, (int)n->sent, (int)n->failed,
                   (int)n->reported, (int)n->visited, (int)n->both, (int)n->neither);
}

static tq_time at(const char *text)
{
    tq_time t = 0;
    assert_true(time_parse(span_str(text), &t));
    return t;
}

static void counts_follow(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    struct phishing_campaign p;
    struct phishing_mail m;
    bool found = false;
    static const char *const people[] = {"ana", "bo", "cy", "di", "ed"};
    for (size_t i = 0; i < 5; i++)
        person(&f, people[i], "phlebotomist");
    person(&f, "it", "IT");
    plan(&f, CAMPAIGN, "\"phlebotomist\"", "2026-02-02T08:00:00Z", "2026-02-05T08:00:00Z");
    for (size_t i = 0; i < 4; i++)
        mail(&f, "phish.sent", "2026-02-02T09:00:00Z", CAMPAIGN, people[i], "");
    mail(&f, "phish.sent", "2026-02-02T09:01:00Z", CAMPAIGN, "di", ",\"why\":\"refused\"");
    mail(&f, "phish.sent", "2026-02-02T09:02:00Z", CAMPAIGN, "nobody", "");
    mail(&f, "phish.visited", "2026-02-02T10:00:00Z", CAMPAIGN, "ana", ",\"how\":\"link\"");
    mail(&f, "phish.visited", "2026-02-02T10:01:00Z", CAMPAIGN, "ana", ",\"how\":\"sign-in\"");
    mail(&f, "phish.reported", "2026-02-02T11:00:00Z", CAMPAIGN, "ana", ",\"how\":\"mail\"");
    mail(&f, "phish.reported", "2026-02-02T12:00:00Z", CAMPAIGN, "ana", ",\"how\":\"mail\"");
    mail(&f, "phish.reported", "2026-02-02T12:00:00Z", CAMPAIGN, "bo", ",\"how\":\"report\"");
    struct store_conn *c = f.reader;
    assert_int_equal(0, phishing_campaign_get(c, SPAN_LIT(CAMPAIGN), &p, &found, &e));
    assert_true(found);
    assert_string_equal("\nphlebotomist\n", p.audience);
    assert_string_equal("planned", phishing_state(&p, at("2026-02-02T07:59:59Z")));
    assert_string_equal("running", phishing_state(&p, at("2026-02-02T08:00:00Z")));
    assert_string_equal("over", phishing_state(&p, at("2026-02-05T08:00:00Z")));

    struct seen s = {0};
    assert_int_equal(0, phishing_counts(c, PHISHING_BY_ALL, SPAN_LIT(CAMPAIGN), 0, INT64_MAX, see_count, &s, &e));
    assert_string_equal(":3/1 r2 v1 b1 n1 ", s.text); /* a report after a visit counts as both; a second report is none */
    s.text[0] = 0;
    assert_int_equal(0, phishing_counts(c, PHISHING_BY_ROLE, SPAN_LIT(CAMPAIGN), 0, INT64_MAX, see_count, &s, &e));
    assert_string_equal("phlebotomist:3/1 r2 v1 b1 n1 ", s.text);
    s.text[0] = 0;
    assert_int_equal(0, phishing_counts(c, PHISHING_BY_ALL, SPAN_LIT(""), at("2026-02-03T00:00:00Z"), INT64_MAX, see_count, &s, &e));
    assert_string_equal(":0/0 r0 v0 b0 n0 ", s.text);

    s.text[0] = 0;
    assert_int_equal(0, phishing_targets(c, &p, 0, 10, see_target, &s, &e)); /* of its audience, who has none of it */
    assert_string_equal("ed ", s.text);
    plan(&f, SECOND, "", "2026-02-03T08:00:00Z", "2026-02-05T08:00:00Z");
    assert_int_equal(0, phishing_campaign_get(c, SPAN_LIT(SECOND), &p, &found, &e));
    s.text[0] = 0;
    assert_int_equal(0, phishing_targets(c, &p, at("2026-02-01T00:00:00Z"), 10, see_target, &s, &e)); /* everybody, but who got one lately */
    assert_string_equal("ed it ", s.text);
    s.text[0] = 0;
    assert_int_equal(0, phishing_targets(c, &p, at("2026-02-03T00:00:00Z"), 10, see_target, &s, &e));
    assert_string_equal("ana bo cy di ed it ", s.text);

    char hash[PHISHING_HASH];
    phishing_hash(SPAN_LIT(CAMPAIGN "-ana"), hash);
    assert_int_equal(0, phishing_mail_find(c, hash, &m, &found, &e));
    assert_true(found && m.signed_in && m.visited == at("2026-02-02T10:00:00Z") && m.reported == at("2026-02-02T11:00:00Z"));
    phishing_hash(SPAN_LIT(CAMPAIGN), hash);
    assert_int_equal(0, phishing_mail_find(c, hash, &m, &found, &e));
    assert_false(found);

    say(&f, "2026-02-03T09:00:00Z", "phish.ended", "\"person\":\"mia\",\"why\":\"enough\",\"campaign\":\"" SECOND "\"", NULL);
    assert_int_equal(0, phishing_campaign_get(c, SPAN_LIT(SECOND), &p, &found, &e));
    assert_string_equal("stopped", phishing_state(&p, at("2026-02-03T10:00:00Z")));
    assert_string_equal("enough", p.stopped_why);
    feed_free(&f);
}

static void templates_are_whole(void **state)
{
    (void)state;
    struct phishing_template t;
    struct error e = {0};
    assert_int_equal(5, phishing_template_count());
    for (size_t i = 0; i < phishing_files_count; i++) {
        int rc = phishing_template_read(&t, phishing_files[i].name, span_str(phishing_files[i].text), &e);
        if (rc != 0)
            fail_msg("%s", e.text);
        assert_true(phishing_template_find(t.id, &t));
        for (int l = 0; l < 2; l++) {
            struct buf text = BUF_INIT(16384);
            phishing_text(&text, &t.words[l], SPAN_LIT("Ana López"), SPAN_LIT("https://x/y"));
            assert_non_null(memmem(text.p, text.n, "Ana López", sizeof "Ana López" - 1));
            assert_non_null(memmem(text.p, text.n, "\nhttps://x/y\n", 13));
            assert_null(memmem(text.p, text.n, "{", 1));
            buf_release(&text);
        }
    }
    assert_false(phishing_template_find(SPAN_LIT("none"), &t));
}

static void a_wrong_line_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"id: a\ncolour: red\n", "x:2: expected id, course, or page: sign-in or notice"},
        {"id: a\npage: form\n", "x:2: expected id, course, or page: sign-in or notice"},
        {"id a\n", "x:1: expected key: value, [en] or [es]"},
        {"[en]\nname: A\n[en]\n", "x:3: this language was there before"},
        {"[en]\nname:\n", "x:2: expected a text behind the colon"},
        {"id: a\ncourse: b\n[en]\nname: A\n", "x:4: [en] is not whole: it needs two signs at least"},
        {"", "x:0: id or course is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct phishing_template t;
        struct error e = {0};
        assert_int_equal(-1, phishing_template_read(&t, "x", span_str(cases[i].text), &e));
        assert_string_equal(cases[i].said, e.text);
    }
}

static void only_these_domains(void **state)
{
    (void)state;
    static const char domains[] = "lab.example\nclinic.example\n";
    assert_true(phishing_allowed(domains, SPAN_LIT("ana@lab.example")));
    assert_true(phishing_allowed(domains, SPAN_LIT("ana@CLINIC.example")));
    assert_false(phishing_allowed(domains, SPAN_LIT("ana@x.lab.example")));
    assert_false(phishing_allowed(domains, SPAN_LIT("ana@lab.example.com")));
    assert_false(phishing_allowed(domains, SPAN_LIT("ana@evil@lab.example")));
    assert_false(phishing_allowed(domains, SPAN_LIT("lab.example")));
    assert_false(phishing_allowed("", SPAN_LIT("ana@lab.example")));
    assert_false(phishing_allowed(domains, SPAN_LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_follow), cmocka_unit_test(templates_are_whole),
                                       cmocka_unit_test(a_wrong_line_is_named), cmocka_unit_test(only_these_domains)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
