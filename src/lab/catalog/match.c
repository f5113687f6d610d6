/* What a device says and shows → which entries of the catalog it may be.
 *
 * Each entry is judged by itself against all evidence; then candidates that rest on the same word are settled among each other. What the numbers
 * mean: docs/formats/catalog.md, "Confidence". */
#include "lab/catalog/catalog_private.h"

enum {
    FORM = 95,       /* the maker's form, with more than one part of it */
    FORM_BARE = 85,  /* the maker's form, which is one name only */
    BOTH = 80,       /* maker and model in its own words */
    SHOWN = 80,      /* a service shows the model */
    MODEL_ONLY = 70, /* a name that only this model has */
    MAKER_ONLY = 65,
    NAME_ONLY = 55, /* most that an unverified entry gets */
    MAC_PORT = 50,
    HOST = 45,
    FACILITY = 45, /* a maker's name as MSH-4, which a site sets */
    MAC = 40,
    MOST = 99,
};
#define SECOND_HAND_LESS 10
#define COLLIDES_LESS 15
#define MAC_MORE 3
#define MAC_LESS 5
#define CANDIDATES 24 /* before they are settled */
#define NONE SIZE_MAX

struct judged {
    struct catalog_candidate k;
    struct span from; /* the word that it rests on; empty: none */
    size_t piece;     /* the piece that it rests on, or NONE */
    bool form;        /* by the maker's form */
    size_t strength;
};

/* The texts of a piece of a lab protocol, in the order in which they stand. */
struct words {
    size_t n;
    size_t said; /* how many of them are the header's own; behind them what a site sets */
    struct span word[CATALOG_SAID_PARTS + 2];
    bool name[CATALOG_SAID_PARTS + 2]; /* it may be one: no token, no number, no version */
    struct span protocol;              /* empty: not of a lab protocol */
};

struct question {
    const struct catalog *c;
    const struct catalog_evidence *evidence;
    size_t mac_of[CATALOG_PIECES]; /* the maker's entry of each piece's MAC address, or NONE */
    struct span mac_block[CATALOG_PIECES];
    size_t n; /* pieces */
    struct words words[CATALOG_PIECES];
    uint64_t initials; /* of all texts */
};

/* ── what a piece is ── */

static struct span protocol_of(struct span source)
{
    return span_is(source, "astm.h")       ? SPAN_LIT("astm")
           : span_is(source, "hl7.msh")    ? SPAN_LIT("hl7")
           : span_is(source, "poct1a.hel") ? SPAN_LIT("poct1a")
                                           : (struct span){0};
}

/* A word that may be a name: no token, no number, no version. */
static bool is_name(struct span s)
{
    if (s.n < 2 || catalog_is_token(s))
        return false;
    size_t letters = 0;
    for (size_t i = 0; i < s.n; i++)
        letters += (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] >= 0x80;
    return letters >= 2;
}

/* Returns the initials of all texts of the piece. */
static uint64_t words_of(const struct catalog_piece *p, struct words *w)
{
    w->n = 0;
    w->protocol = protocol_of(p->source);
    for (size_t i = 0; i < p->said_n; i++)
        w->word[w->n++] = p->said[i];
    if (p->said_n == 0) {
        w->word[w->n++] = p->maker;
        w->word[w->n++] = p->model;
    }
    w->said = w->n;
    w->word[w->n++] = p->facility;
    for (size_t i = 0; i < w->n; i++)
        w->name[i] = is_name(w->word[i]);
    uint64_t initials = 0;
    for (size_t i = 0; i < w->n; i++)
        initials |= catalog_initials_of_text(w->word[i]);
    return initials | catalog_initials_of_text(p->maker) | catalog_initials_of_text(p->model) | catalog_initials_of_text(p->software) |
           catalog_initials_of_text(p->hostname);
}

static bool has_digit(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            return true;
    return false;
}

/* ── names of an entry ── */

