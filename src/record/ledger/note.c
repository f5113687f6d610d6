#include "record/ledger/note.h"

#include "base/text.h"

#include <stdio.h>

#define DASH "\xe2\x80\x94 " /* U+2014, space */

/* ── Keys ── */

/* White space of Unicode beyond ASCII's, as the bytes of its UTF-8: U+0085, U+00A0, U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F, U+3000. */
static bool is_wide_space(struct span s)
{
    uint8_t a = span_peek(&s, 0);
    uint8_t b = span_peek(&s, 1);
    uint8_t c = span_peek(&s, 2);
    if (a == 0xc2)
        return b == 0x85 || b == 0xa0;
    if (a == 0xe1)
        return b == 0x9a && c == 0x80;
    if (a == 0xe2 && b == 0x80)
        return c <= 0x8a || c == 0xa8 || c == 0xa9 || c == 0xaf;
    return (a == 0xe2 && b == 0x81 && c == 0x9f) || (a == 0xe3 && b == 0x80 && c == 0x80);
}

static bool is_key_name(struct span name)
{
    if (name.n == 0 || name.n > NOTE_NAME_MAX)
        return false;
    while (name.n > 0) {
        size_t n = text_utf8_len(name);
        if (n == 0 || name.p[0] <= 0x20 || name.p[0] == 0x7f || name.p[0] == '+' || is_wide_space(name))
            return false;
        (void)span_skip(&name, n);
    }
    return true;
}

static void key_id(const struct note_key *k, uint8_t out[4])
{
    uint8_t hash[SHA256_SIZE];
    uint8_t type[] = {'\n', (uint8_t)k->type};
    crypto_sha256_parts((struct span[]){span_str(k->name), span_of(type, 2), span_of(k->public_key, ED25519_PUBLIC)}, 3, hash);
    memcpy(out, hash, 4);
}

static int key_make(struct note_key *ret, enum note_key_type type, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e)
{
    if (!is_key_name(name))
        return err_set(e, ERR_MISUSE, "a key's name has 1 to %d bytes of UTF-8 without spaces, control characters and \"+\"", NOTE_NAME_MAX);
    struct note_key k = {.type = type};
    memcpy(k.name, name.p, name.n);
    memcpy(k.public_key, public_key, sizeof k.public_key);
    key_id(&k, k.id);
    *ret = k;
    return 0;
}

int note_key_make(struct note_key *ret, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e)
{
    return key_make(ret, NOTE_LOG, name, public_key, e);
}

int note_witness_make(struct note_key *ret, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e)
{
    return key_make(ret, NOTE_WITNESS, name, public_key, e);
}

static int key_parse(struct note_key *ret, enum note_key_type type, struct span line, struct error *e)
{
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    bool first = false;
    bool second = false;
    struct span whole = line;
    char canonical[VERIFIER_TEXT];
    struct span name = span_until(&line, '+', &first);
    struct span id_text = span_until(&line, '+', &second);
    uint8_t id[4];
    uint8_t bytes[1 + ED25519_PUBLIC + 1];
    struct buf decoded = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    if (!first || !second || id_text.n != 8 || line.n != 44 || !text_unhex(id_text, id, sizeof id) || !text_unbase64(line, &decoded) ||
        decoded.n != 1 + ED25519_PUBLIC)
        return err_set(e, ERR_MISUSE, "not a public key of the form name+12345678+base64 with an Ed25519 key (compare verifier.pub)");
    if (bytes[0] != type)
        return err_set(e, ERR_MISUSE, "the public key is of type %u, %s's is of type %u", bytes[0], type == NOTE_LOG ? "a log" : "a witness",
                       (unsigned)type);
    struct note_key k;
    if (key_make(&k, type, name, bytes + 1, e) != 0)
        return -1;
    note_key_format(&k, canonical);
    if (memcmp(k.id, id, sizeof id) != 0 || !span_is(whole, canonical)) /* also: hexadecimal digits are small letters */
        return err_set(e, ERR_MISUSE, "the public key's number does not fit its name and key: a character was changed");
    *ret = k;
    return 0;
}

int note_key_parse(struct note_key *ret, struct span line, struct error *e)
{
    return key_parse(ret, NOTE_LOG, line, e);
}

int note_witness_parse(struct note_key *ret, struct span line, struct error *e)
{
    return key_parse(ret, NOTE_WITNESS, line, e);
}

