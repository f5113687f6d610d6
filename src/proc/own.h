/* own: what a lab has of its own, where lab.yaml says: passwords that leaked elsewhere (key "breached_passwords"), entries of the device catalog (key
 * "catalog"), courses (key "courses"). */
#ifndef TQ_PROC_OWN_H
#define TQ_PROC_OWN_H

#include "lab/catalog/catalog.h"
#include "lab/courses/course.h"
#include "lab/people/breached.h"

#define OWN_CATALOG_MAX (8u << 20) /* bytes of all files */
#define OWN_COURSES_MAX (8u << 20)

/* Adds every file *.txt of the folder to c, in the order of their names; texts (may be NULL) gets each behind its length in four bytes. ERR_MISUSE:
 * the folder or a file cannot be read, or a file is wrong: its name, line, column, and what was expected. */
int own_catalog_read(const char *folder, struct catalog *c, struct buf *texts, struct error *e);

/* Adds every picture *.svg of its folder "pictures" and every course *.md (but README.md) of the folder to s, in the order of their names; packed
 * (may be NULL) gets them as courses_unpack takes them. Errors as above. */
int own_courses_read(const char *folder, struct courses *s, struct buf *packed, struct error *e);

/* Adds every policy *.md (but README.md) of the folder. Errors as above. */
int own_policies_read(const char *folder, struct courses *s, struct buf *packed, struct error *e);

/* The pictures alone: those beside a course that is checked. A folder without pictures is none. */
int own_pictures_read(const char *folder, struct courses *s, struct buf *packed, struct error *e);

/* Reads one file to out. ERR_MISUSE: it cannot be read, or is too large. */
int own_file(const char *path, struct buf *out, struct error *e);

/* The whole of a descriptor, from its start whatever was read from it before. */
int own_load(int fd, struct buf *out, struct error *e);

#define OWN_MAX (4 + BREACHED_MOST * BREACHED_MARK + OWN_CATALOG_MAX + 4 + OWN_COURSES_MAX)

/* The marks of leaked passwords, behind their length: the first part of what is handed over. path "": none. Errors as above. */
int own_breached_read(const char *path, struct buf *texts, struct error *e);
struct span own_breached(struct span *texts); /* takes that part */

/* What is handed over in one text: behind that part, the catalog's files, then the courses. Takes the catalog's next file; false: there is none, and
 * what is left of texts is the courses, packed. */
bool own_next(struct span *texts, struct span *ret);
void own_courses_follow(struct buf *texts); /* ends the catalog's part */

#endif
