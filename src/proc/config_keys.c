#include "proc/config_keys.h"

#include "base/hash.h"
#include "base/record.h"
#include "base/text.h"
#include "proc/door_order.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(type, member) .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define LIST_AT(element, member, number, limit)                                                                                                      \
    .offset = offsetof(struct config, member), .size = sizeof(struct element), .count_offset = offsetof(struct config, number), .most = (limit)

const struct config_key config_keys[] = {
    {"site", CONFIG_LABEL, AT(config, site), .initial = "laboratory",
     .help = "Name of this laboratory or draw centre. It goes into the ledger's name and into the site's own certificate authority, so it is chosen "
             "once."},
    {"data", CONFIG_FILE, AT(config, data), .initial = "/var/lib/tourniquet",
     .help = "The data folder: ledger, keys, local socket. One Tourniquet at a time uses it."},
    {"root_key", CONFIG_CHOICE, AT(config, root_key), .initial = "file", .choices = "file credential passphrase",
     .help = "Where the key that protects all others comes from: `file`, DATA/root.key; `credential`, what systemd hands over under the name of "
             "`credential` (docs/guide.md, The keys); `passphrase`, a person who unlocks the ledger after each start "
             "(docs/guide.md, Locked). SECURITY.md says what each protects from."},
    {"credential", CONFIG_LABEL, AT(config, credential), .initial = "tourniquet-root",
     .help = "With `root_key: credential`: the credential's name in the unit (`LoadCredentialEncrypted=`)."},
    {"breached_passwords", CONFIG_FILE, AT(config, breached),
     .help = "A file of passwords that leaked elsewhere, at most 2,000,000 lines: a password, or its SHA-1 as public lists have it (`HASH:COUNT`). "
             "Nobody may "
             "choose one of them, and whoever has one must choose another at the next sign-in. It is read at the start."},
    {"catalog", CONFIG_FILE, AT(config, catalog),
     .help =
         "A folder with the lab's own entries of the device catalog, files `*.txt` as docs/formats/catalog.md says; they win over the program's."},
    {"courses", CONFIG_FILE, AT(config, courses),
     .help =
         "A folder with the lab's own training courses, files `*.md` as docs/formats/course.md says, and its folder `pictures`; a course with the id "
         "of one of the program's takes its place."},
    {"policies", CONFIG_FILE, AT(config, policies),
     .help = "A folder with the lab's policies, files `*.md` as docs/formats/course.md says (Policies): people read and sign them, and a new version "
             "again."},
    {"time_zone", CONFIG_ZONE, AT(config, time_zone),
     .help = "The lab's time zone, as in `America/Chicago`: the page shows times in it, and a day by which something is due ends there. Without it, "
             "the machine's."},
    {"training", CONFIG_MAP, .help = "How courses' questions are asked, and who is reminded when (docs/training.md)."},
    {"training.questions", CONFIG_NUMBER, AT(config, training_questions), .most = 30, .initial = "10",
     .help = "How many of a course's questions an attempt asks."},
    {"training.tries", CONFIG_NUMBER, AT(config, training_tries), .most = 100, .initial = "3", .help = "So many may fail before there is a break."},
    {"training.cool_down", CONFIG_DURATION, AT(config, training_cool_down), .initial = "1h", .help = "The break."},
    {"training.remind", CONFIG_NUMBER, AT(config, training_remind), .most = 90, .initial = "7",
     .help = "How many days before its day somebody is reminded; on the day, the day after, and each week from then on, besides."},
    {"training.escalate", CONFIG_NUMBER, AT(config, training_escalate), .most = 365, .initial = "14",
     .help = "How many days after it their manager is told, once: who is late, and nothing else."},
    {"mail", CONFIG_MAP,
     .help = "The mail server that reminders go through, and mails that tell somebody that their password, passkeys or codes were changed. Without "
             "it both are shown on the page."},
    {"mail.server", CONFIG_TARGET, AT(config, mail_server), .help = "Its address, as in `mail.lab.example:587`."},
    {"mail.tls", CONFIG_CHOICE, AT(config, mail_tls), .initial = "starttls", .choices = "starttls tls off",
     .help =
         "`starttls`: encrypted after a word in clear, or not at all; `tls`: encrypted from the first byte; `off`: in clear, for a server on this "
         "machine."},
    {"mail.from", CONFIG_MAIL, AT(config, mail_from), .help = "The sender of mails. It is needed with `mail.server`."},
    {"mail.user", CONFIG_ACCOUNT, AT(config, mail_user), .help = "The account at the mail server, where it wants one; never with `tls: off`."},
    {"mail.password_file", CONFIG_FILE, AT(config, mail_password),
     .help = "The file that holds its password, one line, readable by root only. It is read at the start."},
    {"mail.authority", CONFIG_FILE, AT(config, mail_authority),
     .help = "The authority of its certificate (PEM, at most 6 KiB). Without it, the authorities that this machine knows."},
    {"mail.language", CONFIG_CHOICE, AT(config, mail_language), .initial = "en", .choices = "en es", .help = "What mails are written in."},
    {"mail.findings", CONFIG_WORDS, AT(config, mail_findings),
     .help = "Mail addresses, up to 8, that new findings are told to, as in `[ it@lab.example ]`: their titles and what to do, no link, nothing of a "
             "patient (docs/guide.md)."},
    {"mail.findings_from", CONFIG_CHOICE, AT(config, mail_findings_from), .initial = "high", .choices = "critical high medium low",
     .help = "The least severity that is told so."},
    {"mail.domains", CONFIG_WORDS, AT(config, mail_domains),
     .help = "The lab's own mail domains, up to 16: what imitates them, or pretends to come from them, is told (docs/mail.md)."},
    {"mail.receiver", CONFIG_ACCOUNT, AT(config, mail_receiver),
     .help =
         "What the lab's mail server calls itself in the field Authentication-Results of what it takes in, as in `mx.lab.example`: only what it says "
         "speaks for a mail."},
    {"mail.scanner", CONFIG_FILE, AT(config, mail_scanner),
     .help = "The socket of ClamAV's daemon (clamd), as in `/run/clamav/clamd.ctl`: it is asked about every mail that people report. Its "
             "`TemporaryDirectory` "
             "has to be in memory (docs/mail.md)."},
    {"mail.servers", CONFIG_NETWORKS, AT(config, mail_servers),
     .help = "The lab's mail servers, as in `10.1.1.5`: only they may hand over what people forward, at a listener `mail` (docs/mail.md)."},
    {"mail.arrives", CONFIG_CHOICE, AT(config, mail_arrives), .initial = "starttls", .choices = "starttls off",
     .help = "How they hand it over: encrypted always, or (`off`) also in clear."},
    {"phishing", CONFIG_MAP, .help = "Phishing simulations (docs/phishing.md). They need a mail server and a listener `landing` besides."},
    {"phishing.domains", CONFIG_WORDS, AT(config, phishing_domains),
     .help = "The domains of addresses that a simulated mail may go to, as in `[ lab.example ]`; a subdomain is another domain. To all others none "
             "goes."},
    {"phishing.from", CONFIG_MAIL, AT(config, phishing_from),
     .help = "The sender's address of simulated mails; the name beside it is the template's. Without it, `mail.from`."},
    {"phishing.every", CONFIG_NUMBER, AT(config, phishing_every), .most = 365, .initial = "30",
     .help = "At most one simulated mail goes to a person within so many days, whatever simulations are on."},
    {"capture", CONFIG_LIST, LIST_AT(config_capture, capture, capture_count, CONFIG_CAPTURES),
     .help = "Where to listen: network interfaces that see the lab's traffic (a mirror port or a tap)."},
    {"capture[].interface", CONFIG_INTERFACE, .required = true, AT(config_capture, interface), .help = "The interface, as `ip link` names it."},
    {"labels", CONFIG_CHOICE, AT(config, labels), .initial = "own", .choices = "own ndpi",
     .help =
         "How traffic that is no lab protocol gets its name: `own`, by Tourniquet's own recognition; `ndpi`, besides by the library nDPI (Debian's "
         "package libndpi4.2), which knows more, and what runs inside TLS, HTTP and QUIC."},
    {"message_bodies", CONFIG_CHOICE, AT(config, bodies), .initial = "sealed", .choices = "sealed none",
     .help = "Lab messages as they were received: `sealed` keeps them on the ledger, encrypted, to be shown to a person who may see them, with a "
             "reason and a record of it; `none` keeps nothing but what events say. Without them nobody can show later what a message said."},
    {"evidence_packets", CONFIG_CHOICE, AT(config, packets), .initial = "64", .choices = "0 16 64 256 1024",
     .help = "How many MiB of the newest packets each sensor keeps in memory. When something is found, those of its conversation are sealed on the "
             "ledger as evidence. `0`: none are kept."},
    {"backup", CONFIG_MAP, .help = "Copies of everything, sealed, made while Tourniquet runs and tested by restoring them."},
    {"backup.to", CONFIG_FILE, AT(config, backup_to),
     .help = "The folder that they go to, on another disk or machine; it is made where it is missing. Without it none are made."},
    {"backup.every", CONFIG_DURATION, AT(config, backup_every), .initial = "24h", .help = "How often one is made."},
    {"backup.keep", CONFIG_NUMBER, AT(config, backup_keep), .most = 1000, .initial = "7",
     .help = "How many are kept; older ones go. The last one that passed its test stays in any case."},
    {"backup.test", CONFIG_DURATION, AT(config, backup_test), .initial = "7d",
     .help = "How often the newest one is restored into a folder of its own, checked whole, and removed again."},
    {"retention", CONFIG_MAP,
     .help = "How long what was seen is kept. What messages, results, findings and people's decisions say is never removed."},
    {"retention.observations", CONFIG_DURATION, AT(config, keep_observations),
     .help = "Conversations and evidence about devices are removed, day by day and on record, when they are so old; every hash and proof stays. "
             "Without it "
             "they go only where the disk is nearly full."},
    {"retention.evidence", CONFIG_DURATION, AT(config, keep_evidence), .initial = "365d",
     .help =
         "Packets kept of a finding are made unreadable, on record, when they were recorded so long ago: their keys are destroyed; the finding, and "
         "every hash and proof, stays. Whoever needs them longer saves a copy (Findings). They take room on the disk as before."},
    {"relay", CONFIG_LIST, LIST_AT(config_relay, relay, relay_count, CONFIG_RELAYS),
     .help = "Links: connections between analyzers and LIS that pass through this machine (docs/guide.md, Links)."},
    {"relay[].name", CONFIG_LABEL, .required = true, AT(config_relay, name), .help = "Name of the link; it shows on the page."},
    {"relay[].listen", CONFIG_ADDRESS, AT(config_relay, listen), .help = "Where the analyzer connects to."},
    {"relay[].connect", CONFIG_TARGET, AT(config_relay, connect), .help = "Or: where the analyzer listens; it is connected to."},
    {"relay[].forward", CONFIG_TARGET, AT(config_relay, forward), .help = "Where the LIS listens."},
    {"relay[].accept", CONFIG_ADDRESS, AT(config_relay, accept), .help = "Or: where the LIS connects to."},
    {"relay[].protocol", CONFIG_CHOICE, .required = true, AT(config_relay, protocol), .choices = "mllp astm",
     .help = "What is spoken on the link: HL7 v2 in MLLP blocks, or ASTM (LIS1-A, LIS2-A2) over TCP."},
    {"relay[].tls", CONFIG_MAP, .help = "Encryption of the link; certificates come from `tourniquet pki`."},
    {"relay[].tls.from", CONFIG_CHOICE, AT(config_relay, tls_from), .initial = "off", .choices = "off optional required",
     .help = "On the analyzer's side: never, when it can, or not without."},
    {"relay[].tls.to", CONFIG_CHOICE, AT(config_relay, tls_to), .initial = "off", .choices = "off optional required",
     .help = "On the LIS's side: never, when it can, or not without."},
    {"relay[].tls.pin", CONFIG_PIN, AT(config_relay, tls_pin),
     .help = "Only a LIS with this public key (or one of these) is talked to: `sha256/` and the SHA-256 of its SubjectPublicKeyInfo in base64."},
    {"relay[].tls.authority", CONFIG_FILE, AT(config_relay, tls_authority),
     .help = "The authority of the LIS's certificate (PEM), where it is not the lab's own."},
    {"relay[].tls.name", CONFIG_HOSTNAME, AT(config_relay, tls_name),
     .help = "The name in the LIS's certificate, where it is not the host in `forward`."},
    {"relay[].tls.min", CONFIG_CHOICE, AT(config_relay, tls_min), .initial = "1.3", .choices = "1.2 1.3",
     .help = "The oldest version of TLS that is spoken."},
    {"relay[].mode", CONFIG_CHOICE, AT(config_relay, mode), .initial = "end-to-end", .choices = "end-to-end store-and-forward",
     .help =
         "`end-to-end`: the analyzer is told that a message arrived when the LIS said so. `store-and-forward`: when it is safe on the disk; it is "
         "delivered afterwards, in order."},
    {"relay[].record", CONFIG_CHOICE, AT(config_relay, record), .initial = "on", .choices = "on off",
     .help =
         "Whether messages go on the ledger. `off` leaves encryption and policy alone; nothing can be shown later. Store-and-forward needs `on`."},
    {"relay[].record_wait", CONFIG_MILLIS, AT(config_relay, record_wait), .initial = "200ms", .most = 60000,
     .help = "End to end: how long an answer waits for the record of its message to be safe on the disk; then it goes without, and that is flagged."},
    {"relay[].unrecorded", CONFIG_CHOICE, AT(config_relay, unrecorded), .initial = "stop", .choices = "stop end-to-end",
     .help = "Store-and-forward, while nothing can be made safe: `stop` acknowledging, or turn `end-to-end`."},
    {"relay[].queue_max", CONFIG_NUMBER, AT(config_relay, queue_max), .most = 1000000, .initial = "100000",
     .help = "Store-and-forward: most messages that wait for the LIS; above that, the analyzer has to keep them."},
    {"relay[].connections", CONFIG_NUMBER, AT(config_relay, connections), .most = CONFIG_CONNECTIONS, .initial = "1",
     .help =
         "Store-and-forward over MLLP, with `forward`: how many connections to the LIS deliver side by side. What one sender (MSH-3, MSH-4) sends "
         "goes over one of them, in order; the messages of different senders may then reach the LIS in another order than they came."},
    {"relay[].delay_limit", CONFIG_MILLIS, AT(config_relay, delay_limit), .initial = "500ms", .most = 3600000,
     .help = "What the link may add to the way of a message; more is a finding."},
    {"relay[].unknown", CONFIG_CHOICE, AT(config_relay, unknown), .initial = "flag", .choices = "pass flag refuse",
     .help = "What happens to a message that the policy does not know: it goes on, goes on and is flagged, or is refused with an answer."},
    {"relay[].learn", CONFIG_DURATION, AT(config_relay, learn), .help = "How long a new link learns what is usual before it proposes a policy."},
    {"relay[].policy", CONFIG_MAP, .help = "What may pass. What is not said here is not looked at."},
    {"relay[].policy.types", CONFIG_WORDS, AT(config_relay, policy_types), .help = "Types of messages."},
    {"relay[].policy.senders", CONFIG_WORDS, AT(config_relay, policy_senders),
     .help = "Senders: MSH-3.1, or MSH-3.1 and MSH-4.1 with a bar between (APPLICATION|FACILITY); H-5."},
    {"relay[].policy.tests", CONFIG_WORDS, AT(config_relay, policy_tests), .help = "Codes of tests (OBX-3.1, R-3)."},
    {"relay[].policy.size", CONFIG_NUMBER, AT(config_relay, policy_size), .most = 1u << 30, .help = "Most bytes of a message."},
    {"relay[].policy.rate", CONFIG_NUMBER, AT(config_relay, policy_rate), .most = 1000000, .help = "Most messages a minute."},
    {"warden", CONFIG_MAP,
     .help = "Doors for makers' engineers: this machine's firewall keeps vendors' networks from devices, and lets one of them through for a time "
             "(docs/vendor-access.md). It needs the right to change the firewall, and has to be the router between the two. Both keys, or neither."},
    {"warden.devices", CONFIG_NETWORKS, AT(config, warden_devices), .help = "Networks where devices are."},
    {"warden.vendors", CONFIG_NETWORKS, AT(config, warden_vendors),
     .help = "Networks that makers' engineers come from: VPN, jump hosts. What they begin with a device passes only through an open door; everything "
             "else passes as without Tourniquet."},
    {"warden.longest", CONFIG_DURATION, AT(config, warden_longest), .initial = "8h",
     .help = "The longest that a door may be open, at most 8 hours: one that was asked for longer is opened for this long."},
    {"console", CONFIG_MAP, .help = "The page."},
    {"console.listen", CONFIG_ADDRESS, AT(config, console_listen), .initial = "127.0.0.1:8443", .help = "Where the page is served, over HTTPS only."},
    {"console.name", CONFIG_HOSTNAME, AT(config, console_name), .initial = "localhost",
     .help = "Host name of the page, as people type it: it stands in the certificate and belongs to cookies and passkeys. Never an address."},
    {"console.port", CONFIG_NUMBER, AT(config, console_port), .most = 65535,
     .help = "The port that browsers use, where a forward makes it another one than that of `listen`: passkeys belong to name and port together."},
    {"console.lock", CONFIG_DURATION, AT(config, console_lock), .initial = "2m",
     .help = "How long nobody touches the page before it locks: whoever is there signs in again, and what was begun waits. Benches are shared; at a "
             "desk of one's own more may do (`30m`)."},
    {"witness", CONFIG_LIST, LIST_AT(config_witness, witness, witness_count, CONFIG_WITNESSES),
     .help =
         "Other machines that cosign the head of the ledger over HTTP (C2SP tlog-witness), such as `tourniquet ledger witness serve`. Each is asked "
         "when something new was recorded, at most every minute."},
    {"witness[].name", CONFIG_LABEL, .required = true, AT(config_witness, name), .help = "Its name; it shows on the page."},
    {"witness[].url", CONFIG_URL, .required = true, AT(config_witness, url),
     .help = "Its address, https:// or http://; `/add-checkpoint` is put behind it. Redirects are not followed."},
    {"witness[].key", CONFIG_VERIFIER, .required = true, AT(config_witness, key), .help = "Its public key, the line in its `witness.pub`."},
    {"witness[].authority", CONFIG_FILE, AT(config_witness, authority),
     .help = "The authority of its certificate (PEM, at most 6 KiB). Without it, the authorities that this machine knows."},
    {"listeners", CONFIG_LIST, LIST_AT(config_listener, listener, listener_count, CONFIG_LISTENERS),
     .help = "Further doors, each under a host name of its own. In this version `landing` and `mail` are served, one of each; `taxii` is checked, "
             "and not "
             "served: the start says so."},
    {"listeners[].for", CONFIG_CHOICE, .required = true, AT(config_listener, purpose), .choices = "taxii landing mail",
     .help =
         "`taxii` shares threat information with other sites, `landing` is where links of simulated phishing mails lead (docs/phishing.md), `mail` "
         "takes mail that people forward because they are not sure about it (docs/mail.md)."},
    {"listeners[].listen", CONFIG_ADDRESS, .required = true, AT(config_listener, listen), .help = "Where it listens."},
    {"listeners[].name", CONFIG_HOSTNAME, .required = true, AT(config_listener, name), .help = "Its host name. Never an address."},
};
const size_t config_key_count = sizeof config_keys / sizeof config_keys[0];