void note_key_format(const struct note_key *k, char out[VERIFIER_TEXT])
{
    uint8_t bytes[64];
    struct buf text = BUF_INIT(128);
    char id[9];
    bytes[0] = (uint8_t)k->type;
    memcpy(bytes + 1, k->public_key, ED25519_PUBLIC);
    text_hex_to(id, k->id, sizeof k->id);
    text_base64(&text, span_of(bytes, 1 + ED25519_PUBLIC));
    (void)snprintf(out, VERIFIER_TEXT, "%s+%s+%s", k->name, id, buf_text(&text));
    buf_release(&text);
}

/* ── Notes ── */

static void put_line(struct buf *out, const struct note_key *k, struct span signature)
{
    buf_add_str(out, DASH);
    buf_add_str(out, k->name);
    buf_u8(out, ' ');
    text_base64(out, signature);
    buf_u8(out, '\n');
}

void note_sign(struct buf *out, struct span text, const struct note_key *k, const struct crypto_signer *signer)
{
    uint8_t bytes[4 + ED25519_SIGNATURE];
    memcpy(bytes, k->id, 4);
    crypto_signer_sign(signer, text, bytes + 4);
    buf_add_span(out, text);
    buf_u8(out, '\n');
    put_line(out, k, span_of(bytes, sizeof bytes));
}

/* UTF-8 without control characters but LF, and LF at the end. */
static bool is_note_text(struct span s)
{
    if (s.n == 0 || s.n > NOTE_MAX || s.p[s.n - 1] != '\n')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    }
    return text_is_utf8(s);
}

#define SIGNATURE_MAX 1024

struct line {
    struct span name;
    uint8_t bytes[SIGNATURE_MAX]; /* key id, signature */
    size_t n;
};

/* One signature line without LF. */
static int parse_line(struct span text, struct line *ret, struct error *e)
{
    struct buf decoded = {.p = ret->bytes, .size = sizeof ret->bytes, .max = sizeof ret->bytes};
    bool space = false;
    if (!span_starts(text, SPAN_LIT(DASH)))
        return err_set(e, ERR_CORRUPT, "a signature line does not begin with a dash");
    (void)span_skip(&text, sizeof DASH - 1);
    ret->name = span_until(&text, ' ', &space);
    if (!space || !is_key_name(ret->name) || text.n > SIGNATURE_MAX || !text_unbase64(text, &decoded) || decoded.n < 5)
        return err_set(e, ERR_CORRUPT, "a signature line is not of the form name, space, base64");
    ret->n = decoded.n;
    return 0;
}

static bool line_is_of(const struct line *l, const struct note_key *k)
{
    return span_is(l->name, k->name) && memcmp(l->bytes, k->id, 4) == 0;
}

/* The two halves of a note: what is signed, and the signature lines. */
static int split_note(struct span note, struct span *ret_text, struct span *ret_lines, struct error *e)
{
    if (!is_note_text(note))
        return err_set(e, ERR_CORRUPT, "not a signed note: it is empty, too long, not UTF-8, or does not end with a line end");
    size_t end = note.n; /* behind the last empty line */
    while (end >= 2 && !(note.p[end - 1] == '\n' && note.p[end - 2] == '\n'))
        end--;
    if (end < 3)
        return err_set(e, ERR_CORRUPT, "not a signed note: there is no empty line before signatures");
    *ret_text = span_of(note.p, end - 1);
    *ret_lines = span_of(note.p + end, note.n - end);
    return ret_lines->n > 0 ? 0 : err_set(e, ERR_CORRUPT, "the note has no signature");
}

typedef bool line_check(const struct line *l, struct span text, const struct note_key *k, void *context);

/* Goes through all lines of a note: 1 one is the key's, and all that are hold; 0 none is; -1. */
static int check_lines(struct span note, const struct note_key *k, line_check *check, void *context, struct span *ret_text, struct error *e)
{
    struct span lines;
    struct line line;
    if (split_note(note, ret_text, &lines, e) != 0)
        return -1;
    bool known = false;
    for (size_t i = 0; lines.n > 0; i++) {
        if (i == NOTE_LINES_MAX)
            return err_set(e, ERR_CORRUPT, "the note has more than %d signatures", NOTE_LINES_MAX);
        if (parse_line(span_until(&lines, '\n', NULL), &line, e) != 0)
            return -1;
        if (!line_is_of(&line, k))
            continue;
        if (!check(&line, *ret_text, k, context))
            return err_set(e, ERR_CORRUPT, "the signature of %s does not hold", k->name);
        known = true;
    }
    return known;
}

static bool signature_holds(const struct line *l, struct span text, const struct note_key *k, void *context)
{
    (void)context;
    return l->n == 4 + ED25519_SIGNATURE && crypto_verify(k->public_key, text, l->bytes + 4);
}

