/* The courier: the only role that connects to other machines. It does one errand of the keeper after the other and brings the answer back.
 *
 * It holds no data and no key. What an errand sends is what the keeper wrote into it; what comes back is bytes that the keeper checks. It follows no
 * redirect, uses no proxy, and believes no certificate but that of the address's own name under an authority that counts. */
#include "proc/errand.h"
#include "proc/log.h"
#include "proc/role.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_SECONDS 20
#define CONNECT_SECONDS 10
#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"
#define AUTHORITIES_MAX (2u << 20)
#define OUTCOMES (256u << 10) /* bytes of outcomes that may wait for the keeper */

struct courier {
    struct role_self self;
    struct channel keeper;
    struct buf authorities; /* the machine's, read before the narrowing; may be empty */
    struct buf answer;
    CURL *curl;
    bool stopping;
    bool interrupted; /* the keeper of the errand in hand is gone */
};

static struct courier c = {.keeper = {.fd = -1}, .authorities = {.max = AUTHORITIES_MAX}, .answer = {.max = ERRAND_BODY}};

/* Takes what the supervisor says. */
static void hear(int ms)
{
    struct message m;
    int r;
    while ((r = role_control(&c.self, ms, &m)) == 1) {
        int fd;
        ms = 0;
        if (role_peer(&m, &fd, NULL) != ROLE_KEEPER)
            continue;
        channel_close(&c.keeper);
        channel_open(&c.keeper, fd, ROLE_COURIER, ROLE_KEEPER, OUTCOMES);
        c.interrupted = true;
    }
    if (r < 0)
        c.stopping = true;
}

static size_t take_answer(char *bytes, size_t one, size_t n, void *context)
{
    struct buf *answer = context;
    buf_add(answer, bytes, one * n);
    return buf_ok(answer) ? one * n : 0;
}

/* Called by curl about once a second. Not 0: give up. */
static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t f)
{
    (void)context, (void)a, (void)b, (void)d, (void)f;
    hear(0);
    return c.stopping || c.interrupted ? 1 : 0;
}

static const char *words(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "its name is not known";
    case CURLE_COULDNT_CONNECT: return "nobody answers at its address";
    case CURLE_USE_SSL_FAILED: return "it does not speak STARTTLS: nothing is sent in clear";
    case CURLE_LOGIN_DENIED: return "it does not take the account or its password";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return "the connection was cut";
    case CURLE_OPERATION_TIMEDOUT: return "it did not answer in time";
    case CURLE_PEER_FAILED_VERIFICATION: return "its certificate is for another name, has run out, or is of no authority that counts here";
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED: return "its answer is longer than any answer can be";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return "its address is no http or https address";
    default: return curl_easy_strerror(code);
    }
}

/* A text with a final zero, in out. */
static const char *text(char out[ERRAND_TEXT + 32], const char *before, struct span s)
{
    (void)snprintf(out, ERRAND_TEXT + 32, "%s%.*s", before, (int)s.n, (const char *)s.p);
    return out;
}

/* ── mail (RFC 5321, by libcurl) ── */

static bool is_mail(const struct errand *x)
{
    return span_starts(x->url, SPAN_LIT("smtp://")) || span_starts(x->url, SPAN_LIT("smtps://"));
}

static size_t give_mail(char *out, size_t one, size_t n, void *context)
{
    struct span *left = context;
    return span_copy(span_take(left, left->n < one * n ? left->n : one * n), out, one * n);
}

