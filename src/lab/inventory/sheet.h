/* sheet: rows of a list of devices as spreadsheets write them (CSV, RFC 4180, and what is called so): comma, semicolon or tab, quotes, any line end,
 * a byte order mark; UTF-8, else ISO 8859-1. Nothing here is trusted: a row that cannot be read says so and the next one is read. */
#ifndef TQ_LAB_SHEET_H
#define TQ_LAB_SHEET_H

#include "base/buf.h"

#define SHEET_COLUMNS 64
#define SHEET_CELL 1024 /* most bytes of one cell */

struct sheet {
    struct span rest;
    struct buf whole; /* the text, where it had to be made UTF-8 */
    struct buf cells; /* of the row in hand */
    uint32_t line;
    uint8_t delimiter;
};

struct sheet_row {
    uint32_t line; /* where it begins, from 1 */
    size_t n;
    struct span cells[SHEET_COLUMNS]; /* without spaces at their ends; they hold until the next row */
    size_t flaw_column;               /* from 1 */
    const char *flaw;                 /* NULL: the row was read */
};

/* The delimiter is the one of ',', ';' and tab that the first line has most of. text must stay until sheet_close. False: no memory. */
bool sheet_open(struct sheet *s, struct span text);
bool sheet_next(struct sheet *s, struct sheet_row *ret); /* false: the end; empty lines are skipped */
void sheet_close(struct sheet *s);

/* Appends a cell: quoted where it must be, and never a formula: a spreadsheet would run "=…", "+…", "-…", "@…", so those get an apostrophe before
 * them, which sheet_next takes away again. */
void sheet_write(struct buf *out, struct span cell);

#endif
