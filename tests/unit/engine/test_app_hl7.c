/* HL7 as the standard lets senders write it: character sets, batches, continued messages, acknowledgements, LAW, documents. */
#include "../cmocka_all.h"

#include "app_collect.h"

#include <stdio.h>

#define BLOCK(m) "\x0b" m "\x1c\r"
#define HEAD(type, id) "MSH|^~\\&|A||B||2026||" type "|" id "|P|2.5.1"

static void has(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, buf_text(&k->lines));
}

static void has_not(struct collect *k, const char *text)
{
    if (strstr(buf_text(&k->lines), text) != NULL)
        fail_msg("\"%s\" is in:\n%s", text, buf_text(&k->lines));
}

/* Reads a stream whole; then every way to cut it in two, and byte for byte, must give the same records. */
static void stream(struct collect *k, struct span s)
{
    collect_open(k, 0, true);
    collect_data(k, 0, s);
    collect_end_flow(k);
    for (size_t at = 0; at < s.n; at++) {
        struct collect cut;
        collect_open(&cut, 0, true);
        for (size_t i = 0; at == 0 && i < s.n; i++)
            collect_data(&cut, 0, span_of(s.p + i, 1));
        if (at > 0) {
            collect_data(&cut, 0, span_of(s.p, at));
            collect_data(&cut, 0, span_of(s.p + at, s.n - at));
        }
        collect_end_flow(&cut);
        assert_string_equal(buf_text(&cut.lines), buf_text(&k->lines));
        assert_memory_equal(&cut.stats, &k->stats, sizeof cut.stats);
        collect_close(&cut);
    }
}

#define RESULT(charset, name, unit) BLOCK(HEAD("ORU^R01", "1") "||||||" charset "\rPID|||P1||" name "\rOBX|1|ST|T^" name "||1|" unit "|||||F\r")

static void character_sets(void **state)
{
    (void)state;
    static const struct {
        struct span stream;
        const char *read; /* "": as it says */
    } same[] = {
        {SPAN_LIT(RESULT("UNICODE UTF-8", "Müller", "µmol/L")), ""},
        {SPAN_LIT(RESULT("8859/1", "M\xfcller", "\xb5mol/L")), ""},
        {SPAN_LIT(RESULT("8859/15", "M\xfcller", "\xb5mol/L")), ""},
        {SPAN_LIT(RESULT("windows-1252", "M\xfcller", "\xb5mol/L")), ""},
        {SPAN_LIT(RESULT("8859/1", "M\\XFC\\ller", "\\XB5\\mol/L")), ""},
        {SPAN_LIT(RESULT("", "M\\XFC\\ller", "\\XC2B5\\mol/L")), ""},
        {SPAN_LIT(RESULT("ASCII~8859/1", "\\C2D41\\M\xfcller", "\\C2D41\\\xb5mol/L")), ""},
        {SPAN_LIT(RESULT("", "Müller", "µmol/L")), "UTF-8"},
        {SPAN_LIT(RESULT("ASCII", "M\xfcller", "\xb5mol/L")), "ISO 8859-1"},
        {SPAN_LIT(RESULT("8859/1", "Müller", "µmol/L")), "UTF-8"},           /* a lie */
        {SPAN_LIT(RESULT("UNICODE UTF-8", "Müller", "\xb5mol/L")), "mixed"}, /* another */
        {SPAN_LIT(RESULT("UNICODE UTF-16", "M\xfcller", "\xb5mol/L")), "ISO 8859-1"},
        {SPAN_LIT(RESULT("CNS 11643-1992", "M\xfcller", "\xb5mol/L")), "ISO 8859-1"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct collect k;
        char read[64];
        stream(&k, same[i].stream);
        has(&k, "private=Müller; test.code=T; test.text=Müller; patient=P1; value=1; value_type=ST; units=µmol/L");
        (void)snprintf(read, sizeof read, "; charset_read=%s; private", same[i].read);
        if (same[i].read[0] != 0)
            has(&k, read);
        else
            has_not(&k, "charset_read");
        assert_int_equal(k.stats.malformed, 0);
        collect_close(&k);
    }
}

/* Sets in which the bytes of delimiters may be halves of characters. */
static void wide_characters(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(RESULT("GB 18030-2000", "\x81\x7c\x81\x5e", "\x81\x30\x81\x30")));
    has(&k, "private=亅乛; test.code=T; test.text=亅乛; patient=P1; value=1; value_type=ST; units=\xc2\x80; status=F");
    collect_close(&k);
    stream(&k, SPAN_LIT(RESULT("~ISO IR87", "\x1b$B\x30\x7c\x35\x5e\x1b(B", "\\M2442\\;3ED\\C2842\\/L")));
    has(&k, "test.text=淫急; patient=P1; value=1; value_type=ST; units=山田/L; status=F");
    collect_close(&k);
    stream(&k, SPAN_LIT(RESULT("KS X 1001", "\xb1\xe8", "g")));
    has(&k, "test.text=김;");
    collect_close(&k);
    /* a set that is not declared is not switched to: an escape character is one */
    stream(&k, SPAN_LIT(RESULT("", "\x1b$B;3", "g")));
    has(&k, "test.text=\x1b$B;3;");
    collect_close(&k);
}

