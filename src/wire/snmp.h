/* SNMP version 1 and 2c (RFC 1157, RFC 3416): what an agent answers about its system (RFC 3418). Community names are read over. */
#ifndef TQ_WIRE_SNMP_H
#define TQ_WIRE_SNMP_H

#include "base/span.h"

struct snmp_system {
    struct span description; /* sysDescr.0; empty: not in this answer. Both point into the input */
    struct span name;        /* sysName.0 */
    uint32_t enterprise;     /* whose agent or device it is: N of 1.3.6.1.4.1.N in sysObjectID.0 (IANA's private enterprise numbers); 0: not said */
};

/* False: not a GetResponse, or one with none of them. */
bool snmp_system(struct span message, struct snmp_system *ret);

#endif
