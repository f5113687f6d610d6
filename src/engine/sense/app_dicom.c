/* DICOM upper layer (PS3.8, 9.3): one association a connection. Its request names both application entities; the first PDU of the other side says
 * whether it was granted. Both name the software that they are made with (PS3.7, D.3.3.2), where that lies in the first segment. The rest of the
 * connection is not read. */
#include "engine/sense/app_private.h"

enum { PDU_REQUEST = 1, PDU_ACCEPT = 2, PDU_REJECT = 3, PDU_ABORT = 7 };
enum { ITEM_USER = 0x50, PART_VERSION = 0x55 };
#define TITLE 16
#define CALLED_AT 10 /* bytes from the start of A-ASSOCIATE-RQ */
#define CALLING_AT 26
#define ITEMS_AT 74

static void read_title(struct span pdu, size_t at, char out[TITLE + 1])
{
    size_t n = TITLE;
    memcpy(out, pdu.p + at, TITLE);
    while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == 0))
        n--;
    out[n] = 0;
}

/* The implementation version name among the user information of an association request or acceptance: items of type, reserved byte, length. */
static struct span software(struct span pdu)
{
    (void)span_skip(&pdu, ITEMS_AT);
    while (pdu.n >= 4) {
        uint8_t type = span_u8(&pdu);
        (void)span_u8(&pdu);
        struct span item = span_take(&pdu, span_be16(&pdu));
        while (type == ITEM_USER && item.n >= 4) {
            uint8_t part = span_u8(&item);
            (void)span_u8(&item);
            struct span value = span_take(&item, span_be16(&item));
            if (part == PART_VERSION && !value.bad)
                return value;
        }
    }
    return (struct span){0};
}

static void tell_software(const struct app_where *w, struct span pdu)
{
    struct lab_message m;
    struct lab_evidence e = {.source = "dicom", .software = software(pdu)};
    lab_start(w->c, &m, "dicom");
    if (e.software.n > 0 && e.software.n <= 16)
        app_evidence(w, &e, &m);
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
    tell_software(w, start);
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
        tell_software(w, start);
        put(w, "accepted");
        break;
    case PDU_REJECT: put(w, "rejected"); break;
    case PDU_ABORT: put(w, "aborted"); break;
    default: put(w, "not understood"); break;
    }
}

void app_dicom_close(const struct app_where *w)
{
    if (w->f->dicom_asked)
        put(w, "not answered");
}
