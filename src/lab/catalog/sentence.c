/* Candidates as words and as JSON. */
#include "base/json.h"
#include "lab/catalog/catalog_private.h"

static const char *place_of(struct span source)
{
    static const struct {
        const char *source, *place;
    } places[] = {{"astm.h", "the ASTM header record"},
                  {"hl7.msh", "the HL7 header"},
                  {"poct1a.hel", "its POCT1-A greeting"},
                  {"dicom", "its DICOM association"},
                  {"snmp", "its SNMP description"},
                  {"http", "its web greeting"},
                  {"ssh", "its SSH greeting"},
                  {"telnet", "its Telnet greeting"},
                  {"ftp", "its FTP greeting"},
                  {"ssdp", "its SSDP announcement"},
                  {"mdns", "its mDNS announcement"},
                  {"tls.certificate", "its certificate"},
                  {"upnp", "its UPnP description"},
                  {"wsd", "its WS-Discovery announcement"},
                  {"zpl", "its answer as a label printer"},
                  {"pjl", "its answer as a printer"},
                  {"sip", "its SIP messages"},
                  {"rtsp", "its RTSP greeting"},
                  {"dhcp", "its DHCP request"},
                  {"lldp", "its LLDP announcement"},
                  {"cdp", "its CDP announcement"}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (span_is(source, places[i].source))
            return places[i].place;
    return "what it sends";
}

#define SPAN(s) (int)(s).n, (const char *)(s).p

void catalog_sentence(struct buf *out, const struct catalog_candidate *candidate, const struct catalog_reason *r)
{
    const char *place = place_of(r->source);
    switch (r->kind) {
    case CATALOG_BY_FORM:
        buf_addf(out, "Calls itself '%.*s' in %s, in the form that %.*s fixes.", SPAN(r->text), place, SPAN(candidate->maker));
        break;
    case CATALOG_BY_MODEL: buf_addf(out, "Says '%.*s' in %s, a name of this model.", SPAN(r->text), place); break;
    case CATALOG_BY_MAKER: buf_addf(out, "Says '%.*s' in %s, a name of this maker.", SPAN(r->text), place); break;
    case CATALOG_BY_SHOWS: buf_addf(out, "Shows '%.*s' in %s.", SPAN(r->text), place); break;
    case CATALOG_BY_HOSTNAME: buf_addf(out, "Its host name '%.*s' begins like this model.", SPAN(r->text)); break;
    case CATALOG_BY_MAC:
        buf_addf(out, "Its network card is of a block registered to %.*s (%.*s); that proves the maker only.", SPAN(r->maker), SPAN(r->text));
        break;
    case CATALOG_BY_PORT: buf_addf(out, "Answers on port %.*s, as this model does.", SPAN(r->text)); break;
    case CATALOG_BUT_COLLIDES: buf_addf(out, "But: %.*s", SPAN(r->text)); break;
    case CATALOG_BUT_SECOND_HAND: buf_add_str(out, "But: how this model names itself is known at second hand only."); break;
    case CATALOG_BUT_UNVERIFIED: buf_add_str(out, "But: of this model the catalog knows the name only."); break;
    case CATALOG_BUT_BEHIND:
        buf_addf(out, "But: its network card is of a block registered to %.*s (%.*s); it may stand behind another device.", SPAN(r->maker),
                 SPAN(r->text));
        break;
    case CATALOG_OF_LAB: buf_add_str(out, "The lab's own catalog says so."); break;
    }
}

const char *catalog_basis(int confidence)
{
    return confidence >= 60 ? "seen" : confidence >= CATALOG_TOLD ? "inferred" : "unknown";
}

static void put(struct jsonw *j, const char *key, struct span text)
{
    if (text.n > 0)
        jsonw_put_text(j, key, text);
}

void catalog_candidate_json(struct buf *out, const struct catalog_candidate *k)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    if (k->entry->model.n > 0)
        put(&j, "id", k->entry->id);
    put(&j, "maker", k->maker);
    put(&j, "model", k->model);
    put(&j, "class", k->class);
    if (k->class.n > 0)
        jsonw_put_str(&j, "role", catalog_role(k->class));
    jsonw_put_int(&j, "confidence", k->confidence);
    jsonw_put_str(&j, "basis", catalog_basis(k->confidence));
    jsonw_put_str(&j, "sure", catalog_sure_name(k->entry->sure));
    put(&j, "serial", k->serial);
    put(&j, "software", k->software);
    if (k->entry->own)
        jsonw_put_bool(&j, "own", true);
    jsonw_key(&j, "reasons");
    jsonw_array(&j);
    for (size_t i = 0; i < k->reasons_n; i++) {
        struct buf sentence = BUF_INIT(2048);
        catalog_sentence(&sentence, k, &k->reasons[i]);
        jsonw_text(&j, buf_span(&sentence));
        buf_release(&sentence);
    }
    jsonw_array_end(&j);
    jsonw_object_end(&j);
}
