#include "cmd/talk.h"

#include "proc/ask.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int put_answer(const char *verb, const struct reply *r)
{
    if (r->status < 400) {
        bool line = r->body.n > 0 && r->body.p[r->body.n - 1] != '\n';
        bool written = fwrite(r->body.p, 1, r->body.n, stdout) == r->body.n && (!line || putchar('\n') != EOF) && fflush(stdout) == 0;
        return written ? 0 : 3;
    }
    json_t *problem = json_loadb((const char *)r->body.p, r->body.n, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    (void)fprintf(stderr, "tourniquet %s: %s\n", verb, detail == NULL ? "the keeper refused" : detail);
    json_decref(problem);
    return r->status < 500 ? 2 : 3;
}

bool talk_options(const struct verb *verb, int argc, char **argv, const struct talk_option *options)
{
    struct option known[TALK_OPTIONS + 1] = {0};
    size_t n = 0;
    size_t config = TALK_OPTIONS;
    for (; n < TALK_OPTIONS && options[n].name != NULL; n++) {
        known[n] = (struct option){options[n].name, options[n].text != NULL ? required_argument : no_argument, NULL, 256 + (int)n};
        if (strcmp(options[n].name, "config") == 0)
            config = n;
    }
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, config < n ? "c:" : "", known, NULL)) != -1;) {
        size_t i = c == 'c' ? config : (size_t)(c - 256);
        if (c != 'c' && c < 256) {
            (void)fputs(verb->usage, stderr);
            return false;
        }
        if (options[i].text != NULL)
            *options[i].text = optarg;
        else
            *options[i].on = true;
    }
    return true;
}

int talk_wrong(const struct verb *verb, const char *what)
{
    (void)fprintf(stderr, "tourniquet %s: %s\n%s", verb->name, what, verb->usage);
    return 2;
}

int talk(const char *verb, const char *config_file, const char *data, const char *method, const char *path, json_t *body)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {.channel = {.fd = -1}};
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    int folder = ask_folder(config_file, data, &config, &e);
    int line = folder < 0 ? -1 : ask_dial(folder, &e);
    int status = 0;
    if (line < 0 || ask_send(&asked, line, method, span_str(path), NULL, span_str(text == NULL ? "" : text), -1, &e) != 0) {
        (void)fprintf(stderr, "tourniquet %s: %s\n", verb, e.text);
        status = err_exit_status(&e);
    } else {
        status = put_answer(verb, &asked.reply);
    }
    ask_release(&asked);
    if (folder >= 0)
        (void)close(folder);
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
    return status;
}
