#include "record/ledger/note.h"

#include "base/text.h"

#include <stdio.h>

#define ED25519_TYPE 0x01
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

static void key_id(struct span name, const uint8_t public_key[ED25519_PUBLIC], uint8_t out[4])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256_parts((struct span[]){name, SPAN_LIT("\n\x01"), span_of(public_key, ED25519_PUBLIC)}, 3, hash);
    memcpy(out, hash, 4);
}

int note_key_make(struct note_key *ret, struct span name, const uint8_t public_key[ED25519_PUBLIC], struct error *e)
{
    if (!is_key_name(name))
        return err_set(e, ERR_MISUSE, "a key's name has 1 to %d bytes of UTF-8 without spaces, control characters and \"+\"", NOTE_NAME_MAX);
    struct note_key k = {0};
    memcpy(k.name, name.p, name.n);
    memcpy(k.public_key, public_key, sizeof k.public_key);
    key_id(name, public_key, k.id);
    *ret = k;
    return 0;
}

int note_key_parse(struct note_key *ret, struct span line, struct error *e)
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
        decoded.n != 1 + ED25519_PUBLIC || bytes[0] != ED25519_TYPE)
        return err_set(e, ERR_MISUSE, "not a public key of the form name+12345678+base64 with an Ed25519 key (compare verifier.pub)");
    struct note_key k;
    if (note_key_make(&k, name, bytes + 1, e) != 0)
        return -1;
    note_key_format(&k, canonical);
    if (memcmp(k.id, id, sizeof id) != 0 || !span_is(whole, canonical)) /* also: hexadecimal digits are small letters */
        return err_set(e, ERR_MISUSE, "the public key's number does not fit its name and key: a character was changed");
    *ret = k;
    return 0;
}

void note_key_format(const struct note_key *k, char out[VERIFIER_TEXT])
{
    uint8_t bytes[64];
    struct buf text = BUF_INIT(128);
    char id[9];
    bytes[0] = ED25519_TYPE;
    memcpy(bytes + 1, k->public_key, ED25519_PUBLIC);
    text_hex_to(id, k->id, sizeof k->id);
    text_base64(&text, span_of(bytes, 1 + ED25519_PUBLIC));
    (void)snprintf(out, VERIFIER_TEXT, "%s+%s+%s", k->name, id, buf_text(&text));
    buf_release(&text);
}

/* ── Notes ── */

void note_sign(struct buf *out, struct span text, const struct note_key *k, const struct crypto_signer *signer)
{
    uint8_t bytes[4 + ED25519_SIGNATURE];
    memcpy(bytes, k->id, 4);
    crypto_signer_sign(signer, text, bytes + 4);
    buf_add_span(out, text);
    buf_add_str(out, "\n" DASH);
    buf_add_str(out, k->name);
    buf_u8(out, ' ');
    text_base64(out, span_of(bytes, sizeof bytes));
    buf_u8(out, '\n');
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

/* One signature line without LF: 1 it is the known key's and holds, 0 another key's, -1 bad. */
static int check_line(struct span line, struct span text, const struct note_key *k, struct error *e)
{
    uint8_t bytes[1024];
    struct buf decoded = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    bool space = false;
    if (!span_starts(line, SPAN_LIT(DASH)))
        return err_set(e, ERR_CORRUPT, "a signature line does not begin with a dash");
    (void)span_skip(&line, sizeof DASH - 1);
    struct span name = span_until(&line, ' ', &space);
    if (!space || !is_key_name(name) || line.n > 1024 || !text_unbase64(line, &decoded) || decoded.n < 5)
        return err_set(e, ERR_CORRUPT, "a signature line is not of the form name, space, base64");
    if (!span_is(name, k->name) || memcmp(bytes, k->id, 4) != 0)
        return 0;
    if (decoded.n != 4 + ED25519_SIGNATURE || !crypto_verify(k->public_key, text, bytes + 4))
        return err_set(e, ERR_CORRUPT, "the signature of %s does not hold", k->name);
    return 1;
}

int note_open(struct span note, const struct note_key *k, struct span *ret_text, struct error *e)
{
    if (!is_note_text(note))
        return err_set(e, ERR_CORRUPT, "not a signed note: it is empty, too long, not UTF-8, or does not end with a line end");
    size_t end = note.n; /* behind the last empty line */
    while (end >= 2 && !(note.p[end - 1] == '\n' && note.p[end - 2] == '\n'))
        end--;
    if (end < 3)
        return err_set(e, ERR_CORRUPT, "not a signed note: there is no empty line before signatures");
    struct span text = span_of(note.p, end - 1);
    struct span lines = span_of(note.p + end, note.n - end);
    if (lines.n == 0)
        return err_set(e, ERR_CORRUPT, "the note has no signature");
    bool known = false;
    for (size_t i = 0; lines.n > 0; i++) {
        if (i == NOTE_LINES_MAX)
            return err_set(e, ERR_CORRUPT, "the note has more than %d signatures", NOTE_LINES_MAX);
        int rc = check_line(span_until(&lines, '\n', NULL), text, k, e);
        if (rc < 0)
            return -1;
        known |= rc == 1;
    }
    if (!known)
        return err_set(e, ERR_CORRUPT, "the note is not signed by %s", k->name);
    *ret_text = text;
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
