/* The tables that charset_tables.py writes: code → code point of the basic plane, 0 where there is none. Only charset.c uses them. */
#ifndef TQ_WIRE_CHARSET_TABLES_H
#define TQ_WIRE_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>

#define CHARSET_SINGLES 23                                   /* ISO 8859-2 to -16 without -12, Windows 1250 to 1258 */
extern const uint16_t charset_single[CHARSET_SINGLES * 128]; /* bytes 0x80 to 0xff of each */
extern const uint16_t charset_jis_x_0208[94 * 94];           /* row, cell */
extern const uint16_t charset_jis_x_0212[94 * 94];
extern const uint16_t charset_ks_x_1001[94 * 94];
extern const uint16_t charset_gb18030[126 * 190]; /* first byte from 0x81; second from 0x40 without 0x7f */
extern const uint16_t charset_big5[89 * 157];     /* first byte from 0xa1; second 0x40-0x7e, 0xa1-0xfe */
extern const uint16_t charset_gb18030_ordinal[];  /* four-byte codes: where each run begins */
extern const uint16_t charset_gb18030_point[];    /* and the code point there, 0: none in this run */
extern const size_t charset_gb18030_runs;

#endif