const char *config_expected(const struct config_key *key, char *scratch, size_t size)
{
    switch (key->type) {
    case CONFIG_MAP: return "keys with values (name: value)";
    case CONFIG_LIST: (void)snprintf(scratch, size, "a list (- …) of at most %zu entries with keys", key->most); return scratch;
    case CONFIG_LABEL:
        (void)snprintf(scratch, size, "a name of 1 to %zu letters, digits, - or _", key->size - 1 > 40 ? 40 : key->size - 1);
        return scratch;
    case CONFIG_FILE: return "an absolute path, as in /var/lib/tourniquet";
    case CONFIG_INTERFACE: return "the name of a network interface, as in eth1";
    case CONFIG_ADDRESS: return "address:port, as in 127.0.0.1:8443 or [::1]:8443";
    case CONFIG_TARGET: return "address:port or host:port, as in lis.example:2575";
    case CONFIG_HOSTNAME: return "a host name, as in tourniquet.lab.example (never an address)";
    case CONFIG_URL: return "an address, as in https://witness.example:8444";
    case CONFIG_VERIFIER: return "a public key as `tourniquet ledger witness new` prints it: name+8 digits+key";
    case CONFIG_CHOICE: (void)snprintf(scratch, size, "one of: %s", key->choices); return scratch;
    case CONFIG_NUMBER: (void)snprintf(scratch, size, "a number from 1 to %zu", key->most); return scratch;
    case CONFIG_DURATION: return "a time with s, m, h or d (seconds to days), as in 24h or 90d";
    case CONFIG_MILLIS: return "a time with ms or s, as in 200ms";
    case CONFIG_PIN: return "sha256/ and the digest of a public key in base64";
    case CONFIG_NETWORKS: return "a network, as in 10.8.0.0/24 or fd00:8::/64, or a list of such";
    case CONFIG_ZONE: return "the name of a time zone, as in America/Chicago";
    case CONFIG_MAIL: return "a mail address, as in tourniquet@lab.example";
    case CONFIG_ACCOUNT: return "a name without spaces";
    case CONFIG_WORDS: return "a list of words, as in [ ORU^R01, QBP^Q11 ]";
    }
    return "";
}

