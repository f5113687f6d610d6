/* phrases: the classes of catalog/mail/phrases.txt, found in a folded text. Of this room only. */
#ifndef TQ_ENGINE_MAIL_PHRASES_H
#define TQ_ENGINE_MAIL_PHRASES_H

#include "base/error.h"
#include "base/span.h"

#define PHRASE_CLASSES(X)                                                                                                                            \
    X(URGENCY, "urgency")                                                                                                                            \
    X(THREAT, "threat")                                                                                                                              \
    X(CREDENTIAL, "credential")                                                                                                                      \
    X(MAILBOX, "mailbox")                                                                                                                            \
    X(SIGNIN, "signin")                                                                                                                              \
    X(MFA, "mfa")                                                                                                                                    \
    X(QR, "qr")                                                                                                                                      \
    X(DOCUMENT, "document")                                                                                                                          \
    X(PAYROLL, "payroll")                                                                                                                            \
    X(BANK, "bank")                                                                                                                                  \
    X(GIFT, "gift")                                                                                                                                  \
    X(SECRECY, "secrecy")                                                                                                                            \
    X(INVOICE, "invoice")                                                                                                                            \
    X(CALLBACK, "callback")                                                                                                                          \
    X(CRITICAL, "critical")                                                                                                                          \
    X(RECALL, "recall")                                                                                                                              \
    X(DELIVERY, "delivery")                                                                                                                          \
    X(REFUND, "refund")                                                                                                                              \
    X(PRIZE, "prize")                                                                                                                                \
    X(ADVANCE, "advance")                                                                                                                            \
    X(EXTORTION, "extortion")                                                                                                                        \
    X(REMOTE, "remote")                                                                                                                              \
    X(ENABLE, "enable")                                                                                                                              \
    X(ARCHIVE, "archive")                                                                                                                            \
    X(PICKUP, "pickup")                                                                                                                              \
    X(SECRET, "secret")                                                                                                                              \
    X(OAUTH, "oauth")                                                                                                                                \
    X(CLICK, "click")                                                                                                                                \
    X(GREETING, "greeting")                                                                                                                          \
    X(JOB, "job")                                                                                                                                    \
    X(VICE, "vice")                                                                                                                                  \
    X(ADVERT, "advert")

#define PHRASE_ENUM(name, text) PHRASE_##name,
enum phrase_class { PHRASE_CLASSES(PHRASE_ENUM) PHRASE_COUNT };
#undef PHRASE_ENUM

struct phrases;

struct phrases_found {
    uint16_t counts[PHRASE_COUNT]; /* different phrases of the class */
    size_t words;                  /* of the text */
};

/* Reads the file's text. NULL: no memory, or ERR_CORRUPT with the line. */
struct phrases *phrases_read(const char *text, struct error *e);
void phrases_free(struct phrases *p);

/* Adds what stands in a folded text (words with single spaces between). seen: as many bits as phrases_bits says, cleared before the first text: a
 * phrase counts once in all texts of a message. */
size_t phrases_bits(const struct phrases *p);
void phrases_find(const struct phrases *p, struct span folded, uint8_t *seen, struct phrases_found *found);

#endif
