#include "lab/inventory/maker.h"

#include "lab/inventory/maker_table.h"

#include <stdlib.h>

enum { GROUP = 1, LOCAL = 2 };

bool maker_is_local(const uint8_t mac[6])
{
    return (mac[0] & LOCAL) != 0;
}

static int by_key(const void *key, const void *block)
{
    uint64_t a = *(const uint64_t *)key;
    uint64_t b = ((const struct maker_block *)block)->key;
    return a < b ? -1 : a > b;
}

struct span maker_of(const uint8_t mac[6])
{
    static const unsigned sizes[] = {36, 28, 24}; /* the smallest block first */
    if ((mac[0] & (GROUP | LOCAL)) != 0)
        return (struct span){0};
    struct span s = span_of(mac, 6);
    uint64_t address = (uint64_t)span_be16(&s) << 32;
    address |= span_be32(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t key = address >> (48 - sizes[i]) << (48 - sizes[i]) << 8 | sizes[i];
        const struct maker_block *b = bsearch(&key, maker_blocks, maker_block_count, sizeof *b, by_key);
        if (b != NULL)
            return span_str(maker_names + b->name);
    }
    return (struct span){0};
}
