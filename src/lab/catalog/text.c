#include "lab/catalog/catalog_private.h"

static bool left_out(uint8_t c)
{
    return c == ' ' || c == '-' || c == '_';
}

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'z') || c >= 0x80;
}

struct span catalog_trim(struct span s)
{
    while (s.n > 0 && s.p[0] <= ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

struct span catalog_word(struct span *rest)
{
    struct span word = span_until(rest, ' ', NULL);
    *rest = catalog_trim(*rest);
    return word;
}

bool catalog_one_of(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(text, list[i]))
            return true;
    return false;
}

static bool one_fits(uint8_t pattern, uint8_t c)
{
    return pattern == '#' ? is_digit(c) : fold(pattern) == fold(c);
}

/* A star behind a digit must not go on with one: BC-20* is BC-20s and BC-20 2, not BC-2000. */
static bool goes_on(struct span pattern, size_t star, struct span text, size_t t)
{
    return star > 0 && t < text.n && is_digit(text.p[t]) && (is_digit(pattern.p[star - 1]) || pattern.p[star - 1] == '#');
}

/* Two places and the last star: linear but for the text behind it. */
bool catalog_glob(struct span pattern, struct span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, again = 0;
    for (;;) {
        while (p < pattern.n && left_out(pattern.p[p]))
            p++;
        bool parted = t < text.n && left_out(text.p[t]);
        while (t < text.n && left_out(text.p[t]))
            t++;
        if (p < pattern.n && pattern.p[p] == '*' && (parted || !goes_on(pattern, p, text, t))) {
            star = p++;
            again = t;
        } else if (p < pattern.n && t < text.n && pattern.p[p] != '*' && one_fits(pattern.p[p], text.p[t])) {
            p++;
            t++;
        } else if (p == pattern.n && t == text.n) {
            return true;
        } else if (star != SIZE_MAX && again < text.n) {
            p = star + 1;
            t = ++again;
        } else {
            return false;
        }
    }
}

/* Takes name from the front of *text. */
static bool take_front(struct span *text, struct span name)
{
    size_t t = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (left_out(name.p[i]))
            continue;
        while (t < text->n && left_out(text->p[t]))
            t++;
        if (t == text->n || fold(text->p[t]) != fold(name.p[i]))
            return false;
        t++;
    }
    return span_skip(text, t);
}

static bool take_back(struct span *text, struct span name)
{
    size_t t = text->n;
    for (size_t i = name.n; i > 0; i--) {
        if (left_out(name.p[i - 1]))
            continue;
        while (t > 0 && left_out(text->p[t - 1]))
            t--;
        if (t == 0 || fold(text->p[t - 1]) != fold(name.p[i - 1]))
            return false;
        t--;
    }
    text->n = t;
    return true;
}

bool catalog_begins(struct span text, struct span name, struct span *ret_rest)
{
    struct span rest = text;
    if (name.n == 0 || !take_front(&rest, name) || (rest.n > 0 && is_word(rest.p[0])))
        return false;
    while (rest.n > 0 && !is_word(rest.p[0]))
        (void)span_skip(&rest, 1);
    *ret_rest = catalog_trim(rest);
    return true;
}

bool catalog_is_token(struct span s)
{
    if ((s.n != 18 && s.n != 34) || s.p[1] != '-' || s.p[0] < 'A' || s.p[0] > 'Z')
        return false;
    for (size_t i = 2; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '2' && s.p[i] <= '7'))
            return false;
    return true;
}

/* ── first letters ── */

#define ANY_INITIAL UINT64_MAX

static uint64_t initial(uint8_t c)
{
    return UINT64_C(1) << (fold(c) & 63);
}

uint64_t catalog_initials_of_text(struct span text)
{
    uint64_t set = 0;
    bool inside = false;
    for (size_t i = 0; i < text.n; i++) {
        if (is_word(text.p[i]) && !inside)
            set |= initial(text.p[i]);
        inside = is_word(text.p[i]);
    }
    return set;
}

uint64_t catalog_initials_of_pattern(struct span pattern)
{
    while (pattern.n > 0 && left_out(pattern.p[0]))
        (void)span_skip(&pattern, 1);
    return pattern.n > 0 && is_word(pattern.p[0]) ? initial(pattern.p[0]) : ANY_INITIAL;
}

/* ── forms ── */

/* One component of a form: text before and behind a capture "<name>" or "<name:glob>"; without a capture `before` is a glob. */
struct part {
    bool captures;
    struct span before, name, glob, behind;
};

static struct part part_of(struct span text)
{
    struct part p = {.before = text};
    size_t open = span_find(&text, '<');
    size_t close = span_find(&text, '>');
    if (open == text.n || close == text.n || close < open)
        return p;
    struct span inner = span_of(text.p + open + 1, close - open - 1);
    bool more;
    p.captures = true;
    p.before = span_of(text.p, open);
    p.behind = span_of(text.p + close + 1, text.n - close - 1);
    p.name = span_until(&inner, ':', &more);
    p.glob = more ? inner : SPAN_LIT("*");
    return p;
}

