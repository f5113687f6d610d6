/* Lists of devices: reading what spreadsheets write, what a list would change, and lists and bills of materials that go out. */
#include "feed.h"

#include "lab/inventory/asset.h"
#include "lab/inventory/import.h"
#include "lab/inventory/sheet.h"

#include <jansson.h>

/* Rows as "line:cell|cell", flaws as "line:!column". */
static const char *read_all(const char *text, size_t n)
{
    static char out[4096];
    struct sheet s;
    struct sheet_row row;
    size_t at = 0;
    out[0] = 0;
    assert_true(sheet_open(&s, span_of(text, n)));
    while (sheet_next(&s, &row)) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%u:", at > 0 ? " " : "", row.line);
        if (row.flaw != NULL)
            at += (size_t)snprintf(out + at, sizeof out - at, "!%zu", row.flaw_column);
        for (size_t i = 0; i < row.n && row.flaw == NULL; i++)
            at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s", i > 0 ? "|" : "", (int)row.cells[i].n, (const char *)row.cells[i].p);
    }
    sheet_close(&s);
    return out;
}

#define READS(text, expected) assert_string_equal(read_all(text, sizeof(text) - 1), expected)

static void lists_of_all_sorts_are_read(void **state)
{
    (void)state;
    READS("", "");
    READS("\r\n\n\r", "");
    READS("a,b\r\nc,d\r\n", "1:a|b 2:c|d");
    READS("a,b\rc,d", "1:a|b 2:c|d");
    READS("\xef\xbb\xbf"
          "a;b\nc;d,e\n",
          "1:a|b 2:c|d,e");
    READS("a\tb\n1\t2", "1:a|b 2:1|2");
    READS("a,,\n,,b\n", "1:a|| 2:||b");
    READS("\"a, b\",\"say \"\"x\"\"\"\n\"two\nlines\", end \n", "1:a, b|say \"x\" 2:two\nlines|end");
    READS("M\xfcller,caf\xe9\n", "1:Müller|café"); /* ISO 8859-1 */
    READS("Müller,x\n", "1:Müller|x");
    READS("'=1+1,'-5,'plain,'\n", "1:=1+1|-5|'plain|'");
    READS("a,\"open\nb,c\n", "1:!2");
    READS("a,\"b\"c\n", "1:a|bc");
}

static void what_is_too_long_is_a_flaw_of_its_row(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1u << 20);
    for (int i = 0; i < SHEET_CELL + 1; i++)
        buf_u8(&text, 'x');
    buf_add_str(&text, ",b\nc\n");
    for (int i = 0; i < SHEET_COLUMNS; i++)
        buf_add_str(&text, "1,");
    buf_add_str(&text, "2\nd\n");
    assert_string_equal(read_all((const char *)text.p, text.n), "1:!1 2:c 3:!65 4:d");
    buf_release(&text);
}

static void formulas_are_written_as_text(void **state)
{
    (void)state;
    static const char *const cells[][2] = {{"plain", "plain"},
                                           {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
                                           {"+1", "'+1"},
                                           {"-1", "'-1"},
                                           {"@SUM(A1)", "'@SUM(A1)"},
                                           {"＝1+1", "'＝1+1"},
                                           {"'=1+1", "''=1+1"},
                                           {"'tis", "'tis"},
                                           {"a\"b", "\"a\"\"b\""},
                                           {"a,b", "\"a,b\""},
                                           {"=1,2", "\"'=1,2\""},
                                           {"", ""},
                                           {" x", "\" x\""}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct buf out = BUF_INIT(256);
        sheet_write(&out, span_str(cells[i][0]));
        assert_string_equal(buf_text(&out), cells[i][1]);
        buf_release(&out);
    }
}

/* ── plans ── */

static void feed_devices(struct feed *f)
{
    feed_event(
        f, 1, "asset.evidence",
        "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:55\",\"hostname\":\"chem2\",\"model\":\"C-800\",\"serial\":\"S100\",\"source\":\"dhcp\"");
    feed_event(f, 2, "asset.evidence", "\"ip\":\"10.0.5.8\",\"mac\":\"00:11:22:33:44:66\",\"hostname\":\"chem3\",\"source\":\"dhcp\"");
}

static struct import_plan *plan_of(struct feed *f, const char *text)
{
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    struct import_plan *p = import_plan_make(f->reader, span_str(text), &e);
    store_look_end(f->reader);
    if (p == NULL)
        fail_msg("%s", e.text);
    return p;
}

static const char *actions(const struct import_plan *p)
{
    static char out[512];
    out[0] = 0;
    for (size_t i = 0; i < p->n; i++)
        (void)snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i > 0 ? " " : "", import_action_name(p->rows[i].action));
    return out;
}