static bool all_of(struct span text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 0x80 || text.p[i] == 0 || (!isalnum(text.p[i]) && strchr(marks, text.p[i]) == NULL))
            return false;
    return text.n > 0;
}

/* RFC 1123, section 2.1: labels of 1 to 63 letters, digits and hyphens. A last label of digits only would be an address. */
static bool is_hostname(struct span text)
{
    struct span rest = text;
    struct span label = {0};
    bool more = true;
    if (text.n > 253)
        return false;
    while (more) {
        label = span_until(&rest, '.', &more);
        if (label.n > 63 || !all_of(label, "-") || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
    }
    for (size_t i = 0; i < label.n; i++)
        if (!isdigit(label.p[i]))
            return true;
    return false;
}

/* An address of a server: scheme, host, perhaps a port and a path; no account, query or fragment. */
static bool is_url(struct span text)
{
    bool secure = span_starts(text, SPAN_LIT("https://"));
    if (!secure && !span_starts(text, SPAN_LIT("http://")))
        return false;
    (void)span_skip(&text, secure ? 8 : 7);
    struct span path = text;
    struct config_endpoint at;
    char with_port[CONFIG_HOST + 8];
    struct span host = span_until(&path, '/', NULL);
    if (host.n == 0 || host.n >= CONFIG_HOST || (path.n > 0 && !all_of(path, "-_.~/")))
        return false;
    bool port = host.p[host.n - 1] != ']' && memchr(host.p, ':', host.n) != NULL;
    (void)snprintf(with_port, sizeof with_port, "%.*s%s", (int)host.n, (const char *)host.p, port ? "" : ":443");
    return config_endpoint_parse(span_str(with_port), true, &at);
}

/* The form only; whoever uses the key checks its number. */
static bool is_verifier(struct span text)
{
    struct span rest = text;
    bool plus[2];
    struct span name = span_until(&rest, '+', &plus[0]);
    struct span number = span_until(&rest, '+', &plus[1]);
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ')
            return false;
    return plus[0] && plus[1] && name.n > 0 && number.n == 8 && all_of(number, "") && all_of(rest, "+/=");
}

static bool keep(struct span text, void *field, size_t size)
{
    if (text.n == 0 || text.n >= size || memchr(text.p, 0, text.n) != NULL)
        return false;
    memcpy(field, text.p, text.n);
    ((char *)field)[text.n] = 0;
    return true;
}

bool config_endpoint_parse(struct span text, bool names, struct config_endpoint *ret)
{
    const uint8_t *colon = text.n == 0 ? NULL : memrchr(text.p, ':', text.n);
    uint64_t port;
    if (colon == NULL)
        return false;
    struct span host = span_of(text.p, (size_t)(colon - text.p));
    struct span digits = span_of(colon + 1, text.n - host.n - 1);
    if (!span_decimal(digits, 65535, &port) || port == 0)
        return false;
    bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (brackets)
        host = span_of(host.p + 1, host.n - 2);
    struct address address;
    bool is_address = address_parse(host, &address);
    if (is_address ? (address.family == 6) != brackets : brackets || !names || !is_hostname(host))
        return false;
    ret->port = (uint16_t)port;
    return keep(host, ret->host, sizeof ret->host);
}

void config_endpoint_text(const struct config_endpoint *p, char *out, size_t size)
{
    bool six = strchr(p->host, ':') != NULL;
    (void)snprintf(out, size, "%s%s%s:%u", six ? "[" : "", p->host, six ? "]" : "", p->port);
}

static bool is_choice(struct span text, const char *choices)
{
    struct span rest = span_str(choices);
    bool more = true;
    while (more)
        if (span_equal(span_until(&rest, ' ', &more), text))
            return true;
    return false;
}

#define DURATION_DAYS INT64_C(36600) /* the longest */

static bool store_duration(struct span text, int64_t *ret)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    uint64_t v;
    const char *unit = text.n < 2 || text.p[text.n - 1] == 0 ? NULL : strchr(units, text.p[text.n - 1]);
    if (unit == NULL || !span_decimal(span_of(text.p, text.n - 1), (uint64_t)(DURATION_DAYS * 86400 / seconds[unit - units]), &v) || v == 0)
        return false;
    *ret = (int64_t)v * seconds[unit - units];
    return true;
}

