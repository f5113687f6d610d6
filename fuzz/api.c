/* The request table with whatever is asked. Input: a byte of flags, then lines: method, path?query, If-Match, session, csrf, body (the rest). Flags:
 * 1 local socket, 2 the session in hand, 4 its CSRF token, 8 an X-Proof on a line before the body, 16 an API token on one before it. Every answer
 * must be one: a status of the table, JSON where it says so, no secret. */
#include "../tests/unit/door/keeper.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define T "{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"event\":"
#define FLOW "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.5.7\",\"sport\":4000,\"dst\":\"10.0.5.1\",\"dport\":2575,\"vlan\":null}"

/* A public key of W3C Web Authentication Level 3, section 16. */
#define KEY "pQECAyYgASFYIK_voW-XypstI-uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir-HlxfBLMaO1zKQry4mZHlrkiA"

static struct keeper *start(void)
{
    struct keeper *k = keeper_new();
    keeper_feed(k, T "\"run.started\"}");
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"maker\":\"Acme\",\"model\":\"C-800\",\"source\":\"hl7.msh\"}");
    (void)keeper_feed_sealed(k,
                             T "\"lab.message\"," FLOW
                               ",\"id\":\"f1.0.1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"sender\":\"Chem 2\",\"results\":1,\"bytes\":400}",
                             "{}", SPAN_LIT("MSH|^~\\&|A\rPID|1||\xd6<script>\r"), 400);
    keeper_feed(k, T "\"lab.result\"," FLOW ",\"test\":{\"code\":\"K\",\"text\":\"Potassium\"},\"flags\":[\"H\"],\"message\":\"f1.0.1\"}");
    keeper_feed(k, T "\"finding\"," FLOW ",\"id\":\"f1\",\"kind\":\"phi.cleartext\",\"severity\":\"medium\",\"title\":\"A\",\"advice\":\"B\"}");
    keeper_feed(k, T "\"finding\"," FLOW ",\"id\":\"f2\",\"kind\":\"phi.cleartext\",\"severity\":\"high\",\"title\":\"A\",\"advice\":\"B\"}");
    if (keeper_set_up(k) != 201)
        abort();
    keeper_feed(k, T "\"passkey.added\",\"account\":\"ana\",\"name\":\"Phone\",\"passkey\":{\"id\":\"AAAA\",\"key\":\"" KEY
                     "\",\"user\":\"00\",\"transports\":\"usb\",\"counter\":3,\"flags\":5}}");
    return k;
}

static void check(struct keeper *k)
{
    const struct reply *r = &k->reply.r;
    if (r->status < 200 || r->status > 599 || r->status == 500)
        abort();
    if (r->status == 503 && strstr(keeper_text(k), "\"views\"") != NULL)
        abort(); /* no request may make the store fail */
    if (strstr(keeper_text(k), KEEPER_PASSWORD) != NULL || strstr(keeper_text(k), "argon2") != NULL)
        abort();
    bool json = span_is(r->type, "application/json") || span_is(r->type, "application/problem+json");
    if (r->body.n > 0 && json) {
        json_t *root = json_loadb((const char *)r->body.p, r->body.n, 0, NULL);
        if (root == NULL)
            abort();
        json_decref(root);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keeper *k;
    if (k == NULL)
        k = start();
    struct span s = span_of(data, size);
    uint8_t flags = span_u8(&s);
    struct request r = {.id = 1, .door = (flags & 1) != 0 ? DOOR_LOCAL : DOOR_CONSOLE, .peer = SPAN_LIT("10.0.0.5")};
    r.method = span_until(&s, '\n', NULL);
    r.query = span_until(&s, '\n', NULL);
    r.path = span_until(&r.query, '?', NULL);
    r.if_match = span_until(&s, '\n', NULL);
    r.session = span_until(&s, '\n', NULL);
    r.csrf = span_until(&s, '\n', NULL);
    if ((flags & 8) != 0)
        r.proof = span_until(&s, '\n', NULL);
    if ((flags & 16) != 0)
        r.bearer = span_until(&s, '\n', NULL);
    r.body = s;
    if ((flags & 2) != 0)
        r.session = span_str(k->session);
    if ((flags & 4) != 0)
        r.csrf = span_str(k->csrf);
    if (span_is(r.method, "DELETE"))
        return 0; /* the session is needed again */
    api_handle(k->api, k->now, &r, &k->reply);
    check(k);
    return 0;
}
