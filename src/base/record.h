/* A record: one event as a typed value, on its way from where it was seen or decided to the ledger.
 *
 * It is a list of fields. Each field's key says, once and in one table (record.c), its name in JSON, its type, and its class: who may see it. Only
 * record/veil turns the clear fields into tokens; nobody else prints, stores or sends one. Spans in a record point into bytes that the maker owns
 * and hold only until the sink returns.
 *
 * Events and their fields: docs/formats/events.md. */
#ifndef TQ_BASE_RECORD_H
#define TQ_BASE_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

enum event {
    EVENT_NONE,
    /* observations: seen on the wire */
    EVENT_ASSET_EVIDENCE,
    EVENT_FLOW_CLOSED,
    EVENT_LAB_MESSAGE,
    EVENT_LAB_RESULT,
    EVENT_LAB_ORDER, /* a test that somebody asks for, or takes back */
    EVENT_DICOM_ASSOCIATION,
    EVENT_NETWORK_ATTEMPTS, /* connections tried in vain, where they are many */
    EVENT_NETWORK_CLAIMS,   /* an address that another holds is claimed by ARP */
    EVENT_SENSOR_STATUS,    /* counters of a sensor: packets, drops, damage */
    /* judged */
    EVENT_FINDING,
    EVENT_RESULT_FOLLOWED, /* what became of results of one message */
    /* done by people or by the program itself */
    EVENT_RUN_STARTED,
    EVENT_RUN_STOPPED,
    EVENT_ROLE_RESTARTED,
    EVENT_CLOCK_STEPPED,
    EVENT_CAPTURE_STARTED,
    EVENT_CAPTURE_ENDED,
    EVENT_ACCOUNT_CREATED,
    EVENT_SESSION_OPENED,
    EVENT_SESSION_REFUSED,
    EVENT_SESSION_CLOSED,
    EVENT_REQUEST_REFUSED,
    EVENT_FINDING_TAKEN,
    EVENT_FINDING_RELEASED,
    EVENT_FINDING_DISMISSED,
    EVENT_FINDING_REOPENED,
    EVENT_FINDING_ENDED, /* the program's own word: what it had found is over */
    EVENT_ASSET_NAMED,
    EVENT_ASSET_EDITED,
    EVENT_ASSET_JOINED,
    EVENT_ASSET_SPLIT,
    EVENT_ASSET_DISTINCT,
    EVENT_ASSET_IMPORTED,
    EVENT_ASSET_UNIMPORTED, /* what a list of devices told is taken back */
    EVENT_ASSET_ADMISSION,  /* may these devices be there: a person vouches for them, refuses them, takes that back */
    EVENT_LEDGER_VERIFIED,
    EVENT_LEDGER_UNLOCKED,
    EVENT_PROGRAM_UPGRADED,
    EVENT_BACKUP_MADE,
    EVENT_BACKUP_TESTED,
    EVENT_BACKUP_RESTORED,
    EVENT_RETENTION_REMOVED, /* what was kept long enough, or had to make room */
    EVENT_RETENTION_SKIPPED, /* observations that were not kept, because the disk was nearly full */
    EVENT_LEDGER_WITNESSED,
    EVENT_KEYS_ROTATED,
    EVENT_KEYS_ERASED,           /* whose records nobody can read any more */
    EVENT_KEYS_RECOVERY,         /* a recovery key was made, or tested */
    EVENT_CERTIFICATE_ENROLMENT, /* who may bring a request for one: begun, withdrawn */
    EVENT_CERTIFICATE_ISSUED,
    EVENT_CERTIFICATE_ROTATED, /* in the place of an earlier one */
    EVENT_CERTIFICATE_REVOKED,
    EVENT_EVIDENCE_PACKETS, /* the packets of a finding's flow */
    EVENT_PHI_LOOK,         /* somebody was shown what is hidden */
    EVENT_STORE_CHECKPOINT, /* the sealed views were made durable: what their pages are together */
    EVENT_STORE_MENDED,     /* they did not hold, or were older, and were rebuilt or caught up */
    EVENT_LINK_STATE,       /* of a link through the relay: up, down, degraded, held, bypassed */
    EVENT_LINK_BYPASSED,    /* a person's order, or its end */
    EVENT_LINK_HELD,
    EVENT_LINK_LEARNT,     /* what is usual there; at last a policy is proposed */
    EVENT_LINK_POLICY,     /* what a person approved, or took back */
    EVENT_RELAY_DELIVERED, /* store and forward: a message needs no more delivery */
    EVENT_RELAY_BEHIND,    /* records of the relay come later, by its spool; or all of them are here */
    EVENT_ACCOUNT_EDITED,  /* the name that is shown */
    EVENT_ACCOUNT_GRANTED, /* a role */
    EVENT_ACCOUNT_WITHDRAWN,
    EVENT_ACCOUNT_CLOSED,
    EVENT_ACCOUNT_REOPENED,
    EVENT_ACCOUNT_RESET,    /* its password counts no more: a one-time code stands in for it */
    EVENT_ACCOUNT_PASSWORD, /* its owner chose one, or it was hashed anew */
    EVENT_ACCOUNT_REVIEWED, /* somebody said that its roles are right */
    EVENT_ACCESS_POLICY,    /* of the site: how old a password may be */
    EVENT_TOKEN_CREATED,    /* for a program that uses the API */
    EVENT_TOKEN_REVOKED,
    EVENT_DATA_EXPORTED,
    EVENT_TASK_CANCELLED,
    EVENT_FINDING_MAILED, /* new findings went by mail to those whom lab.yaml names, or a test of that */
    EVENT_CONFIG_CHANGED, /* between two starts, or by an upgrade: which settings */
    EVENT_PASSKEY_ADDED,
    EVENT_PASSKEY_USED, /* it signed a sign-in, or a request */
    EVENT_PASSKEY_RENAMED,
    EVENT_PASSKEY_REMOVED,
    EVENT_PASSKEY_STOPPED, /* there are two of it */
    EVENT_TOTP_SET,        /* codes of an app */
    EVENT_TOTP_USED,
    EVENT_TOTP_REMOVED,
    EVENT_RECOVERY_ASKED, /* two people let a third in again */
    EVENT_RECOVERY_APPROVED,
    EVENT_RECOVERY_WITHDRAWN,
    EVENT_RECOVERY_USED,
    EVENT_REPORT_FILED, /* somebody saw something, and said so */
    EVENT_REPORT_TAKEN,
    EVENT_REPORT_RELEASED,
    EVENT_REPORT_ANSWERED,
    EVENT_REPORT_CLOSED,
    EVENT_DOOR_ASKED, /* a maker's engineer wants to reach one device */
    EVENT_DOOR_APPROVED,
    EVENT_DOOR_REFUSED,
    EVENT_DOOR_WITHDRAWN, /* a person ends it, open or not */
    EVENT_DOOR_OPENED,    /* the firewall's word */
    EVENT_DOOR_CLOSED,
    EVENT_ACCOUNT_CONTACT,   /* where mail reaches somebody, and who is told when they are late */
    EVENT_TRAINING_ASSIGNED, /* a course to a role, a site or a person, from a day on */
    EVENT_TRAINING_UNASSIGNED,
    EVENT_TRAINING_REFRESHER, /* to one person, because of something that happened */
    EVENT_TRAINING_COURSE,    /* a course's text as it was from then on */
    EVENT_TRAINING_BEGUN,     /* an attempt at a course's questions */
    EVENT_TRAINING_ANSWERED,
    EVENT_TRAINING_COMPLETED, /* passed, and signed for */
    EVENT_TRAINING_CLASSROOM, /* somebody taught people in a room */
    EVENT_TRAINING_POLICY,    /* a policy as it stands from then on, or its end */
    EVENT_TRAINING_ACKNOWLEDGED,
    EVENT_TRAINING_REMINDED,
    EVENT_TRAINING_STANDING, /* what the program counted at the beginning of a month */
    EVENT_TRAINING_LEFT,     /* roles that ended by themselves: what they asked for is asked no more */
    EVENT_MAIL_REPORTED,     /* somebody was not sure about a mail, and what the program said of it */
    EVENT_MAIL_DECIDED,      /* a person's word about it: dangerous, harmless; or open again */
    EVENT_INCIDENT_OPENED,   /* an attack that a person confirmed, and what it may be known by again */
    EVENT_PHISH_PLANNED,     /* a phishing simulation: to whom, from when to when */
    EVENT_PHISH_ENDED,       /* a person stopped it, or its time was over */
    EVENT_PHISH_SENT,        /* one mail of it; whom it went to is sealed, like in the next two */
    EVENT_PHISH_VISITED,     /* somebody followed its link */
    EVENT_PHISH_REPORTED,    /* somebody told of it: what it is for */
    EVENT_COUNT
};

