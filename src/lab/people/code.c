#include "lab/people/code.h"

#include "record/crypto/crypto.h"

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void code_make(char *out, size_t groups)
{
    size_t n = 0;
    for (size_t g = 0; g < groups; g++) {
        uint8_t bytes[CODE_GROUP];
        crypto_random(bytes, sizeof bytes);
        if (g > 0)
            out[n++] = '-';
        for (size_t i = 0; i < CODE_GROUP; i++)
            out[n++] = letters[bytes[i] & 31];
        crypto_wipe(bytes, sizeof bytes);
    }
    out[n] = 0;
}

void code_plain(struct span in, char *out, size_t size)
{
    size_t n = 0;
    memset(out, 0, size);
    while (in.n > 0) {
        uint8_t c = span_u8(&in);
        if (c == '-' || c == ' ')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c & ~0x20);
        if (n + 1 == size) {
            memset(out, 0, size);
            out[0] = '?';
            return;
        }
        out[n++] = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : (char)c;
    }
}
