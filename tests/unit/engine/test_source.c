#include "engine/sense/source.h"

#include "base/buf.h"
#include "engine/sense/still.h"
#include "wire/pcap_write.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* Bytes handed out in pieces of a given size. */
struct feed {
    struct span left;
    size_t piece;
    bool fail; /* at the end: EIO instead of the end */
};

static ssize_t read_feed(void *context, void *into, size_t n)
{
    struct feed *f = context;
    if (f->left.n == 0 && f->fail) {
        errno = EIO;
        return -1;
    }
    size_t take = f->left.n < n ? f->left.n : n;
    take = take < f->piece ? take : f->piece;
    struct span s = span_take(&f->left, take);
    if (take > 0)
        memcpy(into, s.p, take);
    return (ssize_t)take;
}

struct outcome {
    int end;
    unsigned packets;
    uint64_t damage;
    char first[200];
    struct error error;
};

/* Reads all packets; each must be what packet_bytes makes for its number in its first byte. */
static struct outcome read_all(struct span bytes, size_t piece)
{
    struct outcome o = {0};
    struct feed f = {.left = bytes, .piece = piece};
    struct source *s = source_new(read_feed, &f, &o.error);
    assert_non_null(s);
    struct packet p;
    while ((o.end = source_next(s, &p, &o.error)) == 1) {
        o.packets++;
        for (size_t i = 0; i < p.bytes.n; i++)
            assert_int_equal(p.bytes.p[i], (uint8_t)(p.bytes.p[0] + i));
    }
    const char *first;
    o.damage = source_damage(s, &first);
    (void)snprintf(o.first, sizeof o.first, "%s", first);
    assert_int_equal(source_next(s, &p, &o.error), o.end); /* says the same again */
    source_free(s);
    return o;
}

static void make_packet(uint8_t *out, size_t n, unsigned number)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(number + i);
}

static void make_pcap(struct buf *b, unsigned count)
{
    pcap_write_header(b, 1);
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[1500];
        size_t n = 60 + i * 37 % 1400;
        make_packet(bytes, n, i);
        pcap_write_packet(b, 1700000000 * TIME_SECOND + i * TIME_MS, span_of(bytes, n));
    }
}

static void gzip(struct buf *out, struct span in)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, in.n);
    assert_true(buf_reserve(out, room));
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = out->p + out->n;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += room - z.avail_out;
    (void)deflateEnd(&z);
}

static void zstd(struct buf *out, struct span in)
{
    size_t room = ZSTD_compressBound(in.n);
    assert_true(buf_reserve(out, room));
    size_t n = ZSTD_compress(out->p + out->n, room, in.p, in.n, 3);
    assert_false(ZSTD_isError(n));
    out->n += n;
}

static void any_pieces_any_packing(void **state)
{
    (void)state;
    struct buf plain = BUF_INIT(16u << 20);
    make_pcap(&plain, 2000);
    struct buf packed[2] = {BUF_INIT(16u << 20), BUF_INIT(16u << 20)};
    /* two members, two frames: the cut lies inside a packet */
    gzip(&packed[0], span_of(plain.p, 1000003));
    gzip(&packed[0], span_of(plain.p + 1000003, plain.n - 1000003));
    zstd(&packed[1], span_of(plain.p, 1000003));
    zstd(&packed[1], span_of(plain.p + 1000003, plain.n - 1000003));
    const struct span forms[3] = {buf_span(&plain), buf_span(&packed[0]), buf_span(&packed[1])};
    static const size_t pieces[] = {1, 7, 4096, 1u << 30};
    for (size_t form = 0; form < 3; form++) {
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            struct outcome o = read_all(forms[form], pieces[i]);
            assert_int_equal(o.end, 0);
            assert_int_equal(o.packets, 2000);
            assert_int_equal(o.damage, 0);
        }
        struct outcome o = read_all(span_of(forms[form].p, forms[form].n - 20), 4096);
        assert_int_equal(o.end, 0);
        assert_int_equal(o.damage, 1);
        assert_true(o.packets >= 1990 - (form > 0 ? 1500 : 0) && o.packets < 2000);
        assert_non_null(strstr(o.first, "cut"));
    }
    for (size_t i = 0; i < 2; i++) {
        packed[i].p[packed[i].n / 2] ^= 0x55;
        struct outcome o = read_all(buf_span(&packed[i]), 4096);
        assert_int_equal(o.end, 0);
        buf_release(&packed[i]);
    }
    buf_release(&plain);
}

