/* ASTM, as the standard has it and as instruments really send it: without frames, numbers, checksums, ends; with noise between. Every stream is read
 * whole and in pieces of every length. Messages are written for these tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app_collect.h"
#include "app_frames.h"

#define H "H|\\^&||PSWD|Maker^Model^77|||||Lis||P|E1394-97|20260302"
#define P "P|1||PAT-1||DOE^JANE"
#define O "O|1|S1||^^^FT4"
#define R "R|1|^^^FT4|1.58|ng/dL|0.9 - 1.75|N||F||||20260302080000"
#define L "L|1|N"
#define FT4                                                                                                                                          \
    "test.code=FT4; patient=PAT-1; specimen=S1; value=1.58; units=ng/dL; flags=N; status=F; observed_at=2026-03-02T08:00:00; range=0.9 - 1.75\n"

static void feed_cut(struct collect *k, int direction, struct span s, size_t step)
{
    while (s.n > 0)
        collect_data(k, direction, span_take(&s, s.n < step ? s.n : step));
}

static void has(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, buf_text(&k->lines));
}

/* The same in pieces of every length; the last one stays in *k, closed flow and all. */
static void read_stream(struct collect *k, struct span s)
{
    struct buf whole = BUF_INIT(64 << 20);
    for (size_t step = s.n; step >= 1; step -= step > 600 ? step - 600 : 1) {
        collect_open(k, 0, false);
        feed_cut(k, 0, s, step);
        collect_end_flow(k);
        if (step == s.n)
            buf_add_span(&whole, buf_span(&k->lines));
        else if (!span_equal(buf_span(&whole), buf_span(&k->lines)))
            fail_msg("in pieces of %zu: %s\nwhole: %s", step, buf_text(&k->lines), buf_text(&whole));
        if (step > 1)
            collect_close(k);
    }
    buf_release(&whole);
}

static void counts(struct span s, uint64_t messages, uint64_t results, uint64_t malformed, const char *text)
{
    struct collect k;
    read_stream(&k, s);
    if (k.stats.astm_messages != messages || k.stats.results != results || k.stats.malformed != malformed ||
        (text != NULL && strstr(buf_text(&k.lines), text) == NULL))
        fail_msg("%llu messages, %llu results, %llu malformed, or not \"%s\":\n%s", (unsigned long long)k.stats.astm_messages,
                 (unsigned long long)k.stats.results, (unsigned long long)k.stats.malformed, text == NULL ? "" : text, buf_text(&k.lines));
    assert_null(strstr(buf_text(&k.lines), "; control_id=PSWD")); /* H-4: only ever a private field */
    collect_close(&k);
}
#define COUNTS(stream, messages, results, malformed, text) counts(SPAN_LIT(stream), messages, results, malformed, text)

