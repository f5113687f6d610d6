/* demo_people: made-up colleagues in the demo's lab, once somebody has set it up. */
#ifndef TQ_CMD_DEMO_PEOPLE_H
#define TQ_CMD_DEMO_PEOPLE_H

#include <sys/types.h>

/* Waits, in a process of its own that ends with this one, until the first administrator exists, then invites them and says their codes. data: the
 * data folder. -1: it could not be started. */
pid_t demo_people_start(const char *data);

#endif
