/* The Merkle tree, notes and proofs against published vectors (C2SP tlog; RFC 6962's definition written out recursively), and what must be refused.
 */
#include "base/text.h"
#include "record/ledger/note.h"
#include "record/ledger/tiles.h"
#include "record/ledger/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 300

static struct tree_hash leaves[MOST];

/* MTH of RFC 6962, 2.1, as it is written there. */
static void recursive(size_t begin, size_t end, struct tree_hash *ret)
{
    if (begin == end) {
        crypto_sha256(span_of(NULL, 0), ret->b);
    } else if (end - begin == 1) {
        *ret = leaves[begin];
    } else {
        size_t k = 1;
        while (k * 2 < end - begin)
            k *= 2;
        struct tree_hash left;
        struct tree_hash right;
        recursive(begin, begin + k, &left);
        recursive(begin + k, end, &right);
        tree_node_hash(&left, &right, ret);
    }
}

static int from_leaves(void *context, unsigned height, uint64_t index, struct tree_hash *ret, struct error *e)
{
    (void)context;
    (void)e;
    recursive((size_t)(index << height), (size_t)((index + 1) << height), ret);
    return 0;
}

static const struct tree_source source = {.get = from_leaves};

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < MOST; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", i);
        tree_leaf_hash(span_str(text), &leaves[i]);
    }
    return 0;
}

static void roots(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *root;
    } known[] = {
        {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {1, "db3426e878068d28d269b6c87172322ce5372b65756d0789001d34835f601c03"},
        {2, "cb00989d94a569c0a678ae042b63dcd4625db96440517f37a6eb7976ea24ed4b"},
        {3, "725d5230db68f557470dc35f1d8865813acd7ebb07ad152774141decbae71327"},
        {7, "a3e23b32ccb6bf96d092d165d8aa546e09829de8f03b0e8957581d1e16b92bdf"},
        {8, "3b85a9626c1ccb64c6b95ec7fa64888defe2cf12e39e77e10812ce5fcb9cb58e"},
    };
    struct tree t = {0};
    struct tree_hash made[TREE_HEIGHT];
    size_t next = 0;
    for (size_t n = 0; n <= MOST; n++) {
        struct tree_hash stacked;
        struct tree_hash defined;
        tree_root(&t, &stacked);
        recursive(0, n, &defined);
        assert_memory_equal(stacked.b, defined.b, 32);
        if (next < 6 && known[next].n == n) {
            char text[65];
            text_hex_to(text, stacked.b, 32);
            assert_string_equal(text, known[next++].root);
        }
        struct tree loaded;
        struct error e = {0};
        assert_int_equal(tree_load(&loaded, n, &source, &e), 0);
        tree_root(&loaded, &defined);
        assert_memory_equal(stacked.b, defined.b, 32);
        if (n < MOST)
            (void)tree_append(&t, &leaves[n], made);
    }
    assert_int_equal(next, 6);
}

static void inclusion(void **state)
{
    (void)state;
    struct error e = {0};
    struct tree_hash path[TREE_HEIGHT + 1];
    size_t accepted = 0;
    for (uint64_t size = 1; size <= 100; size++) {
        struct tree_hash root;
        recursive(0, size, &root);
        for (uint64_t i = 0; i < size; i++) {
            size_t n;
            assert_int_equal(tree_prove_inclusion(i, size, &source, path, &n, &e), 0);
            assert_true(tree_check_inclusion(i, size, &leaves[i], path, n, &root));
            accepted++;
            for (size_t k = 0; k < n; k++) {
                path[k].b[k] ^= 4;
                assert_false(tree_check_inclusion(i, size, &leaves[i], path, n, &root));
                path[k].b[k] ^= 4;
            }
            assert_false(tree_check_inclusion(i, size, &leaves[i + 1], path, n, &root));
            assert_false(tree_check_inclusion(i + 1, size, &leaves[i], path, n, &root));
            if (n > 0)
                assert_false(tree_check_inclusion(i, size, &leaves[i], path, n - 1, &root));
            path[n] = leaves[0];
            assert_false(tree_check_inclusion(i, size, &leaves[i], path, n + 1, &root));
        }
        size_t n;
        assert_int_equal(tree_prove_inclusion(size, size, &source, path, &n, &e), -1);
        assert_int_equal(e.class, ERR_MISUSE);
    }
    assert_int_equal(accepted, 5050);
}

