#include "../cmocka_all.h"

#include "base/json.h"
#include "lab/catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>

static struct catalog *shipped(void)
{
    struct error e = {0};
    struct catalog *c = catalog_new(&e);
    if (c == NULL)
        fail_msg("%s", e.text);
    return c;
}

/* ── the files that come with the program ── */

static bool has(const struct catalog *c, const struct catalog_entry *entry, enum catalog_key key)
{
    for (size_t i = 0; i < entry->lines; i++)
        if (catalog_lines(c, entry)[i].key == key)
            return true;
    return false;
}

static bool is_maker(const struct catalog *c, struct span name)
{
    for (size_t i = 0; i < catalog_count(c); i++)
        if (catalog_at(c, i)->model.n == 0 && span_equal(catalog_at(c, i)->maker, name))
            return true;
    return false;
}

static void test_shipped(void **state)
{
    (void)state;
    struct catalog *c = shipped();
    size_t models = 0;
    size_t makers = 0;
    size_t forms = 0;
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct catalog_entry *entry = catalog_at(c, i);
        assert_false(entry->replaced || entry->own);
        makers += entry->model.n == 0;
        if (entry->model.n == 0) { /* a block is of nobody without a registry */
            assert_true(!has(c, entry, CATALOG_MAC) || has(c, entry, CATALOG_SOURCE));
            assert_int_equal(entry->of, i); /* a maker is in one place */
            continue;
        }
        models++;
        for (size_t k = 0; k < entry->lines; k++)
            if (catalog_lines(c, entry)[k].key == CATALOG_BUILT_BY)
                assert_true(is_maker(c, catalog_lines(c, entry)[k].value));
        forms += has(c, entry, CATALOG_SAID);
        if (entry->sure != CATALOG_UNVERIFIED)
            assert_true(has(c, entry, CATALOG_SOURCE));
        assert_true(entry->sure != CATALOG_UNVERIFIED || !has(c, entry, CATALOG_SAID)); /* a form that nobody has seen is none */
        for (size_t j = 0; j < i; j++)
            assert_false(span_equal(entry->id, catalog_at(c, j)->id));
    }
    assert_true(models >= 200 && makers >= 60 && forms >= 35);
    catalog_free(c);
}

static bool is_pattern(struct span name)
{
    return span_find(&name, '*') < name.n || span_find(&name, '#') < name.n;
}

/* What a name says, alone and behind its maker's, must not name another model as surely. */
static void name_is_of(const struct catalog *c, const struct catalog_entry *entry, struct span name, bool alone)
{
    struct catalog_piece p = {.source = SPAN_LIT("astm.h"), .said_n = 1, .said = {name}};
    struct catalog_candidate out[4];
    if (!alone) {
        p.said_n = 2;
        p.said[0] = entry->maker;
        p.said[1] = name;
    }
    size_t n = catalog_match(c, &(struct catalog_evidence){.pieces = &p, .n = 1}, out, 4);
    for (size_t i = 0; i < n; i++)
        if (out[i].entry->model.n > 0 && !span_equal(out[i].entry->id, entry->id) && (out[i].confidence >= 60 || i == 0))
            fail_msg("'%.*s' is of %.*s, and names %.*s", (int)name.n, (const char *)name.p, (int)entry->id.n, (const char *)entry->id.p,
                     (int)out[i].entry->id.n, (const char *)out[i].entry->id.p);
    if (n == 0 || (entry->sure != CATALOG_UNVERIFIED && out[0].entry->model.n == 0))
        fail_msg("'%.*s' does not name %.*s", (int)name.n, (const char *)name.p, (int)entry->id.n, (const char *)entry->id.p);
    for (size_t i = 0; i < n; i++)
        assert_true(out[i].confidence < 60 || out[i].entry->sure != CATALOG_UNVERIFIED);
}

