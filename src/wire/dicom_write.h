/* Writes DICOM upper layer PDUs (PS3.8, 9.3). Titles longer than 16 bytes are cut. */
#ifndef TQ_WIRE_DICOM_WRITE_H
#define TQ_WIRE_DICOM_WRITE_H

#include "base/buf.h"

#define DICOM_REQUEST 1
#define DICOM_ACCEPT 2
#define DICOM_REJECT 3
#define DICOM_DATA 4
#define DICOM_RELEASE 5 /* and its answer, 6 */

struct dicom_associate {
    const char *called; /* application entity titles */
    const char *calling;
    const char *const *classes; /* abstract syntaxes (SOP classes): a presentation context each, all in implicit VR little endian */
    size_t classes_n;
    const char *class_uid; /* of the implementation */
    const char *version;   /* its version name; NULL: none */
};

/* A-ASSOCIATE-RQ (type DICOM_REQUEST) or -AC (DICOM_ACCEPT: every context is accepted). */
void dicom_write_associate(struct buf *out, uint8_t type, const struct dicom_associate *a);

/* A-ASSOCIATE-RJ: result, source, reason as in table 9-21. */
void dicom_write_reject(struct buf *out, uint8_t result, uint8_t source, uint8_t reason);

/* P-DATA-TF with one value: control bit 0 a command, bit 1 the last piece. */
void dicom_write_data(struct buf *out, uint8_t context, uint8_t control, struct span value);

/* A-RELEASE-RQ (5) or -RP (6). */
void dicom_write_release(struct buf *out, uint8_t type);

#endif
