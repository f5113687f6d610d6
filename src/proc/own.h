/* own: what a lab wrote itself, in folders that lab.yaml names: entries of the device catalog (key "catalog") and courses (key "courses"). */
#ifndef TQ_PROC_OWN_H
#define TQ_PROC_OWN_H

#include "lab/catalog/catalog.h"
#include "lab/courses/course.h"

#define OWN_CATALOG_MAX (8u << 20) /* bytes of all files */
#define OWN_COURSES_MAX (8u << 20)

/* Adds every file *.txt of the folder to c, in the order of their names; texts (may be NULL) gets each behind its length in four bytes. ERR_MISUSE:
 * the folder or a file cannot be read, or a file is wrong: its name, line, column, and what was expected. */
int own_catalog_read(const char *folder, struct catalog *c, struct buf *texts, struct error *e);

/* Adds every picture *.svg of its folder "pictures" and every course *.md (but README.md) of the folder to s, in the order of their names; packed
 * (may be NULL) gets them as courses_unpack takes them. Errors as above. */
int own_courses_read(const char *folder, struct courses *s, struct buf *packed, struct error *e);

/* The pictures alone: those beside a course that is checked. A folder without pictures is none. */
int own_pictures_read(const char *folder, struct courses *s, struct buf *packed, struct error *e);

/* Reads one file to out. ERR_MISUSE: it cannot be read, or is too large. */
int own_file(const char *path, struct buf *out, struct error *e);

/* The whole of a descriptor, from its start whatever was read from it before. */
int own_load(int fd, struct buf *out, struct error *e);

/* What is handed over in one text: the catalog's files, then the courses. Takes the catalog's next file; false: there is none, and what is left of
 * texts is the courses, packed. */
bool own_next(struct span *texts, struct span *ret);
void own_courses_follow(struct buf *texts); /* ends the catalog's part */

#endif
