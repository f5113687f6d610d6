#include "wire/browse.h"

enum { HOST = 1, LOCAL_MASTER = 15 };

bool browse_decode(struct span s, struct browse *ret)
{
    static const char mailslot[] = "\\MAILSLOT\\BROWSE"; /* with its final zero */
    const uint8_t *hit = s.n < 14 || s.p[0] < 0x10 || s.p[0] > 0x12 ? NULL : memmem(s.p, s.n, mailslot, sizeof mailslot);
    if (hit == NULL)
        return false;
    (void)span_skip(&s, (size_t)(hit - s.p) + sizeof mailslot);
    uint8_t command = span_u8(&s);
    (void)span_skip(&s, 5); /* how often, how many so far */
    struct span name = span_take(&s, 16);
    uint8_t major = span_u8(&s);
    uint8_t minor = span_u8(&s);
    (void)span_skip(&s, 6); /* kinds of service, version of the service */
    uint16_t signature = span_le16(&s);
    if (s.bad || (command != HOST && command != LOCAL_MASTER) || signature != 0xaa55)
        return false;
    name.n = (uint32_t)span_find(&name, 0);
    *ret = (struct browse){.name = name, .major = major, .minor = minor};
    return name.n > 0;
}
