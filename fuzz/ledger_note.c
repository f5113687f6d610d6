/* Signed notes, checkpoints, verifier lines. What is taken must be made of what was given, and a note that was signed by us must open. */
#include "record/ledger/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct note_key key;
static struct crypto_signer *signer;

static void prepare(void)
{
    static const uint8_t seed[ED25519_SEED] = {1};
    uint8_t public_key[ED25519_PUBLIC];
    signer = crypto_signer_new(seed);
    if (signer == NULL)
        abort();
    crypto_signer_public(signer, public_key);
    if (note_key_make(&key, SPAN_LIT("fuzz.example/log"), public_key, NULL) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct span in = span_of(data, size);
    struct span text;
    struct checkpoint c;
    struct note_key k;
    if (signer == NULL)
        prepare();
    if (note_key_parse(&k, in, &e) == 0) { /* what is read is written the same way */
        char line[VERIFIER_TEXT];
        note_key_format(&k, line);
        if (in.p[in.n - 1] == '\n')
            in.n--;
        if (!span_is(in, line))
            abort();
        in = span_of(data, size);
    }
    if (note_open(in, &key, &text, &e) == 0 && (text.n == 0 || text.p != data || text.n >= size))
        abort();
    (void)checkpoint_open(in, &key, &c, &e);
    if (checkpoint_parse(in, &c, &e) == 0 && (c.origin.n == 0 || c.size > INT64_MAX))
        abort();
    /* as the text of a note of ours: opens again to the same text, when it is text at all */
    struct buf note = BUF_INIT(NOTE_MAX);
    note_sign(&note, in, &key, signer);
    if (buf_ok(&note) && note_open(buf_span(&note), &key, &text, &e) == 0 && !span_equal(text, in))
        abort();
    buf_release(&note);
    return 0;
}
