/* nDPI 4.2: the only file that knows it. */
#include "engine/sense/labels.h"

#include <ctype.h>
#include <dlfcn.h>
#include <malloc.h>
#include <ndpi_api.h>
#include <stdlib.h>

#ifdef SANITIZED
/* nDPI 4.2 forgets about 200 bytes at its end, once a process; what it keeps for flows is counted (labels_held). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libndpi\n";
}
#endif

#define MOST_PROTOCOLS 512
#define NAME 24

/* What is used of the library, by name. */
#define CALLS(CALL)                                                                                                                                  \
    CALL(set_ndpi_malloc)                                                                                                                            \
    CALL(set_ndpi_free)                                                                                                                              \
    CALL(ndpi_init_detection_module)                                                                                                                 \
    CALL(ndpi_set_protocol_detection_bitmask2)                                                                                                       \
    CALL(ndpi_finalize_initialization)                                                                                                               \
    CALL(ndpi_exit_detection_module)                                                                                                                 \
    CALL(ndpi_detection_get_sizeof_ndpi_flow_struct)                                                                                                 \
    CALL(ndpi_get_api_version)                                                                                                                       \
    CALL(ndpi_get_num_supported_protocols)                                                                                                           \
    CALL(ndpi_get_proto_name)                                                                                                                        \
    CALL(ndpi_detection_process_packet)                                                                                                              \
    CALL(ndpi_free_flow_data)

struct calls {
#define CALL(name) __typeof__(&(name)) name;
    CALLS(CALL)
#undef CALL
};

struct labels {
    void *library;
    struct calls call;
    struct ndpi_detection_module_struct *module;
    size_t flows;
    size_t started_bytes; /* what the module took at its start */
    size_t protocols;
    char names[MOST_PROTOCOLS][NAME];
};

struct label_flow {
    unsigned packets;
    struct ndpi_flow_struct ndpi;
};

/* ── memory: nDPI's allocator has no context ── */

static size_t held_bytes;

static void *counted_malloc(size_t n)
{
    void *p = malloc(n);
    if (p != NULL)
        held_bytes += malloc_usable_size(p);
    return p;
}

static void counted_free(void *p)
{
    if (p != NULL)
        held_bytes -= malloc_usable_size(p);
    free(p);
}

/* ── names ── */

/* Where nDPI's name in small letters is not what we call it. */
static const struct {
    uint16_t id;
    const char *name;
} own_names[] = {
    {NDPI_PROTOCOL_FTP_CONTROL, "ftp"},  {NDPI_PROTOCOL_FTP_DATA, "ftp-data"},
    {NDPI_PROTOCOL_SMBV1, "smb"},        {NDPI_PROTOCOL_SMBV23, "smb"},
    {NDPI_PROTOCOL_MSSQL_TDS, "tds"},    {NDPI_PROTOCOL_DCERPC, "dcerpc"},
    {NDPI_PROTOCOL_DHCPV6, "dhcp6"},     {NDPI_PROTOCOL_HTTP_CONNECT, "http"},
    {NDPI_PROTOCOL_HTTP_PROXY, "http"},  {NDPI_PROTOCOL_SKINNY, "skinny"},
    {NDPI_PROTOCOL_ETHERNET_IP, "enip"}, {NDPI_PROTOCOL_WHOIS_DAS, "whois"},
    {NDPI_PROTOCOL_MAIL_SMTPS, "smtp"},  {NDPI_PROTOCOL_MAIL_POPS, "pop3"},
    {NDPI_PROTOCOL_MAIL_IMAPS, "imap"},  {NDPI_PROTOCOL_SKYPE_TEAMS, "skypeteams"},
    {NDPI_PROTOCOL_RTCP, "rtp"},
};

static void name_protocols(struct labels *l)
{
    for (size_t id = 1; id < l->protocols; id++) {
        const char *from = l->call.ndpi_get_proto_name(l->module, (uint16_t)id);
        size_t n = 0;
        for (; from != NULL && *from != 0 && *from != '(' && n + 1 < NAME; from++)
            if (isalnum((unsigned char)*from) || *from == '.')
                l->names[id][n++] = (char)tolower((unsigned char)*from);
    }
    for (size_t i = 0; i < sizeof own_names / sizeof own_names[0]; i++)
        (void)snprintf(l->names[own_names[i].id], NAME, "%s", own_names[i].name);
}

static const char *name_of(const struct labels *l, uint16_t id)
{
    return id == NDPI_PROTOCOL_UNKNOWN || id >= l->protocols || l->names[id][0] == 0 ? NULL : l->names[id];
}

