/* doctor: looks at everything, one line a check, and mends what can be mended. It works beside a running Tourniquet, and without one; then it holds
 * the data folder's lock, so that none starts meanwhile. */
#include "cmd/doctor.h"

#include "base/json.h"
#include "cmd/cmd.h"
#include "proc/ask.h"
#include "proc/spawn.h"
#include "record/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const state_names[] = {
    [DOCTOR_GOOD] = "good", [DOCTOR_MENDED] = "mended", [DOCTOR_ATTENTION] = "attention", [DOCTOR_BAD] = "bad", [DOCTOR_SKIPPED] = "skipped"};

void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *format, ...)
{
    char text[600];
    struct buf line = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "doctor");
    jsonw_put_str(&j, "check", check);
    jsonw_put_str(&j, "state", state_names[state]);
    jsonw_put_str(&j, "text", text);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    (void)fprintf(stderr, "%-9s %-13s %s\n", state_names[state], check, text);
    d->bad += state == DOCTOR_BAD;
    buf_release(&line);
}

void *doctor_ask(struct doctor *d, const char *path, struct error *e)
{
    struct ask asked = {.channel = {.fd = -1}};
    json_t *answer = NULL;
    int line = ask_dial(d->folder, e);
    if (line >= 0 && ask_send(&asked, line, "GET", span_str(path), NULL, (struct span){0}, -1, e) == 0) {
        if (asked.reply.status == 200)
            answer = json_loadb((const char *)asked.reply.body.p, asked.reply.body.n, 0, NULL);
        if (answer == NULL)
            (void)err_set(e, ERR_SYSTEM, "the keeper answered %u to %s", asked.reply.status, path);
    }
    ask_release(&asked);
    return answer;
}

/* ── the program and its configuration ── */

static void check_configuration(struct doctor *d, const struct error *wrong)
{
    if (wrong->class != ERR_NONE)
        doctor_say(d, "configuration", DOCTOR_BAD, "%s", wrong->text);
    else if (d->config_file == NULL)
        doctor_say(d, "configuration", DOCTOR_SKIPPED, "No lab.yaml was given (-c): every key has its default.");
    else
        doctor_say(d, "configuration", DOCTOR_GOOD, "%s can be used.", d->config_file);
}

static void check_program(struct doctor *d)
{
    static const enum role roles[] = {ROLE_SENSOR, ROLE_DETECTOR, ROLE_KEEPER, ROLE_CONSOLE};
    char folder[SPAWN_PATH];
    struct error e = {0};
    if (spawn_find(folder, &e) != 0) {
        doctor_say(d, "program", DOCTOR_BAD, "%s", e.text);
        return;
    }
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        char path[SPAWN_PATH + 32];
        (void)snprintf(path, sizeof path, "%s/%s", folder, role_name(roles[i]));
        if (access(path, X_OK) != 0) {
            doctor_say(d, "program", DOCTOR_BAD, "A part of the program is missing: %.400s. Install Tourniquet again.", path);
            return;
        }
    }
    doctor_say(d, "program", DOCTOR_GOOD, "All parts of the program are in %.400s.", folder);
}

/* ── the ledger ── */

static void check_formats(struct doctor *d, const struct ledger_survey *s)
{
    if (s->newer[0] != 0)
        doctor_say(d, "formats", DOCTOR_BAD, "%s was written by a newer Tourniquet than this one: use that one.", s->newer);
    else
        doctor_say(d, "formats", DOCTOR_GOOD, "This program knows every format that lies in the data folder.");
}

static void check_indexes(struct doctor *d, const struct ledger_survey *s)
{
    if (s->indexes == 0)
        doctor_say(d, "indexes", DOCTOR_GOOD, "The indexes fit %llu segments.", (unsigned long long)s->stream[0].segments + s->stream[1].segments);
    else if (s->indexes_made == s->indexes)
        doctor_say(d, "indexes", DOCTOR_MENDED, "%llu indexes did not fit their segments and were made anew, first %s.",
                   (unsigned long long)s->indexes, s->index);
    else
        doctor_say(d, "indexes", d->mend ? DOCTOR_BAD : DOCTOR_ATTENTION,
                   "%llu indexes do not fit their segments, first %s: reading is slower, nothing is lost. doctor --mend makes them anew.",
                   (unsigned long long)s->indexes, s->index);
}

static void check_witnesses(struct doctor *d, const struct ledger_report *r)
{
    if (r->cosignatures_n == 0) {
        doctor_say(d, "witnesses", DOCTOR_ATTENTION,
                   "Nobody outside watches this ledger: an old copy put back would not be noticed (`tourniquet ledger witness`).");
        return;
    }
    const struct ledger_cosignature *last = &r->cosignatures[0];
    for (size_t i = 1; i < r->cosignatures_n; i++)
        if (r->cosignatures[i].seconds > last->seconds)
            last = &r->cosignatures[i];
    char time[TIME_TEXT];
    (void)time_format((tq_time)last->seconds * TIME_SECOND, time);
    doctor_say(d, "witnesses", DOCTOR_GOOD, "%.19s UTC: %s cosigned %llu records.", time, last->name, (unsigned long long)last->size);
}

