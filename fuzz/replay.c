/* Drives a fuzz target without libFuzzer: every file of the folders or files given, then mutations of them. Prints TAP.
 *
 * FUZZ_SEED chooses the mutations (printed, default 1), FUZZ_ROUNDS how many (default 20000). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_SEEDS 4096
#define MOST_BYTES (1u << 20)

static uint8_t *seeds[MOST_SEEDS];
static size_t seed_sizes[MOST_SEEDS];
static size_t seed_count;

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* A fresh heap copy of the exact size, so that the sanitizer sees one byte too many. */
static void feed(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    if (copy == NULL)
        abort();
    if (n > 0)
        memcpy(copy, data, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void load(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || seed_count == MOST_SEEDS)
        exit(2);
    uint8_t *bytes = malloc(MOST_BYTES);
    if (bytes == NULL)
        exit(3);
    size_t n = fread(bytes, 1, MOST_BYTES, f);
    (void)fclose(f);
    seeds[seed_count] = bytes;
    seed_sizes[seed_count++] = n;
}

static void load_all(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode)) {
        load(path);
        return;
    }
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            char full[4096];
            (void)snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
            load(full);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static size_t mutate(uint8_t *out, size_t room)
{
    size_t n = 0;
    if (seed_count > 0) {
        size_t i = next() % seed_count;
        n = seed_sizes[i] < room ? seed_sizes[i] : room;
        memcpy(out, seeds[i], n);
    } else {
        n = next() % 512;
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)next();
    }
    for (uint64_t k = 1 + next() % 8; k > 0; k--) {
        size_t at = n == 0 ? 0 : next() % n;
        switch (next() % 6) {
        case 0: /* flip a bit */
            if (n > 0)
                out[at] ^= (uint8_t)(1u << next() % 8);
            break;
        case 1: /* another byte, often a telling one */
            if (n > 0)
                out[at] = next() % 2 ? (uint8_t)next() : (uint8_t) "\0\xff\x7f\x80\x0b\x1c\r\n\x02\x03\x05|^"[next() % 13];
            break;
        case 2: /* cut */ n = at; break;
        case 3: /* repeat a piece */
            if (n > 0 && n < room) {
                size_t len = 1 + next() % 64;
                if (len > room - n)
                    len = room - n;
                if (len > n - at)
                    len = n - at;
                memmove(out + at + len, out + at, n - at);
                n += len;
            }
            break;
        case 4: /* take a piece out */
            if (n > 0) {
                size_t len = 1 + next() % 64;
                if (len > n - at)
                    len = n - at;
                memmove(out + at, out + at + len, n - at - len);
                n -= len;
            }
            break;
        default: /* splice another seed's tail on */
            if (seed_count > 0) {
                size_t j = next() % seed_count;
                size_t from = seed_sizes[j] == 0 ? 0 : next() % seed_sizes[j];
                size_t len = seed_sizes[j] - from;
                if (len > room - at)
                    len = room - at;
                memcpy(out + at, seeds[j] + from, len);
                n = at + len;
            }
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        load_all(argv[i]);
    const char *seed_text = getenv("FUZZ_SEED");
    const char *rounds_text = getenv("FUZZ_ROUNDS");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 1;
    uint64_t rounds = rounds_text != NULL ? strtoull(rounds_text, NULL, 10) : 20000;
    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    printf("1..2\n# seed %llu, %llu rounds, %zu files\n", (unsigned long long)seed, (unsigned long long)rounds, seed_count);
    feed(NULL, 0);
    for (size_t i = 0; i < seed_count; i++)
        feed(seeds[i], seed_sizes[i]);
    printf("ok 1 - %zu kept inputs\n", seed_count);
    (void)fflush(stdout);
    uint8_t *work = malloc(MOST_BYTES);
    if (work == NULL)
        return 3;
    for (uint64_t r = 0; r < rounds; r++)
        feed(work, mutate(work, 65536 < MOST_BYTES ? 65536 : MOST_BYTES));
    free(work);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i]);
    printf("ok 2 - %llu mutations\n", (unsigned long long)rounds);
    return 0;
}
