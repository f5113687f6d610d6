/* course list | check | show: the training courses, and a lab's own file checked. */
#include "lab/courses/course.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "proc/own.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet course: %s\n", e->text);
    return err_exit_status(e);
}

static int usage_error(void)
{
    struct error e = {0};
    (void)err_set(&e, ERR_MISUSE, "wrong use; see `tourniquet help course`");
    return complain(&e);
}

static int print(struct buf *line, struct error *e)
{
    int r = buf_ok(line) ? 0 : err_set(e, ERR_SYSTEM, "no memory for the course");
    if (r == 0)
        (void)printf("%s\n", buf_text(line));
    buf_release(line);
    return r;
}

/* ── list, show ── */

static int list(const struct courses *s, struct error *e)
{
    int r = 0;
    for (size_t i = 0; i < courses_count(s) && r == 0; i++) {
        struct buf line = BUF_INIT(COURSE_JSON_MAX);
        if (courses_at(s, i)->replaced)
            continue;
        course_summary_json(&line, courses_at(s, i));
        r = print(&line, e);
    }
    return r;
}

static int show(const struct courses *s, const char *id, struct error *e)
{
    const struct course *c = courses_find(s, span_str(id));
    struct buf text = BUF_INIT(COURSE_JSON_MAX);
    if (c == NULL)
        return err_set(e, ERR_MISUSE, "there is no course \"%s\"; `tourniquet course list` has them all", id);
    course_json(&text, c);
    return print(&text, e);
}

/* ── check ── */

static void put_note(void *context, uint32_t line, const char *text)
{
    struct jsonw *j = context;
    jsonw_object(j);
    jsonw_put_uint(j, "line", line);
    jsonw_put_str(j, "text", text);
    jsonw_object_end(j);
}

static void put_course(struct jsonw *j, const struct course *c)
{
    struct course_measure m;
    course_measure(c, &m);
    jsonw_put_text(j, "id", c->id);
    jsonw_put_uint(j, "lessons", c->lessons_n);
    jsonw_put_uint(j, "questions", c->questions_n);
    jsonw_put_uint(j, "pool", m.pool);
    jsonw_put_uint(j, "sources", c->sources_n);
    jsonw_put_uint(j, "words", m.words);
    jsonw_put_uint(j, "minutes_estimated", m.minutes);
    jsonw_key(j, "grade");
    jsonw_real(j, m.grade, 1);
    jsonw_key(j, "notes");
    jsonw_array(j);
    (void)course_judge(c, put_note, j);
    jsonw_array_end(j);
}

/* The folder that a file lies in. */
static void folder_of(const char *path, char out[4096])
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(out, 4096, "%.*s", slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
}

/* The course of a file, with the pictures beside it. NULL: it is not good. */
static struct courses *read_one(const char *path, struct error *e)
{
    char folder[4096];
    struct buf text = BUF_INIT(COURSE_FILE_BYTES);
    struct courses *s = courses_empty(e);
    folder_of(path, folder);
    bool good = s != NULL && own_pictures_read(folder, s, NULL, e) == 0 && own_file(path, &text, e) == 0 &&
                courses_add(s, buf_span(&text), path, e) == 0;
    buf_release(&text);
    if (good)
        return s;
    courses_free(s);
    return NULL;
}

static int check(char **paths, int n, struct error *e)
{
    int status = 0;
    for (int i = 0; i < n; i++) {
        struct error why = {0};
        struct buf line = BUF_INIT(COURSE_JSON_MAX);
        struct jsonw j = jsonw_to(&line);
        struct courses *s = read_one(paths[i], &why);
        if (s == NULL && why.class != ERR_MISUSE)
            return complain(&why);
        jsonw_object(&j);
        jsonw_put_str(&j, "file", paths[i]);
        jsonw_put_bool(&j, "valid", s != NULL);
        jsonw_put_str(&j, "error", s != NULL ? NULL : why.text);
        if (s != NULL)
            put_course(&j, courses_at(s, 0));
        jsonw_object_end(&j);
        courses_free(s);
        if (s == NULL) {
            (void)complain(&why);
            status = 1;
        }
        if (print(&line, e) != 0)
            return complain(e);
    }
    return status;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"courses", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
    const char *folder = NULL;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o != 'c')
            return usage_error();
        folder = optarg;
    }
    const char *what = optind < argc ? argv[optind] : "";
    int rest = argc - optind - 1;
    struct error e = {0};
    if (strcmp(what, "check") == 0 && rest > 0 && folder == NULL) {
        int status = check(argv + optind + 1, rest, &e);
        return fflush(stdout) == 0 ? status : 3;
    }
    bool all = strcmp(what, "list") == 0 && rest == 0;
    if (!all && (strcmp(what, "show") != 0 || rest != 1))
        return usage_error();
    struct courses *s = courses_new(&e);
    int r = s == NULL || (folder != NULL && own_courses_read(folder, s, NULL, &e) != 0) ? -1 : 0;
    if (r == 0)
        r = all ? list(s, &e) : show(s, argv[optind + 1], &e);
    courses_free(s);
    if (r != 0)
        return complain(&e);
    return fflush(stdout) == 0 ? 0 : 3;
}

const struct verb verb_course = {
    .name = "course",
    .summary = "training courses: which there are, what one says, a file of your own checked",
    .usage = "usage: tourniquet course list [--courses DIR]\n"
             "       tourniquet course show ID [--courses DIR]\n"
             "       tourniquet course check FILE...\n\n"
             "list prints every course, one JSON object a line; show prints one with its lessons, questions and sources. check reads files that a\n"
             "lab wrote and says whether they are good, with line and column where not (exit 1), and as notes where one could be better:\n"
             "too few questions, hard words, paragraphs without a source.\n\n"
             "  --courses DIR   also the lab's own files DIR/*.md with DIR/pictures/*.svg; a course with the id of one of ours takes its place\n\n"
             "The format: docs/formats/course.md.\n",
    .run = run,
};