static void test_names_are_unique(void **state)
{
    (void)state;
    struct catalog *c = shipped();
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct catalog_entry *entry = catalog_at(c, i);
        for (size_t k = 0; entry->model.n > 0 && k < entry->lines; k++) {
            const struct catalog_line *line = &catalog_lines(c, entry)[k];
            if ((line->key != CATALOG_NAME && line->key != CATALOG_COMMON_NAME) || is_pattern(line->value))
                continue;
            if (line->key == CATALOG_NAME)
                name_is_of(c, entry, line->value, true);
            name_is_of(c, entry, line->value, false);
        }
    }
    catalog_free(c);
}

/* ── reading ── */

#define HEAD "maker: Acme\nname: Acme Diagnostics\nmac: 00-06-6B Acme Inc\n\n"
#define ENTRY HEAD "model: X-100\nid: acme-x\nclass: chemistry\nsource: a manual\nsure: seen\n"

static const struct {
    const char *text;
    const char *error; /* NULL: good */
} readings[] = {
    {"", NULL},
    {"# nothing\n\n", NULL},
    {ENTRY, NULL},
    {"maker: Acme\r\nmodel: X-100\r\nid: acme-x\r\nclass: chemistry\r\nsure: unverified\r\n", NULL},
    {ENTRY "said: astm <any>^Acme^<model:X-###>^<software>\n", NULL},
    {"model: X\n", "f:1:1: a model needs a line \"maker: …\" above it"},
    {"id: acme-x\n", "f:1:1: expected a line \"maker: …\" first"},
    {"maker\n", "f:1:1: expected \"key: value\""},
    {"maker:  \n", "f:1:1: expected \"key: value\""},
    {ENTRY "colour: red\n", "f:10:1: unknown key \"colour\"; docs/formats/catalog.md has them all"},
    {ENTRY "class: chemistry\n", "f:10:1: \"class\" is given twice in this entry"},
    {ENTRY "mac: 00-06-6B\n", "f:10:1: \"mac\" belongs to a maker"},
    {HEAD "id: x\n", "f:5:1: \"id\" belongs to a model"},
    {HEAD "mac: 00-06-6\n",
     "f:5:6: mac: expected a block of 24, 28 or 36 bits, as in 00-06-6B, 78-D4-F1-D or 70-B3-D5-36-A, and to whom it is registered"},
    {HEAD "model: X\nclass: chemistry\nsure: seen\nsource: a\n", "f:5:1: this entry has no id"},
    {HEAD "model: X\nid: x\nsure: seen\nsource: a\n", "f:5:1: this entry has no class"},
    {HEAD "model: X\nid: x\nclass: lis\nsource: a\n", "f:5:1: this entry has no sure (how sure it is: seen, second-hand or unverified)"},
    {HEAD "model: X\nid: x\nclass: lis\nsure: seen\n", "f:5:1: this entry has no source; without one it is \"sure: unverified\""},
    {ENTRY "\nmodel: Y\nid: acme-x\n", "f:12:5: the id \"acme-x\" is taken by another entry"},
    {HEAD "model: X\nid: Acme X\n", "f:6:5: id: expected at most 60 small letters, digits and hyphens, as in sysmex-xp-100"},
    {HEAD "model: X\nclass: analyser\n", "f:6:8: class: expected a class of docs/formats/catalog.md, as in chemistry or terminal-server"},
    {ENTRY "port: 70000\n", "f:10:7: port: expected a port from 1 to 65535, and what it is, as in 4001 serial data"},
    {ENTRY "name: X-1\n",
     "f:10:7: name: expected at least four letters or digits (a shorter name is a common-name: it counts only beside the maker's)"},
    {ENTRY "said: astm <any>^<serial>\n", "f:10:12: said: expected at least one fixed text: a form of captures fits everything"},
    {ENTRY "said: astm Acme^<size>\n", "f:10:17: said: expected <any>, <model>, <serial> or <software>"},
    {ENTRY "said: astm Acme^<a^b>\n", "f:10:17: said: expected one <name> or <name:pattern> a component"},
    {ENTRY "said: x25 Acme\n", "f:10:7: said: expected astm, hl7 or poct1a and a form, as in astm XP-100^<software>^^^^<serial>"},
    {ENTRY "built-by: Nobody\n", "f:10:11: built-by: there is no maker of this name above or in another file"},
    {ENTRY "note: a\033[2J\n", "f:10:8: a control character"},
};

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct error e = {0};
        struct catalog *c = catalog_empty(&e);
        int rc = catalog_add(c, span_str(readings[i].text), "f", true, &e);
        if (readings[i].error == NULL ? rc != 0 : rc == 0 || strcmp(e.text, readings[i].error) != 0)
            fail_msg("reading %zu: %s", i, e.text);
        assert_true(rc == 0 || (catalog_count(c) == 0 && e.class == ERR_MISUSE));
        catalog_free(c);
    }
}

