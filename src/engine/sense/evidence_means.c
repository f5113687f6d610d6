/* What a text that a device says about itself means: its operating system, its kind, its maker. A small table of what is well known and sure, each
 * line from the program's or maker's own documentation or public source code; what no line knows means nothing. Models are the catalogue's matter,
 * unless they stand in the text by themselves. */
#include "engine/sense/evidence_private.h"

#include <strings.h>

/* A pattern begins at the start of the text, after '*' anywhere. Capitals do not count. '%' is the model: up to a space or the next sign of the
 * pattern. */
static const struct meaning {
    const char *sources; /* with spaces around each */
    const char *pattern;
    const char *os;
    const char *role;
    const char *maker;
} meanings[] = {
    /* DHCP: option 60 */
    {" dhcp dhcp6 ", "MSFT 5.0", "Windows", NULL, NULL},
    {" dhcp dhcp6 ", "MSFT 98", "Windows 98", NULL, NULL},
    {" dhcp ", "android-dhcp-", "Android", NULL, NULL},
    {" dhcp ", "udhcp ", "Linux (BusyBox)", NULL, NULL},
    {" dhcp ", "dhcpcd*:Linux", "Linux", NULL, NULL},
    {" dhcp ", "AAPLBSDPC", "macOS", NULL, "Apple"},
    {" dhcp ", "Hewlett-Packard JetDirect", NULL, "printer", "HP"},
    {" dhcp ", "Hewlett-Packard LaserJet", NULL, "printer", "HP"},
    {" dhcp ", "Cisco Systems, Inc. IP Phone %", NULL, "phone", "Cisco"},
    {" dhcp ", "Cisco AP ", NULL, "network", "Cisco"},
    {" dhcp ", "ciscopnp", NULL, "network", "Cisco"},
    {" dhcp ", "ArubaAP", NULL, "network", "Aruba"},
    {" dhcp ", "ArubaInstantAP", NULL, "network", "Aruba"},
    {" dhcp ", "yealink", NULL, "phone", "Yealink"},
    {" dhcp ", "Polycom-%", NULL, "phone", "Polycom"},
    {" dhcp ", "Grandstream GXP%", NULL, "phone", "Grandstream"},
    {" dhcp ", "AXIS,Network Camera,%,", NULL, "camera", "Axis"},
    {" dhcp ", "ubnt", NULL, "network", "Ubiquiti"},
    /* SSH */
    {" ssh ", "OpenSSH_for_Windows", "Windows", NULL, NULL},
    {" ssh ", "OpenSSH*Ubuntu", "Ubuntu Linux", NULL, NULL},
    {" ssh ", "OpenSSH*Debian", "Debian Linux", NULL, NULL},
    {" ssh ", "OpenSSH*Raspbian", "Raspberry Pi OS", NULL, NULL},
    {" ssh ", "OpenSSH*FreeBSD", "FreeBSD", NULL, NULL},
    {" ssh ", "Cisco-", NULL, "network", "Cisco"},
    {" ssh ", "ROSSSH", "RouterOS", "network", "MikroTik"},
    /* HTTP: who asks */
    {" http ", "Mozilla/*Windows NT 10.0", "Windows 10 or later", NULL, NULL},
    {" http ", "Mozilla/*Windows NT 6.3", "Windows 8.1", NULL, NULL},
    {" http ", "Mozilla/*Windows NT 6.2", "Windows 8", NULL, NULL},
    {" http ", "Mozilla/*Windows NT 6.1", "Windows 7", NULL, NULL},
    {" http ", "Mozilla/*Windows NT 6.0", "Windows Vista", NULL, NULL},
    {" http ", "Mozilla/*Windows NT 5.1", "Windows XP", NULL, NULL},
    {" http ", "Mozilla/*iPhone OS ", "iOS", NULL, "Apple"},
    {" http ", "Mozilla/*iPad; CPU OS ", "iPadOS", NULL, "Apple"},
    {" http ", "Mozilla/*Macintosh; *Mac OS X", "macOS", NULL, "Apple"},
    {" http ", "Mozilla/*Android", "Android", NULL, NULL},
    {" http ", "Mozilla/*X11; CrOS", "ChromeOS", NULL, NULL},
    {" http ", "Mozilla/*X11; Ubuntu; Linux", "Ubuntu Linux", NULL, NULL},
    {" http ", "Mozilla/*X11; Linux", "Linux", NULL, NULL},
    {" http ", "Dalvik/*Android", "Android", NULL, NULL},
    {" http ", "Microsoft-CryptoAPI/", "Windows", NULL, NULL},
    {" http ", "Microsoft BITS/", "Windows", NULL, NULL},
    {" http ", "Windows-Update-Agent/", "Windows", NULL, NULL},
    /* HTTP: who answers */
    {" http ", "Microsoft-IIS/", "Windows", NULL, NULL},
    {" http ", "Microsoft-HTTPAPI/", "Windows", NULL, NULL},
    {" http ", "Apache/*(Ubuntu)", "Ubuntu Linux", NULL, NULL},
    {" http ", "nginx/*(Ubuntu)", "Ubuntu Linux", NULL, NULL},
    {" http ", "Apache/*(Debian)", "Debian Linux", NULL, NULL},
    {" http ", "Apache/*(CentOS)", "CentOS Linux", NULL, NULL},
    {" http ", "Apache/*(Red Hat", "Red Hat Linux", NULL, NULL},
    {" http ", "Apache/*(Win", "Windows", NULL, NULL},
    {" http ", "cisco-IOS", "Cisco IOS", "network", "Cisco"},
    {" http ", "HP HTTP Server; HP %;", NULL, "printer", "HP"},
    {" http ", "HP-ChaiSOE/", NULL, "printer", "HP"},
    {" http ", "EPSON HTTP Server/", NULL, "printer", "Epson"},
    {" http ", "KM-MFP-http/", NULL, "printer", "Kyocera"},
    {" http ", "Lexmark_Web_Server", NULL, "printer", "Lexmark"},
    {" http ", "CANON HTTP Server", NULL, "printer", "Canon"},
    {" http ", "Hikvision-Webs", NULL, "camera", "Hikvision"},
    /* UPnP */
    {" ssdp ", "Microsoft-Windows/10.0", "Windows 10 or later", NULL, NULL},
    {" ssdp http ", "Microsoft-Windows/6.1", "Windows 7", NULL, NULL},
    {" ssdp ", "Microsoft-Windows", "Windows", NULL, NULL},
    {" ssdp ", "EPSON_Linux UPnP", NULL, "printer", "Epson"},
    /* SNMP and LLDP: the system's description */
    {" snmp lldp ", "Linux *-Ubuntu", "Ubuntu Linux", NULL, NULL},
    {" snmp lldp ", "Ubuntu ", "Ubuntu Linux", NULL, NULL},
    {" snmp lldp ", "Debian GNU/Linux", "Debian Linux", NULL, NULL},
    {" snmp lldp ", "Linux ", "Linux", NULL, NULL},
    {" snmp lldp ", "FreeBSD ", "FreeBSD", NULL, NULL},
    {" snmp lldp ", "Hardware: *Software: Windows", "Windows", NULL, NULL},
    {" snmp lldp cdp ", "Cisco IOS Software", "Cisco IOS", "network", "Cisco"},
    {" snmp lldp cdp ", "Cisco Internetwork Operating System Software", "Cisco IOS", "network", "Cisco"},
    {" snmp lldp cdp ", "Cisco NX-OS", "Cisco NX-OS", "network", "Cisco"},
    {" snmp lldp ", "Juniper Networks, Inc. %", "Junos", "network", "Juniper"},
    {" snmp lldp ", "ArubaOS", NULL, "network", "Aruba"},
    {" snmp lldp ", "ProCurve ", NULL, "network", "HP"},
    {" snmp lldp ", "RouterOS", "RouterOS", "network", "MikroTik"},
    {" snmp ", "HP ETHERNET MULTI-ENVIRONMENT", NULL, "printer", "HP"},
    {" snmp ", "Brother NC-", NULL, "printer", "Brother"},
    {" snmp ", "KYOCERA MITA Printing System", NULL, "printer", "Kyocera"},
    {" snmp ", "KYOCERA Document Solutions Printing System", NULL, "printer", "Kyocera"},
    {" snmp ", "Lexmark ", NULL, "printer", "Lexmark"},
    {" snmp ", "Xerox ", NULL, "printer", "Xerox"},
    {" snmp ", "EPSON Built-in", NULL, "printer", "Epson"},
    {" snmp ", "*AXIS *Network Camera", NULL, "camera", "Axis"},
    /* telephones */
    {" sip ", "Cisco-CP%/", NULL, "phone", "Cisco"},
    {" sip ", "Cisco/SPA%-", NULL, "phone", "Cisco"},
    {" sip ", "Yealink SIP-%", NULL, "phone", "Yealink"},
    {" sip ", "Yealink ", NULL, "phone", "Yealink"},
    {" sip ", "PolycomVVX-%-UA/", NULL, "phone", "Polycom"},
    {" sip ", "PolycomSoundPointIP-%-UA/", NULL, "phone", "Polycom"},
    {" sip ", "PolycomSoundStationIP-%-UA/", NULL, "phone", "Polycom"},
    {" sip ", "Grandstream %", NULL, "phone", "Grandstream"},
    {" sip ", "snom%/", NULL, "phone", "snom"},
    {" sip ", "Aastra %/", NULL, "phone", "Aastra"},
    {" sip ", "Asterisk PBX", NULL, "server", NULL},
    {" sip ", "FPBX-", NULL, "server", NULL},
    {" sip ", "FreeSWITCH", NULL, "server", NULL},
    /* cameras, printers: what they answer */
    {" rtsp ", "Dahua Rtsp Server", NULL, "camera", "Dahua"},
    {" rtsp ", "Hipcam RealServer", NULL, "camera", NULL},
    {" pjl ", "HP ", NULL, "printer", "HP"},
    {" pjl ", "Brother ", NULL, "printer", "Brother"},
    {" pjl ", "Lexmark ", NULL, "printer", "Lexmark"},
    {" pjl ", "", NULL, "printer", NULL},
    {" zpl ", "ZTC %,", NULL, "printer", "Zebra"},
    {" zpl ", "", NULL, "printer", NULL},
};