static void without_frames(void **state)
{
    (void)state;
    COUNTS(H "\r" P "\r" O "\r" R "\r" L "\r", 1, 1, 0, FT4);
    COUNTS(H "\r\n" P "\r\n" O "\r\n" R "\r\n" L "\r\n" H "\r\n" L "\r\n", 2, 1, 0, FT4);
    COUNTS(H "\n" P "\n" O "\n" R "\n" L "\n", 1, 1, 0, FT4);
    COUNTS("\x05" H "\r" P "\r" O "\r" R "\r" L "\x04", 1, 1, 0, FT4);        /* ENQ and EOT around, the last CR missing */
    COUNTS(H "\r" P "\r" O "\r" R "\r" L, 1, 1, 0, FT4);                      /* the stream ends with the L record */
    COUNTS("noise\r\n\r\n" H "\r" P "\r" O "\r" R "\r" L "\r", 1, 1, 0, FT4); /* something said before */
    COUNTS(H "\r" O "\r" R "\r\x04" H "\r" L "\r", 2, 1, 1, "malformed=framing: the session ends before the L record");
    COUNTS("\x0b" H "\r" P "\r" O "\r" R "\r" L "\r\x1c\r\x0b" H "\r" L "\r\x1c\r", 2, 1, 0, FT4); /* in the blocks of MLLP */
    COUNTS(H "\r" P "\r" O "\r" R "\r", 0, 0, 1, "malformed=framing: the stream ends before the message does");
    COUNTS("h|\\^&|||x\rp|1||PAT-1\ro|1|S1\rr|1|^^^FT4|2\rl|1|N\r", 1, 1, 0, "test.code=FT4; patient=PAT-1; specimen=S1; value=2");
    COUNTS(H "\rP|1||PAT-1\rO|1|S1||^^^FT4\\^^^TSH|R\rO|2|S2||^^^K|||||||C\rL|1\r", 1, 0, 0,
           "test.code=TSH; patient=PAT-1; specimen=S1; action=new; priority=routine\nlab.order; message=f7.0.1; private=PSWD; private=PAT-1; "
           "test.code=K; "
           "patient=PAT-1; specimen=S2; "
           "action=cancel\n");
    COUNTS("H|@^\\|1\rP|1||PAT-1\rO|1|S1\rR|1|^^^FT4|2|||A@B\rL|1\r", 1, 1, 0, "flags=A; flags=B");
}

/* One record that looks like H is not enough, nor is anything in the middle of a line. */
static void no_frames_and_no_message(void **state)
{
    (void)state;
    static const char *const streams[] = {
        "H|\\^&|||x\r",         "H|\\^&|||x\rHello\r",      "H|\\^&|||x\rP", "xH|\\^&|||x\rP|1\rL|1\r", "H||||\rP|1\rL|1|N\r",
        "H|\\^&x|\rP|1\rL|1\r", "GET /\r\nHost: x\r\n\r\n", "HELO x\r\n",    "P|1\rO|1\rL|1\r",         "H,1,2,3,4\rP,1\rL,1\r",
        "\x02\x05\x04\x02H|",   "H|\\^&|||x\rP1|\rL|1\r",
    };
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct collect k;
        read_stream(&k, span_str(streams[i]));
        if (k.lines.n > 0)
            fail_msg("%s: %s", streams[i], buf_text(&k.lines));
        collect_close(&k);
    }
}

/* MAGLUMI: no numbers, no checksums; one connection for many sessions. */
static void without_numbers_and_checksums(void **state)
{
    (void)state;
    COUNTS("\x05\x02" H "\r" P "\r" O "\r" R "\r" L "\r\x03\x04", 1, 1, 0, FT4);
    COUNTS("\x05\x02" H "\r" P "\r" O "\r" R "\r" L "\r\x03\x04\x05\x02" H "\r" P "\r" O "\r" R "\r" L "\r\x03\x04", 2, 2, 0, FT4);
    COUNTS("\x05\x02\r\n" H "\r\n" P "\r\n" O "\r\n" R "\r\n" L "\r\n\x03\r\n\x04", 1, 1, 0, FT4);
    COUNTS("\x05\x02" H "\r\x03\x02" P "\r\x03\x02" O "\r\x03\x02" R "\r\x03\x02" R "\r\x03\x02" L "\r\x03", 1, 1, 0, FT4); /* R again: a repeat */
    COUNTS("\x05\x02" H "\r" P "\r" O "\r" R "\r" L "\r\x03", 1, 1, 0, FT4);                                                /* nothing follows ETX */
    COUNTS("\x05\x02"
           "1" H "\r\x03\r\n\x02"
           "2" P "\r\x03\r\n\x02"
           "3" O "\r\x03\r\n\x02"
           "4" R "\r\x03\r\n\x02"
           "5" L "\r\x03\r\n\x04",
           1, 1, 0, FT4);
}