static void test_long_line_and_file(void **state)
{
    (void)state;
    struct error e = {0};
    struct catalog *c = catalog_empty(&e);
    struct buf text = BUF_INIT(2 * CATALOG_FILE_BYTES);
    buf_add_str(&text, "# ");
    while (text.n <= CATALOG_LINE)
        buf_u8(&text, 'x');
    assert_int_equal(catalog_add(c, buf_span(&text), "f", true, &e), -1);
    assert_string_equal(e.text, "f:1:1: a line of over 1024 bytes");
    while (text.n <= CATALOG_FILE_BYTES)
        buf_add_str(&text, "\n# more");
    assert_int_equal(catalog_add(c, buf_span(&text), "f", true, &e), -1);
    assert_string_equal(e.text, "f:1:1: over 1048576 bytes; part it into several files");
    buf_release(&text);
    catalog_free(c);
}

/* ── comparing ── */

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {{"BC-5380", "bc5380", true},
                {"XN-####", "XN-1000", true},
                {"XN-####", "XN-550", false},
                {"XN-###", "XN-1000", false},
                {"", "", true},
                {"*", "", true},
                {"ABL80 *", "ABL80 BASIC", true},
                {"ABL80", "ABL80 BASIC", false},
                {"*Mirth Connect*", "x MIRTH-connect y", true},
                {"cobas e 411", "cobas-e411", true},
                {"BC-20*", "BC-20s", true},
                {"BC-20*", "BC-2000", false},
                {"BC-20*", "BC-20", true},
                {"ZD###*", "ZD420-203dpi", true},
                {"ABL8##*", "ABL8355", false},
                {"a*b*c", "aXbYbZc", true},
                {"a*b*c", "aXbYbZ", false},
                {"#", "a", false},
                {"- -", "", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (catalog_glob(span_str(rows[i].pattern), span_str(rows[i].text)) != rows[i].fits)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

/* ── matching ── */

/* What the events say → the candidates as "id or maker confidence serial software", each but the first behind a "; ". */
static void tell(const struct catalog *c, const char *const *events, size_t n, const uint16_t *ports, size_t ports_n, char *out, size_t size)
{
    struct catalog_piece pieces[4];
    struct catalog_candidate found[4];
    for (size_t i = 0; i < n; i++)
        assert_true(catalog_piece_read(&pieces[i], (struct span){0}, span_str(events[i])));
    size_t k = catalog_match(c, &(struct catalog_evidence){.pieces = pieces, .n = n, .ports = ports, .ports_n = ports_n}, found, 4);
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < k && used < size; i++) {
        const struct catalog_candidate *f = &found[i];
        struct span name = f->entry->model.n > 0 ? f->entry->id : f->maker;
        used += (size_t)snprintf(out + used, size - used, "%s%.*s %d", i > 0 ? "; " : "", (int)name.n, (const char *)name.p, f->confidence);
        if (f->serial.n > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, " serial=%.*s", (int)f->serial.n, (const char *)f->serial.p);
        if (f->software.n > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, " software=%.*s", (int)f->software.n, (const char *)f->software.p);
    }
}

#define ASTM(...) "{\"source\":\"astm.h\",\"said\":[" __VA_ARGS__ "]}"
#define HL7(facility, ...) "{\"source\":\"hl7.msh\",\"facility\":\"" facility "\",\"said\":[" __VA_ARGS__ "]}"
#define TOKEN "\"T-jnyvi2763mbaqemx\""

static const struct {
    const char *events[3];
    uint16_t port;
    const char *expected;
} matches[] = {
    /* forms */
    {{ASTM("\"SENAITE\",\"Roche\",\"c111\",\"4.2.2.1730\",\"1\",\"13147\"")}, 0, "roche-cobas-c-111 95 serial=13147 software=4.2.2.1730"},
    {{ASTM("\"XP-100\",\"00-13\",\"\",\"\",\"\",\"A7869\"," TOKEN)}, 0, "sysmex-xp 95 serial=A7869 software=00-13"},
    {{ASTM("\"XN-550\",\"00-27\"," TOKEN)}, 0, "sysmex-xn-l 95 serial=T-jnyvi2763mbaqemx software=00-27"},
    {{ASTM("\"xn-1000\",\"00-27\",\"20557\"")}, 0, "sysmex-xn 95 serial=20557 software=00-27"},
    {{ASTM(TOKEN ",\"GeneXpert\",\"4.8\"")}, 0, "cepheid-genexpert 95 software=4.8"},
    {{HL7("", "\"LAB 7\",\"GeneXpert\",\"Dx4.8\"")}, 0, "cepheid-genexpert 95 software=4.8"},
    {{ASTM("\"OCD\",\"VISION\",\"5.14.0\",\"J6000\"")}, 0, "ortho-vision 95 serial=J6000 software=5.14.0"},
    {{ASTM("\"LIAISONXL\"")}, 0, "diasorin-liaison-xl 75"},
    {{HL7("BC-5380", "\"MINDRAY\"")}, 0, "mindray-bc-5380 85"},
    {{"{\"source\":\"poct1a.hel\",\"maker\":\"Nova Biomedical\",\"model\":\"StatStrip\",\"serial\":\"77\"}"}, 0, "nova-statstrip 95 serial=77"},
    /* its own words */
    {{ASTM("\"Sysmex\",\"XN-1000\",\"V1.0\"")}, 0, "sysmex-xn 80"},
    {{HL7("LAB", "\"SYSMEX XN-L\"")}, 0, "sysmex-xn-l 80"},
    {{HL7("CEPHEID", "\"GENEXPERT\"")}, 0, "cepheid-genexpert 80"},
    {{HL7("LAB", "\"ARCHITECT\"")}, 0, "abbott-architect 70"},
    {{ASTM("\"Sysmex\",\"Legacy\",\"V2.0\"")}, 0, "Sysmex 65"},
    /* names that collide, names that the site sets, names that are not ours */
    {{ASTM("\"Becton Dickinson\"")}, 0, "BD 60"},
    {{ASTM("\"H7600\",\"1\"")}, 0, "roche-hitachi-7600 60"},
    {{HL7("Gateway", "\"Mindray\"")}, 0, "mindray-gateway 85"},
    {{HL7("", "\"Mindray\"")}, 0, "Mindray 60"},
    {{HL7("BC-2000", "\"Mindray\"")}, 0, "mindray-bc-2000 80"},
    {{HL7("LAB", "\"MINDRAY BS-999\"")}, 0, "Mindray 60"},
    {{HL7("Abbott 3", "\"LIS\"")}, 0, "Abbott 45"},
    {{ASTM("\"ABX\"")}, 0, "HORIBA 65"},
    {{ASTM("\"ABX\",\"MICROS60\",\"V1.5\"")}, 0, "horiba-micros-60 80"},
    {{ASTM("\"Beckman\",\"AU5800\",\"V2.1\"")}, 0, "beckman-coulter-au5800 80"},
    {{ASTM("\"Siemens\",\"Dimension Vista 500\"")}, 0, "Siemens Healthineers 65; siemens-healthineers-dimension-vista 55"},
    {{ASTM("\"IMMUNO-GAMMA\",\"i2000\"")}, 0, ""},
    {{ASTM("\"HEMA-BETA\",\"XN-1000\"")}, 0, ""},
    {{ASTM("\"Abbott\",\"XN-1000\"")}, 0, "Abbott 65"},
    {{HL7("LAB", "\"VISION\"")}, 0, ""},
    {{HL7("LAB", "\"PANTHER\"")}, 0, ""},
    {{HL7("Abbott Northwestern", "\"LIS\"")}, 0, ""},
    {{HL7("ABBOTT", "\"LIS\"")}, 0, "Abbott 45"},
    {{ASTM("\"LIS\"")}, 0, ""},
    {{ASTM("\"European\",\"Analyzer\",\"V3.0\"")}, 0, ""},
    {{ASTM(TOKEN "," TOKEN)}, 0, ""},
    /* network cards and ports */
    {{"{\"source\":\"arp\",\"mac\":\"00:06:6b:01:02:03\"}"}, 0, "Sysmex 40"},
    {{"{\"source\":\"arp\",\"mac\":\"02:06:6b:01:02:03\"}"}, 0, ""}, /* given out on the site */
    {{"{\"source\":\"ip\",\"mac\":\"00:06:6b:01:02:03\"}"}, 0, ""},  /* may be a router's */
    {{"{\"source\":\"arp\",\"mac\":\"70:b3:d5:36:a0:01\"}"}, 0, "BD 40"},
    {{"{\"source\":\"arp\",\"mac\":\"70:b3:d5:36:b0:01\"}"}, 0, ""}, /* the next block is another's */
    {{"{\"source\":\"arp\",\"mac\":\"00:90:e8:01:02:03\"}"}, 4001, "moxa-nport-5110 50"},
    {{"{\"source\":\"arp\",\"mac\":\"00:90:e8:01:02:03\"}"}, 0, "Moxa 40"},
    {{"{\"source\":\"http\",\"software\":\"nginx\"}"}, 4001, ""}, /* a port alone is no evidence */
    {{ASTM("\"XP-100\",\"00-13\""), "{\"source\":\"arp\",\"mac\":\"00:06:6b:01:02:03\"}"}, 0, "sysmex-xp 98 software=00-13"},
    {{ASTM("\"XP-100\",\"00-13\""), "{\"source\":\"arp\",\"mac\":\"00:90:e8:01:02:03\"}"}, 0, "sysmex-xp 90 software=00-13; Moxa 40"},
    {{ASTM("\"cobas6000\",\"1\""), "{\"source\":\"arp\",\"mac\":\"dc:17:5a:01:02:03\"}"}, 0, "roche-cobas-6000 98; Hitachi High-Tech 40"},
    /* several analyzers behind one address */
    {{ASTM("\"XP-100\",\"00-13\",\"\",\"\",\"\",\"A7869\""), ASTM("\"CS-2500\",\"00-22\",\"11\"")},
     0,
     "sysmex-xp 95 serial=A7869 software=00-13; sysmex-cs-2500 95 serial=11 software=00-22"},
    /* what services show */
    {{"{\"source\":\"snmp\",\"software\":\"Lantronix XPort V6.10\"}"}, 0, "lantronix-xport 80"},
    {{"{\"source\":\"http\",\"software\":\"Mirth Connect Administrator\"}"}, 0, "nextgen-mirth-connect 80"},
    {{"{\"source\":\"zpl\",\"maker\":\"Zebra\",\"model\":\"ZD420-203dpi\",\"role\":\"printer\"}"}, 0, "zebra-label-printer 70"},
    {{"{\"source\":\"upnp\",\"maker\":\"Moxa\",\"model\":\"NPort 5110A\",\"serial\":\"77\"}"}, 0, "moxa-nport-5110 80 serial=77"},
    {{"{\"source\":\"snmp\",\"maker\":\"Lantronix\"}"}, 0, "Lantronix 65"},
    {{"{\"source\":\"dhcp\",\"hostname\":\"XN1000-IPU\"}"}, 0, "sysmex-xn 45"},
    {{"{\"source\":\"dhcp\",\"hostname\":\"reception-pc\"}"}, 0, ""},
};

static void test_matches(void **state)
{
    (void)state;
    struct catalog *c = shipped();
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
        char told[512];
        size_t n = 0;
        while (n < 3 && matches[i].events[n] != NULL)
            n++;
        tell(c, matches[i].events, n, &matches[i].port, matches[i].port != 0, told, sizeof told);
        if (strcmp(told, matches[i].expected) != 0)
            fail_msg("%s\n  told:     %s\n  expected: %s", matches[i].events[0], told, matches[i].expected);
    }
    catalog_free(c);
}

