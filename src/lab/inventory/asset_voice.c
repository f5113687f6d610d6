#include "lab/inventory/asset_private.h"

/* Rules 7 and 8: several instruments at one address, told apart by the senders that their header records name. A voice is one such sender. */

#define VOICES 64 /* kept of one address */

static bool lines_protocol(struct span protocol)
{
    return span_is(protocol, "astm") || span_is(protocol, "poct1a");
}

struct voice {
    int64_t instrument;
    bool turns;  /* takes turns with others */
    bool turned; /* … since this message */
};

/* Counts the message for its voice. Acknowledgements and answers name senders too: only reports make a voice. */
static int note_voice(struct apply *a, const struct asset_traffic *t, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset_voice SET messages = messages + 1, results = results + ?4, last_seen = max(last_seen, ?5) "
                                            "WHERE asset = ?1 AND name = ?2 AND port = ?3 AND ?6 AND ?7 IS NOT NULL RETURNING 1");
    int rc = 0;
    for (int insert = 0; insert < 2; insert++) {
        store_bind_int(q, 1, t->from);
        store_bind_text(q, 2, t->sender);
        store_bind_int(q, 3, t->port);
        store_bind_int(q, 4, t->results);
        store_bind_int(q, 5, a->ev.time);
        store_bind_int(q, 6, VOICES);
        store_bind_text(q, 7, t->protocol);
        if (number_of(q, e, &rc) != 0 || rc != 0 || t->results == 0)
            break;
        q = store_stmt(a->w, "INSERT INTO asset_voice SELECT ?1, ?2, ?3, ?7, ?5, ?5, 1, ?4, 0, NULL WHERE (SELECT count(*) FROM asset_voice WHERE "
                             "asset = ?1) < ?6 RETURNING 1");
    }
    return rc;
}

/* Takes note where another voice began after this one, and this one speaks again: they take turns. */
static int look_up(struct apply *a, const struct asset_traffic *t, struct voice *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w,
        "UPDATE asset_voice AS v SET turns = 1 WHERE asset = ?1 AND name = ?2 AND port = ?3 AND turns = 0 AND EXISTS (SELECT 1 FROM asset_voice "
        "AS o WHERE o.asset = v.asset AND o.protocol = v.protocol AND o.first_seen > v.first_seen AND o.first_seen < ?4) RETURNING 1");
    int rc = 0;
    *ret = (struct voice){0};
    for (int look = 0; rc == 0 && look < 2; look++) {
        store_bind_int(q, 1, t->from);
        store_bind_text(q, 2, t->sender);
        store_bind_int(q, 3, t->port);
        store_bind_int(q, 4, a->ev.time);
        if (look == 0)
            ret->turned = number_of(q, e, &rc) != 0;
        else if (store_step(q)) {
            ret->instrument = store_int(q, 0);
            ret->turns = store_int(q, 1) != 0;
        }
        if (look == 1)
            rc = store_done(q, e);
        q = store_stmt(a->w, "SELECT coalesce(instrument, 0), turns FROM asset_voice WHERE asset = ?1 AND name = ?2 AND port = ?3 AND ?4");
    }
    return rc;
}

/* Does the address belong to a terminal server, or carry other devices' names? */
static int kind_of(struct apply *a, int64_t asset, bool *ret_terminal, bool *ret_relay, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w, "SELECT r.terminal OR EXISTS (SELECT 1 FROM asset_voice WHERE asset = ?1 AND instrument IS NOT NULL),"
              " (SELECT sum(results_received) FROM asset WHERE root = r.n) > 0 OR EXISTS (SELECT 1 FROM asset_alias WHERE asset = ?1 AND sends = 0) "
              "FROM asset JOIN asset AS r ON r.n = asset.root WHERE asset.n = ?1");
    store_bind_int(q, 1, asset);
    *ret_terminal = *ret_relay = false;
    if (store_step(q)) {
        *ret_terminal = store_int(q, 0) != 0;
        *ret_relay = store_int(q, 1) != 0;
    }
    return store_done(q, e);
}

