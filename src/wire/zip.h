/* zip: what a zip archive says it holds (APPNOTE 6.3), by its central directory, or by its local headers where there is none. Nothing is unpacked. */
#ifndef TQ_WIRE_ZIP_H
#define TQ_WIRE_ZIP_H

#include "base/span.h"

#define ZIP_FILES 4096 /* so many are read of one archive */

struct zip {
    struct span file;
    struct span rest;
    bool central;
    size_t seen;
};

struct zip_entry {
    struct span name;
    uint16_t method; /* 0 stored, 8 deflated, 99 AES */
    bool encrypted;
    bool folder;
    uint64_t packed; /* as written: may be a lie */
    uint64_t unpacked;
    struct span data; /* packed bytes, as far as they are there; empty where they are not */
};

/* False: no zip archive. */
bool zip_open(struct zip *z, struct span file);
/* The next entry; false: the end, or it breaks off. */
bool zip_next(struct zip *z, struct zip_entry *ret);

#endif