/* What stands in other places than the standard has for it. */
static void numbered_tests(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK(HEAD("ORU^R01", "1") "\rPID|||P1\rOBR|1|S1\rOBX|1|NM|30|Potassium|4.1|mmol/L|3.5 - 5.1^TECH|N|||F\r"
                                                   "OBX|2|NM|31^Na|Sodium|140|mmol/L|critical|N|||F\rOBX|3|NM|K1|a|4.1|mmol/L|^x|N|||F\r")));
    has(&k, "test.code=30; patient=P1; specimen=S1; order=S1; value=4.1; value_type=NM; units=mmol/L; flags=N; status=F; range=3.5 - 5.1; "
            "test.alternate=Potassium\n");
    has(&k, "test.code=31; test.text=Na; patient=P1; specimen=S1; order=S1; value=140; value_type=NM; units=mmol/L; flags=N; status=F\n");
    has(&k, "test.code=K1; patient=P1; specimen=S1; order=S1; value=4.1; value_type=NM; units=mmol/L; flags=N; status=F\n");
    collect_close(&k);
}

static void utf16(void **state)
{
    (void)state;
    static const char text[] = HEAD("ORU^R01", "2") "||||||UNICODE UTF-16\rPID|||P1\rOBX|1|ST|T||1|m\xb5|||||F\r";
    struct collect k;
    collect_open(&k, 0, false);
    struct buf b = BUF_INIT(65536);
    buf_add_str(&b, BLOCK(HEAD("ADT^A01", "1") "\r") "\x0b\xff\xfe");
    for (size_t i = 0; i + 1 < sizeof text; i++)
        buf_le16(&b, (uint8_t)text[i]);
    buf_add_str(&b, "\x1c\r\x0b\xef\xbb\xbf" HEAD("ADT^A01", "3") "\r\x1c\r");
    collect_data(&k, 0, buf_span(&b));
    has(&k, "type=ORU^R01; control_id=2; sender=A; receiver=B; version=2.5.1; charset=UNICODE UTF-16; sent_at=2026; results=1; patients=1; "
            "bytes=184; patient=P1\n");
    has(&k, "units=mµ;");
    has(&k, "type=ADT^A01; control_id=3;");
    has_not(&k, "charset_read");
    assert_int_equal(k.stats.malformed, 0);
    buf_release(&b);
    collect_close(&k);
}

/* A byte order mark in front hides no message, not even the first of a stream. */
static void marked(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT("\x0b\xef\xbb\x0b\xef\xbb\xbfMS" BLOCK("\xef\xbb\xbf" HEAD("ADT^A01", "1") "\rPID|||P1\r")
                            BLOCK("\xef\xbb\xbf" HEAD("ADT^A01", "2") "\r")));
    has(&k, "type=ADT^A01; control_id=1; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=0; patients=1; bytes=51; patient=P1\n");
    has(&k, "type=ADT^A01; control_id=2;");
    assert_int_equal(k.stats.hl7_messages, 2);
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
}

