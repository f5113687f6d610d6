/* What a log offers to a witness, and notes that a witness cosigned: read, written again the same way, cosigned and found again. */
#include "record/ledger/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct note_key key;
static struct crypto_signer *signer;

static void prepare(void)
{
    static const uint8_t seed[ED25519_SEED] = {2};
    uint8_t public_key[ED25519_PUBLIC];
    signer = crypto_signer_new(seed);
    if (signer == NULL)
        abort();
    crypto_signer_public(signer, public_key);
    if (note_witness_make(&key, SPAN_LIT("fuzz.example/witness"), public_key, NULL) != 0)
        abort();
}

/* A note that we cosign shows our line, and it holds. */
static void cosign(struct span note)
{
    struct note_key log;
    struct span text;
    uint64_t seconds = 0;
    if (note_key_make(&log, SPAN_LIT("example.com/log"), key.public_key, NULL) != 0)
        abort();
    (void)note_open(note, &log, &text, NULL);
    bool before = note_line(note, &key).n > 0;
    bool held = note_cosigned(note, &key, &text, &seconds, NULL) == 0;
    if (held && !before)
        abort();
    struct buf out = BUF_INIT(NOTE_MAX);
    struct span end = note;
    while (end.n >= 2 && !(end.p[end.n - 1] == '\n' && end.p[end.n - 2] == '\n'))
        end.n--;
    if (end.n < 3)
        return;
    text = span_of(note.p, end.n - 1);
    buf_add_span(&out, end);
    note_cosign(&out, text, &key, signer, 1700000000);
    struct span again;
    if (buf_ok(&out) && note_cosigned(buf_span(&out), &key, &again, &seconds, NULL) == 0 && (seconds != 1700000000 || !span_equal(again, text)))
        abort();
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct offer o;
    if (signer == NULL)
        prepare();
    if (offer_parse(span_of(data, size), &o, &e) == 0) {
        struct buf again = BUF_INIT(1u << 20);
        offer_format(&again, o.old, o.path, o.n, o.checkpoint);
        if (!buf_ok(&again) || !span_equal(buf_span(&again), span_of(data, size)))
            abort();
        buf_release(&again);
        cosign(o.checkpoint);
    }
    cosign(span_of(data, size));
    return 0;
}
