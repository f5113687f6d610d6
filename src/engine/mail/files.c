/* What attachments are, and what is in them. */
#include "base/text.h"
#include "engine/mail/facts.h"
#include "wire/attachment.h"
#include "wire/mail_head.h"
#include "wire/ole.h"
#include "wire/zip.h"

#include <zlib.h>

#define ARCHIVE_DEPTH 3
#define RATIO 200
#define UNPACKED_MOST (1u << 30) /* what an archive may say that it unpacks to */
#define MEMBER (1u << 20)
#define PDF_STREAMS 128

/* Unpacks at most `most` bytes to out, within what the message may have unpacked. window: -15 raw, 15 zlib, 31 gzip. */
static void unpack(struct facts *f, struct span packed, int window, size_t most, struct buf *out)
{
    z_stream z = {0};
    size_t left = FACTS_UNPACKED > f->unpacked ? FACTS_UNPACKED - f->unpacked : 0;
    most = most < left ? most : left;
    if (packed.n == 0 || most == 0 || inflateInit2(&z, window) != Z_OK)
        return;
    uint8_t piece[16384];
    z.next_in = (uint8_t *)(uintptr_t)packed.p; /* zlib only reads there */
    z.avail_in = packed.n;
    int r = Z_OK;
    while (r == Z_OK && out->n < most) {
        z.next_out = piece;
        z.avail_out = sizeof piece;
        r = inflate(&z, Z_NO_FLUSH);
        size_t n = sizeof piece - z.avail_out;
        n = n < most - out->n ? n : most - out->n;
        buf_add(out, piece, n);
        if (n == 0)
            break;
    }
    f->unpacked += out->n;
    (void)inflateEnd(&z);
}

static uint32_t look_into(const struct mail_known *k, struct facts *f, const char *type, struct span bytes, unsigned depth);

/* ── office documents ── */

static uint32_t look_relations(const struct mail_known *k, struct facts *f, struct span xml)
{
    uint32_t flags = 0;
    while (xml.n > 0) {
        size_t at = mail_find(xml, "<Relationship ");
        if (at == xml.n)
            break;
        (void)span_skip(&xml, at + 14);
        struct span one = span_of(xml.p, span_find(&xml, '>'));
        size_t target = mail_find(one, "Target=\"");
        if (mail_find(one, "TargetMode=\"External\"") == one.n || target == one.n)
            continue;
        struct span url = span_of(one.p + target + 8, one.n - target - 8);
        url.n = (uint32_t)span_find(&url, '"');
        if (mail_find(one, "/hyperlink\"") < one.n)
            facts_link_add(k, f, LINK_FILE, url, (struct span){0}, false);
        else if (mail_find(one, "/image\"") == one.n && mail_find(url, "://") < 12)
            flags |= ATTACHMENT_REMOTE;
    }
    return flags;
}

static uint32_t look_ooxml(const struct mail_known *k, struct facts *f, struct span bytes)
{
    struct zip z;
    struct zip_entry e;
    uint32_t flags = 0;
    if (!zip_open(&z, bytes))
        return 0;
    while (zip_next(&z, &e)) {
        flags |= mail_find(e.name, "vbaProject.bin") < e.name.n || mail_find(e.name, "macrosheets/") < e.name.n ? ATTACHMENT_MACRO : 0;
        flags |= mail_find(e.name, "oleObject") < e.name.n && mail_find(e.name, ".rels") == e.name.n ? ATTACHMENT_OBJECT : 0;
        flags |= e.encrypted ? ATTACHMENT_ENCRYPTED : 0;
        if (e.name.n > 5 && mail_is(span_of(e.name.p + e.name.n - 5, 5), ".rels")) {
            struct buf xml = BUF_INIT(MEMBER);
            if (e.method == 8)
                unpack(f, e.data, -15, 256u << 10, &xml);
            flags |= look_relations(k, f, e.method == 8 ? buf_span(&xml) : e.data);
            buf_release(&xml);
        }
    }
    return flags;
}

static uint32_t look_ole(struct span bytes)
{
    struct ole o;
    struct ole_entry e;
    uint32_t flags = 0;
    if (!ole_open(&o, bytes))
        return 0;
    while (ole_next(&o, &e)) {
        if (strcmp(e.name, "vba") == 0 || strcmp(e.name, "_vba_project") == 0 || strcmp(e.name, "macros") == 0 ||
            strcmp(e.name, "_vba_project_cur") == 0)
            flags |= ATTACHMENT_MACRO;
        if (strcmp(e.name, "encryptedpackage") == 0)
            flags |= ATTACHMENT_ENCRYPTED;
        if (strcmp(e.name, "?ole10native") == 0)
            flags |= ATTACHMENT_OBJECT;
        if (e.kind == 5 && memcmp(e.class_id, "\x84\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46", 16) == 0)
            flags |= ATTACHMENT_PROGRAM; /* an installer (.msi) */
    }
    return flags;
}

/* ── archives ── */

