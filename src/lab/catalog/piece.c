/* A piece of evidence from its event. */
#include "lab/catalog/catalog_private.h"

#include <jansson.h>

/* A network card's address belongs to the device only where the device itself is on this segment; elsewhere it is the router's. */
static bool own_mac(struct span source)
{
    static const char *const sources[] = {"arp", "ndp", "dhcp", "dhcp6", "lldp", "cdp"};
    return catalog_one_of(source, sources, sizeof sources / sizeof sources[0]);
}

static struct span keep(struct catalog_piece *p, struct span text)
{
    text = catalog_trim(text);
    if (text.n > sizeof p->text - p->used)
        return (struct span){0};
    char *out = p->text + p->used;
    if (text.n > 0)
        memcpy(out, text.p, text.n);
    p->used += text.n;
    return span_of(out, text.n);
}

static struct span text_of(struct catalog_piece *p, const json_t *value)
{
    return json_is_string(value) ? keep(p, span_of(json_string_value(value), json_string_length(value))) : (struct span){0};
}

bool catalog_piece_read(struct catalog_piece *ret, struct span source, struct span json)
{
    json_t *root = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return false;
    }
    struct catalog_piece *p = ret;
    p->used = 0;
    p->source = source.n > 0 ? keep(p, source) : text_of(p, json_object_get(root, "source"));
    const json_t *said = json_object_get(root, "said");
    p->said_n = json_array_size(said);
    if (p->said_n > CATALOG_SAID_PARTS)
        p->said_n = CATALOG_SAID_PARTS;
    for (size_t i = 0; i < p->said_n; i++)
        p->said[i] = text_of(p, json_array_get(said, i));
    p->facility = text_of(p, json_object_get(root, "facility"));
    p->maker = text_of(p, json_object_get(root, "maker"));
    p->model = text_of(p, json_object_get(root, "model"));
    p->serial = text_of(p, json_object_get(root, "serial"));
    p->software = text_of(p, json_object_get(root, "software"));
    p->hostname = text_of(p, json_object_get(root, "hostname"));
    p->mac = own_mac(p->source) ? text_of(p, json_object_get(root, "mac")) : (struct span){0};
    json_decref(root);
    return true;
}