/* Whether the text is a name of the maker, or else begins with one. */
static bool says_maker(const struct question *q, size_t maker, struct span text, struct span *ret_rest)
{
    bool begins = false;
    const struct catalog_entry *entry = &q->c->entries[maker];
    for (;; entry = &q->c->entries[entry->again]) {
        for (size_t j = 0; j < entry->lines; j++) {
            const struct catalog_line *line = &q->c->lines[entry->first + j];
            if (line->key != CATALOG_MAKER && line->key != CATALOG_NAME)
                continue;
            if (catalog_glob(line->value, text)) {
                *ret_rest = (struct span){0};
                return true;
            }
            begins = begins || catalog_begins(text, line->value, ret_rest);
        }
        if (entry->again == 0)
            return begins;
    }
}

enum named { NOT_NAMED, COMMONLY, STRONGLY };

static enum named says_model(const struct question *q, const struct catalog_entry *entry, struct span text)
{
    enum named best = NOT_NAMED;
    for (size_t i = 0; i < entry->lines && best != STRONGLY && text.n > 0; i++) {
        const struct catalog_line *line = &q->c->lines[entry->first + i];
        bool weak = line->key == CATALOG_COMMON_NAME || (line->key == CATALOG_MODEL && (!has_digit(line->value) || line->value.n < 4));
        if (line->key != CATALOG_NAME && line->key != CATALOG_COMMON_NAME && line->key != CATALOG_MODEL)
            continue;
        if (catalog_glob(line->value, text))
            best = weak && best == NOT_NAMED ? COMMONLY : weak ? best : STRONGLY;
    }
    return best;
}

static struct span line_of(const struct question *q, const struct catalog_entry *entry, enum catalog_key key)
{
    for (size_t i = 0; i < entry->lines; i++)
        if (q->c->lines[entry->first + i].key == key)
            return q->c->lines[entry->first + i].value;
    return (struct span){0};
}

/* ── a candidate in the making ── */

static void because(struct judged *j, enum catalog_reason_kind kind, struct span text, struct span source, struct span maker)
{
    struct catalog_candidate *k = &j->k;
    for (size_t i = 0; i < k->reasons_n; i++)
        if (k->reasons[i].kind == kind && span_equal(k->reasons[i].source, source) && catalog_glob(k->reasons[i].text, text))
            return;
    if (k->reasons_n < CATALOG_REASONS)
        k->reasons[k->reasons_n++] = (struct catalog_reason){.kind = kind, .text = text, .source = source, .maker = maker};
}

/* True where this is the best reason so far: the caller says what it gives. */
static bool better(struct judged *j, int confidence, struct span from, size_t piece)
{
    if (confidence <= j->k.confidence)
        return false;
    j->k.confidence = confidence;
    j->from = from;
    j->piece = piece;
    j->form = false;
    j->strength = 0;
    return true;
}

static void take(struct judged *j, struct span model, struct span serial, struct span software)
{
    if (model.n > 0 && !catalog_glob(j->k.entry->model, model))
        j->k.model = model;
    if (serial.n > 0)
        j->k.serial = serial;
    if (software.n > 0 && !catalog_glob(software, j->from)) /* a LIS that acknowledges: the sensor takes its name for its software */
        j->k.software = software;
}

static int worth(const struct catalog_entry *entry, int confidence)
{
    if (entry->sure == CATALOG_SECOND_HAND)
        confidence -= SECOND_HAND_LESS;
    return entry->sure == CATALOG_UNVERIFIED && confidence > NAME_ONLY ? NAME_ONLY : confidence;
}

/* Of the form's fixed texts the one that names the model, for people to read. */
static struct span telling(const struct question *q, const struct catalog_entry *entry, const struct catalog_form *f)
{
    for (size_t i = 0; i < f->fixed_n; i++)
        if (says_model(q, entry, f->fixed[i]) != NOT_NAMED)
            return f->fixed[i];
    return f->model.n > 0 ? f->model : f->fixed[0];
}

