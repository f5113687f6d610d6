/* The API of devices: what people see of them, say of them, and bring and take as lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper.h"

#include "door/api/api_private.h"
#include "door/api/certificate.h"

#define AGAIN "{\"password\":\"" KEEPER_PASSWORD "\"}" /* it is still the same person */

static void devices_are_named(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 200, "GET /api/v1/devices?q=c-800", NULL, NULL);
    SAYS(k, "\"total\":1");
    SAYS(k, "\"title\":\"Acme C-800\",\"role\":\"analyzer\",\"role_basis\":\"inferred\"");
    char path[128];
    char etag[32];
    (void)snprintf(path, sizeof path, "GET /api/v1/devices/%s", keeper_member(k, "id"));
    ASK(k, 200, path, NULL, NULL);
    SAYS(k, "{\"text\":\"Calls itself 'C-800' in the header of its HL7 messages.\",\"source\":\"hl7.msh\",\"time\":"
            "\"2026-11-22T14:00:00.000000000Z\",\"record\":2}");
    SAYS(k, "\"evidence\":[{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"source\":\"hl7.msh\",\"fields\":{\"ip\":\"10.0.5.7\",\"maker\":\"Acme\","
            "\"model\":\"C-800\"},\"record\":2}]");
    SAYS(k, "\"peers\":[{\"ip\":\"10.0.5.1\",\"name\":\"10.0.5.1\",\"device\":\"");
    SAYS(k, "\"app\":\"hl7\",\"packets\":9,\"bytes\":900");
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    memmove(path, "PUT", 3);
    (void)snprintf(path + strlen(path), 8, "/name");
    ASK(k, 428, path, "{\"name\":\"Chem 2\"}", NULL);
    ASK(k, 412, path, "{\"name\":\"Chem 2\"}", "999");
    ASK(k, 422, path, "{\"name\":\"Chem\\n2\"}", etag);
    ASK(k, 200, path, "{\"name\":\"Chem 2\"}", etag);
    SAYS(k, "\"name\":\"Chem 2\",\"title\":\"Chem 2\"");
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    assert_non_null(strstr(k->last, "\"event\":\"asset.named\""));
    assert_non_null(strstr(k->last, "\"ip\":\"10.0.5.7\"")); /* where it is, for a view that is rebuilt without its first records */
    ASK(k, 200, path, "{\"name\":\"\"}", etag);
    SAYS(k, "\"name\":null,\"title\":\"Acme C-800\"");
    ASK(k, 404, "PUT /api/v1/devices/nosuch/name", "{\"name\":\"x\"}", "1");
    ASK(k, 404, "GET /api/v1/devices/nosuch", NULL, NULL);
    ASK(k, 400, "GET /api/v1/devices?sort=colour", NULL, NULL);
    keeper_free(k);
}

/* The path of the n-th device of the list (from 0), "METHOD /api/v1/devices/ID/rest", and its state. */
struct device {
    char path[160];
    char id[64];
    char etag[32];
};

static struct device device_of(struct keeper *k, const char *search, const char *method, const char *rest)
{
    struct device d = {0};
    char ask[128];
    (void)snprintf(ask, sizeof ask, "GET /api/v1/devices?q=%s", search);
    ASK(k, 200, ask, NULL, NULL);
    (void)snprintf(d.id, sizeof d.id, "%s", keeper_member(k, "id"));
    (void)snprintf(d.etag, sizeof d.etag, "%s", keeper_member(k, "etag"));
    (void)snprintf(d.path, sizeof d.path, "%s /api/v1/devices/%s%s", method, d.id, rest);
    return d;
}

