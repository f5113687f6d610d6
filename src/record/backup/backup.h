/* backup: one file with everything that a laboratory's record is made of, sealed, and the way back. docs/formats/backup.md is the format.
 *
 * It is written while the ledger goes on, from a cut (record/ledger/cut.h). Whoever can open the keyring can open it, nobody else. It is read through
 * a descriptor, a chunk at a time, and believed only after every byte was checked. It knows no path of its own and reads no clock. */
#ifndef TQ_BACKUP_H
#define TQ_BACKUP_H

#include "record/ledger/cut.h"

#define BACKUP_FORMAT 1
#define BACKUP_ID 16
#define BACKUP_ID_TEXT 33
#define BACKUP_KEY 32
#define BACKUP_CHUNK (256u << 10)       /* most bytes of a chunk in clear */
#define BACKUP_KEYRING_MAX (512u << 10) /* most bytes of the keyring's copy in the head */
#define BACKUP_PATH_MAX 96

/* ── The head: what can be read without a key ── */

struct backup_head {
    uint8_t log_id[16];
    uint8_t id[BACKUP_ID]; /* random */
    tq_time made;
    uint64_t records;
    uint8_t root[32]; /* of the tree of so many records */
    uint8_t salt[32];
    uint8_t wrapped[BACKUP_KEY + 16];
    struct span keyring; /* the keyring's file: what opens it opens the backup */
    size_t n;            /* bytes of the head */
};

/* From the first bytes of a backup. ERR_AGAIN: more bytes are needed (ret->n says how many there should be); ERR_CORRUPT; ERR_LIMIT: of a newer
 * format. */
int backup_head_parse(struct span in, struct backup_head *ret, struct error *e);

void backup_id_text(const uint8_t id[BACKUP_ID], char out[BACKUP_ID_TEXT]);

/* A path that may be in a backup: below ledger/, or one of the few files beside it. */
bool backup_path_allowed(struct span path);

/* ── Writing ── */

struct backup_job {
    const struct ledger_cut *cut;
    int data;               /* the data folder: small sealed files beside the ledger go along; -1: none */
    const uint8_t *opening; /* 32 bytes: the key that the keyring is sealed under */
    tq_time now;
    uint8_t id[BACKUP_ID];                     /* random */
    int fd;                                    /* an empty file */
    bool (*go_on)(void *context, uint64_t at); /* asked for every chunk, which begins there in the file; may be NULL */
    void *context;
};

struct backup_made {
    uint64_t bytes; /* of the backup's file */
    uint64_t files;
};

/* Writes a whole backup and makes it durable. ERR_CLOSED: go_on said no; ERR_SYSTEM: the disk. */
int backup_write(const struct backup_job *job, struct backup_made *ret, struct error *e);

/* ── Reading ── */

struct backup_reader;

/* Reads the head. The descriptor stays the caller's and is read from its beginning. ERR_CORRUPT, ERR_LIMIT. */
struct backup_reader *backup_open(int fd, struct error *e);
void backup_close(struct backup_reader *r);
const struct backup_head *backup_reader_head(const struct backup_reader *r);

/* Takes the key that opens the keyring in the head. ERR_MISUSE: it is another one's. */
int backup_unlock(struct backup_reader *r, const uint8_t opening[32], struct error *e);

struct backup_restored {
    uint64_t bytes;
    uint64_t files;
};

/* Writes everything below `dir`, an empty folder, and makes it durable; dir -1: only checks every byte. ERR_CORRUPT: cut or changed, with the place
 * in the backup's file and the file that it was reading; what was written then is worth nothing. go_on as above, or NULL. */
int backup_read(struct backup_reader *r, int dir, bool (*go_on)(void *context, uint64_t at), void *context, struct backup_restored *ret,
                struct error *e);

#endif