static bool row_says(const struct import_plan *p, size_t i, const char *text)
{
    return memmem(p->texts.p + p->rows[i].at, p->rows[i].n, text, strlen(text)) != NULL ||
           (p->rows[i].why != NULL && strstr(p->rows[i].why, text) != NULL);
}

static void a_plan_says_what_would_change(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_devices(&f);
    struct import_plan *p = plan_of(&f, "Device Name;IP address;MAC-Address;Serial No.;Location;Criticality;Colour\r\n"
                                        "Chem 2;10.0.5.7;;;Room 4;high;red\r\n" /* change */
                                        ";;00-11-22-33-44-66;;;;\r\n"           /* same */
                                        "Fridge;10.0.9.9;;;Cellar;low;\r\n"     /* create */
                                        "X;10.0.5.7;0011.2233.4466;;;;\r\n"     /* two devices */
                                        "Y;10.0.5.300;;;;;\r\n"                 /* no address */
                                        "Z;;;;;enormous;\r\n"                   /* no such level */
                                        ";;;;Cellar;;\r\n"                      /* nothing to know it by */
                                        "Fridge;;;;;;\r\n"                      /* the new one again */
                                        "Other;;;S100;;;\r\n");                 /* the first one again, by its serial number */
    assert_string_equal(actions(p), "change same create ambiguous error error error ambiguous ambiguous");
    assert_true(row_says(p, 0,
                         "\"changes\":[{\"field\":\"name\",\"from\":null,\"to\":\"Chem 2\"},{\"field\":\"place\",\"from\":null,\"to\":\"Room 4\"},"
                         "{\"field\":\"criticality\",\"from\":null,\"to\":\"high\"}]"));
    assert_true(row_says(p, 2, "\"line\":4,\"action\":\"create\",\"device\":null,\"title\":\"Fridge\""));
    assert_true(row_says(p, 3, "\"candidates\":[{\"id\":"));
    assert_true(row_says(p, 4, "\"column\":2"));
    assert_true(row_says(p, 5, "\"column\":6"));
    assert_true(row_says(p, 5, "Criticality is low, medium, high or critical."));
    assert_true(span_is(buf_span(&p->columns), "[\"name\",\"ip\",\"mac\",\"serial\",\"place\",\"criticality\",null]"));
    assert_int_equal(p->counts[IMPORT_CREATE] + p->counts[IMPORT_CHANGE], 2);
    import_plan_free(p);
    feed_free(&f);
}

static const char *shown(struct feed *f, const char *file, size_t n)
{
    static char out[4096];
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    struct import_plan *p = import_plan_make(f->reader, span_of(file, n), &e);
    store_look_end(f->reader);
    (void)snprintf(out, sizeof out, "%s", p != NULL ? buf_text(&p->texts) : e.text);
    for (size_t i = 0; p != NULL && i < p->n; i++)
        (void)snprintf(out + strlen(out), sizeof out - strlen(out), "\n%s", p->rows[i].why != NULL ? p->rows[i].why : "");
    import_plan_free(p);
    return out;
}

