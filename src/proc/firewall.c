#include "proc/firewall.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TABLE "tourniquet"
#define VERSION 2 /* of the rules */

void firewall_mark(const char *devices, const char *vendors, char out[16])
{
    uint64_t h = UINT64_C(14695981039346656037) + VERSION; /* FNV-1a: a name, no protection */
    const char *const parts[] = {devices, "\n/\n", vendors};
    for (size_t i = 0; i < 3; i++)
        for (const char *p = parts[i]; *p != 0; p++)
            h = (h ^ (uint8_t)*p) * UINT64_C(1099511628211);
    (void)snprintf(out, 16, "as_%08x", (unsigned)(h ^ h >> 32));
}

/* ── messages and attributes: heads in the machine's byte order, padded to four bytes ── */

static void pad(struct buf *out)
{
    while (out->n % NLMSG_ALIGNTO != 0 && buf_ok(out))
        buf_u8(out, 0);
}

static void put_native(struct buf *out, size_t at, const void *v, size_t n)
{
    if (buf_ok(out) && at + n <= out->n)
        memcpy(out->p + at, v, n);
}

static size_t message_begin(struct buf *out, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource, uint32_t seq)
{
    size_t at = out->n;
    struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = seq};
    buf_add(out, &head, sizeof head);
    buf_u8(out, family);
    buf_u8(out, NFNETLINK_V0);
    buf_be16(out, resource);
    return at;
}

static void message_end(struct buf *out, size_t at)
{
    uint32_t n = (uint32_t)(out->n - at);
    put_native(out, at, &n, sizeof n);
}

static size_t nft_begin(struct buf *out, unsigned message, uint16_t flags)
{
    return message_begin(out, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, NFPROTO_INET, 0, 0);
}

static void attr(struct buf *out, uint16_t type, const void *bytes, size_t n)
{
    struct nlattr head = {.nla_len = (uint16_t)(sizeof head + n), .nla_type = type};
    buf_add(out, &head, sizeof head);
    buf_add(out, bytes, n);
    pad(out);
}

static void attr_str(struct buf *out, uint16_t type, const char *text)
{
    attr(out, type, text, strlen(text) + 1);
}

