/* The SQLite VFS of a sealed store: one for each, known to SQLite by a name of its own, with two files in it: the database and its WAL. */
#ifndef TQ_STORE_VFS_H
#define TQ_STORE_VFS_H

#include "record/store/pages.h"

struct vfs;

#define VFS_FILE "store.db" /* what a connection opens */

struct vfs *vfs_new(struct pages *pages, struct error *e); /* pages stay the caller's */
const char *vfs_name(const struct vfs *v);
void vfs_free(struct vfs *v); /* when all connections are closed; v may be NULL */

#endif
