#include "proc/answers.h"

#include "base/text.h"
#include "proc/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#define MEASURED_FOR (60 * TIME_SECOND)

/* Bytes of the files below the ledger's folder; at most three levels deep. */
static uint64_t folder_bytes(const char *path, int depth)
{
    uint64_t sum = 0;
    DIR *d = opendir(path);
    if (d == NULL)
        return 0;
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
        char below[512];
        struct stat st;
        if (f->d_name[0] == '.' || (size_t)snprintf(below, sizeof below, "%s/%s", path, f->d_name) >= sizeof below || lstat(below, &st) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && depth > 0)
            sum += folder_bytes(below, depth - 1);
    }
    (void)closedir(d);
    return sum;
}

/* What the ledger takes on the disk: it has thousands of files, so it is measured anew only after a minute, and only when something came. */
static uint64_t measured_bytes(const char *dir, uint64_t records)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint64_t bytes;
    static uint64_t of = UINT64_MAX; /* records when it was measured; UINT64_MAX: never */
    static tq_time at;
    tq_time now = clock_monotonic();
    (void)pthread_mutex_lock(&lock);
    if (of == UINT64_MAX || (of != records && now - at >= MEASURED_FOR)) {
        bytes = folder_bytes(dir, 3);
        of = records;
        at = now;
    }
    uint64_t ret = bytes;
    (void)pthread_mutex_unlock(&lock);
    return ret;
}

void answers_state(struct ledger *ledger, pthread_mutex_t *lock, const char *dir, struct api_ledger_state *ret)
{
    *ret = (struct api_ledger_state){0};
    uint8_t root[32];
    (void)pthread_mutex_lock(lock);
    ret->records = ledger_size(ledger);
    ret->checkpoint_time = ledger_checkpoint_time(ledger);
    ledger_root(ledger, root);
    (void)snprintf(ret->checkpoint, sizeof ret->checkpoint, "%s", ledger_checkpoint(ledger));
    (void)pthread_mutex_unlock(lock);
    struct buf text = {.p = (uint8_t *)ret->root, .size = sizeof ret->root, .max = sizeof ret->root - 1};
    text_base64(&text, span_of(root, sizeof root)); /* 44 characters; the zero behind them is there */
    (void)snprintf(ret->origin, sizeof ret->origin, "%.*s", (int)strcspn(ret->checkpoint, "\n"), ret->checkpoint);
    ret->bytes = measured_bytes(dir, ret->records);
}

int answers_prove(struct ledger *ledger, pthread_mutex_t *lock, const char *dir, uint64_t index, struct buf *out, struct error *e)
{
    (void)pthread_mutex_lock(lock);
    uint64_t size = ledger_size(ledger);
    (void)pthread_mutex_unlock(lock);
    if (index >= size)
        return err_set(e, ERR_MISUSE, "there is no record %llu", (unsigned long long)index);
    return ledger_prove(dir, index, out, e);
}
