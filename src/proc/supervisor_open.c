/* What a supervisor holds: laid out, opened, given back; and what an earlier one left, looked at. */
#include "proc/handover.h"
#include "proc/interface.h"
#include "proc/log.h"
#include "proc/programme.h"
#include "proc/supervisor_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define BACKOFF_MOST (30 * TIME_SECOND)

/* TOURNIQUET_BACKOFF_MOST (seconds) makes waits shorter, never longer. */
static tq_time backoff_most(void)
{
    const char *told = getenv("TOURNIQUET_BACKOFF_MOST");
    tq_time most = told == NULL ? 0 : (tq_time)strtoul(told, NULL, 10) * TIME_SECOND;
    return most > 0 && most < BACKOFF_MOST ? most : BACKOFF_MOST;
}

/* An interface that is not there may come; one that can never be read is the configuration's fault. */
static int look_at_interface(const char *name, struct error *e)
{
    struct error why = {0};
    uint32_t linktype;
    int fd;
    if (interface_open(name, &fd, &linktype, &why) == 0) {
        (void)close(fd);
        return 0;
    }
    if (why.class == ERR_CLOSED)
        return 0;
    *e = why;
    return -1;
}

static void lay_out_children(struct supervisor *s)
{
    for (size_t i = 0; i < CHILDREN; i++)
        s->children[i] = (struct child){.role = i < ROLE_COUNT ? (enum role)i : ROLE_NONE, .control = {.fd = -1}};
    s->child_count = ROLE_COUNT;
    for (size_t i = 1; i < s->o->config->capture_count && s->live; i++) {
        s->children[s->child_count].role = ROLE_SENSOR;
        s->children[s->child_count++].capture = i;
    }
}

int supervisor_open(struct supervisor *s, struct error *e)
{
    const struct config *c = s->o->config;
    uid_t owner = s->unprivileged ? geteuid() : spawn_uid(ROLE_KEEPER);
    int probe = -1;
    if (s->o->replay != NULL && premises_capture(s->o->replay, &probe, e) != 0)
        return -1;
    if (probe >= 0)
        (void)close(probe);
    for (size_t i = 0; i < c->capture_count && s->live; i++)
        if (look_at_interface(c->capture[i].interface, e) != 0)
            return -1;
    if (spawn_find(s->folder, e) != 0 || programs_open(s->folder, &s->programs, e) != 0 || premises_data(c->data, owner, &s->data_fd, e) != 0 ||
        premises_listen(&c->console_listen, "the page", "console.listen", &s->listen_fd, e) != 0 ||
        premises_local(s->data_fd, owner, &s->local_fd, e) != 0 || premises_own(c, &s->own_fd, e) != 0)
        return -1;
    const struct config_listener *landing = programme_listener(c, "landing");
    const struct config_listener *postbox = programme_listener(c, "mail");
    if (postbox != NULL && premises_listen(&postbox->listen, "the door for mail", "listeners.listen", &s->postbox_fd, e) != 0)
        return -1;
    if (landing != NULL && premises_listen(&landing->listen, "the landing page", "listeners.listen", &s->landing_fd, e) != 0)
        return -1;
    for (size_t i = 0; i < c->witness_count; i++) {
        s->authority[i] = BUF_INIT(AUTHORITY_MAX);
        if (c->witness[i].authority[0] != 0 && premises_authority(c->witness[i].authority, &s->authority[i], e) != 0)
            return -1;
    }
    struct error why = {0};
    if (c->backup_to[0] != 0 && premises_backup(c->backup_to, owner, &s->backup_fd, &why) != 0)
        log_line(LOG_LEVEL_ERROR, "no backups are made: %s; mend that and start again", why.text);
    if (getrandom(s->run, sizeof s->run, 0) != (ssize_t)sizeof s->run ||
        getrandom(&s->hash_key, sizeof s->hash_key, 0) != (ssize_t)sizeof s->hash_key)
        return err_sys(e, errno, "drawing random bytes");
    return 0;
}

void supervisor_close(struct supervisor *s)
{
    if (s->local_fd >= 0)
        (void)unlinkat(s->data_fd, "api.sock", 0);
    programs_close(&s->programs);
    programs_close(&s->upgrade.next);
    links_close(s);
    const int fds[] = {s->signal_fd, s->local_fd, s->own_fd, s->backup_fd, s->listen_fd, s->landing_fd, s->postbox_fd, s->data_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    for (size_t i = 0; i < CONFIG_WITNESSES; i++)
        buf_release(&s->authority[i]);
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++)
        channel_close(&s->children[i].control);
}

struct supervisor *supervisor_lay_out(const struct supervisor_options *options, struct error *e)
{
    struct supervisor *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the supervisor");
        return NULL;
    }
    s->o = options;
    s->unprivileged = options->unprivileged || geteuid() != 0;
    s->durable = options->replay == NULL;
    s->data_fd = s->listen_fd = s->landing_fd = s->postbox_fd = s->local_fd = s->own_fd = s->backup_fd = s->signal_fd = -1;
    s->live = options->replay == NULL && options->config->capture_count > 0;
    s->self = handover_self();
    s->backoff_most = backoff_most();
    lay_out_children(s);
    programs_none(&s->programs);
    programs_none(&s->upgrade.next);
    if (links_prepare(s, e) == 0)
        return s;
    free(s);
    return NULL;
}

int supervisor_look(const struct supervisor_options *options, struct error *e)
{
    struct supervisor *s = supervisor_lay_out(options, e);
    int r = s == NULL ? -1 : handover_take(options->handover, s, e);
    for (size_t i = ROLE_SENSOR; s != NULL && i < s->child_count; i++)
        channel_close(&s->children[i].control);
    for (size_t i = 0; s != NULL && i < CONFIG_WITNESSES; i++)
        buf_release(&s->authority[i]);
    if (s != NULL)
        links_close(s);
    free(s); /* the process ends: what else it was given goes with it */
    return r;
}