/* What was counted for the address before is the instrument's: its messages, results, tests and hours, as far as they are kept. current: the message
 * in hand is noted with its voice already, but counted for nobody yet. */
static int hand_over(struct apply *a, const struct asset_traffic *t, bool current, int64_t instrument, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE message SET src = ?2 WHERE src = ?1 AND sender = ?3 AND "
                                            "?4 = iif(id LIKE 'f%.1.%', json_extract(flow, '$.dport'), 0)");
    store_bind_int(q, 1, t->from);
    store_bind_int(q, 2, instrument);
    store_bind_text(q, 3, t->sender);
    store_bind_int(q, 4, t->port);
    if (store_run(q, e) != 0)
        return -1;
    static const char *const moves[] = {
        "UPDATE result SET src = ?2 WHERE src = ?1 AND (run, message) IN (SELECT run, id FROM message WHERE src = ?2)",
        "DELETE FROM asset_report WHERE asset IN (?1, ?2)",
        "INSERT INTO asset_report SELECT src, test_code, max(test_text), count(*) FROM result WHERE src IN (?1, ?2) AND test_code IS NOT NULL AND "
        "length(test_code) < 256 GROUP BY src, test_code ORDER BY src, count(*) DESC, test_code LIMIT 500",
        "DELETE FROM asset_hour WHERE asset IN (?1, ?2)",
        "INSERT INTO asset_hour SELECT asset, hour, count(*) FROM (SELECT src AS asset, time / 3600000000000 AS hour FROM message WHERE src IN (?1, "
        "?2) UNION ALL SELECT dst, time / 3600000000000 FROM message WHERE dst IN (?1, ?2)) GROUP BY 1, 2",
    };
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
        if (run2(a->w, moves[i], t->from, instrument, e) != 0)
            return -1;
    static const char *const counts[] = {
        "UPDATE asset SET first_seen = v.first_seen, messages = v.messages - ?3, results_sent = v.results - ?4 FROM asset_voice AS v WHERE n = ?2 "
        "AND "
        "v.asset = ?1 AND v.instrument = ?2",
        "UPDATE asset SET messages = max(0, asset.messages - v.messages + ?3), results_sent = max(0, results_sent - v.results + ?4) FROM asset_voice "
        "AS v "
        "WHERE n = ?1 AND v.asset = ?1 AND v.instrument = ?2",
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        q = store_stmt(a->w, counts[i]);
        store_bind_int(q, 1, t->from);
        store_bind_int(q, 2, instrument);
        store_bind_int(q, 3, current ? 1 : 0);
        store_bind_int(q, 4, current ? t->results : 0);
        if (store_run(q, e) != 0)
            return -1;
    }
    return 0;
}

/* What header records said about this voice is the instrument's. */
static int hand_over_facts(struct apply *a, int64_t asset, int64_t instrument, struct span name, struct error *e)
{
    static const char *const moves[] = {
        "UPDATE OR REPLACE asset_fact SET asset = ?2 WHERE asset = ?1 AND voice = ?3",
        "UPDATE asset_evidence SET asset = ?2 WHERE asset = ?1 AND json_extract(fields, '$.sender') = ?3",
    };
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct store_stmt *q = store_stmt(a->w, moves[i]);
        store_bind_int(q, 1, asset);
        store_bind_int(q, 2, instrument);
        store_bind_text(q, 3, name);
        if (store_run(q, e) != 0)
            return -1;
    }
    return 0;
}