static void keep_fixed(struct catalog_form *f, struct span text)
{
    if (f->fixed_n < sizeof f->fixed / sizeof f->fixed[0])
        f->fixed[f->fixed_n++] = text;
}

static bool part_fits(const struct part *p, struct span text, struct catalog_form *f)
{
    text = catalog_trim(text);
    if (!p->captures) {
        if (p->before.n > 0 && (catalog_is_token(text) || !catalog_glob(p->before, text)))
            return false;
        if (p->before.n > 0)
            keep_fixed(f, text);
        f->strength += p->before.n > 0;
        return true;
    }
    struct span whole = text;
    bool model = span_is(p->name, "model");
    if (catalog_is_token(text) ? p->before.n + p->behind.n > 0 || p->glob.n > 1 || model
                               : !take_front(&text, p->before) || !take_back(&text, p->behind))
        return false;
    text = catalog_trim(text);
    if (!catalog_glob(p->glob, text) || (model && text.n == 0))
        return false;
    if (p->before.n + p->behind.n > 0 || model)
        keep_fixed(f, whole);
    if (model)
        f->model = text;
    else if (span_is(p->name, "serial"))
        f->serial = text;
    else if (span_is(p->name, "software"))
        f->software = text;
    f->strength += text.n > 0 && !span_is(p->name, "any");
    return true;
}

bool catalog_form_fits(struct span form, const struct span *said, size_t n, struct span behind, struct catalog_form *ret)
{
    struct catalog_form f = {0};
    bool second = false;
    bool more = true;
    struct span first = span_until(&form, '|', &second);
    for (size_t i = 0; more; i++) {
        struct part p = part_of(span_until(&first, '^', &more));
        if (!part_fits(&p, i < n ? said[i] : (struct span){0}, &f))
            return false;
    }
    struct part p = part_of(form);
    if (second && !part_fits(&p, behind, &f))
        return false;
    *ret = f;
    return f.strength > 0;
}

uint64_t catalog_initials_of_form(struct span form)
{
    bool second = false;
    struct span first = span_until(&form, '|', &second);
    for (bool more = true; more;) {
        struct part p = part_of(span_until(&first, '^', &more));
        struct span fixed = p.before.n > 0 ? p.before : p.captures ? p.glob : (struct span){0};
        uint64_t set = catalog_initials_of_pattern(fixed);
        if (fixed.n > 0 && set != ANY_INITIAL)
            return set;
    }
    return ANY_INITIAL;
}

static const char *part_flaw(struct span text, bool *fixed)
{
    size_t opens = 0;
    size_t closes = 0;
    for (size_t i = 0; i < text.n; i++) {
        opens += text.p[i] == '<';
        closes += text.p[i] == '>';
    }
    struct part p = part_of(text);
    if (opens != closes || opens > 1 || (opens == 1 && !p.captures))
        return "expected one <name> or <name:pattern> a component";
    static const char *const names[] = {"any", "model", "serial", "software"};
    if (p.captures && !catalog_one_of(p.name, names, sizeof names / sizeof names[0]))
        return "expected <any>, <model>, <serial> or <software>";
    if (p.captures && (span_find(&p.before, '*') < p.before.n || span_find(&p.behind, '*') < p.behind.n))
        return "* stands inside <…>, or alone";
    for (size_t i = 0; i < text.n && !p.captures; i++)
        *fixed = *fixed || is_word(text.p[i]);
    for (size_t i = 0; i < p.glob.n && p.captures; i++)
        *fixed = *fixed || is_word(p.glob.p[i]);
    *fixed = *fixed || (p.captures && p.before.n + p.behind.n > 0);
    return NULL;
}

const char *catalog_form_flaw(struct span form, size_t *ret_at)
{
    const uint8_t *start = form.p;
    bool fixed = false;
    bool second = false;
    size_t parts = 0;
    struct span first = span_until(&form, '|', &second);
    for (bool more = true; more; parts++) {
        *ret_at = (size_t)(first.p - start);
        const char *flaw = part_flaw(span_until(&first, '^', &more), &fixed);
        if (flaw == NULL && parts == CATALOG_SAID_PARTS)
            flaw = "too many components; at most 12";
        if (flaw != NULL)
            return flaw;
    }
    *ret_at = (size_t)(form.p - start);
    const char *flaw = second ? part_flaw(form, &fixed) : NULL;
    if (flaw != NULL)
        return flaw;
    *ret_at = 0;
    return fixed ? NULL : "expected at least one fixed text: a form of captures fits everything";
}

size_t catalog_mac_nibbles(struct span text, uint8_t ret[12])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = fold(text.p[i]);
        if (c == '-' || c == ':')
            continue;
        if (n == 12 || !(is_digit(c) || (c >= 'a' && c <= 'f')))
            return 0;
        ret[n++] = (uint8_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return n;
}
