/* How alike two sketches are. Apart from their making, which needs all of a mail. */
#include "engine/mail/mail.h"

int mail_alike(const uint32_t a[MAIL_SKETCH], const uint32_t b[MAIL_SKETCH])
{
    int same = 0;
    int empty = 0;
    for (size_t i = 0; i < MAIL_SKETCH; i++) {
        same += a[i] == b[i] && a[i] != UINT32_MAX;
        empty += a[i] == UINT32_MAX;
    }
    return empty == MAIL_SKETCH ? 0 : same * 100 / MAIL_SKETCH;
}