/* What is encrypted, or began before the capture, holds everything that bytes can look like. */
static void chance_is_no_astm(void **state)
{
    (void)state;
    struct collect k;
    uint64_t random = 1;
    uint8_t bytes[4096];
    for (int stream = 0; stream < 4000; stream++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[i] = (uint8_t)(random >> 32);
        }
        collect_open(&k, 0, false);
        feed_cut(&k, 0, span_of(bytes, sizeof bytes), 1400);
        assert_string_equal(app_label(k.flow), "");
        collect_end_flow(&k);
        assert_int_equal(k.lines.n, 0);
        collect_close(&k);
    }
    COUNTS("\x02" O "\r\x03\x02" R "\r\x03\x02" L "\r\x03\x04", 0, 0, 1, "value=1.58"); /* a conversation that began before */
}

/* Once a checksum held, a frame without one is damaged. */
static void a_missing_checksum_is_damage(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 16);
    buf_u8(&s, 0x05);
    frame(&s, 1, H "\r", 0x03, 0);
    buf_add_str(&s, "\x02"
                    "2" P "\r\x03\r\n");
    frame(&s, 2, P "\r", 0x03, 0);
    frame(&s, 3, L "\r", 0x03, 0);
    buf_u8(&s, 0x04);
    read_stream(&k, buf_span(&s));
    assert_int_equal(k.stats.astm_good_frames, 3);
    assert_int_equal(k.stats.astm_damaged_frames, 1);
    assert_int_equal(k.stats.astm_messages, 1);
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
    buf_release(&s);
}

static void odd_frames(void **state)
{
    (void)state;
    struct buf s = BUF_INIT(1 << 20);
    buf_add_str(&s, "\x05\x05\x05"); /* nobody answered */
    frame(&s, 1, H "\n" P "\n" O "\n" R "\n" L "\n", 0x03, 0);
    buf_u8(&s, 0x04);
    counts(buf_span(&s), 1, 1, 0, FT4); /* records end with LF */
    buf_clear(&s);
    buf_add(&s, "\0\0\x05\0\0", 5);
    frame(&s, 1, H "\r", 0x17, 0);
    buf_add(&s, "\0\0\0", 3);
    frame(&s, 2, P "\r" O "\r", 0x17, 0);
    buf_add_str(&s, "\x06\x06");
    frame(&s, 3, R "\r" L, 0x17, 0); /* the last frame ends with ETB, its record without CR */
    buf_u8(&s, 0x04);
    counts(buf_span(&s), 1, 1, 0, FT4);
    buf_clear(&s);
    frame(&s, 1, H "\r", 0x17, 0);
    buf_add_str(&s, P "\r" O "\r" R "\r" L "\r"); /* a header in a frame, the rest not: nothing to rely on */
    frame(&s, 2, L "\r", 0x03, 0);
    counts(buf_span(&s), 1, 0, 0, NULL);
    buf_clear(&s);
    buf_add_str(&s, H "\r" P "\r" O "\r"); /* begun without frames, gone on with them */
    frame(&s, 1, R "\r", 0x03, 0);
    frame(&s, 2, L "\r", 0x03, 0);
    counts(buf_span(&s), 1, 1, 0, FT4);
    buf_release(&s);
}

/* A frame of 64,000 bytes, and one record of as many over frames of 240. */
static void large_frames(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        struct collect k;
        struct buf s = BUF_INIT(1 << 20);
        struct buf text = BUF_INIT(1 << 20);
        buf_add_str(&text, H "\r" P "\r" O "\r" R "\rM|1|HISTOGRAM|");
        for (unsigned i = 0; text.n < 63900; i++)
            buf_addf(&text, "\\%u", i % 1000);
        buf_add_str(&text, "\r" L "\r");
        buf_u8(&s, 0x05);
        struct span rest = buf_span(&text);
        for (unsigned number = 1; rest.n > 0; number++) {
            struct span part = span_take(&rest, split && rest.n > 240 ? 240 : rest.n);
            size_t start = s.n + 1;
            buf_addf(&s, "\x02%u", number % 8);
            buf_add_span(&s, part);
            buf_u8(&s, rest.n > 0 ? 0x17 : 0x03);
            buf_addf(&s, "%02X\r\n", astm_checksum(span_of(s.p + start, s.n - start)));
        }
        buf_u8(&s, 0x04);
        read_stream(&k, buf_span(&s));
        assert_int_equal(k.stats.astm_messages, 1);
        assert_int_equal(k.stats.results, 1);
        assert_int_equal(k.stats.malformed, 0);
        assert_int_equal(k.stats.astm_records['M' - 'A'], 1);
        assert_int_equal(k.stats.astm_good_frames, split ? (text.n + 239) / 240 : 1);
        collect_close(&k);
        buf_release(&s);
        buf_release(&text);
    }
}

