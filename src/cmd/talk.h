/* talk: one request of a verb to the running Tourniquet, and its answer on standard output. */
#ifndef TQ_CMD_TALK_H
#define TQ_CMD_TALK_H

#include <jansson.h>

/* verb: its name, for messages. Takes body over (NULL: none), and wipes its text. The answer goes out as it is; a line's end is put behind JSON. A
 * refusal goes to standard error, in words. Returns the exit status. */
int talk(const char *verb, const char *config_file, const char *data, const char *method, const char *path, json_t *body);

#endif