static void add_inside(struct facts *f, struct span name, const char *type, uint64_t size, uint32_t flags)
{
    if (f->files_n == FACTS_FILES) {
        f->files_cut = true;
        return;
    }
    struct facts_file *file = &f->files[f->files_n++];
    const char *wanted = NULL;
    struct buf utf8 = BUF_INIT(1024);
    name.n = name.n < 256 ? name.n : 256;
    (void)mail_charset_decode(&utf8, (struct span){0}, name);
    *file = (struct facts_file){.name = facts_keep(f, buf_span(&utf8)), .type = type, .bytes = size, .inside = true, .flags = flags};
    buf_release(&utf8);
    file->named = attachment_name(file->name, &wanted);
    file->lies = attachment_name_lies(file->name);
}

/* A member that is worth a look: by its name or its first bytes. */
static uint32_t look_member(const struct mail_known *k, struct facts *f, const struct zip_entry *e, unsigned depth)
{
    struct buf bytes = BUF_INIT(FACTS_UNPACKED);
    struct span member = e->data;
    uint32_t flags = 0;
    if (e->encrypted || (e->method != 0 && e->method != 8))
        return 0;
    if (e->method == 8) {
        unpack(f, e->data, -15, 4u << 20, &bytes);
        member = buf_span(&bytes);
    }
    const char *type = attachment_type(member);
    flags = attachment_look(type, member) | look_into(k, f, type, member, depth + 1);
    add_inside(f, e->name, type, e->unpacked, flags & ~(ATTACHMENT_ARCHIVE | ATTACHMENT_PICTURE));
    buf_release(&bytes);
    return flags;
}

static uint32_t look_zip(const struct mail_known *k, struct facts *f, struct span bytes, unsigned depth)
{
    struct zip z;
    struct zip_entry e;
    uint32_t flags = 0;
    uint64_t packed = 0;
    uint64_t unpacked = 0;
    size_t looked = 0;
    if (!zip_open(&z, bytes))
        return 0;
    while (zip_next(&z, &e)) {
        const char *wanted = NULL;
        if (e.folder)
            continue;
        packed += e.packed;
        unpacked += e.unpacked;
        if (e.encrypted)
            flags |= ATTACHMENT_ENCRYPTED;
        uint32_t named = attachment_name(e.name, &wanted);
        if ((named & ATTACHMENT_ARCHIVE) != 0)
            flags |= ATTACHMENT_NESTED;
        if (e.packed > 4096 && e.unpacked / e.packed > RATIO)
            flags |= ATTACHMENT_BOMB;
        if (depth < ARCHIVE_DEPTH && looked++ < 12)
            flags |= look_member(k, f, &e, depth) & (ATTACHMENT_NESTED | ATTACHMENT_BOMB);
        if (looked > 12 || e.encrypted || depth >= ARCHIVE_DEPTH)
            add_inside(f, e.name, "unknown", e.unpacked, 0);
    }
    if (unpacked > UNPACKED_MOST && packed > 0 && unpacked / packed > RATIO / 2)
        flags |= ATTACHMENT_BOMB;
    return flags;
}

static uint32_t look_gzip(const struct mail_known *k, struct facts *f, struct span bytes, unsigned depth)
{
    struct buf plain = BUF_INIT(FACTS_UNPACKED);
    uint32_t flags = 0;
    unpack(f, bytes, 31, 4u << 20, &plain);
    if (plain.n > 0 && depth < ARCHIVE_DEPTH) {
        const char *type = attachment_type(buf_span(&plain));
        uint32_t inner = attachment_look(type, buf_span(&plain)) | look_into(k, f, type, buf_span(&plain), depth + 1);
        flags |= (inner & ATTACHMENT_ARCHIVE) != 0 && strcmp(type, "tar") != 0 ? ATTACHMENT_NESTED : 0;
        add_inside(f, SPAN_LIT(""), type, plain.n, inner & ~(ATTACHMENT_ARCHIVE | ATTACHMENT_PICTURE));
    }
    if (plain.n >= (4u << 20) && plain.n / (bytes.n + 1) > RATIO)
        flags |= ATTACHMENT_BOMB;
    buf_release(&plain);
    return flags;
}

/* What a RAR archive of either version says in its first headers: names are read where they stand in clear. */
static uint32_t look_rar(struct span bytes)
{
    struct span head = span_of(bytes.p, bytes.n < 65536 ? bytes.n : 65536);
    static const char *const ends[] = {".exe", ".scr", ".js", ".vbs", ".bat", ".cmd", ".lnk", ".hta", ".wsf", ".pif", ".com"};
    uint32_t flags = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t at = mail_find(head, ends[i]);
        if (at < head.n && at > 3 && head.p[at - 1] > ' ' && head.p[at - 1] < 127 && head.p[at - 2] > ' ')
            flags |= ATTACHMENT_PROGRAM;
    }
    if (bytes.n > 12 && bytes.p[6] == 0) /* version 4: flags of the archive's header */
        flags |= (bytes.p[10] & 0x80) != 0 ? ATTACHMENT_ENCRYPTED : 0;
    return flags;
}

/* ── PDF ── */

