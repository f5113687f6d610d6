/* The one error type.
 *
 * A function that can fail returns -1 (or NULL) and fills the `struct error` given as its last parameter; on success it leaves it alone.
 * Callers act on the class, people read the text: what is wrong, where, what to do. The text never holds PHI or a secret. */
#ifndef TQ_BASE_ERROR_H
#define TQ_BASE_ERROR_H

enum err_class {
    ERR_NONE = 0,
    ERR_AGAIN,   /* would block or not yet: try later */
    ERR_CLOSED,  /* the other side is gone, or the input ended */
    ERR_PEER,    /* what an outsider sent is bad */
    ERR_LIMIT,   /* a cap was reached */
    ERR_SYSTEM,  /* the machine failed: disk, memory, permission */
    ERR_MISUSE,  /* the caller, or the person at the keyboard, asked for something impossible */
    ERR_CORRUPT, /* something kept does not hold any more: a proof, a signature, a hash */
    ERR_LOCKED,  /* it waits for a secret that a person has: none was given, or not the right one */
};

struct error {
    enum err_class class;
    char text[320];
};

/* Fills *e (which may be NULL) and returns -1. A text that is too long is cut. */
int err_set(struct error *e, enum err_class class, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like err_set with class ERR_SYSTEM; appends ": " and the words for errnum. */
int err_sys(struct error *e, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts words in front of an error's text ("reading lab.yaml: …") and returns -1. */
int err_context(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#if defined __clang_analyzer__ && !defined TQ_BASE_ERROR_C /* what the words above say, in the analyzer's terms */
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_sys(...) ((void)err_sys(__VA_ARGS__), -1)
#define err_context(...) ((void)err_context(__VA_ARGS__), -1)
#endif

/* The exit status of a verb that ends with this error: 0 none, 1 a check failed, 2 wrong use or unusable input, 3 the machine failed. */
int err_exit_status(const struct error *e);

#endif
