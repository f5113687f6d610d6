/* Digests of what a message's parts are, so that the detector can tell whether a message is the same at two places, and what of it is not. Results
 * are read and compared one by one; here is everything else: who, which specimen, what somebody wrote beside a result. */
#include "engine/sense/app_private.h"

#include "engine/sense/app_hl7_private.h"

#define NAME_LETTERS 12 /* of the family's name: systems cut long ones */
#define TEXT_MOST 4096  /* bytes of a comment that count */

/* ── a keyed digest, 16 bytes a step: nobody without the key can make two parts meet ── */

static uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 r = (unsigned __int128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static uint64_t absorb(const struct hash_key *key, uint64_t h, struct span s)
{
    const uint8_t *p = s.p;
    size_t n = s.n;
    h ^= key->k1 + n;
    for (; n >= 16; p += 16, n -= 16)
        h = mum(hash_word(p) ^ key->k0, hash_word(p + 8) ^ h);
    uint64_t low = n >= 8 ? hash_word(p) : hash_tail(p, n);
    uint64_t high = n > 8 ? hash_tail(p + 8, n - 8) : 0;
    h = mum(low ^ key->k0, high ^ h);
    return mum(h ^ UINT64_C(0x9e3779b97f4a7c15), key->k1 ^ UINT64_C(0xd6e8feb86659fd93));
}

static uint64_t never_none(uint64_t h)
{
    return h == 0 ? 1 : h;
}

/* ── what parts say ── */

/* Letters and digits, capitals or not; more than `most` do not count. */
static uint64_t digest_of_text(struct app_context *c, const struct hl7_delims *d, struct span text, size_t most)
{
    UNCLEARED uint8_t plain[TEXT_MOST];
    UNCLEARED uint8_t kept[TEXT_MOST];
    size_t n = 0;
    if (text.n > 0 && HL7_UNESCAPED(text.n) <= sizeof plain && memchr(text.p, d->escape, text.n) != NULL)
        text = span_of(plain, hl7_unescape(d, text, plain));
    for (size_t i = 0; i < text.n && n < most && n < sizeof kept; i++) {
        uint8_t b = text.p[i];
        bool small = (uint8_t)(b - 'a') < 26;
        bool counts = small || (uint8_t)(b - 'A') < 26 || (uint8_t)(b - '0') < 10 || b >= 0x80;
        kept[n] = (uint8_t)(b ^ small << 5);
        n += counts; /* no branch: what stands where is not to be guessed */
    }
    return n == 0 ? 0 : never_none(absorb(&c->options.hash_key, 'T', span_of(kept, n)));
}

/* The family's name, and the first letter of the given one. */
static uint64_t digest_of_name(struct app_context *c, const struct hl7_delims *d, struct span name)
{
    uint64_t family = digest_of_text(c, d, hl7_first(d, name, 1), NAME_LETTERS);
    uint64_t given = digest_of_text(c, d, hl7_first(d, name, 2), 1);
    return family == 0 ? given : never_none(family + 3 * given);
}

struct marking {
    struct app_context *c;
    const struct hl7_delims *d;
    uint64_t all[MARKS];
    size_t patients;
};

static void say(struct marking *k, enum mark mark, uint64_t digest)
{
    if (k->all[mark] == 0)
        k->all[mark] = digest;
}

static void patient(struct marking *k, struct span name, struct span born, struct span sex)
{
    if (k->patients++ > 0)
        return;
    say(k, MARK_NAME, digest_of_name(k->c, k->d, hl7_part(name, k->d->repetition, 1)));
    say(k, MARK_BORN, digest_of_text(k->c, k->d, hl7_first(k->d, born, 1), 8));
    say(k, MARK_SEX, digest_of_text(k->c, k->d, hl7_first(k->d, sex, 1), 1));
}

static void comment(struct marking *k, struct span text)
{
    k->all[MARK_NOTE] += digest_of_text(k->c, k->d, text, TEXT_MOST);
}

static void written(struct marking *k, enum mark mark, struct span segment)
{
    k->all[mark] = never_none(absorb(&k->c->options.hash_key, k->all[mark], segment));
}

static enum mark hl7_kind(uint32_t name)
{
    switch (name) {
    case NAME('M', 'S', 'H'): return MARK_HEADER;
    case NAME('P', 'I', 'D'):
    case NAME('P', 'D', '1'):
    case NAME('N', 'K', '1'):
    case NAME('P', 'V', '1'):
    case NAME('P', 'V', '2'): return MARK_PATIENT;
    case NAME('O', 'R', 'C'):
    case NAME('O', 'B', 'R'):
    case NAME('S', 'P', 'M'):
    case NAME('S', 'A', 'C'):
    case NAME('T', 'Q', '1'): return MARK_ORDER;
    case NAME('O', 'B', 'X'): return MARK_RESULTS;
    case NAME('N', 'T', 'E'): return MARK_COMMENTS;
    default: return MARK_OTHER;
    }
}

static void hl7_segment_says(struct marking *k, uint32_t name, struct span segment)
{
    UNCLEARED struct span f[16];
    switch (name) {
    case NAME('P', 'I', 'D'):
        (void)hl7_fields(k->d, segment, f, 9);
        patient(k, f[5], f[7], f[8]);
        break;
    case NAME('S', 'P', 'M'): say(k, MARK_MATERIAL, digest_of_text(k->c, k->d, hl7_first(k->d, hl7_part(segment, k->d->field, 5), 1), 20)); break;
    case NAME('O', 'B', 'R'): say(k, MARK_MATERIAL, digest_of_text(k->c, k->d, hl7_first(k->d, hl7_part(segment, k->d->field, 16), 1), 20)); break;
    case NAME('N', 'T', 'E'): comment(k, hl7_part(segment, k->d->field, 4)); break;
    default: break;
    }
}

static void put(struct marking *k, struct lab_message *m)
{
    if (k->patients > 1)
        k->all[MARK_NAME] = k->all[MARK_BORN] = k->all[MARK_SEX] = 0;
    for (size_t i = 0; i < MARKS; i++) {
        uint64_t digest = htole64(k->all[i]);
        memcpy(m->marks + MARK_BYTES * i, &digest, MARK_BYTES);
    }
    m->marked = true;
}

void lab_marks_hl7(struct app_context *c, struct lab_message *m, struct span message)
{
    struct marking k = {.c = c, .d = m->delims};
    struct hl7_rest rest = hl7_rest_of(c, m->delims, message);
    struct span segment;
    uint32_t name;
    if (!c->wanted[KEY_MARKS] || m->results == 0 || message.n == 0)
        return;
    while (hl7_rest_next(&rest, &segment, &name)) {
        written(&k, hl7_kind(name), segment);
        hl7_segment_says(&k, name, segment);
    }
    put(&k, m);
}

static enum mark astm_kind(uint8_t type)
{
    switch (type) {
    case 'H': return MARK_HEADER;
    case 'P': return MARK_PATIENT;
    case 'O': return MARK_ORDER;
    case 'R': return MARK_RESULTS;
    case 'C': return MARK_COMMENTS;
    default: return MARK_OTHER;
    }
}

void lab_marks_astm(struct app_context *c, struct lab_message *m, struct span message)
{
    struct marking k = {.c = c, .d = m->delims};
    struct span record;
    UNCLEARED struct span f[17];
    if (!c->wanted[KEY_MARKS] || m->results == 0)
        return;
    while (astm_record(&message, &record)) {
        uint8_t type = astm_type(m->delims, record);
        written(&k, astm_kind(type), record);
        if (type == 'P') {
            (void)astm_fields(m->delims, record, f, 10);
            patient(&k, f[6], f[8], f[9]);
        } else if (type == 'O') {
            say(&k, MARK_MATERIAL, digest_of_text(c, m->delims, astm_first_component(m->delims, hl7_part(record, m->delims->field, 16)), 20));
        } else if (type == 'C') {
            comment(&k, hl7_part(record, m->delims->field, 4));
        }
    }
    put(&k, m);
}
