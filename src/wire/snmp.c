#include "wire/snmp.h"

#include "wire/ber.h"

#define MOST_BINDINGS 64
#define GET_RESPONSE 0xa2

/* N in an object identifier 1.3.6.1.4.1.N… */
static uint32_t enterprise(struct span oid)
{
    static const uint8_t private[] = {0x2b, 6, 1, 4, 1};
    uint32_t number = 0;
    if (oid.n <= sizeof private || memcmp(oid.p, private, sizeof private) != 0)
        return 0;
    (void)span_skip(&oid, sizeof private);
    for (int i = 0; i < 4; i++) {
        uint8_t byte = span_u8(&oid);
        number = number << 7 | (byte & 0x7f);
        if ((byte & 0x80) == 0)
            return oid.bad ? 0 : number;
    }
    return 0;
}

bool snmp_system(struct span message, struct snmp_system *ret)
{
    static const uint8_t system[] = {0x2b, 6, 1, 2, 1, 1}; /* 1.3.6.1.2.1.1 */
    *ret = (struct snmp_system){0};
    struct span all = ber_take(&message, BER_SEQUENCE);
    struct span version = ber_take(&all, BER_INTEGER);
    (void)ber_take(&all, BER_OCTETS);
    struct span pdu = ber_take(&all, GET_RESPONSE);
    for (int i = 0; i < 3; i++)
        (void)ber_take(&pdu, BER_INTEGER); /* request, error, its index */
    struct span bindings = ber_take(&pdu, BER_SEQUENCE);
    if (pdu.bad || all.bad || version.n != 1 || version.p[0] > 1)
        return false;
    for (int i = 0; i < MOST_BINDINGS && bindings.n > 0; i++) {
        struct span binding = ber_take(&bindings, BER_SEQUENCE);
        struct span oid = ber_take(&binding, BER_OID);
        struct span value = ber_take(&binding, oid.n > 6 && oid.p[6] == 2 ? BER_OID : BER_OCTETS); /* bad where it is of another type */
        if (binding.bad || oid.n != sizeof system + 2 || memcmp(oid.p, system, sizeof system) != 0 || oid.p[7] != 0)
            continue;
        if (oid.p[6] == 1)
            ret->description = value;
        else if (oid.p[6] == 5)
            ret->name = value;
        else if (oid.p[6] == 2)
            ret->enterprise = enterprise(value);
    }
    return ret->description.n + ret->name.n + ret->enterprise > 0;
}
