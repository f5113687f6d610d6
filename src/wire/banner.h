/* What programs say about themselves at the start of a stream, or in a datagram of SSDP or SIP: the greeting, a line of the head, an answer. */
#ifndef TQ_WIRE_BANNER_H
#define TQ_WIRE_BANNER_H

#include "base/span.h"

struct banner {
    const char *source; /* "ssh", "ftp", "telnet", "http", "rtsp", "sip", "pjl", "zpl", "ssdp" */
    struct span text;   /* one line, without its end; points into the input */
};

/* The first bytes of one direction of a stream. Only lines that are whole count. False: nothing is said. */
bool banner_stream(struct span start, struct banner *ret);

/* Whether the start of a stream is that of a head of HTTP or RTSP, as far as it goes, which has not ended: more of it may say something. */
bool banner_unfinished(struct span start);

/* A request of SIP (RFC 3261): its User-Agent line. Proxies pass it on as it came: only what has one Via line is its sender's own. Answers are not
 * read: who is in between does not show in them. */
bool banner_sip(struct span message, struct banner *ret);

/* A datagram of SSDP (UPnP Device Architecture, 1.2 and 1.3): its SERVER line. */
bool banner_ssdp(struct span datagram, struct banner *ret);

/* The type of device that an announcement of SSDP is about ("urn:schemas-upnp-org:device:Printer:1"), from its NT or ST line. Empty: none. */
struct span banner_ssdp_type(struct span datagram);

/* Maker and model of a printer in an answer of IPP (RFC 8011, 5.4.9 "printer-make-and-model") inside HTTP. Empty: not there, or not whole; also where
 * a computer answers for its printers (CUPS). */
struct span banner_ipp(struct span answer);

/* Text of an element in a UPnP description of a device (UPnP Device Architecture, 2.3), as sent. Empty: not there, not whole, or no such document. */
struct span banner_upnp(struct span document, const char *element);

#endif
