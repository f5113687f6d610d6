/* How rows of results are read. Only result.c and custody.c include it. */
#ifndef TQ_LAB_RESULT_PRIVATE_H
#define TQ_LAB_RESULT_PRIVATE_H

#include "lab/inventory/result.h"

/* Longer than the detector waits for a result to go on: it will not be told any more. */
#define RESULT_AWAITED_SINCE "(SELECT time FROM result ORDER BY n DESC LIMIT 1) - 15000000000000"

/* r: the row; h: where the result was seen first (itself, where that one is not kept any more); l: where it was seen last */
#define RESULT_TABLES "result AS r LEFT JOIN result AS h ON h.n = coalesce(r.head, r.n) LEFT JOIN result AS l ON l.n = h.last AND l.n <> h.n"

/* The verdict of h: what the store says nothing of was seen once, or is awaited. */
#define RESULT_VERDICT "CASE WHEN h.state > 0 THEN h.state WHEN h.awaited = 1 AND h.time > " RESULT_AWAITED_SINCE " THEN 0 ELSE 1 END"

/* Of the message that brought r, and of the device that it went to. */
#define RESULT_MESSAGE(column) "(SELECT " column " FROM message AS m WHERE m.run = r.run AND m.id = r.message ORDER BY m.n DESC LIMIT 1)"
#define RESULT_RECEIVER(column)                                                                                                                      \
    "(SELECT " column " FROM message AS m JOIN asset AS a ON a.n = m.dst JOIN asset AS s ON s.n = a.root WHERE m.run = r.run AND m.id = r.message "  \
    "ORDER BY m.n DESC LIMIT 1)"

#define RESULT_COLUMNS                                                                                                                               \
    "r.n, r.record, r.position, r.time, r.recorded, r.sender,"                                                                                       \
    " (SELECT s.id FROM asset AS a JOIN asset AS s ON s.n = a.root WHERE a.n = r.src), r.receiver, r.test_code, r.test_system,"                      \
    " r.test_text, r.patient, r.specimen, r.units, r.status, r.observed_at, r.flags, r.message, r.protocol, r.type, r.control_id, " RESULT_VERDICT   \
    ", h.why, h.part, (SELECT id FROM finding WHERE id = h.finding), h.record, l.record, r.step, r.changed, r.place, " RESULT_MESSAGE(               \
        "m.record") ", " RESULT_RECEIVER("s.id") ", r.told, " RESULT_MESSAGE("m.link") ", " RESULT_MESSAGE("m.leg") ", "                             \
                                                                                                                    "(SELECT s.title FROM asset AS " \
                                                                                                                    "a JOIN asset AS s ON s.n = "    \
                                                                                                                    "a.root WHERE a.n = "            \
                                                                                                                    "r.src), " RESULT_RECEIVER(      \
                                                                                                                        "s.title")

void result_row_of(struct store_stmt *q, struct result_row *row);

#endif
