#include "engine/result/unit.h"

#define TEXT_MAX 32

/* What stands in a unit, as bytes: letters in lower case, no spaces and brackets, powers behind a star. */
struct plain {
    uint8_t text[TEXT_MAX];
    size_t n;
    bool capital_first; /* the first letter was a capital */
    bool any_small;     /* some letter was not */
};

/* The letters of other scripts that units are written with; how many bytes of s they take (0: it is none), and what they become. */
static size_t other_letter(struct span s, const char **ret)
{
    static const struct {
        const char *utf8;
        const char *becomes;
    } letters[] = {{"\xc2\xb5", "u"},      {"\xce\xbc", "u"},           {"\xc2\xb2", "*2"}, {"\xc2\xb3", "*3"}, {"\xe2\x81\xb6", "*6"},
                   {"\xe2\x81\xb9", "*9"}, {"\xc2\xb9\xc2\xb2", "*12"}, {"\xc3\x97", ""},   {"\xc2\xb0", ""}};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        size_t n = strlen(letters[i].utf8);
        if (s.n >= n && memcmp(s.p, letters[i].utf8, n) == 0) {
            *ret = letters[i].becomes;
            return n;
        }
    }
    return 0;
}

static void put(struct plain *p, uint8_t c)
{
    if (p->n < TEXT_MAX)
        p->text[p->n++] = c;
}

static struct plain plain_of(struct span s)
{
    struct plain p = {.n = 0};
    while (s.n > 0) {
        const char *becomes = NULL;
        size_t other = s.p[0] >= 0x80 ? other_letter(s, &becomes) : 0;
        uint8_t c = s.p[0];
        for (const char *b = becomes; b != NULL && *b != 0; b++)
            put(&p, (uint8_t)*b);
        (void)span_skip(&s, other > 0 ? other : 1);
        if (other > 0)
            continue;
        bool capital = c >= 'A' && c <= 'Z';
        if (p.n == 0)
            p.capital_first = capital;
        p.any_small = p.any_small || (c >= 'a' && c <= 'z');
        if (c == '^' || c == '*') {
            if (p.n > 0 && p.text[p.n - 1] != '*')
                put(&p, '*');
        } else if (c != 0 && strchr(" []{}()_", c) == NULL) {
            put(&p, capital ? (uint8_t)(c | 0x20) : c);
        }
    }
    return p;
}

enum base {
    BASE_NONE,
    BASE_ONE,
    BASE_GRAM,
    BASE_MOLE,
    BASE_EQUIVALENT,
    BASE_UNIT,
    BASE_KATAL,
    BASE_LITRE,
    BASE_SECOND,
    BASE_PASCAL,
    BASE_MERCURY,
    BASE_OSMOLE
};

static const struct {
    const char *text;
    uint8_t base;
    int power;
} wholes[] = {
    /* words whose first letter is no prefix; before the bases that prefixes go with */
    {"%", BASE_ONE, -2},     {"percent", BASE_ONE, -2}, {"pct", BASE_ONE, -2},    {"ratio", BASE_ONE, 0},      {"1", BASE_ONE, 0},
    {"cells", BASE_ONE, 0},  {"cell", BASE_ONE, 0},     {"#", BASE_ONE, 0},       {"mm3", BASE_LITRE, -6},     {"mm*3", BASE_LITRE, -6},
    {"cmm", BASE_LITRE, -6}, {"cumm", BASE_LITRE, -6},  {"cc", BASE_LITRE, -3},   {"cm3", BASE_LITRE, -3},     {"cm*3", BASE_LITRE, -3},
    {"mcl", BASE_LITRE, -6}, {"mcg", BASE_GRAM, -6},    {"mcmol", BASE_MOLE, -6}, {"gm", BASE_GRAM, 0},        {"mmhg", BASE_MERCURY, 0},
    {"mm", BASE_NONE, 0},    {"sec", BASE_SECOND, 0},   {"secs", BASE_SECOND, 0}, {"seconds", BASE_SECOND, 0}, {"min", BASE_NONE, 0},
    {"100wbc", BASE_ONE, 2}, {"100wbcs", BASE_ONE, 2},  {"inr", BASE_ONE, 0},     {"ph", BASE_ONE, 0},
};

static const struct {
    const char *text;
    uint8_t base;
} bases[] = {
    {"g", BASE_GRAM},    {"mol", BASE_MOLE}, {"eq", BASE_EQUIVALENT}, {"val", BASE_EQUIVALENT}, {"iu", BASE_UNIT},    {"u", BASE_UNIT},
    {"kat", BASE_KATAL}, {"l", BASE_LITRE},  {"s", BASE_SECOND},      {"pa", BASE_PASCAL},      {"osm", BASE_OSMOLE}, {"osmol", BASE_OSMOLE},
};