static void edits_win_and_can_be_taken_back(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    struct device d = device_of(k, "c-800", "PATCH", "");
    ASK(k, 428, d.path, "{\"owner\":\"Haematology\"}", NULL);
    ASK(k, 412, d.path, "{\"owner\":\"Haematology\"}", "999");
    ASK(k, 400, d.path, "{\"colour\":\"red\"}", d.etag);
    ASK(k, 422, d.path, "{}", d.etag);
    ASK(k, 422, d.path, "{\"criticality\":\"enormous\"}", d.etag);
    ASK(k, 422, d.path, "{\"role\":\"toaster\"}", d.etag);
    ASK(k, 422, d.path, "{\"retired\":\"perhaps\"}", d.etag);
    ASK(k, 422, d.path, "{\"place\":\"a\\nb\"}", d.etag);
    ASK(k, 200, d.path,
        "{\"owner\":\"Haematology\",\"place\":\"Room 4\",\"criticality\":\"high\",\"role\":\"middleware\",\"zone\":\"Analyzers\",\"model\":\"C-900\","
        "\"retired\":true}",
        d.etag);
    SAYS(k, "\"role\":\"middleware\",\"role_basis\":\"told\",\"confidence\":100");
    SAYS(k, "\"title\":\"Acme C-900\"");
    SAYS(k, "\"owner\":\"Haematology\",\"place\":\"Room 4\",\"criticality\":\"high\",\"zone\":\"Analyzers\"");
    SAYS(k, "\"retired\":true");
    SAYS(k, "{\"field\":\"owner\",\"value\":\"Haematology\",\"person\":\"ana\",\"time\":");
    SAYS(k, "ana said that its model is 'C-900'.");
    SAYS(k, "Calls itself 'C-800' in the header of its HL7 messages."); /* what was seen is still told */
    assert_non_null(strstr(k->last, "\"event\":\"asset.edited\""));
    assert_non_null(strstr(k->last, "\"person\":\"ana\""));
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"maker\":\"Acme\",\"model\":\"C-700\",\"source\":\"hl7.msh\"}");
    ASK(k, 200, "GET /api/v1/devices?criticality=high&zone=Analyzers&role=middleware", NULL, NULL);
    SAYS(k, "\"model\":\"C-900\"");
    SAYS(k, "\"total\":1");
    ASK(k, 200, "GET /api/v1/devices?zone=elsewhere", NULL, NULL);
    SAYS(k, "\"total\":0");
    d = device_of(k, "room+4", "PATCH", "");
    ASK(k, 200, d.path, "{\"model\":null,\"role\":null,\"retired\":false}", d.etag);
    SAYS(k, "\"title\":\"Acme C-700\",\"role\":\"analyzer\",\"role_basis\":\"inferred\"");
    SAYS(k, "\"retired\":false");
    SAYS(k, "\"owner\":\"Haematology\"");
    ASK(k, 404, "PATCH /api/v1/devices/nosuch", "{\"owner\":\"x\"}", "1");
    keeper_free(k);
}

static void two_become_one_and_two_again(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.8\",\"hostname\":\"chem2\",\"source\":\"dhcp\"}");
    struct device other = device_of(k, "chem2", "GET", "");
    struct device d = device_of(k, "c-800", "POST", "/join");
    char body[128];
    (void)snprintf(body, sizeof body, "{\"other\":\"%s\"}", other.id);
    ASK(k, 422, d.path, "{\"other\":\"nosuch\"}", d.etag);
    ASK(k, 412, d.path, body, "999");
    ASK(k, 200, d.path, body, d.etag);
    SAYS(k, "\"ip\":[\"10.0.5.7\",\"10.0.5.8\"]");
    SAYS(k, "\"hostname\":\"chem2\"");
    SAYS(k, "What was known as 'chem2' is the same device: a person said so.");
    ASK(k, 200, other.path, NULL, NULL); /* the old id leads there */
    SAYS(k, d.id);
    ASK(k, 200, "GET /api/v1/devices", NULL, NULL);
    SAYS(k, "\"total\":2");
    d = device_of(k, "c-800", "POST", "/join");
    ASK(k, 409, d.path, body, d.etag);
    d = device_of(k, "c-800", "POST", "/split");
    ASK(k, 422, d.path, "{}", d.etag);
    ASK(k, 422, d.path, "{\"address\":\"10.9.9.9\"}", d.etag);
    ASK(k, 422, d.path, "{\"address\":\"10.0.5.8\",\"serial\":\"1\"}", d.etag);
    ASK(k, 200, d.path, "{\"address\":\"10.0.5.8\"}", d.etag);
    SAYS(k, "\"ip\":[\"10.0.5.7\"]");
    ASK(k, 200, other.path, NULL, NULL);
    SAYS(k, "\"ip\":[\"10.0.5.8\"]");
    SAYS(k, "\"hostname\":\"chem2\"");
    d = device_of(k, "c-800", "POST", "/split");
    ASK(k, 409, d.path, "{\"address\":\"10.0.5.7\"}", d.etag); /* nothing would remain */
    d = device_of(k, "c-800", "POST", "/distinct");
    ASK(k, 409, d.path, body, d.etag); /* the split said so already */
    keeper_free(k);
}

