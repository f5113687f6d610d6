/* http: HTTP/1.x messages (RFC 9112) as an incremental reader of one direction of a byte stream: where each message's body is, and what its header
 * says about it. It copies nothing but the beginning of the header line in hand, and gives the same events however the stream is cut (bodies come in
 * other pieces). What it cannot frame with certainty it does not guess: HTTP_BAD, for good. */
#ifndef TQ_WIRE_HTTP_H
#define TQ_WIRE_HTTP_H

#include "base/span.h"

#define HTTP_LINE 192         /* bytes of a header line that are looked at */
#define HTTP_HEADER_MAX 65536 /* bytes of a header, of a chunk's line, of a trailer */

enum http_event {
    HTTP_MORE, /* the input is used up */
    HTTP_HEAD, /* a header is complete: method, status and what else it says can be read; a body may follow */
    HTTP_BODY, /* *ret: bytes of the body, in order */
    HTTP_END,  /* the message is complete */
    HTTP_BAD,  /* this cannot be read as HTTP, or not any more */
};

enum http_method { HTTP_OTHER, HTTP_IS_HEAD, HTTP_CONNECT };

struct http_reader {
    /* in */
    bool response;
    bool bodiless; /* set with HTTP_HEAD: this response answers a HEAD request and has no body, whatever it says */
    /* out, with HTTP_HEAD and until the next one */
    enum http_method method; /* of a request */
    unsigned status;         /* of a response */
    bool hl7;                /* Content-Type names HL7 v2 in ER7 */
    bool coded;              /* Content-Encoding: the body is compressed */
    bool to_close;           /* the body goes on to the end of the stream */
    uint8_t charset_n;
    char charset[24]; /* of Content-Type */
    /* inside */
    uint8_t state;
    bool chunked;
    bool transfer; /* Transfer-Encoding is there */
    bool sized;
    bool wrong; /* what frames the body contradicts itself */
    uint64_t left;
    uint32_t header_n;
    uint8_t line_n;
    uint8_t line[HTTP_LINE];
};

/* Steps over as much of `in` as makes one event. A reader starts zeroed, but for `response`. */
enum http_event http_next(struct http_reader *r, struct span *in, struct span *ret);

/* `bytes` bytes are missing here. True: they were all of an open body, whose other bytes will come; false: the reader is lost (HTTP_BAD). */
bool http_gap(struct http_reader *r, uint64_t bytes);

/* Is a message open whose body was not complete? At the end of a stream: one that goes on to it (to_close) is complete. */
bool http_inside(const struct http_reader *r);

/* How far the first bytes of a stream look like those of a message that may carry HL7: a POST or PUT request, or a response. -1 no, 0 so far, 1 yes.
 */
int http_signature(struct span s);

#endif
