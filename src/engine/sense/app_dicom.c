/* DICOM upper layer (PS3.8, 9.3): one association a connection. Its request names both application entities; the first PDU of the other side says
 * whether it was granted. Both name the software that they are made with (PS3.7, D.3.3.2). These two PDUs are kept until they are whole, however they
 * are cut; the rest of the connection (C-STORE, C-FIND on work lists …) is not read. */
#include "engine/sense/app_private.h"

#include <stdlib.h>

enum { PDU_REQUEST = 1, PDU_ACCEPT = 2, PDU_REJECT = 3, PDU_ABORT = 7 };
enum { ITEM_USER = 0x50, PART_CLASS = 0x52, PART_VERSION = 0x55 };
#define TITLE 16
#define HEAD 6       /* type, a reserved byte, length of what follows */
#define CALLED_AT 10 /* bytes from the start of A-ASSOCIATE-RQ */
#define CALLING_AT 26
#define TITLES_END 42
#define ITEMS_AT 74
#define SOFTWARE_MAX 64 /* a version name has at most 16 bytes, a class UID 64 */

struct app_dicom {
    struct buf pdu;  /* of the side that speaks: the request, then its answer */
    uint8_t caller;  /* the side that asked */
    bool recognised; /* both titles are read: it is DICOM */
    bool asked;      /* the request is whole, the answer is not */
    char called[TITLE + 1];
    char calling[TITLE + 1];
};

/* Does a request begin like this, as far as it goes? Protocol version bit 0 is set, reserved bytes are 0, the length is that of some items. */
static bool is_request(struct span s)
{
    static const uint8_t fixed[10] = {PDU_REQUEST, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    for (size_t i = 0; i < sizeof fixed && i < s.n; i++) {
        bool length = i == 4 || i == 5;
        bool ok = i == 7 ? (s.p[i] & 1) == 1 : length || s.p[i] == fixed[i];
        if (!ok)
            return false;
    }
    return s.n < HEAD || ((unsigned)s.p[4] << 8 | s.p[5]) >= 68;
}

/* The PDU in hand is whole. */
static bool whole(struct span pdu)
{
    if (pdu.n < HEAD)
        return false;
    (void)span_skip(&pdu, 2);
    uint32_t length = span_be32(&pdu);
    return pdu.n >= length;
}

static void read_title(struct span pdu, size_t at, char out[TITLE + 1])
{
    size_t n = TITLE;
    memcpy(out, pdu.p + at, TITLE);
    while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == 0))
        n--;
    out[n] = 0;
}

/* The implementation version name among the user information of an association request or acceptance, or else the class UID: items of type, reserved
 * byte, length. */
static struct span software(struct span pdu)
{
    struct span class = {0};
    (void)span_skip(&pdu, ITEMS_AT);
    while (pdu.n >= 4) {
        uint8_t type = span_u8(&pdu);
        (void)span_u8(&pdu);
        struct span item = span_take(&pdu, span_be16(&pdu));
        while (type == ITEM_USER && item.n >= 4) {
            uint8_t part = span_u8(&item);
            (void)span_u8(&item);
            struct span value = span_take(&item, span_be16(&item));
            if (part == PART_VERSION && !value.bad && value.n > 0)
                return value;
            if (part == PART_CLASS && !value.bad)
                class = value;
        }
    }
    return class;
}

static void tell_software(const struct app_where *w, struct span pdu)
{
    struct lab_message m;
    struct lab_evidence e = {.source = "dicom", .software = software(pdu)};
    lab_start(w->c, &m, "dicom");
    if (e.software.n > 0 && e.software.n <= SOFTWARE_MAX)
        app_evidence(w, &e, &m);
}

static void put(const struct app_where *w, const char *result)
{
    struct record *r = &w->c->record;
    struct app_dicom *d = w->f->dicom;
    d->asked = false;
    if (!app_wants_records(w->c))
        return;
    record_start(r, EVENT_DICOM_ASSOCIATION, w->time, w->flow);
    record_str(r, KEY_CALLING, d->calling);
    record_str(r, KEY_CALLED, d->called);
    record_str(r, KEY_RESULT, result);
    record_put(&w->c->options.sink, r);
}

