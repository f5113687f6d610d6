/* Long work: who sees how far it is, how long it may take, who may end it, and that this is on record. */
#include "../cmocka_all.h"

#include "keeper.h"

static struct api_task under_way[API_TASKS];
static size_t under_way_n;
static char ended[64];

static size_t tasks(void *context, struct api_task ret[API_TASKS])
{
    (void)context;
    memcpy(ret, under_way, sizeof under_way);
    return under_way_n;
}

static bool end_task(void *context, enum api_task_kind kind, struct span person)
{
    (void)context;
    (void)snprintf(ended, sizeof ended, "%d %.*s", kind, (int)person.n, (const char *)person.p);
    return true;
}

static struct keeper *begin(const char *role)
{
    keeper_tasks = tasks;
    keeper_task_cancel = end_task;
    under_way_n = 0;
    ended[0] = 0;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    if (strcmp(role, "lab manager") != 0)
        keeper_sign_in(k, "pat", role);
    return k;
}

static void how_far_it_is(void **state)
{
    (void)state;
    struct keeper *k = begin("lab manager");
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"items\":[]");
    under_way[0] = (struct api_task){.kind = API_TASK_VERIFY,
                                     .person = "ana",
                                     .began = k->now.wall,
                                     .began_monotonic = k->now.monotonic - 2 * TIME_SECOND,
                                     .done = 10,
                                     .total = 100};
    under_way_n = 1;
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"kind\":\"verify-ledger\",\"person\":\"ana\"");
    SAYS(k, "\"done\":10,\"total\":100,\"left_s\":null,\"ending\":false,\"may_cancel\":true"); /* too early to say */
    under_way[0].began_monotonic = k->now.monotonic - 10 * TIME_SECOND;
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"seconds\":10,\"done\":10,\"total\":100,\"left_s\":{\"least\":67,\"most\":181}"); /* 90, or half as fast, or a third faster */
    under_way[0].total = 0;
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"total\":null,\"left_s\":null");
    under_way[0].total = 5; /* it became more than was thought */
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"total\":5,\"left_s\":null");
    keeper_free(k);
}

static void who_sees_and_ends_it(void **state)
{
    (void)state;
    struct keeper *k = begin("lab manager");
    ASK(k, 409, "DELETE /api/v1/ledger/verify", NULL, NULL);
    under_way[0] = (struct api_task){.kind = API_TASK_TEST, .began_monotonic = k->now.monotonic};
    under_way_n = 1;
    ASK(k, 409, "DELETE /api/v1/ledger/verify", NULL, NULL);
    assert_string_equal(ended, "");
    ASK(k, 204, "DELETE /api/v1/backups/doing", NULL, NULL);
    assert_non_null(strstr(ended, "2 "));
    assert_non_null(strstr(k->last, "\"event\":\"task.cancelled\""));
    assert_non_null(strstr(k->last, "\"what\":\"test-backup\""));
    keeper_free(k);
    k = begin("phlebotomist");
    under_way_n = 1;
    ASK(k, 200, "GET /api/v1/tasks", NULL, NULL);
    SAYS(k, "\"items\":[]");
    ASK(k, 403, "DELETE /api/v1/backups/doing", NULL, NULL);
    assert_string_equal(ended, "");
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(how_far_it_is), cmocka_unit_test(who_sees_and_ends_it)};
    return cmocka_run_group_tests_name("door_task", tests, NULL, NULL);
}