static int make_instrument(struct apply *a, const struct asset_traffic *t, bool current, int64_t *ret_asset, struct error *e)
{
    struct buf key = BUF_INIT(1024);
    buf_addf(&key, "%lld %lld ", (long long)t->from, (long long)t->port);
    buf_add_span(&key, t->sender);
    int rc = asset_make(a, "instrument", buf_span(&key), t->from, ret_asset, e);
    buf_release(&key);
    if (rc != 0 || *ret_asset == 0)
        return rc;
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset_voice SET instrument = ?4 WHERE asset = ?1 AND name = ?2 AND port = ?3");
    store_bind_int(q, 1, t->from);
    store_bind_text(q, 2, t->sender);
    store_bind_int(q, 3, t->port);
    store_bind_int(q, 4, *ret_asset);
    if (store_run(q, e) != 0 || hand_over(a, t, current, *ret_asset, e) != 0 || hand_over_facts(a, t->from, *ret_asset, t->sender, e) != 0)
        return -1;
    return asset_judge(a, *ret_asset, e) != 0 ? -1 : asset_judge(a, t->from, e);
}

/* The others that this voice takes turns with are instruments as well, as soon as they are heard again; those that were heard are so now. */
static int make_others(struct apply *a, const struct asset_traffic *t, struct error *e)
{
    for (int i = 0; i < VOICES; i++) {
        char name[VALUE_MAX];
        char protocol[16];
        struct asset_traffic other = {.from = t->from};
        struct store_stmt *q = store_stmt(a->w,
                                          "SELECT name, port, protocol FROM asset_voice WHERE asset = ?1 AND instrument IS NULL AND protocol = ?2 "
                                          "ORDER BY first_seen, name, port LIMIT 1");
        store_bind_int(q, 1, t->from);
        store_bind_text(q, 2, t->protocol);
        bool any = store_step(q);
        if (any) {
            struct span p = store_text(q, 2);
            other.sender = store_text(q, 0);
            other.port = store_int(q, 1);
            if (other.sender.n >= sizeof name || p.n >= sizeof protocol)
                any = false;
            else {
                memcpy(name, other.sender.p, other.sender.n);
                memcpy(protocol, p.p, p.n);
                other.sender = span_of(name, other.sender.n);
                other.protocol = span_of(protocol, p.n);
            }
        }
        if (store_done(q, e) != 0)
            return -1;
        int64_t made = 0;
        if (!any)
            return 0;
        if (make_instrument(a, &other, false, &made, e) != 0)
            return -1;
        if (made == 0)
            return 0;
    }
    return 0;
}

int asset_voice(struct apply *a, const struct asset_traffic *t, int64_t *ret_asset, struct error *e)
{
    bool terminal = false;
    bool relay = false;
    struct voice voice;
    if (t->sender.n == 0 || t->sender.n >= VALUE_MAX)
        return 0;
    if (note_voice(a, t, e) != 0 || look_up(a, t, &voice, e) != 0)
        return -1;
    if (voice.instrument != 0) {
        *ret_asset = voice.instrument;
        return 0;
    }
    if (!lines_protocol(t->protocol)) /* HL7: rule 8 counts those that take turns */
        return voice.turned ? asset_judge(a, t->from, e) : 0;
    if (t->results == 0 || kind_of(a, t->from, &terminal, &relay, e) != 0)
        return t->results == 0 ? 0 : -1;
    if (relay || (!terminal && !voice.turns))
        return 0;
    int64_t instrument = 0;
    if (make_instrument(a, t, true, &instrument, e) != 0 || make_others(a, t, e) != 0)
        return -1;
    if (instrument != 0)
        *ret_asset = instrument;
    return 0;
}

int asset_voice_of(struct apply *a, int64_t asset, struct span name, int64_t *ret_asset, struct error *e)
{
    *ret_asset = asset;
    if (name.n == 0)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "SELECT min(instrument) FROM asset_voice WHERE asset = ?1 AND name = ?2 AND instrument IS NOT NULL");
    store_bind_int(q, 1, asset);
    store_bind_text(q, 2, name);
    int rc = 0;
    int64_t instrument = number_of(q, e, &rc);
    if (instrument != 0)
        *ret_asset = instrument;
    return rc;
}
