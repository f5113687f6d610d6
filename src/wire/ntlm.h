/* NTLM (MS-NLMP): the names of machines in a challenge and in the answer to it. User names and answers are read over. */
#ifndef TQ_WIRE_NTLM_H
#define TQ_WIRE_NTLM_H

#include "base/span.h"

#define NTLM_NAME 64

struct ntlm {
    bool challenge;       /* from a server; otherwise the client's authentication */
    char host[NTLM_NAME]; /* the sender's name: DNS name where there is one, else NetBIOS; "" where it is not said or not printable ASCII */
    uint8_t major;        /* version of the sender's Windows; 0: not said */
    uint8_t minor;
    uint16_t build;
};

/* Looks for an NTLM message (2.2.1.2, 2.2.1.3) anywhere in s. False: none that is whole and says something. */
bool ntlm_find(struct span s, struct ntlm *ret);

#endif