/* Names that are escaped are names all the same. */
static void escaped_names(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK(HEAD("ADT^A01", "1") "\rPID|||P1||O\\T\\Hara^Se\\XE1\\n\r")));
    has(&k, "private=O&Hara^Seán\n");
    collect_close(&k);
}

static void forms_of_headers(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK("MSH|^~&|A||B||198808180000||ORU|1|P|2.1\rPID||P1\rOBX||NM|T||1\r") /* as v2.1 could be */
                        BLOCK("MSH|^~\\&#|A||B||2026||ORU^R01^ORU_R01|2|P|2.8^USA\rPID|||P2\rOBX|1|ST|T||a\\P\\|g|||||F\r")
                            BLOCK("MSH|^~&|A||B||2026||ORU^R01|3|P|2.4\r")));
    has(&k, "type=ORU; control_id=1; sender=A; receiver=B; version=2.1; sent_at=1988-08-18T00:00; results=1; patients=1; bytes=61; patient=P1\n");
    has(&k, "type=ORU^R01; control_id=2; sender=A; receiver=B; version=2.8; sent_at=2026; results=1; patients=1");
    has(&k, "value=a#;");
    has(&k, "control_id=3; sender=A; receiver=B; version=2.4; sent_at=2026; results=0; patients=0; bytes=36; malformed=MSH-2: encoding characters "
            "are missing");
    collect_close(&k);
}

static void batches(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK("FHS|^~\\&|F\rBHS|^~\\&|F\rNTE|1\r"
                              "MSH|^~\\&|A1||B||2026||ORU^R01|1|P|2.5\rPID|||P1||Ann\rOBX|1|NM|T1||1\r"
                              "MSH#:+!*#A2##B##2026##ORU:R01#2#P#2.3######8859/1\rPID###P2##B\xe9"
                              "a\rOBX#1#NM#T2:x!F!y##2\r"
                              "BTS|2\rBHS|^~\\&|F\r"
                              "MSH|^~\\&|A3||B||2026||ADT^A01|3|P|2.5\rPID|||P3\rBTS|2\rFTS|2\r")));
    has(&k, "lab.message; id=f7.0.1; protocol=hl7; type=ORU^R01; control_id=1; sender=A1; receiver=B; version=2.5; sent_at=2026; results=1; "
            "patients=1; bytes=67; patient=P1; batch=f7.0.1; private=Ann\n");
    has(&k, "lab.result; message=f7.0.1; private=Ann; test.code=T1; patient=P1; value=1;");
    has(&k, "lab.message; id=f7.0.2; protocol=hl7; type=ORU^R01; control_id=2; sender=A2; receiver=B; version=2.3; charset=8859/1; sent_at=2026; "
            "results=1; patients=1; bytes=85; patient=P2; batch=f7.0.1; private=Béa\n");
    has(&k, "lab.result; message=f7.0.2; private=Béa; test.code=T2; test.text=x#y; patient=P2; value=2;");
    has(&k, "id=f7.0.3; protocol=hl7; type=ADT^A01; control_id=3; sender=A3;");
    has(&k, "malformed=BTS-1: the batch holds 1 messages, not 2; batch=f7.0.1\n");
    assert_int_equal(k.stats.hl7_messages, 1);
    assert_int_equal(k.stats.results, 2);
    assert_int_equal(k.stats.malformed, 1);
    collect_close(&k);
    /* line feeds instead of carriage returns, and other delimiters in the second message */
    stream(&k, SPAN_LIT(BLOCK("MSH|^~\\&|A1||B||2026||ADT^A01|1|P|2.5\nPID|||P1\nMSH#:+!*#A2##B##2026##ADT:A01#2#P#2.3\nPID###P2\n")));
    has(&k, "control_id=1; sender=A1;");
    has(&k, "control_id=2; sender=A2; receiver=B; version=2.3; sent_at=2026; results=0; patients=1");
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
    stream(&k, SPAN_LIT(BLOCK("BHS|^~\\&|A\rBTS|0\r")));
    has(&k, "malformed=MSH: there is none");
    collect_close(&k);
}

