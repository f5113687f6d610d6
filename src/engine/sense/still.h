/* still: a capture file that nobody writes to, read where it lies.
 *
 * The kernel copies every byte that read(2) gives, which for a capture is a sixth of all that is done with it. Mapped bytes are not copied, but may
 * change while they are looked at, or go away with the end of a file that is cut short. So a file is read in place only under a lease (F_SETLEASE):
 * there is none while somebody has it open for writing, and whoever wants to write later waits until it is given back, which is before the next
 * window. Not every machine gains by it: still_is_dear. */
#ifndef TQ_SENSE_STILL_H
#define TQ_SENSE_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct still;

/* From a descriptor, which stays the caller's, from where it stands. NULL: it is no plain file, is not the caller's own, or somebody writes to it; it
 * is to be read as ever. SIGIO must be ignored: it is how the kernel says that somebody waits. */
struct still *still_new(int fd);
void still_free(struct still *s);

/* Is it dearer to look at a page for the first time than to copy it? So it is where the kernel runs on a hypervisor that shadows its page tables,
 * which hears of each page by a fault of its own: the file is to be read then. Tried on its first bytes; of a file below 1 MiB, where it does not
 * matter, not. `now` counts the processor's time, in any unit. */
bool still_is_dear(const struct still *s, uint64_t (*now)(void));

/* A source_view (source.h). The caller must not pause for long before the next call. */
ssize_t still_view(void *still, uint64_t at, size_t n, const uint8_t **ret);

#endif