/* Option 55 of clients that say no more: the order in which they ask, as their own code has it. */
static const struct {
    const char *options;
    const char *os;
} orders[] = {
    {"1,3,6,15,31,33,43,44,46,47,119,121,249,252", "Windows 10 or later"},
    {"1,3,6,15,31,33,43,44,46,47,121,249,252", "Windows 10 or later"},
    {"1,15,3,6,44,46,47,31,33,121,249,43", "Windows Vista or 7"},
    {"1,15,3,6,44,46,47,31,33,121,249,43,252", "Windows Vista or 7"},
    {"1,15,3,6,44,46,47,31,33,249,43", "Windows XP"},
    {"1,121,3,6,15,108,114,119,252", "iOS or iPadOS"},
    {"1,121,3,6,15,119,252", "iOS or iPadOS"},
    {"1,121,3,6,15,114,119,252,95,44,46", "macOS"},
    {"1,121,3,6,15,108,114,119,252,95,44,46", "macOS"},
    {"1,28,2,3,15,6,119,12,44,47,26,121,42", "Linux"},
    {"1,28,2,121,15,6,12,40,41,42,26,119,3", "Linux"},
    {"1,28,2,121,15,6,12,40,41,42,26,119,3,121,249,33,252,42", "Linux"},
    {"1,28,2,3,15,6,119,12,44,47,26,121,42,4,5,249,33,252", "Linux"},
};

