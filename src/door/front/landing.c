/* Where links of simulated phishing mails lead: a listener and a host name of their own.
 *
 * Invariants
 *  1. Nothing that a person types here leaves the browser: the pages have no form and no script, their fields no name, and the policy forbids both
 *     (form-action 'none', default-src 'none').
 *  2. No cookie is set or read, and the keeper hears the path alone: no header, no address, no body.
 *  3. Only a browser that a person steers counts as a visit (Sec-Fetch-Mode: navigate, and no Sec-Purpose: it fetches nothing ahead); a mail scanner
 *     that fetches the link does not. */
#include "door/front/front_private.h"

#include <string.h>

static const char style[] =
    "*{box-sizing:border-box}body{margin:0;font:18px/1.5 system-ui,sans-serif;background:#f4f6f8;color:#16202a}main{max-width:34rem;margin:0 auto;"
    "padding:32px 20px}h1{font-size:26px;line-height:1.25;margin:0 0 12px}h2{font-size:20px;margin:24px 0 8px}.box{background:#fff;border:1px solid "
    "#7a8894;border-radius:8px;padding:20px}label{display:block;margin:12px 0 4px}input{width:100%;min-height:48px;font:inherit;padding:8px "
    "12px;border:"
    "1px solid #7a8894;border-radius:6px}.button{display:block;min-height:48px;line-height:48px;margin-top:16px;text-align:center;border-radius:6px;"
    "background:#0b5cad;color:#fff;text-decoration:none;font-weight:600}a:focus-visible,input:focus-visible{outline:3px solid "
    "#0b5cad;outline-offset:2px}"
    "li{margin:8px 0}.calm{border-left:6px solid "
    "#018a81}@media(prefers-color-scheme:dark){body{background:#11181f;color:#e8edf2}.box{background:#1a232c;"
    "border-color:#6f7f8d}input{background:#11181f;color:#e8edf2;border-color:#6f7f8d}.button{background:#7db8f5;color:#11181f}}";

static void headers(struct front *f, struct evhttp_request *http, const char *type)
{
    front_secure_headers(f, http);
    front_header(http, "Content-Type", type);
    front_header(http, "Cache-Control", "no-store");
    front_header(http, "X-Robots-Tag", "noindex");
    front_header(http, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
}

static void nothing(struct front *f, struct evhttp_request *http, int status, struct span text)
{
    headers(f, http, "text/plain; charset=utf-8");
    front_send(http, status, text);
}

/* "/" and a token, perhaps "/in" behind it. */
static bool is_link(struct span path)
{
    bool more = false;
    if (path.n == 0 || path.p[0] != '/')
        return false;
    (void)span_skip(&path, 1);
    struct span token = span_until(&path, '/', &more);
    for (size_t i = 0; i < token.n; i++)
        if (!((token.p[i] >= '0' && token.p[i] <= '9') || (token.p[i] >= 'a' && token.p[i] <= 'f')))
            return false;
    return token.n == 32 && (!more || span_is(path, "in"));
}

void landing_handle(struct front *f, struct evhttp_request *http, struct span path)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(http);
    const char *mode = evhttp_find_header(evhttp_request_get_input_headers(http), "Sec-Fetch-Mode");
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        nothing(f, http, 405, SPAN_LIT("Nothing can be sent here.\n"));
        return;
    }
    if (span_is(path, "/page.css")) {
        headers(f, http, "text/css; charset=utf-8");
        front_send(http, 200, span_of(style, sizeof style - 1));
        return;
    }
    if (!is_link(path)) {
        nothing(f, http, 404, SPAN_LIT("There is nothing here.\n"));
        return;
    }
    bool ahead = evhttp_find_header(evhttp_request_get_input_headers(http), "Sec-Purpose") != NULL;
    bool seen = method == EVHTTP_REQ_GET && mode != NULL && strcmp(mode, "navigate") == 0 && !ahead;
    if (front_ask_landing(f, http, seen) != 0)
        nothing(f, http, 503, SPAN_LIT("Try again in a few seconds.\n"));
}

void landing_reply(struct front *f, struct evhttp_request *http, const struct reply *r)
{
    bool page = span_starts(r->type, SPAN_LIT("text/html"));
    if (!page) { /* the ledger is locked, or nothing has this token */
        nothing(f, http, r->status == 404 ? 404 : 503, r->status == 404 ? SPAN_LIT("There is nothing here.\n") : SPAN_LIT("Try again later.\n"));
        return;
    }
    headers(f, http, "text/html; charset=utf-8");
    front_send(http, r->status, r->body);
}
