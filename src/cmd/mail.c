/* mail check: is a message dangerous, and why. */
#include "engine/mail/mail.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "proc/clamd.h"
#include "proc/own.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    struct mail_lab lab;
    char own[MAIL_OWN][256];
    const char *clamd;
    bool spanish;
    bool shown;
    int fail_on; /* a verdict; over MAIL_DANGEROUS: none */
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet mail: %s\n", e->text);
    return err_exit_status(e);
}

static int usage_error(const char *what)
{
    struct error e = {0};
    (void)err_set(&e, ERR_MISUSE, "%s; see `tourniquet help mail`", what);
    return complain(&e);
}

static void put_reasons(struct jsonw *j, const struct mail_report *r, bool spanish)
{
    jsonw_key(j, "reasons");
    jsonw_array(j);
    for (size_t i = 0; i < r->n; i++) {
        struct buf text = BUF_INIT(1024);
        const struct mail_reason *one = &r->reasons[i];
        mail_reason_text(&text, one->code, span_str(one->about), spanish);
        jsonw_object(j);
        jsonw_put_str(j, "code", mail_reason_rows[one->code].code);
        jsonw_put_text(j, "text", buf_span(&text));
        jsonw_put_str(j, "evidence", one->about[0] != 0 ? one->about : NULL);
        jsonw_put_int(j, "points", one->points);
        jsonw_object_end(j);
        buf_release(&text);
    }
    jsonw_array_end(j);
}

static const char *scan(const struct wish *w, struct span message, struct mail_report *r)
{
    char name[CLAMD_NAME];
    struct error e = {0};
    if (w->clamd == NULL)
        return "not asked";
    enum clamd_answer a = clamd_ask(w->clamd, message, name, &e);
    if (a == CLAMD_FOUND)
        mail_report_virus(r, name);
    if (a == CLAMD_NONE)
        (void)fprintf(stderr, "tourniquet mail: %s\n", e.text);
    return a == CLAMD_NONE ? "no answer" : a == CLAMD_FOUND ? "found" : "clean";
}

static void put_shown(const struct mail_known *k, struct jsonw *j, struct span message)
{
    struct buf text = BUF_INIT(MAIL_SHOWN);
    struct error e = {0};
    jsonw_key(j, "shown");
    if (mail_show(k, message, &text, &e) == 0)
        jsonw_text(j, buf_span(&text));
    else
        jsonw_null(j);
    buf_release(&text);
}

static int standard_input(struct buf *out, struct error *e)
{
    char piece[65536];
    for (size_t n; (n = fread(piece, 1, sizeof piece, stdin)) > 0;)
        buf_add(out, piece, n);
    if (ferror(stdin) != 0)
        return err_set(e, ERR_SYSTEM, "standard input cannot be read");
    return buf_ok(out) ? 0 : err_set(e, ERR_LIMIT, "standard input is larger than %u MiB: no mail is", MAIL_BYTES >> 20);
}

/* One file; *ret its verdict. */
static int check(const struct mail_known *k, const struct wish *w, const char *path, struct mail_report *r, struct error *e)
{
    struct buf message = BUF_INIT(MAIL_BYTES);
    struct buf line = BUF_INIT(1U << 20);
    struct jsonw j = jsonw_to(&line);
    struct error why = {0};
    int status = strcmp(path, "-") == 0 ? standard_input(&message, &why) : own_file(path, &message, &why);
    if (status != 0)
        status = why.class == ERR_MISUSE && strstr(why.text, "part it into") != NULL
                     ? err_set(e, ERR_LIMIT, "%s is larger than %u MiB: no mail is", path, MAIL_BYTES >> 20)
                     : err_set(e, why.class, "%s", why.text);
    else if (mail_judge(k, &w->lab, buf_span(&message), r, &why) != 0)
        status = err_set(e, why.class, "%s: %s", path, why.text);
    if (status == 0) {
        const char *scanned = scan(w, buf_span(&message), r);
        jsonw_object(&j);
        jsonw_put_str(&j, "file", path);
        jsonw_put_str(&j, "verdict", mail_verdict_name(r->verdict));
        jsonw_put_int(&j, "score", r->score);
        put_reasons(&j, r, w->spanish);
        jsonw_put_bool(&j, "attached", r->attached);
        jsonw_put_str(&j, "virus_scanner", scanned);
        if (w->shown)
            put_shown(k, &j, buf_span(&message));
        jsonw_object_end(&j);
        if (buf_ok(&line))
            (void)printf("%s\n", buf_text(&line));
        else
            status = err_set(e, ERR_SYSTEM, "no memory for a mail");
    }
    buf_release(&line);
    buf_release(&message);
    return status;
}

