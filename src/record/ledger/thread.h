/* Threads of this folder: they help, and catch no signal. */
#ifndef TQ_LEDGER_THREAD_H
#define TQ_LEDGER_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Signals are the business of the threads that the program made. False: the machine gives none. */
static inline bool thread_start(pthread_t *ret, void *(*run)(void *), void *context)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool started = pthread_create(ret, NULL, run, context) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

#endif
