/* What pages.c and pages_open.c share; nobody else includes it. */
#ifndef TQ_STORE_PAGES_PRIVATE_H
#define TQ_STORE_PAGES_PRIVATE_H

#include "record/crypto/crypto.h"
#include "record/store/pages.h"

#include <pthread.h>
#include <stdatomic.h>

#define HEAD_FILE "store.head"
#define PAGE_FILE "store.db"
#define LOG_FILE "store.wal"
#define LOG_ID 16
#define LOG_BLOCK (AES_GCM_NONCE + LOG_HEAD + LOG_ID + AES_GCM_TAG) /* what stands before the first frame */
#define HEAD_MAGIC "tqstore1"                                       /* the last digit is the format's number */
#define HEAD_MAGIC_N 8
#define HEAD_CLEAR (STORE_LIFE + 32 + 32 + 8 + 8 + 1 + 32 + LOG_ID + 4 + 4)
#define HEAD_BYTES (HEAD_MAGIC_N + AES_GCM_NONCE + HEAD_CLEAR + AES_GCM_TAG)
#define HEAD_PLACES 2
#define HEAD_APART 4096 /* the second place lies in another sector, whatever the disk's sectors are */
#define SET_HASH 32
#define HELD 32 /* pages or frames that are written at once */

/* The keys of one database life, in locked memory. */
struct page_keys {
    uint8_t store[32]; /* seals the head */
    uint8_t page[32];  /* pages and log */
    uint8_t set[32];   /* the set-hash */
    struct crypto_hmac set_ready;
};

/* What the head says. */
struct page_head {
    uint8_t life[STORE_LIFE];
    uint64_t written; /* how often a head was written: the greater one of the two counts */
    uint64_t generation;
    bool copying;
    uint8_t sum[SET_HASH];  /* of all pages; copying: of those that the log does not hold */
    uint8_t log_id[LOG_ID]; /* copying: the log that is copied, … */
    uint32_t frames;        /* … and how many frames of it */
    uint32_t pages;
};

struct pages {
    int head_fd;
    int page_fd;
    int log_fd;
    bool looking; /* for pages_scan: nothing is changed */
    struct page_keys *keys;
    struct page_head head; /* the last one written or read */
    uint64_t outdo;        /* the next generation is greater than this */
    /* written by one thread; what others read of it, SQLite's own barriers hand over */
    uint8_t sum[SET_HASH]; /* of what `tail` holds */
    uint8_t nonce[AES_GCM_NONCE];
    uint8_t (*tail)[PAGE_TAIL];       /* of each page as it must lie on the disk; zeros: never written */
    uint8_t (*frame_tail)[PAGE_TAIL]; /* of each frame */
    uint32_t *frame_page;             /* which page a frame is of */
    uint8_t *unsure;                  /* a bit a page: writing it failed, so that only the log has it */
    _Atomic uint32_t count;           /* pages */
    _Atomic uint32_t frames;
    uint32_t committed; /* frames up to the last that ends a transaction */
    /* sealed and not written yet: frames from held_from on, pages from held_page on; what follows is the writing thread's */
    _Atomic uint32_t held_from; /* NO_FRAME: none */
    uint32_t held_frames;
    uint32_t held_page;
    uint32_t held_pages;
    bool holding;          /* pages are held: from pages_copy_begin on */
    uint32_t unsure_pages; /* bits in `unsure`, … */
    enum page_result why_unsure;
    uint8_t *held_log;
    uint8_t *held_text;
    atomic_bool log_there;
    uint8_t log_id[LOG_ID];
    uint8_t log_head[LOG_HEAD];
    pthread_mutex_t lock; /* guards the rest */
    struct error why;     /* the first damage */
    void (*damaged)(void *context, const struct error *why);
    void *context;
};

#define NO_FRAME UINT32_MAX

struct page_hand {
    struct crypto_bulk *box;
    uint8_t sealed[FRAME_BYTES];
};

struct pages *pages_new(void); /* NULL: no memory */

/* Reads up to n bytes; less only at the end of the file. -1: errno. */
ssize_t read_at(int fd, void *out, size_t n, uint64_t at);

/* Seals the text and puts nonce and tag behind it: out has in.n + PAGE_TAIL bytes. */
void seal_with_tail(struct pages *p, struct page_hand *h, struct span ad, struct span in, uint8_t *out);
bool open_page(struct page_hand *h, uint32_t number, uint8_t page[PAGE_BYTES]); /* in place; its tail becomes zeros */
bool open_frame(const struct pages *p, struct page_hand *h, uint32_t number, uint8_t frame[FRAME_BYTES]);

/* Takes an element of the set-hash in, or out. */
void sum_change(const struct page_keys *keys, uint8_t sum[SET_HASH], uint32_t number, const uint8_t tail[PAGE_TAIL]);
bool tail_absent(const uint8_t tail[PAGE_TAIL]);

/* The pages that the first `frames` frames of the log hold, a bit each. NULL: no memory. */
uint8_t *pages_listed(const struct pages *p, uint32_t frames);
bool is_listed(const uint8_t *listed, uint32_t number);

int head_write(struct pages *p, struct page_head *next, struct error *e); /* durable; becomes p->head */

/* Copies the log's transactions into the pages, as a checkpoint would. */
int pages_redo(struct pages *p, struct page_hand *h, struct error *e);

struct span log_ad(uint8_t room[9], uint64_t generation);
#endif