static void consistency(void **state)
{
    (void)state;
    struct error e = {0};
    struct tree_hash path[2 * TREE_HEIGHT + 1];
    for (uint64_t size = 0; size <= 70; size++) {
        struct tree_hash root;
        recursive(0, size, &root);
        for (uint64_t old = 0; old <= size; old++) {
            struct tree_hash old_root;
            struct tree_hash wrong;
            size_t n;
            recursive(0, old, &old_root);
            assert_int_equal(tree_prove_consistency(old, size, &source, path, &n, &e), 0);
            assert_true(tree_check_consistency(old, size, &old_root, &root, path, n));
            path[n] = leaves[0];
            assert_false(tree_check_consistency(old, size, &old_root, &root, path, n + 1));
            if (n > 0)
                assert_false(tree_check_consistency(old, size, &old_root, &root, path, n - 1));
            for (size_t k = 0; k < n; k++) {
                path[k].b[0] ^= 1;
                assert_false(tree_check_consistency(old, size, &old_root, &root, path, n));
                path[k].b[0] ^= 1;
            }
            wrong = old_root;
            wrong.b[31] ^= 1;
            if (old > 0)
                assert_false(tree_check_consistency(old, size, &wrong, &root, path, n));
            wrong = root;
            wrong.b[31] ^= 1;
            if (old > 0)
                assert_false(tree_check_consistency(old, size, &old_root, &wrong, path, n));
            if (old < size)
                assert_false(tree_check_consistency(size, old, &root, &old_root, path, n));
        }
        size_t n;
        assert_int_equal(tree_prove_consistency(size + 1, size, &source, path, &n, &e), -1);
    }
    static const char *const known[] = {"+mHj3sNDlYn0eEyJO/Mh0AhPBMVyx68raOPzNgo1tIY=", "kGxdJIXK5yIHOkMPTQT+F2dQdZLO8iZimurbhaLskJ0=",
                                        "ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duok7Us=", "lz8IOVfHNZ+xlDrPnmaJvKbKXqcZfYCKrTwUSYaJ7+A="};
    size_t n;
    assert_int_equal(tree_prove_consistency(3, 7, &source, path, &n, &e), 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 4; i++) {
        struct buf text = BUF_INIT(128);
        text_base64(&text, span_of(path[i].b, 32));
        assert_string_equal(buf_text(&text), known[i]);
        buf_release(&text);
    }
}

static void paths(void **state)
{
    (void)state;
    char out[TILE_PATH];
    tile_path(out, 0, 5, 256);
    assert_string_equal(out, "tile/0/005");
    tile_path(out, 1, 1000, 256);
    assert_string_equal(out, "tile/1/x001/000");
    tile_path(out, TILE_ENTRIES, 1234067, 17);
    assert_string_equal(out, "tile/entries/x001/x234/067.p/17");
    tile_path(out, 7, UINT64_MAX, 255);
    assert_string_equal(out, "tile/7/x018/x446/x744/x073/x709/x551/615.p/255");
    assert_int_equal(tile_full(70000, 0), 273); /* the specification's example */
    assert_int_equal(tile_partial(70000, 0), 112);
    assert_int_equal(tile_full(70000, 1), 1);
    assert_int_equal(tile_partial(70000, 1), 17);
    assert_int_equal(tile_partial(70000, 2), 1);
    assert_int_equal(tile_partial(70000, 3), 0);
    assert_int_equal(tile_full(UINT64_MAX, 7), 0);
}

