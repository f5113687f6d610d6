#include "proc/answers.h"

#include "base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

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
    ret->bytes = folder_bytes(dir, 3);
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
