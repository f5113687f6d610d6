/* What scripts/embed-makers compiles in: who was given which block of MAC addresses. */
#ifndef TQ_LAB_MAKER_TABLE_H
#define TQ_LAB_MAKER_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* key: the block's first address (48 bits), then the number of bits that it is made of (8); rising. name: into maker_names. */
struct maker_block {
    uint64_t key;
    uint32_t name;
} __attribute__((packed));

extern const struct maker_block maker_blocks[];
extern const size_t maker_block_count;
extern const char maker_names[];

#endif