/* True where one fits. */
static bool by_forms(const struct question *q, const struct catalog_entry *entry, size_t piece, struct judged *j)
{
    bool any = false;
    const struct catalog_piece *p = &q->evidence->pieces[piece];
    struct span protocol = q->words[piece].protocol;
    for (size_t i = 0; i < entry->lines; i++) {
        const struct catalog_line *line = &q->c->lines[entry->first + i];
        struct span form = line->value;
        if (line->key != CATALOG_SAID || !span_equal(catalog_word(&form), protocol))
            continue;
        bool poct1a = span_is(protocol, "poct1a");
        struct catalog_form f;
        if (!catalog_form_fits(form, poct1a ? &p->maker : p->said, poct1a ? 1 : p->said_n, poct1a ? p->model : p->facility, &f))
            continue;
        any = true;
        because(j, CATALOG_BY_FORM, telling(q, entry, &f), p->source, (struct span){0});
        if (better(j, worth(entry, f.strength > 1 ? FORM : FORM_BARE), telling(q, entry, &f), piece)) {
            take(j, f.model, f.serial.n > 0 ? f.serial : p->serial, f.software.n > 0 ? f.software : p->software);
            j->form = true;
            j->strength = f.strength;
        }
    }
    return any;
}

/* Maker and model as words, wherever they stand; a model alone counts where no other name stands before it. */
static void by_words(const struct question *q, const struct catalog_entry *entry, size_t piece, struct judged *j)
{
    const struct catalog_piece *p = &q->evidence->pieces[piece];
    const struct words *w = &q->words[piece];
    struct span maker = {0};
    struct span model = {0};
    enum named named = NOT_NAMED;
    bool other = false; /* a name that is not this maker's stands before the model's */
    for (size_t i = 0; i < w->n; i++) {
        struct span rest = {0};
        if (w->word[i].n == 0)
            continue;
        bool is_maker = w->name[i] && says_maker(q, entry->of, w->word[i], &rest);
        enum named one = says_model(q, entry, w->word[i]);
        if (is_maker && one != STRONGLY) /* a word cannot be the maker's name and a common name too */
            one = says_model(q, entry, rest);
        if (is_maker && (rest.n == 0 || one != NOT_NAMED))
            maker = w->word[i];
        if (one > named) {
            named = one;
            model = rest.n > 0 ? rest : w->word[i];
        }
        if (!is_maker && one == NOT_NAMED && named == NOT_NAMED && (w->name[i] || catalog_is_token(w->word[i])))
            other = true;
    }
    if (named == NOT_NAMED || (maker.n == 0 && (other || named == COMMONLY)))
        return;
    if (maker.n > 0)
        because(j, CATALOG_BY_MAKER, maker, p->source, (struct span){0});
    because(j, CATALOG_BY_MODEL, model, p->source, (struct span){0});
    int confidence = maker.n > 0 ? BOTH : MODEL_ONLY;
    if (better(j, entry->sure == CATALOG_UNVERIFIED ? NAME_ONLY : confidence, model, piece)) {
        take(j, model, p->serial, p->software);
        j->strength = maker.n > 0 && maker.p != model.p; /* two words say more than one that is both */
    }
}

/* What services show. */
static void by_shown(const struct question *q, const struct catalog_entry *entry, size_t piece, struct judged *j)
{
    const struct catalog_piece *p = &q->evidence->pieces[piece];
    struct span none;
    if (is_name(p->maker) && says_maker(q, entry->of, p->maker, &none) && none.n == 0 && says_model(q, entry, p->model) != NOT_NAMED) {
        because(j, CATALOG_BY_SHOWS, p->model, p->source, (struct span){0});
        if (better(j, worth(entry, SHOWN), p->model, piece))
            take(j, p->model, p->serial, (struct span){0});
    }
    const struct span texts[] = {p->model, p->software, p->said_n > 0 ? p->said[0] : (struct span){0}};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct span rest;
        if (texts[t].n == 0 || catalog_is_token(texts[t]))
            continue;
        for (size_t i = 0; i < entry->lines; i++) {
            struct span pattern = q->c->lines[entry->first + i].value;
            if (q->c->lines[entry->first + i].key != CATALOG_SHOWS || !span_equal(catalog_word(&pattern), p->source) ||
                !catalog_glob(pattern, texts[t]))
                continue;
            because(j, CATALOG_BY_SHOWS, texts[t], p->source, (struct span){0});
            (void)better(j, worth(entry, SHOWN), texts[t], piece);
        }
        if (says_maker(q, entry->of, texts[t], &rest) && says_model(q, entry, rest) != NOT_NAMED) {
            because(j, CATALOG_BY_SHOWS, texts[t], p->source, (struct span){0});
            if (better(j, worth(entry, SHOWN), texts[t], piece))
                take(j, rest, (struct span){0}, (struct span){0});
        }
    }
}