int note_open(struct span note, const struct note_key *k, struct span *ret_text, struct error *e)
{
    struct span text;
    int rc = check_lines(note, k, signature_holds, NULL, &text, e);
    if (rc == 0)
        return err_set(e, ERR_CORRUPT, "the note is not signed by %s", k->name);
    if (rc == 1)
        *ret_text = text;
    return rc == 1 ? 0 : -1;
}

struct span note_line(struct span note, const struct note_key *k)
{
    struct span text;
    struct span lines;
    struct line line;
    if (split_note(note, &text, &lines, NULL) == 0) {
        while (lines.n > 0) {
            const uint8_t *begin = lines.p;
            if (parse_line(span_until(&lines, '\n', NULL), &line, NULL) == 0 && line_is_of(&line, k))
                return span_of(begin, (size_t)(lines.p - begin));
        }
    }
    return span_of(NULL, 0);
}

/* ── Cosignatures (C2SP tlog-cosignature, v1) ── */

static bool cosigned_text(struct buf *out, struct span text, uint64_t seconds)
{
    buf_addf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)seconds);
    buf_add_span(out, text);
    return buf_ok(out);
}

void note_cosign(struct buf *out, struct span text, const struct note_key *witness, const struct crypto_signer *signer, uint64_t seconds)
{
    struct buf message = BUF_INIT(NOTE_MAX + 64);
    uint8_t bytes[4 + 8 + ED25519_SIGNATURE];
    struct buf line = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    buf_add(&line, witness->id, 4);
    buf_be64(&line, seconds);
    if (cosigned_text(&message, text, seconds)) {
        crypto_signer_sign(signer, buf_span(&message), bytes + 12);
        put_line(out, witness, span_of(bytes, sizeof bytes));
    } else {
        out->failed = true;
    }
    buf_release(&message);
}

static bool cosignature_holds(const struct line *l, struct span text, const struct note_key *k, void *context)
{
    struct buf message = BUF_INIT(NOTE_MAX + 64);
    uint64_t *seconds = context;
    struct span time = span_of(l->bytes + 4, 8);
    *seconds = l->n < 12 ? 0 : span_be64(&time);
    bool holds = l->n == 4 + 8 + ED25519_SIGNATURE && *seconds > 0 && *seconds <= INT64_MAX && cosigned_text(&message, text, *seconds) &&
                 crypto_verify(k->public_key, buf_span(&message), l->bytes + 12);
    buf_release(&message);
    return holds;
}

int note_cosigned(struct span note, const struct note_key *witness, struct span *ret_text, uint64_t *ret_seconds, struct error *e)
{
    struct span text;
    uint64_t seconds = 0;
    int rc = check_lines(note, witness, cosignature_holds, &seconds, &text, e);
    if (rc == 0)
        return err_set(e, ERR_CORRUPT, "the checkpoint is not cosigned by %s", witness->name);
    if (rc < 0)
        return -1;
    *ret_text = text;
    *ret_seconds = seconds;
    return 0;
}

/* ── Checkpoints ── */

void checkpoint_format(struct buf *out, const char *origin, uint64_t size, const struct tree_hash *root)
{
    buf_addf(out, "%s\n%llu\n", origin, (unsigned long long)size);
    text_base64(out, span_of(root->b, sizeof root->b));
    buf_u8(out, '\n');
}

/* 44 characters of base64 that stand for a hash. */
static bool parse_hash(struct span text, struct tree_hash *ret)
{
    uint8_t bytes[33];
    struct buf decoded = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    if (text.n != 44 || !text_unbase64(text, &decoded) || decoded.n != sizeof ret->b)
        return false;
    memcpy(ret->b, bytes, sizeof ret->b);
    return true;
}

int checkpoint_parse(struct span text, struct checkpoint *ret, struct error *e)
{
    struct checkpoint c = {0};
    bool lf[3];
    c.origin = span_until(&text, '\n', &lf[0]);
    struct span size = span_until(&text, '\n', &lf[1]);
    struct span root = span_until(&text, '\n', &lf[2]);
    if (!lf[0] || !lf[1] || !lf[2] || c.origin.n == 0 || !span_decimal(size, INT64_MAX, &c.size) || !parse_hash(root, &c.root))
        return err_set(e, ERR_CORRUPT, "not a checkpoint: it needs a name, a size and a root hash, each on a line");
    while (text.n > 0) {
        if (span_until(&text, '\n', &lf[0]).n == 0 || !lf[0])
            return err_set(e, ERR_CORRUPT, "not a checkpoint: an extension line is empty or not ended");
    }
    *ret = c;
    return 0;
}