static bool store_number(struct span text, uint64_t most, int64_t *ret)
{
    uint64_t v;
    if (!span_decimal(text, most, &v) || v == 0)
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool store_millis(struct span text, uint64_t most, int64_t *ret)
{
    uint64_t v;
    bool ms = text.n > 2 && text.p[text.n - 2] == 'm' && text.p[text.n - 1] == 's';
    bool s = !ms && text.n > 1 && text.p[text.n - 1] == 's';
    uint64_t unit = ms ? 1 : 1000;
    if ((!ms && !s) || !span_decimal(span_of(text.p, text.n - (ms ? 2 : 1)), most / unit, &v) || v == 0)
        return false;
    *ret = (int64_t)(v * unit);
    return true;
}

static bool is_pin(struct span text)
{
    if (!span_starts(text, SPAN_LIT("sha256/")))
        return false;
    (void)span_skip(&text, 7);
    return (text.n == 43 || (text.n == 44 && text.p[43] == '=')) && all_of(span_of(text.p, 43), "+/");
}

static bool is_network(struct span text)
{
    struct address a;
    unsigned bits;
    return network_parse(text, &a, &bits) && bits > 0;
}

/* Below the folder of time zones, and nowhere else. */
static bool is_zone(struct span text)
{
    struct span rest = text;
    bool more = true;
    while (more)
        if (!all_of(span_until(&rest, '/', &more), "-_+"))
            return false;
    return true;
}

static bool is_account(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
            return false;
    return text.n > 0;
}

bool config_add_word(const struct config_key *key, struct span word, void *base)
{
    char *field = (char *)base + key->offset;
    size_t n = strlen(field);
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] < 0x20 || word.p[i] == 0x7f)
            return false;
    if (word.n == 0 || n + word.n + 2 > key->size)
        return false;
    memcpy(field + n, word.p, word.n);
    field[n + word.n] = '\n';
    field[n + word.n + 1] = 0;
    return true;
}

