/* Writes JSON (RFC 8259) into a buffer, without spaces. What the program wrote itself json_read.h reads; what others
 * send is jansson's work, in the rooms that need it.
 *
 * The writer puts the commas; the caller pairs begin and end. Text that is not UTF-8 is taken as ISO 8859-1, byte by byte, so that whatever a device
 * sends comes out as valid JSON. The names begin with jsonw_, because json_ is jansson's. */
#ifndef TQ_BASE_JSON_H
#define TQ_BASE_JSON_H

#include "base/buf.h"

struct jsonw {
    struct buf *out;
    bool comma; /* a comma is due before the next member */
};

static inline struct jsonw jsonw_to(struct buf *out)
{
    return (struct jsonw){.out = out};
}

void jsonw_object(struct jsonw *j);                /* { */
void jsonw_object_end(struct jsonw *j);            /* } */
void jsonw_array(struct jsonw *j);                 /* [ */
void jsonw_array_end(struct jsonw *j);             /* ] */
void jsonw_name(struct jsonw *j, struct span key); /* a key: plain ASCII of ours, written as it is */
void jsonw_text(struct jsonw *j, struct span text);
void jsonw_str(struct jsonw *j, const char *text); /* NULL gives null */
void jsonw_int(struct jsonw *j, int64_t v);
void jsonw_uint(struct jsonw *j, uint64_t v);
void jsonw_real(struct jsonw *j, double v, int decimals); /* not finite: null */
void jsonw_bool(struct jsonw *j, bool v);
void jsonw_null(struct jsonw *j);
void jsonw_raw(struct jsonw *j, struct span ready); /* a value that is JSON already */

static inline void jsonw_key(struct jsonw *j, const char *key)
{
    jsonw_name(j, span_str(key));
}

/* key and value in one */
void jsonw_put_text(struct jsonw *j, const char *key, struct span v);
void jsonw_put_str(struct jsonw *j, const char *key, const char *v);
void jsonw_put_int(struct jsonw *j, const char *key, int64_t v);
void jsonw_put_uint(struct jsonw *j, const char *key, uint64_t v);
void jsonw_put_bool(struct jsonw *j, const char *key, bool v);

#endif
