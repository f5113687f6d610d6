#include "proc/tasks.h"

#include "proc/clock.h"

#include <pthread.h>
#include <stdio.h>

static struct {
    struct api_task task;
    bool on;
    bool unwanted;
    char by[API_TASK_PERSON];
} tasks[API_TASKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void task_begin(enum api_task_kind kind, const char *person)
{
    (void)pthread_mutex_lock(&lock);
    tasks[kind].task = (struct api_task){.kind = kind, .began = clock_now(), .began_monotonic = clock_monotonic()};
    (void)snprintf(tasks[kind].task.person, sizeof tasks[kind].task.person, "%s", person);
    tasks[kind].on = true;
    tasks[kind].unwanted = false;
    (void)pthread_mutex_unlock(&lock);
}

bool task_step(enum api_task_kind kind, uint64_t done, uint64_t total)
{
    (void)pthread_mutex_lock(&lock);
    tasks[kind].task.done = done;
    tasks[kind].task.total = total;
    bool wanted = !tasks[kind].unwanted;
    (void)pthread_mutex_unlock(&lock);
    return wanted;
}

bool task_end(enum api_task_kind kind, char by[API_TASK_PERSON])
{
    (void)pthread_mutex_lock(&lock);
    tasks[kind].on = false;
    bool unwanted = tasks[kind].unwanted;
    memcpy(by, tasks[kind].by, API_TASK_PERSON);
    (void)pthread_mutex_unlock(&lock);
    return unwanted;
}

size_t task_list(struct api_task ret[API_TASKS])
{
    size_t n = 0;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < API_TASKS; i++)
        if (tasks[i].on) {
            ret[n] = tasks[i].task;
            ret[n++].ending = tasks[i].unwanted;
        }
    (void)pthread_mutex_unlock(&lock);
    return n;
}

bool task_cancel(enum api_task_kind kind, struct span person)
{
    (void)pthread_mutex_lock(&lock);
    bool on = tasks[kind].on;
    if (on && !tasks[kind].unwanted) {
        tasks[kind].unwanted = true;
        tasks[kind].by[span_copy(person, tasks[kind].by, API_TASK_PERSON - 1)] = 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return on;
}
