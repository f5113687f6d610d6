#include "lab/inventory/asset_private.h"

#include <stdlib.h>

/* Which model of the catalog a device is, from the pieces of evidence that are kept of it. */

int asset_match(struct store_conn *c, const struct catalog *catalog, int64_t root, struct asset_match *m, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT source, fields FROM asset_evidence WHERE asset IN (SELECT n FROM asset WHERE root = ?1) "
                                         "ORDER BY source IN ('hl7.msh', 'astm.h', 'poct1a.hel') DESC, n DESC LIMIT ?2");
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

/* ── what is remembered of it ── */

struct asset_memo {
    uint64_t of; /* the evidence that it rests on */
    size_t n;
    struct asset_guess guesses[ASSET_CANDIDATES];
    char texts[];
};

struct asset_memos {
    struct asset_memo *of[2 * KEEP_ASSETS + 1]; /* by root */
};

struct asset_memos *asset_memos_new(void)
{
    return calloc(1, sizeof(struct asset_memos));
}

void asset_memos_free(struct asset_memos *m)
{
    for (size_t i = 0; m != NULL && i < sizeof m->of / sizeof m->of[0]; i++)
        free(m->of[i]);
    free(m);
}

/* One number for the set of pieces that are kept of a device: a piece never changes, and its number is not given to another one. */
static int evidence_set(struct store_conn *c, int64_t root, uint64_t *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT n FROM asset_evidence WHERE asset IN (SELECT n FROM asset WHERE root = ?1)");
    *ret = 0;
    store_bind_int(q, 1, root);
    while (store_step(q)) {
        uint64_t x = (uint64_t)store_int(q, 0) * UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64's steps: the sum does not depend on the order */
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        *ret += x ^ x >> 31;
    }
    return store_done(q, e);
}

static struct asset_memo *remember(const struct asset_match *m, uint64_t of)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m->found_n; i++)
        bytes += m->found[i].maker.n + m->found[i].model.n + m->found[i].serial.n + m->found[i].software.n + m->found[i].class.n;
    struct asset_memo *memo = malloc(sizeof *memo + bytes);
    if (memo == NULL)
        return NULL;
    char *out = memo->texts;
    memo->of = of;
    memo->n = m->found_n;
    for (size_t i = 0; i < m->found_n; i++) {
        const struct catalog_candidate *k = &m->found[i];
        struct asset_guess *g = &memo->guesses[i];
        *g = (struct asset_guess){
            .confidence = k->confidence, .maker = k->maker, .model = k->model, .serial = k->serial, .software = k->software, .class = k->class};
        struct span *texts[] = {&g->maker, &g->model, &g->serial, &g->software, &g->class};
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
            if (texts[t]->n > 0)
                memcpy(out, texts[t]->p, texts[t]->n);
            *texts[t] = span_of(out, texts[t]->n);
            out += texts[t]->n;
        }
    }
    return memo;
}

int asset_guesses(struct apply *a, int64_t root, const struct asset_guess **ret, size_t *ret_n, struct error *e)
{
    struct asset_memos *memos = a->v->memos;
    uint64_t of = 0;
    *ret_n = 0;
    if (root < 1 || root > (int64_t)(2 * KEEP_ASSETS))
        return 0;
    if (evidence_set(a->w, root, &of, e) != 0)
        return -1;
    struct asset_memo **memo = &memos->of[root];
    if (*memo == NULL || (*memo)->of != of) {
        free(*memo);
        *memo = NULL;
        if (asset_match(a->w, a->v->catalog, root, a->v->match, e) != 0)
            return -1;
        *memo = remember(a->v->match, of);
        if (*memo == NULL)
            return err_set(e, ERR_SYSTEM, "no memory");
    }
    *ret = (*memo)->guesses;
    *ret_n = (*memo)->n;
    return 0;
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
