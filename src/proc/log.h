/* Lines for the person at the terminal or in the journal: one line, on standard error, "tourniquet keeper: words". Never PHI, never a secret: callers
 * hand in counts, names of ours and error texts, which hold none by rule. */
#ifndef TQ_PROC_LOG_H
#define TQ_PROC_LOG_H

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Who speaks; kept by reference. Until it is called: "tourniquet". */
void log_speaker(const char *name);

/* Writes one line with one write(2), so that lines of several processes never mix. Control characters become '?'. A line is cut at 1023 bytes. Errors
 * of writing are ignored: there is nobody left to tell. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
