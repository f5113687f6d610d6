/* demo_mail: the demo's mail server. It keeps nothing: of each mail it says to whom it went and where its link leads, so that somebody can follow it.
 */
#ifndef TQ_CMD_DEMO_MAIL_H
#define TQ_CMD_DEMO_MAIL_H

#include <sys/types.h>

/* Serves on a listening socket, in a process of its own that ends with this one. -1: it could not be started. */
pid_t demo_mail_start(int fd);

#endif