static void absurd_lengths_are_stepped_over(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(16u << 20);
    make_pcap(&b, 300);
    /* in the header of the packet behind the first hundred */
    size_t at = 24;
    for (unsigned i = 0; i < 100; i++)
        at += 16 + 60 + i * 37 % 1400;
    memcpy(b.p + at + 8, "\xff\xff\xff\x7f\xff\xff\xff\x7f", 8);
    struct outcome o = read_all(buf_span(&b), 1000);
    assert_int_equal(o.end, 0);
    assert_int_equal(o.packets, 299);
    assert_int_equal(o.damage, 1);
    assert_non_null(strstr(o.first, "claims 2147483647"));
    buf_release(&b);
}

static void le32(struct buf *b, uint32_t v)
{
    buf_le32(b, v);
}

static void ng_section(struct buf *b)
{
    le32(b, 0x0a0d0d0a), le32(b, 28), le32(b, 0x1a2b3c4d), le32(b, 1);
    le32(b, 0xffffffff), le32(b, 0xffffffff), le32(b, 28);
}

static void ng_interface(struct buf *b, uint16_t linktype, uint8_t resolution)
{
    le32(b, 1), le32(b, 32), le32(b, linktype), le32(b, 65535);
    le32(b, 9 | 1 << 16), le32(b, resolution), le32(b, 0), le32(b, 32);
}

static void ng_packet(struct buf *b, uint32_t interface, uint64_t stamp, unsigned number)
{
    uint8_t bytes[60];
    make_packet(bytes, sizeof bytes, number);
    le32(b, 6), le32(b, 92), le32(b, interface), le32(b, (uint32_t)(stamp >> 32)), le32(b, (uint32_t)stamp);
    le32(b, 60), le32(b, 1500);
    buf_add(b, bytes, 60);
    le32(b, 92);
}

static void pcapng_sections_interfaces_and_clocks(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1u << 20);
    ng_section(&b);
    ng_interface(&b, 1, 6);
    ng_interface(&b, 113, 9);
    ng_packet(&b, 0, 5000000, 1);
    ng_packet(&b, 1, 6000000000, 2);
    le32(&b, 0x0bad), le32(&b, 16), le32(&b, 0), le32(&b, 16); /* a block nobody knows */
    ng_section(&b);
    ng_interface(&b, 101, 0x80 | 10);
    ng_packet(&b, 0, 7 << 10, 3);
    ng_packet(&b, 1, 0, 4); /* an interface of the section before */
    struct feed f = {.left = buf_span(&b), .piece = 5};
    struct error e = {0};
    struct source *s = source_new(read_feed, &f, &e);
    struct packet p;
    static const uint32_t types[3] = {1, 113, 101};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(source_next(s, &p, &e), 1);
        assert_int_equal(p.linktype, types[i]);
        assert_true(p.time == (5 + i) * TIME_SECOND);
        assert_int_equal(p.bytes.n, 60);
        assert_int_equal(p.wire_length, 1500);
        assert_int_equal(p.bytes.p[0], i + 1);
    }
    assert_int_equal(source_next(s, &p, &e), 0);
    assert_int_equal(source_damage(s, NULL), 1);
    source_free(s);
    buf_release(&b);
}

