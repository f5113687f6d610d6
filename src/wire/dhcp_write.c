#include "wire/dhcp_write.h"

static void write_option(struct buf *out, uint8_t code, const void *p, size_t n)
{
    if (n > 255)
        return;
    buf_u8(out, code);
    buf_u8(out, (uint8_t)n);
    buf_add(out, p, n);
}

static void write_address(struct buf *out, uint8_t code, const uint8_t *address)
{
    if (address != NULL)
        write_option(out, code, address, 4);
}

static void write_text(struct buf *out, uint8_t code, const char *text)
{
    if (text != NULL)
        write_option(out, code, text, strlen(text));
}

static void write_options(struct buf *out, const struct dhcp_write *m, bool reply)
{
    static const uint8_t wanted[] = {1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252};
    static const uint8_t mask[4] = {255, 255, 255, 0};
    uint8_t type = (uint8_t)m->type;
    write_option(out, 53, &type, 1);
    if (!reply) {
        uint8_t id[7] = {1};
        memcpy(id + 1, m->mac, 6);
        write_option(out, 61, id, sizeof id);
    }
    write_address(out, 50, m->requested);
    write_address(out, 54, m->server);
    if (m->lease != 0) {
        uint8_t lease[4] = {(uint8_t)(m->lease >> 24), (uint8_t)(m->lease >> 16), (uint8_t)(m->lease >> 8), (uint8_t)m->lease};
        write_option(out, 51, lease, 4);
    }
    write_text(out, 12, m->host_name);
    write_text(out, 60, m->vendor_class);
    if (m->router != NULL)
        write_option(out, 1, mask, 4);
    write_address(out, 3, m->router);
    write_address(out, 6, m->router);
    if (!reply)
        write_option(out, 55, wanted, sizeof wanted);
    buf_u8(out, 255);
}

void dhcp_write(struct buf *out, const struct dhcp_write *m)
{
    static const uint8_t zeros[202];
    bool reply = m->type == DHCP_OFFER || m->type == DHCP_ACK;
    size_t start = out->n;
    buf_u8(out, reply ? 2 : 1);
    buf_u8(out, 1); /* Ethernet */
    buf_u8(out, 6);
    buf_u8(out, 0);
    buf_be32(out, m->transaction);
    buf_be32(out, 0); /* seconds, flags */
    buf_add(out, m->client != NULL ? m->client : zeros, 4);
    buf_add(out, m->yours != NULL ? m->yours : zeros, 4);
    buf_add(out, zeros, 8); /* next server, relay */
    buf_add(out, m->mac, 6);
    buf_add(out, zeros, 10 + 64 + 128);
    buf_be32(out, 0x63825363); /* magic cookie */
    write_options(out, m, reply);
    while (!out->failed && out->n - start < 300)
        buf_u8(out, 0);
}
