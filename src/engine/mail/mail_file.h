/* mail_file: the texts of catalog/mail, embedded when the program is built. Of this room only. */
#ifndef TQ_ENGINE_MAIL_FILE_H
#define TQ_ENGINE_MAIL_FILE_H

#include <stddef.h>

struct mail_text_file {
    const char *name; /* "mail/names.txt" … */
    const char *text;
};

extern const struct mail_text_file mail_files[];
extern const size_t mail_files_count;

#endif
