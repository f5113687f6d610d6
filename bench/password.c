/* usage: password. What a password's hash costs here: the time of one hash and of one comparison, and the memory that each takes. Prints a JSON
 * object a claim, as scripts/bench wants them. */
#include "record/crypto/password.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ROUNDS 9

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double peak_mib(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

int main(void)
{
    struct error e = {0};
    char text[PASSWORD_TEXT];
    const struct span password = SPAN_LIT("seven grey herons wade");
    double hash = 1e9;
    double check = 1e9;
    if (crypto_start(&e) != 0) {
        (void)fprintf(stderr, "password: %s\n", e.text);
        return 1;
    }
    double before = peak_mib();
    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_s();
        if (password_hash(password, text, &e) != 0) {
            (void)fprintf(stderr, "password: %s\n", e.text);
            return 1;
        }
        double took = cpu_s() - start;
        hash = took < hash ? took : hash;
        start = cpu_s();
        if (!password_verify(password, text))
            return 1;
        took = cpu_s() - start;
        check = took < check ? took : check;
    }
    const char *parameters = text + strlen("$argon2id$v=19$");
    double ms = 1e3 * hash;
    (void)printf(
        "{\"claim\":\"password hash\",\"what\":\"one Argon2id hash, %.*s (RFC 9106's second choice): processor time, and memory above the program's "
        "own\",\"ours\":\"%.0f ms to make, %.0f ms to compare, %.0f MiB\",\"target\":\"50 to 1000 ms\",\"holds\":%s}\n",
        (int)strcspn(parameters, "$"), parameters, ms, 1e3 * check, peak_mib() - before, ms >= 50 && ms <= 1000 ? "true" : "false");
    return 0;
}