/* Who may see a field, and what the veil does with it. */
enum field_class {
    FIELD_OPEN,     /* ours: counts, enumerations, addresses: shown as it is */
    FIELD_FOREIGN,  /* filled by outsiders: shown when it passes the allow-list, else a token */
    FIELD_PATIENT,  /* a patient's identifier: always a token (P-…) */
    FIELD_SPECIMEN, /* a specimen's or order's identifier: always a token (S-…) */
    FIELD_VALUE,    /* a measured value: never shown; goes into value_digest */
    FIELD_PRIVATE, /* any other field of the patient (name, birth date, address …): never shown; a foreign field that repeats one becomes a token */
    FIELD_CAUSE,   /* the canonical cause of a finding: never shown; goes into the finding's id */
    FIELD_SECRET,  /* a password's hash and the like: never shown, not even with --reveal; kept only sealed. Texts only */
    FIELD_BODY,    /* bytes as they were received: in no text at all; kept only sealed, as the third part of a payload */
};

/* What KEY_MARKS holds: a digest of 8 bytes, the first one lowest, for each; 0: the message has nothing of it. Those of parts as they were written,
 * byte for byte, in the order in which they stand; and those of what a part says, however it was written. */
enum mark {
    MARK_HEADER,   /* MSH, H */
    MARK_PATIENT,  /* PID and what stands with it, P */
    MARK_ORDER,    /* ORC, OBR, SPM, SAC …, O */
    MARK_RESULTS,  /* OBX, R */
    MARK_COMMENTS, /* NTE, C */
    MARK_OTHER,
    MARK_NAME, /* the patient's */
    MARK_BORN,
    MARK_SEX,
    MARK_MATERIAL,
    MARK_NOTE, /* all comments, in any order */
    MARKS
};
#define MARKS_WRITTEN MARK_NAME /* so many are of parts as they were written */
#define MARK_BYTES 8

enum field_type { TYPE_TEXT, TYPE_INT, TYPE_BOOL, TYPE_TIME };

/* Every key: KEY(name in C, name in JSON ("a.b" = member b of object a), class, type, is it a list). Order is part of the format on the wire between
 * roles only, never on disk. */
