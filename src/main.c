/* The table of verbs, nothing else. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct verb *const verbs[] = {
    &verb_run,    &verb_demo,   &verb_api,   &verb_unlock, &verb_upgrade, &verb_sense, &verb_simulate, &verb_catalog,
    &verb_course, &verb_ledger, &verb_prove, &verb_doctor, &verb_keys,    &verb_pki,   &verb_backup,   &verb_restore,
    &verb_link,   &verb_people, &verb_token, &verb_device, &verb_mail,    &verb_door,
};

#define VERBS (sizeof verbs / sizeof verbs[0])

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

static int unknown(const char *name)
{
    (void)fprintf(stderr, "tourniquet: there is no verb '%s'; `tourniquet --help` lists them\n", name);
    return 2;
}

static void help(FILE *out)
{
    (void)fputs("Tourniquet: the security platform of a medical laboratory.\n\n"
                "usage: tourniquet VERB [ARGUMENT]...\n"
                "       tourniquet help VERB\n"
                "       tourniquet --version\n\n"
                "Verbs:\n",
                out);
    for (size_t i = 0; i < VERBS; i++)
        (void)fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    (void)fputs("\nEverything for machines is printed on standard output as JSON, one object a line; words for people go to standard error.\n"
                "Exit status: 0 done, 1 a check failed, 2 wrong use or unusable input, 3 the machine failed.\n",
                out);
}

static int finish(void)
{
    return fflush(stdout) == 0 ? 0 : 3;
}

static int help_on(int argc, char **argv)
{
    const struct verb *v = argc > 2 ? find(argv[2]) : NULL;
    if (argc > 2 && v == NULL)
        return unknown(argv[2]);
    if (v == NULL)
        help(stdout);
    else
        (void)fputs(v->usage, stdout);
    return finish();
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        (void)puts("tourniquet " TQ_VERSION);
        return finish();
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help_on(argc, argv);
    const struct verb *v = find(name);
    if (v == NULL)
        return unknown(name);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(v->usage, stdout);
            return finish();
        }
    }
    return v->run(argc - 1, argv + 1);
}
