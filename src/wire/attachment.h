/* attachment: what a file is by its content, and what its format could do to whoever opens it, by a look at its bytes: PDF actions, RTF objects,
 * shortcuts, disk images, OneNote notebooks, programs, scripts, TNEF. Nothing is run, unpacked or copied. */
#ifndef TQ_WIRE_ATTACHMENT_H
#define TQ_WIRE_ATTACHMENT_H

#include "base/span.h"

/* What was found. */
#define ATTACHMENT_PROGRAM 0x1U    /* it runs where it is opened */
#define ATTACHMENT_SCRIPT 0x2U     /* so does this, by an interpreter */
#define ATTACHMENT_SHORTCUT 0x4U   /* .lnk, .url, …: leads to something that runs */
#define ATTACHMENT_DISK 0x8U       /* a disk image, which hides where its files come from */
#define ATTACHMENT_MACRO 0x10U     /* an office document that holds a program */
#define ATTACHMENT_OBJECT 0x20U    /* it embeds a foreign object that is opened with it */
#define ATTACHMENT_ACTION 0x40U    /* a PDF that starts or runs something */
#define ATTACHMENT_ENCRYPTED 0x80U /* nobody can look inside without its password */
#define ATTACHMENT_ARCHIVE 0x100U
#define ATTACHMENT_NESTED 0x200U    /* archives in archives */
#define ATTACHMENT_BOMB 0x400U      /* it would unpack to far too much */
#define ATTACHMENT_NOTEBOOK 0x800U  /* OneNote */
#define ATTACHMENT_REMOTE 0x1000U   /* a document that fetches its template from elsewhere */
#define ATTACHMENT_PAGE 0x2000U     /* a web page, or a picture that can hold one (SVG) */
#define ATTACHMENT_SMUGGLES 0x4000U /* … that makes a file out of itself */
#define ATTACHMENT_ASKS 0x8000U     /* … that asks for a password */
#define ATTACHMENT_LEADS 0x10000U   /* … that leads elsewhere by itself */
#define ATTACHMENT_HIDDEN 0x20000U  /* … the text of which is scrambled until it runs */
#define ATTACHMENT_RUNS 0x40000U    /* … with a script in it */
#define ATTACHMENT_TNEF 0x80000U    /* winmail.dat */
#define ATTACHMENT_PICTURE 0x100000U

/* By content; "unknown" where nothing is known. More than document_type has: iso, vhd, lnk, onenote, msi, tnef, svg, ics, url, rar, cab, zip with
 * what it is (docx, xlsx, pptx, jar, odf). */
const char *attachment_type(struct span start);

/* Looks at the bytes of a file (its beginning, where it is long) of that type. Returns the flags. */
uint32_t attachment_look(const char *type, struct span file);

/* What a file name's end says: flags of ATTACHMENT_PROGRAM … ARCHIVE, PAGE. *ret_type: the type that such a file should have; NULL: any. */
uint32_t attachment_name(struct span name, const char **ret_type);

/* A name that shows another end than it has: two ends ("invoice.pdf.exe"), a run of blanks, a direction override. */
bool attachment_name_lies(struct span name);

/* Takes the next address of a PDF's links (/URI) from *rest. False: no more. */
bool attachment_pdf_uri(struct span *rest, struct span *ret);

/* Takes the next compressed piece (FlateDecode) of a PDF. */
bool attachment_pdf_stream(struct span *rest, struct span *ret);

/* Takes the next file name of a TNEF stream ([MS-OXTNEF]: attAttachTitle). */
bool attachment_tnef_name(struct span *rest, struct span *ret);

#endif