#define RECORD_KEYS(KEY)                                                                                                                             \
    /* asset.evidence */                                                                                                                             \
    KEY(IP, "ip", OPEN, TEXT, false)                                                                                                                 \
    KEY(MAC, "mac", OPEN, TEXT, false)                                                                                                               \
    KEY(MAKER, "maker", FOREIGN, TEXT, false)                                                                                                        \
    KEY(MODEL, "model", FOREIGN, TEXT, false)                                                                                                        \
    KEY(SERIAL, "serial", FOREIGN, TEXT, false)                                                                                                      \
    KEY(SOFTWARE, "software", FOREIGN, TEXT, false)                                                                                                  \
    KEY(HOSTNAME, "hostname", FOREIGN, TEXT, false)                                                                                                  \
    KEY(SAID, "said", FOREIGN, TEXT, true)          /* the components of H-5 or MSH-3 in their places: each is shown, or a token, by itself */       \
    KEY(FACILITY, "facility", FOREIGN, TEXT, false) /* MSH-4 */                                                                                      \
    KEY(OS, "os", OPEN, TEXT, false)                /* a word of ours: "Windows 10" */                                                               \
    KEY(ROLE, "role", OPEN, TEXT, false)                                                                                                             \
    KEY(SOURCE, "source", OPEN, TEXT, false)                                                                                                         \
    KEY(DHCP_OPTIONS, "dhcp_options", OPEN, TEXT, false) /* option 55: numbers with commas */                                                        \
    KEY(JA4, "ja4", OPEN, TEXT, false)                                                                                                               \
    /* flow.closed */                                                                                                                                \
    KEY(PACKETS, "packets", OPEN, INT, false)                                                                                                        \
    KEY(BYTES_UP, "bytes_up", OPEN, INT, false)                                                                                                      \
    KEY(BYTES_DOWN, "bytes_down", OPEN, INT, false)                                                                                                  \
    KEY(DURATION_NS, "duration_ns", OPEN, INT, false)                                                                                                \
    KEY(APP, "app", OPEN, TEXT, false)                                                                                                               \
    KEY(REASON, "reason", OPEN, TEXT, false)                                                                                                         \
    KEY(GAPS, "gaps", OPEN, INT, false)                                                                                                              \
    KEY(RETRANSMITTED, "retransmitted", OPEN, INT, false)                                                                                            \
    /* lab.message */                                                                                                                                \
    KEY(MESSAGE_ID, "id", OPEN, TEXT, false)                                                                                                         \
    KEY(PROTOCOL, "protocol", OPEN, TEXT, false)                                                                                                     \
    KEY(MESSAGE_TYPE, "type", FOREIGN, TEXT, false)                                                                                                  \
    KEY(CONTROL_ID, "control_id", FOREIGN, TEXT, false)                                                                                              \
    KEY(SENDER, "sender", FOREIGN, TEXT, false)                                                                                                      \
    KEY(RECEIVER, "receiver", FOREIGN, TEXT, false)                                                                                                  \
    KEY(VERSION, "version", FOREIGN, TEXT, false)                                                                                                    \
    KEY(CHARSET, "charset", FOREIGN, TEXT, false)                                                                                                    \
    KEY(RESULTS, "results", OPEN, INT, false)                                                                                                        \
    KEY(BYTES, "bytes", OPEN, INT, false)                                                                                                            \
    KEY(MALFORMED, "malformed", OPEN, TEXT, false) /* names a place, never content */                                                                \
    KEY(HOSTILE, "hostile", OPEN, TEXT, false)     /* what the payload tries, and where: a place, never content */                                   \
    KEY(ACK_CODE, "ack.code", FOREIGN, TEXT, false)                                                                                                  \
    KEY(ACK_FOR, "ack.for", FOREIGN, TEXT, false)                                                                                                    \
    KEY(ACK_ERROR, "ack.error", FOREIGN, TEXT, false)                      /* ERR-3, ERR-1.4 or MSA-6 */                                             \
    KEY(ACK_MESSAGE, "ack.message", OPEN, TEXT, false)                     /* the id of the lab.message that a commit block of MLLP answers */       \
    KEY(WANTS_ACCEPT, "ack_wanted.accept", FOREIGN, TEXT, false)           /* MSH-15 */                                                              \
    KEY(WANTS_APPLICATION, "ack_wanted.application", FOREIGN, TEXT, false) /* MSH-16 */                                                              \
    KEY(PROFILE, "profile", FOREIGN, TEXT, false)                          /* MSH-21 */                                                              \
    KEY(CHARSET_READ, "charset_read", OPEN, TEXT, false)                   /* what the bytes were, where that is not what the message says */        \
    KEY(BATCH, "batch", OPEN, TEXT, false)                                 /* the id of the first message in the same block */                       \
    KEY(CONTINUES, "continues", OPEN, TEXT, false)                         /* the id of the message whose rest this is */                            \
    KEY(CONTINUED, "continued", OPEN, BOOL, false)                         /* its rest is in a message to come */                                    \
    KEY(ORDERS, "orders", OPEN, INT, false)                                                                                                          \
    KEY(PATIENTS, "patients", OPEN, INT, false)                                                                                                      \
    KEY(SENT_AT, "sent_at", OPEN, TEXT, false)                /* ISO 8601 from the message's own time stamp; like observed_at */                     \
    KEY(PROCESSING, "processing", OPEN, TEXT, false)          /* "T", "D": not production (MSH-11, H-12) */                                          \
    KEY(PRIOR_PATIENT, "prior_patient", PATIENT, TEXT, false) /* MRG-1: from now on `patient` */                                                     \
    /* lab.result, lab.order */                                                                                                                      \
    KEY(TEST_CODE, "test.code", FOREIGN, TEXT, false)                                                                                                \
    KEY(TEST_SYSTEM, "test.system", FOREIGN, TEXT, false)                                                                                            \
    KEY(TEST_TEXT, "test.text", FOREIGN, TEXT, false)                                                                                                \
    KEY(TEST_ALTERNATE, "test.alternate", FOREIGN, TEXT, false) /* its code in another system: OBX-3.4 */                                            \
    KEY(PATIENT, "patient", PATIENT, TEXT, false)                                                                                                    \
    KEY(SPECIMEN, "specimen", SPECIMEN, TEXT, false)                                                                                                 \
    KEY(ORDER, "order", SPECIMEN, TEXT, false)                                                                                                       \
    KEY(FILLER, "filler", SPECIMEN, TEXT, false) /* OBR-3, where OBR-2 is another one */                                                             \
    KEY(VALUE, "value", VALUE, TEXT, false)                                                                                                          \
    KEY(VALUE_TYPE, "value_type", FOREIGN, TEXT, false)                                                                                              \
    KEY(UNITS, "units", FOREIGN, TEXT, false)                                                                                                        \
    KEY(RANGE, "range", FOREIGN, TEXT, false) /* OBX-7, R-6 */                                                                                       \
    KEY(FLAGS, "flags", FOREIGN, TEXT, true)                                                                                                         \
    KEY(STATUS, "status", FOREIGN, TEXT, false)                                                                                                      \
    KEY(OBSERVED_AT, "observed_at", OPEN, TEXT, false)        /* ISO 8601 from the sender's time stamp; without zone where the sender gave none */   \
    KEY(MESSAGE, "message", OPEN, TEXT, false)                /* the id of the lab.message */                                                        \
    KEY(WHO, "who", PRIVATE, TEXT, true)                      /* of a message with several patients: each one's identifier, the first 32 */          \
    KEY(PRIVATE, "private", PRIVATE, TEXT, true)              /* one for each field of PID / P of the whole message */                               \
    KEY(PRIVATE_CUT, "private_cut", PRIVATE, BOOL, false)     /* more private fields than a record holds: every foreign field becomes a token */     \
    KEY(CONTAINER, "container", SPECIMEN, TEXT, false)        /* SAC-3 */                                                                            \
    KEY(SPECIMEN_ROLE, "specimen_role", FOREIGN, TEXT, false) /* SPM-11: P patient, Q control … */                                                 \
    KEY(MATERIAL, "material", OPEN, TEXT, false)              /* blood, urine, other: SPM-4, OBR-15, O-16 in our words */                            \
    KEY(ACTION, "action", OPEN, TEXT, false)                  /* of an order: new, cancel, other */                                                  \
    KEY(PRIORITY, "priority", OPEN, TEXT, false)              /* of an order: stat, urgent, routine */                                               \
    KEY(DOCUMENT_TYPE, "document.type", OPEN, TEXT, false)    /* by its content */                                                                   \
    KEY(DOCUMENT_DECLARED, "document.declared", FOREIGN, TEXT, false) /* by its sender */                                                            \
    KEY(DOCUMENT_BYTES, "document.bytes", OPEN, INT, false)                                                                                          \
    KEY(METHOD, "method", FOREIGN, TEXT, false) /* how it was obtained: OBS.method_cd */                                                             \
    /* dicom.association */                                                                                                                          \
    KEY(CALLING, "calling", FOREIGN, TEXT, false)                                                                                                    \
    KEY(CALLED, "called", FOREIGN, TEXT, false)                                                                                                      \
    KEY(RESULT, "result", OPEN, TEXT, false)                                                                                                         \
    /* finding */                                                                                                                                    \
    KEY(FINDING, "id", OPEN, TEXT, false) /* written by the veil from KIND and CAUSE; in decisions: the finding meant */                             \
    KEY(KIND, "kind", OPEN, TEXT, false)                                                                                                             \
    KEY(CAUSE, "cause", CAUSE, TEXT, false)                                                                                                          \
    KEY(SEVERITY, "severity", OPEN, TEXT, false)                                                                                                     \
    KEY(TITLE, "title", OPEN, TEXT, false) /* one sentence; {0} … {3} stand for the SUBJECTs, which the veil puts in */                            \
    KEY(SUBJECT, "subject", FOREIGN, TEXT, true)                                                                                                     \
    KEY(EVIDENCE_FLOW, "evidence.flows", OPEN, INT, true)                                                                                            \
    KEY(EVIDENCE_MESSAGE, "evidence.messages", OPEN, TEXT, true)                                                                                     \
    KEY(EVIDENCE_RECORD, "evidence.records", OPEN, INT, true)                                                                                        \
    KEY(TECHNIQUE, "technique", OPEN, TEXT, false)                                                                                                   \
    KEY(ADVICE, "advice", OPEN, TEXT, false)                                                                                                         \
    KEY(SID, "sid", OPEN, INT, false)                                                                                                                \
    /* sensor.status and capture.* */                                                                                                                \
    KEY(CAPTURE, "capture", OPEN, TEXT, false) /* the interface or file */                                                                           \
    KEY(DROPPED, "dropped", OPEN, INT, false)                                                                                                        \
    KEY(DROPPED_FLOWS, "dropped_flows", OPEN, INT, false)                                                                                            \
    KEY(DROPPED_LAB, "dropped_lab", OPEN, INT, false)                                                                                                \
    KEY(SHED_BULK, "shed_bulk", OPEN, INT, false)                                                                                                    \
    KEY(SHED_OTHER, "shed_other", OPEN, INT, false)                                                                                                  \
    KEY(DAMAGED, "damaged", OPEN, INT, false)                                                                                                        \
    KEY(FLOWS, "flows", OPEN, INT, false)                                                                                                            \
    KEY(FIRST_TIME, "first_time", OPEN, TIME, false)                                                                                                 \
    KEY(LAST_TIME, "last_time", OPEN, TIME, false)                                                                                                   \
    /* decisions and the program's own doings */                                                                                                     \
    KEY(PERSON, "person", OPEN, TEXT, false) /* account name of who did it */                                                                        \
    KEY(ACCOUNT, "account", OPEN, TEXT, false)                                                                                                       \
    KEY(DISPLAY_NAME, "display_name", OPEN, TEXT, false)                                                                                             \
    KEY(ACCOUNT_ROLE, "account_role", OPEN, TEXT, false)                                                                                             \
    KEY(PASSWORD_HASH, "password_hash", SECRET, TEXT, false)                                                                                         \
    KEY(SESSION, "session", OPEN, TEXT, false) /* a public handle, never the cookie */                                                               \
    KEY(ORIGIN, "origin", OPEN, TEXT, false)   /* where a request came from: an address, or "local socket, uid 0" */                                 \
    KEY(WHY, "why", OPEN, TEXT, false)         /* the reason that a person gave, or why something was refused */                                     \
    KEY(ASSET, "asset", OPEN, TEXT, false)                                                                                                           \
    KEY(NAME, "name", OPEN, TEXT, false)                                                                                                             \
    KEY(EDIT, "edits", OPEN, TEXT, true)         /* asset.edited: "field=value"; nothing behind "=" takes the edit back */                           \
    KEY(OTHER, "other", OPEN, TEXT, false)       /* the second asset of a decision about two */                                                      \
    KEY(PART, "part", OPEN, TEXT, false)         /* asset.split: the address or serial number that goes */                                           \
    KEY(ROW, "rows", OPEN, TEXT, true)           /* asset.imported, asset.admission: one JSON object of texts for a device */                        \
    KEY(DECISION, "decision", OPEN, TEXT, false) /* asset.admission: vouch, refuse, withdraw */                                                      \
    KEY(SETTING, "settings", OPEN, TEXT, true)   /* config.changed: names of settings */                                                             \
    KEY(PERMISSION, "permission", OPEN, TEXT, false)                                                                                                 \
    KEY(PROGRAM_ROLE, "program_role", OPEN, TEXT, false)                                                                                             \
    KEY(HOLDS, "holds", OPEN, BOOL, false)                                                                                                           \
    KEY(TREE_SIZE, "tree_size", OPEN, INT, false)                                                                                                    \
    KEY(BACKUP, "backup", OPEN, TEXT, false)                                                                                                         \
    KEY(WHERE, "where", OPEN, TEXT, false)                                                                                                           \
    KEY(RECORDS, "records", OPEN, INT, false)                                                                                                        \
    KEY(REMOVED, "removed", OPEN, TEXT, true) /* backup.made: ids of older ones that went; retention.removed: what the ledger calls it */            \
    KEY(DAY, "day", OPEN, TEXT, false)                                                                                                               \
    KEY(STATE, "state", OPEN, TEXT, false)                                                                                                           \
    KEY(STEP_NS, "step_ns", OPEN, INT, false)                                                                                                        \
    /* network.attempts */                                                                                                                           \
    KEY(WAITED_S, "waited_s", OPEN, INT, false) /* ledger.unlocked */                                                                                \
    KEY(LOST, "lost", OPEN, INT, false)         /* records that found no room */                                                                     \
    KEY(FROM, "from", OPEN, TEXT, false)        /* program.upgraded */                                                                               \
    KEY(TO, "to", OPEN, TEXT, false)                                                                                                                 \
    KEY(ATTEMPTS, "attempts", OPEN, INT, false)                                                                                                      \
    KEY(ENDS, "ends", OPEN, INT, false)                                                                                                              \
    KEY(HOLDER, "holder", OPEN, TEXT, false) /* network.claims: a MAC address */                                                                     \
    /* the ledger's keys */                                                                                                                          \
    KEY(ERASED_PATIENT, "erased.patient", OPEN, TEXT, false) /* a token */                                                                           \
    KEY(ERASED_FROM, "erased.from", OPEN, INT, false)        /* months, year * 100 + month */                                                        \
    KEY(ERASED_TO, "erased.to", OPEN, INT, false)                                                                                                    \
    KEY(ERASED_FIRST, "erased.first", OPEN, INT, false) /* the records that are gone lie between these two */                                        \
    KEY(ERASED_LAST, "erased.last", OPEN, INT, false)                                                                                                \
    KEY(ERASED_KEYS, "erased.keys", OPEN, INT, false)                                                                                                \
    KEY(KEYS_SOURCE, "keys.source", OPEN, TEXT, false)                                                                                               \
    KEY(KEYS_EPOCH, "keys.epoch", OPEN, INT, false)                                                                                                  \
    /* certificates of links */                                                                                                                      \
    KEY(CERTIFICATE_SERIAL, "certificate.serial", OPEN, TEXT, false) /* hexadecimal; "": of an enrolment */                                          \
    KEY(CERTIFICATE_FINGERPRINT, "certificate.fingerprint", OPEN, TEXT, false)                                                                       \
    KEY(CERTIFICATE_LINK, "certificate.link", OPEN, TEXT, false)                                                                                     \
    KEY(CERTIFICATE_SIDE, "certificate.side", OPEN, TEXT, false) /* analyzer, lis; "": the authority of the links */                                 \
    KEY(CERTIFICATE_FOR, "certificate.for", OPEN, TEXT, false)   /* the same in words */                                                             \
    KEY(CERTIFICATE_NAMES, "certificate.names", OPEN, TEXT, true)                                                                                    \
    KEY(CERTIFICATE_OURS, "certificate.ours", OPEN, BOOL, false)         /* the program has its key */                                               \
    KEY(CERTIFICATE_REPLACES, "certificate.replaces", OPEN, TEXT, false) /* a serial number */                                                       \
    KEY(CERTIFICATE_NOT_BEFORE, "certificate.not_before", OPEN, TIME, false)                                                                         \
    KEY(CERTIFICATE_NOT_AFTER, "certificate.not_after", OPEN, TIME, false)                                                                           \
    KEY(ENROLMENT, "enrolment", OPEN, TEXT, false) /* its id */                                                                                      \
    KEY(FIRST_BAD, "first_bad", OPEN, INT, false)  /* ledger.verified: the first record that does not hold */                                        \
    /* what is kept sealed of a message or of packets, and who looked at it */                                                                       \
    KEY(BODY, "body", BODY, TEXT, true)                /* in pieces of RECORD_TEXT bytes; where it is cut, its beginning */                          \
    KEY(BODY_BYTES, "body_bytes", BODY, INT, false)    /* of the whole */                                                                            \
    KEY(BODY_DIGEST, "body_digest", BODY, TEXT, false) /* SHA-256 of the whole, where only its beginning is kept: 32 bytes */                        \
    KEY(WHO_MORE, "who_more", BODY, TEXT, false)       /* the patients behind those of WHO: each a length in 2 bytes and an identifier */            \
    KEY(WHO_LOST, "who_lost", BODY, BOOL, false)       /* there were even more */                                                                    \
    KEY(SHA256, "sha256", OPEN, TEXT, false)           /* of evidence.packets: of the file, in hexadecimal digits */                                 \
    KEY(LOOKED_RECORD, "looked.record", OPEN, INT, false)                                                                                            \
    KEY(LOOKED_EVENT, "looked.event", OPEN, TEXT, false)                                                                                             \
    KEY(LOOKED_PATIENT, "looked.patient", OPEN, TEXT, false) /* a token */                                                                           \
    KEY(SHOWN, "shown", OPEN, INT, true)                     /* the records whose hidden parts were shown */                                         \
    KEY(WHAT, "what", OPEN, TEXT, false)                     /* which parts, in words of ours */                                                     \
    /* links */                                                                                                                                      \
    KEY(LINK, "link", OPEN, TEXT, false)          /* its name: of every record that a relay makes */                                                 \
    KEY(LINK_LEG, "leg", OPEN, TEXT, false)       /* received, forwarded: by the relay */                                                            \
    KEY(LINK_SIDE, "side", OPEN, TEXT, false)     /* analyzer, lis: whose connection */                                                              \
    KEY(LINK_TLS, "tls", OPEN, BOOL, false)       /* which is encrypted */                                                                           \
    KEY(LINK_SEQ, "link_seq", OPEN, TEXT, false)  /* RUN.NUMBER: unique, and grows within the run */                                                 \
    KEY(LINK_QUEUED, "queued", OPEN, BOOL, false) /* store and forward: it waits for its delivery */                                                 \
    /* forwarded: it may have reached the LIS before, the relay sends it once more, to be sure; received: the LIS had refused it for good */         \
    KEY(LINK_AGAIN, "again", OPEN, BOOL, false)                                                                                                      \
    KEY(LINK_VERDICT, "policy", OPEN, TEXT, false)  /* flagged, refused */                                                                           \
    KEY(LINK_OF, "of", OPEN, TEXT, false)           /* relay.delivered: the link_seq of the message, or a last one of its records */                 \
    KEY(LINK_RECORD, "of_record", OPEN, INT, false) /* … or its record, where it was taken by an earlier relay */                                  \
    /* forwarded: the id of the lab.message whose very bytes these are, and whose results */                                                         \
    KEY(LINK_UNCHANGED, "unchanged_from", OPEN, TEXT, false)                                                                                         \
    KEY(LINK_ON, "on", OPEN, BOOL, false)                                                                                                            \
    KEY(LINK_TYPE, "types", FOREIGN, TEXT, true) /* link.policy */                                                                                   \
    KEY(LINK_SENDER, "senders", FOREIGN, TEXT, true)                                                                                                 \
    KEY(LINK_TEST, "tests", FOREIGN, TEXT, true)                                                                                                     \
    KEY(LINK_SIZE, "size", OPEN, INT, false)                                                                                                         \
    KEY(LINK_RATE, "rate", OPEN, INT, false)                                                                                                         \
    KEY(LINK_UNKNOWN, "unknown", OPEN, TEXT, false)                                                                                                  \
    /* lab.message: digests of its parts (enum mark), keyed by the run's hash key: from sensor and relay to the detector, never shown and never kept \
     */                                                                                                                                              \
    KEY(MARKS, "marks", CAUSE, TEXT, false)                                                                                                          \
    KEY(LINK_HIDDEN, "hidden", OPEN, TEXT, false)      /* link.policy: what became of names that had to be hidden: included, left out */             \
    KEY(LINK_LEARNT_TO, "learnt_to", OPEN, INT, false) /* … what was learnt up to this record may pass */                                          \
    KEY(LEARN_FROM, "learn.from", OPEN, TIME, false)   /* link.learnt: since when and until when the link learns; the lists are what is new */       \
    KEY(LEARN_UNTIL, "learn.until", OPEN, TIME, false)                                                                                               \
    KEY(LEARN_OVER, "learn.over", OPEN, BOOL, false) /* … that was all: it is proposed */                                                          \
    /* store.checkpoint */                                                                                                                           \
    KEY(LIFE, "life", OPEN, TEXT, false) /* of the database: 32 hexadecimal digits */                                                                \
    KEY(GENERATION, "generation", OPEN, INT, false)                                                                                                  \
    KEY(APPLIED, "applied", OPEN, INT, false) /* records that the views hold */                                                                      \
    KEY(PAGES, "pages", OPEN, INT, false)                                                                                                            \
    KEY(SET_HASH, "hash", OPEN, TEXT, false) /* the mark of all pages: 64 hexadecimal digits */                                                      \
    /* result.followed: rows of the same length, one a run of results that stand side by side in both messages */                                    \
    KEY(STEP_VERDICT, "step.verdict", OPEN, TEXT, false)                                                                                             \
    KEY(STEP_FROM, "step.from", OPEN, TEXT, false)       /* the id of the lab.message that they were seen in before */                               \
    KEY(STEP_CHANGED, "step.changed", OPEN, TEXT, false) /* which part: value, unit, flag … */                                                     \
    KEY(STEP_HERE, "step.here", OPEN, INT, true)         /* the place of the first one in `message`, counted from 0 */                               \
    KEY(STEP_THERE, "step.there", OPEN, INT, true)       /* the same in `from`; -1: not known */                                                     \
    KEY(STEP_COUNT, "step.count", OPEN, INT, true)                                                                                                   \
    /* accounts */                                                                                                                                   \
    KEY(SITE, "site", OPEN, TEXT, false)                                                                                                             \
    KEY(UNTIL, "until", OPEN, TIME, false)                                                                                                           \
    KEY(INVITE_HASH, "invite_hash", SECRET, TEXT, false)                                                                                             \
    KEY(BY_ROLE, "by_role", OPEN, TEXT, false)         /* the role that gave whoever did it the permission */                                        \
    KEY(REVIEWED, "reviewed", OPEN, TEXT, true)        /* account.reviewed: the accounts */                                                          \
    KEY(COMPROMISED, "compromised", OPEN, BOOL, false) /* account.reset: somebody else may know the password */                                      \
    KEY(PASSWORD_DAYS, "password_days", OPEN, INT, false)                                                                                            \
    KEY(SECOND_FACTOR, "second_factor", OPEN, TEXT, false) /* whose roles count only with one */                                                     \
    KEY(TOKEN, "token", OPEN, TEXT, false)                 /* its public id */                                                                       \
    KEY(TOKEN_HASH, "token_hash", SECRET, TEXT, false)                                                                                               \
    KEY(LABEL, "label", OPEN, TEXT, false)                                                                                                           \
    KEY(SCOPE, "scopes", OPEN, TEXT, true) /* permissions */                                                                                         \
    /* ways to sign in */                                                                                                                            \
    KEY(PROOF, "proof", OPEN, TEXT, false) /* how the person showed that it is they: passkey, password, password+code, recovery */                   \
    KEY(PASSKEY_ID, "passkey.id", OPEN, TEXT, false)                                                                                                 \
    KEY(PASSKEY_KEY, "passkey.key", OPEN, TEXT, false)   /* the public key */                                                                        \
    KEY(PASSKEY_USER, "passkey.user", OPEN, TEXT, false) /* what authenticators know the person by */                                                \
    KEY(PASSKEY_TRANSPORTS, "passkey.transports", OPEN, TEXT, false)                                                                                 \
    KEY(PASSKEY_COUNTER, "passkey.counter", OPEN, INT, false)                                                                                        \
    KEY(PASSKEY_FLAGS, "passkey.flags", OPEN, INT, false)                                                                                            \
    KEY(TOTP_SECRET, "totp_secret", SECRET, TEXT, false)                                                                                             \
    KEY(TOTP_STEP, "totp_step", OPEN, INT, false) /* no code of it, or of an earlier one, counts again */                                            \
    KEY(RECOVERY, "recovery", OPEN, TEXT, false)  /* its id */                                                                                       \
    KEY(RECOVERY_HASH, "recovery_hash", SECRET, TEXT, false)                                                                                         \
    /* what people report; without `person`: nobody is known to have */                                                                              \
    KEY(REPORT, "report", OPEN, TEXT, false) /* its id */                                                                                            \
    KEY(REPORT_TEXT, "text", OPEN, TEXT, false)                                                                                                      \
    KEY(REPORT_NOW, "now", OPEN, BOOL, false)     /* it is going on */                                                                               \
    KEY(REPORT_PHOTO, "photo", OPEN, TEXT, false) /* image/jpeg, image/png: its bytes are the body */                                                \
    KEY(REPORT_CLAIM, "claim", OPEN, TEXT, false) /* SHA-256 of the code with which its state can be asked for: 64 hexadecimal digits */             \
    KEY(REPORT_ANSWER, "answer", OPEN, TEXT, false)                                                                                                  \
    /* doors */                                                                                                                                      \
    KEY(FOR_MAKER, "for_maker", OPEN, TEXT, false)  /* account.granted, door.asked: whose engineer */                                                \
    KEY(DOOR, "door", OPEN, TEXT, false)            /* its id */                                                                                     \
    KEY(DOOR_ADDRESS, "address", OPEN, TEXT, false) /* the device's */                                                                               \
    KEY(DOOR_SERVICE, "service", OPEN, TEXT, false)                                                                                                  \
    KEY(DOOR_PROTO, "proto", OPEN, INT, false) /* IP protocol number */                                                                              \
    KEY(DOOR_PORT, "port", OPEN, INT, false)                                                                                                         \
    KEY(DOOR_MINUTES, "minutes", OPEN, INT, false)                                                                                                   \
    KEY(MAIL, "mail", SECRET, TEXT, false)                                                                                                           \
    KEY(MANAGER, "manager", OPEN, TEXT, false) /* an account */                                                                                      \
    /* training */                                                                                                                                   \
    KEY(COURSE, "course", OPEN, TEXT, false) /* its id; "policy:" and a policy's id */                                                               \
    KEY(COURSE_VERSION, "course_version", OPEN, INT, false)                                                                                          \
    KEY(COURSE_TITLE, "course_title", OPEN, TEXT, false)                                                                                             \
    KEY(COURSE_TEXT, "course_text", SECRET, TEXT, true) /* in pieces: the right answers are in it */                                                 \
    KEY(RULE, "rule", OPEN, INT, false)                 /* the record that assigned it */                                                            \
    KEY(FROM_DAY, "from_day", OPEN, TEXT, false)        /* YYYY-MM-DD, in the lab's time zone; like due_day */                                       \
    KEY(DUE_DAY, "due_day", OPEN, TEXT, false)                                                                                                       \
    KEY(DAYS, "days", OPEN, INT, false)                                                                                                              \
    KEY(RENEW_MONTHS, "renew_months", OPEN, INT, false)                                                                                              \
    KEY(CAUSE_RECORD, "cause_record", OPEN, INT, false) /* what a refresher follows */                                                               \
    KEY(ATTEMPT, "attempt", OPEN, TEXT, false)                                                                                                       \
    KEY(DRAWN, "drawn", SECRET, TEXT, false) /* the questions in their order, and the order of their answers */                                      \
    KEY(ASKED, "asked", OPEN, INT, false)    /* how many */                                                                                          \
    KEY(PASS, "pass", OPEN, INT, false)      /* per cent that must be right */                                                                       \
    KEY(PLACE, "place", SECRET, TEXT, false) /* which of them was answered */                                                                        \
    KEY(QUESTION, "question", SECRET, TEXT, false)                                                                                                   \
    KEY(CHOSEN, "chosen", SECRET, TEXT, false)                                                                                                       \
    KEY(RIGHT, "right", SECRET, TEXT, false)                                                                                                         \
    KEY(STATEMENT, "statement", OPEN, TEXT, false) /* what was signed */                                                                             \
    KEY(HOW, "how", OPEN, TEXT, false)             /* test, classroom, page, mail … */                                                             \
    KEY(TRAINER, "trainer", OPEN, TEXT, false)                                                                                                       \
    KEY(ATTENDED, "attended", OPEN, TEXT, true)     /* accounts */                                                                                   \
    KEY(AUDIENCE, "audience", OPEN, TEXT, true)     /* roles; none: everybody */                                                                     \
    KEY(TOLD_UNTIL, "told_until", OPEN, INT, false) /* findings that opened by records up to this one */                                             \
    KEY(FINDINGS, "findings", OPEN, INT, false)                                                                                                      \
    KEY(ADDRESSES, "addresses", OPEN, INT, false)                                                                                                    \
    KEY(COUNT_ASSIGNED, "assigned", OPEN, INT, false)                                                                                                \
    KEY(COUNT_DONE, "done", OPEN, INT, false)                                                                                                        \
    KEY(COUNT_LATE, "late", OPEN, INT, false)                                                                                                        \
    /* mail that somebody is not sure about, and what came of it */                                                                                  \
    KEY(MAIL_ID, "mail_id", OPEN, TEXT, true)  /* its id; decided: of all that were decided together */                                              \
    KEY(VERDICT, "verdict", OPEN, TEXT, false) /* dangerous, suspicious, fine; decided: dangerous, harmless, open */                                 \
    KEY(SCORE, "score", OPEN, INT, false)                                                                                                            \
    KEY(MAIL_REASON, "reasons", OPEN, TEXT, true) /* codes, strongest first … */                                                                   \
    KEY(MAIL_ABOUT, "about", SECRET, TEXT, true)  /* … and what each was seen in */                                                                \
    KEY(MAIL_FROM, "mail_from", SECRET, TEXT, false)                                                                                                 \
    KEY(MAIL_SKETCH, "sketch", SECRET, TEXT, false) /* hexadecimal digits */                                                                         \
    KEY(MAIL_FILES, "files", OPEN, INT, false)                                                                                                       \
    KEY(MAIL_LINKS, "links", OPEN, INT, false)                                                                                                       \
    KEY(SCANNED, "scanned", OPEN, TEXT, false)       /* by a virus scanner: clean, found, not asked, no answer */                                    \
    KEY(EXERCISE, "exercise", OPEN, TEXT, false)     /* the mail was ours: which exercise */                                                         \
    KEY(INDICATOR, "indicators", SECRET, TEXT, true) /* "host bank.example", "address …", "sha256 …" */                                          \
    KEY(INCIDENT, "incident", OPEN, TEXT, false)     /* its id */                                                                                    \
    /* phishing simulations */                                                                                                                       \
    KEY(CAMPAIGN, "campaign", OPEN, TEXT, false) /* its id */                                                                                        \
    KEY(TEMPLATE, "template", OPEN, TEXT, false)                                                                                                     \
    KEY(LANGUAGE, "language", OPEN, TEXT, false)                                                                                                     \
    KEY(STARTS, "starts", OPEN, TIME, false)                                                                                                         \
    KEY(RECIPIENT, "recipient", SECRET, TEXT, false) /* an account: who was taken in is nobody's business */                                         \
    /* lists of devices */                                                                                                                           \
    KEY(LIST, "list", OPEN, INT, false) /* the first record of the import */