static const char *const LOG_KEY = "example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char *const PROOF =
    "c2sp.org/tlog-proof@v1\nindex 4\nUzBPXj/UvNILOave8v4RgDHMWughe86gCN6n4nhpNIo=\nO/nIHCMcrnC2eNPzA4+fT21rnXrc+bN48lkZrlPRdoY=\n"
    "n0o/wg1BYtw31OI9kHhIcxp2BD//9taSiL8av7z/R44=\n\nexample.com/log\n7\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n\n"
    "\xe2\x80\x94 example.com/log 1FXFIerQTAX84scLf+ZIORScoRuNs1hdYJ87LhP0NP01q11qXPAndKfsBTmis+krCbD/5ASApVybMxfJNgOXJjuEtwg=\n"
    "\xe2\x80\x94 witness.example/w1 "
    "IDJKvgAAAABlU/EACkrHVPdo269OcIg08C8AP6FW29y7piLHo45ld2QxUlklCRa+A5zTzYVJRvxWv59EpWI3NKoXvrVOXAzhEmOaCQ==\n";

static void notes_made(void **state)
{
    (void)state;
    struct error e = {0};
    struct note_key k;
    uint8_t seed[32];
    uint8_t public_key[32];
    char line[VERIFIER_TEXT];
    for (uint8_t i = 0; i < 32; i++)
        seed[i] = i;
    struct crypto_signer *signer = crypto_signer_new(seed);
    assert_non_null(signer);
    crypto_signer_public(signer, public_key);
    assert_int_equal(note_key_make(&k, span_str("example.com/log"), public_key, &e), 0);
    note_key_format(&k, line);
    assert_string_equal(line, LOG_KEY);
    struct tree_hash root;
    recursive(0, 7, &root);
    struct buf text = BUF_INIT(1024);
    struct buf note = BUF_INIT(1024);
    struct buf proof = BUF_INIT(2048);
    checkpoint_format(&text, "example.com/log", 7, &root);
    note_sign(&note, buf_span(&text), &k, signer);
    const char *given = strstr(PROOF, "\n\nexample") + 2;
    assert_memory_equal(note.p, given, note.n);
    /* the proof, with the witness's line behind ours */
    struct tree_hash path[TREE_HEIGHT];
    size_t n;
    assert_int_equal(tree_prove_inclusion(4, 7, &source, path, &n, &e), 0);
    proof_format(&proof, span_of(NULL, 0), 4, path, n, span_str(given));
    assert_int_equal(proof.n, 472);
    assert_string_equal(buf_text(&proof), PROOF);
    crypto_signer_free(signer);
    buf_release(&text);
    buf_release(&note);
    buf_release(&proof);
}

static void notes_read(void **state)
{
    (void)state;
    struct error e = {0};
    struct note_key k;
    struct proof p;
    struct checkpoint c;
    assert_int_equal(note_key_parse(&k, span_str(LOG_KEY), &e), 0);
    assert_int_equal(proof_parse(span_str(PROOF), &p, &e), 0);
    assert_int_equal(p.index, 4);
    assert_int_equal(p.n, 3);
    assert_int_equal(p.extra.n, 0);
    assert_int_equal(checkpoint_open(p.checkpoint, &k, &c, &e), 0);
    assert_int_equal(c.size, 7);
    assert_true(tree_check_inclusion(p.index, c.size, &leaves[4], p.path, p.n, &c.root));
    buf_release(&p.extra);
    /* every byte counts, but for those of the witness, whose key we do not know */
    char copy[512];
    size_t own_end = (size_t)(strstr(PROOF, "\xe2\x80\x94 witness") - PROOF);
    for (size_t i = 0; i < own_end; i++) {
        (void)snprintf(copy, sizeof copy, "%s", PROOF);
        copy[i] ^= 1;
        bool holds = proof_parse(span_of(copy, strlen(PROOF)), &p, &e) == 0;
        if (holds) {
            holds = checkpoint_open(p.checkpoint, &k, &c, &e) == 0 && tree_check_inclusion(p.index, c.size, &leaves[4], p.path, p.n, &c.root);
            buf_release(&p.extra);
        }
        assert_false(holds);
    }
}