static void check_ledger(struct doctor *d)
{
    char dir[CONFIG_PATH + 16];
    struct ledger_report r;
    struct ledger_survey s;
    struct error e = {0};
    (void)snprintf(dir, sizeof dir, "%s/ledger", d->data);
    if (ledger_survey(dir, d->mend, d->running, &s, &e) != 0) {
        doctor_say(d, "ledger", DOCTOR_BAD, "%s", e.text);
        return;
    }
    check_formats(d, &s);
    check_indexes(d, &s);
    if (ledger_verify(dir, NULL, NULL, &r, &e) != 0) {
        doctor_say(d, "ledger", DOCTOR_BAD, "The ledger cannot be read: %s", e.text);
        return;
    }
    d->ledger_holds = r.holds;
    if (!r.holds && r.first_bad != LEDGER_NO_RECORD)
        doctor_say(d, "ledger", DOCTOR_BAD, "Record %llu does not hold: %s. Do not delete anything; copy the folder, then restore a backup.",
                   (unsigned long long)r.first_bad, r.why);
    else if (!r.holds)
        doctor_say(d, "ledger", DOCTOR_BAD, "The ledger does not hold: %s. Do not delete anything; copy the folder, then restore a backup.", r.why);
    else
        doctor_say(d, "ledger", DOCTOR_GOOD, "All %llu records hold, and so do tree, checkpoint, journal and keyring.",
                   (unsigned long long)r.records);
    if (r.holds)
        check_witnesses(d, &r);
}

static void check_keeper(struct doctor *d)
{
    struct error e = {0};
    if (!d->running) {
        doctor_say(d, "keeper", DOCTOR_SKIPPED, "Nothing runs on this data folder.");
        return;
    }
    json_t *unlock = doctor_ask(d, "/api/v1/unlock", &e);
    d->locked = json_is_true(json_object_get(unlock, "locked"));
    json_decref(unlock);
    if (d->locked) {
        doctor_say(d, "keeper", DOCTOR_ATTENTION, "It waits for its passphrase: `tourniquet unlock`. What is seen meanwhile is kept, sealed.");
        return;
    }
    json_t *ledger = doctor_ask(d, "/api/v1/ledger", &e);
    if (ledger == NULL) {
        doctor_say(d, "keeper", DOCTOR_BAD, "Tourniquet runs, but its keeper does not answer: %s.", e.text);
        return;
    }
    json_int_t records = json_integer_value(json_object_get(ledger, "records"));
    doctor_say(d, "keeper", DOCTOR_GOOD, "It answers, with %lld records.", (long long)records);
    json_decref(ledger);
}

/* ── the verb ── */

static int take_folder(struct doctor *d, struct error *e)
{
    d->folder = open(d->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->folder < 0)
        return err_set(e, ERR_MISUSE, "the data folder %s cannot be opened (%s): name it, or give -c lab.yaml", d->data, strerror(errno));
    d->running = flock(d->folder, LOCK_EX | LOCK_NB) != 0;
    return 0;
}

static void check_all(struct doctor *d, const struct error *configuration)
{
    check_configuration(d, configuration);
    check_program(d);
    doctor_folder(d);
    check_ledger(d);
    check_keeper(d);
    doctor_keys(d);
    doctor_store(d);
    doctor_spool(d);
    doctor_backups(d);
    doctor_space(d);
    doctor_clock(d);
    doctor_cores(d);
    doctor_firewall(d);
    doctor_scanner(d);
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, MEND };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, DATA}, {"mend", no_argument, NULL, MEND}, {NULL, 0, NULL, 0}};
    static struct doctor d;
    struct error wrong = {0};
    struct error e = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': d.config_file = optarg; break;
        case DATA: d.data = optarg; break;
        case MEND: d.mend = true; break;
        default: (void)fputs(verb_doctor.usage, stderr); return 2;
        }
    }
    if (optind < argc && d.data == NULL)
        d.data = argv[optind++];
    if (optind < argc) {
        (void)fputs(verb_doctor.usage, stderr);
        return 2;
    }
    config_default(&d.config);
    if (d.config_file != NULL && config_load(&d.config, d.config_file, &wrong) != 0)
        config_default(&d.config);
    if (d.data == NULL)
        d.data = d.config.data;
    if (wrong.class != ERR_NONE && d.data == d.config.data) {
        check_configuration(&d, &wrong);
        return 1;
    }
    if (take_folder(&d, &e) != 0) {
        (void)fprintf(stderr, "tourniquet doctor: %s\n", e.text);
        return err_exit_status(&e);
    }
    check_all(&d, &wrong);
    (void)close(d.folder);
    return fflush(stdout) != 0 ? 3 : d.bad > 0 ? 1 : 0;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .summary = "checks everything, mends what can be mended",
    .usage =
        "usage: tourniquet doctor [-c lab.yaml] [DIR | --data DIR] [--mend]\n"
        "\n"
        "Looks at configuration, program, data folder, ledger, keys, store, backups, disk and clock, beside a running Tourniquet or without one.\n"
        "One line a check: JSON on standard output, words on standard error.\n"
        "\n"
        "  -c lab.yaml   the configuration: it is checked, and names the data folder\n"
        "  DIR           the data folder, in place of the configuration's\n"
        "  --mend        mends owner and modes, makes indexes anew, drops views that do not hold (they are rebuilt at the next start)\n"
        "\n"
        "Exit status: 0 nothing is bad, 1 a check failed, 2 wrong use, 3 the machine failed.\n",
    .run = run,
};
