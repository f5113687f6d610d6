#include "proc/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP (16u << 20) /* bytes between two syncs */

struct ahead {
    int dir;
    size_t noted; /* the caller's own */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    bool due;
    bool stopping;
};

static void *run(void *context)
{
    struct ahead *a = context;
    (void)pthread_mutex_lock(&a->lock);
    while (!a->stopping) {
        if (!a->due) {
            (void)pthread_cond_wait(&a->work, &a->lock);
            continue;
        }
        a->due = false;
        (void)pthread_mutex_unlock(&a->lock);
        (void)syncfs(a->dir);
        (void)pthread_mutex_lock(&a->lock);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

struct ahead *ahead_start(const char *dir, struct error *e)
{
    struct ahead *a = calloc(1, sizeof *a);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = a == NULL ? ENOMEM : fd < 0 ? errno : 0;
    if (r == 0) {
        a->dir = fd;
        (void)pthread_mutex_init(&a->lock, NULL);
        (void)pthread_cond_init(&a->work, NULL);
        r = pthread_create(&a->thread, NULL, run, a);
    }
    if (r == 0)
        return a;
    (void)err_sys(e, r, "opening the ledger's folder to sync it ahead");
    if (fd >= 0)
        (void)close(fd);
    free(a);
    return NULL;
}

static void tell(struct ahead *a, bool stop)
{
    (void)pthread_mutex_lock(&a->lock);
    a->due = true;
    a->stopping = stop;
    (void)pthread_cond_signal(&a->work);
    (void)pthread_mutex_unlock(&a->lock);
}

void ahead_stop(struct ahead *a)
{
    if (a == NULL)
        return;
    tell(a, true);
    (void)pthread_join(a->thread, NULL);
    (void)pthread_cond_destroy(&a->work);
    (void)pthread_mutex_destroy(&a->lock);
    (void)close(a->dir);
    free(a);
}

void ahead_note(struct ahead *a, size_t bytes)
{
    a->noted += bytes;
    if (a->noted < STEP)
        return;
    a->noted = 0;
    tell(a, false);
}
