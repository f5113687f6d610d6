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

/* What somebody in the made-up lab saw. */
static const char *const reports[] = {
    "{\"kind\":\"person\",\"text\":\"A man with a tool bag says he is from the analyzer's maker. Nobody called him.\",\"now\":true,"
    "\"claim\":\"DEM00-DEM00-DEM00-DEM01\"}",
    "{\"kind\":\"message\",\"text\":\"A mail from the help desk wants my password because the mailbox is full.\","
    "\"claim\":\"DEM00-DEM00-DEM00-DEM02\"}",
};

#define HEAD(from, to, subject, id)                                                                                                                  \
    "From: " from "\r\nTo: " to "@demo-lab.example\r\nSubject: " subject "\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <" id             \
    "@mail.example>\r\n\r\n"
#define FULL                                                                                                                                         \
    "Your mailbox is full and will be closed today. Sign in at once to keep your messages and confirm your password:\r\n"                            \
    "http://login.demo-1ab.example/owa?u="

/* Mails that somebody in the made-up lab was not sure about. */
static const char *const mails[] = {
    HEAD("\"IT help desk\" <help@demo-1ab.example>", "lea", "Your password expires today", "1") FULL "lea@demo-lab.example\r\n",
    HEAD("\"IT help desk\" <help@demo-1ab.example>", "dana", "Your password expires today", "2") FULL "dana@demo-lab.example\r\n",
    HEAD("\"Ruth Adeyemi\" <ruth.adeyemi.office@gmail.com>", "tom", "Are you at your desk?",
         "3") "I am in a meeting and need a favour, keep it between us. Please buy five gift cards of 100 for our staff, scratch them and send me "
              "the codes "
              "here. I pay you back today.\r\n\r\nSent from my phone\r\n",
    HEAD("\"Blue Line Courier\" <parcel@blue-line-parcels.top>", "lea", "Your specimen parcel could not be delivered",
         "4") "Your parcel waits. Pay the customs fee of 1.99 within 24 hours or it goes back: http://blue-line-parcels.top/pay?id=77120\r\n",
    HEAD("Max Brandt <max@demo-lab.example>", "dana", "Rota for next week",
         "5") "Here is the rota for next week. Tell me if a day does not suit you.\r\n\r\nMax\r\n",
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

/* ── a maker's engineer ── */

#define ENGINEER "nina"
#define DEVICES_S 300 /* so long the capture may take until its devices are there */

/* The first device that says who made it; false: none does yet. */
static bool find_device(const char *data, char id[64], char maker[128])
{
    json_t *choices = talk(data, "GET", "/api/v1/doors/choices", "");
    const json_t *devices = json_object_get(choices, "devices");
    id[0] = 0;
    for (size_t i = 0; i < json_array_size(devices) && id[0] == 0; i++) {
        const json_t *d = json_array_get(devices, i);
        const char *made = json_string_value(json_object_get(d, "maker"));
        const char *model = json_string_value(json_object_get(d, "model"));
        const char *its = json_string_value(json_object_get(d, "id"));
        const char *address = json_string_value(json_object_get(d, "address"));
        if (made == NULL || model == NULL || its == NULL || address == NULL || strncmp(address, "10.20.", 6) != 0 || strpbrk(made, "\"\\") != NULL)
            continue;
        (void)snprintf(id, 64, "%s", its);
        (void)snprintf(maker, 128, "%s", made);
    }
    json_decref(choices);
    return id[0] != 0;
}

static void ask_for_door(const char *data, const char *device, const char *service, const char *minutes, const char *why, char id[20])
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"device\":\"%s\",\"service\":\"%s\",\"minutes\":\"%s\",\"why\":\"%s\",\"from\":\"10.99.0.12\",\"account\":\"" ENGINEER "\"}",
                   device, service, minutes, why);
    json_t *asked = talk(data, "POST", "/api/v1/doors", body);
    const char *made = json_string_value(json_object_get(asked, "id"));
    (void)snprintf(id, 20, "%s", made != NULL ? made : "");
    json_decref(asked);
}

static void end_door(const char *data, const char *id, const char *how, const char *why)
{
    char path[64];
    char body[256];
    (void)snprintf(path, sizeof path, "/api/v1/doors/%s/%s", id, how);
    (void)snprintf(body, sizeof body, "{\"why\":\"%s\"}", why);
    if (id[0] != 0)
        json_decref(talk(data, "POST", path, body));
}

