#include "wire/zip.h"

#define END_SIZE 22
#define CENTRAL_SIZE 46
#define LOCAL_SIZE 30
#define TAIL (65535 + END_SIZE)

static uint32_t le32_at(struct span s, size_t at)
{
    if (at + 4 > s.n)
        return 0;
    struct span v = span_of(s.p + at, 4);
    return span_le32(&v);
}

static uint16_t le16_at(struct span s, size_t at)
{
    return (uint16_t)(span_peek(&s, at) | span_peek(&s, at + 1) << 8);
}

bool zip_open(struct zip *z, struct span file)
{
    *z = (struct zip){.file = file};
    size_t least = file.n > TAIL ? file.n - TAIL : 0;
    for (size_t i = file.n >= END_SIZE ? file.n - END_SIZE + 1 : 0; i > least; i--) {
        if (le32_at(file, i - 1) != 0x06054b50)
            continue;
        uint32_t size = le32_at(file, i - 1 + 12);
        uint32_t at = le32_at(file, i - 1 + 16);
        if (size > i - 1 || le32_at(file, i - 1 - size) != 0x02014b50) {
            if (at >= file.n || le32_at(file, at) != 0x02014b50)
                continue;
            z->rest = span_of(file.p + at, file.n - at);
        } else {
            z->rest = span_of(file.p + (i - 1 - size), size); /* whatever stands before the archive */
        }
        z->central = true;
        return true;
    }
    if (le32_at(file, 0) != 0x04034b50)
        return false;
    z->rest = file;
    return true;
}

/* The packed bytes behind a local header at `at`. */
static struct span data_at(struct span file, size_t at, uint64_t packed)
{
    if (at >= file.n || file.n - at < LOCAL_SIZE || le32_at(file, at) != 0x04034b50)
        return (struct span){0};
    size_t skip = (size_t)LOCAL_SIZE + le16_at(file, at + 26) + le16_at(file, at + 28);
    if (skip > file.n - at)
        return (struct span){0};
    size_t left = file.n - at - skip;
    return span_of(file.p + at + skip, packed < left ? (size_t)packed : left);
}

static bool central_next(struct zip *z, struct zip_entry *ret)
{
    struct span s = z->rest;
    if (s.n < CENTRAL_SIZE || le32_at(s, 0) != 0x02014b50)
        return false;
    uint16_t flags = le16_at(s, 8);
    uint32_t at = le32_at(s, 42);
    size_t name = le16_at(s, 28);
    size_t skip = (size_t)le16_at(s, 30) + le16_at(s, 32);
    *ret = (struct zip_entry){.method = le16_at(s, 10), .encrypted = (flags & 1) != 0, .packed = le32_at(s, 20), .unpacked = le32_at(s, 24)};
    (void)span_skip(&s, CENTRAL_SIZE);
    ret->name = span_take(&s, name);
    if (s.bad)
        return false;
    (void)span_skip(&s, skip < s.n ? skip : s.n);
    ret->data = data_at(z->file, at, ret->packed);
    z->rest = s;
    return true;
}

static bool local_next(struct zip *z, struct zip_entry *ret)
{
    struct span s = z->rest;
    if (s.n < LOCAL_SIZE || le32_at(s, 0) != 0x04034b50)
        return false;
    uint16_t flags = le16_at(s, 6);
    size_t extra = le16_at(s, 28);
    *ret = (struct zip_entry){.method = le16_at(s, 8), .encrypted = (flags & 1) != 0, .packed = le32_at(s, 18), .unpacked = le32_at(s, 22)};
    size_t name = le16_at(s, 26);
    (void)span_skip(&s, LOCAL_SIZE);
    ret->name = span_take(&s, name);
    (void)span_skip(&s, extra < s.n ? extra : s.n);
    if (s.bad)
        return false;
    if ((flags & 8) != 0 && ret->packed == 0) { /* its length comes behind it: the next header is looked for */
        size_t n = 0;
        while (n + 4 <= s.n && le32_at(s, n) != 0x04034b50 && le32_at(s, n) != 0x02014b50 && le32_at(s, n) != 0x08074b50)
            n++;
        ret->packed = n;
        ret->data = span_take(&s, n < s.n ? n : s.n);
        if (le32_at(s, 0) == 0x08074b50) {
            ret->unpacked = le32_at(s, 12);
            (void)span_skip(&s, s.n < 16 ? s.n : 16);
        }
    } else {
        ret->data = span_take(&s, ret->packed < s.n ? (size_t)ret->packed : s.n);
    }
    z->rest = s;
    return true;
}

bool zip_next(struct zip *z, struct zip_entry *ret)
{
    if (z->seen >= ZIP_FILES || !(z->central ? central_next(z, ret) : local_next(z, ret)))
        return false;
    z->seen++;
    ret->encrypted |= ret->method == 99;
    ret->folder = ret->name.n > 0 && ret->name.p[ret->name.n - 1] == '/';
    return true;
}
