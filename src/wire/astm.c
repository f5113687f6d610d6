#include "wire/astm.h"

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool astm_delims(struct span header, struct hl7_delims *ret)
{
    if (header.n < 5 || (header.p[0] != 'H' && header.p[0] != 'h'))
        return false;
    const uint8_t *p = header.p + 1;
    struct hl7_delims d = {.field = p[0], .repetition = p[1], .component = p[2], .escape = p[3], .sub = 0};
    const uint8_t all[4] = {d.field, d.repetition, d.component, d.escape};
    for (size_t i = 0; i < 4; i++) {
        if (all[i] <= 0x20 || all[i] >= 0x7f || is_letter_or_digit(all[i]))
            return false;
        for (size_t j = 0; j < i; j++)
            if (all[i] == all[j])
                return false;
    }
    if (header.n > 5 && header.p[5] != d.field)
        return false;
    *ret = d;
    return true;
}

static bool is_filler(uint8_t c)
{
    return c == '\n' || c == 0 || c == ' ';
}

bool astm_record(struct span *rest, struct span *ret)
{
    while (rest->n > 0) {
        struct span record = span_until(rest, '\r', NULL);
        while (record.n > 0 && is_filler(record.p[0]))
            (void)span_skip(&record, 1);
        while (record.n > 0 && is_filler(record.p[record.n - 1]))
            record.n--;
        if (record.n > 0) {
            span_put(ret, record);
            return true;
        }
    }
    return false;
}

size_t astm_fields(const struct hl7_delims *d, struct span record, struct span *out, size_t max)
{
    out[0] = (struct span){0};
    size_t n = 1 + span_split(record, d->field, out + 1, max - 1);
    for (size_t i = n; i < max; i++)
        out[i] = (struct span){0};
    return n;
}

uint8_t astm_type(const struct hl7_delims *d, struct span record)
{
    if (record.n == 0 || (record.n > 1 && record.p[1] != d->field))
        return 0;
    uint8_t c = record.p[0];
    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    return c >= 'A' && c <= 'Z' ? c : 0;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && s.p[0] == ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_of(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += is_digit(s.p[i]);
    return n;
}

/* 00-22, 4.8, V2.1, Dx4.8 */
static bool looks_like_version(struct span s)
{
    if (s.n > 0 && is_digit(s.p[0]))
        return span_find(&s, '.') < s.n || span_find(&s, '-') < s.n;
    size_t letters = 0;
    while (letters < s.n && letters < 3 && is_letter_or_digit(s.p[letters]) && !is_digit(s.p[letters]))
        letters++;
    return letters > 0 && letters < 3 && letters < s.n && is_digit(s.p[letters]) && span_find(&s, '.') < s.n;
}

/* A second component that is a number and no model: "ACCESS^500123", "name^serial^version"; a single digit is a number of the line. */
static bool looks_like_serial(struct span second, struct span third)
{
    size_t digits = digits_of(second);
    return (digits == second.n && (digits > 4 || digits == 1)) || (digits > 4 && looks_like_version(third));
}

void astm_sender(const struct hl7_delims *d, struct span field, struct astm_sender *ret)
{
    struct span part[7];
    size_t n = 0;
    bool more = true;
    for (struct span rest = field; more && n < 7; n++)
        part[n] = trim(span_until(&rest, d->component, &more));
    for (size_t i = n; i < 7; i++)
        part[i] = (struct span){0};
    *ret = (struct astm_sender){.model = part[0]};
    if (n >= 6 && looks_like_version(part[3]) && part[2].n > 0) {
        *ret = (struct astm_sender){.maker = part[1], .model = part[2], .software = part[3], .serial = part[5]};
    } else if (looks_like_version(part[1])) {
        ret->software = part[1];
        ret->serial = part[2].n > 0 ? part[2] : part[5];
    } else if (part[1].n > 0 && looks_like_serial(part[1], part[2])) {
        ret->serial = part[1].n > 1 ? part[1] : (struct span){0};
        ret->software = looks_like_version(part[2]) ? part[2] : (struct span){0};
    } else if (part[1].n > 0) {
        *ret = (struct astm_sender){.maker = part[0], .model = part[1], .serial = part[2]};
        if (looks_like_version(part[2])) { /* "maker^model^version^serial", "maker^model^V1.0", "place^model^1.0" */
            ret->software = part[2];
            ret->serial = part[3];
            if (part[3].n == 0 && (part[2].p[0] | 0x20) != 'v')
                ret->maker = (struct span){0};
        }
    } else {
        ret->serial = part[2];
    }
}

void astm_test(const struct hl7_delims *d, struct span field, struct span *ret_code, struct span *ret_text)
{
    struct span first = hl7_part(field, d->repetition, 1);
    struct span parts[5] = {0};
    (void)span_split(first, d->component, parts, 5);
    *ret_code = trim(parts[3]);
    *ret_text = (struct span){0};
    if (ret_code->n > 0) {
        *ret_text = trim(parts[4]);
        return;
    }
    struct span rest = first;
    bool more = true;
    for (size_t i = 1; more; i++) {
        struct span part = trim(span_until(&rest, d->component, &more));
        if (part.n > 0 && (ret_code->n == 0 || i > 4))
            *ret_code = part;
        if (i > 4 && ret_code->n > 0 && part.n > 0)
            break;
    }
}

static bool is_place(struct span s, size_t most)
{
    bool digits = s.n > 0 && s.n <= most;
    for (size_t i = 0; digits && i < s.n; i++)
        digits = s.p[i] >= '0' && s.p[i] <= '9';
    return digits;
}

struct span astm_specimen(const struct hl7_delims *d, struct span field)
{
    struct span part[4] = {0};
    size_t n = span_split(hl7_part(field, d->repetition, 1), d->component, part, 4);
    bool behind = n > 2 && is_place(trim(part[0]), 6) && is_place(trim(part[1]), 3) && part[2].n > part[0].n && trim(part[2]).n > 0;
    return behind ? trim(part[2]) : astm_first_component(d, field);
}

struct span astm_first_component(const struct hl7_delims *d, struct span field)
{
    struct span rest = hl7_part(field, d->repetition, 1);
    bool more = rest.n > 0;
    while (more) {
        struct span part = trim(span_until(&rest, d->component, &more));
        if (part.n > 0)
            return part;
    }
    return (struct span){0};
}