enum record_key {
#define RECORD_KEY_ENUM(c, json, class, type, list) KEY_##c,
    RECORD_KEYS(RECORD_KEY_ENUM)
#undef RECORD_KEY_ENUM
        KEY_COUNT
};

struct key_info {
    const char *json;
    enum field_class class;
    enum field_type type;
    bool list; /* may come more than once, in a row */
};

struct field {
    enum record_key key;
    union {
        struct span text;
        int64_t number; /* TYPE_INT, TYPE_BOOL, TYPE_TIME */
    };
};

/* An IP address: IPv4 in the first four bytes. */
struct address {
    uint8_t bytes[16];
    uint8_t family; /* 0 none, 4, 6 */
};

/* The conversation that a record comes from, with src the side that spoke first. */
struct flow_ref {
    uint64_t id;   /* ordinal in the run; 0: the record comes from no flow */
    uint8_t proto; /* IP protocol number */
    struct address src;
    struct address dst;
    uint16_t sport;
    uint16_t dport;
    uint16_t vlan; /* 0: none */
};

#define RECORD_FIELDS 192      /* most fields of one record */
#define RECORD_PRIVATE 96      /* most PRIVATE fields; above that PRIVATE_CUT is set */
#define RECORD_ENCODED 1048576 /* most bytes of an encoded record */
#define RECORD_TEXT 65536      /* most bytes of one text field; a longer one is cut by record_text, except VALUE whose maker must digest or split */
#define RECORD_BODY 262144     /* most bytes of a message that are kept */
#define RECORD_PACKETS 786432  /* most bytes of the packets that are kept of a finding */
#define RECORD_WHO RECORD_TEXT /* most bytes of WHO_MORE */

