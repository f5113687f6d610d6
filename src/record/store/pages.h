/* pages: the files of a sealed store, page by page and frame by frame; docs/formats/store.md is the format. It knows nothing of SQL: the VFS (vfs.c)
 * stands between it and SQLite. pages.c opens with its numbered invariants and state diagram. */
#ifndef TQ_STORE_PAGES_H
#define TQ_STORE_PAGES_H

#include "record/store/store.h"

#define PAGE_BYTES 4096                       /* of SQLite's page, as it lies on the disk too … */
#define PAGE_TAIL 28                          /* … its last bytes hold nonce and tag, and SQLite keeps nothing there */
#define LOG_HEAD 32                           /* of SQLite's WAL, in clear */
#define FRAME_HEAD 24                         /* before each page in it */
#define FRAME_BYTES (FRAME_HEAD + PAGE_BYTES) /* of one frame, in clear and on the disk */
#define PAGES_MAX (1u << 20)                  /* 4 GiB */
#define FRAMES_MAX (1u << 20)

enum page_result {
    PAGE_OK,
    PAGE_ABSENT,  /* behind the end, or never written: out is zeros */
    PAGE_DAMAGED, /* pages_why says which */
    PAGE_FULL,    /* no room on the disk, or a cap */
    PAGE_ERROR,   /* the disk failed */
};

struct pages;

/* What one thread at a time needs for sealing and opening. */
struct page_hand;

/* Opens what lies in `dir`, or makes it (create: it must not be there). One at a time a folder (a lock). Everything is read and checked.
 * ret_note: what of the log did not hold and was dropped; empty: nothing. ERR_CLOSED: there is none; ERR_AGAIN: somebody has it open; ERR_CORRUPT: it
 * does not hold, and what. */
struct pages *pages_open(int dir, const uint8_t key[32], bool create, char ret_note[STORE_NOTE], struct error *e);
void pages_close(struct pages *p);
/* The same check of files that somebody may have open, which changes nothing. */
int pages_scan(int dir, const uint8_t key[32], struct store_scanned *ret, struct error *e);
/* Removes the files; the head, which holds the key, is written over first. */
int pages_drop(int dir, struct error *e);

void pages_tell(struct pages *p, void (*damaged)(void *context, const struct error *why), void *context); /* on whichever thread meets it, once */
bool pages_why(struct pages *p, struct error *ret);                                                       /* the first damage met since opening */

struct page_hand *page_hand_new(const struct pages *p); /* NULL: no memory */
void page_hand_free(struct page_hand *h);

/* Pages count from 1. Writing: one thread. What is written while the log is copied may wait for its neighbours, until pages_written. */
uint32_t pages_count(const struct pages *p);
enum page_result page_read(struct pages *p, struct page_hand *h, uint32_t number, uint8_t out[PAGE_BYTES]);
enum page_result page_write(struct pages *p, struct page_hand *h, uint32_t number, const uint8_t clear[PAGE_BYTES]);
enum page_result pages_written(struct pages *p);                /* else the log still has what is missing, and pages_copy_end fails */
enum page_result pages_resize(struct pages *p, uint32_t count); /* new pages are absent ones */

/* The log: begun anew (what was in it is gone), then frames, which count from 1. Frames that end no transaction may wait for more; where that fails,
 * they are not there. */
bool pages_log_there(const struct pages *p);
uint32_t pages_log_frames(const struct pages *p);
void pages_log_head(const struct pages *p, uint8_t out[LOG_HEAD]);
enum page_result pages_log_start(struct pages *p, struct page_hand *h, const uint8_t head[LOG_HEAD]);
enum page_result pages_log_end(struct pages *p);
enum page_result frame_read(struct pages *p, struct page_hand *h, uint32_t number, uint8_t out[FRAME_BYTES]);
enum page_result frame_write(struct pages *p, struct page_hand *h, uint32_t number, const uint8_t clear[FRAME_BYTES]);

/* Around the copying of the log into the pages: begin before the first page is written, end when all of them are. What was under way when the last
 * process ended, opening has done again. */
int pages_copy_begin(struct pages *p, struct error *e);
int pages_copy_end(struct pages *p, struct error *e);
void pages_outdo(struct pages *p, uint64_t generation); /* the next one is greater than this */
/* Makes all pages of a new store durable, which was written without a log. */
int pages_settle(struct pages *p, struct error *e);
void pages_mark(const struct pages *p, struct store_mark *ret);

#endif
