/* What real captures must tell about devices, and what none of them may: nobody in the corpus is a printer, a telephone or a camera, and only those
 * listed are network equipment. Needs TOURNIQUET_CORPUS. */
#include "engine/sense/sense.h"
#include "engine/sense/source.h"

#include "../cmocka_all.h"
#include "../corpus.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A piece of evidence of this source, in a capture whose path holds this word; empty: whatever it is. */
static const struct must {
    const char *path;
    const char *source;
    const char *hostname;
    const char *os;
    const char *role;
    const char *maker;
} musts[] = {
    /* DHCP: what was asked for, and the vendor class */
    {"smb2-ntlmssp-negotiateflags", "dhcp", "DESKTOP-2AEFM7G", "Windows 10 or later", "", ""},
    {"dhcp-eve-extended-option-60", "dhcp", "NicksMacBook", "Windows Vista or 7", "", ""},
    {"bug-2158", "dhcp", "", "Windows XP", "", ""},
    {"dhcp-mud", "dhcp", "raspberrypi", "Linux", "", ""},
    {"dhcp_time_and_nameserver", "dhcp", "pop-os", "Linux", "", ""},
    {"dhcp-rfc4388", "dhcp", "", "Linux", "", ""},
    {"20171220_smb_psexec", "dhcp6", "DC1", "Windows", "", ""},
    {"output-eve-ftp-data", "dhcp6", "jaekuryu-HP", "Windows", "", ""},
    /* the same machine in NTLM: by its version */
    {"smb2-ntlmssp-negotiateflags", "ntlm", "DESKTOP-2AEFM7G", "Windows 10", "", ""},
    {"raw_ntlm_in_smb", "ntlm", "", "Windows XP", "", ""},
    {"/smb3.pcap", "ntlm", "WS2016.suse.de", "Windows 10 or Server 2016", "", ""},
    {"smb_v2_only", "ntlm", "WIN-I82B81NSLLJ", "Windows 10 or Server 2019", "", ""},
    {"ldap/aduser1", "ntlm", "WIN-VGO56I95EAK.ADHACKING.local", "Windows Server 2022", "", ""},
    {"sip-method", "netbios", "LAB111", "", "", ""}, /* announcements of the browser service */
    {"20171220_smb_psexec", "netbios", "DC1", "", "", ""},
    {"smb2-ntlmssp-negotiateflags", "netbios", "DESKTOP-2AEFM7G", "", "", ""},
    /* network equipment */
    {"3560_CDP", "cdp", "Switch", "Cisco IOS", "network", "Cisco"},
    {"LLDP_and_CDP", "lldp", "S1.cisco.com", "Cisco IOS", "network", "Cisco"},
    {"cdp-v1", "cdp", "R1", "Cisco IOS", "network", "Cisco"},
    {"Traces/lldp.pcap", "lldp", "SMCGS8P-Smart", "", "network", ""},
    {"ssh_version_199", "ssh", "", "", "network", "Cisco"},
    {"raw_packets", "ssdp", "", "", "network", ""},
    {"lldp_mudurl", "lldp", "upstairs.ofcourseimright.com", "Ubuntu Linux", "", ""},
    /* names and greetings */
    {"snmpwalk-short", "snmp", "ubuntu-512mb-sfo2-01", "", "", ""},
    {"snmpwalk-short", "snmp", "", "Ubuntu Linux", "", ""},
    {"llmnr-udp", "llmnr", "HS2011", "", "", ""},
    {"dns/mdns.pcap", "mdns", "johanna-QEMU-Virtual-Machine", "", "", ""},
    {"sip/wireshark", "sip", "", "", "", ""},
};
#define MUSTS (sizeof musts / sizeof musts[0])

/* Network equipment by what it says; everywhere else it would be a false word. */
static const char *const networks[] = {"CDP", "cdp", "lldp.pcap", "ssh_version_199", "ssh-hassh-reassembled", "raw_packets", "output-eve-ftp-data"};

