#include "lab/inventory/asset.h"

/* The sentences of a device page. */

static const char *source_words(struct span source)
{
    static const struct {
        const char *source;
        const char *words;
    } table[] = {
        {"hl7.msh", "in the header of its HL7 messages"},
        {"astm.h", "in the ASTM header record"},
        {"poct1a.hel", "in its POCT1-A greeting"},
        {"dhcp", "when it asked for an address (DHCP)"},
        {"dhcp6", "when it asked for an address (DHCPv6)"},
        {"oui", "as the first part of its MAC address says"},
        {"arp", "by ARP on this segment"},
        {"ndp", "by neighbour discovery on this segment"},
        {"http", "in its HTTP headers"},
        {"tls", "in its TLS greeting"},
        {"dns", "in DNS"},
        {"dicom", "in its DICOM association"},
        {"smb", "when it opened a Windows share"},
        {"lldp", "in its LLDP announcements"},
        {"cdp", "in its CDP announcements"},
        {"ssh", "in its SSH greeting"},
        {"ftp", "in its FTP greeting"},
        {"telnet", "in its TELNET greeting"},
        {"ntlm", "when it signed in to Windows (NTLM)"},
        {"snmp", "when it was asked by SNMP"},
        {"mdns", "in multicast DNS"},
        {"llmnr", "when its name was looked for (LLMNR)"},
        {"netbios", "in the NetBIOS name service"},
        {"ssdp", "in its UPnP announcements"},
        {"upnp", "in the description that it hands out (UPnP)"},
        {"wsd", "in its WS-Discovery announcements"},
        {"rtsp", "in its RTSP greeting"},
        {"sip", "in its SIP requests"},
        {"pjl", "when it was asked by PJL"},
        {"zpl", "when it was asked by ZPL"},
        {"ipp", "when it was asked by IPP"},
        {"tls.certificate", "in its TLS certificate"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (span_is(source, table[i].source))
            return table[i].words;
    return NULL;
}

void asset_sentence(struct buf *out, struct span field, struct span value, struct span source)
{
    static const struct {
        const char *field;
        const char *before;
    } table[] = {
        {"model", "Calls itself '"},         {"hostname", "Gives its name as '"},
        {"maker", "Its maker is '"},         {"serial", "Gives its serial number as '"},
        {"software", "Says that it runs '"}, {"os", "Runs the operating system '"},
    };
    const char *words = source_words(source);
    if (span_is(field, "local_mac")) {
        buf_add_str(out, "Uses a MAC address that no maker gave out (");
        buf_add_span(out, value);
        buf_add_str(out, "): a random one, or one that a person or a program set.");
        return;
    }
    if (span_is(field, "role")) {
        buf_add_str(out, span_is(value, "lis") ? "Acts as the LIS" : span_is(value, "analyzer") ? "Acts as an analyzer" : "Acts as a ");
        if (!span_is(value, "lis") && !span_is(value, "analyzer"))
            buf_add_span(out, value);
        buf_add_str(out, words != NULL ? ", as shown " : ", as seen in ");
    }
    const char *before = "Known as '";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (span_is(field, table[i].field))
            before = table[i].before;
    if (span_is(source, "oui"))
        before = "The maker of its network card is '";
    if (!span_is(field, "role")) {
        buf_add_str(out, before);
        buf_add_span(out, value);
        buf_add_str(out, words != NULL ? "' " : "', seen in ");
    }
    if (words != NULL)
        buf_add_str(out, words);
    else
        buf_add_span(out, source);
    buf_add_str(out, ".");
}

bool asset_role_sentence(struct buf *out, const struct asset_row *row)
{
    long long sent = row->results_sent;
    long long received = row->results_received;
    if (sent == 0 && received == 0) {
        bool server = span_is(row->role, "server");
        if (!span_is(row->role_basis, "inferred") || (!server && !span_is(row->role, "workstation")))
            return false;
        buf_add_str(out, server ? "Answers what other devices ask of the network, as a server does."
                                : "Opens web pages and shared folders and offers nothing itself, as a workstation does.");
        return true;
    }
    bool between = span_is(row->role, "middleware") && (sent == 0 || received == 0);
    if (between)
        buf_addf(out, "%s %lld result%s under a name under which another address %s them: it stands between analyzers and the LIS.",
                 sent > 0 ? "Sent" : "Received", sent + received, sent + received == 1 ? "" : "s", sent > 0 ? "receives" : "sends");
    else if (sent > 0 && received > 0)
        buf_addf(out, "Received %lld results and sent %lld on: it stands between analyzers and the LIS.", received, sent);
    else if (sent > 0)
        buf_addf(out, "Sent %lld result%s and received none, as an analyzer does.", sent, sent == 1 ? "" : "s");
    else
        buf_addf(out, "Received %lld result%s and sent none on, as a LIS does.", received, received == 1 ? "" : "s");
    return true;
}
