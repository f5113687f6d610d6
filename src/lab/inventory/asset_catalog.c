#include "lab/inventory/asset_private.h"

#include <stdlib.h>

/* Which model of the catalog a device is, from the pieces of evidence that are kept of it. */

int asset_match(struct store_conn *c, const struct catalog *catalog, int64_t root, struct asset_match *m, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT source, fields FROM asset_evidence WHERE asset IN (SELECT n FROM asset WHERE root = ?1) "
                                         "ORDER BY n DESC LIMIT ?2");
    m->pieces_n = 0;
    store_bind_int(q, 1, root);
    store_bind_int(q, 2, CATALOG_PIECES);
    while (store_step(q))
        if (m->pieces_n < CATALOG_PIECES && catalog_piece_read(&m->pieces[m->pieces_n], store_text(q, 0), store_text(q, 1)))
            m->pieces_n++;
    const struct catalog_evidence evidence = {.pieces = m->pieces, .n = m->pieces_n};
    m->found_n = catalog_match(catalog, &evidence, m->found, ASSET_CANDIDATES);
    return store_done(q, e);
}

int asset_candidates(struct store_conn *c, const struct catalog *catalog, int64_t n, asset_candidate_each *each, void *context, struct error *e)
{
    struct asset_match *m = malloc(sizeof *m);
    if (m == NULL)
        return err_set(e, ERR_SYSTEM, "no memory");
    int rc = asset_match(c, catalog, n, m, e);
    for (size_t i = 0; rc == 0 && i < m->found_n; i++)
        each(context, &m->found[i]);
    free(m);
    return rc;
}
