#define TQ_BASE_ERROR_C
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct error *e, enum err_class class, const char *format, ...)
{
    if (e == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    e->class = class;
    (void)vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return -1;
}

int err_sys(struct error *e, int errnum, const char *format, ...)
{
    if (e == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    e->class = ERR_SYSTEM;
    int used = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof e->text) {
        char words[96];
        (void)snprintf(e->text + used, sizeof e->text - (size_t)used, ": %s", strerror_r(errnum, words, sizeof words));
    }
    return -1;
}

int err_context(struct error *e, const char *format, ...)
{
    if (e == NULL)
        return -1;
    char before[sizeof e->text];
    (void)memcpy(before, e->text, sizeof before);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof e->text)
        (void)snprintf(e->text + used, sizeof e->text - (size_t)used, ": %.*s", (int)(sizeof e->text - 1), before);
    return -1;
}

int err_exit_status(const struct error *e)
{
    switch (e->class) {
    case ERR_NONE: return 0;
    case ERR_CORRUPT: return 1;
    case ERR_SYSTEM:
    case ERR_LIMIT: return 3;
    default: return 2;
    }
}