struct record {
    enum event event;
    tq_time time;
    uint64_t seq; /* position in the run's capture, counted by the sensor: the keeper takes each once */
    struct flow_ref flow;
    size_t n;
    bool cut; /* a field was left out because the record was full */
    struct field fields[RECORD_FIELDS];
};

/* Where records go: called in order, on one thread; the record holds only during the call. */
struct record_sink {
    void (*put)(void *context, const struct record *r);
    void *context;
    uint64_t *seq; /* the number of the last record put; NULL: records are not numbered */
};

const char *event_name(enum event e); /* "lab.message" …; "" for EVENT_NONE */

/* Whose word an event is. A role that was taken over speaks for itself alone: what people decide and what the keeper does is taken from no sibling.
 */
enum event_maker { MAKER_NOBODY, MAKER_KEEPER, MAKER_SENSOR, MAKER_DETECTOR, MAKER_RELAY };
enum event_maker event_maker(enum event e);

const struct key_info *key_info(enum record_key k);

/* Starts a record. Only the head is written: the field array is left as it is (records are large, and made once a message). */
void record_start(struct record *r, enum event event, tq_time time, const struct flow_ref *flow);
static inline void record_text(struct record *r, enum record_key key, struct span text); /* an empty text is left out */
static inline void record_item(struct record *r, enum record_key key, struct span text); /* of a list in which an empty text keeps its place */
void record_str(struct record *r, enum record_key key, const char *text);                /* NULL is left out */
void record_int(struct record *r, enum record_key key, int64_t v);                       /* also bool and time */