static void suspected_duplicates_are_told_until_denied(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"hostname\":\"twins\",\"source\":\"dhcp\"}");
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.8\",\"hostname\":\"twins\",\"source\":\"netbios\"}");
    struct device d = device_of(k, "c-800", "GET", "");
    struct device other = device_of(k, "10.0.5.8", "GET", "");
    ASK(k, 200, d.path, NULL, NULL);
    SAYS(k, other.id);
    SAYS(k, "\"why\":\"It goes by the same host name.\"");
    char body[128];
    (void)snprintf(body, sizeof body, "{\"other\":\"%s\"}", other.id);
    d = device_of(k, "c-800", "POST", "/distinct");
    ASK(k, 200, d.path, body, d.etag);
    SAYS(k, "\"duplicates\":[]");
    assert_non_null(strstr(k->last, "\"event\":\"asset.distinct\""));
    keeper_free(k);
}

static void devices_are_vouched_for(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:aa:bb:cc\",\"source\":\"arp\"}");
    ASK(k, 200, "GET /api/v1/devices?admission=waiting", NULL, NULL);
    SAYS(k, "\"total\":2"); /* the other one is on the analyzer's network */
    ASK(k, 400, "GET /api/v1/devices?admission=perhaps", NULL, NULL);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"devices_waiting\":2,\"devices_refused\":0");
    SAYS(k, "2 devices wait for somebody to vouch for them.");
    struct device d = device_of(k, "c-800", "POST", "/admission");
    ASK(k, 428, d.path, "{\"decision\":\"vouch\",\"why\":\"delivered on Monday\"}", NULL);
    ASK(k, 412, d.path, "{\"decision\":\"vouch\",\"why\":\"delivered on Monday\"}", "999");
    ASK(k, 422, d.path, "{\"decision\":\"adore\",\"why\":\"delivered on Monday\"}", d.etag);
    ASK(k, 422, d.path, "{\"decision\":\"vouch\",\"why\":\" \"}", d.etag);
    ASK(k, 200, d.path, "{\"decision\":\"vouch\",\"why\":\"delivered on Monday\"}", d.etag);
    SAYS(k, "\"admission\":\"vouched\"");
    SAYS(k, "\"admitted\":{\"by\":\"ana\",\"at\":");
    SAYS(k, "\"why\":\"delivered on Monday\"");
    SAYS(k, "\"mixed\":false,\"new_macs\":[]");
    assert_non_null(strstr(k->last, "\"event\":\"asset.admission\""));
    assert_non_null(strstr(k->last, "\"decision\":\"vouch\""));
    assert_non_null(strstr(k->last, "00:11:22:aa:bb:cc"));
    d = device_of(k, "c-800", "POST", "/admission");
    ASK(k, 409, d.path, "{\"decision\":\"vouch\",\"why\":\"again\"}", d.etag);
    ASK(k, 200, "POST /api/v1/devices/export.radius", AGAIN, NULL);
    SAYS(k, "\n001122aabbcc Cleartext-Password := \"001122aabbcc\"\n");
    assert_non_null(strstr(k->last, "\"event\":\"data.exported\"")); /* who took the list is on the record */
    ASK(k, 200, "POST /api/v1/devices/export.radius?form=hyphen&upper=yes", AGAIN, NULL);
    SAYS(k, "\n00-11-22-AA-BB-CC Cleartext-Password");
    ASK(k, 200, "POST /api/v1/devices/export.radius?form=dot", AGAIN, NULL);
    SAYS(k, "\n0011.22aa.bbcc Cleartext-Password");
    ASK(k, 400, "POST /api/v1/devices/export.radius?form=triangle", AGAIN, NULL);
    d = device_of(k, "c-800", "POST", "/admission");
    ASK(k, 200, d.path, "{\"decision\":\"refuse\",\"why\":\"went back to the maker\"}", d.etag);
    SAYS(k, "\"admission\":\"refused\"");
    ASK(k, 200, "POST /api/v1/devices/export.radius", AGAIN, NULL);
    if (strstr(keeper_text(k), "001122aabbcc") != NULL)
        fail_msg("%s", keeper_text(k));
    d = device_of(k, "c-800", "POST", "/admission");
    ASK(k, 200, d.path, "{\"decision\":\"withdraw\",\"why\":\"that was another one\"}", d.etag);
    SAYS(k, "\"admission\":\"waiting\"");
    ASK(k, 404, "POST /api/v1/devices/nosuch/admission", "{\"decision\":\"vouch\",\"why\":\"x\"}", "1");
    keeper_free(k);
}

