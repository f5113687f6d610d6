/* Which mails are the program's own exercises. Apart from the judgement: who holds the secret (the keeper) needs nothing else of this room. */
#include "base/hash.h"
#include "base/text.h"
#include "engine/mail/mail.h"

void mail_ours_mark(const struct mail_secret *secret, struct span id, char out[MAIL_OURS_MARK])
{
    uint64_t words[2];
    struct hash_key first = {.k0 = secret->k0, .k1 = secret->k1};
    struct hash_key second = {.k0 = secret->k1 ^ UINT64_C(0x5c5c5c5c5c5c5c5c), .k1 = secret->k0 ^ UINT64_C(0x3636363636363636)};
    words[0] = hash_bytes(&first, id.p, id.n);
    words[1] = hash_bytes(&second, id.p, id.n);
    text_hex_to(out, words, sizeof words);
}

bool mail_ours_holds(const struct mail_secret *secret, struct span id, struct span mark)
{
    char right[MAIL_OURS_MARK];
    mail_ours_mark(secret, id, right);
    uint8_t differ = mark.n != sizeof right - 1;
    for (size_t i = 0; i < sizeof right - 1; i++)
        differ |= span_peek(&mark, i) ^ (uint8_t)right[i];
    return differ == 0;
}
