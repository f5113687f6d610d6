/* The page, embedded at build time by scripts/embed-page from web/dist. */
#ifndef TQ_FRONT_ASSET_H
#define TQ_FRONT_ASSET_H

#include "base/span.h"

struct asset {
    const char *path; /* "/index.html", "/assets/index-3f2a.js" */
    const char *type;
    const char *etag; /* quoted, from the SHA-256 of the bytes */
    const uint8_t *plain;
    const uint8_t *plain_end;
    const uint8_t *gzip; /* NULL: not worth it */
    const uint8_t *gzip_end;
};

extern const struct asset assets[];
extern const size_t asset_count;

/* The asset at exactly this path, or NULL. */
const struct asset *asset_find(struct span path);

#endif
