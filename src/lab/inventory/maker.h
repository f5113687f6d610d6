/* maker: who made a network card, by the block of addresses (IEEE MA-L, MA-M, MA-S) that its MAC address is from. It is the maker of the card, and
 * only often that of the device. */
#ifndef TQ_LAB_MAKER_H
#define TQ_LAB_MAKER_H

#include "base/span.h"

/* Nobody's block: a random address, or one set by a person or a program (IEEE 802, the second bit of the first byte). */
bool maker_is_local(const uint8_t mac[6]);

/* The name in the registry, from the smallest block that holds the address; the text lives as long as the program. Empty: no such block, the block's
 * owner is not public, or no card has the address (group addresses, local ones). */
struct span maker_of(const uint8_t mac[6]);

#endif