/* Patients, orders and results hang together as they stand; comments and makers' records change nothing. */
static void levels(void **state)
{
    (void)state;
    struct collect k;
    static const char text[] = "H|\\^&|||A\rC|1|I|header\r"
                               "R|1|^^^T0|0\r"
                               "P|1||PA\rC|1|L|of the patient\rO|1|S1\rC|1|L|of the order\rR|1|^^^T1|1\rC|1|I|of the result\rM|1|x\rR|2|^^^T2|2\r"
                               "O|2|S2\rR|1|^^^T3|3\r"
                               "P|2||PB\rR|1|^^^T4|4\rO|1|S4\rR|1|^^^T5|5\r"
                               "P|3\rO|1|S6\rR|1|^^^T6|6\rQ|1|^S7\rL|1|N\r";
    static const char *const want[] = {"test.code=T0; value=0",
                                       "test.code=T1; patient=PA; specimen=S1; value=1",
                                       "test.code=T2; patient=PA; specimen=S1; value=2",
                                       "test.code=T3; patient=PA; specimen=S2; value=3",
                                       "test.code=T4; patient=PB; value=4",
                                       "test.code=T5; patient=PB; specimen=S4; value=5",
                                       "test.code=T6; specimen=S6; value=6",
                                       "results=7; patients=3"};
    read_stream(&k, span_str(text));
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (strstr(buf_text(&k.lines), want[i]) == NULL)
            fail_msg("%s is not in\n%s", want[i], buf_text(&k.lines));
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
}

/* Texts come out as UTF-8, whatever they are; so the same patient is the same. Controls are marked. */
static void character_sets(void **state)
{
    (void)state;
    static const char *const names[] = {"P|1||M\xfcller", "P|1||M\xc3\xbcller"};
    for (int i = 0; i < 2; i++) {
        struct collect k;
        struct buf s = BUF_INIT(4096);
        buf_addf(&s, H "\r%s\rO|1|S1|||||||||Q\rR|1|^^^FT4|1|\xb5g/L\r" L "\r", names[i]);
        read_stream(&k, buf_span(&s));
        assert_non_null(strstr(buf_text(&k.lines), "patient=M\xc3\xbcller; specimen=S1; "));
        assert_non_null(strstr(buf_text(&k.lines), "specimen_role=Q"));
        assert_non_null(strstr(buf_text(&k.lines), "units=\xc2\xb5g/L"));
        assert_non_null(strstr(buf_text(&k.lines), i == 0 ? "charset_read=ISO 8859-1" : "charset_read=mixed"));
        collect_close(&k);
        buf_release(&s);
    }
}

/* H-12 Q: the message is all controls. L-3 T, R, E: somebody gave it up. A capture may begin long before the first header. */
static void odd_codes(void **state)
{
    (void)state;
    COUNTS("H|\\^&|||x|||||||Q|1\rP|1\rO|1|S1\rR|1|^^^A|1\rL|1|F\r", 1, 1, 0, "specimen_role=Q");
    COUNTS("H|\\^&|||x\rP|1\rO|1||2^1^        10023^B\rR|1|^^^16^TSH^X|1|u|0.3 TO 4.9^low\rL|1|F\r", 1, 1, 0,
           "test.text=TSH; specimen=10023; value=1; units=u; range=0.3 TO 4.9; test.alternate=TSH\n");
    COUNTS("H|\\^&|||x\rP|1\rO|1|S1\rR|1|^^^A|1\rL|1|T\r", 1, 1, 1, "malformed=L-3: the message was given up");
    struct collect k;
    collect_open(&k, 0, false);
    for (int i = 0; i < 200; i++)
        collect_data(&k, 0, SPAN_LIT("the rest of something that began before the capture did"));
    collect_data(&k, 0, SPAN_LIT(H "\r" P "\r" O "\r" R "\r" L "\r"));
    assert_int_equal(k.stats.astm_messages, 1);
    collect_close(&k);
}

