#include "proc/mailroom.h"

#include "door/mailed.h"
#include "proc/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TURN (2 * TIME_SECOND)    /* so long a mail waits for the one before: others want the readers' threads, too … */
#define ANSWER (15 * TIME_SECOND) /* … and for its answer: longer than the reader gives itself */

enum state { FREE, WAITING, SENT, ANSWERED };

struct mailroom {
    void (*wake)(void *context);
    struct channel reader; /* main thread */
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t changed;
    enum state state;
    bool there; /* the reader is */
    bool stopping;
    uint32_t id;
    struct buf job;
    struct buf told;
    uint8_t status;
};

struct mailroom *mailroom_new(void (*wake)(void *context), struct error *e)
{
    struct mailroom *m = calloc(1, sizeof *m);
    pthread_condattr_t clock;
    if (m == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the mail room");
        return NULL;
    }
    m->wake = wake;
    m->reader.fd = -1;
    m->job = BUF_SECRET(MAIL_JOB_MAX);
    m->told = BUF_SECRET(MAILED_MAX);
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&m->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    return m;
}

/* ── main thread ── */

/* What was sent gets no answer any more. */
static void forget(struct mailroom *m, bool there)
{
    (void)pthread_mutex_lock(&m->lock);
    m->there = there;
    if (m->state == SENT) {
        m->state = ANSWERED;
        m->status = MAIL_LATER;
        buf_release(&m->told);
    }
    (void)pthread_cond_broadcast(&m->changed);
    (void)pthread_mutex_unlock(&m->lock);
}

void mailroom_reader(struct mailroom *m, int fd)
{
    channel_close(&m->reader);
    forget(m, true);
    channel_open(&m->reader, fd, ROLE_KEEPER, ROLE_READER, MAIL_JOB_MAX);
    m->reader.in.secret = true;
    m->reader.out.secret = true;
    mailroom_step(m);
}

int mailroom_fd(const struct mailroom *m)
{
    return m->reader.fd;
}

short mailroom_events(const struct mailroom *m)
{
    return (short)(POLLIN | (channel_waiting(&m->reader) > 0 ? POLLOUT : 0));
}

static int take(struct mailroom *m, struct span body, struct error *e)
{
    uint32_t id = span_be32(&body);
    uint8_t status = span_u8(&body);
    if (body.bad || status > MAIL_LATER)
        return err_set(e, ERR_PEER, "the reader's answer is malformed");
    (void)pthread_mutex_lock(&m->lock);
    if (m->state == SENT && id == m->id) {
        m->state = ANSWERED;
        m->status = status;
        buf_clear(&m->told);
        buf_add_span(&m->told, body);
        (void)pthread_cond_broadcast(&m->changed);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return 0;
}

int mailroom_read(struct mailroom *m, struct error *e)
{
    struct message message;
    struct error own = {0};
    int r = channel_read(&m->reader, &own);
    if (r != 0 && own.class == ERR_AGAIN)
        return 0;
    while (r == 0 && (r = channel_next(&m->reader, &message, &own)) == 1)
        r = take(m, message.body, &own);
    channel_forget(&m->reader);
    if (r == 0)
        return 0;
    channel_close(&m->reader);
    forget(m, false);
    if (own.class == ERR_CLOSED)
        return 0;
    *e = own;
    return -1;
}

void mailroom_step(struct mailroom *m)
{
    (void)pthread_mutex_lock(&m->lock);
    if (m->state == WAITING && m->reader.fd >= 0) {
        bool put = channel_put(&m->reader, MESSAGE_MAIL, buf_span(&m->job), NULL) == 0;
        buf_release(&m->job);
        m->state = put ? SENT : ANSWERED;
        m->status = MAIL_LATER;
        if (!put)
            (void)pthread_cond_broadcast(&m->changed);
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (m->reader.fd >= 0 && channel_waiting(&m->reader) > 0)
        (void)channel_write(&m->reader, NULL); /* where it is gone, reading tells */
    if (m->reader.fd >= 0 && channel_waiting(&m->reader) == 0)
        buf_release(&m->reader.out); /* a mail may be large */
}

void mailroom_stop(struct mailroom *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->stopping = true;
    (void)pthread_cond_broadcast(&m->changed);
    (void)pthread_mutex_unlock(&m->lock);
}

/* ── any thread ── */

static struct timespec deadline(tq_time from_now)
{
    tq_time at = clock_monotonic() + from_now;
    return (struct timespec){.tv_sec = (time_t)(at / TIME_SECOND), .tv_nsec = (long)(at % TIME_SECOND)};
}

/* Under the lock. False: not within this time. */
static bool wait_for(struct mailroom *m, enum state state, tq_time most)
{
    struct timespec until = deadline(most);
    while (m->state != state && !m->stopping)
        if (pthread_cond_timedwait(&m->changed, &m->lock, &until) != 0)
            break;
    return m->state == state && !m->stopping;
}

int mailroom_ask(struct mailroom *m, struct mail_job *job, struct buf *out, struct error *e)
{
    int r = 0;
    (void)pthread_mutex_lock(&m->lock);
    if (!wait_for(m, FREE, TURN)) {
        (void)pthread_mutex_unlock(&m->lock);
        return err_set(e, ERR_AGAIN, "another mail is being read");
    }
    job->id = ++m->id;
    buf_clear(&m->job);
    mail_job_encode(&m->job, job);
    if (!m->there || !buf_ok(&m->job)) {
        r = err_set(e, m->there ? ERR_LIMIT : ERR_AGAIN, "the part that reads mails is not there now");
    } else {
        m->state = WAITING;
        m->wake(NULL);
        if (!wait_for(m, ANSWERED, ANSWER))
            r = err_set(e, ERR_AGAIN, "the part that reads mails does not answer");
        else if (m->status == MAIL_NONE)
            r = err_set(e, ERR_MISUSE, "that is no mail: none of the fields that every mail has is in it");
        else if (m->status == MAIL_LATER)
            r = err_set(e, ERR_AGAIN, "the mail could not be read now: the part that reads mails ended, or had no time");
        else if (m->status == MAIL_HARM)
            r = err_set(e, ERR_CORRUPT, "the mail cannot be read: it is built so that reading it came to harm");
        else
            buf_add_span(out, buf_span(&m->told));
    }
    buf_release(&m->job);
    buf_release(&m->told);
    m->state = FREE;
    (void)pthread_cond_broadcast(&m->changed);
    (void)pthread_mutex_unlock(&m->lock);
    return r != 0 ? r : buf_ok(out) ? 0 : err_set(e, ERR_SYSTEM, "no memory for a mail");
}