static void pdf_links(const struct mail_known *k, struct facts *f, struct span bytes)
{
    struct span uri;
    for (size_t n = 0; n < 64 && attachment_pdf_uri(&bytes, &uri); n++)
        facts_link_add(k, f, LINK_FILE, uri, (struct span){0}, false);
}

static uint32_t look_pdf(const struct mail_known *k, struct facts *f, struct span bytes)
{
    struct span rest = bytes;
    struct span packed;
    uint32_t flags = 0;
    pdf_links(k, f, bytes);
    for (size_t n = 0; n < PDF_STREAMS && attachment_pdf_stream(&rest, &packed); n++) {
        struct buf plain = BUF_INIT(MEMBER);
        unpack(f, packed, 15, 256u << 10, &plain);
        if (mail_find(buf_span(&plain), "/URI") < plain.n || mail_find(buf_span(&plain), "/S/") < plain.n ||
            mail_find(buf_span(&plain), "/JS") < plain.n) {
            flags |= attachment_look("pdf", buf_span(&plain));
            pdf_links(k, f, buf_span(&plain));
        }
        buf_release(&plain);
    }
    return flags;
}

static uint32_t look_into(const struct mail_known *k, struct facts *f, const char *type, struct span bytes, unsigned depth)
{
    if (strcmp(type, "docx") == 0 || strcmp(type, "xlsx") == 0 || strcmp(type, "pptx") == 0 || strcmp(type, "ooxml") == 0)
        return look_ooxml(k, f, bytes);
    if (strcmp(type, "ole") == 0)
        return look_ole(bytes);
    if (strcmp(type, "zip") == 0)
        return look_zip(k, f, bytes, depth);
    if (strcmp(type, "gzip") == 0)
        return look_gzip(k, f, bytes, depth);
    if (strcmp(type, "rar") == 0)
        return look_rar(bytes);
    if (strcmp(type, "pdf") == 0)
        return look_pdf(k, f, bytes);
    if (strcmp(type, "html") == 0 || strcmp(type, "svg") == 0)
        return facts_page(k, f, span_of(bytes.p, bytes.n < 2 * FACTS_TEXT ? bytes.n : 2 * FACTS_TEXT), true);
    if (strcmp(type, "url") == 0)
        facts_text_links(k, f, bytes, LINK_FILE);
    if (strcmp(type, "onenote") == 0 && mail_find(bytes, "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac") < bytes.n)
        return ATTACHMENT_OBJECT; /* a file in the notebook: FileDataStoreObject ([MS-ONESTORE], section 2.6.13) */
    return 0;
}

static bool same_kind(const char *type, const char *wanted)
{
    if (strcmp(type, wanted) == 0 || strcmp(type, "unknown") == 0)
        return true;
    bool office = strcmp(type, "ole") == 0 || strcmp(type, "ooxml") == 0 || strcmp(type, "zip") == 0;
    bool picture = (attachment_look(wanted, (struct span){0}) & ATTACHMENT_PICTURE) != 0;
    if (picture)
        return (attachment_look(type, (struct span){0}) & ATTACHMENT_PICTURE) != 0;
    return (office && (strcmp(wanted, "docx") == 0 || strcmp(wanted, "xlsx") == 0 || strcmp(wanted, "pptx") == 0)) || strcmp(wanted, "exe") == 0;
}

void facts_file_add(const struct mail_known *k, struct facts *f, struct span name, struct span bytes, uint64_t size, bool whole, bool embedded)
{
    if (f->files_n == FACTS_FILES) {
        f->files_cut = true;
        return;
    }
    struct facts_file *file = &f->files[f->files_n++];
    const char *wanted = NULL;
    name.n = name.n < 256 ? name.n : 256;
    *file = (struct facts_file){.name = facts_keep(f, name), .bytes = size, .embedded = embedded, .type = attachment_type(bytes)};
    file->named = attachment_name(file->name, &wanted);
    file->lies = attachment_name_lies(file->name);
    if (wanted == NULL && (file->named & ATTACHMENT_PAGE) != 0 && (strcmp(file->type, "text") == 0 || strcmp(file->type, "xml") == 0))
        file->type = "html";
    if (embedded)
        f->picture_bytes += bytes.n;
    if (whole) {
        struct sha256 h;
        uint8_t digest[SHA256_BYTES];
        sha256_start(&h);
        sha256_add(&h, bytes);
        sha256_end(&h, digest);
        text_hex_to(file->sha256, digest, sizeof digest);
    }
    file->differs = wanted != NULL && bytes.n > 32 && strcmp(file->type, "text") != 0 && !same_kind(file->type, wanted);
    uint32_t flags = attachment_look(file->type, bytes);
    flags |= look_into(k, f, file->type, bytes, 0); /* may add files: `file` stays where it is */
    file->flags |= flags;
    if (strcmp(file->type, "tnef") == 0) {
        struct span rest = bytes;
        struct span inner;
        for (size_t n = 0; n < 16 && attachment_tnef_name(&rest, &inner); n++)
            add_inside(f, inner, "unknown", 0, 0);
    }
}