/* Both sides bid; the instrument wins; the host answers its query in the other direction. */
static void contention(void **state)
{
    (void)state;
    struct collect k;
    struct buf ask = BUF_INIT(4096);
    struct buf tell = BUF_INIT(4096);
    frame(&ask, 1, H "\rQ|1|^S1||ALL\r" L "\r", 0x03, 0);
    frame(&tell, 1, "H|\\^&|||Lis\r" P "\r" O "\r" L "\r", 0x03, 0);
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT("\x05"));
    collect_data(&k, 1, SPAN_LIT("\x05"));
    collect_data(&k, 0, SPAN_LIT("\x05"));
    collect_data(&k, 1, SPAN_LIT("\x06"));
    collect_data(&k, 0, buf_span(&ask));
    collect_data(&k, 1, SPAN_LIT("\x15"));
    collect_data(&k, 0, buf_span(&ask)); /* the receiver did not like it: once more */
    collect_data(&k, 1, SPAN_LIT("\x06"));
    collect_data(&k, 0, SPAN_LIT("\x04"));
    collect_data(&k, 1, SPAN_LIT("\x05"));
    collect_data(&k, 0, SPAN_LIT("\x06"));
    collect_data(&k, 1, buf_span(&tell));
    collect_data(&k, 0, SPAN_LIT("\x06"));
    collect_data(&k, 1, SPAN_LIT("\x04"));
    assert_int_equal(k.stats.astm_messages, 2);
    assert_int_equal(k.stats.astm_good_frames, 3);
    assert_int_equal(k.stats.malformed, 0);
    assert_non_null(strstr(buf_text(&k.lines), "type=ASTM.QUERY"));
    assert_non_null(strstr(buf_text(&k.lines), "id=f7.1.1; protocol=astm; type=ASTM.ORDER"));
    collect_close(&k);
    buf_release(&ask);
    buf_release(&tell);
}

static void a_hole_without_frames(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(H "\r" P "\r" O "\rR|1|^^^LOST|1"));
    app_gap(k.c, &k.flow, &k.ref, 0, 20, 1000);
    collect_data(&k, 0, SPAN_LIT("R|9|^^^CUT|9\r" R "\r" L "\r" H "\r" L "\r"));
    assert_int_equal(k.stats.astm_messages, 2);
    assert_int_equal(k.stats.malformed, 1);
    assert_int_equal(k.stats.results, 1);
    assert_non_null(strstr(buf_text(&k.lines), "malformed=frames are missing: the capture lost bytes"));
    assert_non_null(strstr(buf_text(&k.lines), FT4));
    collect_close(&k);
}

/* Wherever the hole is: what stands before and behind it is read. */
static void holes_anywhere(void **state)
{
    (void)state;
    static const char message[] = H "\r" P "\r" O "\r" R "\r" L "\r";
    const size_t n = sizeof message - 1;
    for (size_t from = 0; from < n; from++) {
        for (size_t to = from + 1; to <= n; to++) {
            struct collect k;
            collect_open(&k, 0, false);
            collect_data(&k, 0, span_of(message, n));
            collect_data(&k, 0, span_of(message, from));
            app_gap(k.c, &k.flow, &k.ref, 0, to - from, 1000);
            collect_data(&k, 0, span_of(message + to, n - to));
            collect_data(&k, 0, span_of(message, n));
            if (k.stats.astm_messages < 2 || k.stats.results < 2 || strstr(buf_text(&k.lines) + k.lines.n - sizeof FT4, FT4) == NULL)
                fail_msg("lost [%zu, %zu) of %zu:\n%s", from, to, n, buf_text(&k.lines));
            collect_close(&k);
        }
    }
}

