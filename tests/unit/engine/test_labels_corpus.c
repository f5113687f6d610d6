/* Our own labels over every capture of the corpus: where each may appear, and where it must. A label somewhere else is a false one, or a line to be
 * added here after a look at the packets. Needs TOURNIQUET_CORPUS. */
#include "engine/sense/sense.h"
#include "engine/sense/source.h"

#include "../cmocka_all.h"
#include "../corpus.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A conversation may have this label where one of its ends has one of these ports (in figures, with spaces around each), or where the capture's path
 * holds one of these words (between bars). */
static const struct may {
    const char *label;
    const char *ports;
    const char *paths;
} may[] = {
    {"hl7", " 2575 ", ""},
    {"astm", "", "|/lab/|"},
    {"dicom", " 11112 11113 ", ""},
    {"http", " 80 8080 81 ", "|http|suricata-verify|zeek|tcpdump|generated|"}, /* on any port: a request line is a request line */
    {"tls", " 443 ", "|tls|ssl|suricata-verify|zeek|tcpdump|"},
    {"dns", " 53 5353 8053 ", "|dns|nmap-scan|"},
    {"mdns", " 5353 ", ""},
    {"llmnr", " 5355 ", ""},
    {"netbios", " 137 138 139 ", ""},
    {"dhcp", " 67 68 ", ""},
    {"dhcp6", " 546 547 ", ""},
    {"ntp", " 123 ", ""},
    {"ssdp", " 1900 ", ""},
    {"snmp", " 161 162 ", "|/snmp|junkrequest|"},
    {"syslog", " 514 ", "|syslog|"},
    {"ssh", " 22 2200 2222 2299 ", "|ssh|"},
    {"smb", " 445 139 ", "|smb|"},
    {"dcerpc", " 135 ", "|dce-rpc|dcerpc|smb|bug-6191|modbus-and-non-modbus|truncate-applayer|"},
    {"ldap", " 389 3268 ", "|ldap|"},
    {"kerberos", " 88 ", ""},
    {"rdp", " 3389 ", "|modbus-and-non-modbus|"}, /* a scanner that tries everything on one port */
    {"vnc", " 5900 5901 ", ""},
    {"telnet", " 23 ", "|telnet|"},
    {"ftp", " 21 2811 ", ""},
    {"tftp", " 69 ", ""},
    {"smtp", " 25 465 587 2525 ", ""},
    {"pop3", " 110 ", ""},
    {"imap", " 143 ", ""},
    {"mysql", " 3306 ", "|mysql|"},
    {"postgresql", " 5432 15432 ", ""},
    {"redis", " 6379 ", "|redis|resp_|"},
    {"mqtt", " 1883 ", ""},
    {"sip", " 5060 5061 ", ""},
    {"nfs", " 2049 ", "|modbus-and-non-modbus|"},
    {"mount", " 20048 1048 ", ""},
    {"portmap", " 111 ", ""},
    {"rpc", "", "|rpc-portmap|"},
    {"modbus", " 502 ", "|modbus|"},
    {"bacnet", " 47808 ", ""},
    {"radius", " 1812 1813 3799 1700 ", ""},
    {"quic", " 443 4433 853 ", "|quic|"},
    {"dtls", "", "|dtls|"},
    {"stun", "", "|stun|"},
    {"ike", " 500 4500 ", ""},
};

/* Conversations of this label in captures whose path holds this word, at least so many. */
static const struct must {
    const char *path;
    const char *label;
    size_t least;
} musts[] = {
    {"/Traces/ldap/", "ldap", 20},
    {"/Traces/krb/", "kerberos", 90},
    {"/Traces/mysql/", "mysql", 15},
    {"/Traces/postgresql/", "postgresql", 10},
    {"/Traces/redis/", "redis", 10},
    {"/Traces/modbus/", "modbus", 10},
    {"/Traces/snmp/", "snmp", 10},
    {"/Traces/smb/", "smb", 20},
    {"/Traces/dce-rpc/", "dcerpc", 8},
    {"/Traces/rdp/", "rdp", 5},
    {"/Traces/rfb/", "vnc", 3},
    {"/Traces/quic/", "quic", 12},
    {"/Traces/nfs/", "nfs", 4},
    {"/Traces/mount/", "mount", 4},
    {"/Traces/sip/", "sip", 4},
    {"/Traces/radius/", "radius", 2},
    {"/Traces/tls/dtls", "dtls", 4},
    {"/Traces/ntp/", "ntp", 7},
    {"/Traces/dhcp/", "dhcp", 9},
    {"/Traces/ssh/", "ssh", 15},
    {"/Traces/ftp/", "ftp", 9},
    {"/Traces/dns/", "dns", 20},
    {"/mqtt", "mqtt", 20},
    {"telnet", "telnet", 2},
    {"tftp", "tftp", 3},
    {"/dhcpv6-", "dhcp6", 8},
    {"RADIUS", "radius", 6},
    {"ikev", "ike", 4},
    {"syslog", "syslog", 3},
    {"llmnr", "llmnr", 3},
    {"cldap", "ldap", 2},
    {"/lab50", "astm", 35},
    {"/lab50", "hl7", 1296},
    {"/pop3/", "pop3", 2},
    {"smtp", "smtp", 20},
};
#define MUSTS (sizeof musts / sizeof musts[0])