static void those_of_the_first_days_are_vouched_for_together(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    char body[512];
    char token[65];
    ASK(k, 200, "POST /api/v1/devices/admission", "{}", NULL);
    SAYS(k, "\"total\":2");
    SAYS(k, "\"learning_until\":\"2026-11-29T");
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    struct device d = device_of(k, "c-800", "GET", "");
    ASK(k, 422, "POST /api/v1/devices/admission", "{\"until\":\"2027-01-01T00:00:00Z\"}", NULL);
    ASK(k, 200, "POST /api/v1/devices/admission", "{\"until\":\"2026-11-22T00:00:00Z\"}", NULL);
    SAYS(k, "\"items\":[]"); /* nobody was there then */
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\"}", token);
    ASK(k, 422, "POST /api/v1/devices/admission", body, NULL); /* no reason */
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.9\",\"hostname\":\"late\",\"source\":\"dhcp\"}");
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\",\"why\":\"counted on the floor\"}", token);
    ASK(k, 409, "POST /api/v1/devices/admission", body, NULL); /* not what was shown */
    ASK(k, 200, "POST /api/v1/devices/admission", "{}", NULL);
    SAYS(k, "\"total\":3");
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\",\"why\":\"counted on the floor\",\"except\":\"%s\"}", keeper_member(k, "token"), d.id);
    ASK(k, 200, "POST /api/v1/devices/admission", body, NULL);
    SAYS(k, "\"saved\":2");
    ASK(k, 200, "GET /api/v1/devices?admission=vouched", NULL, NULL);
    SAYS(k, "\"total\":2");
    ASK(k, 200, "GET /api/v1/devices?admission=not-vouched", NULL, NULL);
    SAYS(k, "\"total\":1");
    SAYS(k, d.id);
    keeper_feed(k, "{\"time\":\"2026-12-24T14:00:00Z\",\"event\":\"asset.evidence\",\"ip\":\"10.0.5.99\",\"source\":\"dhcp\"}");
    ASK(k, 200, "POST /api/v1/devices/admission", "{}", NULL);
    SAYS(k, "\"total\":1"); /* what comes later is vouched for one by one */
    ASK(k, 200, "GET /api/v1/devices?admission=waiting", NULL, NULL);
    SAYS(k, "\"total\":2");
    keeper_free(k);
}

/* A page of 100 devices, wherever it begins, whatever it is sorted by: every row once. */
static void lists_page_through(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    for (int i = 0; i < 350; i++) {
        char line[256];
        (void)snprintf(line, sizeof line,
                       "{\"time\":\"2026-11-22T%02d:%02d:00.000000000Z\",\"event\":\"asset.evidence\",\"ip\":\"10.1.%d.%d\",\"hostname\":\"same%d\","
                       "\"source\":\"dhcp\"}",
                       i / 60 % 24, i % 60, i / 200, 1 + i % 200, i % 7);
        keeper_feed(k, line);
    }
    static const char *const sorts[] = {"title", "first_seen", "last_seen"};
    for (size_t s = 0; s < 3; s++) {
        char seen[350] = {0};
        char ask[1200];
        int rows = 0;
        (void)snprintf(ask, sizeof ask, "GET /api/v1/devices?sort=%s", sorts[s]);
        for (int page = 0; page < 4; page++) {
            ASK(k, 200, ask, NULL, NULL);
            SAYS(k, "\"total\":350");
            for (const char *at = keeper_text(k); (at = strstr(at, "\"ip\":[\"10.1.")) != NULL; at++) {
                int third = 0;
                int fourth = 0;
                assert_int_equal(sscanf(at, "\"ip\":[\"10.1.%d.%d\"", &third, &fourth), 2);
                assert_int_equal(seen[third * 200 + fourth - 1]++, 0);
                rows++;
            }
            (void)snprintf(ask, sizeof ask, "GET /api/v1/devices?sort=%s&cursor=%s", sorts[s], keeper_member(k, "next"));
        }
        assert_int_equal(rows, 350);
    }
    keeper_free(k);
}