static void attr_u32(struct buf *out, uint16_t type, uint32_t v)
{
    const uint8_t be[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    attr(out, type, be, sizeof be);
}

static void attr_u64(struct buf *out, uint16_t type, uint64_t v)
{
    uint8_t be[8];
    for (int i = 0; i < 8; i++)
        be[i] = (uint8_t)(v >> (56 - 8 * i));
    attr(out, type, be, sizeof be);
}

static size_t nest(struct buf *out, uint16_t type)
{
    size_t at = out->n;
    attr(out, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
    return at;
}

static void nest_end(struct buf *out, size_t at)
{
    uint16_t n = (uint16_t)(out->n - at);
    put_native(out, at, &n, sizeof n);
}

void firewall_begin(struct buf *out)
{
    message_end(out, message_begin(out, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0));
}

/* The last message of the batch is one that changes nothing, and is answered. */
void firewall_end(struct buf *out, uint32_t seq)
{
    size_t at = nft_begin(out, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
    put_native(out, at + offsetof(struct nlmsghdr, nlmsg_seq), &seq, sizeof seq);
    attr_str(out, NFTA_TABLE_NAME, TABLE);
    message_end(out, at);
    message_end(out, message_begin(out, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0));
}

/* ── expressions of a rule ── */

static size_t expression(struct buf *out, const char *name, size_t *ret_data)
{
    size_t at = nest(out, NFTA_LIST_ELEM);
    attr_str(out, NFTA_EXPR_NAME, name);
    *ret_data = nest(out, NFTA_EXPR_DATA);
    return at;
}

static void expression_end(struct buf *out, size_t at, size_t data)
{
    nest_end(out, data);
    nest_end(out, at);
}

static void load_meta(struct buf *out, uint32_t key, uint32_t reg)
{
    size_t data;
    size_t at = expression(out, "meta", &data);
    attr_u32(out, NFTA_META_DREG, reg);
    attr_u32(out, NFTA_META_KEY, key);
    expression_end(out, at, data);
}

static void load_payload(struct buf *out, uint32_t base, uint32_t offset, uint32_t n, uint32_t reg)
{
    size_t data;
    size_t at = expression(out, "payload", &data);
    attr_u32(out, NFTA_PAYLOAD_DREG, reg);
    attr_u32(out, NFTA_PAYLOAD_BASE, base);
    attr_u32(out, NFTA_PAYLOAD_OFFSET, offset);
    attr_u32(out, NFTA_PAYLOAD_LEN, n);
    expression_end(out, at, data);
}

/* One byte in the first register is this. */
static void is_byte(struct buf *out, uint8_t v)
{
    size_t data;
    size_t at = expression(out, "cmp", &data);
    attr_u32(out, NFTA_CMP_SREG, NFT_REG32_00);
    attr_u32(out, NFTA_CMP_OP, NFT_CMP_EQ);
    size_t value = nest(out, NFTA_CMP_DATA);
    attr(out, NFTA_DATA_VALUE, &v, 1);
    nest_end(out, value);
    expression_end(out, at, data);
}

static void in_set(struct buf *out, const char *set, int family)
{
    char name[16];
    size_t data;
    size_t at = expression(out, "lookup", &data);
    (void)snprintf(name, sizeof name, "%s%d", set, family);
    attr_str(out, NFTA_LOOKUP_SET, name);
    attr_u32(out, NFTA_LOOKUP_SREG, NFT_REG32_00);
    expression_end(out, at, data);
}

static void verdict(struct buf *out, int32_t code, const char *chain)
{
    size_t data;
    size_t at = expression(out, "immediate", &data);
    attr_u32(out, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t value = nest(out, NFTA_IMMEDIATE_DATA);
    size_t what = nest(out, NFTA_DATA_VERDICT);
    attr_u32(out, NFTA_VERDICT_CODE, (uint32_t)code);
    if (chain != NULL)
        attr_str(out, NFTA_VERDICT_CHAIN, chain);
    nest_end(out, what);
    nest_end(out, value);
    expression_end(out, at, data);
}

static void plain(struct buf *out, const char *name)
{
    size_t data;
    size_t at = expression(out, name, &data);
    expression_end(out, at, data);
}

static void is_reply(struct buf *out)
{
    size_t data;
    size_t at = expression(out, "ct", &data);
    attr_u32(out, NFTA_CT_DREG, NFT_REG32_00);
    attr_u32(out, NFTA_CT_KEY, NFT_CT_DIRECTION);
    expression_end(out, at, data);
    is_byte(out, 1); /* IP_CT_DIR_REPLY */
}

static void is_family(struct buf *out, int family)
{
    load_meta(out, NFT_META_NFPROTO, NFT_REG32_00);
    is_byte(out, family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

static void load_address(struct buf *out, int family, bool source, uint32_t reg)
{
    uint32_t n = family == 4 ? 4 : 16;
    load_payload(out, NFT_PAYLOAD_NETWORK_HEADER, family == 4 ? (source ? 12 : 16) : source ? 8 : 24, n, reg);
}

/* ── rules ── */

struct rule {
    size_t at, list;
};

static struct rule rule_begin(struct buf *out, const char *chain)
{
    struct rule r = {.at = nft_begin(out, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)};
    attr_str(out, NFTA_RULE_TABLE, TABLE);
    attr_str(out, NFTA_RULE_CHAIN, chain);
    r.list = nest(out, NFTA_RULE_EXPRESSIONS);
    return r;
}

static void rule_end(struct buf *out, struct rule r)
{
    nest_end(out, r.list);
    message_end(out, r.at);
}

/* A door of this set, told from packets on their way in or out: pass, or refuse. */
static void rule_door(struct buf *out, bool in, int family, const char *set, bool pass)
{
    uint32_t words = family == 4 ? 1 : 4;
    struct rule r = rule_begin(out, in ? "inward" : "outward");
    is_family(out, family);
    load_address(out, family, in, NFT_REG32_00);
    load_address(out, family, !in, NFT_REG32_00 + words);
    load_meta(out, NFT_META_L4PROTO, NFT_REG32_00 + 2 * words);
    load_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, in ? 2 : 0, 2, NFT_REG32_00 + 2 * words + 1);
    in_set(out, set, family);
    if (pass)
        verdict(out, NFT_RETURN, NULL);
    else
        verdict(out, NFT_GOTO, "refuse");
    rule_end(out, r);
}

static void rule_networks(struct buf *out, int family, const char *from, const char *to, const char *chain)
{
    struct rule r = rule_begin(out, "forward");
    is_family(out, family);
    load_address(out, family, true, NFT_REG32_00);
    in_set(out, from, family);
    load_address(out, family, false, NFT_REG32_00);
    in_set(out, to, family);
    verdict(out, NFT_JUMP, chain);
    rule_end(out, r);
}

static void add_chain(struct buf *out, const char *name, bool hooked)
{
    size_t at = nft_begin(out, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    attr_str(out, NFTA_CHAIN_TABLE, TABLE);
    attr_str(out, NFTA_CHAIN_NAME, name);
    if (hooked) {
        size_t hook = nest(out, NFTA_CHAIN_HOOK);
        attr_u32(out, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
        attr_u32(out, NFTA_HOOK_PRIORITY, (uint32_t)-5);
        nest_end(out, hook);
        attr_u32(out, NFTA_CHAIN_POLICY, NF_ACCEPT);
        attr_str(out, NFTA_CHAIN_TYPE, "filter");
    }
    message_end(out, at);
}

static void add_rules(struct buf *out)
{
    static const char *const chains[] = {"refuse", "inward", "outward"};
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
        add_chain(out, chains[i], false);
    add_chain(out, "forward", true);

    struct rule r = rule_begin(out, "refuse");
    load_meta(out, NFT_META_L4PROTO, NFT_REG32_00);
    is_byte(out, 6);
    plain(out, "counter");
    size_t data;
    size_t at = expression(out, "reject", &data);
    attr_u32(out, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
    expression_end(out, at, data);
    rule_end(out, r);
    r = rule_begin(out, "refuse");
    plain(out, "counter");
    verdict(out, NF_DROP, NULL);
    rule_end(out, r);

    for (int family = 4; family <= 6; family += 2) {
        rule_door(out, true, family, "in", true);
        rule_door(out, true, family, "past", false);
        rule_door(out, false, family, "out", true);
        rule_door(out, false, family, "past", false);
    }
    r = rule_begin(out, "inward");
    is_reply(out);
    verdict(out, NFT_RETURN, NULL);
    rule_end(out, r);
    r = rule_begin(out, "inward"); /* also what belongs to no connection */
    verdict(out, NFT_GOTO, "refuse");
    rule_end(out, r);
    r = rule_begin(out, "outward");
    is_reply(out);
    verdict(out, NFT_GOTO, "refuse");
    rule_end(out, r);

    for (int family = 4; family <= 6; family += 2) {
        rule_networks(out, family, "vendors", "devices", "inward");
        rule_networks(out, family, "devices", "vendors", "outward");
    }
}

/* ── sets ── */

/* Types of data as the program nft numbers them, so that it lists the sets as what they are. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PROTO = 12, TYPE_SERVICE = 13, TYPE_BITS = 6 };

static void add_set(struct buf *out, const char *name, int family, uint32_t flags, uint32_t type, uint32_t length, uint32_t size, bool counts)
{
    char full[16];
    static uint32_t ids;
    (void)snprintf(full, sizeof full, "%s%d", name, family);
    size_t at = nft_begin(out, NFT_MSG_NEWSET, NLM_F_CREATE);
    attr_str(out, NFTA_SET_TABLE, TABLE);
    attr_str(out, NFTA_SET_NAME, full);
    attr_u32(out, NFTA_SET_FLAGS, flags);
    attr_u32(out, NFTA_SET_KEY_TYPE, type);
    attr_u32(out, NFTA_SET_KEY_LEN, length);
    attr_u32(out, NFTA_SET_ID, ++ids);
    if (size > 0) {
        size_t desc = nest(out, NFTA_SET_DESC);
        attr_u32(out, NFTA_SET_DESC_SIZE, size);
        nest_end(out, desc);
    }
    if (counts) {
        size_t expr = nest(out, NFTA_SET_EXPR);
        attr_str(out, NFTA_EXPR_NAME, "counter");
        nest_end(out, nest(out, NFTA_EXPR_DATA));
        nest_end(out, expr);
    }
    message_end(out, at);
}

static size_t elements_begin(struct buf *out, unsigned message, const char *set, int family, size_t *ret_list)
{
    char full[16];
    (void)snprintf(full, sizeof full, "%s%d", set, family);
    size_t at = nft_begin(out, message, message == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
    attr_str(out, NFTA_SET_ELEM_LIST_TABLE, TABLE);
    attr_str(out, NFTA_SET_ELEM_LIST_SET, full);
    *ret_list = nest(out, NFTA_SET_ELEM_LIST_ELEMENTS);
    return at;
}

static void put_key(struct buf *out, const void *key, size_t n)
{
    size_t at = nest(out, NFTA_SET_ELEM_KEY);
    attr(out, NFTA_DATA_VALUE, key, n);
    nest_end(out, at);
}

static void add_network(struct buf *out, const char *set, const struct address *a, unsigned bits)
{
    size_t n = a->family == 4 ? 4 : 16;
    uint8_t behind[16];
    size_t list;
    size_t at = elements_begin(out, NFT_MSG_NEWSETELEM, set, a->family, &list);
    size_t element = nest(out, NFTA_LIST_ELEM);
    put_key(out, a->bytes, n);
    nest_end(out, element);
    memcpy(behind, a->bytes, n);
    unsigned carry = 1u << (7 - (bits - 1) % 8); /* of the last bit of the network; bits is never 0 */
    for (size_t i = (bits - 1) / 8 + 1; i-- > 0 && carry != 0;) {
        unsigned sum = behind[i] + carry;
        behind[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    if (carry == 0) { /* else it reaches to the last address that there is */
        element = nest(out, NFTA_LIST_ELEM);
        put_key(out, behind, n);
        attr_u32(out, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
        nest_end(out, element);
    }
    nest_end(out, list);
    message_end(out, at);
}

static bool same_beginning(const struct address *a, const struct address *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if (((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1) != 0)
            return false;
    return a->family == b->family;
}

/* Is this network, the i-th, in another one, or the same as an earlier one? The kernel takes none twice. */
static bool covered(const char *lines, size_t i, const struct address *a, unsigned bits)
{
    struct span rest = span_str(lines);
    for (size_t j = 0; rest.n > 0; j++) {
        struct address other;
        unsigned others;
        if (!network_parse(span_until(&rest, '\n', NULL), &other, &others) || j == i || others > bits || (others == bits && j > i))
            continue;
        if (same_beginning(a, &other, others))
            return true;
    }
    return false;
}

static void add_networks(struct buf *out, const char *set, const char *lines)
{
    add_set(out, set, 4, NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, false);
    add_set(out, set, 6, NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, false);
    struct span rest = span_str(lines);
    for (size_t i = 0; rest.n > 0; i++) {
        struct address a;
        unsigned bits;
        if (network_parse(span_until(&rest, '\n', NULL), &a, &bits) && bits > 0 && !covered(lines, i, &a, bits))
            add_network(out, set, &a, bits);
    }
}

static void add_door_sets(struct buf *out)
{
    for (int family = 4; family <= 6; family += 2) {
        uint32_t address = family == 4 ? TYPE_IPV4 : TYPE_IPV6;
        uint32_t type = ((address << TYPE_BITS | address) << TYPE_BITS | TYPE_PROTO) << TYPE_BITS | TYPE_SERVICE;
        uint32_t length = family == 4 ? 16 : 40;
        add_set(out, "in", family, NFT_SET_TIMEOUT, type, length, FIREWALL_DOORS, true);
        add_set(out, "out", family, NFT_SET_TIMEOUT, type, length, FIREWALL_DOORS, true);
        add_set(out, "past", family, NFT_SET_TIMEOUT, type, length, 8 * FIREWALL_DOORS, false);
    }
}

/* ── doors ── */

static size_t key_of(const struct door_way *way, uint8_t key[40])
{
    size_t n = way->from.family == 4 ? 4 : 16;
    memset(key, 0, 40);
    memcpy(key, way->from.bytes, n);
    memcpy(key + n, way->to.bytes, n);
    key[2 * n] = way->proto;
    key[2 * n + 4] = (uint8_t)(way->port >> 8);
    key[2 * n + 5] = (uint8_t)way->port;
    return 2 * n + 8;
}

#define COMMENT 0 /* how the program nft keeps a comment: type, length with the final zero, text */

static void add_element(struct buf *out, const char *set, const struct firewall_door *d, int64_t ms, bool counts, uint64_t packets, uint64_t bytes)
{
    uint8_t key[40];
    size_t n = key_of(&d->way, key);
    uint8_t comment[2 + DOOR_ORDER_ID + 1] = {COMMENT, DOOR_ORDER_ID + 1};
    size_t list;
    size_t at = elements_begin(out, NFT_MSG_NEWSETELEM, set, d->way.from.family, &list);
    size_t element = nest(out, NFTA_LIST_ELEM);
    put_key(out, key, n);
    attr_u64(out, NFTA_SET_ELEM_TIMEOUT, (uint64_t)ms);
    memcpy(comment + 2, d->id, DOOR_ORDER_ID);
    attr(out, NFTA_SET_ELEM_USERDATA, comment, sizeof comment);
    if (counts) {
        size_t expr = nest(out, NFTA_SET_ELEM_EXPR);
        attr_str(out, NFTA_EXPR_NAME, "counter");
        size_t data = nest(out, NFTA_EXPR_DATA);
        attr_u64(out, NFTA_COUNTER_BYTES, bytes);
        attr_u64(out, NFTA_COUNTER_PACKETS, packets);
        nest_end(out, data);
        nest_end(out, expr);
    }
    nest_end(out, element);
    nest_end(out, list);
    message_end(out, at);
}

static void delete_element(struct buf *out, const char *set, const struct door_way *way)
{
    uint8_t key[40];
    size_t n = key_of(way, key);
    size_t list;
    size_t at = elements_begin(out, NFT_MSG_DELSETELEM, set, way->from.family, &list);
    size_t element = nest(out, NFTA_LIST_ELEM);
    put_key(out, key, n);
    nest_end(out, element);
    nest_end(out, list);
    message_end(out, at);
}

void firewall_open(struct buf *out, const struct firewall_door *d)
{
    /* what is remembered of an earlier door makes room: an element's time does not change once it is there */
    add_element(out, "past", d, FIREWALL_PAST_MS, false, 0, 0);
    delete_element(out, "past", &d->way);
    add_element(out, "past", d, d->ms + FIREWALL_PAST_MS, false, 0, 0);
    add_element(out, "in", d, d->ms, true, d->packets, d->bytes_up);
    add_element(out, "out", d, d->ms, true, 0, d->bytes_down);
}

void firewall_close(struct buf *out, const struct door_way *way)
{
    delete_element(out, "in", way);
    delete_element(out, "out", way);
}

void firewall_table(struct buf *out, const char *devices, const char *vendors, const struct firewall_door *doors, size_t n)
{
    static const unsigned steps[] = {NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWTABLE}; /* one that is there, or not, gives way */
    char mark[16];
    for (size_t i = 0; i < 3; i++) {
        size_t at = nft_begin(out, steps[i], steps[i] == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
        attr_str(out, NFTA_TABLE_NAME, TABLE);
        message_end(out, at);
    }
    firewall_mark(devices, vendors, mark);
    add_chain(out, mark, false);
    add_networks(out, "devices", devices);
    add_networks(out, "vendors", vendors);
    add_door_sets(out);
    add_rules(out);
    for (size_t i = 0; i < n; i++)
        if (doors[i].ms > 0)
            firewall_open(out, &doors[i]);
}

/* ── what is there ── */

void firewall_ask_chain(struct buf *out, const char *chain, uint32_t seq)
{
    size_t at = message_begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_ACK, NFPROTO_INET, 0, seq);
    attr_str(out, NFTA_CHAIN_TABLE, TABLE);
    attr_str(out, NFTA_CHAIN_NAME, chain);
    message_end(out, at);
}

void firewall_ask_set(struct buf *out, const char *set, uint32_t seq)
{
    size_t at = message_begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET, 0, seq);
    attr_str(out, NFTA_SET_ELEM_LIST_TABLE, TABLE);
    attr_str(out, NFTA_SET_ELEM_LIST_SET, set);
    message_end(out, at);
}

bool firewall_same_way(const struct door_way *a, const struct door_way *b)
{
    return a->proto == b->proto && a->port == b->port && memcmp(&a->from, &b->from, sizeof a->from) == 0 && memcmp(&a->to, &b->to, sizeof a->to) == 0;
}

/* The next attribute: its type, and what it holds. False: none is left, or it is malformed (s is bad). */
static bool next_attr(struct span *s, unsigned *ret_type, struct span *ret)
{
    struct nlattr head;
    if (s->n == 0)
        return false;
    struct span bytes = span_take(s, sizeof head);
    if (bytes.n != sizeof head)
        return false;
    memcpy(&head, bytes.p, sizeof head);
    if (head.nla_len < sizeof head)
        return span_fail(s), false;
    *ret = span_take(s, head.nla_len - sizeof head);
    size_t padding = (NLA_ALIGNTO - head.nla_len % NLA_ALIGNTO) % NLA_ALIGNTO;
    (void)span_take(s, padding < s->n ? padding : s->n);
    *ret_type = head.nla_type & NLA_TYPE_MASK;
    return !s->bad;
}

/* The attribute of this type; empty where there is none. */
static struct span find_attr(struct span s, unsigned type)
{
    unsigned t;
    struct span value;
    while (next_attr(&s, &t, &value))
        if (t == type)
            return value;
    return (struct span){0};
}

static uint64_t number(struct span s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n && s.n <= 8; i++)
        v = v << 8 | s.p[i];
    return v;
}

static bool read_way(struct span key, struct door_way *ret)
{
    size_t n = key.n == 16 ? 4 : 16;
    if (key.n != 16 && key.n != 40)
        return false;
    *ret = (struct door_way){.from.family = n == 4 ? 4 : 6, .to.family = n == 4 ? 4 : 6, .proto = key.p[2 * n]};
    memcpy(ret->from.bytes, key.p, n);
    memcpy(ret->to.bytes, key.p + n, n);
    ret->port = (uint16_t)(key.p[2 * n + 4] << 8 | key.p[2 * n + 5]);
    return true;
}

static struct firewall_door *door_by_id(struct firewall_door *doors, size_t *n, struct span id)
{
    for (size_t i = 0; i < *n; i++)
        if (span_is(id, doors[i].id))
            return &doors[i];
    if (*n == FIREWALL_DOORS)
        return NULL;
    struct firewall_door *d = &doors[(*n)++];
    *d = (struct firewall_door){0};
    memcpy(d->id, id.p, DOOR_ORDER_ID);
    return d;
}

static void read_element(struct span x, bool in, struct firewall_door *doors, size_t *n)
{
    struct door_way way;
    struct span comment = find_attr(x, NFTA_SET_ELEM_USERDATA);
    struct span id = SPAN_LIT("0000000000000000"); /* somebody else's: it is ours to close */
    if (comment.n == 2 + DOOR_ORDER_ID + 1 && comment.p[0] == COMMENT && door_order_id(span_of(comment.p + 2, DOOR_ORDER_ID)))
        id = span_of(comment.p + 2, DOOR_ORDER_ID);
    if (!read_way(find_attr(find_attr(x, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE), &way))
        return;
    struct firewall_door *d = door_by_id(doors, n, id);
    if (d == NULL)
        return;
    struct span expr = find_attr(x, NFTA_SET_ELEM_EXPR);
    struct span counter = find_attr(expr, NFTA_EXPR_DATA);
    d->way = way;
    d->ms = (int64_t)number(find_attr(x, NFTA_SET_ELEM_EXPIRATION));
    d->packets += number(find_attr(counter, NFTA_COUNTER_PACKETS));
    *(in ? &d->bytes_up : &d->bytes_down) = number(find_attr(counter, NFTA_COUNTER_BYTES));
}

static void read_elements(struct span body, struct firewall_door *doors, size_t *n)
{
    struct span name = find_attr(body, NFTA_SET_ELEM_LIST_SET);
    struct span rest = find_attr(body, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct span element;
    unsigned type;
    bool in = name.n > 2 && memcmp(name.p, "in", 2) == 0;
    while (next_attr(&rest, &type, &element))
        read_element(element, in, doors, n);
}

int firewall_read(struct span piece, uint32_t seq, struct firewall_door *doors, size_t *n, int *ret_errno, struct error *e)
{
    *ret_errno = 0;
    while (piece.n > 0) {
        struct nlmsghdr head;
        struct span bytes = span_take(&piece, sizeof head);
        if (bytes.n != sizeof head)
            break;
        memcpy(&head, bytes.p, sizeof head);
        if (head.nlmsg_len < sizeof head)
            return err_set(e, ERR_CORRUPT, "the kernel's answer about the firewall is malformed");
        struct span body = span_take(&piece, head.nlmsg_len - sizeof head);
        size_t padding = (NLMSG_ALIGNTO - head.nlmsg_len % NLMSG_ALIGNTO) % NLMSG_ALIGNTO;
        (void)span_take(&piece, padding < piece.n ? padding : piece.n);
        if (piece.bad)
            break;
        int32_t code = 0;
        if ((head.nlmsg_type == NLMSG_ERROR || head.nlmsg_type == NLMSG_DONE) && body.n >= sizeof code)
            memcpy(&code, body.p, sizeof code);
        if (head.nlmsg_type == NLMSG_ERROR && code != 0 && code > -4096 && code < 0) {
            *ret_errno = -code; /* of whichever message of the batch */
            return 1;
        }
        if (head.nlmsg_seq != seq)
            continue;
        if (head.nlmsg_type == NLMSG_ERROR || head.nlmsg_type == NLMSG_DONE)
            return 1;
        if (head.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM) && doors != NULL && body.n >= 4)
            read_elements(span_of(body.p + 4, body.n - 4), doors, n);
    }
    return piece.bad ? err_set(e, ERR_CORRUPT, "the kernel's answer about the firewall is malformed") : 0;
}
