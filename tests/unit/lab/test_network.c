/* The network: conversations by device, what is odd, what folds. */
#include "feed.h"

#include "lab/inventory/network.h"

static void flow(struct feed *f, int day, const char *src, const char *dst, const char *app)
{
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "{\"time\":\"2026-11-%02dT14:00:00.000000000Z\",\"event\":\"flow.closed\",\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"%s\","
                   "\"sport\":4000,\"dst\":\"%s\",\"dport\":2575,\"vlan\":null},\"packets\":4,\"bytes_up\":100,\"bytes_down\":%d,"
                   "\"duration_ns\":1000000000,\"app\":\"%s\"}",
                   day, src, dst, app[0] == '!' ? 0 : 80, app[0] == '!' ? app + 1 : app);
    feed(f, line);
}

static void results(struct feed *f, int day, const char *src, const char *dst, const char *sender, const char *receiver)
{
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "{\"time\":\"2026-11-%02dT14:00:00.000000000Z\",\"event\":\"lab.message\",\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"%s\","
                   "\"sport\":4000,\"dst\":\"%s\",\"dport\":2575,\"vlan\":null},\"id\":\"f1.0.1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\","
                   "\"sender\":\"%s\",\"receiver\":\"%s\",\"results\":3,\"bytes\":400,\"malformed\":null,\"ack\":null}",
                   day, src, dst, sender, receiver);
    feed(f, line);
}

/* What our own relay sends to a LIS over TLS. */
static void results_over_tls(struct feed *f, const char *src, const char *dst)
{
    char line[1024];
    (void)snprintf(
        line, sizeof line,
        "{\"time\":\"2026-11-02T14:00:00.000000000Z\",\"event\":\"lab.message\",\"flow\":{\"id\":2,\"proto\":\"tcp\",\"src\":\"%s\","
        "\"sport\":4001,\"dst\":\"%s\",\"dport\":2575,\"vlan\":null},\"id\":\"f2.0.1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\","
        "\"results\":3,\"bytes\":400,\"malformed\":null,\"link\":\"chemistry\",\"leg\":\"forwarded\",\"side\":\"lis\",\"tls\":true,\"ack\":null}",
        src, dst);
    feed(f, line);
}

static struct network *read_network(struct feed *f, const struct network_query *q)
{
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    struct network *n = network_read(f->reader, q, &e);
    if (n == NULL)
        fail_msg("%s", e.text);
    store_look_end(f->reader);
    return n;
}

static size_t node_of(const struct network *n, const char *title)
{
    for (size_t i = 0; i < n->n_nodes; i++)
        if (span_is(n->nodes[i].title, title) && n->nodes[i].kind != NETWORK_GROUP)
            return i;
    return SIZE_MAX;
}

static const struct network_edge *edge_of(const struct network *n, const char *one, const char *other)
{
    size_t a = node_of(n, one);
    size_t b = node_of(n, other);
    for (size_t i = 0; i < n->n_edges; i++)
        if ((n->edges[i].a == a && n->edges[i].b == b) || (n->edges[i].a == b && n->edges[i].b == a))
            return &n->edges[i];
    return NULL;
}

static const struct network_odd *odd_of(const struct network *n, enum network_oddity kind)
{
    for (size_t i = 0; i < n->n_odd; i++)
        if (n->odd[i].kind == kind)
            return &n->odd[i];
    return NULL;
}

static const struct network_node *group_of(const struct network *n, const char *role)
{
    for (size_t i = 0; i < n->n_nodes; i++)
        if (n->nodes[i].kind == NETWORK_GROUP && span_is(n->nodes[i].role, role))
            return &n->nodes[i];
    return NULL;
}

static void an_empty_network(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->n_nodes + n->n_edges + n->n_odd, 0);
    assert_false(n->judged);
    network_free(n);
    feed_free(&f);
}

static void a_relay_that_encrypts(void **state)
{
    (void)state;
    struct feed f = feed_new();
    results_over_tls(&f, "10.0.5.2", "10.0.5.1");
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->links_lab, 1);
    assert_int_equal(n->links_lab_clear, 0);
    const struct network_edge *safe = edge_of(n, "10.0.5.2", "10.0.5.1");
    assert_true(safe->lab && safe->crypt == CRYPT_YES && safe->messages == 1);
    network_free(n);
    feed_free(&f);
}