/* "Why do we think that this is a Sysmex XN-1000?" */
static void a_model_is_explained(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"mac\":\"00:06:6b:01:02:03\",\"source\":\"arp\"}");
    keeper_feed(k,
                T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"model\":\"XN-1000\",\"software\":\"00-22\",\"said\":[\"XN-1000\",\"00-22\"],\"sender\":"
                  "\"XN-1000^00-22\",\"role\":\"analyzer\",\"source\":\"astm.h\"}");
    struct device d = device_of(k, "xn-1000", "GET", "");
    SAYS(k, "\"title\":\"Sysmex XN-1000\",\"role\":\"analyzer\",\"role_basis\":\"seen\"");
    ASK(k, 200, d.path, NULL, NULL);
    SAYS(k, "\"candidates\":[{\"maker\":\"Sysmex\",\"model\":\"XN-1000\",\"class\":\"haematology\",\"confidence\":");
    SAYS(k,
         "in the ASTM header record, in the form that Sysmex fixes.\",\"source\":\"astm.h\",\"time\":\"2026-11-22T14:00:00.000000000Z\",\"record\":");
    SAYS(k, "that proves the maker only.\",\"source\":\"oui\",\"time\":\"2026-11-22T14:00:00.000000000Z\",\"record\":2");
    keeper_free(k);
}

