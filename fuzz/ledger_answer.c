/* What a witness answers to an offer: only its own good line ever gets into the note that is kept. */
#include "record/ledger/ledger.h"
#include "record/ledger/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct note_key log_key;
static struct note_key witness;
static struct buf offer = BUF_INIT(4096);
static char log_line[VERIFIER_TEXT];
static char witness_line[VERIFIER_TEXT];

static struct crypto_signer *signer_of(uint8_t first, uint8_t public_key[ED25519_PUBLIC])
{
    const uint8_t seed[ED25519_SEED] = {first};
    struct crypto_signer *s = crypto_signer_new(seed);
    if (s == NULL)
        abort();
    crypto_signer_public(s, public_key);
    return s;
}

/* The key of the witness is that of the seeds in corpus/ledger_answer. */
static void prepare(void)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct tree_hash root = {{7}};
    struct buf text = BUF_INIT(1024);
    struct crypto_signer *log = signer_of(1, public_key);
    if (note_key_make(&log_key, SPAN_LIT("example.com/log"), public_key, NULL) != 0)
        abort();
    checkpoint_format(&text, "example.com/log", 7, &root);
    buf_add_str(&offer, "old 0\n\n");
    note_sign(&offer, buf_span(&text), &log_key, log);
    struct crypto_signer *w = signer_of(2, public_key);
    if (note_witness_make(&witness, SPAN_LIT("fuzz.example/witness"), public_key, NULL) != 0)
        abort();
    note_key_format(&log_key, log_line);
    note_key_format(&witness, witness_line);
    crypto_signer_free(log);
    crypto_signer_free(w);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT(1u << 20);
    struct error e = {0};
    struct span text;
    struct checkpoint head;
    uint64_t seconds;
    if (offer.n == 0)
        prepare();
    if (ledger_cosigned_note(buf_span(&offer), span_of(data, size), log_line, witness_line, &out, &e) == 0) {
        struct span rest = buf_span(&out);
        size_t lines = 0;
        while (rest.n > 0) {
            (void)span_until(&rest, '\n', NULL);
            lines++;
        }
        if (lines != 6 || checkpoint_open(buf_span(&out), &log_key, &head, NULL) != 0 ||
            note_cosigned(buf_span(&out), &witness, &text, &seconds, NULL) != 0)
            abort();
    } else if (out.n != 0) {
        abort();
    }
    buf_release(&out);
    return 0;
}