static void segments_joined(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK(HEAD("ORU^R01", "1") "\rPID|||P1\rOBX|1|ST|T1||ab\rADD|cd|g\rADD||||||F\rOBX|2|NM|T2||2\r")));
    has(&k, "results=2; patients=1;");
    has(&k, "test.code=T1; patient=P1; value=abcd; value_type=ST; units=g; status=F\n");
    has(&k, "test.code=T2; patient=P1; value=2;");
    has_not(&k, "continue");
    collect_close(&k);
}

#define GOES_ON(id, pointer) "MSH|^~\\&|A||B||2026||ORU^R01|" id "|P|2.4||" pointer

static void messages_continued(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK(GOES_ON("1", "") "\rPID|||P1||Ann\rORC|RE|O0\rOBR|1|O1||X\rOBX|1|NM|T1||1\rOBX|2|TX|T2||one \rADD|\rDSC|p-1|F\r")
                            BLOCK(HEAD("ACK", "9") "\rMSA|AA|77\r")                             /* something else in between */
                        BLOCK(GOES_ON("2", "p-1") "\rADD|tw\rADD|o \rADD|\rDSC|p-2|F\r")        /* nothing but more of it */
                        BLOCK(GOES_ON("3", "p-2") "\rADD|three|g\rOBX|3|NM|T3||3\rDSC|p-3|F\r") /* ends it, and goes on behind a segment */
                        BLOCK(GOES_ON("4", "p-3") "\rOBX|4|NM|T4||4\rPID|||P2\rOBX|5|NM|T5||5\r")
                            BLOCK(GOES_ON("5", "p-9") "\rOBX|6|NM|T6||6\r"))); /* what it continues was not seen */
    has(&k, "id=f7.0.1; protocol=hl7; type=ORU^R01; control_id=1; sender=A; receiver=B; version=2.4; sent_at=2026; results=1; patients=1; bytes=123; "
            "patient=P1; "
            "continued=1; private=Ann\n");
    has(&k, "test.code=T1; patient=P1; specimen=O1; order=O1; value=1; value_type=NM\n");
    has(&k, "control_id=2; sender=A; receiver=B; version=2.4; sent_at=2026; results=0; patients=0; bytes=71; continues=f7.0.1; continued=1\n");
    has(&k,
        "control_id=3; sender=A; receiver=B; version=2.4; sent_at=2026; results=2; patients=0; bytes=79; patient=P1; continues=f7.0.3; continued=1; "
        "private=Ann\n");
    has(&k,
        "lab.result; message=f7.0.4; private=Ann; test.code=T2; patient=P1; specimen=O1; order=O1; value=one two three; value_type=TX; units=g\n");
    has(&k, "lab.result; message=f7.0.4; private=Ann; test.code=T3; patient=P1; specimen=O1; order=O1; value=3;");
    has(&k, "results=2; patients=1; bytes=81; who=P1; who=P2; continues=f7.0.4; private=Ann\n");
    has(&k, "lab.result; message=f7.0.5; private=Ann; test.code=T4; patient=P1; specimen=O1; order=O1; value=4;");
    has(&k, "lab.result; message=f7.0.5; private=Ann; test.code=T5; patient=P2; value=5;");
    has(&k, "lab.result; message=f7.0.6; test.code=T6; value=6;");
    assert_int_equal(k.stats.results, 6);
    assert_int_equal(k.stats.malformed, 0);
    collect_close(&k);
}

/* A result in pieces without end costs its bytes once, and never more than a message may have. */
static void endless_continuation(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 9000, false);
    collect_data(&k, 0, SPAN_LIT(BLOCK(GOES_ON("1", "") "\rPID|||P1\rOBX|1|TX|T1||x\rADD|\rDSC|p|F\r")));
    for (int i = 0; i < 200; i++)
        collect_data(
            &k, 0,
            SPAN_LIT(BLOCK(GOES_ON("2", "p") "\rADD|0123456789012345678901234567890123456789012345678901234567890123456789\rADD|\rDSC|p|F\r")));
    has(&k, "malformed=message of 128 bytes could not be joined with what it continues: over a limit; continues=f7.0.");
    assert_int_equal(k.stats.malformed, 1);
    assert_int_equal(k.stats.hl7_messages, 201);
    collect_close(&k);
}