static void lists_come_in_with_a_preview(void **state)
{
    (void)state;
    static const char list[] = "name,ip,owner,criticality\r\nChem 2,10.0.5.7,Haematology,high\r\nFridge,10.0.9.9,Cellar,low\r\nBad,,,enormous\r\n";
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    char apply[160];
    char again[160];
    uint64_t before = k->next;
    ASK(k, 422, "POST /api/v1/devices/import", "no,header\n", NULL);
    (void)snprintf(k->language, sizeof k->language, "es");
    ASK(k, 200, "POST /api/v1/devices/import", "name,ip\nY,10.0.5.300\n", NULL);
    SAYS(k, "\"reason\":\"No es la dirección IP de un solo equipo.\"");
    k->language[0] = 0;
    ASK(k, 200, "POST /api/v1/devices/import", list, NULL);
    SAYS(k, "\"counts\":{\"create\":1,\"change\":1,\"same\":0,\"ambiguous\":0,\"error\":1}");
    SAYS(k, "{\"field\":\"owner\",\"from\":null,\"to\":\"Haematology\"}");
    SAYS(k, "\"line\":4,\"action\":\"error\"");
    assert_int_equal(k->next, before); /* a look changes nothing */
    (void)snprintf(apply, sizeof apply, "POST /api/v1/devices/import/%s", keeper_member(k, "token"));
    (void)snprintf(again, sizeof again, "%s", apply);
    ASK(k, 409, apply, "name,ip\nElse,10.0.5.7\n", NULL); /* another list than the one looked at */
    again[strlen(again) - 1] ^= 1;
    ASK(k, 404, again, NULL, NULL);
    k->broken = true;
    ASK(k, 503, apply, NULL, NULL);
    k->broken = false;
    ASK(k, 200, "GET /api/v1/devices?q=fridge", NULL, NULL);
    SAYS(k, "\"total\":0");
    ASK(k, 200, apply, NULL, NULL); /* the list is kept: a token is enough */
    SAYS(k, "\"saved\":2");
    assert_non_null(strstr(k->last, "\"event\":\"asset.imported\""));
    assert_non_null(strstr(k->last, "\"person\":\"ana\""));
    ASK(k, 200, "GET /api/v1/devices?q=fridge", NULL, NULL);
    SAYS(k, "\"first_seen\":null,\"last_seen\":null");
    ASK(k, 200, "GET /api/v1/devices?q=haematology&criticality=high", NULL, NULL);
    SAYS(k, "\"title\":\"Chem 2\"");
    ASK(k, 409, apply, list, NULL); /* done: what the preview said is not so any more */
    ASK(k, 200, "POST /api/v1/devices/import", list, NULL);
    SAYS(k, "\"counts\":{\"create\":0,\"change\":0,\"same\":2,\"ambiguous\":0,\"error\":1}");
    ASK(k, 200, "POST /api/v1/devices/export.csv", AGAIN, NULL);
    assert_string_equal(k->reply.type, "text/csv; charset=utf-8");
    SAYS(k, "Fridge,Cellar");
    ASK(k, 200, "POST /api/v1/devices/export.cdx.json", AGAIN, NULL);
    SAYS(k, "\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"");
    keeper_free(k);
}

static void a_large_list_is_several_records(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    struct buf list = BUF_INIT(1u << 20);
    char apply[160];
    buf_add_str(&list, "name,ip\n");
    for (int i = 0; i < 250; i++)
        buf_addf(&list, "Device %d,10.0.%d.%d\n", i, i / 200, 1 + i % 200);
    ASK(k, 200, "POST /api/v1/devices/import", buf_text(&list), NULL);
    (void)snprintf(apply, sizeof apply, "POST /api/v1/devices/import/%s", keeper_member(k, "token"));
    uint64_t before = k->next;
    ASK(k, 200, apply, buf_text(&list), NULL);
    SAYS(k, "\"saved\":250");
    assert_int_equal(k->next - before, 3);
    ASK(k, 200, "GET /api/v1/devices?limit=1", NULL, NULL);
    SAYS(k, "\"total\":250");
    buf_release(&list);
    ASK(k, 200, "GET /api/v1/devices/imports", NULL, NULL);
    SAYS(k, "\"devices\":250,\"undone_by\":null"); /* three records, one list */
    char undo[64];
    (void)snprintf(undo, sizeof undo, "POST /api/v1/devices/imports/%llu/undo", (unsigned long long)before);
    before = k->next;
    ASK(k, 200, undo, NULL, NULL);
    SAYS(k, "\"back\":0,\"gone\":250,\"stay\":0,\"stayed\":[]");
    assert_int_equal(k->next - before, 3);
    ASK(k, 200, "GET /api/v1/devices?limit=1", NULL, NULL);
    SAYS(k, "\"total\":0");
    keeper_free(k);
}

/* Brings a list; the request that takes it back. */
static const char *bring(struct keeper *k, const char *list)
{
    static char undo[64];
    char apply[160];
    ASK(k, 200, "POST /api/v1/devices/import", list, NULL);
    (void)snprintf(apply, sizeof apply, "POST /api/v1/devices/import/%s", keeper_member(k, "token"));
    uint64_t number = k->next;
    char says[40];
    ASK(k, 200, apply, NULL, NULL);
    (void)snprintf(says, sizeof says, "\"list\":%llu", (unsigned long long)number);
    SAYS(k, says);
    (void)snprintf(undo, sizeof undo, "POST /api/v1/devices/imports/%llu/undo", (unsigned long long)number);
    return undo;
}

static void one_act_takes_a_list_back(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char undo[64];
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    struct device d = device_of(k, "c-800", "PATCH", "");
    ASK(k, 200, d.path, "{\"owner\":\"Chemistry\"}", d.etag);
    (void)snprintf(undo, sizeof undo, "%s",
                   bring(k, "name,ip,owner,place\nChem 2,10.0.5.7,Haematology,Room 4\nFridge,10.0.9.9,Stores,Cellar\nFreezer,10.0.9.10,,Cellar\n"
                            "Scale,10.0.9.11,,Cellar\n"));
    d = device_of(k, "room+4", "PATCH", "");
    ASK(k, 200, d.path, "{\"place\":\"Room 5\"}", d.etag); /* a person's word since … */
    struct device freezer = device_of(k, "freezer", "PATCH", "");
    ASK(k, 200, freezer.path, "{\"zone\":\"Cold\"}", freezer.etag);
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.9.11\",\"source\":\"http\",\"hostname\":\"scale\"}"); /* … and the device's own */
    k->broken = true;
    ASK(k, 503, undo, NULL, NULL);
    k->broken = false;
    ASK(k, 200, undo, NULL, NULL);
    SAYS(k, "\"back\":0,\"gone\":1,\"stay\":3");
    SAYS(k, "\"why\":\"changed\",\"fields\":[\"place\"]");
    SAYS(k, "\"title\":\"Freezer\",\"why\":\"known\",\"fields\":[]");
    SAYS(k, "\"title\":\"Scale\",\"why\":\"known\",\"fields\":[]");
    assert_non_null(strstr(k->last, "\"event\":\"asset.unimported\""));
    assert_non_null(strstr(k->last, "\"person\":\"ana\""));
    ASK(k, 200, "GET /api/v1/devices?q=c-800", NULL, NULL);
    SAYS(k, "\"name\":null");
    SAYS(k, "\"owner\":\"Chemistry\",\"place\":\"Room 5\"");
    ASK(k, 200, "GET /api/v1/devices?q=fridge", NULL, NULL);
    SAYS(k, "\"total\":0");
    (void)snprintf(freezer.path, sizeof freezer.path, "GET /api/v1/devices/%s", freezer.id);
    ASK(k, 200, freezer.path, NULL, NULL);
    SAYS(k, "\"name\":null");
    SAYS(k, "\"place\":null");
    SAYS(k, "\"zone\":\"Cold\"");
    uint64_t before = k->next;
    ASK(k, 409, undo, NULL, NULL);
    SAYS(k, "\"undone\"");
    assert_int_equal(k->next, before);
    ASK(k, 200, "GET /api/v1/devices/imports", NULL, NULL);
    SAYS(k, "\"devices\":4,\"undone_by\":\"ana\",\"undone_at\":\"2026-");
    ASK(k, 404, "POST /api/v1/devices/imports/999999/undo", NULL, NULL);
    ASK(k, 404, "POST /api/v1/devices/imports/x/undo", NULL, NULL);
    keeper_free(k);
}