static void by_hostname(const struct question *q, const struct catalog_entry *entry, size_t piece, struct judged *j)
{
    const struct catalog_piece *p = &q->evidence->pieces[piece];
    struct span rest;
    struct span head = p->hostname;
    struct span label = span_until(&head, '.', NULL);
    if (label.n < 4 || catalog_is_token(label))
        return;
    for (size_t i = 0; i < entry->lines; i++) {
        const struct catalog_line *line = &q->c->lines[entry->first + i];
        bool name = line->key == CATALOG_NAME || (line->key == CATALOG_MODEL && has_digit(line->value) && line->value.n >= 4);
        if (!name || !has_digit(line->value) || !(catalog_begins(label, line->value, &rest) || catalog_glob(line->value, label)))
            continue;
        because(j, CATALOG_BY_HOSTNAME, p->hostname, p->source, (struct span){0});
        (void)better(j, HOST, p->hostname, piece);
    }
}

/* ── network cards and ports ── */

static bool built_by(const struct question *q, const struct catalog_entry *entry, size_t maker)
{
    if (entry->of == maker)
        return true;
    for (size_t i = 0; i < entry->lines; i++)
        if (q->c->lines[entry->first + i].key == CATALOG_BUILT_BY && catalog_glob(q->c->entries[maker].maker, q->c->lines[entry->first + i].value))
            return true;
    return false;
}

static struct span port_of(const struct question *q, const struct catalog_entry *entry)
{
    for (size_t i = 0; i < entry->lines; i++) {
        struct span value = q->c->lines[entry->first + i].value;
        uint64_t port = 0;
        if (q->c->lines[entry->first + i].key != CATALOG_PORT)
            continue;
        struct span first = value;
        (void)span_decimal(catalog_word(&first), 65535, &port);
        for (size_t k = 0; k < q->evidence->ports_n; k++)
            if (q->evidence->ports[k] == port)
                return value;
    }
    return (struct span){0};
}

static void by_card(const struct question *q, const struct catalog_entry *entry, struct judged *j)
{
    bool agrees = false;
    size_t stranger = NONE;
    struct span port = entry->model.n > 0 ? port_of(q, entry) : (struct span){0};
    for (size_t i = 0; i < q->n; i++) {
        if (q->mac_of[i] == NONE)
            continue;
        if (!built_by(q, entry, q->mac_of[i])) {
            stranger = i;
            continue;
        }
        agrees = true;
        if (entry->model.n == 0)
            (void)better(j, MAC, (struct span){0}, NONE);
        else if (port.n > 0)
            (void)better(j, entry->sure == CATALOG_UNVERIFIED ? MAC : MAC_PORT, (struct span){0}, NONE);
        if (j->k.confidence > 0)
            because(j, CATALOG_BY_MAC, q->mac_block[i], (struct span){0}, q->c->entries[q->mac_of[i]].maker);
    }
    if (j->k.confidence == 0)
        return;
    if (agrees && j->k.confidence > MAC_PORT && entry->sure != CATALOG_UNVERIFIED)
        j->k.confidence += MAC_MORE;
    if (port.n > 0)
        because(j, CATALOG_BY_PORT, port, (struct span){0}, (struct span){0});
    if (!agrees && stranger != NONE) {
        j->k.confidence -= MAC_LESS;
        because(j, CATALOG_BUT_BEHIND, q->mac_block[stranger], (struct span){0}, q->c->entries[q->mac_of[stranger]].maker);
    }
}

/* ── a maker by itself ── */

/* The class that all its models share; empty: several. */
static struct span only_class(const struct question *q, size_t maker)
{
    struct span class = {0};
    for (size_t i = 0; i < q->c->entries_n; i++) {
        const struct catalog_entry *entry = &q->c->entries[i];
        if (entry->of != maker || entry->model.n == 0 || entry->replaced)
            continue;
        if (class.n > 0 && !span_equal(class, entry->class))
            return (struct span){0};
        class = entry->class;
    }
    return class;
}