static void test_own_entries_win(void **state)
{
    (void)state;
    static const char own[] = "maker: Roche\nmodel: cobas 6000 in room 2\nid: our-6000\nclass: chemistry\nsaid: astm CHEM1\nsource: us\nsure: seen\n"
                              "\nmaker: Our own\nmodel: the old XP\nid: sysmex-xp\nclass: haematology\nsaid: astm XP-100\nsource: us\nsure: seen\n"
                              "\nmodel: a test bench\nid: our-bench\nclass: other\nsaid: astm CS-2500\nsource: us\nsure: seen\n";
    struct error e = {0};
    char told[512];
    struct catalog *c = shipped();
    size_t before = catalog_count(c);
    assert_int_equal(catalog_add(c, SPAN_LIT("maker: Our own\nmodel: the old XP\nid: sysmex-xp\nclass: no\n"), "bad", true, &e), -1);
    assert_int_equal(catalog_count(c), before);
    tell(c, (const char *const[]){ASTM("\"XP-100\"")}, 1, NULL, 0, told, sizeof told); /* ours is back */
    assert_string_equal(told, "sysmex-xp 85");
    assert_int_equal(catalog_add(c, span_str(own), "own", true, &e), 0);
    tell(c, (const char *const[]){ASTM("\"CHEM1\"")}, 1, NULL, 0, told, sizeof told);
    assert_string_equal(told, "our-6000 85");
    tell(c, (const char *const[]){ASTM("\"XP-300\",\"00-13\"")}, 1, NULL, 0, told, sizeof told); /* replaced as a whole */
    assert_string_equal(told, "");
    tell(c, (const char *const[]){ASTM("\"CS-2500\",\"00-22\",\"11\"")}, 1, NULL, 0, told, sizeof told);
    assert_string_equal(told, "our-bench 85");
    catalog_free(c);
}

