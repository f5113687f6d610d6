/* Walks pcap and pcapng records in the window of stream_in.
 *
 * 1. A packet handed out lies in the window and stays until the next call: what is to be stepped over then is kept in `pending`.
 * 2. A length from the file is believed only below a fixed limit (PCAP_CAPTURED_MAX, PCAPNG_BLOCK_MAX); nothing is allocated by it.
 * 3. Behind an impossible header the next possible one is looked for, byte by byte, and must be confirmed by what follows it. */
#include "engine/sense/source.h"

#include "engine/sense/stream_in.h"
#include "wire/pcap.h"
#include "wire/pcapng.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_INTERFACES 4096
#define ASIDE __attribute__((noinline)) /* what few packets need: inside, it would cost the others registers and locals that are cleared */

enum form { FORM_UNKNOWN, FORM_PCAP, FORM_PCAPNG, FORM_ENDED, FORM_FAILED };

struct source {
    struct stream_in in;
    enum form form;
    uint64_t pending; /* bytes of the record handed out last */
    tq_time last;     /* time of the packet before; 0: none */
    struct pcap_header pcap;
    bool big; /* pcapng: byte order of this section */
    struct pcapng_interface *interfaces;
    size_t interface_count;
    size_t interface_room;
    uint64_t damage;
    char first_damage[200];
    int fd;
    struct error failure; /* once one came */
};

static ssize_t read_fd(void *context, void *into, size_t n)
{
    const struct source *s = context;
    return read(s->fd, into, n);
}