/* to: the one recipient, as set_mail was given it. */
static void set_mail(const struct errand *x, struct span *text_left, struct curl_slist *to)
{
    char line[ERRAND_TEXT + 32];
    (void)curl_easy_setopt(c.curl, CURLOPT_USE_SSL, (long)(x->clear ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    (void)curl_easy_setopt(c.curl, CURLOPT_MAIL_FROM, text(line, "", x->from));
    (void)curl_easy_setopt(c.curl, CURLOPT_MAIL_RCPT, to);
    if (x->user.n > 0) {
        (void)curl_easy_setopt(c.curl, CURLOPT_USERNAME, text(line, "", x->user));
        (void)curl_easy_setopt(c.curl, CURLOPT_PASSWORD, text(line, "", x->password));
        explicit_bzero(line, sizeof line);
    }
    (void)curl_easy_setopt(c.curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(c.curl, CURLOPT_READFUNCTION, give_mail);
    (void)curl_easy_setopt(c.curl, CURLOPT_READDATA, text_left);
}

static void set_options(const struct errand *x, struct curl_slist *head)
{
    bool mail = is_mail(x);
    char url[ERRAND_TEXT + 32];
    struct span authority = x->authority.n > 0 ? x->authority : buf_span(&c.authorities);
    struct curl_blob blob = {.data = (void *)(uintptr_t)authority.p, .len = authority.n, .flags = CURL_BLOB_COPY};
    curl_easy_reset(c.curl);
    (void)curl_easy_setopt(c.curl, CURLOPT_URL, text(url, "", x->url));
    (void)curl_easy_setopt(c.curl, CURLOPT_PROTOCOLS_STR, mail ? "smtp,smtps" : "http,https");
    (void)curl_easy_setopt(c.curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c.curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c.curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c.curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c.curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(c.curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(c.curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(c.curl, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(c.curl, CURLOPT_CAINFO, NULL);
    if (authority.n > 0)
        (void)curl_easy_setopt(c.curl, CURLOPT_CAINFO_BLOB, &blob);
    (void)curl_easy_setopt(c.curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)curl_easy_setopt(c.curl, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
    (void)curl_easy_setopt(c.curl, CURLOPT_MAXFILESIZE, (long)ERRAND_BODY);
    (void)curl_easy_setopt(c.curl, CURLOPT_USERAGENT, "tourniquet");
    if (!mail)
        (void)curl_easy_setopt(c.curl, CURLOPT_HTTPHEADER, head);
    if (mail) {
        ; /* set_mail */
    } else if (x->body.n > 0) {
        (void)curl_easy_setopt(c.curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c.curl, CURLOPT_POSTFIELDSIZE, (long)x->body.n);
        (void)curl_easy_setopt(c.curl, CURLOPT_POSTFIELDS, x->body.p);
    } else {
        (void)curl_easy_setopt(c.curl, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(c.curl, CURLOPT_WRITEFUNCTION, take_answer);
    (void)curl_easy_setopt(c.curl, CURLOPT_WRITEDATA, &c.answer);
    (void)curl_easy_setopt(c.curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c.curl, CURLOPT_XFERINFOFUNCTION, watch);
}

static struct span media_type(void)
{
    const char *type = NULL;
    (void)curl_easy_getinfo(c.curl, CURLINFO_CONTENT_TYPE, &type);
    struct span s = type == NULL ? span_of(NULL, 0) : span_of(type, strnlen(type, ERRAND_TEXT));
    struct span bare = span_until(&s, ';', NULL);
    while (bare.n > 0 && bare.p[bare.n - 1] == ' ')
        bare.n--;
    return bare;
}

/* Does one errand; the outcome goes back, unless its keeper is gone meanwhile. */
static void run(const struct errand *x)
{
    char line[ERRAND_TEXT + 32];
    struct curl_slist *head = curl_slist_append(NULL, "Expect:");
    struct curl_slist *whole = head == NULL || x->body.n == 0 ? head : curl_slist_append(head, text(line, "Content-Type: ", x->type));
    struct buf out = BUF_INIT(ERRAND_MAX);
    long status = 0;
    buf_clear(&c.answer);
    c.interrupted = false;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    struct span left = x->body;
    struct curl_slist *to = is_mail(x) ? curl_slist_append(NULL, text(line, "", x->to)) : NULL;
    if (whole != NULL) {
        set_options(x, whole);
        if (to != NULL)
            set_mail(x, &left, to);
        code = is_mail(x) && to == NULL ? CURLE_OUT_OF_MEMORY : curl_easy_perform(c.curl);
    }
    struct outcome o = {.id = x->id};
    if (code == CURLE_OK && curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status >= 100 && status <= 999) {
        o.status = (uint16_t)status;
        o.type = media_type();
        o.body = buf_span(&c.answer);
    } else {
        o.why = span_str(words(code));
        if (to != NULL && curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status >= 400 && status <= 599)
            o.status = (uint16_t)status; /* the mail server's own word */
    }
    outcome_encode(&out, &o);
    if (!c.interrupted && buf_ok(&out))
        (void)channel_put(&c.keeper, MESSAGE_OUTCOME, buf_span(&out), NULL); /* where it does not read, it is restarted, or stops waiting */
    curl_slist_free_all(whole != NULL ? whole : head);
    curl_slist_free_all(to);
    curl_easy_reset(c.curl); /* it held the password */
    buf_release(&out);
}

static void read_keeper(void)
{
    struct error e = {0};
    struct message m;
    struct errand x;
    int r = channel_read(&c.keeper, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && !c.stopping && (r = channel_next(&c.keeper, &m, &e)) == 1) {
        struct buf copy = BUF_SECRET(ERRAND_MAX); /* the channel may be another one before the errand is done */
        buf_add_span(&copy, m.body);
        r = errand_decode(buf_span(&copy), &x, &e);
        if (r == 0)
            run(&x);
        buf_release(&copy);
        if (c.interrupted)
            return;
    }
    if (r == 0)
        return;
    if (e.class == ERR_PEER)
        role_complain(&c.self, ROLE_KEEPER, &e);
    channel_close(&c.keeper);
}

/* The machine's list of authorities: afterwards it cannot be read. */
static void read_authorities(void)
{
    FILE *f = fopen(AUTHORITIES, "re");
    while (f != NULL && buf_reserve(&c.authorities, 65536)) {
        size_t n = fread(c.authorities.p + c.authorities.n, 1, 65536, f);
        c.authorities.n += n;
        if (n == 0)
            break;
    }
    if (f != NULL)
        (void)fclose(f);
    if (!buf_ok(&c.authorities))
        buf_clear(&c.authorities);
}

static void turn(void)
{
    struct pollfd p[2] = {{.fd = c.self.control.fd, .events = POLLIN},
                          {.fd = c.keeper.fd, .events = (short)(POLLIN | (channel_waiting(&c.keeper) > 0 ? POLLOUT : 0))}};
    if (poll(p, 2, -1) < 0)
        return;
    if (p[1].revents != 0 && channel_waiting(&c.keeper) > 0)
        (void)channel_write(&c.keeper, NULL); /* where it is gone, reading tells */
    if ((p[1].revents & ~POLLOUT) != 0)
        read_keeper();
    if (c.keeper.fd >= 0 && channel_waiting(&c.keeper) > 0)
        (void)channel_write(&c.keeper, NULL);
    if (p[0].revents != 0)
        hear(0);
}

int main(void)
{
    struct error e = {0};
    char note[256];
    role_begin(&c.self, ROLE_COURIER);
    read_authorities();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        c.curl = curl_easy_init();
    if (c.curl == NULL) {
        (void)err_set(&e, ERR_SYSTEM, "no memory for the courier");
        role_fail(&c.self, &e);
    }
    role_narrow(&c.self, -1, note);
    role_ready(&c.self, note);
    hear(0);
    while (!c.stopping)
        turn();
    _exit(0);
}
