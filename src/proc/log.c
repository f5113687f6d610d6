#include "proc/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *speaker = "tourniquet";

static const char *const level_words[] = {[LOG_LEVEL_INFO] = "", [LOG_LEVEL_WARNING] = "warning: ", [LOG_LEVEL_ERROR] = "error: "};

void log_speaker(const char *name)
{
    speaker = name;
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[1024];
    int head = snprintf(line, sizeof line - 1, "%s: %s", speaker, level_words[level]);
    if (head < 0 || (size_t)head >= sizeof line - 1)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + head, sizeof line - 1 - (size_t)head, format, args);
    va_end(args);
    size_t n = strlen(line);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written;
}
