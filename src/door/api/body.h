/* body: the JSON object that comes with a request. */
#ifndef TQ_DOOR_API_BODY_H
#define TQ_DOOR_API_BODY_H

#include "base/span.h"

struct body {
    void *root;
};

struct body_field {
    const char *name;
    bool optional;
    bool boolean;     /* true and false are taken too, as the texts "true" and "false" */
    size_t max;       /* bytes */
    struct span text; /* out; holds until body_close */
    bool given;       /* out: the member is there, if only as null */
};

/* Reads a JSON object of texts; unknown members, other types and long texts are refused. An empty body is an empty object. False: ret_why is a
 * sentence, which repeats nothing of the body, and there is nothing to close. */
bool body_parse(struct body *b, struct span text, struct body_field *fields, size_t n, char ret_why[160]);
void body_close(struct body *b); /* wipes the texts where body_wipe_freed was called */

/* What a browser says of a passkey's use (clientDataJSON). */
struct client_data {
    char type[32];
    char challenge[64];
    char origin[300];
    bool inside_another; /* the page was in a frame of another site's */
};

/* Further members may be there. False: no such object, a member twice, or a text that is too long. */
bool client_data_parse(struct span json, struct client_data *ret);

/* Whatever jansson gives back is wiped: it reads bodies piece by piece, and passphrases come in them. Call it before anything of it. */
void body_wipe_freed(void);

#endif
