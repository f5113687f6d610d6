#include "proc/recent.h"

#include "base/buf.h"
#include "base/table.h"

#include <stdlib.h>

#define KEPT_MAX (2 * RECENT_BYTES)
#define KEY_MAX 64

struct one {
    uint8_t key[KEY_MAX];
    size_t key_n; /* 0: none is here */
    int64_t missing;
    size_t bytes; /* of its results */
    struct buf kept;
};

struct recent {
    struct table *places; /* by key: its place */
    size_t most;
    size_t at; /* of the newest */
    struct one all[];
};

struct recent *recent_new(struct hash_key key, size_t most)
{
    struct recent *r = calloc(1, sizeof *r + most * sizeof r->all[0]);
    if (r == NULL)
        return NULL;
    r->most = most;
    r->places = table_new(key, most, sizeof(size_t));
    if (r->places == NULL) {
        free(r);
        return NULL;
    }
    for (size_t i = 0; i < most; i++)
        r->all[i].kept = BUF_SECRET(KEPT_MAX);
    return r;
}

static void forget(struct recent *r, size_t at)
{
    struct one *o = &r->all[at];
    const size_t *place = o->key_n == 0 ? NULL : table_get(r->places, span_of(o->key, o->key_n));
    if (place != NULL && *place == at)
        (void)table_remove(r->places, span_of(o->key, o->key_n));
    o->key_n = 0;
    buf_clear(&o->kept);
}

void recent_clear(struct recent *r)
{
    for (size_t i = 0; i < r->most; i++) {
        forget(r, i);
        buf_release(&r->all[i].kept);
    }
}

void recent_free(struct recent *r)
{
    if (r == NULL)
        return;
    recent_clear(r);
    table_free(r->places);
    free(r);
}

void recent_message(struct recent *r, struct span key, struct span kept, int64_t results)
{
    r->at = (r->at + 1) % r->most;
    forget(r, r->at);
    struct one *o = &r->all[r->at];
    size_t *place = key.n == 0 || key.n > KEY_MAX ? NULL : table_put(r->places, key, NULL);
    if (place == NULL)
        return;
    *place = r->at;
    memcpy(o->key, key.p, key.n);
    o->key_n = key.n;
    o->missing = results;
    o->bytes = 0;
    buf_add_span(&o->kept, kept);
}

void recent_result(struct recent *r, struct span encoded, bool keep)
{
    struct one *o = &r->all[r->at];
    o->missing--;
    o->bytes += encoded.n;
    if (!keep || o->key_n == 0 || o->bytes > RECENT_BYTES)
        return;
    buf_be32(&o->kept, (uint32_t)encoded.n);
    buf_add_span(&o->kept, encoded);
}

struct span recent_find(const struct recent *r, struct span key)
{
    const size_t *place = key.n == 0 || key.n > KEY_MAX ? NULL : table_get(r->places, key);
    const struct one *o = place == NULL ? NULL : &r->all[*place];
    bool whole = o != NULL && o->missing == 0 && o->bytes <= RECENT_BYTES && buf_ok(&o->kept);
    return whole ? buf_span(&o->kept) : (struct span){0};
}
