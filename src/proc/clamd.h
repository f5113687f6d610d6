/* clamd: asks ClamAV's daemon about bytes, where it runs (clamd(8), INSTREAM). Nothing is written anywhere: the bytes go over the socket. */
#ifndef TQ_PROC_CLAMD_H
#define TQ_PROC_CLAMD_H

#include "base/error.h"
#include "base/span.h"

#define CLAMD_NAME 128

enum clamd_answer { CLAMD_CLEAN, CLAMD_FOUND, CLAMD_NONE /* nobody answers there */ };

/* where: a path (unix socket), or "127.0.0.1:3310" (loopback only). FOUND: name is the signature's. NONE fills e: not there, too slow (10 s), too
 * large for it, or it does not speak the protocol. */
enum clamd_answer clamd_ask(const char *where, struct span bytes, char name[CLAMD_NAME], struct error *e);

/* Its two halves. -1: nobody is there; the connection is the caller's, and clamd_ask_on closes it. */
int clamd_connect(const char *where);
enum clamd_answer clamd_ask_on(int fd, struct span bytes, char name[CLAMD_NAME], struct error *e);

bool clamd_ping(int fd); /* does it say that it is there? Closes the connection */

/* What an answer says: "stream: Eicar-Test FOUND", "stream: OK". */
enum clamd_answer clamd_read(struct span line, char name[CLAMD_NAME], struct error *e);

#endif