/* ── as the standard has it ── */

#define AH "H|\\^&|C-1||XN-10^00-22^12345|||||LIS||P|LIS2-A2|20260302080000\r"
#define AP "P|1|PA1|PA2||DOE^JANE||19700101|F\r"
#define AO "O|1|S123^5||^^^PANEL|R\r"
#define AR1 "R|1|^^^GLU^Glucose|5.4|mmol/L|3.9-6.1|H\\A||F||AUTO|20260302075800|20260302080000|SN1\r"
#define AR2 "R|2|^^^K|x&F&y|||N||F\r"
#define AL "L|1|N\r"

static const char astm_lines[] = "lab.message; id=f7.0.1; protocol=astm; type=ASTM.RESULT; control_id=C-1; sender=XN-10^00-22^12345; receiver=LIS; "
                                 "version=LIS2-A2; sent_at=2026-03-02T08:00:00; results=2; patients=1; "
                                 "bytes=248; private=PA1; private=PA2; private=DOE^JANE; private=19700101\n"
                                 "lab.result; message=f7.0.1; private=PA1; private=PA2; private=DOE^JANE; private=19700101; test.code=GLU; "
                                 "test.text=Glucose; patient=PA1; specimen=S123; "
                                 "value=5.4; units=mmol/L; flags=H; flags=A; status=F; observed_at=2026-03-02T08:00:00; range=3.9-6.1\n"
                                 "lab.result; message=f7.0.1; private=PA1; private=PA2; private=DOE^JANE; private=19700101; test.code=K; "
                                 "patient=PA1; specimen=S123; value=x|y; flags=N; "
                                 "status=F\n";

/* style 0: a record a frame; 1: all in one frame; 2: records over frames with ETB; 3: without ENQ; 4: a damaged frame, sent again; 5: a good one sent
 * again */
static void session(struct buf *out, int style)
{
    if (style != 3)
        buf_u8(out, 0x05);
    if (style == 1) {
        frame(out, 1, AH AP AO AR1 AR2 AL, 0x03, 0);
    } else if (style == 2) {
        frame(out, 1, "H|\\^&|C-1||XN-10^00-2", 0x17, 0);
        frame(out, 2, "2^12345|||||LIS||P|LIS2-A2|20260302080000\r" AP AO AR1, 0x17, 0);
        frame(out, 3, AR2 "L|1", 0x17, 0);
        frame(out, 4, "|N", 0x03, 0);
    } else {
        static const char *const records[] = {AH, AP, AO, AR1, AR2, AL};
        for (unsigned i = 0; i < 6; i++) {
            if (style == 4 && i == 3)
                frame(out, i + 1, records[i], 0x03, 1);
            frame(out, i + 1, records[i], 0x03, 0);
            if (style == 5)
                frame(out, i + 1, records[i], 0x03, 0);
        }
    }
    buf_u8(out, 0x04);
}

static void astm_cut_anywhere(void **state)
{
    (void)state;
    for (int style = 0; style < 6; style++) {
        struct buf stream = BUF_INIT(1 << 20);
        session(&stream, style);
        for (size_t step = 1; step <= stream.n; step++) {
            struct collect k;
            collect_open(&k, 0, false);
            collect_data(&k, 1, SPAN_LIT("\x06"));
            feed_cut(&k, 0, buf_span(&stream), step);
            if (strncmp(buf_text(&k.lines), astm_lines, 100) != 0 || strcmp(strchr(buf_text(&k.lines), '\n'), strchr(astm_lines, '\n')) != 0)
                fail_msg("style %d, step %zu:\n%s", style, step, buf_text(&k.lines));
            assert_string_equal(app_label(k.flow), "astm");
            assert_int_equal(k.stats.astm_messages, 1);
            assert_int_equal(k.stats.astm_damaged_frames, style == 4);
            assert_int_equal(k.stats.astm_good_frames, style == 1 ? 1 : style == 2 ? 4 : style == 5 ? 12 : 6);
            assert_int_equal(k.stats.astm_records['R' - 'A'], 2);
            assert_int_equal(k.stats.astm_records['H' - 'A'], 1);
            assert_int_equal(k.stats.malformed, 0);
            collect_close(&k);
        }
        buf_release(&stream);
    }
}