static void addresses_are_compared_however_they_are_written(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"fd00::1f\",\"source\":\"http\",\"hostname\":\"one\"");
    static const char upper[] = "ip,owner\nFD00:0:0::001F,Ana\n";
    assert_non_null(strstr(shown(&f, upper, sizeof upper - 1), "\"action\":\"change\""));
    static const char twice[] = "ip,mac,name\n10.0.9.1 10.0.9.2,00-11-22-33-44-55,A\n10.0.9.2,,B\n";
    const char *plan = shown(&f, twice, sizeof twice - 1);
    assert_non_null(strstr(plan, "names the same new device"));
    assert_non_null(strstr(plan, "{\"ip\":\"10.0.9.1 10.0.9.2\",\"mac\":\"00:11:22:33:44:55\""));
    feed_event(&f, 2, "asset.imported", "\"rows\":[\"{\\\"ip\\\":\\\"10.0.9.1 10.0.9.2\\\",\\\"name\\\":\\\"A\\\"}\"]");
    assert_string_equal(ask(&f, "SELECT group_concat(value) FROM asset_address WHERE asset = 2"), "10.0.9.1,10.0.9.2");
    feed_free(&f);
}

static void what_is_no_text_is_no_list(void **state)
{
    (void)state;
    struct feed f = feed_new();
    static const char wide[] = "\xff\xfen\0a\0m\0e\0\n\0A\0";
    assert_non_null(strstr(shown(&f, wide, sizeof wide - 1), "save it as CSV"));
    static const char zero[] = "name,ip\n\"A\0B,\n";
    assert_non_null(strstr(shown(&f, zero, sizeof zero - 1), "save it as CSV"));
    feed_free(&f);
}

static void a_token_is_of_this_file_on_this_state(void **state)
{
    (void)state;
    static const char list[] = "name,ip\nChem 2,10.0.5.7\n";
    struct feed f = feed_new();
    feed_devices(&f);
    struct import_plan *a = plan_of(&f, list);
    feed_event(&f, 5, "flow.closed", FLOW("10.0.5.7", "10.0.5.8") ",\"packets\":4,\"bytes_up\":1,\"bytes_down\":1,\"app\":\"x\"");
    struct import_plan *b = plan_of(&f, list); /* traffic goes on: nothing that the list says */
    struct import_plan *other = plan_of(&f, "name,ip\nChem 3,10.0.5.7\n");
    assert_string_equal(a->token, b->token);
    assert_string_not_equal(a->token, other->token);
    feed_event(&f, 6, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:66\",\"source\":\"arp\""); /* now another device's address */
    struct import_plan *later = plan_of(&f, list);
    assert_string_not_equal(a->token, later->token);
    import_plan_free(a);
    import_plan_free(b);
    import_plan_free(other);
    import_plan_free(later);
    feed_free(&f);
}

static void a_list_needs_a_header(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    static const char *const lists[] = {"", "\n", "red,green\n1,2\n", "\"name\n"};
    for (size_t i = 0; i < 4; i++) {
        assert_null(import_plan_make(f.reader, span_str(lists[i]), &e));
        assert_int_equal(e.class, ERR_MISUSE);
    }
    feed_free(&f);
}

static void ten_thousand_rows_and_no_more(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct buf list = BUF_INIT(1u << 20);
    buf_add_str(&list, "name,ip,place\n");
    for (int i = 0; i < 10005; i++)
        buf_addf(&list, "Device %d,10.%d.%d.%d,Room %d\n", i, i / 40000, i / 200 % 200, 1 + i % 200, i % 50);
    assert_true(buf_ok(&list));
    struct import_plan *p = plan_of(&f, buf_text(&list));
    assert_int_equal(p->n, IMPORT_LIST_ROWS + 1);
    assert_int_equal(p->counts[IMPORT_CREATE], IMPORT_LIST_ROWS);
    assert_true(row_says(p, IMPORT_LIST_ROWS, "at most 10,000 rows"));
    import_plan_free(p);
    buf_release(&list);
    feed_free(&f);
}

/* ── going out ── */

