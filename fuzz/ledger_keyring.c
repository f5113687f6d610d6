/* What holds the ledger's keys: slots, key files, the keyring of format 1, erasure lists, typed recovery keys. Hashes are made to fit, so that what
 * lies behind them is reached. */
#include "record/ledger/keyring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring *new_ring(void)
{
    struct error e = {0};
    struct keyring *k = keyring_new(&e);
    if (k == NULL)
        abort();
    return k;
}

/* A slots file whose three hashes fit. What is taken must be written back the same, and opens under no key that did not make it. */
static void try_slots(struct span in)
{
    static uint8_t file[SLOTS_FILE];
    struct slots s;
    struct error e = {0};
    enum slots_other other;
    uint8_t w[WRAPPING_KEY];
    memset(file, 0, sizeof file);
    memcpy(file, in.p, in.n < sizeof file ? in.n : sizeof file);
    crypto_sha256(span_of(file, 32), file + 32);
    for (size_t copy = 4096; copy < sizeof file; copy += 4096)
        crypto_sha256(span_of(file + copy, 4064), file + copy + 4064);
    (void)slots_parse(in, &s, &other, &e);
    if (slots_parse(span_of(file, sizeof file), &s, &other, &e) != 0)
        return;
    struct buf again = BUF_INIT(SLOTS_FILE);
    slots_format(&s, &again);
    if (s.n > SLOTS_MAX || again.n != SLOTS_FILE)
        abort();
    buf_release(&again);
    const struct root_source source = {.kind = ROOT_FILE, .secret = SPAN_LIT("not the key of anything at all..")};
    if (slots_open(&s, &source, w, NULL, &e) == 0 || slots_open_recovery(&s, (const uint8_t[BOX_SECRET]){1}, w, &e) == 0)
        abort();
}

static void try_frame(struct span in)
{
    static const uint8_t generation[GENERATION];
    static uint8_t page[8192];
    struct key_frame f;
    size_t n = in.n < 4000 ? in.n : 4000;
    (void)key_frame_take(in, generation, &f);
    memset(page, 0, sizeof page);
    memcpy(page, in.p, n);
    struct span head = span_of(page + 20, 4);
    uint32_t sealed = span_be32(&head);
    memset(page + 24, 0, 40);
    if (sealed <= 3800)
        crypto_sha256(span_of(page, 96 + sealed), page + 96 + sealed);
    if (key_frame_take(span_of(page, sizeof page), generation, &f) && (f.pages > sizeof page || f.sealed.n != sealed))
        abort();
}

static void try_clear(struct span in)
{
    struct error e = {0};
    struct erased_key erased;
    uint8_t key[32];
    if (in.n == 0)
        return;
    struct keyring *k = new_ring();
    uint8_t kind = (uint8_t)(span_u8(&in) % 5);
    if (key_frame_apply(k, kind, in) && kind == 2)
        for (size_t i = 0; i < k->n; i++) /* every key that was taken is found by its id */
            if (!keyring_find(k, keyring_at(k, i)->id, key, &erased))
                abort();
    (void)keyring_take(k, 1, 0, NULL, 0, &e);
    keyring_free(k);
}

static void try_list(struct span in)
{
    struct error e = {0};
    struct buf ids = BUF_INIT(1u << 20);
    struct keyring *k = new_ring();
    if (keyring_erasures_match(k, in, &ids, &e) == 0 && ids.n > 0)
        abort();
    buf_release(&ids);
    keyring_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    uint8_t secret[BOX_SECRET];
    char text[RECOVERY_TEXT];
    struct span in = span_of(data, size < (1u << 20) ? size : (1u << 20));
    try_slots(in);
    try_frame(in);
    try_clear(in);
    try_list(in);
    if (keyring_1_is(in))
        (void)keyring_1_check(in, &e);
    if (recovery_read(in, secret, &e) == 0) {
        uint8_t again[BOX_SECRET];
        recovery_text(secret, text);
        if (recovery_read(span_str(text), again, &e) != 0 || memcmp(again, secret, sizeof again) != 0)
            abort();
    }
    return 0;
}
