/* labels: names for generic traffic from nDPI, for what the readers of this room do not know and for the application inside TLS, HTTP and QUIC.
 *
 * nDPI is a shared library that is loaded where it is asked for and nowhere else: no program is linked with it. It is written to read hostile packets
 * but is large, so it is not the default, sees the first packets of a flow only, and runs where the sensor is narrowed.
 *
 * A flow that it looks at holds about 1 KiB until it is named, after LABELS_PACKETS packets at the latest; at most LABELS_FLOWS flows are looked at
 * at a time, and none is begun while nDPI holds more than LABELS_BYTES for flows. */
#ifndef TQ_SENSE_LABELS_H
#define TQ_SENSE_LABELS_H

#include "base/error.h"
#include "base/span.h"
#include "base/time.h"

#define LABELS_PACKETS 8 /* with payload, of both directions: the first message and its answer are nearly always among them */
#define LABELS_FLOWS 4096
#define LABELS_BYTES (8u << 20)

struct labels;
struct label_flow; /* what nDPI keeps of a flow that is not named yet */

struct label {
    const char *protocol;    /* "tls", "mqtt" …: as our own labels where we have one for it. NULL: not known */
    const char *application; /* inside it: "teamviewer", "windowsupdate" …; NULL: not known */
};

/* Loads the library: call it before the process is narrowed. One a process. NULL: ERR_MISUSE where it is not installed, or is of another version. */
struct labels *labels_new(struct error *e);
void labels_free(struct labels *l);

/* The next packet with payload of a flow, whole, from its IP header on. *flow starts NULL. True: there is nothing more to learn, *ret is what it is,
 * *flow is NULL again, and the flow is not to be shown any more. */
bool labels_packet(struct labels *l, struct label_flow **flow, struct span packet, tq_time time, struct label *ret);

/* The flow is over, or is known without nDPI. */
void labels_forget(struct labels *l, struct label_flow **flow);

/* Bytes that nDPI has allocated since its start: for flows, and what it remembers across them. */
size_t labels_held(const struct labels *l);

#endif
