/* What a mail says of being one of the program's own exercises. */
#include "engine/mail/mail.h"
#include "wire/mail_head.h"
#include "wire/mail_tree.h"

#include <stdlib.h>

static bool claim_in(struct span message, char ret_id[MAIL_OURS_ID], char ret_mark[MAIL_OURS_MARK])
{
    struct span value;
    if (!mail_field_find(message, "x-tourniquet-exercise", 0, &value))
        return false;
    struct span id = span_until(&value, '.', NULL);
    if (id.n == 0 || id.n >= MAIL_OURS_ID || value.n != MAIL_OURS_MARK - 1)
        return false;
    ret_id[span_copy(id, ret_id, MAIL_OURS_ID - 1)] = 0;
    ret_mark[span_copy(value, ret_mark, MAIL_OURS_MARK - 1)] = 0;
    return true;
}

bool mail_ours_claim(struct span message, char ret_id[MAIL_OURS_ID], char ret_mark[MAIL_OURS_MARK])
{
    bool found = claim_in(message, ret_id, ret_mark);
    struct mail_tree *t = found ? NULL : malloc(sizeof *t);
    if (t != NULL) { /* forwarded as an attachment */
        mail_tree_read(t, message);
        for (size_t i = 1; i < t->n && !found; i++)
            if (t->parts[t->parts[i].parent].message)
                found = claim_in(t->parts[i].head, ret_id, ret_mark);
    }
    free(t);
    return found;
}

bool mail_ours(const struct mail_secret *secret, struct span message, char ret_id[MAIL_OURS_ID])
{
    char mark[MAIL_OURS_MARK];
    return mail_ours_claim(message, ret_id, mark) && mail_ours_holds(secret, span_str(ret_id), span_str(mark));
}
