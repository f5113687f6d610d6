/* Lists of devices: whatever is read can be written and reads the same again; a plan of it stays within its caps. */
#include "lab/inventory/sheet.h"
#include "lab/inventory/import.h"
#include "lab/views.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct sheet_row *row)
{
    struct buf out = BUF_INIT(2 * SHEET_COLUMNS * SHEET_CELL + 1024);
    struct sheet s;
    struct sheet_row again;
    buf_add_str(&out, "x");
    for (size_t i = 0; i < row->n; i++) {
        if (row->cells[i].n >= SHEET_CELL || row->n >= SHEET_COLUMNS) {
            buf_release(&out);
            return;
        }
        buf_u8(&out, ',');
        sheet_write(&out, row->cells[i]);
    }
    if (!buf_ok(&out) || !sheet_open(&s, buf_span(&out)) || !sheet_next(&s, &again) || again.flaw != NULL || again.n != row->n + 1)
        abort();
    for (size_t i = 0; i < row->n; i++)
        if (!span_equal(again.cells[i + 1], row->cells[i]))
            abort();
    sheet_close(&s);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *store;
    static struct keeper_views *views;
    static struct store_conn *reader;
    struct error e = {0};
    if (store == NULL) {
        store = store_open_memory(&e);
        views = store == NULL ? NULL : views_open(store, "s", &e);
        if (views == NULL)
            abort();
        reader = store_reader_open(store, &e);
    }
    struct sheet s;
    struct sheet_row row;
    if (!sheet_open(&s, span_of(data, size)))
        return 0;
    while (sheet_next(&s, &row)) {
        if (row.n == 0 || row.n > SHEET_COLUMNS || (row.flaw != NULL && row.flaw_column == 0))
            abort();
        if (row.flaw == NULL)
            check_again(&row);
    }
    sheet_close(&s);
    if (store_look(reader, &e) != 0)
        abort();
    struct import_plan *p = import_plan_make(reader, span_of(data, size), &e);
    store_look_end(reader);
    if (p == NULL && e.class != ERR_MISUSE)
        abort();
    int64_t sum = 0;
    for (int i = 0; p != NULL && i < IMPORT_ACTIONS; i++)
        sum += p->counts[i];
    if (p != NULL && (sum != (int64_t)p->n || p->counts[IMPORT_CHANGE] != 0))
        abort();
    import_plan_free(p);
    return 0;
}
