/* SNMP version 1 and 2c (RFC 1157, RFC 3416): what an agent answers about its system (RFC 3418). Community names are read over. */
#ifndef TQ_WIRE_SNMP_H
#define TQ_WIRE_SNMP_H

#include "base/span.h"

struct snmp_system {
    struct span description; /* sysDescr.0; empty: not in this answer. Both point into the input */
    struct span name;        /* sysName.0 */
};

/* False: not a GetResponse, or one without either. */
bool snmp_system(struct span message, struct snmp_system *ret);

#endif