static void test_words_and_json(void **state)
{
    (void)state;
    struct catalog *c = shipped();
    struct catalog_piece p;
    struct catalog_candidate k[2];
    assert_true(catalog_piece_read(&p, SPAN_LIT("astm.h"), SPAN_LIT("{\"said\":[\"x\",\"Roche\",\"c111\",\"4.2\",\"1\",\"13147\"]}")));
    assert_int_equal(catalog_match(c, &(struct catalog_evidence){.pieces = &p, .n = 1}, k, 2), 1);
    struct buf out = BUF_INIT(4096);
    catalog_candidate_json(&out, &k[0]);
    assert_string_equal(buf_text(&out),
                        "{\"id\":\"roche-cobas-c-111\",\"maker\":\"Roche\",\"model\":\"cobas c 111\",\"class\":\"chemistry\",\"role\":\"analyzer\","
                        "\"confidence\":95,\"basis\":\"seen\",\"sure\":\"seen\",\"serial\":\"13147\",\"software\":\"4.2\","
                        "\"reasons\":[\"Calls itself 'c111' in the ASTM header record, in the form that Roche fixes.\"]}");
    buf_release(&out);
    assert_false(catalog_piece_read(&p, (struct span){0}, SPAN_LIT("[1]")));
    assert_false(catalog_piece_read(&p, (struct span){0}, SPAN_LIT("{")));
    catalog_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_long_line_and_file),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_own_entries_win),
        cmocka_unit_test(test_words_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