static void what_goes_out_comes_back_unchanged(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    feed_devices(&f);
    char rest[512];
    (void)snprintf(rest, sizeof rest,
                   "\"asset\":\"%s\",\"edits\":[\"owner==HYPERLINK(1)\",\"place=Room 4, left\",\"retired=true\",\"name=Müller \\\"A\\\"\"]",
                   ask(&f, "SELECT id FROM asset"));
    feed_event(&f, 3, "asset.edited", rest);
    struct buf out = BUF_INIT(1u << 20);
    assert_int_equal(store_look(f.reader, &e), 0);
    assert_int_equal(export_csv(f.reader, &out, &e), 0);
    store_look_end(f.reader);
    assert_non_null(strstr(buf_text(&out), ",'=HYPERLINK(1),\"Room 4, left\","));
    struct import_plan *p = plan_of(&f, buf_text(&out));
    assert_string_equal(actions(p), "same same");
    import_plan_free(p);
    buf_release(&out);
    feed_free(&f);
}

static bool matches_urn(const char *text)
{
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text == NULL || strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i] != 0; i++)
        if (form[i] == 'x' && i >= 9 ? strchr("0123456789abcdef", text[i]) == NULL : text[i] != form[i])
            return false;
    return true;
}

static bool known_member(const char *key, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, list[i]) == 0)
            return true;
    return false;
}

/* The shape that the specification (bom-1.6.schema.json) asks of what is used here: required members, types, no others. */
static void check_component(const json_t *component)
{
    static const char *const members[] = {"type", "bom-ref", "manufacturer", "name", "version", "description", "components", "properties"};
    const char *key;
    json_t *value;
    size_t i;
    assert_string_equal(json_string_value(json_object_get(component, "type")), "device");
    assert_non_null(json_string_value(json_object_get(component, "name")));
    json_object_foreach((json_t *)(uintptr_t)component, key, value) assert_true(known_member(key, members, sizeof members / sizeof members[0]));
    json_t *maker = json_object_get(component, "manufacturer");
    assert_true(maker == NULL || json_is_string(json_object_get(maker, "name")));
    json_array_foreach(json_object_get(component, "properties"), i, value)
    {
        assert_int_equal(json_object_size(value), 2);
        assert_true(json_is_string(json_object_get(value, "name")) && json_is_string(json_object_get(value, "value")));
    }
}

static void a_bill_of_materials_has_the_shape_of_cyclonedx(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    feed_devices(&f);
    char *texts[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct buf out = BUF_INIT(1u << 20);
        assert_int_equal(store_look(f.reader, &e), 0);
        assert_int_equal(export_cyclonedx(f.reader, "main-street", &out, &e), 0);
        store_look_end(f.reader);
        texts[i] = strdup(buf_text(&out));
        buf_release(&out);
    }
    assert_string_equal(texts[0], texts[1]);
    json_t *bom = json_loads(texts[0], JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(bom);
    assert_string_equal(json_string_value(json_object_get(bom, "bomFormat")), "CycloneDX");
    assert_string_equal(json_string_value(json_object_get(bom, "specVersion")), "1.6");
    assert_true(matches_urn(json_string_value(json_object_get(bom, "serialNumber"))));
    assert_true(json_integer_value(json_object_get(bom, "version")) >= 1);
    tq_time time = 0;
    json_t *metadata = json_object_get(bom, "metadata");
    assert_true(time_parse(span_str(json_string_value(json_object_get(metadata, "timestamp"))), &time));
    assert_non_null(json_string_value(json_object_get(json_object_get(metadata, "component"), "type")));
    json_t *component;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(bom, "components")), 2);
    json_array_foreach(json_object_get(bom, "components"), i, component) check_component(component);
    json_decref(bom);
    free(texts[0]);
    free(texts[1]);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_all_sorts_are_read),
        cmocka_unit_test(what_is_too_long_is_a_flaw_of_its_row),
        cmocka_unit_test(formulas_are_written_as_text),
        cmocka_unit_test(a_plan_says_what_would_change),
        cmocka_unit_test(addresses_are_compared_however_they_are_written),
        cmocka_unit_test(what_is_no_text_is_no_list),
        cmocka_unit_test(a_token_is_of_this_file_on_this_state),
        cmocka_unit_test(a_list_needs_a_header),
        cmocka_unit_test(ten_thousand_rows_and_no_more),
        cmocka_unit_test(what_goes_out_comes_back_unchanged),
        cmocka_unit_test(a_bill_of_materials_has_the_shape_of_cyclonedx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