static int check_all(const struct wish *w, char **paths, int n)
{
    struct error e = {0};
    struct mail_known *k = mail_known_new(&e);
    struct mail_report *r = calloc(1, sizeof *r);
    int worst = 0;
    bool failed = false;
    if (k == NULL || r == NULL) {
        free(r);
        mail_known_free(k);
        return complain(&e);
    }
    for (int i = 0; i < n; i++) {
        struct error why = {0};
        if (check(k, w, paths[i], r, &why) != 0) { /* the others are checked all the same */
            int status = complain(&why);
            worst = status > worst ? status : worst;
        } else {
            failed |= (int)r->verdict >= w->fail_on;
        }
    }
    free(r);
    mail_known_free(k);
    if (fflush(stdout) != 0)
        return 3;
    return worst != 0 ? worst : failed ? 1 : 0;
}

static bool add_own(struct wish *w, const char *domain)
{
    size_t n = strlen(domain);
    if (w->lab.own_n == MAIL_OWN || n == 0 || n >= sizeof w->own[0])
        return false;
    char *to = w->own[w->lab.own_n];
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(domain[i] >= 'A' && domain[i] <= 'Z' ? domain[i] | 0x20 : domain[i]);
    w->lab.own[w->lab.own_n++] = span_of(to, n);
    return true;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},           {"own", required_argument, NULL, 'o'},
                                            {"receiver", required_argument, NULL, 'r'}, {"language", required_argument, NULL, 'l'},
                                            {"clamd", required_argument, NULL, 'c'},    {"show", no_argument, NULL, 's'},
                                            {"fail-on", required_argument, NULL, 'f'},  {NULL, 0, NULL, 0}};
    struct wish *w = calloc(1, sizeof *w);
    int status = -1;
    if (w == NULL)
        return 3;
    w->fail_on = MAIL_DANGEROUS + 1;
    for (int o; status < 0 && (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'o' && !add_own(w, optarg))
            status = usage_error("--own takes a domain, 16 times at most");
        else if (o == 'r')
            w->lab.authserv = span_str(optarg);
        else if (o == 'l' && strcmp(optarg, "en") != 0 && strcmp(optarg, "es") != 0)
            status = usage_error("--language is en or es");
        else if (o == 'l')
            w->spanish = strcmp(optarg, "es") == 0;
        else if (o == 'c')
            w->clamd = optarg;
        else if (o == 's')
            w->shown = true;
        else if (o == 'f' && strcmp(optarg, "suspicious") != 0 && strcmp(optarg, "dangerous") != 0)
            status = usage_error("--fail-on is suspicious or dangerous");
        else if (o == 'f')
            w->fail_on = strcmp(optarg, "dangerous") == 0 ? MAIL_DANGEROUS : MAIL_SUSPICIOUS;
        else if (o == '?')
            status = usage_error("wrong use");
    }
    if (status < 0) {
        bool asked = optind < argc && strcmp(argv[optind], "check") == 0 && optind + 1 < argc;
        status = asked ? check_all(w, argv + optind + 1, argc - optind - 1) : usage_error("wrong use");
    }
    free(w);
    return status;
}

const struct verb verb_mail = {
    .name = "mail",
    .summary = "is a mail dangerous, suspicious or fine, and why",
    .usage = "usage: tourniquet mail check FILE... [--own DOMAIN]... [--receiver NAME] [--language en|es] [--clamd SOCKET] [--show] [--fail-on "
             "VERDICT]\n\n"
             "Reads messages (.eml; - is standard input) and prints for each one JSON object on a line: file, verdict (dangerous, suspicious or "
             "fine), score\n"
             "(0 to 100), and reasons that anybody understands, strongest first. A message that is attached to another is judged itself: that is how "
             "people\n"
             "forward what they ask about. Nothing in a mail is opened, run or fetched, and nobody is asked about it.\n\n"
             "  --own DOMAIN        a domain of the lab: what imitates it is told (up to 16)\n"
             "  --receiver NAME     what the lab's own mail server calls itself in Authentication-Results: what it says is believed\n"
             "  --language en|es    of the reasons (en)\n"
             "  --clamd SOCKET      also ask ClamAV: a path, or 127.0.0.1:3310\n"
             "  --show              add what the message says, as text, its links made harmless\n"
             "  --fail-on VERDICT   exit 1 where a message is suspicious (or worse), or dangerous\n"
             "  --json              as it is anyway\n\n"
             "How it judges, and how well: docs/mail.md.\n",
    .run = run,
};
