#include "wire/astm_link.h"

enum { STX = 0x02, ETX = 0x03, EOT = 0x04, ENQ = 0x05, ACK = 0x06, NAK = 0x15, ETB = 0x17 };

/* Tells a repeat from a new frame (whoever can forge one can forge the checksum too): FNV-1a over words of eight bytes, each folded. */
#define DIGEST_PRIME UINT64_C(0x9e3779b97f4a7c15)
#define DIGEST_START UINT64_C(0xcbf29ce484222325)
#define EACH_BYTE UINT64_C(0x0101010101010101)

uint8_t astm_checksum(struct span s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum += s.p[i];
    return (uint8_t)sum;
}

/* Bytes that end a frame's text. */
static bool is_control(uint8_t c)
{
    return c >= STX && c <= ETB && (c <= ENQ || c == ETB);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum astm_event idle(struct astm_link *l, struct span *in, struct span *ret)
{
    size_t n = 0;
    while (n < in->n && !(is_control(in->p[n]) && in->p[n] != ETX && in->p[n] != ETB) && in->p[n] != ACK && in->p[n] != NAK)
        n++;
    if (n > 0) {
        *ret = span_take(in, n);
        return ASTM_JUNK;
    }
    switch (span_u8(in)) {
    case ENQ:
        l->expected = 1;
        l->number_known = true;
        l->last_digest = 0;
        return ASTM_ENQ;
    case EOT: l->number_known = false; return ASTM_EOT;
    case ACK: return ASTM_ACK;
    case NAK: return ASTM_NAK;
    default: l->state = ASTM_LINK_NUMBER; return ASTM_FRAME_START;
    }
}

static enum astm_event damaged(struct astm_link *l)
{
    l->state = ASTM_LINK_IDLE;
    return ASTM_FRAME_DAMAGED;
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* A record's type and the delimiter behind it. */
static bool is_record_start(uint8_t type, uint8_t delimiter)
{
    return is_letter(type) && delimiter > 0x20 && delimiter < 0x7f && !is_letter(delimiter) && (delimiter < '0' || delimiter > '9');
}

static uint64_t digest_word(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * DIGEST_PRIME;
    return digest ^ digest >> 32;
}

/* Of the text so far. */
static uint64_t digest_end(const struct astm_link *l)
{
    return digest_word(l->digest, l->word | (uint64_t)(8 - l->word_n) << 56); /* fewer than eight bytes: the highest is free */
}

static void add_byte(struct astm_link *l, uint8_t c)
{
    l->sum = (uint8_t)(l->sum + c);
    l->word |= (uint64_t)c << (8 * l->word_n);
    if (++l->word_n == 8) {
        l->digest = digest_word(l->digest, l->word);
        l->word = 0;
        l->word_n = 0;
    }
}

/* Takes whole words without a byte below 0x18 into sum and digest: how many bytes. */
static size_t add_words(struct astm_link *l, const uint8_t *p, size_t n)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t digest = l->digest;
    uint64_t sum = l->sum;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        w = le64toh(w);
        if (((w - 0x18 * EACH_BYTE) & ~w & 0x80 * EACH_BYTE) != 0)
            break;
        digest = digest_word(digest, w);
        sum += ((w & even) + (w >> 8 & even)) * UINT64_C(0x0001000100010001) >> 48;
    }
    l->digest = digest;
    l->sum = (uint8_t)sum;
    return i;
}

/* Takes text up to the next control byte: how many bytes. */
static size_t add_text(struct astm_link *l, struct span in)
{
    size_t n = 0;
    while (n < in.n) {
        if (l->word_n == 0)
            n += add_words(l, in.p + n, in.n - n);
        if (n == in.n || is_control(in.p[n]))
            break;
        add_byte(l, in.p[n++]);
    }
    return n;
}

static void begin_text(struct astm_link *l, uint8_t sum)
{
    l->sum = sum;
    l->digest = DIGEST_START;
    l->word = 0;
    l->word_n = 0;
    l->first_n = 0;
    l->record = false;
    l->state = ASTM_LINK_TEXT;
}

/* The byte behind STX: a number; or the first record's type, where the sender does not number its frames. */
static enum astm_event number(struct astm_link *l, struct span *in)
{
    uint8_t c = in->p[0];
    l->bare = is_letter(c);
    if (c >= '0' && c <= '7') {
        l->number = c - '0';
        begin_text(l, c);
    } else if (l->bare) {
        l->first[0] = c;
        l->state = ASTM_LINK_LETTER;
    } else if (c != 0 && c != '\r' && c != '\n') { /* some send STX as a line of its own */
        return damaged(l);
    }
    (void)span_skip(in, 1);
    return ASTM_MORE;
}

/* A letter behind STX was a record's type when a delimiter follows it: it is text. */
static enum astm_event letter(struct astm_link *l, struct span *in, struct span *ret)
{
    if (!is_record_start(l->first[0], in->p[0]))
        return damaged(l);
    begin_text(l, l->first[0]);
    l->word = l->first[0];
    l->word_n = 1;
    l->first_n = 1;
    *ret = span_of(l->first, 1);
    return ASTM_TEXT;
}