static void acknowledgements(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, false);
    collect_data(&k, 0, SPAN_LIT(BLOCK(HEAD("ORU^R01", "1") "|||AL|NE\r")));
    has(&k, "ack_wanted.accept=AL; ack_wanted.application=NE\n");
    collect_data(&k, 1, SPAN_LIT(BLOCK(HEAD("ACK^R01^ACK", "2") "\rMSA|CR|1\rERR||OBX^1^5|103^Table value not found^HL70357|E\r")));
    has(&k, "type=ACK; control_id=2; sender=A; receiver=B; version=2.5.1; sent_at=2026; results=0; patients=0; bytes=101; ack.code=CR; ack.for=1; "
            "ack.error=103\n");
    collect_data(&k, 1, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||ACK|3|P|2.3\rMSA|AE|1|text|||207^x\rERR|PID^1^5^101&missing\r")));
    has(&k, "ack.code=AE; ack.for=1; ack.error=207\n");
    collect_data(&k, 1, SPAN_LIT(BLOCK("MSH|^~\\&|A||B||2026||ACK|4|P|2.3\rMSA|AE|1\rERR|PID^1^5^101&missing\r")));
    has(&k,
        "control_id=4; sender=A; receiver=B; version=2.3; sent_at=2026; results=0; patients=0; bytes=66; ack.code=AE; ack.for=1; ack.error=101\n");
    collect_close(&k);
}

static void law(void **state)
{
    (void)state;
    struct collect k;
    collect_open(&k, 0, true);
#define LAW(from, to, type, id, profile) "MSH|^~\\&|" from "||" to "||2026||" type "|" id "|P|2.5.1|||NE|AL||UNICODE UTF-8|||" profile "^IHE\r"
    collect_data(&k, 0, SPAN_LIT(BLOCK(LAW("XN", "AM", "QBP^Q11^QBP_Q11", "1", "LAB-27") "QPD|WOS^Work Order Step^IHELAW|t|C1\rRCP|I\r")));
    has(&k,
        "type=QBP^Q11; control_id=1; sender=XN; receiver=AM; version=2.5.1; charset=UNICODE UTF-8; sent_at=2026; results=0; patients=0; bytes=127; "
        "ack_wanted.accept=NE; ack_wanted.application=AL; profile=LAB-27\n");
    has(&k, "asset.evidence; ip=10.0.0.1; model=XN; role=analyzer; source=hl7.msh; said=XN; sender=XN\n");
    collect_data(&k, 1, SPAN_LIT(BLOCK(LAW("AM", "XN", "RSP^K11^RSP_K11", "2", "LAB-27") "MSA|AA|1\rQAK|t|OK|WOS\r")));
    has(&k, "asset.evidence; ip=10.0.0.2; software=AM; role=lis; source=hl7.msh; said=AM; sender=AM\n");
    collect_data(&k, 1,
                 SPAN_LIT(BLOCK(LAW("AM", "XN", "OML^O33^OML_O33", "3",
                                    "LAB-28") "PID|||P1\rSPM|1|S1||SER|||||||P^^HL70369\rSAC|||C1\rORC|NW\rTQ1|||||||||S\rOBR||W1||GLU\r"
                                              "OBX|1|NM|WEIGHT||70\rORC|NW||||||^^^^^R\rOBR||W2||K\r")));
    has(&k, "type=OML^O33; control_id=3; sender=AM; receiver=XN; version=2.5.1; charset=UNICODE UTF-8; sent_at=2026; results=0; patients=1; "
            "bytes=218; patient=P1; "
            "ack_wanted.accept=NE; ack_wanted.application=AL; profile=LAB-28; orders=2\n");
    has(&k, "lab.order; message=f7.1.2; test.code=GLU; patient=P1; specimen=S1; order=W1; container=C1; specimen_role=P; material=blood; action=new; "
            "priority=stat\n");
    has(&k, "lab.order; message=f7.1.2; test.code=K; patient=P1; specimen=S1; order=W2; container=C1; specimen_role=P; material=blood; action=new; "
            "priority=routine\n");
    collect_data(&k, 0, SPAN_LIT(BLOCK(LAW("XN", "AM", "ORL^O34^ORL_O42", "4", "LAB-28") "MSA|AA|3\r")));
    collect_data(
        &k, 0,
        SPAN_LIT(BLOCK(LAW("XN", "AM", "OUL^R22^OUL_R22", "5", "LAB-29") "PID|||P1\rSPM|1|S1&AM^F1||SER|||||||P^^HL70369\rOBX|1|NM|HEM||0\rSAC|||C1\r"
                                                                         "OBR|1|W1||GLU|||20260101\rORC|OK||||CM\rOBX|1|NM|GLU||5.4|mmol/L|||||F\r"
                                                                         "SPM|2|Q1||SER|||||||Q\rSAC|||C2\rOBR|1|W9||GLU\rOBX|1|NM|GLU||4.0\r")));
    has(&k, "test.code=HEM; patient=P1; specimen=S1; specimen_role=P; value=0;");
    has(&k, "test.code=GLU; patient=P1; specimen=S1; order=W1; container=C1; specimen_role=P; value=5.4; value_type=NM; units=mmol/L; status=F; "
            "observed_at=2026-01-01; material=blood\n");
    has(&k, "test.code=GLU; patient=P1; specimen=Q1; order=W9; container=C2; specimen_role=Q; value=4.0;");
    has_not(&k, "test.code=WEIGHT"); /* told with an order: nobody's result */
    assert_int_equal(k.stats.results, 3);
    has_not(&k, "middleware");
    collect_close(&k);
}