static void a_small_lab(void **state)
{
    (void)state;
    struct feed f = feed_new();
    results(&f, 2, "10.0.5.7", "10.0.5.1", "CHEM", "LIS"); /* its connection never ends: the link is there all the same */
    flow(&f, 2, "10.0.5.50", "10.0.5.1", "tls");
    flow(&f, 2, "10.0.5.50", "8.8.8.8", "tls");
    flow(&f, 2, "10.0.5.50", "224.0.0.251", "mdns"); /* a call to everybody is no link */
    flow(&f, 2, "10.0.5.50", "10.0.6.99", "!smb");   /* never answers */
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->devices, 3);
    assert_int_equal(n->outside, 1);
    assert_int_equal(n->silent, 1);
    assert_int_equal(n->links, 4);
    assert_int_equal(n->links_lab, 1);
    assert_int_equal(n->links_lab_clear, 1);
    const struct network_edge *lab = edge_of(n, "10.0.5.7", "10.0.5.1");
    assert_non_null(lab);
    assert_true(lab->lab && lab->crypt == CRYPT_NO && lab->messages == 1);
    const struct network_edge *safe = edge_of(n, "10.0.5.50", "10.0.5.1");
    assert_true(safe->crypt == CRYPT_YES && !safe->lab && safe->bytes == 180 && safe->packets == 4);
    assert_int_equal(edge_of(n, "10.0.5.50", "10.0.6.99")->crypt, CRYPT_UNKNOWN);
    assert_int_equal(n->nodes[node_of(n, "10.0.5.7")].lane, LANE_ANALYZER);
    assert_int_equal(n->nodes[node_of(n, "10.0.5.1")].lane, LANE_LIS);
    assert_int_equal(n->nodes[node_of(n, "8.8.8.8")].kind, NETWORK_OUTSIDE);
    assert_true(span_is(n->nodes[node_of(n, "10.0.5.50")].zone, "10.0.5.0/24"));
    assert_int_equal(n->n_odd, 0); /* a work place may go to the Internet; of the first day nothing is new */
    assert_false(n->judged);
    network_free(n);
    feed_free(&f);
}

static void who_has_the_address_now_does_not_inherit(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:55\",\"hostname\":\"old\",\"source\":\"dhcp\"");
    flow(&f, 22, "10.0.5.7", "10.0.5.1", "tls");
    feed_event(&f, 5, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:66\",\"hostname\":\"new\",\"source\":\"dhcp\"");
    flow(&f, 22, "10.0.5.7", "10.0.5.2", "ssh");
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_non_null(edge_of(n, "old", "10.0.5.1"));
    assert_non_null(edge_of(n, "new", "10.0.5.2"));
    assert_null(edge_of(n, "new", "10.0.5.1"));
    network_free(n);
    /* two that turn out to be one: what both did adds up */
    flow(&f, 22, "10.0.5.8", "10.0.5.1", "tls");
    feed_event(&f, 9, "asset.evidence", "\"ip\":\"10.0.5.8\",\"mac\":\"00:11:22:33:44:55\",\"source\":\"arp\"");
    n = read_network(&f, &(struct network_query){0});
    assert_int_equal(edge_of(n, "old", "10.0.5.1")->packets, 8);
    assert_int_equal(edge_of(n, "old", "10.0.5.1")->links, 1);
    network_free(n);
    feed_free(&f);
}

