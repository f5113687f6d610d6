#include "proc/learnt.h"

#include "proc/log.h"
#include "proc/sealed.h"

#define FILE_NAME "detector.sealed"

void learnt_open(struct learnt *l)
{
    bool there;
    struct error e = {0};
    l->open = true;
    if (sealed_load(FILE_NAME, l->key, &l->kept, &there, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "the detector learns its senders anew: %s", e.text);
}

void learnt_give(struct learnt *l, struct channel *detector, bool may)
{
    l->untaught = !l->open;
    l->told = may;
    if (may)
        (void)channel_put(detector, MESSAGE_STATE, buf_span(&l->kept), NULL);
}

void learnt_take(struct learnt *l, struct span body)
{
    if (l->untaught)
        return;
    buf_clear(&l->coming);
    buf_add_span(&l->coming, body);
}

void learnt_keep(struct learnt *l)
{
    struct error e = {0};
    if (l->coming.n == 0)
        return;
    if (sealed_save(FILE_NAME, l->key, buf_span(&l->coming), &e) != 0)
        log_line(LOG_LEVEL_WARNING, "what the detector learnt is not kept: %s", e.text);
    buf_clear(&l->kept);
    buf_add_span(&l->kept, buf_span(&l->coming));
    buf_clear(&l->coming);
}