static char holder[64]; /* the device that has a certificate */

static void list_certificates(void *context, void (*each)(void *to, const struct api_certificate *x), void *to)
{
    (void)context;
    struct api_certificate x = {.serial = "01", .side = CERTIFICATE_DEVICE, .not_after = INT64_MAX};
    (void)snprintf(x.link, sizeof x.link, "%s", holder);
    each(to, &x);
}

static void list_enrolments(void *context, void (*each)(void *to, const struct api_enrolment *x), void *to)
{
    (void)context;
    (void)each;
    (void)to;
}

/* What lets somebody into the network names a device: that one stays. */
static void a_device_with_a_certificate_does_not_go(void **state)
{
    (void)state;
    static const struct api_pki pki = {.list = list_certificates, .enrolments = list_enrolments};
    char undo[64];
    keeper_pki = &pki;
    struct keeper *k = keeper_new();
    keeper_pki = NULL;
    assert_int_equal(keeper_set_up(k), 201);
    (void)snprintf(undo, sizeof undo, "%s", bring(k, "name,place\nFridge,Cellar\nFreezer,Cellar\n"));
    (void)snprintf(holder, sizeof holder, "%s", device_of(k, "freezer", "GET", "").id);
    ASK(k, 200, undo, NULL, NULL);
    SAYS(k, "\"gone\":1,\"stay\":1");
    SAYS(k, "\"title\":\"Freezer\",\"why\":\"known\"");
    ASK(k, 200, "GET /api/v1/devices", NULL, NULL);
    SAYS(k, holder);
    SAYS(k, "\"total\":1");
    keeper_free(k);
}

static void lists_are_taken_back_in_any_order(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char first[64];
    char second[64];
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    (void)snprintf(first, sizeof first, "%s", bring(k, "ip,owner\n10.0.5.7,Haematology\n"));
    (void)snprintf(second, sizeof second, "%s", bring(k, "ip,owner\n10.0.5.7,Stores\n"));
    ASK(k, 200, first, NULL, NULL);
    SAYS(k, "\"why\":\"changed\",\"fields\":[\"owner\"]");
    ASK(k, 200, "GET /api/v1/devices?q=c-800", NULL, NULL);
    SAYS(k, "\"owner\":\"Stores\"");
    ASK(k, 200, second, NULL, NULL);
    SAYS(k, "\"back\":1,\"gone\":0,\"stay\":0");
    ASK(k, 200, "GET /api/v1/devices?q=c-800", NULL, NULL);
    SAYS(k, "\"owner\":null"); /* not what the first one had said: that is taken back */
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_named),
        cmocka_unit_test(edits_win_and_can_be_taken_back),
        cmocka_unit_test(two_become_one_and_two_again),
        cmocka_unit_test(suspected_duplicates_are_told_until_denied),
        cmocka_unit_test(devices_are_vouched_for),
        cmocka_unit_test(those_of_the_first_days_are_vouched_for_together),
        cmocka_unit_test(lists_page_through),
        cmocka_unit_test(a_model_is_explained),
        cmocka_unit_test(lists_come_in_with_a_preview),
        cmocka_unit_test(a_large_list_is_several_records),
        cmocka_unit_test(one_act_takes_a_list_back),
        cmocka_unit_test(a_device_with_a_certificate_does_not_go),
        cmocka_unit_test(lists_are_taken_back_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