static void what_is_odd(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 1; i <= 4; i++) {
        char analyzer[32];
        (void)snprintf(analyzer, sizeof analyzer, "10.0.5.%d", 100 + i);
        results(&f, 2, analyzer, "10.0.5.1", "CHEM", "LIS");
        flow(&f, 2, analyzer, "10.0.5.20", "dns");
        if (i <= 3)
            flow(&f, 2, analyzer, "20.1.1.1", "tls"); /* three of four: usual here */
    }
    for (int i = 0; i < 3; i++)
        flow(&f, 2, "10.0.5.51", i == 0 ? "10.0.5.1" : i == 1 ? "9.9.9.9" : "9.9.9.8", "tls");
    for (int i = 0; i < 3; i++)
        flow(&f, 2, "10.0.5.51", "10.0.5.1", "http");
    flow(&f, 2, "10.0.5.101", "8.8.8.8", "tls");
    flow(&f, 2, "10.0.5.102", "10.0.5.51", "vnc");
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->odd_total, 1); /* outside is usual here now, even to another address */
    const struct network_odd *peer = odd_of(n, ODD_PEER);
    assert_true(span_is(peer->a->title, "10.0.5.102") && span_is(peer->b->title, "10.0.5.51"));
    assert_int_equal(peer->share, 1);
    assert_int_equal(peer->of, 4);
    network_free(n);

    flow(&f, 20, "10.0.5.1", "7.7.7.7", "ssh");            /* the LIS goes outside */
    flow(&f, 20, "10.0.5.51", "10.0.5.104", "vnc");        /* new, and unusual */
    flow(&f, 20, "10.0.5.104", "10.0.5.20", "tls");        /* an old pair: not new */
    results(&f, 20, "10.0.5.199", "10.0.5.1", "X", "LIS"); /* a new device */
    flow(&f, 20, "10.0.5.20", "10.0.5.1", "dns");          /* a new link of old devices */
    for (int i = 1; i <= 20; i++) {
        char dst[32];
        (void)snprintf(dst, sizeof dst, "10.0.9.%d", i);
        flow(&f, 20, "10.0.5.51", dst, "!smb");
    }
    n = read_network(&f, &(struct network_query){0});
    assert_true(n->judged);
    assert_int_equal(n->since, n->until - 7 * 24 * 3600 * TIME_SECOND);
    assert_true(span_is(odd_of(n, ODD_OUTSIDE)->a->title, "10.0.5.1"));
    assert_true(span_is(odd_of(n, ODD_OUTSIDE)->b->title, "7.7.7.7"));
    assert_true(span_is(odd_of(n, ODD_NEW_DEVICE)->a->title, "10.0.5.199"));
    assert_true(span_is(odd_of(n, ODD_SEARCHING)->a->title, "10.0.5.51"));
    assert_int_equal(odd_of(n, ODD_SEARCHING)->share, 20);
    assert_true(span_is(odd_of(n, ODD_NEW_LINK)->a->title, "10.0.5.1") || span_is(odd_of(n, ODD_NEW_LINK)->b->title, "10.0.5.1"));
    assert_int_equal(n->odd_total, 6);
    assert_int_equal(n->odd[0].kind, ODD_OUTSIDE); /* worst first */
    assert_true(edge_of(n, "10.0.5.51", "10.0.5.104")->fresh);
    assert_false(edge_of(n, "10.0.5.104", "10.0.5.20")->fresh);
    network_free(n);
    /* asked for with a time before everything: nothing to compare with */
    n = read_network(&f, &(struct network_query){.window = INT64_C(1000) * 24 * 3600 * TIME_SECOND});
    assert_false(n->judged);
    assert_null(odd_of(n, ODD_NEW_DEVICE));
    network_free(n);
    feed_free(&f);
}

