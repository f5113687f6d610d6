#include "lab/phishing/phishing.h"

#include "base/text.h"
#include "lab/phishing/template.h"
#include "lab/views_private.h"
#include "record/crypto/crypto.h"

#include <string.h>
#include <strings.h>

/* ── what records say ── */

static int told(struct apply *a, struct span id, int rc)
{
    if (rc == 0)
        view_notice(a->v, TOPIC_TRAINING, id, a->c->index);
    return rc;
}

int phishing_apply_planned(struct apply *a, struct error *e)
{
    char audience[PHISHING_AUDIENCE];
    struct span id = event_text(&a->ev, "campaign");
    tq_time starts = event_when(&a->ev, "starts");
    tq_time until = event_when(&a->ev, "until");
    size_t n = 0;
    if (id.n != PHISHING_CAMPAIGN - 1 || until <= starts)
        return 0;
    for (size_t i = 0; i < JOB_COUNT; i++) {
        struct span role = event_item(&a->ev, "audience", i);
        if (role.n == 0 || n + role.n + 3 > sizeof audience)
            break;
        audience[n++] = '\n';
        n += span_copy(role, audience + n, sizeof audience - n - 2);
    }
    if (n > 0)
        audience[n++] = '\n';
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT OR IGNORE INTO phishing_campaign SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, '', "
                                      "'', ?10 WHERE (SELECT count(*) FROM phishing_campaign) < ?13");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "template"));
    store_bind_str(q, 3, span_is(event_text(&a->ev, "language"), "es") ? "es" : "en");
    store_bind_text(q, 4, span_of(audience, n));
    store_bind_text(q, 5, event_text(&a->ev, "site"));
    store_bind_int(q, 6, starts);
    store_bind_int(q, 7, until);
    store_bind_int(q, 8, event_int(&a->ev, "rate", 60));
    store_bind_text(q, 9, event_text(&a->ev, "course"));
    store_bind_int(q, 10, (int64_t)a->c->index);
    store_bind_int(q, 11, a->ev.time);
    store_bind_text(q, 12, event_text(&a->ev, "person"));
    store_bind_int(q, 13, PHISHING_MOST);
    return told(a, id, store_run(q, e));
}

int phishing_apply_ended(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "campaign");
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE phishing_campaign SET stopped = ?2, stopped_by = ?3, stopped_why = ?4, changed = ?5 WHERE id = ?1 "
                                      "AND stopped = 0");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, (int64_t)a->c->index);
    return told(a, id, store_run(q, e));
}

int phishing_apply_sent(struct apply *a, struct error *e)
{
    char account[ACCOUNT_NAME_MAX + 1];
    char hash[PHISHING_HASH];
    struct span id = event_text(&a->ev, "campaign");
    struct span why = event_text(&a->ev, "why");
    if (!event_member(a->c->private_json, "recipient", account, sizeof account))
        return 0;
    if (why.n > 0) {
        struct store_stmt *q = store_stmt(a->w, "UPDATE phishing_mail SET failed = ?3 WHERE campaign = ?1 AND account = ?2");
        store_bind_text(q, 1, id);
        store_bind_str(q, 2, account);
        store_bind_text(q, 3, why);
        return told(a, id, store_run(q, e));
    }
    if (!event_member(a->c->private_json, "token_hash", hash, sizeof hash) || strlen(hash) != PHISHING_HASH - 1)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO phishing_mail SELECT campaign.id, account.name, ?3, ?4, '', 0, 0, 0 FROM "
                                            "phishing_campaign AS campaign, account WHERE campaign.id = ?1 AND account.name = ?2");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, account);
    store_bind_str(q, 3, hash);
    store_bind_int(q, 4, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "INSERT OR IGNORE INTO phishing_member SELECT ?1, account, role, site FROM training_member WHERE account = ?2");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, account);
    return told(a, id, store_run(q, e));
}

int phishing_apply_visited(struct apply *a, struct error *e)
{
    char account[ACCOUNT_NAME_MAX + 1];
    struct span id = event_text(&a->ev, "campaign");
    if (!event_member(a->c->private_json, "recipient", account, sizeof account))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE phishing_mail SET visited = CASE WHEN visited = 0 THEN ?3 ELSE visited END, signed = max(signed, "
                                            "?4) WHERE campaign = ?1 AND account = ?2");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, account);
    store_bind_int(q, 3, a->ev.time);
    store_bind_int(q, 4, span_is(event_text(&a->ev, "how"), "sign-in"));
    return told(a, id, store_run(q, e));
}

