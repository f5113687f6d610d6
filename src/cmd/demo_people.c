#include "cmd/demo_people.h"

#include "proc/ask.h"
#include "proc/log.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LOOK_S 2
#define LOOKS 5400 /* three hours */

static const struct {
    const char *name, *shown, *role;
    int days; /* its end; 0: none */
} staff[] = {
    {"dana", "Dana Whitfield", "technologist", 0}, {"ruth", "Ruth Adeyemi", "privacy officer", 0}, {"tom", "Tom Berger", "IT", 0},
    {"lea", "Lea Sol", "phlebotomist", 0},         {"max", "Max Brandt", "assessor", 60},
};

/* The answer, to be released by the caller; NULL: there is none. */
static json_t *talk(const char *data, const char *method, const char *path, const char *body)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {.channel = {.fd = -1}};
    json_t *answer = NULL;
    int folder = ask_folder(NULL, data, &config, &e);
    int line = folder < 0 ? -1 : ask_dial(folder, &e);
    if (line >= 0 && ask_send(&asked, line, method, span_str(path), NULL, span_str(body), -1, &e) == 0 && asked.reply.status < 300)
        answer = json_loadb((const char *)asked.reply.body.p, asked.reply.body.n, 0, NULL);
    ask_release(&asked);
    if (folder >= 0)
        (void)close(folder);
    return answer;
}

/* Somebody has set the lab up, and nobody else is there yet. */
static bool ready(const char *data)
{
    json_t *setup = talk(data, "GET", "/api/v1/setup", "");
    json_t *people = json_is_false(json_object_get(setup, "needed")) ? talk(data, "GET", "/api/v1/people?state=all", "") : NULL;
    bool alone = json_integer_value(json_object_get(people, "total")) == 1;
    bool more = json_integer_value(json_object_get(people, "total")) > 1;
    json_decref(setup);
    json_decref(people);
    if (more)
        _exit(0); /* they came in an earlier run */
    return alone;
}

static void invite(const char *data, size_t i)
{
    char body[512];
    char day[16] = "";
    char until[40] = "";
    time_t end = time(NULL) + staff[i].days * INT64_C(86400);
    struct tm tm;
    if (staff[i].days > 0 && gmtime_r(&end, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%d", &tm) > 0)
        (void)snprintf(until, sizeof until, ",\"until\":\"%s\"", day);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"display_name\":\"%s\",\"role\":\"%s\",\"why\":\"staged by the demo\"%s}", staff[i].name,
                   staff[i].shown, staff[i].role, until);
    json_t *made = talk(data, "POST", "/api/v1/people", body);
    const char *code = json_string_value(json_object_get(made, "code"));
    if (code != NULL)
        log_line(LOG_LEVEL_INFO, "a made-up colleague: %s, %s; to sign in as %s: \"I have a code\", %s", staff[i].shown, staff[i].role, staff[i].name,
                 code);
    json_decref(made);
}

static void run(const char *data)
{
    const struct timespec pause = {.tv_sec = LOOK_S};
    for (int i = 0; i < LOOKS; i++) {
        (void)nanosleep(&pause, NULL);
        if (!ready(data))
            continue;
        for (size_t k = 0; k < sizeof staff / sizeof staff[0]; k++)
            invite(data, k);
        break;
    }
    _exit(0);
}

pid_t demo_people_start(const char *data)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(0);
        run(data);
    }
    return pid;
}