static void astm_types_and_evidence(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 16);
    collect_open(&k, 0, true);
    buf_u8(&s, 0x05);
    frame(&s, 1, AH "Q|1|^S1||ALL||||||||O\r" AL, 0x03, 0);
    buf_u8(&s, 0x04);
    collect_data(&k, 0, buf_span(&s));
    has(&k, "type=ASTM.QUERY");
    has(&k, "asset.evidence; ip=10.0.0.1; model=XN-10; serial=12345; software=00-22; role=analyzer; source=astm.h; said=XN-10; said=00-22; "
            "said=12345; sender=XN-10^00-22^12345");
    buf_clear(&s);
    buf_u8(&s, 0x05);
    frame(&s, 1, "H|\\^&|||LIS\r" AP AO AL "H|\\^&|||LIS\rC|1\r" AL, 0x03, 0); /* two messages in a session */
    buf_u8(&s, 0x04);
    collect_data(&k, 1, buf_span(&s));
    has(&k, "id=f7.1.1; protocol=astm; type=ASTM.ORDER");
    has(&k, "id=f7.1.2; protocol=astm; type=ASTM.MESSAGE");
    has(&k, "asset.evidence; ip=10.0.0.2; software=LIS; role=lis; source=astm.h");
    assert_int_equal(k.stats.astm_messages, 3);
    collect_close(&k);
    buf_release(&s);
}

static void astm_violations(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 16);
    collect_open(&k, 0, false);
    buf_u8(&s, 0x05);
    frame(&s, 1, AH, 0x03, 0);
    frame(&s, 2, AP, 0x03, 0);
    frame(&s, 4, AR2, 0x03, 0);
    frame(&s, 5, AL, 0x03, 0);
    buf_add_str(&s, "\x04\x05");
    collect_data(&k, 0, buf_span(&s));
    has(&k, "malformed=framing: a frame number is skipped");
    buf_clear(&s);
    frame(&s, 1, AH, 0x03, 0);
    buf_add_str(&s, "\x05");
    frame(&s, 1, AH, 0x03, 0);
    frame(&s, 2, AP, 0x03, 0);
    buf_add_str(&s, "\x04\x05");
    frame(&s, 1, AP AL, 0x03, 0);
    frame(&s, 2, AH, 0x03, 0);
    collect_data(&k, 0, buf_span(&s));
    has(&k, "malformed=framing: the session begins again before the message is complete (byte 63)");
    has(&k, "malformed=framing: the session ends before the L record (byte 97)");
    has(&k, "malformed=H: the message has no header record");
    collect_end_flow(&k);
    has(&k, "malformed=framing: the stream ends before the message does (byte 63)");
    assert_int_equal(k.stats.astm_messages, 2);
    assert_int_equal(k.stats.malformed, 5);
    collect_close(&k);
    buf_release(&s);
}

