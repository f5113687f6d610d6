#include "wire/attachment.h"

#include "wire/document.h"
#include "wire/mail_head.h"

#define PDF_LOOK (8u << 20)

static bool at(struct span s, size_t offset, const char *bytes, size_t n)
{
    return s.n >= offset + n && memcmp(s.p + offset, bytes, n) == 0;
}

static bool holds(struct span s, const char *word)
{
    return mail_find(s, word) < s.n;
}

static struct span head_of(struct span s, size_t n)
{
    return span_of(s.p, s.n < n ? s.n : n);
}

/* What a zip archive is, by the names in it. */
static const char *zip_type(struct span s)
{
    struct span head = head_of(s, 65536);
    if (holds(head, "[Content_Types].xml") || holds(head, "word/") || holds(head, "xl/")) {
        if (holds(s, "word/"))
            return "docx";
        return holds(s, "xl/") ? "xlsx" : holds(s, "ppt/") ? "pptx" : "ooxml";
    }
    if (at(s, 30, "mimetypeapplication/vnd.oasis", 29))
        return "odf";
    return holds(head, "META-INF/MANIFEST.MF") ? "jar" : "zip";
}

const char *attachment_type(struct span s)
{
    static const struct {
        const char *type;
        size_t offset;
        const char *bytes;
        size_t n;
    } marks[] = {{"iso", 0x8001, "CD001", 5},
                 {"vhd", 0, "conectix", 8},
                 {"vhd", 0, "vhdxfile", 8},
                 {"lnk", 0, "L\0\0\0\x01\x14\x02\0", 8},
                 {"onenote", 0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", 8},
                 {"tnef", 0, "\x78\x9f\x3e\x22", 4},
                 {"cab", 0, "MSCF\0\0\0\0", 8},
                 {"chm", 0, "ITSF", 4},
                 {"ace", 7, "**ACE**", 7},
                 {"bzip2", 0, "BZh", 3},
                 {"xz", 0,
                  "\xfd"
                  "7zXZ\0",
                  6},
                 {"zstd", 0, "\x28\xb5\x2f\xfd", 4},
                 {"tar", 257, "ustar", 5},
                 {"webp", 8, "WEBP", 4}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (at(s, marks[i].offset, marks[i].bytes, marks[i].n))
            return marks[i].type;
    const char *type = document_type(head_of(s, 4096));
    struct span text = mail_trim(head_of(s, 4096));
    if (at(text, 0, "\xef\xbb\xbf", 3))
        (void)span_skip(&text, 3);
    text = mail_trim(text);
    if (type != NULL && strcmp(type, "zip") == 0)
        return zip_type(s);
    if (at(s, 0, "PK\5\6", 4))
        return "zip";
    if (at(s, 0, "MZ", 2) && s.n > 64)
        return "exe";
    if (mail_find(head_of(s, 1024), "%PDF-") < 1024 && holds(head_of(s, 1024), "%PDF-") && (type == NULL || strcmp(type, "text") == 0))
        return "pdf";
    if (mail_find(text, "{\\rt") == 0 && text.n > 4)
        return "rtf";
    if (text.n > 4 && (mail_is(head_of(text, 4), "<svg") || (mail_is(head_of(text, 5), "<?xml") && holds(text, "<svg"))))
        return "svg";
    if (text.n > 15 && mail_is(head_of(text, 15), "BEGIN:VCALENDAR"))
        return "ics";
    if (text.n > 18 && mail_is(head_of(text, 18), "[InternetShortcut]"))
        return "url";
    if (text.n > 0 && text.p[0] == '<' &&
        (holds(text, "<html") || holds(text, "<!doctype html") || holds(text, "<script") || holds(text, "<body") || holds(text, "<form") ||
         holds(text, "<head") || holds(text, "<meta")))
        return "html";
    if (type != NULL && strcmp(type, "text") == 0 && (holds(text, "<html") || holds(text, "<script")))
        return "html";
    return type == NULL ? "unknown" : type;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static uint32_t look_pdf(struct span s)
{
    static const char *const acts[] = {"/JavaScript", "/JS ", "/JS(", "/JS<", "/Launch", "/EmbeddedFile", "/RichMedia", "/SubmitForm", "/ImportData"};
    uint32_t found = 0;
    struct span rest = head_of(s, PDF_LOOK);
    while (rest.n > 0) {
        (void)span_skip(&rest, span_find(&rest, '/'));
        for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
            if (span_starts(rest, span_str(acts[i])))
                found |= ATTACHMENT_ACTION;
        if (span_starts(rest, SPAN_LIT("/Encrypt ")) || span_starts(rest, SPAN_LIT("/Encrypt\n")) || span_starts(rest, SPAN_LIT("/Encrypt\r")))
            found |= ATTACHMENT_ENCRYPTED;
        (void)span_skip(&rest, rest.n > 0 ? 1 : 0);
    }
    return found;
}

static uint32_t look_rtf(struct span s)
{
    uint32_t found = 0;
    struct span head = head_of(s, PDF_LOOK);
    if (holds(head, "\\objupdate") || holds(head, "\\objdata") || holds(head, "\\objocx") || holds(head, "\\objautlink"))
        found |= ATTACHMENT_OBJECT;
    if (holds(head, "\\*\\template http"))
        found |= ATTACHMENT_REMOTE;
    return found;
}

uint32_t attachment_look(const char *type, struct span file)
{
    static const struct {
        const char *type;
        uint32_t flags;
    } plain[] = {{"exe", ATTACHMENT_PROGRAM},   {"elf", ATTACHMENT_PROGRAM},  {"macho", ATTACHMENT_PROGRAM}, {"jar", ATTACHMENT_PROGRAM},
                 {"script", ATTACHMENT_SCRIPT}, {"lnk", ATTACHMENT_SHORTCUT}, {"url", ATTACHMENT_SHORTCUT},  {"iso", ATTACHMENT_DISK},
                 {"vhd", ATTACHMENT_DISK},      {"zip", ATTACHMENT_ARCHIVE},  {"rar", ATTACHMENT_ARCHIVE},   {"7z", ATTACHMENT_ARCHIVE},
                 {"gzip", ATTACHMENT_ARCHIVE},  {"cab", ATTACHMENT_ARCHIVE},  {"ace", ATTACHMENT_ARCHIVE},   {"bzip2", ATTACHMENT_ARCHIVE},
                 {"xz", ATTACHMENT_ARCHIVE},    {"zstd", ATTACHMENT_ARCHIVE}, {"tar", ATTACHMENT_ARCHIVE},   {"onenote", ATTACHMENT_NOTEBOOK},
                 {"chm", ATTACHMENT_PROGRAM},   {"tnef", ATTACHMENT_TNEF},    {"html", ATTACHMENT_PAGE},     {"svg", ATTACHMENT_PAGE},
                 {"jpeg", ATTACHMENT_PICTURE},  {"png", ATTACHMENT_PICTURE},  {"gif", ATTACHMENT_PICTURE},   {"webp", ATTACHMENT_PICTURE},
                 {"bmp", ATTACHMENT_PICTURE},   {"tiff", ATTACHMENT_PICTURE}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (is(type, plain[i].type))
            return plain[i].flags;
    if (is(type, "pdf"))
        return look_pdf(file);
    if (is(type, "rtf"))
        return look_rtf(file);
    return 0;
}

/* ── names ── */

/* The last end of a name, with its dot; *rest is what stands before it. */
static struct span last_end(struct span name, struct span *rest)
{
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '.') {
            *rest = span_of(name.p, i - 1);
            return span_of(name.p + i, name.n - i);
        }
    *rest = name;
    return (struct span){0};
}

static struct span clean_name(struct span name)
{
    name = mail_trim(name);
    while (name.n > 0 && (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' '))
        name.n--;
    return name;
}

static const struct {
    const char *end;
    uint32_t flags;
    const char *type;
} ends[] = {
    {"exe", ATTACHMENT_PROGRAM, "exe"},
    {"scr", ATTACHMENT_PROGRAM, "exe"},
    {"com", ATTACHMENT_PROGRAM, NULL},
    {"pif", ATTACHMENT_PROGRAM, NULL},
    {"cpl", ATTACHMENT_PROGRAM, "exe"},
    {"dll", ATTACHMENT_PROGRAM, "exe"},
    {"msi", ATTACHMENT_PROGRAM, NULL},
    {"msix", ATTACHMENT_PROGRAM, NULL},
    {"appx", ATTACHMENT_PROGRAM, NULL},
    {"jar", ATTACHMENT_PROGRAM, NULL},
    {"apk", ATTACHMENT_PROGRAM, NULL},
    {"chm", ATTACHMENT_PROGRAM, NULL},
    {"bat", ATTACHMENT_SCRIPT, NULL},
    {"cmd", ATTACHMENT_SCRIPT, NULL},
    {"js", ATTACHMENT_SCRIPT, NULL},
    {"jse", ATTACHMENT_SCRIPT, NULL},
    {"vbs", ATTACHMENT_SCRIPT, NULL},
    {"vbe", ATTACHMENT_SCRIPT, NULL},
    {"wsf", ATTACHMENT_SCRIPT, NULL},
    {"wsh", ATTACHMENT_SCRIPT, NULL},
    {"hta", ATTACHMENT_SCRIPT, NULL},
    {"ps1", ATTACHMENT_SCRIPT, NULL},
    {"psm1", ATTACHMENT_SCRIPT, NULL},
    {"sct", ATTACHMENT_SCRIPT, NULL},
    {"reg", ATTACHMENT_SCRIPT, NULL},
    {"iqy", ATTACHMENT_SCRIPT, NULL},
    {"slk", ATTACHMENT_SCRIPT, NULL},
    {"xll", ATTACHMENT_PROGRAM, NULL},
    {"lnk", ATTACHMENT_SHORTCUT, NULL},
    {"url", ATTACHMENT_SHORTCUT, NULL},
    {"rdp", ATTACHMENT_SHORTCUT, NULL},
    {"library-ms", ATTACHMENT_SHORTCUT, NULL},
    {"settingcontent-ms", ATTACHMENT_SHORTCUT, NULL},
    {"search-ms", ATTACHMENT_SHORTCUT, NULL},
    {"iso", ATTACHMENT_DISK, NULL},
    {"img", ATTACHMENT_DISK, NULL},
    {"vhd", ATTACHMENT_DISK, NULL},
    {"vhdx", ATTACHMENT_DISK, NULL},
    {"docm", ATTACHMENT_MACRO, NULL},
    {"xlsm", ATTACHMENT_MACRO, NULL},
    {"pptm", ATTACHMENT_MACRO, NULL},
    {"dotm", ATTACHMENT_MACRO, NULL},
    {"xlsb", 0, NULL},
    {"xlam", ATTACHMENT_MACRO, NULL},
    {"one", ATTACHMENT_NOTEBOOK, NULL},
    {"onepkg", ATTACHMENT_NOTEBOOK, NULL},
    {"zip", ATTACHMENT_ARCHIVE, "zip"},
    {"rar", ATTACHMENT_ARCHIVE, "rar"},
    {"7z", ATTACHMENT_ARCHIVE, "7z"},
    {"gz", ATTACHMENT_ARCHIVE, "gzip"},
    {"ace", ATTACHMENT_ARCHIVE, NULL},
    {"arj", ATTACHMENT_ARCHIVE, NULL},
    {"cab", ATTACHMENT_ARCHIVE, NULL},
    {"z", ATTACHMENT_ARCHIVE, NULL},
    {"html", ATTACHMENT_PAGE, NULL},
    {"htm", ATTACHMENT_PAGE, NULL},
    {"shtml", ATTACHMENT_PAGE, NULL},
    {"xhtml", ATTACHMENT_PAGE, NULL},
    {"svg", ATTACHMENT_PAGE, NULL},
    {"mht", ATTACHMENT_PAGE, NULL},
    {"mhtml", ATTACHMENT_PAGE, NULL},
    {"pdf", 0, "pdf"},
    {"doc", 0, NULL},
    {"docx", 0, "docx"},
    {"xls", 0, NULL},
    {"xlsx", 0, "xlsx"},
    {"ppt", 0, NULL},
    {"pptx", 0, "pptx"},
    {"rtf", 0, NULL},
    {"txt", 0, NULL},
    {"csv", 0, NULL},
    {"jpg", ATTACHMENT_PICTURE, "jpeg"},
    {"jpeg", ATTACHMENT_PICTURE, "jpeg"},
    {"png", ATTACHMENT_PICTURE, "png"},
    {"gif", ATTACHMENT_PICTURE, "gif"},
    {"wav", 0, NULL},
    {"mp3", 0, NULL},
    {"ics", 0, NULL},
};

static bool end_known(struct span end, size_t *ret)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (mail_is(end, ends[i].end)) {
            *ret = i;
            return true;
        }
    return false;
}

uint32_t attachment_name(struct span name, const char **ret_type)
{
    struct span rest;
    size_t i = 0;
    *ret_type = NULL;
    if (!end_known(last_end(clean_name(name), &rest), &i))
        return 0;
    *ret_type = ends[i].type;
    return ends[i].flags;
}

bool attachment_name_lies(struct span name)
{
    static const char *const overrides[] = {"\xe2\x80\xae", "\xe2\x80\xad", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x80\xaf\xe2\x80\xaf"};
    struct span rest;
    size_t last = 0;
    size_t before = 0;
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++)
        if (mail_find(name, overrides[i]) < name.n)
            return true;
    if (mail_find(name, "          ") < name.n)
        return true;
    struct span end = last_end(clean_name(name), &rest);
    struct span other = last_end(clean_name(rest), &rest);
    if (!end_known(end, &last) || !end_known(other, &before))
        return false;
    bool runs = (ends[last].flags & (ATTACHMENT_PROGRAM | ATTACHMENT_SCRIPT | ATTACHMENT_SHORTCUT | ATTACHMENT_DISK | ATTACHMENT_PAGE)) != 0;
    return runs && (ends[before].flags & (ATTACHMENT_PROGRAM | ATTACHMENT_SCRIPT | ATTACHMENT_ARCHIVE)) == 0 && last != before &&
           !((ends[last].flags & ATTACHMENT_PAGE) != 0 && (ends[before].flags & ATTACHMENT_PAGE) != 0);
}

/* ── PDF, TNEF ── */

bool attachment_pdf_uri(struct span *rest, struct span *ret)
{
    for (;;) {
        size_t i = mail_find(*rest, "/URI");
        if (i >= rest->n)
            return false;
        (void)span_skip(rest, i + 4);
        struct span s = *rest;
        while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\r' || s.p[0] == '\n'))
            (void)span_skip(&s, 1);
        if (s.n == 0 || s.p[0] != '(')
            continue;
        (void)span_skip(&s, 1);
        size_t n = 0;
        while (n < s.n && n < 4096 && s.p[n] != ')')
            n += s.p[n] == '\\' ? 2 : 1;
        if (n >= s.n)
            return false;
        *ret = span_of(s.p, n);
        *rest = span_of(s.p + n, s.n - n);
        return true;
    }
}

bool attachment_pdf_stream(struct span *rest, struct span *ret)
{
    for (;;) {
        size_t i = mail_find(*rest, "stream");
        if (i >= rest->n)
            return false;
        struct span before = span_of(rest->p + (i > 512 ? i - 512 : 0), i > 512 ? 512 : i);
        (void)span_skip(rest, i + 6);
        if (!holds(before, "FlateDecode") || (i >= 3 && memcmp(before.p + before.n - 3, "end", 3) == 0))
            continue;
        if (span_peek(rest, 0) == '\r')
            (void)span_skip(rest, 1);
        if (span_peek(rest, 0) == '\n')
            (void)span_skip(rest, 1);
        *ret = span_of(rest->p, mail_find(*rest, "endstream"));
        (void)span_skip(rest, ret->n);
        if (rest->n >= 9)
            (void)span_skip(rest, 9); /* its end is not the beginning of another */
        return true;
    }
}

bool attachment_tnef_name(struct span *rest, struct span *ret)
{
    if (span_starts(*rest, SPAN_LIT("\x78\x9f\x3e\x22")))
        (void)span_skip(rest, rest->n < 6 ? rest->n : 6);
    while (rest->n >= 9) {
        (void)span_u8(rest);
        uint32_t attribute = span_le32(rest);
        uint32_t length = span_le32(rest);
        struct span data = span_take(rest, length);
        (void)span_le16(rest);
        if (data.bad || rest->bad)
            return false;
        if (attribute == 0x00018010) {
            data.n = (uint32_t)span_find(&data, 0);
            *ret = data;
            return true;
        }
    }
    return false;
}