const char *config_wrong_entry(const char *prefix, const void *entries, size_t n)
{
    const struct config_relay *all = entries;
    if (strcmp(prefix, "relay[]") != 0)
        return NULL;
    const struct config_relay *r = &all[n - 1];
    for (size_t i = 0; i + 1 < n; i++)
        if (strcmp(all[i].name, r->name) == 0)
            return "another link has this name";
    if ((r->listen.port != 0) == (r->connect.port != 0))
        return "in this entry, one of listen (the analyzer connects) and connect (it is connected to) is needed";
    if ((r->forward.port != 0) == (r->accept.port != 0))
        return "in this entry, one of forward (the LIS is connected to) and accept (it connects) is needed";
    if (strcmp(r->record, "off") == 0 && strcmp(r->mode, "end-to-end") != 0)
        return "in this entry, record: off needs mode: end-to-end";
    if (r->connections > 1 && (strcmp(r->mode, "store-and-forward") != 0 || strcmp(r->protocol, "mllp") != 0 || r->forward.port == 0))
        return "in this entry, several connections need mode: store-and-forward, protocol: mllp and forward";
    if (r->tls_pin[0] != 0 && strcmp(r->tls_to, "required") != 0)
        return "in this entry, tls.pin needs tls.to: required";
    return NULL;
}