static const char *corpus;
static size_t seen[MUSTS];
static size_t flows, labelled, wrong;

struct capture {
    const char *path;
};

static bool holds(const char *words, const char *text, char mark)
{
    char word[64];
    for (const char *at = words; (at = strchr(at, mark)) != NULL; at++) {
        const char *end = strchr(at + 1, mark);
        if (end == NULL)
            return false;
        (void)snprintf(word, sizeof word, "%.*s", (int)(end - at - 1), at + 1);
        if (word[0] != 0 && strstr(text, word) != NULL)
            return true;
    }
    return false;
}

static bool is_on(const char *ports, uint16_t port)
{
    char text[16];
    (void)snprintf(text, sizeof text, " %u ", port);
    return strstr(ports, text) != NULL;
}

static bool allowed(const char *label, const struct flow_ref *flow, const char *path)
{
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++)
        if (strcmp(may[i].label, label) == 0)
            return is_on(may[i].ports, flow->sport) || is_on(may[i].ports, flow->dport) || holds(may[i].paths, path, '|') ||
                   strstr(path, "/lab/") != NULL;
    return false;
}

static void put(void *context, const struct record *r)
{
    const struct capture *c = context;
    struct span app = record_get(r, KEY_APP);
    char label[64];
    if (r->event != EVENT_FLOW_CLOSED)
        return;
    flows++;
    labelled += app.n > 0;
    (void)snprintf(label, sizeof label, "%.*s", (int)app.n, (const char *)app.p);
    if (app.n > 0 && !allowed(label, &r->flow, c->path)) {
        wrong++;
        (void)printf("# %s: %s between ports %u and %u\n", c->path, label, r->flow.sport, r->flow.dport);
    }
    for (size_t i = 0; i < MUSTS; i++)
        seen[i] += strcmp(musts[i].label, label) == 0 && strstr(c->path, musts[i].path) != NULL;
}

static void read_capture(const char *path)
{
    struct error e = {0};
    struct capture c = {.path = path};
    struct sense_options options = {.hash_key = {11, 12}, .flow_records = true, .sink = {.put = put, .context = &c}};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct source *source = source_from_fd(fd, &e);
    struct sense *sense = sense_new(&options, &e);
    assert_non_null(source);
    assert_non_null(sense);
    struct packet p;
    while (source_next(source, &p, &e) == 1)
        sense_packet(sense, p.time, p.linktype, p.bytes, p.wire_length);
    sense_finish(sense);
    sense_free(sense);
    source_free(source);
    (void)close(fd);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)where;
    static const char *const ends[] = {".pcap", ".pcapng", ".cap", ".trace", ".dmp", ".gz", ".zst"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; type == FTW_F && dot != NULL && i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(dot, ends[i]) == 0)
            read_capture(path);
    return 0;
}

static void labels_are_where_they_may_be_and_must_be(void **state)
{
    (void)state;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/pcap", corpus);
    assert_int_equal(nftw(path, visit, 16, FTW_PHYS), 0);
    (void)printf("# %zu conversations, %zu with a label, %zu of them not where it may be\n", flows, labelled, wrong);
    for (size_t i = 0; i < MUSTS; i++)
        if (seen[i] < musts[i].least) {
            (void)printf("# %s: %zu conversations are %s, at least %zu should be\n", musts[i].path, seen[i], musts[i].label, musts[i].least);
            wrong++;
        }
    assert_true(flows > 5000);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    corpus = corpus_or_skip();
    if (corpus == NULL)
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels_are_where_they_may_be_and_must_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