static enum astm_event text(struct astm_link *l, struct span *in, struct span *ret)
{
    size_t n = add_text(l, *in);
    for (size_t i = 0; i < n && l->first_n < 2; i++) {
        l->first[l->first_n++] = in->p[i];
        l->record = l->first_n == 2 && is_record_start(l->first[0], l->first[1]);
    }
    if (n > 0) {
        *ret = span_take(in, n);
        return ASTM_TEXT;
    }
    uint8_t c = in->p[0];
    if (c != ETX && c != ETB)
        return damaged(l); /* the control byte is read again from the neutral state */
    (void)span_skip(in, 1);
    l->sum = (uint8_t)(l->sum + c);
    l->last_of_message = c == ETX;
    l->state = ASTM_LINK_SUM1;
    return ASTM_MORE;
}

/* The frame arrived well: new, or the last one again? */
static enum astm_event accepted(struct astm_link *l)
{
    uint8_t last = (l->expected + 7) & 7;
    l->state = ASTM_LINK_CR;
    l->out_of_order = false;
    uint64_t digest = digest_end(l);
    bool again = digest == l->last_digest;
    if (l->bare) {
        l->last_digest = digest;
        return again ? ASTM_FRAME_REPEAT : ASTM_FRAME_GOOD;
    }
    if (l->number_known && l->number != l->expected) {
        if (l->number == last && again)
            return ASTM_FRAME_REPEAT;
        l->out_of_order = true;
    }
    l->number_known = true;
    l->expected = (l->number + 1) & 7;
    l->last_digest = digest;
    return ASTM_FRAME_GOOD;
}

/* Both digits are read. */
static enum astm_event verdict(struct astm_link *l)
{
    l->state = ASTM_LINK_CR;
    if (l->claimed != l->sum)
        return ASTM_FRAME_DAMAGED;
    l->summed = true;
    return accepted(l);
}

/* Does this sender leave checksums out, as far as it is known? */
static bool unsummed(const struct astm_link *l)
{
    return !l->summed && (l->bare || l->record || l->unsummed);
}

static enum astm_event sum_digit(struct astm_link *l, struct span *in)
{
    int digit = hex_digit(in->p[0]);
    if (in->p[0] < 0x20 && l->state == ASTM_LINK_SUM1 && unsummed(l)) {
        l->unsummed = true;
        return accepted(l);
    }
    if (digit < 0)
        return damaged(l);
    (void)span_skip(in, 1);
    if (l->state == ASTM_LINK_SUM1) {
        l->claimed = (uint8_t)(digit << 4);
        l->state = ASTM_LINK_SUM2;
        return ASTM_MORE;
    }
    l->claimed |= (uint8_t)digit;
    return verdict(l);
}

/* CR and LF behind a frame, each optional. */
static void tail(struct astm_link *l, struct span *in)
{
    uint8_t c = in->p[0];
    bool cr = c == '\r' && l->state == ASTM_LINK_CR;
    bool lf = c == '\n';
    l->tail_missing = !cr && !(lf && l->state == ASTM_LINK_LF);
    l->state = cr ? ASTM_LINK_LF : ASTM_LINK_IDLE;
    if (cr || lf)
        (void)span_skip(in, 1);
}

enum astm_event astm_link_next(struct astm_link *l, struct span *in, struct span *ret)
{
    while (in->n > 0) {
        enum astm_event event = ASTM_MORE;
        switch (l->state) {
        case ASTM_LINK_IDLE: return idle(l, in, ret);
        case ASTM_LINK_NUMBER: event = number(l, in); break;
        case ASTM_LINK_LETTER: event = letter(l, in, ret); break;
        case ASTM_LINK_TEXT: event = text(l, in, ret); break;
        case ASTM_LINK_SUM1:
        case ASTM_LINK_SUM2: event = sum_digit(l, in); break;
        case ASTM_LINK_CR:
        case ASTM_LINK_LF: tail(l, in); break;
        }
        if (event != ASTM_MORE)
            return event;
    }
    return ASTM_MORE;
}

static bool frame_open(const struct astm_link *l)
{
    return l->state >= ASTM_LINK_NUMBER && l->state <= ASTM_LINK_SUM2;
}

bool astm_link_gap(struct astm_link *l)
{
    bool open = frame_open(l);
    l->state = ASTM_LINK_IDLE;
    l->number_known = false;
    return open;
}

enum astm_event astm_link_close(struct astm_link *l)
{
    enum astm_event event = ASTM_MORE;
    if (l->state == ASTM_LINK_SUM1 && unsummed(l))
        event = accepted(l);
    else if (frame_open(l))
        event = ASTM_FRAME_DAMAGED;
    l->state = ASTM_LINK_IDLE;
    return event;
}