/* IANA's private enterprise numbers, of who makes what may hang in a lab's network. */
static const struct {
    uint32_t number;
    const char *maker;
} enterprises[] = {
    {9, "Cisco"},     {11, "HP"},          {253, "Xerox"},    {311, "Microsoft"},  {318, "APC"},         {367, "Ricoh"},      {368, "Axis"},
    {641, "Lexmark"}, {1248, "Epson"},     {1347, "Kyocera"}, {1602, "Canon"},     {2435, "Brother"},    {2636, "Juniper"},   {8691, "Moxa"},
    {10642, "Zebra"}, {12356, "Fortinet"}, {14823, "Aruba"},  {14988, "MikroTik"}, {39165, "Hikvision"}, {41112, "Ubiquiti"},
};

/* Where `word` begins in s; capitals do not count. NULL: nowhere. */
static const uint8_t *find(struct span s, const char *word, size_t n)
{
    for (size_t i = 0; i + n <= s.n; i++)
        if (strncasecmp((const char *)s.p + i, word, n) == 0)
            return s.p + i;
    return NULL;
}

static bool like(struct span text, const char *pattern, struct span *ret_model)
{
    bool anywhere = false;
    for (const char *p = pattern; *p != 0;) {
        if (*p == '*') {
            anywhere = true;
            p++;
            continue;
        }
        if (*p == '%') {
            size_t n = 0;
            while (n < text.n && text.p[n] > ' ' && (p[1] == 0 || text.p[n] != (uint8_t)p[1]))
                n++;
            *ret_model = span_of(text.p, n);
            (void)span_skip(&text, n);
            p++;
            continue;
        }
        size_t n = strcspn(p, "*%");
        const uint8_t *hit = anywhere ? find(text, p, n) : text.n >= n && strncasecmp((const char *)text.p, p, n) == 0 ? text.p : NULL;
        if (hit == NULL)
            return false;
        (void)span_skip(&text, (size_t)(hit - text.p) + n);
        anywhere = false;
        p += n;
    }
    return true;
}

