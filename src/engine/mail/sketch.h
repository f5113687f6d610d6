/* sketch: what makes two messages alike. Of this room only; mail_alike is in mail.h. */
#ifndef TQ_ENGINE_MAIL_SKETCH_H
#define TQ_ENGINE_MAIL_SKETCH_H

#include "engine/mail/facts.h"

void sketch_make(const struct mail_known *k, const struct facts *f, uint32_t out[MAIL_SKETCH]);

#endif
