/* Writes JSON (RFC 8259) into a buffer, without spaces. Reading JSON is jansson's work, in the rooms that need it.
 *
 * The writer puts the commas; the caller pairs begin and end. Text that is not UTF-8 is taken as ISO 8859-1, byte by byte, so that whatever a device
 * sends comes out as valid JSON. */
#ifndef TQ_BASE_JSON_H
#define TQ_BASE_JSON_H

#include "base/buf.h"

/* jansson exports four of these names: ours get others for the linker, so that neither is ever called in place of the other. */
#define json_object tq_json_object
#define json_array tq_json_array
#define json_real tq_json_real
#define json_null tq_json_null

struct json {
    struct buf *out;
    bool comma; /* a comma is due before the next member */
};

static inline struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}

void json_object(struct json *j);      /* { */
void json_object_end(struct json *j);  /* } */
void json_array(struct json *j);       /* [ */
void json_array_end(struct json *j);   /* ] */
void json_key(struct json *j, const char *key); /* key: plain ASCII of ours, written as it is */
void json_text(struct json *j, struct span text);
void json_str(struct json *j, const char *text); /* NULL gives null */
void json_int(struct json *j, int64_t v);
void json_uint(struct json *j, uint64_t v);
void json_real(struct json *j, double v, int decimals); /* not finite: null */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j, struct span ready); /* a value that is JSON already */

/* key and value in one */
void json_put_text(struct json *j, const char *key, struct span v);
void json_put_str(struct json *j, const char *key, const char *v);
void json_put_int(struct json *j, const char *key, int64_t v);
void json_put_uint(struct json *j, const char *key, uint64_t v);
void json_put_bool(struct json *j, const char *key, bool v);

#endif
