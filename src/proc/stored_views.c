#include "proc/stored_views.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_all(struct stored_views *s)
{
    projector_stop(s->projector);
    views_close(s->views);
    store_close(s->store);
    s->projector = NULL;
    s->views = NULL;
    s->store = NULL;
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* What the ledger says of this store's checkpoints against what was found on the disk. An older copy was caught up; from now on it is the newest. */
static int compare(const struct stored_views_options *o, struct stored_views *s, const struct store_mark *opened, const struct found *found,
                   struct error *e)
{
    struct views_checkpoint last;
    struct store_mark mark;
    char life[2 * STORE_LIFE + 1];
    char hash[65];
    hex(opened->life, STORE_LIFE, life);
    hex(opened->hash, sizeof opened->hash, hash);
    if (!views_last_checkpoint(s->views, &last) || strcmp(last.life, life) != 0 || last.generation < opened->generation)
        return 0; /* its record was not durable yet when it ended */
    if (last.generation == opened->generation)
        return strcmp(last.hash, hash) == 0 ? 0
                                            : err_set(e, ERR_CORRUPT, "the store's pages are not those that record %llu of the ledger speaks of",
                                                      (unsigned long long)last.record);
    (void)snprintf(s->mended, sizeof s->mended,
                   "an older copy of the store was in its place (checkpoint %llu, the last one was %llu); caught up from record %llu",
                   (unsigned long long)opened->generation, (unsigned long long)last.generation, (unsigned long long)s->from);
    store_outdo(s->store, last.generation);
    if (store_checkpoint(s->store, &mark, e) != 0)
        return -1;
    o->projector.checkpointed(o->projector.context, &mark, found->progress.ledger);
    return 0;
}

/* One attempt, in the folder (dir) or in memory (-1). *ret_prepared: what failed is not the store's fault where it is false. */
static int attempt(const struct stored_views_options *o, int dir, struct stored_views *s, struct found *found, bool *ret_fatal, struct error *e)
{
    struct store_options options = {.damaged = o->damaged, .context = o->projector.context};
    struct projector_options follow = o->projector;
    struct store_mark mark;
    char note[STORE_NOTE] = "";
    *ret_fatal = false;
    s->store = dir < 0 ? store_open_memory(e) : store_open(dir, o->key, &options, note, e);
    s->views = s->store == NULL ? NULL : views_open(s->store, o->site, e);
    if (s->views == NULL)
        return -1;
    if (o->prepare(o->projector.context, s->views, e) != 0) {
        *ret_fatal = true;
        return -1;
    }
    bool stored = store_mark(s->store, &mark);
    follow.store = s->store;
    follow.views = s->views;
    s->projector = projector_new(&follow, e);
    if (s->projector == NULL || projector_catch_up(s->projector, found, &s->from, e) != 0)
        return -1;
    if (note[0] != 0)
        (void)snprintf(s->mended, sizeof s->mended, "%s; caught up from record %llu", note, (unsigned long long)s->from);
    return stored ? compare(o, s, &mark, found, e) : 0;
}

static int open_dir(const char *path, struct error *e)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_sys(e, errno, "making the folder %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : err_sys(e, errno, "opening the folder %s", path);
}

int stored_views_open(const struct stored_views_options *o, struct stored_views *s, struct found *found, struct error *e)
{
    struct error why = {0};
    bool fatal = false;
    *s = (struct stored_views){0};
    int dir = open_dir(o->dir, &why);
    int r = dir < 0 ? -1 : attempt(o, dir, s, found, &fatal, &why);
    if (r != 0 && !fatal && dir >= 0) {
        struct error first = why;
        close_all(s);
        r = store_drop(dir, &why);
        if (r == 0)
            r = attempt(o, dir, s, found, &fatal, &why);
        if (r == 0)
            (void)snprintf(s->mended, sizeof s->mended, "rebuilt from the ledger: %s", first.text);
    }
    if (r != 0 && !fatal) {
        struct error first = why;
        close_all(s);
        s->in_memory = true;
        r = attempt(o, -1, s, found, &fatal, &why);
        if (r == 0)
            (void)snprintf(s->mended, sizeof s->mended, "in memory until the next start, because no store can be kept: %s", first.text);
    }
    if (dir >= 0)
        (void)close(dir);
    if (r == 0)
        return 0;
    close_all(s);
    if (e != NULL)
        *e = why;
    return -1;
}
