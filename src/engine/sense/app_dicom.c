/* DICOM upper layer (PS3.8, 9.3): one association a connection. Its request names both application entities; the first PDU of the other side says whether
 * it was granted. The rest of the connection is not read. */
#include "engine/sense/app_private.h"

enum { PDU_REQUEST = 1, PDU_ACCEPT = 2, PDU_REJECT = 3, PDU_ABORT = 7 };
#define TITLE 16
#define CALLED_AT 10 /* bytes from the start of A-ASSOCIATE-RQ */
#define CALLING_AT 26

static void read_title(struct span pdu, size_t at, char out[TITLE + 1])
{
    size_t n = TITLE;
    memcpy(out, pdu.p + at, TITLE);
    while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == 0))
        n--;
    out[n] = 0;
}

void app_dicom_begin(const struct app_where *w, struct span start)
{
    struct app_flow *f = w->f;
    if (start.n < CALLING_AT + TITLE || start.p[0] != PDU_REQUEST)
        return;
    w->c->counters->dicom_associations++;
    read_title(start, CALLED_AT, f->dicom_called);
    read_title(start, CALLING_AT, f->dicom_calling);
    f->dicom_asked = true;
    f->dicom_caller = (uint8_t)w->direction;
    f->side[!w->direction].done = false;
}

static void put(const struct app_where *w, const char *result)
{
    struct record *r = &w->c->record;
    w->f->dicom_asked = false;
    w->f->side[!w->f->dicom_caller].done = true;
    if (!app_wants_records(w->c))
        return;
    record_start(r, EVENT_DICOM_ASSOCIATION, w->time, w->flow);
    record_str(r, KEY_CALLING, w->f->dicom_calling);
    record_str(r, KEY_CALLED, w->f->dicom_called);
    record_str(r, KEY_RESULT, result);
    record_put(&w->c->options.sink, r);
}

void app_dicom_answer(const struct app_where *w, struct span start)
{
    if (w->direction == w->f->dicom_caller)
        return;
    switch (start.p[0]) {
    case PDU_ACCEPT:
        put(w, "accepted");
        break;
    case PDU_REJECT:
        put(w, "rejected");
        break;
    case PDU_ABORT:
        put(w, "aborted");
        break;
    default:
        put(w, "not understood");
        break;
    }
}

void app_dicom_close(const struct app_where *w)
{
    if (w->f->dicom_asked)
        put(w, "not answered");
}