int checkpoint_open(struct span note, const struct note_key *k, struct checkpoint *ret, struct error *e)
{
    struct span text;
    struct checkpoint c;
    if (note_open(note, k, &text, e) != 0 || checkpoint_parse(text, &c, e) != 0)
        return -1;
    if (!span_is(c.origin, k->name))
        return err_set(e, ERR_CORRUPT, "the checkpoint is of another log than %s", k->name);
    *ret = c;
    return 0;
}

/* ── Proofs ── */

void proof_format(struct buf *out, struct span extra, uint64_t index, const struct tree_hash *path, size_t n, struct span checkpoint)
{
    buf_add_str(out, "c2sp.org/tlog-proof@v1\n");
    if (extra.n > 0) {
        buf_add_str(out, "extra ");
        text_base64(out, extra);
        buf_u8(out, '\n');
    }
    buf_addf(out, "index %llu\n", (unsigned long long)index);
    for (size_t i = 0; i < n; i++) {
        text_base64(out, span_of(path[i].b, sizeof path[i].b));
        buf_u8(out, '\n');
    }
    buf_u8(out, '\n');
    buf_add_span(out, checkpoint);
}

static int parse_into(struct span text, struct proof *p, struct error *e)
{
    bool lf = false;
    if (text.n > NOTE_MAX * 4 || !span_is(span_until(&text, '\n', &lf), "c2sp.org/tlog-proof@v1") || !lf)
        return err_set(e, ERR_CORRUPT, "not a proof: it does not begin with c2sp.org/tlog-proof@v1");
    struct span line = span_until(&text, '\n', &lf);
    if (span_starts(line, SPAN_LIT("extra "))) {
        (void)span_skip(&line, 6);
        if (line.n == 0 || !text_unbase64(line, &p->extra))
            return err_set(e, ERR_CORRUPT, "line 2 of the proof (extra) is not base64");
        line = span_until(&text, '\n', &lf);
    }
    if (!lf || !span_starts(line, SPAN_LIT("index ")) || !span_skip(&line, 6) || !span_decimal(line, INT64_MAX, &p->index))
        return err_set(e, ERR_CORRUPT, "the proof has no line \"index\" with a number where it should be");
    for (;;) {
        line = span_until(&text, '\n', &lf);
        if (!lf)
            return err_set(e, ERR_CORRUPT, "the proof ends before its checkpoint");
        if (line.n == 0)
            break;
        if (p->n == TREE_HEIGHT - 1 || !parse_hash(line, &p->path[p->n++]))
            return err_set(e, ERR_CORRUPT, "line %zu of the proof's path is not a hash, or there are more than 63", p->n);
    }
    p->checkpoint = text;
    return 0;
}

int proof_parse(struct span text, struct proof *ret, struct error *e)
{
    struct proof p = {.extra = BUF_INIT(NOTE_MAX)};
    if (parse_into(text, &p, e) != 0) {
        buf_release(&p.extra);
        return -1;
    }
    *ret = p;
    return 0;
}

/* ── Offers ── */

void offer_format(struct buf *out, uint64_t old, const struct tree_hash *path, size_t n, struct span checkpoint)
{
    buf_addf(out, "old %llu\n", (unsigned long long)old);
    for (size_t i = 0; i < n; i++) {
        text_base64(out, span_of(path[i].b, sizeof path[i].b));
        buf_u8(out, '\n');
    }
    buf_u8(out, '\n');
    buf_add_span(out, checkpoint);
}

int offer_parse(struct span text, struct offer *ret, struct error *e)
{
    struct offer o = {0};
    bool lf = false;
    struct span line = span_until(&text, '\n', &lf);
    if (text.n > NOTE_MAX * 2 || !lf || !span_starts(line, SPAN_LIT("old ")) || !span_skip(&line, 4) || !span_decimal(line, INT64_MAX, &o.old))
        return err_set(e, ERR_MISUSE, "not a checkpoint offered to a witness: it does not begin with \"old\" and a size");
    for (;;) {
        line = span_until(&text, '\n', &lf);
        if (!lf)
            return err_set(e, ERR_MISUSE, "the offered checkpoint ends before it begins");
        if (line.n == 0)
            break;
        if (o.n == TREE_HEIGHT - 1 || !parse_hash(line, &o.path[o.n++]))
            return err_set(e, ERR_MISUSE, "line %zu of the consistency proof is not a hash, or there are more than 63", o.n);
    }
    o.checkpoint = text;
    *ret = o;
    return 0;
}
