/* usage: training [ROUNDS]. 50,000 people with eight courses each, done ROUNDS times (5: two million records), in memory; and what asking how it
 * stands costs. Prints a JSON object a claim, as scripts/bench wants them. */
#include "door/api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PEOPLE 50000
#define COURSES 8
#define BATCH 4096
#define REQUESTS 100

static struct keeper_views *views;
static struct api *api;
static uint64_t next;

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const struct error *e)
{
    (void)fprintf(stderr, "training: %s\n", e->text);
    exit(1);
}

static void apply(int day, const char *event, const char *rest, const char *sealed)
{
    char line[1024];
    char time[TIME_TEXT];
    struct error e = {0};
    (void)time_format((INT64_C(1600000000) + (int64_t)day * 86400) * TIME_SECOND, time);
    (void)snprintf(line, sizeof line, "{\"time\":\"%s\",\"event\":\"%s\",\"person\":\"mia\",%s}", time, event, rest);
    struct committed c = {
        .index = next++, .custody = true, .recorded = INT64_C(1790000000) * TIME_SECOND, .json = span_str(line), .private_json = span_str(sealed)};
    if (views_apply(views, &c, &e) != 0 || (next % BATCH == 0 && views_commit(views, &e) != 0))
        stop(&e);
}

static void fill(int rounds)
{
    static const char *const roles[] = {"phlebotomist", "technologist", "front desk", "IT"};
    char rest[512];
    for (int c = 0; c < COURSES; c++) {
        (void)snprintf(rest, sizeof rest, "\"course\":\"course-%d\",\"from_day\":\"2020-09-01\",\"days\":30,\"renew_months\":12", c);
        apply(0, "training.assigned", rest, "");
    }
    for (int p = 0; p < PEOPLE; p++) {
        (void)snprintf(rest, sizeof rest, "\"account\":\"p%05d\",\"display_name\":\"Person %d\",\"account_role\":\"%s\"", p, p, roles[p % 4]);
        apply(p % 300, "account.created", rest, "{\"password_hash\":\"x\"}");
    }
    for (int r = 0; r < rounds; r++)
        for (int p = 0; p < PEOPLE; p++)
            for (int c = 0; c < COURSES; c++) {
                (void)snprintf(rest, sizeof rest,
                               "\"account\":\"p%05d\",\"course\":\"course-%d\",\"course_version\":1,\"course_title\":\"Course %d\"", p, c, c);
                apply(300 + r * 365 + (p * 7 + c) % 360, "training.completed", rest, "");
            }
}

static int by_size(const void *left, const void *right)
{
    double l = *(const double *)left;
    double r = *(const double *)right;
    return l < r ? -1 : l > r;
}

static void measure(const char *what, const char *path, const char *query)
{
    double took[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
        struct api_reply reply = API_REPLY_INIT;
        struct request r = {.id = (uint64_t)i,
                            .door = DOOR_LOCAL,
                            .peer = SPAN_LIT("uid 0"),
                            .method = SPAN_LIT("GET"),
                            .path = span_str(path),
                            .query = span_str(query)};
        struct api_clock now = {.wall = (INT64_C(1600000000) + INT64_C(2000) * 86400) * TIME_SECOND, .monotonic = TIME_SECOND};
        double start = cpu_s();
        api_handle(api, now, &r, &reply);
        took[i] = cpu_s() - start;
        if (reply.r.status != 200) {
            (void)fprintf(stderr, "training: GET %s: %d %.*s\n", path, reply.r.status, (int)reply.r.body.n, (const char *)reply.r.body.p);
            exit(1);
        }
        api_reply_release(&reply);
    }
    qsort(took, REQUESTS, sizeof took[0], by_size);
    double ms = 1e3 * took[REQUESTS * 99 / 100 - 1];
    (void)printf("{\"claim\":\"training, 50,000 people and %llu records\",\"what\":\"%s: 99 of 100 take less of the processor\",\"ours\":\"%.1f ms\","
                 "\"target\":\"at most 100 ms\",\"holds\":%s}\n",
                 (unsigned long long)next, what, ms, ms <= 100 ? "true" : "false");
    (void)fflush(stdout);
}

static void ledger_state(void *context, struct api_ledger_state *ret)
{
    (void)context;
    *ret = (struct api_ledger_state){.records = next, .origin = "bench", .root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="};
}

int main(int argc, char **argv)
{
    struct error e = {0};
    struct store *store = store_open_memory(&e);
    views = store == NULL ? NULL : views_open(store, "main-street", &e);
    if (views == NULL)
        stop(&e);
    double start = cpu_s();
    fill(argc > 1 ? atoi(argv[1]) : 5);
    if (views_commit(views, &e) != 0)
        stop(&e);
    (void)fprintf(stderr, "training: %llu records took %.0f s\n", (unsigned long long)next, cpu_s() - start);
    struct api_options options = {.site = "main-street", .store = store, .views = views, .host = {.ledger_state = ledger_state}};
    api = api_new(&options, &e);
    if (api == NULL)
        stop(&e);
    measure("how it stands, by course, role, site and month", "/api/v1/training", "");
    measure("the same of one course and role", "/api/v1/training", "course=course-3&role=IT");
    measure("who is due first", "/api/v1/training/people", "limit=50");
    measure("who is late with one course", "/api/v1/training/people", "limit=50&course=course-3&state=late");
    measure("one person", "/api/v1/training/people/p04321", "");
    api_free(api);
    views_close(views);
    store_close(store);
    return 0;
}