static void pcapng_goes_on_behind_damage(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1u << 20);
    ng_section(&b);
    ng_interface(&b, 1, 6);
    for (unsigned i = 0; i < 20; i++)
        ng_packet(&b, 0, i * 1000, i);
    memcpy(b.p + 28 + 32 + 92 * 5 + 4, "\x03\0\0\x7f", 4);
    struct outcome o = read_all(buf_span(&b), 50);
    assert_int_equal(o.packets, 19);
    assert_int_equal(o.damage, 1);
    buf_release(&b);
}

static void what_is_no_capture(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        const char *says;
    } cases[] = {
        {{(const uint8_t *)"", 0, false}, "nothing in it"},
        {{(const uint8_t *)"x", 1, false}, "starts like neither"},
        {{(const uint8_t *)"#!/bin/sh\necho this is not a capture\n", 37, false}, "starts like neither"},
        {{(const uint8_t *)"\xd4\xc3\xb2\xa1\x02\x00\x04", 7, false}, "ends inside"},
        {{(const uint8_t *)"\x1f\x8b\x08\x00rubbish that is no stream", 30, false}, "gzip"},
        {{(const uint8_t *)"\x28\xb5\x2f\xfdrubbish that is no stream", 29, false}, "zstd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome o = read_all(cases[i].bytes, 3);
        assert_int_equal(o.end, -1);
        assert_int_equal(o.error.class, ERR_MISUSE);
        assert_non_null(strstr(o.error.text, cases[i].says));
    }
}

static void a_failing_disk_is_the_machines_fault(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1u << 20);
    make_pcap(&b, 3);
    struct feed f = {.left = buf_span(&b), .piece = 100, .fail = true};
    struct error e = {0};
    struct source *s = source_new(read_feed, &f, &e);
    struct packet p;
    unsigned n = 0;
    int got;
    while ((got = source_next(s, &p, &e)) == 1)
        n++;
    assert_int_equal(n, 3);
    assert_int_equal(got, -1);
    assert_int_equal(e.class, ERR_SYSTEM);
    source_free(s);
    buf_release(&b);
}

/* ── in place ── */

struct looker {
    struct still *still;
    unsigned views;
};

static ssize_t count_views(void *context, uint64_t at, size_t n, const uint8_t **ret)
{
    struct looker *l = context;
    l->views++;
    return still_view(l->still, at, n, ret);
}

/* A file with these bytes behind seven others; the descriptor stands behind those. */
static int file_of(struct span bytes, char *path)
{
    int out = mkstemp(path);
    assert_true(out >= 0);
    assert_int_equal(write(out, "before ", 7), 7);
    assert_int_equal(write(out, bytes.p, bytes.n), bytes.n);
    assert_int_equal(close(out), 0);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(in >= 0);
    assert_int_equal(lseek(in, 7, SEEK_SET), 7);
    return in;
}

static bool leases(int fd)
{
    return fcntl(fd, F_SETLEASE, F_RDLCK) == 0 && fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

#define MANY_PACKETS 20000u /* some megabytes: several windows */

/* Reads it all; when `writer_at` packets were read, somebody wants to write to the file (0: nobody does). How often it was read in place. */
static unsigned read_still(int fd, const char *path, unsigned writer_at)
{
    struct error e;
    struct packet p;
    struct looker l = {.still = still_new(fd)};
    struct source *s = source_from_fd(fd, &e);
    unsigned n = 0;
    assert_non_null(l.still);
    source_in_place(s, count_views, &l);
    for (; source_next(s, &p, &e) == 1; n++) {
        assert_int_equal(p.bytes.n, 60 + n * 37 % 1400);
        for (size_t i = 0; i < p.bytes.n; i++)
            assert_int_equal(p.bytes.p[i], (uint8_t)(n + i));
        if (writer_at != 0 && n == writer_at) {
            assert_int_equal(open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK), -1);
            assert_int_equal(errno, EWOULDBLOCK);
        }
    }
    assert_int_equal(n, MANY_PACKETS);
    assert_int_equal(source_damage(s, NULL), 0);
    if (writer_at != 0) { /* it did not wait for the end */
        int out = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        assert_true(out >= 0);
        assert_int_equal(close(out), 0);
    }
    source_free(s);
    still_free(l.still);
    return l.views;
}