#define WITNESS_KEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

/* The witness of the vector, with its key: its line is made the same, and every byte of it and of what it cosigned counts. */
static void cosigned(void **state)
{
    (void)state;
    struct error e = {0};
    struct note_key log;
    struct note_key k;
    struct note_key made;
    uint8_t seed[32];
    uint8_t public_key[32];
    uint64_t seconds = 0;
    struct span text;
    for (uint8_t i = 0; i < 32; i++)
        seed[i] = 32 + i;
    struct crypto_signer *signer = crypto_signer_new(seed);
    assert_non_null(signer);
    crypto_signer_public(signer, public_key);
    assert_int_equal(note_witness_make(&made, span_str("witness.example/w1"), public_key, &e), 0);
    assert_int_equal(note_witness_parse(&k, span_str(WITNESS_KEY), &e), 0);
    assert_memory_equal(made.id, k.id, 4);
    assert_int_equal(note_witness_parse(&log, span_str(LOG_KEY), &e), -1); /* a log's key is no witness's */
    assert_int_equal(note_key_parse(&log, span_str(LOG_KEY), &e), 0);

    const char *given = strstr(PROOF, "\n\nexample") + 2;
    struct span note = span_str(given);
    assert_int_equal(note_cosigned(note, &k, &text, &seconds, &e), 0);
    assert_int_equal(seconds, 1700000000);
    struct span own = note_line(note, &k);
    struct buf line = BUF_INIT(512);
    note_cosign(&line, text, &k, signer, 1700000000);
    assert_true(span_equal(buf_span(&line), own));
    buf_release(&line);
    crypto_signer_free(signer);
    size_t log_line = (size_t)(note_line(note, &log).p - note.p);
    char copy[512];
    for (size_t i = 0; i < note.n; i++) {
        memcpy(copy, note.p, note.n);
        copy[i] ^= 1;
        bool others = i >= log_line && note.p + i < own.p; /* the log's line: not what the witness vouches for */
        assert_true(others || note_cosigned(span_of(copy, note.n), &k, &text, &seconds, &e) != 0);
    }
}

