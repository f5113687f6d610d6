/* Any bytes as what a supervisor left: taken, and then it fits its configuration; or refused. */
#include "proc/handover.h"
#include "proc/supervisor_private.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DIALECT_AT 10 /* behind the magic and the form's number */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What bytes name as descriptors are this process's own: nothing of it is closed. */
static void let_go(struct supervisor *s)
{
    for (size_t i = 0; i < s->child_count; i++) {
        struct channel *c = &s->children[i].control;
        c->fd = -1;
        c->fd_count = 0;
        buf_release(&c->in);
        buf_release(&c->out);
    }
    for (size_t i = 0; i < CONFIG_WITNESSES; i++)
        buf_release(&s->authority[i]);
    dialer_free(s->dialer);
    free(s);
}

static void fits(const struct supervisor *s)
{
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++) {
        const struct child *c = &s->children[i];
        if (c->pid < 0 || c->control.fd_count > sizeof c->control.fds / sizeof c->control.fds[0] || c->why[sizeof c->why - 1] != 0 ||
            c->trouble[sizeof c->trouble - 1] != 0 || (c->role == ROLE_SENSOR && c->capture >= CONFIG_CAPTURES))
            abort();
    }
    if (s->folder[sizeof s->folder - 1] != 0 || s->from[sizeof s->from - 1] != 0)
        abort();
}

static void take(struct handover *h)
{
    static struct config config;
    struct error e = {0};
    if (h->config.n == 0)
        config_default(&config);
    else if (h->config.n > CONFIG_BYTES || config_parse(&config, h->config, "lab.yaml", &e) != 0)
        return;
    struct supervisor *s = supervisor_lay_out(&(struct supervisor_options){.config = &config, .config_text = h->config}, &e);
    if (s == NULL)
        return;
    if (handover_take(h, s, &e) == 0)
        fits(s);
    else if (e.class != ERR_MISUSE)
        abort();
    let_go(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct handover h;
    struct error e = {0};
    int fd = memfd_create("handover", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    const uint32_t dialect = htobe32(message_dialect()); /* the present one: else nothing behind it would be read */
    if (size >= DIALECT_AT + sizeof dialect && pwrite(fd, &dialect, sizeof dialect, DIALECT_AT) != (ssize_t)sizeof dialect)
        abort();
    if (handover_open(fd, &h, &e) == 0) {
        take(&h);
        handover_release(&h);
    } else if (e.class != ERR_MISUSE && e.class != ERR_LIMIT) {
        abort();
    }
    (void)close(fd);
    return 0;
}