static void what_nobody_writes_to_is_read_in_place(void **state)
{
    (void)state;
    char path[] = "/tmp/tourniquet-still-XXXXXX";
    struct buf plain = BUF_INIT(32u << 20);
    make_pcap(&plain, MANY_PACKETS);
    int fd = file_of(buf_span(&plain), path);
    (void)signal(SIGIO, SIG_IGN);
    if (!leases(fd)) {
        assert_int_equal(unlink(path), 0);
        skip(); /* a file system without leases */
    }
    unsigned views = read_still(fd, path, 0);
    assert_true(views > plain.n >> 22);
    assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
    unsigned before = read_still(fd, path, MANY_PACKETS / 2);
    assert_true(before > 1 && before < views);
    int out = open(path, O_WRONLY | O_CLOEXEC);
    assert_null(still_new(fd)); /* somebody writes to it */
    assert_int_equal(close(out), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    buf_release(&plain);
}

/* A clock: three looks at it a round, between which a copy is made and pages are looked at. */
static uint64_t ticks;
static unsigned ticked;
static uint64_t copy_takes, look_takes;

static uint64_t tick(void)
{
    unsigned n = ticked++ % 3;
    return ticks += n == 1 ? copy_takes : n == 2 ? look_takes : 1000;
}

static bool is_dear(const struct still *s, uint64_t copy, uint64_t look)
{
    ticked = 0;
    copy_takes = copy;
    look_takes = look;
    return still_is_dear(s, tick);
}

static void where_a_look_is_dearer_than_a_copy_it_is_told(void **state)
{
    (void)state;
    char path[] = "/tmp/tourniquet-still-XXXXXX";
    struct buf plain = BUF_INIT(32u << 20);
    make_pcap(&plain, 2000);
    int fd = file_of(buf_span(&plain), path);
    (void)signal(SIGIO, SIG_IGN);
    struct still *s = leases(fd) ? still_new(fd) : NULL;
    if (s != NULL) {
        assert_true(plain.n > 1u << 20);
        assert_true(is_dear(s, 15, 60));
        assert_false(is_dear(s, 15, 5));
        assert_false(is_dear(s, 15, 15));
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 7); /* nothing was read */
        still_free(s);
        assert_int_equal(truncate(path, 1000), 0);
        s = still_new(fd);
        assert_non_null(s);
        assert_false(is_dear(s, 15, 60)); /* it does not matter */
        assert_int_equal(ticked, 0);
        still_free(s);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    buf_release(&plain);
}

static void what_is_packed_is_not_read_in_place(void **state)
{
    (void)state;
    char path[] = "/tmp/tourniquet-still-XXXXXX";
    struct buf plain = BUF_INIT(16u << 20);
    struct buf packed = BUF_INIT(16u << 20);
    make_pcap(&plain, 2000);
    zstd(&packed, buf_span(&plain));
    int fd = file_of(buf_span(&packed), path);
    struct error e;
    struct packet p;
    struct looker l = {0};
    struct source *s = source_from_fd(fd, &e);
    unsigned n = 0;
    source_in_place(s, count_views, &l);
    while (source_next(s, &p, &e) == 1)
        n++;
    assert_int_equal(n, 2000);
    assert_int_equal(l.views, 0);
    source_free(s);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    buf_release(&packed);
    buf_release(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pieces_any_packing),
        cmocka_unit_test(absurd_lengths_are_stepped_over),
        cmocka_unit_test(pcapng_sections_interfaces_and_clocks),
        cmocka_unit_test(pcapng_goes_on_behind_damage),
        cmocka_unit_test(what_is_no_capture),
        cmocka_unit_test(a_failing_disk_is_the_machines_fault),
        cmocka_unit_test(what_nobody_writes_to_is_read_in_place),
        cmocka_unit_test(where_a_look_is_dearer_than_a_copy_it_is_told),
        cmocka_unit_test(what_is_packed_is_not_read_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