static bool is_source(const char *sources, const char *source)
{
    size_t n = strlen(source);
    for (const char *at = sources; (at = strstr(at, source)) != NULL; at += n)
        if (at > sources && at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

static void take(const char **field, const char *value)
{
    if (*field == NULL)
        *field = value;
}

static void take_text(struct span *field, struct span value)
{
    if (field->n == 0 && value.n >= 2)
        *field = value;
}

void evidence_means(struct said *s, struct span text)
{
    for (size_t i = 0; text.n > 0 && i < sizeof meanings / sizeof meanings[0]; i++) {
        const struct meaning *m = &meanings[i];
        struct span model = {0};
        if (!is_source(m->sources, s->source) || !like(text, m->pattern, &model))
            continue;
        take(&s->os, m->os);
        take(&s->role, m->role);
        if (m->maker != NULL)
            take_text(&s->maker, span_str(m->maker));
        take_text(&s->model, model);
        break;
    }
    if (text.n > 0 && s->os == NULL)
        return; /* who names himself otherwise may ask as Windows does, and is not */
    for (size_t i = 0; s->dhcp_options.n > 0 && i < sizeof orders / sizeof orders[0]; i++)
        if (span_is(s->dhcp_options, orders[i].options) && (s->os == NULL || strncmp(orders[i].os, s->os, strlen(s->os)) == 0))
            s->os = orders[i].os; /* nearer: "Windows" becomes "Windows 7" */
}

struct span evidence_enterprise(uint32_t number)
{
    for (size_t i = 0; i < sizeof enterprises / sizeof enterprises[0]; i++)
        if (enterprises[i].number == number)
            return span_str(enterprises[i].maker);
    return (struct span){0};
}

const char *evidence_windows(unsigned major, unsigned minor, unsigned build)
{
    static const struct {
        unsigned from;
        const char *name;
    } tens[] = {{26100, "Windows 11 or Server 2025"}, {22000, "Windows 11"}, {20348, "Windows Server 2022"},       {18362, "Windows 10"},
                {17763, "Windows 10 or Server 2019"}, {17134, "Windows 10"}, {14393, "Windows 10 or Server 2016"}, {10240, "Windows 10"}};
    if (build == 0 || (major == 6 && minor == 1 && build == 7600)) /* what Samba and macOS say of themselves */
        return NULL;
    if (major == 10)
        for (size_t i = 0; i < sizeof tens / sizeof tens[0]; i++)
            if (build >= tens[i].from)
                return tens[i].name;
    switch (major << 8 | minor) {
    case 0x603: return "Windows 8.1 or Server 2012 R2";
    case 0x602: return "Windows 8 or Server 2012";
    case 0x601: return "Windows 7 or Server 2008 R2";
    case 0x600: return "Windows Vista or Server 2008";
    case 0x502: return "Windows Server 2003";
    case 0x501: return "Windows XP";
    case 0x500: return "Windows 2000";
    default: return NULL;
    }
}