struct source *source_new(source_read *read, void *context, struct error *e)
{
    struct source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory to read a capture");
        return NULL;
    }
    if (stream_in_init(&s->in, read, context, e) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

struct source *source_from_fd(int fd, struct error *e)
{
    struct source *s = source_new(read_fd, NULL, e);
    if (s != NULL) {
        s->fd = fd;
        s->in.context = s;
    }
    return s;
}

void source_in_place(struct source *s, source_view *view, void *context)
{
    s->in.view = view;
    s->in.view_context = context;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    stream_in_release(&s->in);
    free(s->interfaces);
    free(s);
}

uint64_t source_damage(const struct source *s, const char **ret_first)
{
    if (ret_first != NULL)
        *ret_first = s->first_damage;
    return s->damage;
}

static void damaged(struct source *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void damaged(struct source *s, const char *format, ...)
{
    if (s->damage++ > 0)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->first_damage, sizeof s->first_damage, format, args);
    va_end(args);
}

/* The end of the bytes: a clean one, or in the middle of something. */
static int end(struct source *s, const char *inside)
{
    s->form = FORM_ENDED;
    if (s->in.trouble != NULL)
        damaged(s, "byte %llu: %s", (unsigned long long)s->in.position, s->in.trouble);
    else if (stream_in_left(&s->in) > 0 && inside != NULL)
        damaged(s, "byte %llu: the capture is cut inside %s", (unsigned long long)s->in.position, inside);
    return 0;
}

/* ── pcap ── */

/* How many bytes of the window cannot start a record header: a quick look, so that a gigabyte of rubbish takes seconds. */
static size_t pcap_scan(const struct source *s, struct span window)
{
    size_t head = s->pcap.record_header;
    size_t at = 0;
    for (; at + head < window.n; at++) {
        struct span captured = span_of(window.p + at + 8, 4);
        uint32_t n = s->pcap.big ? span_be32(&captured) : span_le32(&captured);
        if (n - 1 < PCAP_CAPTURED_MAX && pcap_record_plausible(&s->pcap, span_of(window.p + at, head), s->last))
            break;
    }
    return at;
}

/* Moves to the next place where a plausible record header is followed by another, or by the end. 1 found, 0 end, -1 reading failed. */
ASIDE static int pcap_resume(struct source *s, struct error *e)
{
    size_t head = s->pcap.record_header;
    for (;;) {
        stream_in_take(&s->in, 1);
        int there = stream_in_need(&s->in, head, e);
        if (there <= 0)
            return there;
        stream_in_take(&s->in, pcap_scan(s, stream_in_span(&s->in)));
        if (!pcap_record_plausible(&s->pcap, stream_in_span(&s->in), s->last))
            continue;
        struct pcap_record r = {0};
        (void)pcap_record_decode(&s->pcap, stream_in_span(&s->in), &r);
        there = stream_in_need(&s->in, head + r.captured + head, e);
        if (there < 0)
            return -1;
        struct span next = stream_in_span(&s->in);
        if (!span_skip(&next, head + r.captured))
            continue;
        if (next.n == 0 || (there > 0 && pcap_record_plausible(&s->pcap, next, r.time)))
            return 1;
    }
}

#define LINE 64 /* of the processor's cache */
#define AHEAD 5

static int pcap_next(struct source *s, struct packet *ret, struct error *e)
{
    size_t head = s->pcap.record_header;
    for (;;) {
        int there = stream_in_need(&s->in, head, e);
        if (there <= 0)
            return there < 0 ? -1 : end(s, "a record header");
        struct pcap_record r = {0};
        (void)pcap_record_decode(&s->pcap, stream_in_span(&s->in), &r);
        if (__builtin_expect(r.captured > PCAP_CAPTURED_MAX, 0)) {
            damaged(s, "byte %llu: a record claims %u captured bytes; reading goes on at the next one that makes sense",
                    (unsigned long long)s->in.position, r.captured);
            there = pcap_resume(s, e);
            if (there <= 0)
                return there < 0 ? -1 : end(s, NULL);
            continue;
        }
        there = stream_in_need(&s->in, head + r.captured, e);
        if (there <= 0)
            return there < 0 ? -1 : end(s, "a packet");
        struct span bytes = {.p = s->in.window + s->in.at + head, .n = r.captured};
        for (size_t i = 0; i < AHEAD; i++) /* the next records, if they are here: their headers, and the beginning of what they carry */
            __builtin_prefetch(bytes.p + bytes.n + i * LINE);
        s->pending = head + r.captured;
        s->last = r.time;
        ret->time = r.time;
        ret->linktype = s->pcap.linktype;
        ret->wire_length = r.original < r.captured ? r.captured : r.original;
        span_put(&ret->bytes, bytes);
        return 1;
    }
}

/* ── pcapng ── */

static bool pcapng_interface_add(struct source *s, const struct pcapng_interface *i)
{
    if (s->interface_count == s->interface_room) {
        size_t room = s->interface_room == 0 ? 4 : s->interface_room * 2;
        struct pcapng_interface *more = room > MOST_INTERFACES ? NULL : realloc(s->interfaces, room * sizeof *more);
        if (more == NULL)
            return false;
        s->interfaces = more;
        s->interface_room = room;
    }
    s->interfaces[s->interface_count++] = *i;
    return true;
}

static bool pcapng_known(uint32_t type)
{
    return type >= PCAPNG_INTERFACE && type <= PCAPNG_ENHANCED;
}

/* Moves to the next place that holds a block of a known type whose length stands at both ends. 1 found, 0 end, -1 reading failed. */
static int pcapng_resume(struct source *s, struct error *e)
{
    for (;;) {
        stream_in_take(&s->in, 1);
        int there = stream_in_need(&s->in, PCAPNG_BLOCK_MIN, e);
        if (there <= 0)
            return there;
        bool big = s->big;
        uint32_t type;
        uint32_t length;
        bool section = pcapng_section_order(stream_in_span(&s->in), &big);
        if (!pcapng_block_decode(big, stream_in_span(&s->in), &type, &length) || (!section && !pcapng_known(type)) || length > STREAM_IN_MOST)
            continue;
        there = stream_in_need(&s->in, length, e);
        if (there < 0)
            return -1;
        if (there == 0)
            continue;
        struct span start = stream_in_span(&s->in);
        struct span tail = start;
        (void)span_skip(&start, 4);
        (void)span_skip(&tail, length - 4);
        if (span_be32(&start) == span_be32(&tail))
            return 1;
    }
}

/* An interface block: remembers it. 2: done; else as stream_in_need. */
static int pcapng_interface_block(struct source *s, uint32_t length, struct error *e)
{
    size_t want = length < 65536 ? length : 65536; /* options behind that do not matter */
    int there = stream_in_need(&s->in, want, e);
    if (there <= 0)
        return there;
    struct span body = stream_in_span(&s->in);
    body.n = want - 4;
    (void)span_skip(&body, 8);
    struct pcapng_interface i;
    if (!pcapng_interface_decode(s->big, body, &i) || !pcapng_interface_add(s, &i))
        damaged(s, "byte %llu: an interface block that cannot be used", (unsigned long long)s->in.position);
    return 2;
}

/* A packet block. 1: *ret is a packet; 2: none in it; else as stream_in_need. */
static int pcapng_packet_block(struct source *s, uint32_t type, uint32_t length, struct packet *ret, struct error *e)
{
    int there = stream_in_need(&s->in, length < PCAPNG_PACKET_HEAD ? length : PCAPNG_PACKET_HEAD, e);
    if (there <= 0)
        return there;
    struct span body = stream_in_span(&s->in);
    (void)span_skip(&body, 8);
    struct pcapng_packet p;
    size_t head;
    uint32_t snaplen = s->interface_count > 0 ? s->interfaces[0].snaplen : 0;
    if (!pcapng_packet_decode(s->big, type, body, snaplen, &p, &head) || p.captured > PCAP_CAPTURED_MAX || 12 + head + p.captured > length ||
        p.interface >= s->interface_count) {
        damaged(s, "byte %llu: a packet block whose length or interface cannot be true", (unsigned long long)s->in.position);
        return 2;
    }
    there = stream_in_need(&s->in, 8 + head + p.captured, e);
    if (there <= 0)
        return there;
    const struct pcapng_interface *i = &s->interfaces[p.interface];
    *ret = (struct packet){.time = p.has_stamp ? pcapng_time(i, p.stamp) : s->last,
                           .linktype = i->linktype,
                           .wire_length = p.original < p.captured ? p.captured : p.original,
                           .bytes = span_of(s->in.window + s->in.at + 8 + head, p.captured)};
    s->last = ret->time;
    return 1;
}

ASIDE static int pcapng_next(struct source *s, struct packet *ret, struct error *e)
{
    for (;;) {
        int there = stream_in_need(&s->in, PCAPNG_BLOCK_MIN, e);
        if (there <= 0)
            return there < 0 ? -1 : end(s, "a block header");
        if (pcapng_section_order(stream_in_span(&s->in), &s->big))
            s->interface_count = 0;
        uint32_t type;
        uint32_t length;
        if (!pcapng_block_decode(s->big, stream_in_span(&s->in), &type, &length)) {
            damaged(s, "byte %llu: a block whose length cannot be true; reading goes on at the next one that makes sense",
                    (unsigned long long)s->in.position);
            there = pcapng_resume(s, e);
            if (there <= 0)
                return there < 0 ? -1 : end(s, NULL);
            continue;
        }
        there = 2;
        if (type == PCAPNG_INTERFACE)
            there = pcapng_interface_block(s, length, e);
        else if (type == PCAPNG_ENHANCED || type == PCAPNG_PACKET_OLD || type == PCAPNG_SIMPLE)
            there = pcapng_packet_block(s, type, length, ret, e);
        if (there <= 0)
            return there < 0 ? -1 : end(s, "a block");
        s->pending = length;
        if (there == 1)
            return 1;
        uint64_t skipped;
        if (stream_in_skip(&s->in, s->pending, &skipped, e) != 0)
            return -1;
        s->pending = 0;
    }
}

/* ── both ── */

/* Looks at the first bytes. 0 or -1. */
ASIDE static int begin(struct source *s, struct error *e)
{
    int there = stream_in_need(&s->in, PCAP_HEADER_SIZE, e);
    if (there < 0)
        return -1;
    struct span head = stream_in_span(&s->in);
    bool big;
    if (pcap_header_decode(head, &s->pcap)) {
        s->form = FORM_PCAP;
        stream_in_take(&s->in, PCAP_HEADER_SIZE);
        return 0;
    }
    if (pcapng_section_order(head, &big)) {
        s->form = FORM_PCAPNG;
        return 0;
    }
    if (s->in.trouble != NULL)
        return err_set(e, ERR_MISUSE, "not a capture: %s", s->in.trouble);
    if (head.n == 0)
        return err_set(e, ERR_MISUSE, "not a capture: there is nothing in it");
    if (pcap_is_magic(head))
        return err_set(e, ERR_MISUSE, "not a capture: it ends inside the pcap file header, after %u of 24 bytes", head.n);
    return err_set(e, ERR_MISUSE, "not a capture: it starts like neither pcap nor pcapng (packed with gzip or zstd, or plain)");
}

int source_next(struct source *s, struct packet *ret, struct error *e)
{
    uint64_t skipped;
    int got;
    if (__builtin_expect(s->pending > stream_in_left(&s->in), 0)) {
        if (stream_in_skip(&s->in, s->pending, &skipped, &s->failure) != 0)
            goto failed;
    } else {
        stream_in_take(&s->in, s->pending);
    }
    s->pending = 0;
    if (s->form == FORM_UNKNOWN && begin(s, &s->failure) != 0)
        goto failed;
    switch (s->form) {
    case FORM_PCAP: got = pcap_next(s, ret, &s->failure); break;
    case FORM_PCAPNG: got = pcapng_next(s, ret, &s->failure); break;
    case FORM_FAILED: goto failed;
    default: return 0;
    }
    if (got >= 0)
        return got;
failed:
    s->form = FORM_FAILED;
    if (e != NULL)
        *e = s->failure;
    return -1;
}
