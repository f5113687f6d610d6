/* own_catalog: the folder of lab.yaml's key "catalog", files of the device catalog that a lab wrote. */
#ifndef TQ_PROC_OWN_CATALOG_H
#define TQ_PROC_OWN_CATALOG_H

#include "lab/catalog/catalog.h"

#define OWN_CATALOG_MAX (8u << 20) /* bytes of all files */

/* Adds every file *.txt of the folder to c, in the order of their names; texts (may be NULL) gets each behind its length in four bytes. ERR_MISUSE:
 * the folder or a file cannot be read, or a file is wrong: its name, line, column, and what was expected. */
int own_catalog_read(const char *folder, struct catalog *c, struct buf *texts, struct error *e);

/* Reads one file to out. ERR_MISUSE: it cannot be read, or is too large. */
int own_catalog_file(const char *path, struct buf *out, struct error *e);

/* The whole of a descriptor, from its start whatever was read from it before. */
int own_catalog_load(int fd, struct buf *out, struct error *e);

/* Takes the next text from what own_catalog_read wrote. */
struct span own_catalog_next(struct span *texts);

#endif