/* She asks three times: one request waits, one is refused, one is withdrawn. None is opened: a demo touches no firewall, and the page says so. */
static void stage_doors(const char *data)
{
    const struct timespec pause = {.tv_sec = LOOK_S};
    char device[64];
    char maker[128];
    char body[512];
    char day[16] = "";
    char id[20];
    time_t end = time(NULL) + INT64_C(30) * 86400;
    struct tm tm;
    for (int i = 0; !find_device(data, device, maker); i++) {
        if (i * LOOK_S > DEVICES_S)
            return;
        (void)nanosleep(&pause, NULL);
    }
    if (gmtime_r(&end, &tm) == NULL || strftime(day, sizeof day, "%Y-%m-%d", &tm) == 0)
        return;
    (void)snprintf(body, sizeof body,
                   "{\"name\":\"" ENGINEER
                   "\",\"display_name\":\"Nina Kovac\",\"role\":\"maker's engineer\",\"maker\":\"%s\",\"until\":\"%s\",\"why\":\"staged by "
                   "the demo\"}",
                   maker, day);
    json_t *made = talk(data, "POST", "/api/v1/people", body);
    const char *code = json_string_value(json_object_get(made, "code"));
    if (code != NULL)
        log_line(LOG_LEVEL_INFO, "a made-up engineer of %s: Nina Kovac; to sign in as " ENGINEER ": \"I have a code\", %s", maker, code);
    json_decref(made);
    ask_for_door(data, device, "vnc", "480", "having a look around", id);
    end_door(data, id, "refuse", "Please say what the work is, and ask for the time that it takes.");
    ask_for_door(data, device, "ssh", "30", "log files of last night", id);
    end_door(data, id, "close", "Not needed any more: the log came by mail.");
    ask_for_door(data, device, "rdp", "60", "yearly service, ticket 4711: new reagent table", id);
}

/* What they have to learn, and a class that two of them were in. */
static void train(const char *data)
{
    static const struct {
        const char *path, *body;
    } staged[] = {
        {"/api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"30\",\"renew_months\":\"12\",\"why\":\"staged by the demo\"}"},
        {"/api/v1/training/rules", "{\"course\":\"bench\",\"role\":\"technologist\",\"days\":\"14\",\"renew_months\":\"12\"}"},
        {"/api/v1/training/rules", "{\"course\":\"bench\",\"role\":\"phlebotomist\",\"days\":\"14\",\"renew_months\":\"12\"}"},
        {"/api/v1/training/rules", "{\"course\":\"it\",\"role\":\"IT\",\"days\":\"7\",\"renew_months\":\"12\"}"},
        {"/api/v1/training/rules", "{\"course\":\"managers\",\"role\":\"lab manager\",\"days\":\"7\",\"renew_months\":\"12\"}"},
        {"/api/v1/training/refreshers",
         "{\"account\":\"lea\",\"course\":\"after-finding\",\"why\":\"a stick was found in the analyzer at her bench (staged by the demo)\"}"},
    };
    char body[256];
    char day[16] = "";
    time_t now = time(NULL);
    struct tm tm;
    for (size_t i = 0; i < sizeof staged / sizeof staged[0]; i++)
        json_decref(talk(data, "POST", staged[i].path, staged[i].body));
    if (localtime_r(&now, &tm) == NULL || strftime(day, sizeof day, "%Y-%m-%d", &tm) == 0)
        return;
    (void)snprintf(body, sizeof body,
                   "{\"topic\":\"Safe every day, in the morning meeting\",\"course\":\"everyone\",\"trainer\":\"Dr. Vance\",\"day\":\"%s\","
                   "\"people\":\"dana,tom\"}",
                   day);
    json_decref(talk(data, "POST", "/api/v1/training/classes", body));
}

/* A phishing simulation for all of them: their mails go to the demo's own mail server, which says where the links lead. */
static void simulate(const char *data)
{
    char path[96];
    char body[192];
    char until[40] = "";
    time_t end = time(NULL) + INT64_C(3) * 86400;
    struct tm tm;
    for (size_t i = 0; i < sizeof staff / sizeof staff[0]; i++) {
        (void)snprintf(path, sizeof path, "/api/v1/training/people/%s/contact", staff[i].name);
        (void)snprintf(body, sizeof body, "{\"mail\":\"%s@demo-lab.example\"}", staff[i].name);
        json_decref(talk(data, "PUT", path, body));
    }
    if (gmtime_r(&end, &tm) == NULL || strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return;
    (void)snprintf(body, sizeof body, "{\"template\":\"lis-sign-in\",\"language\":\"en\",\"until\":\"%s\",\"rate\":\"600\"}", until);
    json_decref(talk(data, "POST", "/api/v1/phishing", body));
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
        for (size_t k = 0; k < sizeof reports / sizeof reports[0]; k++)
            json_decref(talk(data, "POST", "/api/v1/reports/nameless", reports[k]));
        for (size_t k = 0; k < sizeof mails / sizeof mails[0]; k++)
            json_decref(talk(data, "POST", "/api/v1/mail", mails[k]));
        train(data);
        simulate(data);
        stage_doors(data);
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
