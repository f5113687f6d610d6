#include "wire/dicom_write.h"

#include <string.h>

#define SYNTAX "1.2.840.10008.1.2" /* implicit VR little endian */

static void title(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < 16; i++)
        buf_u8(out, i < n ? (uint8_t)text[i] : ' ');
}

/* Begins an item of two bytes' length; `at` is given to item_end. */
static size_t item(struct buf *out, uint8_t type)
{
    buf_u8(out, type);
    buf_u8(out, 0);
    buf_be16(out, 0);
    return out->n;
}

static void item_end(struct buf *out, size_t at)
{
    if (out->failed)
        return;
    size_t n = out->n - at;
    out->p[at - 2] = (uint8_t)(n >> 8);
    out->p[at - 1] = (uint8_t)n;
}

static void text_item(struct buf *out, uint8_t type, const char *text)
{
    size_t at = item(out, type);
    buf_add_str(out, text);
    item_end(out, at);
}

static size_t pdu(struct buf *out, uint8_t type)
{
    buf_u8(out, type);
    buf_u8(out, 0);
    buf_be32(out, 0);
    return out->n;
}

static void pdu_end(struct buf *out, size_t at)
{
    if (out->failed)
        return;
    size_t n = out->n - at;
    for (unsigned i = 0; i < 4; i++)
        out->p[at - 4 + i] = (uint8_t)(n >> (24 - 8 * i));
}

void dicom_write_associate(struct buf *out, uint8_t type, const struct dicom_associate *a)
{
    bool request = type == DICOM_REQUEST;
    size_t start = pdu(out, type);
    buf_be32(out, 0x00010000); /* protocol version 1 */
    title(out, a->called);
    title(out, a->calling);
    for (unsigned i = 0; i < 8; i++)
        buf_be32(out, 0);
    text_item(out, 0x10, "1.2.840.10008.3.1.1.1");
    for (size_t i = 0; i < a->classes_n; i++) {
        size_t at = item(out, request ? 0x20 : 0x21);
        buf_u8(out, (uint8_t)(2 * i + 1)); /* number of the context; result 0: accepted */
        for (unsigned k = 0; k < 3; k++)
            buf_u8(out, 0);
        if (request)
            text_item(out, 0x30, a->classes[i]);
        text_item(out, 0x40, SYNTAX);
        item_end(out, at);
    }
    size_t user = item(out, 0x50);
    size_t most = item(out, 0x51);
    buf_be32(out, 16384);
    item_end(out, most);
    text_item(out, 0x52, a->class_uid);
    if (a->version != NULL)
        text_item(out, 0x55, a->version);
    item_end(out, user);
    pdu_end(out, start);
}

void dicom_write_reject(struct buf *out, uint8_t result, uint8_t source, uint8_t reason)
{
    size_t start = pdu(out, DICOM_REJECT);
    buf_u8(out, 0);
    buf_u8(out, result);
    buf_u8(out, source);
    buf_u8(out, reason);
    pdu_end(out, start);
}

void dicom_write_data(struct buf *out, uint8_t context, uint8_t control, struct span value)
{
    size_t start = pdu(out, DICOM_DATA);
    buf_be32(out, (uint32_t)value.n + 2);
    buf_u8(out, context);
    buf_u8(out, control);
    buf_add_span(out, value);
    pdu_end(out, start);
}

void dicom_write_release(struct buf *out, uint8_t type)
{
    size_t start = pdu(out, type);
    buf_be32(out, 0);
    pdu_end(out, start);
}
