#include "lab/certificate_view.h"

#include "lab/views_private.h"

int certificate_apply(struct apply *a, struct error *e)
{
    struct span serial = event_text(&a->ev, "certificate.serial");
    if (serial.n == 0 || serial.n > 41)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO certificate_act VALUES (?1, ?2, ?3, nullif(?4, ''), nullif(?5, ''), ?6)");
    store_bind_text(q, 1, serial);
    store_bind_str(q, 2, a->ev.event == EVENT_CERTIFICATE_REVOKED ? CERTIFICATE_REVOKED : CERTIFICATE_MADE);
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_text(q, 5, event_text(&a->ev, "why"));
    store_bind_int(q, 6, (int64_t)a->c->index);
    view_notice(a->v, TOPIC_CERTIFICATES, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

static void copy(struct span text, char *out, size_t size)
{
    size_t n = span_copy(text, out, size - 1);
    out[n] = 0;
}

bool certificate_act(struct store_conn *c, const char *serial, const char *act, struct certificate_act *ret)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, time, person, why FROM certificate_act WHERE serial = ?1 AND act = ?2");
    *ret = (struct certificate_act){0};
    store_bind_str(q, 1, serial);
    store_bind_str(q, 2, act);
    bool found = store_step(q);
    if (found) {
        ret->record = (uint64_t)store_int(q, 0);
        ret->time = store_int(q, 1);
        copy(store_text(q, 2), ret->person, sizeof ret->person);
        copy(store_text(q, 3), ret->why, sizeof ret->why);
    }
    return store_done(q, NULL) == 0 && found;
}