static void a_big_lab_folds(void **state)
{
    (void)state;
    struct feed f = feed_new();
    char ip[32];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(ip, sizeof ip, "10.1.%d.%d", i / 100, 10 + i % 100);
        results(&f, 2, ip, "10.0.5.1", "CHEM", "LIS");
    }
    for (int i = 0; i < 700; i++) {
        (void)snprintf(ip, sizeof ip, "10.2.%d.%d", i / 200, 10 + i % 200);
        for (int k = 0; k < 3; k++)
            flow(&f, 2, ip, "10.0.5.1", "tls");
    }
    flow(&f, 20, "10.1.0.10", "8.8.8.8", "tls");
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->devices, 1001);
    assert_int_equal(n->links, 1001);
    assert_true(n->n_nodes < 20);
    assert_int_equal(n->n_zones, 8);
    assert_non_null(edge_of(n, "10.1.0.10", "8.8.8.8")); /* the odd one is not folded away */
    const struct network_node *group = group_of(n, "analyzer");
    assert_int_equal(group->members, 99);
    int64_t members = 0;
    int64_t links = 0;
    for (size_t i = 0; i < n->n_nodes; i++)
        members += n->nodes[i].members;
    for (size_t i = 0; i < n->n_edges; i++)
        links += n->edges[i].links;
    assert_int_equal(members, 1002);
    assert_int_equal(links, 1001);
    uint32_t number = group->group;
    network_free(n);

    /* A finding that all have holds nobody out of the group, and so does not push the odd one in: not even the last in order. */
    for (int i = 0; i < 100; i++) {
        char rest[512];
        (void)snprintf(rest, sizeof rest,
                       "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.1.0.%d\",\"sport\":1,\"dst\":\"10.0.5.1\",\"dport\":2575,\"vlan\":null},"
                       "\"id\":\"f%d\","
                       "\"kind\":\"phi.cleartext\",\"severity\":\"%s\",\"title\":\"t\",\"advice\":\"a\"",
                       10 + i, i, i == 98 ? "high" : "medium");
        feed_event(&f, 30, "finding", rest);
    }
    flow(&f, 20, "10.1.0.99", "8.8.8.8", "tls");
    n = read_network(&f, &(struct network_query){0});
    assert_int_not_equal(node_of(n, "10.1.0.99"), SIZE_MAX);  /* odd */
    assert_int_not_equal(node_of(n, "10.1.0.108"), SIZE_MAX); /* high */
    assert_int_equal(node_of(n, "10.1.0.50"), SIZE_MAX);
    assert_int_equal(group_of(n, "analyzer")->members, 97);
    assert_int_equal(group_of(n, "analyzer")->findings, 97);
    network_free(n);

    n = read_network(&f, &(struct network_query){.open = {number}});
    assert_true(n->n_nodes > 100);
    assert_int_not_equal(node_of(n, "10.1.0.77"), SIZE_MAX);
    assert_int_equal(n->nodes[node_of(n, "10.1.0.77")].group, number);
    network_free(n);

    char id[64];
    (void)snprintf(id, sizeof id, "%s", ask(&f, "SELECT id FROM asset WHERE title = '10.2.1.30'"));
    n = read_network(&f, &(struct network_query){.at = span_str(id)});
    assert_int_not_equal(node_of(n, "10.2.1.30"), SIZE_MAX);
    network_free(n);

    n = read_network(&f, &(struct network_query){.zone = SPAN_LIT("10.1.2.0/24")});
    assert_int_equal(n->devices, 101); /* the zone, and the LIS that it talks to */
    assert_int_equal(n->links, 100);
    assert_int_equal(n->n_zones, 8);
    network_free(n);
    feed_free(&f);
}

static void a_zone_is_what_a_person_says(void **state)
{
    (void)state;
    struct feed f = feed_new();
    flow(&f, 2, "10.0.5.7", "10.0.5.1", "tls");
    /* 80 characters of three bytes: the longest name that a person may give */
    char zone[241];
    for (size_t i = 0; i < 240; i += 3)
        memcpy(zone + i, "\u2603", 3);
    zone[240] = 0;
    char rest[1024];
    char id[64];
    (void)snprintf(id, sizeof id, "%s", ask(&f, "SELECT id FROM asset WHERE title = '10.0.5.7'"));
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"edits\":[\"zone=%s\"],\"person\":\"ana\"", id, zone);
    feed_event(&f, 2, "asset.edited", rest);
    struct network *n = read_network(&f, &(struct network_query){.zone = span_str(zone)});
    assert_int_equal(n->n_zones, 2);
    assert_int_equal(n->zones[0].told + n->zones[1].told, 1);
    assert_true(span_is(n->zones[n->zones[0].told ? 0 : 1].name, zone));
    assert_int_equal(n->devices, 2);
    assert_true(span_is(n->nodes[node_of(n, "10.0.5.7")].zone, zone));
    network_free(n);
    feed_free(&f);
}

static void very_many_zones(void **state)
{
    (void)state;
    struct feed f = feed_new();
    char ip[32];
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(ip, sizeof ip, "10.%d.%d.%d", 10 + i / 1000, i / 4 % 250, 10 + i % 4);
        flow(&f, 2, ip, "10.0.5.1", "");
    }
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(n->devices, 3001);
    assert_true(n->n_nodes <= 10);
    assert_int_equal(n->zones_total, 751);
    assert_int_equal(n->n_zones, NETWORK_ZONES);
    network_free(n);
    feed_free(&f);
}

