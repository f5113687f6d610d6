#include "proc/start.h"

#include "proc/message.h"

static void put_text(struct buf *out, const char *text)
{
    buf_be16(out, (uint16_t)strlen(text));
    buf_add_str(out, text);
}

static void get_text(struct span *s, char *out, size_t size)
{
    struct span text = span_take(s, span_be16(s));
    if (text.bad || text.n >= size || memchr(text.p, 0, text.n) != NULL) {
        (void)span_fail(s);
        return;
    }
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
}

void start_encode(struct buf *out, const struct start *s)
{
    buf_be32(out, message_dialect());
    buf_u8(out, s->unprivileged);
    buf_u8(out, s->replay);
    buf_u8(out, s->root);
    buf_u8(out, s->ndpi);
    buf_u8(out, s->bodies);
    buf_be32(out, s->packets);
    buf_u8(out, s->links);
    buf_u8(out, s->spool_key_n);
    buf_add(out, s->spool_key, sizeof s->spool_key);
    buf_be64(out, s->ledger);
    buf_u8(out, s->witnesses);
    buf_be32(out, s->uid);
    buf_add(out, s->run, RUN_ID);
    buf_be64(out, s->first);
    buf_be64(out, s->hash_key.k0);
    buf_be64(out, s->hash_key.k1);
    put_text(out, s->site);
    put_text(out, s->name);
    put_text(out, s->address);
    put_text(out, s->landing);
    put_text(out, s->postbox);
    put_text(out, s->postbox_from);
    buf_u8(out, s->postbox_clear);
    buf_be16(out, s->port);
    put_text(out, s->time_zone);
    buf_be32(out, s->lock);
    put_text(out, s->backup_to);
    buf_u8(out, s->backup_folder);
    buf_be64(out, (uint64_t)s->backup_every);
    buf_be64(out, (uint64_t)s->backup_keep);
    buf_be64(out, (uint64_t)s->backup_test);
    buf_be64(out, (uint64_t)s->keep_observations);
    buf_be64(out, (uint64_t)s->keep_evidence);
    put_text(out, s->warden_devices);
    put_text(out, s->warden_vendors);
    buf_be64(out, (uint64_t)s->warden_longest);
    buf_u8(out, s->settings_n);
    for (size_t i = 0; i < s->settings_n; i++) {
        put_text(out, s->settings[i].name);
        buf_add(out, s->settings[i].digest, sizeof s->settings[i].digest);
    }
}

int start_decode(struct span in, struct start *ret, struct error *e)
{
    struct span s = in;
    struct start t = {0};
    uint32_t dialect = span_be32(&s);
    if (!s.bad && dialect != message_dialect())
        return err_set(e, ERR_PEER, "it is of another build than the program that starts it: install all parts of Tourniquet together");
    t.unprivileged = span_u8(&s) != 0;
    t.replay = span_u8(&s) != 0;
    t.root = span_u8(&s);
    t.ndpi = span_u8(&s) != 0;
    t.bodies = span_u8(&s) != 0;
    t.packets = span_be32(&s);
    t.links = span_u8(&s);
    t.spool_key_n = span_u8(&s);
    struct span key = span_take(&s, sizeof t.spool_key);
    if (!key.bad)
        memcpy(t.spool_key, key.p, sizeof t.spool_key);
    t.ledger = span_be64(&s);
    t.witnesses = span_u8(&s);
    t.uid = span_be32(&s);
    struct span run = span_take(&s, RUN_ID);
    if (!run.bad)
        memcpy(t.run, run.p, RUN_ID);
    t.first = span_be64(&s);
    t.hash_key.k0 = span_be64(&s);
    t.hash_key.k1 = span_be64(&s);
    get_text(&s, t.site, sizeof t.site);
    get_text(&s, t.name, sizeof t.name);
    get_text(&s, t.address, sizeof t.address);
    get_text(&s, t.landing, sizeof t.landing);
    get_text(&s, t.postbox, sizeof t.postbox);
    get_text(&s, t.postbox_from, sizeof t.postbox_from);
    t.postbox_clear = span_u8(&s) != 0;
    t.port = span_be16(&s);
    get_text(&s, t.time_zone, sizeof t.time_zone);
    t.lock = span_be32(&s);
    get_text(&s, t.backup_to, sizeof t.backup_to);
    t.backup_folder = span_u8(&s) != 0;
    t.backup_every = (int64_t)span_be64(&s);
    t.backup_keep = (int64_t)span_be64(&s);
    t.backup_test = (int64_t)span_be64(&s);
    t.keep_observations = (int64_t)span_be64(&s);
    t.keep_evidence = (int64_t)span_be64(&s);
    get_text(&s, t.warden_devices, sizeof t.warden_devices);
    get_text(&s, t.warden_vendors, sizeof t.warden_vendors);
    t.warden_longest = (int64_t)span_be64(&s);
    t.settings_n = span_u8(&s);
    for (size_t i = 0; i < t.settings_n && i < START_SETTINGS; i++) {
        get_text(&s, t.settings[i].name, sizeof t.settings[i].name);
        struct span digest = span_take(&s, sizeof t.settings[i].digest);
        if (!digest.bad)
            memcpy(t.settings[i].digest, digest.p, sizeof t.settings[i].digest);
    }
    if (t.settings_n > START_SETTINGS)
        (void)span_fail(&s);
    if (s.bad || s.n != 0)
        return err_set(e, ERR_PEER, "a start message is malformed");
    *ret = t;
    return 0;
}

void progress_encode(struct buf *out, const struct progress *p)
{
    const uint64_t numbers[] = {p->ledger, p->records, p->messages, p->results, p->findings, p->packets, p->damaged, p->link};
    buf_u8(out, p->ended);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        buf_be64(out, numbers[i]);
}

int progress_decode(struct span in, struct progress *ret, struct error *e)
{
    struct span s = in;
    struct progress p = {.ended = span_u8(&s) != 0};
    uint64_t *const numbers[] = {&p.ledger, &p.records, &p.messages, &p.results, &p.findings, &p.packets, &p.damaged, &p.link};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = span_be64(&s);
    if (s.bad || s.n != 0)
        return err_set(e, ERR_PEER, "a progress message is malformed");
    *ret = p;
    return 0;
}