/* ── life ── */

static int load(struct labels *l, struct error *e)
{
    l->library = dlopen(NDPI_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (l->library == NULL)
        return err_set(e, ERR_MISUSE,
                       "labels by nDPI: the library " NDPI_LIBRARY " is not there: install the package libndpi4.2, or use labels: own");
#define CALL(name)                                                                                                                                   \
    *(void **)&l->call.name = dlsym(l->library, #name);                                                                                              \
    if (l->call.name == NULL)                                                                                                                        \
        return err_set(e, ERR_MISUSE, "labels by nDPI: " NDPI_LIBRARY " has no " #name ": install Debian's libndpi4.2");
    CALLS(CALL)
#undef CALL
    if (l->call.ndpi_get_api_version() != NDPI_API_VERSION || l->call.ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(struct ndpi_flow_struct))
        return err_set(e, ERR_MISUSE, "labels by nDPI: " NDPI_LIBRARY " is not the one that this program was built for: install Debian's libndpi4.2");
    return 0;
}

struct labels *labels_new(struct error *e)
{
    struct labels *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for labels by nDPI");
        return NULL;
    }
    if (load(l, e) != 0) {
        labels_free(l);
        return NULL;
    }
    NDPI_PROTOCOL_BITMASK all;
    NDPI_BITMASK_SET_ALL(all);
    l->call.set_ndpi_malloc(counted_malloc);
    l->call.set_ndpi_free(counted_free);
    l->module = l->call.ndpi_init_detection_module(ndpi_no_prefs);
    if (l->module == NULL) {
        (void)err_set(e, ERR_SYSTEM, "nDPI does not start: no memory");
        labels_free(l);
        return NULL;
    }
    l->call.ndpi_set_protocol_detection_bitmask2(l->module, &all);
    l->call.ndpi_finalize_initialization(l->module);
    l->protocols = l->call.ndpi_get_num_supported_protocols(l->module);
    if (l->protocols > MOST_PROTOCOLS)
        l->protocols = MOST_PROTOCOLS;
    name_protocols(l);
    l->started_bytes = held_bytes;
    return l;
}

void labels_free(struct labels *l)
{
    if (l == NULL)
        return;
    if (l->module != NULL)
        l->call.ndpi_exit_detection_module(l->module);
    free(l); /* the library stays: it may be asked for again */
}

/* ── flows ── */

static bool has_application(const char *protocol)
{
    static const char *const carriers[] = {"tls", "http", "quic", "dtls"};
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++)
        if (strcmp(protocol, carriers[i]) == 0)
            return true;
    return false;
}

/* The name asked of a DNS server, say, tells nothing about this conversation: applications count inside what carries them only. */
static struct label label_of(const struct labels *l, ndpi_protocol p)
{
    uint16_t outer = p.master_protocol != NDPI_PROTOCOL_UNKNOWN ? p.master_protocol : p.app_protocol;
    struct label label = {.protocol = name_of(l, outer)};
    const char *inner = name_of(l, p.app_protocol);
    if (label.protocol != NULL && inner != NULL && strcmp(inner, label.protocol) != 0 && has_application(label.protocol))
        label.application = inner;
    return label;
}

bool labels_packet(struct labels *l, struct label_flow **flow, struct span packet, tq_time time, struct label *ret)
{
    struct label_flow *f = *flow;
    *ret = (struct label){0};
    if (f == NULL) {
        bool room = l->flows < LABELS_FLOWS && labels_held(l) < LABELS_BYTES;
        f = room ? calloc(1, sizeof *f) : NULL;
        if (f == NULL)
            return true;
        *flow = f;
        l->flows++;
    }
    if (packet.n > UINT16_MAX)
        packet.n = UINT16_MAX;
    uint64_t ms = time > 0 ? (uint64_t)(time / TIME_MS) : 0;
    ndpi_protocol p = l->call.ndpi_detection_process_packet(l->module, &f->ndpi, packet.p, (uint16_t)packet.n, ms);
    if (f->ndpi.confidence == NDPI_CONFIDENCE_DPI) /* never by port or address alone */
        *ret = label_of(l, p);
    if (ret->protocol == NULL && ++f->packets < LABELS_PACKETS)
        return false;
    labels_forget(l, flow);
    return true;
}

size_t labels_held(const struct labels *l)
{
    return held_bytes - l->started_bytes;
}

void labels_forget(struct labels *l, struct label_flow **flow)
{
    if (*flow == NULL)
        return;
    l->call.ndpi_free_flow_data(&(*flow)->ndpi);
    free(*flow);
    *flow = NULL;
    l->flows--;
}
