#include "lab/search.h"

#include "base/text.h"

/* Every query gives: id, title, note, state, time. ?1 is the text, ?2 how many, ?3 what else the kind needs. */

static int give(struct store_stmt *q, const char *kind, search_each *each, void *context, struct error *e)
{
    store_bind_int(q, 2, SEARCH_EACH);
    while (store_step(q)) {
        struct search_hit hit = {.kind = kind,
                                 .id = store_text(q, 0),
                                 .title = store_text(q, 1),
                                 .note = store_text(q, 2),
                                 .state = store_text(q, 3),
                                 .time = store_int(q, 4)};
        each(context, &hit);
    }
    return store_done(q, e);
}

/* First which, then what they are: addresses are looked up for those that are shown. */
static int devices(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, title, coalesce((SELECT value FROM asset_address WHERE asset IN (SELECT m.n FROM asset AS m WHERE m.root = hit.n) AND now = 1 "
           "AND "
           "kind = 'ip' ORDER BY last_seen DESC, value LIMIT 1), ''), role, 0 FROM (SELECT n, id, title, role, instr(lower(title), ?1) <> 1 AS "
           "inside, lower(title) AS name FROM asset WHERE root = n AND instr(search, ?1) > 0 ORDER BY inside, name, n LIMIT ?2) AS hit ORDER BY "
           "inside, name, n");
    store_bind_text(q, 1, w->text);
    return give(q, "device", each, context, e);
}

static int findings(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, title, severity, state, last_time FROM finding WHERE instr(lower(title), ?1) > 0 OR instr(kind, ?1) "
           "> 0 OR substr(id, 1, length(?1)) = ?1 ORDER BY state = 'dismissed', rank DESC, n DESC LIMIT ?2");
    store_bind_text(q, 1, w->text);
    return give(q, "finding", each, context, e);
}

/* Results are found by the token of their specimen alone: by the index, and by nothing that a person is known by. */
static int results(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT record, coalesce(test_text, test_code, ''), specimen, coalesce(sender, ''), time FROM result WHERE "
                                      "specimen >= ?1 AND specimen < ?1 || '~' AND specimen IS NOT NULL AND head IS NULL ORDER BY specimen, n DESC "
                                      "LIMIT ?2");
    store_bind_text(q, 1, w->specimen);
    return give(q, "result", each, context, e);
}

static int people(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT name, display_name, name, state, 0 FROM account WHERE instr(name, ?1) > 0 OR instr(lower(display_name), "
           "?1) > 0 ORDER BY state = 'closed', instr(lower(display_name), ?1) <> 1, name LIMIT ?2");
    store_bind_text(q, 1, w->text);
    return give(q, "person", each, context, e);
}

static int reports(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, substr(text, 1, 120), kind, state, time FROM report WHERE instr(lower(text), ?1) > 0 AND (?3 = '' OR "
           "person = ?3) ORDER BY n DESC LIMIT ?2");
    store_bind_text(q, 1, w->text);
    store_bind_text(q, 3, w->reports ? SPAN_LIT("") : w->person);
    return give(q, "report", each, context, e);
}

/* By who sent it, and by what it may be known by (hosts, addresses, hashes). What it says is sealed, and searched by nobody. */
static int mails(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, sender, verdict, state, time FROM mail WHERE instr(lower(sender), ?1) > 0 OR instr(lower(indicators), "
           "?1) > 0 ORDER BY state = 'waiting' DESC, n DESC LIMIT ?2");
    store_bind_text(q, 1, w->text);
    return give(q, "mail", each, context, e);
}

static int doors(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, device, asked_by || ' \xc2\xb7 ' || upper(service), state, asked_at FROM (SELECT *, coalesce((SELECT title FROM asset WHERE "
           "asset.id = door.asset), address) AS device "
           "FROM door) WHERE (?3 = '' OR asked_by = ?3) AND (instr(lower(device), ?1) > 0 OR instr(address, ?1) > 0 OR instr(source, ?1) > 0 OR "
           "instr(lower(asked_by), ?1) > 0 OR instr(lower(maker), ?1) > 0 OR instr(lower(why), ?1) > 0) ORDER BY n DESC LIMIT ?2");
    store_bind_text(q, 1, w->text);
    store_bind_text(q, 3, w->doors_of);
    return give(q, "door", each, context, e);
}

static int policies(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT id, title, '', '', 0 FROM training_policy WHERE ended = 0 AND instr(lower(title), ?1) > 0 ORDER BY title, id LIMIT ?2");
    store_bind_text(q, 1, w->text);
    return give(q, "policy", each, context, e);
}

/* A record by its number, as pages and papers name it. */
static int records(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    uint64_t number = 0;
    if (!span_decimal(w->text, INT64_MAX, &number))
        return 0;
    struct store_stmt *q = store_stmt(c, "SELECT record, summary, event, '', time FROM ledger_row WHERE record = ?1 LIMIT ?2");
    store_bind_int(q, 1, (int64_t)number);
    return give(q, "record", each, context, e);
}

int search_all(struct store_conn *c, const struct search_wish *w, search_each *each, void *context, struct error *e)
{
    if (w->text.n < 2)
        return 0;
    if (w->devices && devices(c, w, each, context, e) != 0)
        return -1;
    if (w->findings && findings(c, w, each, context, e) != 0)
        return -1;
    if (w->results && w->specimen.n > 0 && results(c, w, each, context, e) != 0)
        return -1;
    if (w->people && people(c, w, each, context, e) != 0)
        return -1;
    if ((w->reports || w->person.n > 0) && reports(c, w, each, context, e) != 0)
        return -1;
    if (w->mails && mails(c, w, each, context, e) != 0)
        return -1;
    if (w->doors && doors(c, w, each, context, e) != 0)
        return -1;
    if (w->records && records(c, w, each, context, e) != 0)
        return -1;
    return policies(c, w, each, context, e);
}
