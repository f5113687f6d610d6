#include "lab/inventory/sheet.h"

#include "base/text.h"

/* What a spreadsheet would run; behind apostrophes, one of which is ours. The wide forms are those of East Asian keyboards: + - = @. */
static bool formula(struct span cell)
{
    static const char *const wide[] = {"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0"};
    while (cell.n > 0 && cell.p[0] == '\'')
        (void)span_skip(&cell, 1);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (span_starts(cell, span_str(wide[i])))
            return true;
    return cell.n > 0 && (cell.p[0] == '=' || cell.p[0] == '+' || cell.p[0] == '-' || cell.p[0] == '@');
}

static uint8_t delimiter_of(struct span text)
{
    static const uint8_t marks[] = {',', ';', '\t'};
    size_t count[3] = {0};
    bool quoted = false;
    for (size_t i = 0; i < text.n && (quoted || (text.p[i] != '\n' && text.p[i] != '\r')); i++) {
        quoted ^= text.p[i] == '"';
        for (int m = 0; m < 3; m++)
            count[m] += !quoted && text.p[i] == marks[m];
    }
    return count[1] > count[0] && count[1] >= count[2] ? ';' : count[2] > count[0] ? '\t' : ',';
}

bool sheet_open(struct sheet *s, struct span text)
{
    *s = (struct sheet){.rest = text, .line = 1, .whole = BUF_INIT(2 * text.n + 1), .cells = BUF_INIT((size_t)SHEET_COLUMNS * SHEET_CELL)};
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        (void)span_skip(&s->rest, 3);
    if (!text_is_utf8(s->rest)) {
        for (size_t i = 0; i < s->rest.n; i++) {
            uint8_t c = s->rest.p[i];
            if (c >= 0x80)
                buf_u8(&s->whole, (uint8_t)(0xc0 | c >> 6));
            buf_u8(&s->whole, c >= 0x80 ? (uint8_t)(0x80 | (c & 0x3f)) : c);
        }
        s->rest = buf_span(&s->whole);
    }
    s->delimiter = delimiter_of(s->rest);
    if (buf_ok(&s->whole) && buf_reserve(&s->cells, (size_t)SHEET_COLUMNS * SHEET_CELL))
        return true;
    sheet_close(s);
    return false;
}

void sheet_close(struct sheet *s)
{
    buf_release(&s->whole);
    buf_release(&s->cells);
}

/* Takes a line end where one is next: CR LF, LF or CR. */
static bool line_end(struct sheet *s)
{
    uint8_t c = s->rest.n > 0 ? s->rest.p[0] : 0;
    if (c != '\n' && c != '\r')
        return false;
    (void)span_skip(&s->rest, 1);
    if (c == '\r' && s->rest.n > 0 && s->rest.p[0] == '\n')
        (void)span_skip(&s->rest, 1);
    s->line++;
    return true;
}

static void flaw(struct sheet_row *row, const char *what)
{
    if (row->flaw != NULL)
        return;
    row->flaw = what;
    row->flaw_column = row->n + 1;
}

static struct span trimmed(struct span cell)
{
    while (cell.n > 0 && (cell.p[0] == ' ' || cell.p[0] == '\t'))
        (void)span_skip(&cell, 1);
    while (cell.n > 0 && (cell.p[cell.n - 1] == ' ' || cell.p[cell.n - 1] == '\t'))
        cell.n--;
    if (cell.n > 1 && cell.p[0] == '\'' && formula(cell))
        (void)span_skip(&cell, 1);
    return cell;
}

/* One cell, up to its delimiter or the line's end, which stay. */
static void read_cell(struct sheet *s, struct sheet_row *row)
{
    size_t start = s->cells.n;
    bool quoted = s->rest.n > 0 && s->rest.p[0] == '"';
    bool open = quoted;
    if (quoted)
        (void)span_skip(&s->rest, 1);
    while (s->rest.n > 0) {
        uint8_t c = s->rest.p[0];
        bool pair = open && c == '"' && s->rest.n > 1 && s->rest.p[1] == '"';
        if (!open && (c == s->delimiter || c == '\n' || c == '\r'))
            break;
        if (open && (c == '\n' || c == '\r')) {
            (void)line_end(s);
            c = '\n';
        } else {
            (void)span_skip(&s->rest, pair ? 2 : 1);
        }
        if (open && c == '"' && !pair)
            open = false;
        else if (s->cells.n - start == SHEET_CELL || row->n >= SHEET_COLUMNS)
            flaw(row, row->n >= SHEET_COLUMNS ? "A row has at most 64 columns." : "A cell has at most 1,024 bytes.");
        else
            buf_u8(&s->cells, c);
    }
    if (open)
        flaw(row, "A quote is opened here and never closed.");
    if (row->n < SHEET_COLUMNS)
        row->cells[row->n] = trimmed(span_of(s->cells.p + start, s->cells.n - start));
    row->n++;
}

bool sheet_next(struct sheet *s, struct sheet_row *ret)
{
    while (line_end(s))
        continue;
    if (s->rest.n == 0)
        return false;
    buf_clear(&s->cells);
    ret->line = s->line;
    ret->n = 0;
    ret->flaw = NULL;
    ret->flaw_column = 0;
    for (;;) {
        read_cell(s, ret);
        if (s->rest.n == 0 || line_end(s))
            break;
        (void)span_skip(&s->rest, 1); /* the delimiter */
        if (s->rest.n == 0)
            read_cell(s, ret); /* an empty last cell */
        if (s->rest.n == 0)
            break;
    }
    if (ret->n > SHEET_COLUMNS) {
        flaw(ret, "A row has at most 64 columns.");
        ret->n = SHEET_COLUMNS;
    }
    return true;
}

void sheet_write(struct buf *out, struct span cell)
{
    bool quote = cell.n > 0 && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ');
    for (size_t i = 0; i < cell.n; i++)
        quote |= cell.p[i] == '"' || cell.p[i] == ',' || cell.p[i] == ';' || cell.p[i] == '\n' || cell.p[i] == '\r' || cell.p[i] == '\t';
    if (quote)
        buf_u8(out, '"');
    if (cell.n > 0 && (formula(cell) || cell.p[0] == '\t' || cell.p[0] == '\r'))
        buf_u8(out, '\'');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            buf_u8(out, '"');
        buf_u8(out, cell.p[i]);
    }
    if (quote)
        buf_u8(out, '"');
}
