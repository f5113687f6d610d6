/* url: the parts of an address as a browser would take it (WHATWG URL, RFC 3986): where it really leads, whatever it looks like. */
#ifndef TQ_WIRE_URL_H
#define TQ_WIRE_URL_H

#include "base/buf.h"

#define URL_HOST 254

struct url {
    char scheme[12];      /* small letters */
    struct span userinfo; /* before the last @ of the authority; empty: none */
    char host[URL_HOST];  /* small letters, percent-decoded, without a final dot; "" where there is none; UTF-8 stays as it is */
    size_t host_n;
    uint32_t port;    /* 0: none is written */
    struct span path; /* from the first / on, without query and fragment */
    struct span query;
    struct span fragment;
    bool ip;      /* the host is an address, however it is written: 10.0.0.1, 0x0a000001, 167772161, [::1] */
    bool dressed; /* … in a form that hides it, or the host has percent signs */
};

/* Reads one address. False: it has no scheme of those that lead somewhere (http, https, ftp, mailto, data, javascript, file, tel, …). Backslashes
 * count as slashes, line ends and tabs inside are passed over, as browsers do: scratch (room ≥ the text's length) holds what the views point to. */
bool url_read(struct span text, struct buf *scratch, struct url *ret);

/* Takes the next thing in a plain text that a mail program would make a link of: http://…, https://…, ftp://…, www.… False: the end. */
bool url_next(struct span *rest, struct span *ret);

/* Does a shown text look like an address ("www.bank.example", "https://bank.example/x")? *ret_host: its host, small letters. */
bool url_shown_host(struct span text, char ret_host[URL_HOST]);

/* Appends a label of an internationalised name (RFC 3492: "xn--…") in UTF-8. False: it is none, or it is broken. */
bool url_punycode(struct span label, struct buf *out);

/* Appends with %XX decoded. */
void url_unescape(struct buf *out, struct span text);

#endif
