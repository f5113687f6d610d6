#include "record/ledger/sweep.h"

#include "record/ledger/file.h"
#include "record/ledger/thread.h"

static void *sweep(void *context)
{
    struct sweep *s = context;
    s->rc = file_sync_all(s->dir, &s->why);
    return NULL;
}

void sweep_begin(struct sweep *s, int dir)
{
    if (s->begun)
        return;
    s->begun = true;
    s->dir = dir;
    s->running = thread_start(&s->thread, sweep, s);
}

int sweep_end(struct sweep *s, struct error *e)
{
    bool ran = s->running;
    s->begun = s->running = false;
    if (!ran)
        return 0;
    (void)pthread_join(s->thread, NULL);
    if (s->rc != 0 && e != NULL)
        *e = s->why;
    return s->rc;
}