bool config_store(const struct config_key *key, struct span text, void *base)
{
    void *field = (char *)base + key->offset;
    switch (key->type) {
    case CONFIG_LABEL: return text.n <= 40 && all_of(text, "-_") && keep(text, field, key->size);
    case CONFIG_FILE: return text.n > 0 && text.p[0] == '/' && keep(text, field, key->size);
    case CONFIG_INTERFACE: return all_of(text, "-_.@:") && keep(text, field, key->size);
    case CONFIG_ADDRESS: return config_endpoint_parse(text, false, field);
    case CONFIG_TARGET: return config_endpoint_parse(text, true, field);
    case CONFIG_HOSTNAME: return is_hostname(text) && keep(text, field, key->size);
    case CONFIG_URL: return is_url(text) && keep(text, field, key->size);
    case CONFIG_VERIFIER: return is_verifier(text) && keep(text, field, key->size);
    case CONFIG_CHOICE: return is_choice(text, key->choices) && keep(text, field, key->size);
    case CONFIG_NUMBER: return store_number(text, key->most, field);
    case CONFIG_DURATION: return store_duration(text, field);
    case CONFIG_MILLIS: return store_millis(text, key->most, field);
    case CONFIG_PIN: return is_pin(text) && config_add_word(key, text, base);
    case CONFIG_NETWORKS: return is_network(text) && config_add_word(key, text, base);
    case CONFIG_ZONE: return is_zone(text) && keep(text, field, key->size);
    case CONFIG_MAIL: return text_is_mail(text) && keep(text, field, key->size);
    case CONFIG_ACCOUNT: return is_account(text) && keep(text, field, key->size);
    case CONFIG_WORDS: return config_add_word(key, text, base);
    case CONFIG_MAP:
    case CONFIG_LIST: break;
    }
    return false;
}