/* The request is as whole as it gets: the other side is listened to. */
static void asked(const struct app_where *w)
{
    struct app_dicom *d = w->f->dicom;
    struct app_where one = *w;
    one.direction = d->caller;
    tell_software(&one, buf_span(&d->pdu));
    app_hold_release(w->c, &d->pdu);
    d->asked = true;
    w->f->side[d->caller].done = true;
    w->f->side[!d->caller].done = false;
}

static void answered(const struct app_where *w)
{
    struct app_dicom *d = w->f->dicom;
    struct app_where one = *w;
    one.direction = !d->caller;
    switch (d->pdu.p[0]) {
    case PDU_ACCEPT:
        tell_software(&one, buf_span(&d->pdu));
        put(&one, "accepted");
        break;
    case PDU_REJECT: put(&one, "rejected"); break;
    case PDU_ABORT: put(&one, "aborted"); break;
    default: put(&one, "not understood"); break;
    }
    w->f->side[!d->caller].done = true;
    app_dicom_forget(w->c, w->f);
}

bool app_dicom_probe(const struct app_where *w, struct span bytes, bool first)
{
    struct app_flow *f = w->f;
    bool over;
    if (first && f->dicom == NULL && is_request(bytes) && (f->dicom = calloc(1, sizeof *f->dicom)) != NULL)
        f->dicom->caller = (uint8_t)w->direction;
    struct app_dicom *d = f->dicom;
    if (d == NULL || d->caller != w->direction)
        return false;
    if (!app_hold(w->c, &d->pdu, bytes, &over) || !is_request(buf_span(&d->pdu))) {
        app_dicom_forget(w->c, f);
        return false;
    }
    return d->pdu.n >= TITLES_END;
}

void app_dicom_begin(const struct app_where *w)
{
    struct app_dicom *d = w->f->dicom;
    w->c->counters->dicom_associations++;
    d->recognised = true;
    read_title(buf_span(&d->pdu), CALLED_AT, d->called);
    read_title(buf_span(&d->pdu), CALLING_AT, d->calling);
    w->f->side[d->caller].done = false;
    w->f->side[!d->caller].done = false;
    if (whole(buf_span(&d->pdu)))
        asked(w);
}

void app_dicom_data(const struct app_where *w, struct span bytes)
{
    struct app_dicom *d = w->f->dicom;
    bool over;
    bool request = w->direction == d->caller;
    if (request == d->asked) /* the caller goes on, or the other side speaks too early */
        return;
    bool kept = app_hold(w->c, &d->pdu, bytes, &over);
    if (kept && !whole(buf_span(&d->pdu)) && (request || d->pdu.p[0] == PDU_ACCEPT))
        return;
    if (request)
        asked(w);
    else if (d->pdu.n > 0)
        answered(w);
}

void app_dicom_gap(const struct app_where *w)
{
    struct app_dicom *d = w->f->dicom;
    if (!d->recognised)
        app_dicom_forget(w->c, w->f);
    else if (!d->asked && w->direction == d->caller)
        asked(w);
    else if (d->asked && w->direction != d->caller && d->pdu.n > 0)
        answered(w);
}

void app_dicom_close(const struct app_where *w)
{
    struct app_dicom *d = w->f->dicom;
    if (d->recognised && !d->asked)
        asked(w);
    if (d->asked && d->pdu.n > 0)
        answered(w);
    else if (d->asked)
        put(w, "not answered");
    app_dicom_forget(w->c, w->f);
}

void app_dicom_forget(struct app_context *c, struct app_flow *f)
{
    if (f->dicom == NULL)
        return;
    if (f->dicom->pdu.p != NULL)
        app_hold_release(c, &f->dicom->pdu);
    free(f->dicom);
    f->dicom = NULL;
}
