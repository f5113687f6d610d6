/* The slide scanner and the picture archive: DICOM associations. What they carry is bytes that mean nothing. */
#include "engine/simulate/lab.h"

#include "wire/dicom_write.h"

#define SCAN_MEAN (240 * TIME_SECOND) /* between two slides of one scanner, at the busiest */
#define PIECE 8000
#define IMPLEMENTATION "1.3.6.1.4.1.99999.1.4"
#define WHOLE_SLIDE "1.2.840.10008.5.1.4.1.1.77.1.6"
#define VERIFICATION "1.2.840.10008.1.1"
#define WORK_LIST "1.2.840.10008.5.1.4.31"

static void say(struct simulate *s, struct conn *c, int from)
{
    conn_send(c, from, buf_span(&s->frame), true);
    c->clock += rng_between(&s->rng, 1 * TIME_MS, 25 * TIME_MS);
    buf_clear(&s->frame);
}

/* Data of one presentation context: a command, then a data set in pieces. */
static void transfer(struct simulate *s, struct conn *c, int from, uint8_t context, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        size_t take = n - sent < PIECE ? n - sent : PIECE;
        bool command = sent == 0;
        if (command)
            take = 120 < n ? 120 : n;
        sent += take;
        buf_clear(&s->answer);
        if (!buf_reserve(&s->answer, take)) {
            s->failed = true;
            return;
        }
        rng_fill(&s->rng, s->answer.p, take);
        s->answer.n = take;
        dicom_write_data(&s->frame, context, (uint8_t)((command ? 1 : 0) | (command || sent == n ? 2 : 0)), buf_span(&s->answer));
        conn_send(c, from, buf_span(&s->frame), false);
        buf_clear(&s->frame);
        c->clock += rng_between(&s->rng, 1 * TIME_MS, 12 * TIME_MS);
    }
}

/* One association, to the end of its connection. Now and then the archive does not know whom the scanner calls. */
static void associate(struct simulate *s, struct host *scanner, bool work_list, tq_time at)
{
    static const char *const store[] = {VERIFICATION, WHOLE_SLIDE};
    static const char *const find[] = {WORK_LIST};
    struct dicom_associate a = {.called = work_list ? "WORKLIST" : "PATHARCHIVE",
                                .calling = "SLIDESCAN",
                                .classes = work_list ? find : store,
                                .classes_n = work_list ? 1 : 2,
                                .class_uid = IMPLEMENTATION ".1",
                                .version = "SCANDRIVE_3.2"};
    bool refused = rng_one_in(&s->rng, 14);
    if (refused)
        a.called = "OLDARCHIVE";
    struct conn c = {.trouble = 150};
    conn_open(&s->net, &c, scanner, s->archive, PORT_ARCHIVE, at, false);
    buf_clear(&s->frame);
    dicom_write_associate(&s->frame, DICOM_REQUEST, &a);
    say(s, &c, 0);
    s->truth.dicom_associations++;
    if (refused) {
        dicom_write_reject(&s->frame, 1, 1, 7); /* for good, by the user, called title not recognised */
        say(s, &c, 1);
        s->truth.dicom_rejected++;
        conn_close(&c, 1);
        return;
    }
    a.class_uid = IMPLEMENTATION ".2";
    a.version = "PATHSTORE_7";
    dicom_write_associate(&s->frame, DICOM_ACCEPT, &a);
    say(s, &c, 1);
    transfer(s, &c, 0, work_list ? 1 : 3, work_list ? 300 : (size_t)rng_between(&s->rng, 9000, 60000));
    transfer(s, &c, 1, work_list ? 1 : 3, work_list ? (size_t)rng_between(&s->rng, 400, 6000) : 150);
    dicom_write_release(&s->frame, DICOM_RELEASE);
    say(s, &c, 0);
    dicom_write_release(&s->frame, DICOM_RELEASE + 1);
    say(s, &c, 1);
    conn_close(&c, 0);
}

static void scan_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct host *scanner = what;
    associate(s, scanner, rng_one_in(&s->rng, 3), at);
    tq_time next = at + rng_wait(&s->rng, SCAN_MEAN * 1000 / lab_rate(at));
    if (next < s->end)
        lab_do(s, next, scan_source, scanner);
}

void imaging_start(struct simulate *s)
{
    static const uint8_t maker[3] = {0x00, 0x1b, 0x21};
    s->archive = lab_host(s, "PATHARCHIVE", maker, "10.20.10.14", 0);
    for (unsigned i = 0; i < lab_groups(s); i++) {
        struct host *scanner = lab_host(s, "SLIDESCAN", maker, lab_ip("10.20.10.", 60 + i).text, 0);
        lab_do(s, s->start + rng_between(&s->rng, 2 * TIME_SECOND, 40 * TIME_SECOND), scan_source, scanner);
    }
}
