#include "wire/ole.h"

#define ENTRY 128
#define END_OF_CHAIN 0xfffffffeU
#define HEADER_FAT 109

static uint32_t le32_at(struct span s, uint64_t at)
{
    if (at + 4 > s.n)
        return END_OF_CHAIN;
    struct span v = span_of(s.p + at, 4);
    return span_le32(&v);
}

static uint16_t le16_at(struct span s, uint64_t at)
{
    return at + 2 > s.n ? 0 : (uint16_t)(s.p[at] | s.p[at + 1] << 8);
}

bool ole_open(struct ole *o, struct span file)
{
    *o = (struct ole){.file = file};
    if (file.n < 512 || memcmp(file.p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) != 0)
        return false;
    uint16_t shift = le16_at(file, 30);
    if (shift != 9 && shift != 12)
        return false;
    o->sector = 1U << shift;
    o->at = le32_at(file, 48);
    return true;
}

static uint64_t offset_of(const struct ole *o, uint32_t sector)
{
    return ((uint64_t)sector + 1) * o->sector;
}

/* The sector behind this one: by the allocation table, the sectors of which the header names (the first 109; larger files end there). */
static uint32_t follow(const struct ole *o, uint32_t sector)
{
    uint32_t each = o->sector / 4;
    uint32_t table = sector / each;
    if (table >= HEADER_FAT)
        return END_OF_CHAIN;
    uint32_t where = le32_at(o->file, 76 + 4 * (uint64_t)table);
    if (where >= 0xfffffffaU)
        return END_OF_CHAIN;
    return le32_at(o->file, offset_of(o, where) + 4 * (uint64_t)(sector % each));
}

bool ole_next(struct ole *o, struct ole_entry *ret)
{
    while (o->at < 0xfffffffaU && o->seen * (o->sector / ENTRY) < OLE_ENTRIES) {
        if (o->place == o->sector / ENTRY) {
            o->at = follow(o, o->at);
            o->place = 0;
            o->seen++;
            continue;
        }
        uint64_t at = offset_of(o, o->at) + (uint64_t)o->place++ * ENTRY;
        if (at + ENTRY > o->file.n)
            return false;
        struct span e = span_of(o->file.p + at, ENTRY);
        size_t length = le16_at(e, 64);
        *ret = (struct ole_entry){.kind = span_peek(&e, 66), .size = le32_at(e, 120)};
        (void)memcpy(ret->class_id, e.p + 80, sizeof ret->class_id);
        if (ret->kind == 0 || length < 2 || length > 64)
            continue;
        size_t n = 0;
        for (size_t i = 0; i + 2 < length && n + 1 < OLE_NAME; i += 2) {
            uint16_t c = le16_at(e, i);
            ret->name[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c >= 0x20 && c < 0x7f ? c : '?');
        }
        ret->name[n] = 0;
        return true;
    }
    return false;
}