int phishing_apply_reported(struct apply *a, struct error *e)
{
    char account[ACCOUNT_NAME_MAX + 1];
    struct span id = event_text(&a->ev, "campaign");
    if (!event_member(a->c->private_json, "recipient", account, sizeof account))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE phishing_mail SET reported = ?3 WHERE campaign = ?1 AND account = ?2 AND reported = 0");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, account);
    store_bind_int(q, 3, a->ev.time);
    return told(a, id, store_run(q, e));
}

/* ── reading: campaigns ── */

const char *phishing_state(const struct phishing_campaign *p, tq_time now)
{
    return p->stopped != 0 ? "stopped" : now < p->starts ? "planned" : now < p->until ? "running" : "over";
}

#define CAMPAIGN                                                                                                                                     \
    "SELECT id, template, language, audience, site, starts, until, rate, course, record, time, by, stopped, stopped_by, stopped_why, changed FROM "  \
    "phishing_campaign "

static void copy(struct span s, char *out, size_t size)
{
    out[span_copy(s, out, size - 1)] = 0;
}

static void read_campaign(struct store_stmt *q, struct phishing_campaign *ret)
{
    *ret = (struct phishing_campaign){.starts = store_int(q, 5),
                                      .until = store_int(q, 6),
                                      .rate = store_int(q, 7),
                                      .record = (uint64_t)store_int(q, 9),
                                      .time = store_int(q, 10),
                                      .stopped = store_int(q, 12),
                                      .changed = (uint64_t)store_int(q, 15)};
    copy(store_text(q, 0), ret->id, sizeof ret->id);
    copy(store_text(q, 1), ret->template, sizeof ret->template);
    copy(store_text(q, 2), ret->language, sizeof ret->language);
    copy(store_text(q, 3), ret->audience, sizeof ret->audience);
    copy(store_text(q, 4), ret->site, sizeof ret->site);
    copy(store_text(q, 8), ret->course, sizeof ret->course);
    copy(store_text(q, 11), ret->by, sizeof ret->by);
    copy(store_text(q, 13), ret->stopped_by, sizeof ret->stopped_by);
    copy(store_text(q, 14), ret->stopped_why, sizeof ret->stopped_why);
}

int phishing_campaigns(struct store_conn *c, phishing_campaign_each *each, void *context, struct error *e)
{
    struct phishing_campaign p;
    struct store_stmt *q = store_stmt(c, CAMPAIGN "ORDER BY record DESC");
    while (store_step(q)) {
        read_campaign(q, &p);
        each(context, &p);
    }
    return store_done(q, e);
}

int phishing_campaign_get(struct store_conn *c, struct span id, struct phishing_campaign *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, CAMPAIGN "WHERE id = ?1");
    store_bind_text(q, 1, id);
    *ret_found = store_step(q);
    if (*ret_found)
        read_campaign(q, ret);
    return store_done(q, e);
}

int64_t phishing_campaign_count(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM phishing_campaign"), -1, e);
}

int phishing_targets(struct store_conn *c, const struct phishing_campaign *p, tq_time since, int64_t most, phishing_target_each *each, void *context,
                     struct error *e)
{
    struct store_stmt *q = store_stmt(
        c,
        "SELECT account.name, account.display_name FROM account WHERE EXISTS (SELECT 1 FROM training_member AS m WHERE m.account = account.name AND "
        "(?2 = '' AND m.role = '' OR ?2 <> '' AND m.role <> '' AND instr(?2, char(10) || m.role || char(10)) > 0) AND (?3 = '' OR m.site = ?3)) AND "
        "NOT EXISTS (SELECT 1 FROM phishing_mail AS x WHERE x.account = account.name AND (x.campaign = ?1 OR x.time > ?4)) ORDER BY account.name "
        "LIMIT ?5");
    store_bind_str(q, 1, p->id);
    store_bind_str(q, 2, p->audience);
    store_bind_str(q, 3, p->site);
    store_bind_int(q, 4, since);
    store_bind_int(q, 5, most);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1));
    return store_done(q, e);
}

tq_time phishing_last(struct store_conn *c, const char *campaign)
{
    struct store_stmt *q = store_stmt(c, "SELECT coalesce(max(time), 0) FROM phishing_mail WHERE campaign = ?1");
    store_bind_str(q, 1, campaign);
    return store_run_int(q, 0, NULL);
}