/* Says of itself that it is Windows, and is not: none. These words stand in hosts' names of the corpus. */
static const char *const no_windows[] = {"ubuntu", "KALI", "raspberrypi", "pop-os", "samba", "MacBook-Air"};

static const char *corpus;
static bool seen[MUSTS];
static size_t pieces, wrong;

static bool holds(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, words[i]) != NULL)
            return true;
    return false;
}

static void text_of(const struct record *r, enum record_key key, char out[80])
{
    struct span s = record_get(r, key);
    (void)snprintf(out, 80, "%.*s", (int)s.n, (const char *)s.p);
}

static bool fits(const char *want, const char *is)
{
    return want[0] == 0 || strcmp(want, is) == 0;
}

static void put(void *context, const struct record *r)
{
    const char *path = context;
    char source[80], hostname[80], os[80], role[80], maker[80];
    if (r->event != EVENT_ASSET_EVIDENCE)
        return;
    pieces++;
    text_of(r, KEY_SOURCE, source);
    text_of(r, KEY_HOSTNAME, hostname);
    text_of(r, KEY_OS, os);
    text_of(r, KEY_ROLE, role);
    text_of(r, KEY_MAKER, maker);
    for (size_t i = 0; i < MUSTS; i++) {
        const struct must *m = &musts[i];
        seen[i] |= strstr(path, m->path) != NULL && fits(m->source, source) && fits(m->hostname, hostname) && fits(m->os, os) &&
                   fits(m->role, role) && fits(m->maker, maker);
    }
    bool lab = strcmp(source, "hl7.msh") == 0 || strcmp(source, "astm.h") == 0 || strcmp(source, "poct1a.hel") == 0;
    bool false_role = !lab && role[0] != 0 && (strcmp(role, "network") != 0 || !holds(path, networks, sizeof networks / sizeof networks[0]));
    bool false_os = strncmp(os, "Windows", 7) == 0 && holds(hostname, no_windows, sizeof no_windows / sizeof no_windows[0]);
    if (false_role || false_os) {
        wrong++;
        (void)printf("# %s: %s says role '%s', system '%s' of '%s'\n", path, source, role, os, hostname);
    }
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)where;
    static const char *const ends[] = {".pcap", ".pcapng", ".trace", ".cap"};
    const char *dot = strrchr(path, '.');
    bool capture = false;
    for (size_t i = 0; type == FTW_F && dot != NULL && i < sizeof ends / sizeof ends[0]; i++)
        capture |= strcmp(dot, ends[i]) == 0;
    if (!capture)
        return 0;
    struct error e = {0};
    char name[4096];
    (void)snprintf(name, sizeof name, "%s", path);
    struct sense_options options = {.hash_key = {11, 12}, .flow_records = true, .sink = {.put = put, .context = name}};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct source *source = source_from_fd(fd, &e);
    struct sense *sense = sense_new(&options, &e);
    assert_non_null(source);
    assert_non_null(sense);
    struct packet p;
    while (source_next(source, &p, &e) == 1)
        sense_packet(sense, p.time, p.linktype, p.bytes, p.wire_length);
    sense_free(sense);
    source_free(source);
    (void)close(fd);
    return 0;
}

static void captures_name_their_devices(void **state)
{
    (void)state;
    static const char *const folders[] = {"zeek", "tcpdump", "suricata-verify"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/pcap/%s", corpus, folders[i]);
        assert_int_equal(nftw(path, visit, 16, FTW_PHYS), 0);
    }
    for (size_t i = 0; i < MUSTS; i++)
        if (!seen[i]) {
            wrong++;
            (void)printf("# %s: no evidence of %s with name '%s', system '%s', role '%s', maker '%s'\n", musts[i].path, musts[i].source,
                         musts[i].hostname, musts[i].os, musts[i].role, musts[i].maker);
        }
    (void)printf("# %zu pieces of evidence\n", pieces);
    assert_true(pieces > 1000);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    corpus = corpus_or_skip();
    if (corpus == NULL)
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(captures_name_their_devices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
