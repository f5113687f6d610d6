#include "engine/mail/reasons.h"

const struct mail_reason_row mail_reason_rows[MAIL_CODES] = {
#define MAIL_REASON_ROW(name, code, group, points, en, es) {code, MAIL_GROUP_##group, points, en, es},
    MAIL_REASON_TABLE(MAIL_REASON_ROW)
#undef MAIL_REASON_ROW
};

const int mail_group_most[MAIL_GROUPS] = {[MAIL_GROUP_SENDER] = 75,   [MAIL_GROUP_LINKS] = 80, [MAIL_GROUP_FILES] = 100, [MAIL_GROUP_WORDS] = 42,
                                          [MAIL_GROUP_TOGETHER] = 60, [MAIL_GROUP_FORM] = 50,  [MAIL_GROUP_FOR] = -40};

bool mail_reason_find(struct span code, enum mail_code *ret)
{
    for (size_t i = 0; i < MAIL_CODES; i++)
        if (span_is(code, mail_reason_rows[i].code)) {
            *ret = (enum mail_code)i;
            return true;
        }
    return false;
}

void mail_reason_text(struct buf *out, enum mail_code code, struct span about, bool spanish)
{
    struct span text = span_str(spanish ? mail_reason_rows[code].spanish : mail_reason_rows[code].english);
    bool hole = false;
    buf_add_span(out, span_until(&text, '{', &hole));
    if (!hole)
        return;
    (void)span_until(&text, '}', NULL);
    if (about.n > 0)
        buf_add_span(out, about);
    else
        buf_add_str(out, "?");
    buf_add_span(out, text);
}
