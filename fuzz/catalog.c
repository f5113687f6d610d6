/* A lab's own file of the catalog, a zero byte, then events, one a line: read or refused with a place; candidates in range and in order, against that
 * file and against the catalog that comes with the program. */
#include "lab/catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct catalog *c, const struct catalog_evidence *evidence)
{
    struct catalog_candidate found[6];
    size_t n = catalog_match(c, evidence, found, 6);
    if (n > 6)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct catalog_candidate *k = &found[i];
        if (k->confidence < CATALOG_TOLD || k->confidence > 99 || k->reasons_n > CATALOG_REASONS || k->reasons_n == 0 || k->maker.n == 0)
            abort();
        if (k->entry->sure == CATALOG_UNVERIFIED && k->confidence >= 60)
            abort();
        struct buf out = BUF_INIT(1u << 20);
        catalog_candidate_json(&out, k);
        if (!buf_ok(&out))
            abort();
        buf_release(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *shipped;
    static struct catalog_piece pieces[8];
    struct error e = {0};
    if (shipped == NULL && (shipped = catalog_new(&e)) == NULL)
        abort();
    struct catalog *own = catalog_empty(&e);
    struct span rest = span_of(data, size);
    struct span text = span_until(&rest, 0, NULL);
    if (own == NULL)
        return 0;
    if (catalog_add(own, text, "f", true, &e) != 0 && (e.class != ERR_MISUSE || strncmp(e.text, "f:", 2) != 0 || catalog_count(own) != 0))
        abort();
    struct catalog_evidence evidence = {.pieces = pieces, .ports = (const uint16_t[]){4001, 9100}, .ports_n = 2};
    for (bool more = rest.n > 0; more && evidence.n < 8;)
        evidence.n += catalog_piece_read(&pieces[evidence.n], (struct span){0}, span_until(&rest, '\n', &more));
    look(own, &evidence);
    look(shipped, &evidence);
    catalog_free(own);
    return 0;
}