static void maker_by_piece(const struct question *q, const struct catalog_entry *entry, size_t piece, struct judged *j)
{
    const struct catalog_piece *p = &q->evidence->pieces[piece];
    const struct words *w = &q->words[piece];
    struct span rest;
    bool lab = w->protocol.n > 0;
    for (size_t i = 0; lab && i < w->n; i++) { /* "MINDRAY BS-300" is a model of Mindray's, "Abbott Northwestern" a hospital */
        if (!w->name[i] || !says_maker(q, entry->of, w->word[i], &rest) || (rest.n > 0 && !has_digit(rest)))
            continue;
        because(j, CATALOG_BY_MAKER, w->word[i], p->source, (struct span){0});
        if (better(j, i < w->said ? MAKER_ONLY : FACILITY, w->word[i], piece))
            take(j, (struct span){0}, p->serial, p->software);
    }
    const struct span shown[] = {p->maker, p->model, p->software};
    for (size_t i = 0; !lab && i < sizeof shown / sizeof shown[0]; i++) {
        if (!is_name(shown[i]) || !says_maker(q, entry->of, shown[i], &rest))
            continue;
        because(j, CATALOG_BY_SHOWS, shown[i], p->source, (struct span){0});
        (void)better(j, MAKER_ONLY, shown[i], piece);
    }
}

/* ── all of them ── */

/* Nothing that was said begins like this entry, and its maker's network card is not there either. */
static bool out_of_question(const struct question *q, const struct catalog_entry *entry)
{
    if ((entry->initials & q->initials) != 0 || entry->again != 0)
        return false;
    for (size_t i = 0; i < q->n; i++)
        if (q->mac_of[i] == entry->of)
            return false;
    return true;
}

static bool judge(const struct question *q, const struct catalog_entry *entry, struct judged *ret)
{
    struct judged j = {.k = {.entry = entry, .maker = entry->maker, .model = entry->model, .class = entry->class}, .piece = NONE};
    for (size_t i = 0; i < q->n; i++) {
        if (entry->model.n == 0) {
            maker_by_piece(q, entry, i, &j);
        } else if (q->words[i].protocol.n > 0) {
            if (!by_forms(q, entry, i, &j))
                by_words(q, entry, i, &j);
        } else {
            by_shown(q, entry, i, &j);
            by_hostname(q, entry, i, &j);
        }
    }
    by_card(q, entry, &j);
    struct span collides = line_of(q, entry, CATALOG_COLLIDES);
    if (collides.n > 0 && j.k.confidence >= MAKER_ONLY)
        j.k.confidence -= entry->model.n == 0 ? MAKER_ONLY - 60 : COLLIDES_LESS;
    if (j.k.confidence < CATALOG_TOLD)
        return false;
    if (j.k.confidence > MOST)
        j.k.confidence = MOST;
    if (collides.n > 0)
        because(&j, CATALOG_BUT_COLLIDES, collides, (struct span){0}, (struct span){0});
    if (entry->model.n > 0 && entry->sure != CATALOG_SEEN)
        because(&j, entry->sure == CATALOG_SECOND_HAND ? CATALOG_BUT_SECOND_HAND : CATALOG_BUT_UNVERIFIED, (struct span){0}, (struct span){0},
                (struct span){0});
    if (entry->own)
        because(&j, CATALOG_OF_LAB, (struct span){0}, (struct span){0}, (struct span){0});
    if (entry->model.n == 0)
        j.k.class = only_class(q, entry->of);
    *ret = j;
    return true;
}

/* Surest first; then the lab's own, the fuller form, the earlier entry. */
static bool before(const struct judged *a, const struct judged *b)
{
    if (a->k.entry->own != b->k.entry->own && a->from.n > 0 && catalog_glob(a->from, b->from))
        return a->k.entry->own;
    if (a->k.confidence != b->k.confidence)
        return a->k.confidence > b->k.confidence;
    if ((a->k.entry->model.n > 0) != (b->k.entry->model.n > 0))
        return a->k.entry->model.n > 0;
    return a->strength != b->strength ? a->strength > b->strength : a->k.entry < b->k.entry;
}