static void nothing_is_taken_for_encrypted(void **state)
{
    (void)state;
    assert_int_equal(network_app_crypt(SPAN_LIT("")), CRYPT_UNKNOWN);
    assert_int_equal(network_app_crypt(SPAN_LIT("smb")), CRYPT_UNKNOWN);
    assert_int_equal(network_app_crypt(SPAN_LIT("tls")), CRYPT_YES);
    assert_int_equal(network_app_crypt(SPAN_LIT("tls.teamviewer")), CRYPT_YES);
    assert_int_equal(network_app_crypt(SPAN_LIT("zpl")), CRYPT_NO);
    assert_int_equal(network_app_crypt(SPAN_LIT("tds")), CRYPT_UNKNOWN);
    assert_int_equal(network_app_crypt(SPAN_LIT("astm")), CRYPT_NO);
    struct feed f = feed_new();
    flow(&f, 2, "10.0.5.50", "10.0.5.1", "tls");
    flow(&f, 2, "10.0.5.1", "10.0.5.50", "");
    struct network *n = read_network(&f, &(struct network_query){0});
    assert_int_equal(edge_of(n, "10.0.5.50", "10.0.5.1")->crypt, CRYPT_UNKNOWN); /* one part unknown: the whole is */
    network_free(n);
    feed_free(&f);
}

static int64_t links_kept(struct feed *f, struct network_keeper *k, uint64_t decided, tq_time now)
{
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    struct network *n = network_kept(k, f->reader, &(struct network_query){0}, decided, now, &e);
    if (n == NULL)
        fail_msg("%s", e.text);
    store_look_end(f->reader);
    int64_t links = n->links;
    network_free(n);
    return links;
}

/* Reads the graph anew where that is due, as somebody does who has answered. */
static bool renewed(struct feed *f, struct network_keeper *k, tq_time now)
{
    struct error e = {0};
    if (!network_due(k))
        return false;
    assert_int_equal(store_look(f->reader, &e), 0);
    network_renew(k, f->reader, now);
    store_look_end(f->reader);
    return true;
}

/* A small network is always the newest; a large one may be some seconds old, but has what a person decided, and nobody waits for the rest. */
static void the_graph_is_kept_between_requests(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct network_keeper *k = network_keeper_new();
    char src[16];
    flow(&f, 2, "10.0.5.50", "10.0.5.1", "tls");
    assert_int_equal(links_kept(&f, k, 0, TIME_SECOND), 1);
    flow(&f, 2, "10.0.5.51", "10.0.5.1", "tls");
    assert_int_equal(links_kept(&f, k, 0, TIME_SECOND), 2);
    for (int i = 0; i < 2100; i++) {
        (void)snprintf(src, sizeof src, "10.1.%d.%d", i / 200, i % 200 + 1);
        flow(&f, 2, src, "10.0.5.1", "tls");
    }
    assert_int_equal(links_kept(&f, k, 0, 20 * TIME_SECOND), 2102);
    flow(&f, 2, "10.0.5.52", "10.0.5.1", "tls");
    assert_int_equal(links_kept(&f, k, 0, 29 * TIME_SECOND), 2102);
    assert_false(renewed(&f, k, 29 * TIME_SECOND));
    assert_int_equal(links_kept(&f, k, 0, 31 * TIME_SECOND), 2102);
    assert_true(renewed(&f, k, 31 * TIME_SECOND));
    assert_false(renewed(&f, k, 31 * TIME_SECOND));
    assert_int_equal(links_kept(&f, k, 0, 31 * TIME_SECOND), 2103);
    flow(&f, 2, "10.0.5.53", "10.0.5.1", "tls");
    assert_int_equal(links_kept(&f, k, f.next, 32 * TIME_SECOND), 2104);
    flow(&f, 2, "10.0.5.54", "10.0.5.1", "tls"); /* nobody looked for long: what is a minute old serves no more */
    assert_int_equal(links_kept(&f, k, 0, 91 * TIME_SECOND), 2104);
    assert_int_equal(links_kept(&f, k, 0, 92 * TIME_SECOND), 2105);
    assert_false(renewed(&f, k, 92 * TIME_SECOND));
    network_keeper_free(k);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_network),
        cmocka_unit_test(a_small_lab),
        cmocka_unit_test(a_relay_that_encrypts),
        cmocka_unit_test(who_has_the_address_now_does_not_inherit),
        cmocka_unit_test(what_is_odd),
        cmocka_unit_test(a_big_lab_folds),
        cmocka_unit_test(a_zone_is_what_a_person_says),
        cmocka_unit_test(very_many_zones),
        cmocka_unit_test(nothing_is_taken_for_encrypted),
        cmocka_unit_test(the_graph_is_kept_between_requests),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
