/* Who is to be told of what is due. */
#include "lab/training/training.h"

#include "base/text.h"

int training_contact_get(struct store_conn *c, struct span account, struct training_contact *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT mail, manager FROM account_contact WHERE account = ?1");
    store_bind_text(q, 1, account);
    *ret = (struct training_contact){0};
    if (store_step(q)) {
        ret->mail[span_copy(store_text(q, 0), ret->mail, sizeof ret->mail - 1)] = 0;
        ret->manager[span_copy(store_text(q, 1), ret->manager, sizeof ret->manager - 1)] = 0;
    }
    if (ret->mail[0] == 0 && text_is_mail(account))
        ret->mail[span_copy(account, ret->mail, sizeof ret->mail - 1)] = 0;
    return store_done(q, e);
}

int training_contact_find(struct store_conn *c, struct span mail, char ret_account[ACCOUNT_NAME_MAX + 1], bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT c.account FROM account_contact AS c JOIN account AS a ON a.name = c.account WHERE a.closed = 0 AND "
                                      "lower(c.mail) = lower(?1) AND c.mail <> '' UNION SELECT name FROM account WHERE closed = 0 AND lower(name) = "
                                      "lower(?1) AND instr(name, '@') > 0 LIMIT 2");
    size_t n = 0;
    store_bind_text(q, 1, mail);
    for (; store_step(q); n++)
        ret_account[span_copy(store_text(q, 0), ret_account, ACCOUNT_NAME_MAX)] = 0;
    *ret_found = n == 1;
    return store_done(q, e);
}

/* A person is told of her first day. What was told of a kind for that day is told again only of what is late, each week. */
#define NOTICES                                                                                                                                      \
    "SELECT p.account, coalesce(account.display_name, p.account), p.next, (SELECT count(*) FROM training_duty AS d WHERE d.account = p.account AND " \
    "d.due <= max(p.next, ?1)) FROM training_person AS p LEFT JOIN account ON account.name = p.account LEFT JOIN training_told AS t ON t.account = " \
    "p.account AND t.kind = ?2 WHERE "

int training_notices(struct store_conn *c, int64_t today, int64_t soon, int64_t escalate, int64_t most, training_notice_each *each, void *context,
                     struct error *e)
{
    static const struct {
        const char *kind;
        const char *query;
    } kinds[] = {
        {"manager", NOTICES "p.next < ?1 - ?3 AND (t.due IS NULL OR t.due <> p.next) ORDER BY p.next, p.account LIMIT ?4"},
        {"late", NOTICES "p.next < ?1 AND ?3 = ?3 AND (t.due IS NULL OR t.due <> p.next OR t.day <= ?1 - 7) ORDER BY p.next, p.account LIMIT ?4"},
        {"due", NOTICES "p.next = ?1 AND ?3 = ?3 AND (t.due IS NULL OR t.due <> p.next) ORDER BY p.account LIMIT ?4"},
        {"soon", NOTICES "p.next > ?1 AND p.next <= ?1 + ?3 AND (t.due IS NULL OR t.due <> p.next) ORDER BY p.next, p.account LIMIT ?4"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct store_stmt *q = store_stmt(c, kinds[i].query);
        store_bind_int(q, 1, today);
        store_bind_str(q, 2, kinds[i].kind);
        store_bind_int(q, 3, i == 0 ? escalate : soon);
        store_bind_int(q, 4, most);
        while (store_step(q)) {
            struct training_notice n = {
                .account = store_text(q, 0), .display_name = store_text(q, 1), .kind = kinds[i].kind, .due = store_int(q, 2), .n = store_int(q, 3)};
            each(context, &n);
        }
        if (store_done(q, e) != 0)
            return -1;
    }
    return 0;
}

int training_ended(struct store_conn *c, tq_time now, int64_t most, training_account_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT DISTINCT m.account FROM training_member AS m WHERE m.role <> '' AND NOT EXISTS (SELECT 1 FROM "
           "account_grant AS g WHERE g.account = m.account AND g.role = m.role AND g.ended = 0 AND (g.until = 0 OR g.until "
           "> ?1)) LIMIT ?2");
    store_bind_int(q, 1, now);
    store_bind_int(q, 2, most);
    while (store_step(q))
        each(context, store_text(q, 0));
    return store_done(q, e);
}