static size_t insert(struct judged *list, size_t n, const struct judged *j)
{
    size_t at = n;
    while (at > 0 && before(j, &list[at - 1]))
        at--;
    if (at == CANDIDATES)
        return n;
    if (n == CANDIDATES)
        n--;
    memmove(list + at + 1, list + at, (n - at) * sizeof *list);
    list[at] = *j;
    return n + 1;
}

/* What becomes of b beside a, which is surer. */
enum verdict { KEEP, DROP, BOTH_DOUBTED };

static enum verdict beside(const struct judged *a, const struct judged *b)
{
    const struct catalog_entry *x = a->k.entry;
    const struct catalog_entry *y = b->k.entry;
    bool same_maker = x->of == y->of;
    if (same_maker && y->model.n == 0)
        return DROP; /* the model says it all */
    bool one_header = a->piece != NONE && a->piece == b->piece && x->own == y->own;
    if (one_header && (a->form || (same_maker && x->model.n > 0)))
        return DROP; /* a header is of one device: its other words are names that the site sets */
    if (a->from.n == 0 || b->from.n == 0 || !catalog_glob(a->from, b->from))
        return KEEP;
    if (same_maker || x->own != y->own || a->k.confidence >= b->k.confidence + 10)
        return x->model.n > 0 || !same_maker ? DROP : KEEP;
    return BOTH_DOUBTED;
}

static void settle(struct judged *list, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        for (size_t k = i + 1; k < *n;) {
            enum verdict v = beside(&list[i], &list[k]);
            if (v == DROP) {
                memmove(list + k, list + k + 1, (*n - k - 1) * sizeof *list);
                (*n)--;
                continue;
            }
            if (v == BOTH_DOUBTED) {
                list[i].k.confidence = list[i].k.confidence < NAME_ONLY ? list[i].k.confidence : NAME_ONLY;
                list[k].k.confidence = list[k].k.confidence < NAME_ONLY ? list[k].k.confidence : NAME_ONLY;
            }
            k++;
        }
    }
}

/* The longest block that the address lies in. */
static size_t maker_of_mac(const struct question *q, struct span mac, struct span *ret_block)
{
    uint8_t address[12];
    size_t longest = 0;
    size_t maker = NONE;
    if (catalog_mac_nibbles(mac, address) != 12 || (address[1] & 3) != 0) /* group, or given out on the site */
        return NONE;
    for (size_t i = 0; i < q->c->entries_n; i++) {
        const struct catalog_entry *entry = &q->c->entries[i];
        for (size_t j = 0; entry->model.n == 0 && j < entry->lines; j++) {
            uint8_t block[12];
            struct span value = q->c->lines[entry->first + j].value;
            struct span text = q->c->lines[entry->first + j].key == CATALOG_MAC ? catalog_word(&value) : (struct span){0};
            size_t n = catalog_mac_nibbles(text, block);
            if (n <= longest || memcmp(block, address, n) != 0)
                continue;
            longest = n;
            maker = entry->of;
            *ret_block = text;
        }
    }
    return maker;
}

size_t catalog_match(const struct catalog *c, const struct catalog_evidence *evidence, struct catalog_candidate *out, size_t max)
{
    struct question q = {.c = c, .evidence = evidence, .n = evidence->n < CATALOG_PIECES ? evidence->n : CATALOG_PIECES};
    struct judged list[CANDIDATES];
    size_t n = 0;
    for (size_t i = 0; i < q.n; i++)
        q.initials |= words_of(&evidence->pieces[i], &q.words[i]);
    for (size_t i = 0; i < q.n; i++)
        q.mac_of[i] = maker_of_mac(&q, evidence->pieces[i].mac, &q.mac_block[i]);
    for (size_t i = 0; i < c->entries_n; i++) {
        struct judged j;
        const struct catalog_entry *entry = &c->entries[i];
        if (!entry->replaced && (entry->model.n > 0 || entry->of == i) && !out_of_question(&q, entry) && judge(&q, entry, &j))
            n = insert(list, n, &j);
    }
    settle(list, &n);
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        out[i] = list[i].k;
    return n;
}
