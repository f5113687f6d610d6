/* premises: what the supervisor opens before any role starts: the data folder, the sockets, the capture. Roles get these as descriptors and open
 * nothing outside the data folder themselves. */
#ifndef TQ_PROC_PREMISES_H
#define TQ_PROC_PREMISES_H

#include "base/error.h"
#include "proc/config.h"

#include <sys/types.h>

/* The data folder: made where it is missing (0700), locked against a second run (one that is ending is waited for, up to 2 s), given to `owner` when
 * this process is root. Keep the descriptor open: it is the lock. ERR_MISUSE: in use, or no folder; ERR_SYSTEM: not writable. */
int premises_data(const char *path, uid_t owner, int *ret_fd, struct error *e);

/* A listening TCP socket, non-blocking. what: "the page"; key: of lab.yaml. ERR_MISUSE: the address is taken, or is none of this machine's. */
int premises_listen(const struct config_endpoint *at, const char *what, const char *key, int *ret_fd, struct error *e);

/* The relay's spool, made where it is missing (0600), and the public key to seal it to. *ret_key: empty where the keeper has made none yet. */
#define SPOOL_KEY_FILE "keeper.pub"
#define RELAY_SPOOL_FILE "relay.spool"
int premises_spool(int data_fd, uid_t owner, int *ret_fd, struct buf *key, struct error *e);

/* The local socket, "api.sock" in the data folder, 0660. A stale one is replaced. */
int premises_local(int data_fd, uid_t owner, int *ret_fd, struct error *e);

/* What the lab wrote itself (proc/own.h): its files checked, and their texts in an anonymous file that nobody can change any more. A folder is ""
 * where there is none. ERR_MISUSE: name, line, column and what was expected. */
int premises_own(const struct config *config, int *ret_fd, struct error *e);

/* Appends a file of authorities (PEM) to out. ERR_MISUSE: it cannot be read, is too long (AUTHORITY_MAX), or no certificate is in it. */
#define AUTHORITY_MAX 6144
int premises_authority(const char *path, struct buf *out, struct error *e);

/* The folder of backups: made where it is missing (0700), and given to `owner` when this process is root and it was made just now or is empty.
 * ERR_SYSTEM, ERR_MISUSE. */
int premises_backup(const char *path, uid_t owner, int *ret_fd, struct error *e);

/* Opens the credential of this name that systemd handed over. ERR_MISUSE: there is none, and what to do. */
int premises_credential(const char *name, int *ret_fd, struct error *e);

/* A capture file. ERR_MISUSE: it cannot be opened, or is no regular file (it must be possible to read it again from its start). */
int premises_capture(const char *path, int *ret_fd, struct error *e);

#endif
