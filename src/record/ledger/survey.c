/* What lies in a ledger's folder: sizes, formats, indexes. */
#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keyring, journals and segments have their format number in the same place. */
#define FORMAT_AT 8

static void look_at_format(int fd, const char *path, unsigned known, struct ledger_survey *s)
{
    uint8_t format[2];
    size_t n = 0;
    if (s->newer[0] == 0 && file_read(fd, path, format, sizeof format, FORMAT_AT, &n, NULL) == 0 && n == sizeof format &&
        (unsigned)(format[0] << 8 | format[1]) > known)
        (void)snprintf(s->newer, sizeof s->newer, "%s", path);
}

static void look_at_file(int dir, const char *path, unsigned known, struct ledger_survey *s)
{
    int fd = file_open_read(dir, path, NULL);
    if (fd < 0)
        return;
    look_at_format(fd, path, known, s);
    (void)close(fd);
}

/* An index that does not fit goes and is made anew, as at a start. */
static void look_at_index(int dir, const char *path, int fd, uint64_t length, bool mend, struct ledger_survey *s)
{
    if (hints_hold(dir, path, fd, SEGMENT_HEADER, length))
        return;
    struct hints h;
    char index[HINT_PATH];
    hints_path(index, path);
    if (s->indexes++ == 0)
        (void)snprintf(s->index, sizeof s->index, "%s", index);
    if (!mend || file_remove(dir, index, NULL) != 0)
        return;
    hints_resume(&h, dir, path, fd, SEGMENT_HEADER, length);
    s->indexes_made += !h.given_up;
    hints_close(&h);
}

static int look_at_stream(int dir, enum ledger_stream stream, bool mend, bool growing, struct ledger_survey *s, struct error *e)
{
    uint64_t *firsts = NULL;
    size_t n = 0;
    if (segment_list(dir, stream, "", &firsts, &n, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char path[SEGMENT_PATH];
        struct stat st;
        segment_path(path, stream, firsts[i]);
        int fd = file_open_read(dir, path, NULL);
        if (fd < 0 || fstat(fd, &st) != 0) {
            if (fd >= 0)
                (void)close(fd);
            continue;
        }
        s->stream[stream_slot(stream)].segments++;
        s->stream[stream_slot(stream)].bytes += (uint64_t)st.st_size;
        look_at_format(fd, path, SEGMENT_FORMAT, s);
        if (!growing || i + 1 < n)
            look_at_index(dir, path, fd, (uint64_t)st.st_size, mend, s);
        (void)close(fd);
    }
    free(firsts);
    return 0;
}

static uint64_t bytes_below(int dir, const char *path, int depth)
{
    uint64_t sum = 0;
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL && fd >= 0)
        (void)close(fd);
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL; f = readdir(d)) {
        struct stat st;
        if (f->d_name[0] == '.' || fstatat(fd, f->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && depth > 0)
            sum += bytes_below(fd, f->d_name, depth - 1);
    }
    if (d != NULL)
        (void)closedir(d);
    return sum;
}

int ledger_survey(const char *dir, bool mend, bool growing, struct ledger_survey *ret, struct error *e)
{
    struct ledger_survey s = {0};
    struct stat st;
    int fd = ledger_folder_open(dir, e);
    if (fd < 0)
        return -1;
    int r = look_at_stream(fd, LEDGER_CUSTODY, mend, growing, &s, e) != 0 ? -1 : look_at_stream(fd, LEDGER_OBSERVATION, mend, growing, &s, e);
    look_at_file(fd, "keyring", SLOTS_FORMAT, &s);
    for (unsigned i = 0; i < 2; i++) {
        const char *path = i == 0 ? "journal.0" : "journal.1";
        look_at_file(fd, path, JOURNAL_FORMAT, &s);
        if (fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
            s.journal += (uint64_t)st.st_size;
    }
    uint64_t all = bytes_below(fd, ".", 3);
    uint64_t known = s.journal + s.stream[0].bytes + s.stream[1].bytes;
    s.other = all > known ? all - known : 0;
    (void)close(fd);
    if (r == 0)
        *ret = s;
    return r;
}
