/* talk: one request of a verb to the running Tourniquet, and its answer on standard output. */
#ifndef TQ_CMD_TALK_H
#define TQ_CMD_TALK_H

#include "cmd/cmd.h"

#include <jansson.h>
#include <stdbool.h>

/* verb: its name, for messages. Takes body over (NULL: none), and wipes its text. The answer goes out as it is; a line's end is put behind JSON. A
 * refusal goes to standard error, in words. Returns the exit status. */
int talk(const char *verb, const char *config_file, const char *data, const char *method, const char *path, json_t *body);

/* An option of a verb: --name TEXT into *text (the last one counts), or --name alone into *on. */
struct talk_option {
    const char *name;
    const char **text;
    bool *on;
};

#define TALK_OPTIONS 20

/* Reads them, up to the one without a name; optind is at what follows. -c is short for --config, where there is one. False: another option, or one
 * without its text; then the usage has been said. */
bool talk_options(const struct verb *verb, int argc, char **argv, const struct talk_option *options);

/* Says what was wrong, and the usage. Returns 2. */
int talk_wrong(const struct verb *verb, const char *what);

#endif
