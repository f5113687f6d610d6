/* alert: the mail that tells somebody that what they sign in with was changed, so that whoever did not do it themselves hears of it. It names what
 * and when, and has neither link nor code. */
#ifndef TQ_PROC_ALERT_H
#define TQ_PROC_ALERT_H

#include "base/buf.h"
#include "base/record.h"
#include "base/time.h"

struct alert {
    enum event event; /* account.password, account.reset, passkey.…, totp.… (totp.used: a code came twice), recovery.… */
    const char *language;
    const char *from, *to; /* addresses */
    const char *name, *site;
    tq_time changed;
    int32_t offset; /* seconds of the lab's clock from UTC then */
    tq_time now;
    uint64_t number; /* of the mail: in its Message-ID */
};

void alert_write(struct buf *out, const struct alert *x);

#endif
