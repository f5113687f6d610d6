#include "engine/sense/evidence_private.h"

#include "wire/banner.h"
#include "wire/ja4.h"
#include "wire/ntlm.h"
#include "wire/tls_certificate.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_HELLOS 128   /* streams whose start waits for its rest */
#define NTLM_BYTES 4096   /* of a stream that are looked through for NTLM */
#define TELNET_BYTES 1024 /* of a stream of TELNET, for its greeting */

static void done(struct evidence *v, struct flow *f, int direction)
{
    f->side[direction].flags &= (uint8_t)~SIDE_HELLO;
    if (f->hello != NULL && f->hello->direction == direction)
        evidence_close(v, f);
}

void evidence_close(struct evidence *v, struct flow *f)
{
    if (f->hello == NULL)
        return;
    free(f->hello);
    f->hello = NULL;
    v->hellos--;
}

/* The start of the stream so far: what was kept of it and these bytes. */
static struct span so_far(struct flow *f, int direction, struct span bytes)
{
    struct hello *h = f->hello;
    if (h == NULL || h->direction != direction)
        return bytes;
    size_t room = sizeof h->bytes - h->n;
    size_t take = bytes.n < room ? bytes.n : room;
    memcpy(h->bytes + h->n, bytes.p, take);
    h->n += take;
    return span_of(h->bytes, h->n);
}

/* More is needed: keeps what there is, or gives the direction up. */
static void wait(struct evidence *v, struct flow *f, int direction, struct span start)
{
    if (f->hello != NULL && f->hello->direction == direction) {
        if (f->hello->n == sizeof f->hello->bytes)
            done(v, f, direction);
        return;
    }
    struct hello *keep = f->hello == NULL && v->hellos < MOST_HELLOS && start.n < sizeof keep->bytes ? malloc(sizeof *keep) : NULL;
    if (keep == NULL) {
        done(v, f, direction);
        return;
    }
    v->hellos++;
    keep->direction = direction;
    keep->n = start.n;
    memcpy(keep->bytes, start.p, start.n);
    f->hello = keep;
}

static void client_hello(struct evidence *v, struct flow *f, int direction, struct span start, const struct tls_hello *hello, tq_time time)
{
    char print[JA4_TEXT];
    if (hello->name.n > 0)
        evidence_say(v, &f->ref, &(struct said){.source = "tls", .ip = evidence_sender(&f->ref, !direction), .hostname = hello->name}, time);
    const struct address *client = evidence_sender(&f->ref, direction);
    if (evidence_is_local(client) && ja4(start, print))
        evidence_say(v, &f->ref, &(struct said){.source = "ja4", .ip = client, .ja4 = span_str(print)}, time);
}

/* True: the start of the stream is TLS, and was dealt with. */
static bool tls(struct evidence *v, struct flow *f, int direction, struct span start, tq_time time)
{
    struct tls_hello hello;
    struct span name;
    if (span_peek(&start, 0) != 22)
        return false;
    enum tls_hello_status status = tls_hello_decode(start, &hello);
    if (status == TLS_HELLO_OK)
        client_hello(v, f, direction, start, &hello, time);
    if (status == TLS_HELLO_NONE) {
        const struct address *server = evidence_sender(&f->ref, direction);
        status = evidence_is_local(server) ? tls_certificate(start, &name) : TLS_HELLO_NONE;
        if (status == TLS_HELLO_OK)
            evidence_say(v, &f->ref, &(struct said){.source = "tls.certificate", .ip = server, .hostname = evidence_line(name)}, time);
    }
    if (status == TLS_HELLO_MORE)
        wait(v, f, direction, start);
    else
        done(v, f, direction);
    return true;
}

static bool may_carry_ntlm(struct span s)
{
    bool smb = s.n >= 8 && s.p[5] == 'S' && s.p[6] == 'M' && s.p[7] == 'B';
    bool dce = s.n >= 4 && s.p[0] == 5 && s.p[1] == 0 && s.p[2] <= 19;
    return smb || dce;
}

static void ntlm(struct evidence *v, struct flow *f, int direction, struct span bytes, tq_time time)
{
    struct ntlm n;
    char software[32] = "";
    if (!ntlm_find(bytes, &n))
        return;
    const char *os = evidence_windows(n.major, n.minor, n.build);
    if (n.major > 0)
        (void)snprintf(software, sizeof software, os == NULL && n.build == 0 ? "Samba (as Windows %u.%u)" : "Windows %u.%u.%u", n.major, n.minor,
                       n.build);
    struct said said = {
        .os = os, .source = "ntlm", .ip = evidence_sender(&f->ref, direction), .hostname = span_str(n.host), .software = span_str(software)};
    evidence_say(v, &f->ref, &said, time);
    done(v, f, direction);
}

/* What a greeting, a head or an answer says. Where HTTP brings a UPnP description of the device, that says more than the name of its web server. */
static void greeting(struct evidence *v, const struct flow *f, const struct address *sender, const struct banner *banner, struct span start,
                     tq_time time)
{
    struct said said = {.source = banner->source, .ip = sender, .software = evidence_line(banner->text)};
    bool names_itself = strcmp(banner->source, "pjl") == 0; /* a printer's name is its model */
    if (names_itself)
        said = (struct said){.source = banner->source, .ip = sender, .model = said.software};
    evidence_means(&said, banner->text);
    evidence_say(v, &f->ref, &said, time);
    struct span printer = evidence_line(banner_ipp(start));
    if (printer.n > 0)
        evidence_say(v, &f->ref, &(struct said){.source = "ipp", .ip = sender, .model = printer, .role = "printer"}, time);
    struct said described = {.source = "upnp", .ip = sender};
    described.maker = evidence_line(banner_upnp(start, "manufacturer"));
    described.model = evidence_line(banner_upnp(start, "modelName"));
    described.serial = evidence_line(banner_upnp(start, "serialNumber"));
    described.role = evidence_upnp_role(banner_upnp(start, "deviceType"));
    if (described.maker.n + described.model.n > 0)
        evidence_say(v, &f->ref, &described, time);
}

void evidence_start(struct evidence *v, struct flow *f, int direction, struct span bytes, tq_time time)
{
    struct banner banner;
    struct span start = so_far(f, direction, bytes);
    if (tls(v, f, direction, start, time))
        return;
    if (may_carry_ntlm(bytes) && f->bytes[direction] <= NTLM_BYTES) {
        ntlm(v, f, direction, bytes, time);
        return;
    }
    if (banner_stream(start, &banner)) {
        const struct address *sender = evidence_sender(&f->ref, direction);
        bool anywhere = strcmp(banner.source, "http") != 0; /* who runs a web server on the Internet is not of interest */
        if (anywhere || evidence_is_local(sender))
            greeting(v, f, sender, &banner, start, time);
    } else if (banner_unfinished(start) || (direction == 1 && start.p[0] == 0xff && start.n < TELNET_BYTES)) { /* TELNET's commands come first */
        wait(v, f, direction, start);
        return;
    }
    done(v, f, direction);
}
