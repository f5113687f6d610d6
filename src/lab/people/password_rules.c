#include "lab/people/password_rules.h"

#include "base/text.h"
#include "lab/people/breached.h"
#include "record/crypto/crypto.h"

/* How it works: the password is folded (small letters, digits that stand for letters turned back), then everything that guessing programs begin with
 * is crossed out: common words, words of this place, runs (aaaa, 1234, qwer). What is left is what makes it hard to guess; fewer than LEFT characters
 * are too few. "Password2026!!" leaves "" and is refused; four unrelated words leave nearly everything. */

#define LEFT 6
#define FOLDED 1024

/* Words that lead the lists of leaked passwords, in English and Spanish, and those of our trade. Folded spelling. */
static const char *const common[] = {
    "password",   "passwort",   "passw",    "contrasena",    "clave",         "qwerty",      "qwertz",   "azerty",    "letmein",    "welcome",
    "bienvenido", "willkommen", "admin",    "administrator", "administrador", "root",        "user",     "usuario",   "login",      "master",
    "dragon",     "monkey",     "sunshine", "princess",      "princesa",      "football",    "futbol",   "baseball",  "basketball", "superman",
    "batman",     "starwars",   "pokemon",  "iloveyou",      "teamo",         "trustno",     "shadow",   "michael",   "jordan",     "hello",
    "hola",       "freedom",    "whatever", "secret",        "secreto",       "changeme",    "default",  "guest",     "test",       "temp",
    "demo",       "access",     "computer", "internet",      "summer",        "winter",      "spring",   "autumn",    "verano",     "invierno",
    "january",    "february",   "march",    "april",         "june",          "july",        "august",   "september", "october",    "november",
    "december",   "monday",     "tuesday",  "wednesday",     "thursday",      "friday",      "saturday", "sunday",    "hospital",   "clinic",
    "clinica",    "doctor",     "nurse",    "health",        "medical",       "patient",     "blood",    "sangre",    "analyzer",   "sysmex",
    "roche",      "abbott",     "siemens",  "beckman",       "laboratory",    "laboratorio", "labor",    "lab",       "lis",        "tourniquet",
    "love",       "amor",       "angel",    "jesus",         "charlie",       "ashley",      "nicole",   "daniel",    "jessica",    "andrew",
    "matthew",    "killer",     "ninja",    "mustang",       "flower",        "cheese",      "cookie",   "banana",    "orange",     "purple",
    "yellow",     "silver",     "golden",   "diamond",       "liverpool",     "barcelona",   "chelsea",  "arsenal",   "ferrari",    "mercedes",
    "porsche",    "samsung",    "apple",    "google",        "facebook",      "microsoft",   "windows",  "linux",     "server",     "network",
    "security",   "secure",     "safe",     "super",         "pass",          "word",        "the",      "my",        "me",
};

static const char *const rows[] = {
    "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "azertyuiop", "01234567890"};

static uint8_t fold(uint8_t c)
{
    switch (c) {
    case '@':
    case '4': return 'a';
    case '3': return 'e';
    case '1':
    case '!':
    case '|': return 'i';
    case '0': return 'o';
    case '$':
    case '5': return 's';
    case '7': return 't';
    default: return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
}

struct text {
    size_t n;
    uint8_t plain[FOLDED];  /* small letters */
    uint8_t folded[FOLDED]; /* … and digits turned back into letters */
    bool crossed[FOLDED];
};

static void cross_word(struct text *t, const uint8_t *word, size_t n)
{
    if (n < 2 || n > t->n)
        return;
    for (size_t i = 0; i + n <= t->n; i++)
        if (memcmp(t->folded + i, word, n) == 0 || memcmp(t->plain + i, word, n) == 0)
            memset(t->crossed + i, true, n);
}

static bool neighbours(uint8_t a, uint8_t b)
{
    if (a == b)
        return true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *at = strchr(rows[i], (char)a);
        if (a != 0 && b != 0 && at != NULL && (at[1] == (char)b || (at > rows[i] && at[-1] == (char)b)))
            return true;
    }
    return false;
}

/* Runs of three or more: the same character, or neighbours in the alphabet, the digits or a row of keys. */
static void cross_runs(struct text *t)
{
    size_t start = 0;
    for (size_t i = 1; i <= t->n; i++) {
        if (i < t->n && neighbours(t->plain[i - 1], t->plain[i]))
            continue;
        if (i - start >= 3)
            memset(t->crossed + start, true, i - start);
        start = i;
    }
}

/* What is repeated is worth once: "abXYabXYabXY" leaves one "abXY". */
static void cross_repeats(struct text *t)
{
    for (size_t period = 1; period <= t->n / 2; period++) {
        bool all = true;
        for (size_t i = period; i < t->n && all; i++)
            all = t->plain[i] == t->plain[i - period];
        if (all) {
            memset(t->crossed + period, true, t->n - period);
            return;
        }
    }
}

static void cross_context(struct text *t, struct span words)
{
    uint8_t word[128];
    size_t n = 0;
    for (size_t i = 0; i <= words.n; i++) {
        uint8_t c = i < words.n ? words.p[i] : ' ';
        bool part = c > 0x7f || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (part && n < sizeof word) {
            word[n++] = fold(c);
            continue;
        }
        if (n >= 3)
            cross_word(t, word, n);
        n = 0;
    }
}

static size_t left(const struct text *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        uint8_t c = t->plain[i];
        bool letter = c > 0x7f || (c >= 'a' && c <= 'z');
        bool digit = c >= '0' && c <= '9';
        if (!t->crossed[i] && (letter || digit) && (c & 0xc0) != 0x80)
            n++;
    }
    return n;
}

static size_t characters(struct span s)
{
    size_t count = 0;
    while (s.n > 0) {
        size_t n = text_utf8_len(s);
        if (n == 0)
            return 0;
        (void)span_skip(&s, n);
        count++;
    }
    return count;
}

const char *password_refused(struct span password, const struct span *context, size_t n)
{
    size_t count = characters(password);
    if (count == 0 && password.n > 0)
        return "This password is not readable text (UTF-8). Type it anew.";
    if (count < PASSWORD_SHORTEST)
        return "Use at least 15 characters. Four words that do not belong together are easy to remember.";
    if (count > PASSWORD_LONGEST || password.n > FOLDED)
        return "Use at most 128 characters.";
    if (breached_has(password))
        return "This password is on the list of those that leaked elsewhere. Choose one that you use nowhere else.";
    struct text t = {.n = password.n};
    for (size_t i = 0; i < t.n; i++) {
        uint8_t c = password.p[i];
        t.plain[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
        t.folded[i] = fold(c);
    }
    cross_repeats(&t);
    cross_runs(&t);
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        cross_word(&t, (const uint8_t *)common[i], strlen(common[i]));
    size_t before = left(&t);
    for (size_t i = 0; i < n; i++)
        cross_context(&t, context[i]);
    size_t after = left(&t);
    crypto_wipe(&t, sizeof t);
    if (after >= LEFT)
        return NULL;
    if (before >= LEFT)
        return "Do not make it from your name or the name of this site: that is tried first. Use four words that do not belong together.";
    return "This is among the passwords that are tried first. Use four words that do not belong together.";
}