/* The bytes in pieces, as a list of KEY_BODY: whole, or as far as there is room. */
void record_body(struct record *r, struct span bytes);

/* The first field with this key: its text (empty where there is none), or its number (`missing` where there is none). */
struct span record_get(const struct record *r, enum record_key key);
int64_t record_number(const struct record *r, enum record_key key, int64_t missing);

/* The form in which roles hand records to each other (proc/message.h): event, time, seq, flow, fields; big-endian, lengths before texts. */
void record_encode(struct buf *out, const struct record *r);
size_t record_encoded_size(const struct record *r); /* bytes of that */
/* Texts point into `in`. -1: not a well-formed record (ERR_PEER). */
int record_decode(struct span in, struct record *r, struct error *e);

/* Writes "10.0.5.1" or RFC 5952 IPv6 and a final zero; "" for family 0. */
void address_format(const struct address *a, char out[46]);
bool address_parse(struct span text, struct address *ret);

/* The next free field; NULL: none is left, and the record is cut. */
static inline struct field *record_field(struct record *r, enum record_key key)
{
    if (r->n == RECORD_FIELDS) {
        r->cut = true;
        return NULL;
    }
    struct field *f = &r->fields[r->n++];
    f->key = key;
    return f;
}

static inline void record_item(struct record *r, enum record_key key, struct span text)
{
    bool cut = text.n > RECORD_TEXT || r->n == RECORD_FIELDS;
    if (__builtin_expect(cut, 0)) {
        r->cut = true;
        if (r->n == RECORD_FIELDS)
            return;
        text.n = text.n > RECORD_TEXT ? RECORD_TEXT : text.n;
    }
    struct field *f = &r->fields[r->n++];
    f->key = key;
    f->text = text;
}

static inline void record_text(struct record *r, enum record_key key, struct span text)
{
    if (text.n > 0)
        record_item(r, key, text);
}

/* Numbers the record and calls the sink, where there is one. */
static inline void record_put(const struct record_sink *sink, struct record *r)
{
    if (sink->put == NULL)
        return;
    if (sink->seq != NULL)
        r->seq = ++*sink->seq;
    sink->put(sink->context, r);
}

#endif