bool phishing_allowed(const char *domains, struct span mail)
{
    struct span rest = span_str(domains);
    const uint8_t *at = mail.n == 0 ? NULL : memrchr(mail.p, '@', mail.n);
    if (at == NULL || !text_is_mail(mail))
        return false;
    struct span host = span_of(at + 1, mail.n - (size_t)(at + 1 - mail.p));
    while (rest.n > 0) {
        struct span one = span_until(&rest, '\n', NULL);
        if (one.n > 0 && one.n == host.n && strncasecmp((const char *)one.p, (const char *)host.p, one.n) == 0)
            return true;
    }
    return false;
}

/* ── reading: mails ── */

void phishing_hash(struct span token, char out[PHISHING_HASH])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(token, hash);
    text_hex_to(out, hash, sizeof hash);
}

#define MAIL "SELECT campaign, account, time, visited, reported, signed, failed <> '' FROM phishing_mail "

static void read_mail(struct store_stmt *q, struct phishing_mail *ret)
{
    *ret = (struct phishing_mail){.time = store_int(q, 2),
                                  .visited = store_int(q, 3),
                                  .reported = store_int(q, 4),
                                  .signed_in = store_int(q, 5) != 0,
                                  .failed = store_int(q, 6) != 0};
    copy(store_text(q, 0), ret->campaign, sizeof ret->campaign);
    copy(store_text(q, 1), ret->account, sizeof ret->account);
}

int phishing_mail_find(struct store_conn *c, const char *hash, struct phishing_mail *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, MAIL "WHERE hash = ?1");
    store_bind_str(q, 1, hash);
    *ret_found = store_step(q);
    if (*ret_found)
        read_mail(q, ret);
    return store_done(q, e);
}

int phishing_mails(struct store_conn *c, struct span account, phishing_mail_each *each, void *context, struct error *e)
{
    struct phishing_mail m;
    struct store_stmt *q = store_stmt(c, MAIL "WHERE account = ?1 ORDER BY time DESC LIMIT 100");
    store_bind_text(q, 1, account);
    while (store_step(q)) {
        read_mail(q, &m);
        each(context, &m);
    }
    return store_done(q, e);
}

/* ── counts ── */

#define COUNTS                                                                                                                                       \
    "sum(x.failed = ''), sum(x.failed <> ''), sum(x.failed = '' AND x.reported > 0), sum(x.failed = '' AND x.visited > 0), "                         \
    "sum(x.failed = '' AND x.reported > 0 AND x.visited > 0), sum(x.failed = '' AND x.reported = 0 AND x.visited = 0) FROM "
#define CHOSEN "(?1 = '' OR x.campaign = ?1) AND x.time >= ?2 AND x.time < ?3 "
#define MEMBER "phishing_member AS m JOIN phishing_mail AS x ON x.campaign = m.campaign AND x.account = m.account WHERE "

int phishing_counts(struct store_conn *c, enum phishing_by by, struct span campaign, tq_time from, tq_time to, phishing_count_each *each,
                    void *context, struct error *e)
{
    struct store_stmt *q;
    if (by == PHISHING_BY_ALL)
        q = store_stmt(c, "SELECT '', " COUNTS "phishing_mail AS x WHERE " CHOSEN);
    else if (by == PHISHING_BY_ROLE) /* one person at two sites counts once */
        q = store_stmt(c, "SELECT m.role, " COUNTS "(SELECT DISTINCT campaign, account, role FROM phishing_member WHERE role <> '') AS m JOIN "
                          "phishing_mail AS x ON x.campaign = m.campaign AND x.account = m.account WHERE " CHOSEN "GROUP BY m.role ORDER BY m.role");
    else
        q = store_stmt(c, "SELECT m.site, " COUNTS MEMBER "m.role = '' AND " CHOSEN "GROUP BY m.site ORDER BY m.site");
    store_bind_text(q, 1, campaign);
    store_bind_int(q, 2, from);
    store_bind_int(q, 3, to);
    while (store_step(q)) {
        struct phishing_counts n = {.sent = store_int(q, 1),
                                    .failed = store_int(q, 2),
                                    .reported = store_int(q, 3),
                                    .visited = store_int(q, 4),
                                    .both = store_int(q, 5),
                                    .neither = store_int(q, 6)};
        each(context, store_text(q, 0), &n);
    }
    return store_done(q, e);
}