static void offers(void **state)
{
    (void)state;
    struct error e = {0};
    struct offer o;
    struct buf text = BUF_INIT(4096);
    struct tree_hash path[2 * TREE_HEIGHT];
    size_t n = 0;
    assert_int_equal(tree_prove_consistency(3, 7, &source, path, &n, &e), 0);
    offer_format(&text, 3, path, n, span_str("the note\n"));
    assert_string_equal(buf_text(&text), "old 3\n+mHj3sNDlYn0eEyJO/Mh0AhPBMVyx68raOPzNgo1tIY=\nkGxdJIXK5yIHOkMPTQT+F2dQdZLO8iZimurbhaLskJ0=\n"
                                         "ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duok7Us=\nlz8IOVfHNZ+xlDrPnmaJvKbKXqcZfYCKrTwUSYaJ7+A=\n\nthe note\n");
    assert_int_equal(offer_parse(buf_span(&text), &o, &e), 0);
    assert_int_equal(o.old, 3);
    assert_int_equal(o.n, 4);
    assert_true(span_is(o.checkpoint, "the note\n"));
    buf_release(&text);
    static const char *const bad[] = {"",
                                      "old",
                                      "old \n\n",
                                      "old 03\n\nx\n",
                                      "old +3\n\nx\n",
                                      "old -1\n\nx\n",
                                      "old 3\n",
                                      "old 3\nAAAA\n\nx\n",
                                      "old 3",
                                      "old 99999999999999999999\n\nx\n",
                                      "new 3\n\nx\n",
                                      "old 3\n+mHj3sNDlYn0eEyJO/Mh0AhPBMVyx68raOPzNgo1tIZ=\n\nx\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(offer_parse(span_str(bad[i]), &o, &e), -1);
    text = BUF_INIT(8192); /* 63 lines, and no more */
    buf_add_str(&text, "old 1\n");
    for (int i = 0; i < 64; i++) {
        buf_add_str(&text, "+mHj3sNDlYn0eEyJO/Mh0AhPBMVyx68raOPzNgo1tIY=\n");
        size_t before = text.n;
        buf_add_str(&text, "\nx\n");
        assert_int_equal(offer_parse(buf_span(&text), &o, &e), i < 63 ? 0 : -1);
        text.n = before;
    }
    buf_release(&text);
}

static void notes_refused(void **state)
{
    (void)state;
    struct error e = {0};
    struct note_key k;
    struct span text;
    assert_int_equal(note_key_parse(&k, span_str(LOG_KEY), &e), 0);
    static const char *const keys[] = {"",
                                       "a",
                                       "a+b",
                                       "a+12345678+",
                                       "example.com/log+d455c522+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
                                       "example.com/log+D455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
                                       "example.com/loh+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
                                       "example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG5",
                                       WITNESS_KEY};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(note_key_parse(&(struct note_key){0}, span_str(keys[i]), &e), -1);
    static const char *const names[] = {"",
                                        "a b",
                                        "a+b",
                                        "a\tb",
                                        "a\xc2\xa0"
                                        "b",
                                        "a\xe3\x80\x80",
                                        "\xff",
                                        "a\xe2\x80\x83"
                                        "b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(note_key_make(&(struct note_key){0}, span_str(names[i]), k.public_key, &e), -1);
    static const char *const notes[] = {"",
                                        "\n",
                                        "\n\n",
                                        "a\n",
                                        "a\n\n",
                                        "a\n\nb\n",
                                        "a\n\n\xe2\x80\x94 x\n",
                                        "a\n\n\xe2\x80\x94 x AAAA\n",
                                        "a\t\n\n\xe2\x80\x94 x AAAAAAAA\n",
                                        "a\n\n\xe2\x80\x94 x AAAAAAA=\n",
                                        "a\n\n\xe2\x80\x94 x AAAAAAA= \n",
                                        "\xff\n\n\xe2\x80\x94 x AAAAAAA=\n"};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        assert_int_equal(note_open(span_str(notes[i]), &k, &text, &e), -1);
    static const char *const points[] = {"a\n1\n",
                                         "\n1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n",
                                         "a\n01\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n",
                                         "a\n+1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n",
                                         "a\n1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K9==\n",
                                         "a\n1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=",
                                         "a\n1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n\n",
                                         "a\n99999999999999999999\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\n"};
    struct checkpoint c;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        assert_int_equal(checkpoint_parse(span_str(points[i]), &c, &e), -1);
    assert_int_equal(checkpoint_parse(span_str("a\n1\no+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=\nextension\n"), &c, &e), 0);
}

static void bundles(void **state)
{
    (void)state;
    struct span in = SPAN_LIT("\0\1"
                              "0"
                              "\0\1"
                              "1"
                              "\0\1"
                              "2");
    struct span entry;
    for (int i = 0; i < 3; i++) {
        assert_true(bundle_next(&in, &entry));
        assert_int_equal(entry.n, 1);
        assert_int_equal(entry.p[0], '0' + i);
    }
    assert_false(bundle_next(&in, &entry));
    assert_false(in.bad);
    in = SPAN_LIT("\0\2"
                  "0");
    assert_false(bundle_next(&in, &entry));
    assert_true(in.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots),         cmocka_unit_test(inclusion), cmocka_unit_test(consistency), cmocka_unit_test(paths),
        cmocka_unit_test(notes_made),    cmocka_unit_test(cosigned),  cmocka_unit_test(offers),      cmocka_unit_test(notes_read),
        cmocka_unit_test(notes_refused), cmocka_unit_test(bundles),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
