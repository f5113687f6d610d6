/* api: one request to the keeper over the local socket DATA/api.sock. Who asks is told by the socket (SO_PEERCRED); the role is "local
 * administrator". */
#include "cmd/cmd.h"

#include "proc/ask.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct api_arguments {
    const char *config;
    const char *data;
    const char *body;
    const char *if_match;
    bool head; /* print status and ETag */
    char method[16];
    struct span path;
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet api: %s\n", e->text);
    return err_exit_status(e);
}

/* ── arguments ── */

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "tourniquet api: %s\n%s", what, verb_api.usage);
    return 2;
}

/* -1: go on; else the exit status. */
static int read_target(int argc, char **argv, struct api_arguments *a)
{
    if (argc - optind != 2)
        return wrong_use("it takes a method and a path");
    const char *method = argv[optind];
    size_t n = strlen(method);
    if (n == 0 || n >= sizeof a->method)
        return wrong_use("the method is GET, POST, PUT, PATCH or DELETE");
    for (size_t i = 0; i <= n; i++)
        a->method[i] = method[i] >= 'a' && method[i] <= 'z' ? (char)(method[i] & ~0x20) : method[i];
    a->path = span_str(argv[optind + 1]);
    if (a->path.n == 0 || a->path.p[0] != '/' || a->path.n > REQUEST_TEXT_MAX)
        return wrong_use("the path starts with a slash: /api/v1/today");
    return -1;
}

static int read_arguments(int argc, char **argv, struct api_arguments *a)
{
    enum { DATA = 256, IF_MATCH };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, DATA},
                                            {"body", required_argument, NULL, 'd'},   {"if-match", required_argument, NULL, IF_MATCH},
                                            {"include", no_argument, NULL, 'i'},      {NULL, 0, NULL, 0}};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:d:i", options, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case DATA: a->data = optarg; break;
        case 'd': a->body = optarg; break;
        case IF_MATCH: a->if_match = optarg; break;
        case 'i': a->head = true; break;
        default: (void)fputs(verb_api.usage, stderr); return 2;
        }
    }
    return read_target(argc, argv, a);
}

/* ── the answer ── */

static int print(const struct api_arguments *a, const struct reply *r)
{
    if (a->head) {
        (void)fprintf(stderr, "%u\n", r->status);
        if (r->etag.n > 0)
            (void)fprintf(stderr, "ETag: \"%.*s\"\n", (int)r->etag.n, (const char *)r->etag.p);
    }
    size_t written = r->body.n == 0 ? 0 : fwrite(r->body.p, 1, r->body.n, stdout);
    bool text = !span_is(r->type, "application/octet-stream");
    if (text && r->body.n > 0 && r->body.p[r->body.n - 1] != '\n')
        (void)putchar('\n');
    if (written != r->body.n || fflush(stdout) != 0) {
        (void)fputs("tourniquet api: the answer could not be written\n", stderr);
        return 3;
    }
    return r->status < 400 ? 0 : r->status < 500 ? 2 : 3;
}

/* "-d -": what must not be seen in a list of processes comes over standard input. */
static int read_body(struct buf *out)
{
    uint8_t piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_add(out, piece, n);
    return ferror(stdin) != 0 || !buf_ok(out) ? wrong_use("the body on standard input cannot be read, or is over 1 MiB") : -1;
}

static int ask(const struct api_arguments *a, struct span content, int line)
{
    struct error e = {0};
    struct ask asked = {0};
    int r = ask_send(&asked, line, a->method, a->path, a->if_match, content, -1, &e);
    int status = r == 0 ? print(a, &asked.reply) : e.class == ERR_LIMIT ? wrong_use(e.text) : complain(&e);
    ask_release(&asked);
    return status;
}

static int run(int argc, char **argv)
{
    struct api_arguments a = {0};
    struct error e = {0};
    static struct config config;
    int status = read_arguments(argc, argv, &a);
    if (status >= 0)
        return status;
    struct buf body = BUF_SECRET(REQUEST_BODY_MAX);
    if (a.body != NULL && strcmp(a.body, "-") != 0)
        buf_add_str(&body, a.body);
    else if (a.body != NULL && (status = read_body(&body)) >= 0)
        return status;
    int data = ask_folder(a.config, a.data, &config, &e);
    int fd = data < 0 ? -1 : ask_dial(data, &e);
    if (data >= 0)
        (void)close(data);
    status = fd < 0 ? complain(&e) : ask(&a, buf_span(&body), fd);
    buf_release(&body);
    return status;
}

const struct verb verb_api = {
    .name = "api",
    .summary = "ask the running Tourniquet, from this machine",
    .usage = "usage: tourniquet api METHOD PATH [--data DIR | -c lab.yaml] [-d BODY] [--if-match ETAG] [-i]\n"
             "\n"
             "  tourniquet api GET /api/v1/today\n"
             "  tourniquet api POST /api/v1/findings/ID/take --if-match 41\n"
             "  tourniquet api PATCH /api/v1/devices/ID -d '{\"owner\":\"Haematology\"}' --if-match 41\n"
             "  tourniquet api POST /api/v1/devices/import -d - < devices.csv\n"
             "\n"
             "  --data DIR       the data folder of the running Tourniquet (default: the one of lab.yaml, else the built-in one)\n"
             "  -c FILE          lab.yaml, for the data folder\n"
             "  -d BODY          the body; \"-\" reads it from standard input (for what must not be seen in a list of processes)\n"
             "  --if-match ETAG  the state that you saw, for requests that change something\n"
             "  -i               print status and ETag too, to standard error\n"
             "\n"
             "What can be asked: tourniquet api GET /api/v1/openapi.json. Exit status: 0 answered, 2 refused, 3 the keeper could not do it.\n",
    .run = run,
};
