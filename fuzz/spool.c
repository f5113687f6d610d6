/* A spool from outside: reading ends, hands out nothing but what its key sealed, and tells of each place once. Also what is seen without a key. */
#include "record/spool/spool.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The seeds are sealed to this key. Records under it can only be theirs. */
static void check_record(const struct spool_record *r)
{
    if (!span_is(r->record, r->place.seq == 1 ? "record 1" : "record 2") || r->place.ordinal != r->place.seq + 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    uint8_t secret[32];
    struct error e = {0};
    struct spool_record r;
    struct spool_look look;
    if (fd < 0)
        fd = memfd_create("spool", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    memset(secret, 7, sizeof secret);
    struct spool_reader *reader = spool_reader_new(fd, secret, &e);
    if (reader == NULL)
        abort();
    size_t told = 0;
    uint64_t at = 0;
    for (int got; (got = spool_reader_next(reader, &r, &e)) != 0;) {
        if (got == 1)
            check_record(&r);
        else if (e.class != ERR_CORRUPT)
            break;
        else if (++told > size)
            abort();
        if (spool_reader_at(reader) < at)
            abort();
        at = spool_reader_at(reader);
    }
    spool_reader_free(reader);
    if (spool_look(fd, &look, &e) == 0 && look.records * 41 > size)
        abort();
    return 0;
}