static void astm_holes(void **state)
{
    (void)state;
    struct collect k;
    struct buf s = BUF_INIT(1 << 16);
    collect_open(&k, 0, false);
    buf_u8(&s, 0x05);
    frame(&s, 1, AH, 0x03, 0);
    frame(&s, 2, AP, 0x03, 0);
    buf_add_str(&s, "\x02"
                    "3O|1|S");
    collect_data(&k, 0, buf_span(&s));
    app_gap(k.c, &k.flow, &k.ref, 0, 100, 1000);
    buf_clear(&s);
    buf_add_str(&s, "23|\r\x03"
                    "17\r\n");
    frame(&s, 6, AR2, 0x03, 0);
    frame(&s, 7, AL, 0x03, 0);
    buf_add_str(&s, "\x04");
    session(&s, 0);
    collect_data(&k, 0, buf_span(&s));
    has(&k, "malformed=frames are missing: the capture lost bytes");
    assert_int_equal(k.stats.astm_messages, 2);
    assert_int_equal(k.stats.astm_damaged_frames, 0);
    assert_int_equal(k.stats.malformed, 1);
    collect_close(&k);
    buf_release(&s);
}

static void astm_limits(void **state)
{
    (void)state;
    for (int one_frame = 0; one_frame < 2; one_frame++) {
        struct collect k;
        struct buf s = BUF_INIT(1 << 20);
        struct buf text = BUF_INIT(1 << 20);
        collect_open(&k, 9000, false);
        buf_u8(&s, 0x05);
        frame(&s, 1, AH, 0x03, 0);
        for (unsigned i = 0; i < 1000; i++) {
            buf_add_str(&text, AR2);
            if (!one_frame)
                frame(&s, 2 + i, AR2, 0x03, 0);
        }
        if (one_frame)
            frame(&s, 2, buf_text(&text), 0x03, 0);
        frame(&s, one_frame ? 3 : 1002, AL, 0x03, 0);
        buf_u8(&s, 0x04);
        session(&s, 0);
        feed_cut(&k, 0, buf_span(&s), 700 + 30000 * (size_t)one_frame);
        has(&k, "control_id=C-1; sender=XN-10^00-22^12345; receiver=LIS; version=LIS2-A2; sent_at=2026-03-02T08:00:00; results=0; patients=0; "
                "bytes=22069; malformed=message of "
                "22069 bytes is over the limit of 9000\n");
        has(&k, "id=f7.0.2; protocol=astm; type=ASTM.RESULT");
        assert_int_equal(k.stats.astm_messages, 2);
        assert_int_equal(k.stats.results, 2);
        collect_close(&k);
        buf_release(&s);
        buf_release(&text);
    }
}

static void astm_many_in_a_frame(void **state)
{
    (void)state;
    for (size_t step = 1460; step < 3000000; step *= 40) {
        struct collect k;
        struct buf s = BUF_INIT(4 << 20);
        struct buf text = BUF_INIT(4 << 20);
        collect_open(&k, 0, false);
        for (int i = 0; i < 100000; i++)
            buf_add_str(&text, "H|\\^&\rL|1\r");
        buf_u8(&s, 0x05);
        frame(&s, 1, buf_text(&text), 0x03, 0);
        buf_u8(&s, 0x04);
        feed_cut(&k, 0, buf_span(&s), step); /* seconds, were the rest moved for each message */
        assert_int_equal(k.stats.astm_messages, 100000);
        assert_int_equal(k.stats.malformed, 0);
        collect_close(&k);
        buf_release(&s);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_frames),
        cmocka_unit_test(no_frames_and_no_message),
        cmocka_unit_test(without_numbers_and_checksums),
        cmocka_unit_test(chance_is_no_astm),
        cmocka_unit_test(odd_frames),
        cmocka_unit_test(a_missing_checksum_is_damage),
        cmocka_unit_test(large_frames),
        cmocka_unit_test(levels),
        cmocka_unit_test(contention),
        cmocka_unit_test(a_hole_without_frames),
        cmocka_unit_test(holes_anywhere),
        cmocka_unit_test(character_sets),
        cmocka_unit_test(odd_codes),
        cmocka_unit_test(astm_cut_anywhere),
        cmocka_unit_test(astm_types_and_evidence),
        cmocka_unit_test(astm_violations),
        cmocka_unit_test(astm_holes),
        cmocka_unit_test(astm_limits),
        cmocka_unit_test(astm_many_in_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