/* ── what changed ── */

static struct start_setting *setting_of(struct start_setting *all, size_t *n, const char *path)
{
    size_t length = strcspn(path, ".[");
    struct start_setting *last = *n > 0 ? &all[*n - 1] : NULL;
    if (last != NULL && strlen(last->name) == length && memcmp(last->name, path, length) == 0)
        return last;
    if (*n == START_SETTINGS || length >= sizeof last->name)
        return NULL;
    struct start_setting *next = &all[(*n)++];
    *next = (struct start_setting){0};
    memcpy(next->name, path, length);
    return next;
}

/* Entries of a list are taken as a whole, in their order; what is in them has no row of its own here. */
size_t config_settings(const struct config *c, struct start_setting out[START_SETTINGS])
{
    size_t n = 0;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strchr(key->path, '[') != NULL)
            continue;
        struct start_setting *s = setting_of(out, &n, key->path);
        size_t size = key->size;
        if (key->type == CONFIG_LIST)
            size *= *(const size_t *)((const char *)c + key->count_offset);
        if (s == NULL || key->type == CONFIG_MAP)
            continue;
        uint64_t before = 0;
        memcpy(&before, s->digest, sizeof before);
        uint64_t now = hash_bytes(&(struct hash_key){before, i}, (const uint8_t *)c + key->offset, size);
        memcpy(s->digest, &now, sizeof now);
    }
    return n;
}
