#include "lab/people/totp.h"

#include "lab/views_private.h"
#include "record/crypto/crypto.h"
#include "record/crypto/signature.h"

#include <stdio.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* base32, RFC 4648, section 6 */

void totp_secret_make(char out[TOTP_TEXT])
{
    uint8_t bytes[TOTP_SECRET];
    crypto_random(bytes, sizeof bytes);
    for (size_t i = 0; i < TOTP_TEXT - 1; i++) { /* five bits a letter */
        size_t bit = 5 * i;
        uint32_t two = (uint32_t)bytes[bit / 8] << 8 | (bit / 8 + 1 < sizeof bytes ? bytes[bit / 8 + 1] : 0);
        out[i] = letters[two >> (11 - bit % 8) & 31];
    }
    out[TOTP_TEXT - 1] = 0;
    crypto_wipe(bytes, sizeof bytes);
}

static bool secret_bytes(const char *secret, uint8_t out[TOTP_SECRET])
{
    uint32_t pool = 0;
    size_t bits = 0;
    size_t n = 0;
    if (strlen(secret) != TOTP_TEXT - 1)
        return false;
    for (const char *s = secret; *s != 0; s++) {
        const char *at = strchr(letters, *s);
        if (at == NULL)
            return false;
        pool = (pool << 5 | (uint32_t)(at - letters)) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(pool >> bits);
        }
    }
    return n == TOTP_SECRET;
}

bool totp_code(const char *secret, int64_t step, char out[7])
{
    uint8_t key[TOTP_SECRET];
    bool good = step >= 0 && secret_bytes(secret, key);
    if (good)
        (void)snprintf(out, 7, "%06u", crypto_hotp(span_of(key, sizeof key), (uint64_t)step));
    crypto_wipe(key, sizeof key);
    return good;
}

int64_t totp_step(const char *secret, struct span typed, tq_time wall, int64_t after)
{
    char digits[7] = "";
    size_t n = 0;
    while (typed.n > 0) {
        uint8_t c = span_u8(&typed);
        if (c == ' ')
            continue;
        if (c < '0' || c > '9' || n == 6)
            return -1;
        digits[n++] = (char)c;
    }
    int64_t found = -1;
    int64_t now = wall / TOTP_STEP;
    for (int64_t step = now - 1; n == 6 && step <= now + 1; step++) {
        char want[7] = "";
        if (totp_code(secret, step, want) && crypto_equal(want, digits, 6) && step > after && found < 0)
            found = step;
    }
    return found;
}

/* ── what the ledger says ── */

int totp_apply_set(struct apply *a, struct error *e)
{
    char secret[TOTP_TEXT];
    if (!event_member(a->c->private_json, "totp_secret", secret, sizeof secret))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO totp SELECT name, ?2, ?3, ?4 FROM account WHERE name = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "account"));
    store_bind_str(q, 2, secret);
    store_bind_int(q, 3, event_int(&a->ev, "totp_step", 0));
    store_bind_int(q, 4, a->ev.time);
    int rc = store_run(q, e);
    crypto_wipe(secret, sizeof secret);
    return rc;
}

int totp_apply_used(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE totp SET step = max(step, ?2) WHERE account = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "account"));
    store_bind_int(q, 2, event_int(&a->ev, "totp_step", 0));
    return store_run(q, e);
}

int totp_apply_removed(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM totp WHERE account = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "account"));
    return store_run(q, e);
}

int totp_get(struct store_conn *c, struct span account, struct totp *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT secret, step, since FROM totp WHERE account = ?1");
    store_bind_text(q, 1, account);
    *ret_found = store_step(q);
    if (*ret_found) {
        struct span secret = store_text(q, 0);
        (void)snprintf(ret->secret, sizeof ret->secret, "%.*s", (int)secret.n, (const char *)secret.p);
        ret->step = store_int(q, 1);
        ret->since = store_int(q, 2);
    }
    return store_done(q, e);
}