#define PDF "JVBERi0xLjQKMSAwIG9iago8PCA+PgplbmRvYmoKdHJhaWxlcgo8PCA+PgolJUVPRgo=" /* 50 bytes */

static void documents(void **state)
{
    (void)state;
    struct collect k;
    stream(&k, SPAN_LIT(BLOCK(HEAD("ORU^R01", "1") "\rPID|||P1\r"
                                                   "OBX|1|ED|D1||LAB^application^pdf^Base64^" PDF "\r"
                                                   "OBX|2|ED|D2||^AP^jpeg^Base64^" PDF "\r"
                                                   "OBX|3|ED|D3||^TEXT^^A^plain words of a report, as they are\r"
                                                   "OBX|4|RP|D4||\\\\server\\x.pdf^viewer^Application^PDF\r"
                                                   "OBX|5|TX|D5||" PDF "\r"
                                                   "OBX|6|TX|D6||JVBERi of this text is no document, whatever it begins with, and however long\r"
                                                   "OBX|7|ED|D7||^^^Hex^89504e470d0a1a0a\r"
                                                   "OBX|8|NM|D8||1\r")));
    has(&k, "value_type=ED; document.type=pdf; document.declared=pdf; document.bytes=50\n");
    has(&k, "value_type=ED; document.type=pdf; document.declared=jpeg; document.bytes=50\n");
    has(&k, "value_type=ED; document.type=text; document.declared=TEXT; document.bytes=36\n");
    has(&k, "value_type=RP; document.type=reference; document.declared=PDF\n");
    has(&k, "value_type=TX; document.type=pdf; document.bytes=50\n");
    has(&k, "value_type=TX\n");
    has(&k, "value_type=ED; document.type=png; document.bytes=8\n");
    has(&k, "value=1; value_type=NM\n");
    collect_close(&k);
    /* in a message that tells no results, the document is the message's */
    stream(&k, SPAN_LIT(BLOCK(HEAD("MDM^T02", "1") "\rPID|||P1\rTXA|1\rOBX|1|ED|D1||^application^pdf^Base64^" PDF "\r")));
    has(&k, "results=0; patients=1; bytes=160; patient=P1; document.type=pdf; document.declared=pdf; document.bytes=50\n");
    collect_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(character_sets),
        cmocka_unit_test(wide_characters),
        cmocka_unit_test(numbered_tests),
        cmocka_unit_test(utf16),
        cmocka_unit_test(marked),
        cmocka_unit_test(escaped_names),
        cmocka_unit_test(forms_of_headers),
        cmocka_unit_test(batches),
        cmocka_unit_test(segments_joined),
        cmocka_unit_test(messages_continued),
        cmocka_unit_test(endless_continuation),
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(law),
        cmocka_unit_test(documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