static bool prefix_power(uint8_t c, int *ret)
{
    static const char letters[] = "khdcmunpf";
    static const int of[] = {3, 2, -1, -2, -3, -6, -9, -12, -15};
    const char *hit = c == 0 ? NULL : strchr(letters, c);
    if (hit == NULL)
        return false;
    *ret = of[hit - letters];
    return true;
}

static bool same(struct span s, const char *text)
{
    return span_is(s, text);
}

/* One side of the slash: a power of ten, a prefix and a base. */
static bool read_side(struct span s, uint8_t *ret_base, int *ret_power)
{
    int power = 0;
    *ret_power = 0;
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++)
        if (same(s, wholes[i].text)) {
            *ret_base = wholes[i].base;
            *ret_power = wholes[i].power;
            return wholes[i].base != BASE_NONE;
        }
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        if (same(s, bases[i].text)) {
            *ret_base = bases[i].base;
            return true;
        }
    if (s.n < 2 || !prefix_power(s.p[0], &power))
        return false;
    struct span rest = span_of(s.p + 1, s.n - 1);
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        if (same(rest, bases[i].text)) {
            *ret_base = bases[i].base;
            *ret_power = power;
            return true;
        }
    return false;
}

/* "10*3", "x10e3", "103" (what became of 10³), "thou", "k", "m", "mill": how many are counted. False: it is no count. */
static bool read_count(struct span s, bool capital, int *ret)
{
    static const struct {
        const char *text;
        int power;
    } words[] = {{"", 0}, {"k", 3}, {"thou", 3}, {"thous", 3}, {"thousand", 3}, {"m", 6}, {"mil", 6}, {"mill", 6}, {"million", 6}, {"t", 12}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (same(s, words[i].text)) {
            *ret = words[i].power;
            return true;
        }
    if (same(s, "g") && capital) {
        *ret = 9;
        return true;
    }
    if (span_peek(&s, 0) == 'x' || span_peek(&s, 0) == '*')
        (void)span_skip(&s, 1);
    if (s.n < 3 || s.p[0] != '1' || s.p[1] != '0')
        return false;
    (void)span_skip(&s, 2);
    if (s.p[0] == '*' || s.p[0] == 'e')
        (void)span_skip(&s, 1);
    if (span_peek(&s, 0) == '+')
        (void)span_skip(&s, 1);
    uint64_t v = 0;
    if (s.n == 0 || !span_decimal(s, 12, &v))
        return false;
    *ret = (int)v;
    return true;
}

/* A unit that is not taken apart is equal to the same letters only. */
static struct unit strange(const struct plain *p)
{
    uint32_t h = 2166136261U; /* FNV-1a: nothing an attacker could gain by a collision but two equal units */
    for (size_t i = 0; i < p->n; i++)
        h = (h ^ p->text[i]) * 16777619U;
    return (struct unit){.dimension = h | UNIT_STRANGE};
}

struct unit unit_read(struct span text)
{
    struct plain p = plain_of(text);
    uint8_t above = BASE_ONE;
    uint8_t below = BASE_ONE;
    int up = 0;
    int down = 0;
    if (p.n == 0)
        return (struct unit){0};
    struct span rest = span_of(p.text, p.n);
    size_t slash = span_find(&rest, '/');
    struct span first = span_of(rest.p, slash);
    struct span second = slash < rest.n ? span_of(rest.p + slash + 1, rest.n - slash - 1) : (struct span){0};
    /* "G/L" in capitals alone is 10^9 a litre; "MG/DL" is an analyzer that has no small letters */
    bool count = slash < rest.n && read_count(first, p.capital_first && same(rest, "g/l") && !p.any_small, &up);
    if (!count && !read_side(first, &above, &up))
        return strange(&p);
    if (slash < rest.n && !read_side(second, &below, &down))
        return strange(&p);
    if (above == BASE_LITRE && below == BASE_LITRE) /* L/L is a fraction */
        above = below = BASE_ONE;
    return (struct unit){.dimension = above | (uint32_t)below << 8, .power = (int16_t)(up - down)};
}

double unit_factor(struct unit from, struct unit to)
{
    const uint32_t activity = BASE_UNIT | BASE_LITRE << 8;
    const uint32_t katal = BASE_KATAL | BASE_LITRE << 8;
    const uint32_t mercury = BASE_MERCURY | BASE_ONE << 8;
    const uint32_t pascal = BASE_PASCAL | BASE_ONE << 8;
    double f = 1.0;
    if (from.dimension != to.dimension) {
        if (from.dimension == activity && to.dimension == katal)
            f = 1e-6 / 60;
        else if (from.dimension == katal && to.dimension == activity)
            f = 60e6;
        else if (from.dimension == mercury && to.dimension == pascal)
            f = 133.322;
        else if (from.dimension == pascal && to.dimension == mercury)
            f = 1 / 133.322;
        else
            return 0;
    }
    int power = from.power - to.power;
    for (; power > 0; power--)
        f *= 10;
    for (; power < 0; power++)
        f /= 10;
    return f;
}
