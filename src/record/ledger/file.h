/* The few file operations that the ledger uses; nobody else in this folder writes, syncs, renames or removes. Paths are relative to a folder's
 * descriptor. Errors name the path and are ERR_SYSTEM. */
#ifndef TQ_LEDGER_FILE_H
#define TQ_LEDGER_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

/* Writes all of it at `at`. */
int file_write(int fd, const char *path, struct span data, uint64_t at, struct error *e);
int file_sync(int fd, const char *path, struct error *e); /* fdatasync */
void file_send(int fd, uint64_t at, uint64_t n);          /* begins to write these bytes to the disk; nothing is durable by it */
int file_cut(int fd, const char *path, uint64_t size, struct error *e);

/* Opens for writing, made where it is missing with its folders. -1: error. */
int file_open_write(int dir, const char *path, struct error *e);

/* Opens for reading: descriptor, or -1 with ERR_CLOSED when it is not there, ERR_SYSTEM otherwise. */
int file_open_read(int dir, const char *path, struct error *e);

/* Reads up to n bytes at `at`; *ret_n is less than n only at the end of the file. */
int file_read(int fd, const char *path, uint8_t *out, size_t n, uint64_t at, size_t *ret_n, struct error *e);

/* Appends a whole file of at most `max` bytes to out. ERR_CLOSED: not there; ERR_CORRUPT: longer than max. */
int file_load(int dir, const char *path, size_t max, struct buf *out, struct error *e);

/* Writes a new file with exactly this content (the old content goes). Not atomic, not synced. */
int file_store(int dir, const char *path, struct span data, bool send, struct error *e); /* send: file_send */

/* Replaces the file in one step: path.tmp, then rename. sync: the file before and its folder after, so that it is durable on return. */
int file_replace(int dir, const char *path, struct span data, bool sync, struct error *e);

int file_sync_path(int dir, const char *path, struct error *e); /* a file or folder by its name */
/* All of the file system that `dir` is on: for hundreds of small files one flush instead of one each (Linux reports its errors since 5.8). */
int file_sync_all(int dir, struct error *e);
int file_make_dirs(int dir, const char *path, struct error *e);   /* the folders above path */
int file_make_folder(const char *path, struct error *e);          /* one that may be there already; durable when it was made */
int file_sync_parent(int dir, const char *path, struct error *e); /* the folder that the path's own name stands in */
int file_remove(int dir, const char *path, struct error *e);      /* no error when it is not there */
int file_remove_dir(int dir, const char *path, struct error *e);  /* a folder with the files in it; no error when it is not there */

#endif
