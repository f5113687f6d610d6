/* ole: the names of what a compound file holds ([MS-CFB]: .doc, .xls, .ppt, .msg, .msi): its directory alone is read, its contents are not. */
#ifndef TQ_WIRE_OLE_H
#define TQ_WIRE_OLE_H

#include "base/span.h"

#define OLE_NAME 40 /* small letters, what is not ASCII as '?' */
#define OLE_ENTRIES 4096

struct ole {
    struct span file;
    uint32_t sector; /* bytes */
    uint32_t at;     /* sector of the directory in hand */
    size_t place;    /* entry in it */
    size_t seen;     /* sectors, against circles */
};

struct ole_entry {
    char name[OLE_NAME];
    uint8_t kind; /* 1 storage, 2 stream, 5 root */
    uint64_t size;
    uint8_t class_id[16];
};

bool ole_open(struct ole *o, struct span file);
bool ole_next(struct ole *o, struct ole_entry *ret);

#endif
