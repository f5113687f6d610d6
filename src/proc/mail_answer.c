#include "proc/mail_answer.h"

#include "engine/mail/reasons.h"
#include "proc/letter.h"

#include <stdio.h>
#include <string.h>

#define REASONS_TOLD 6

/* So that no mail program makes a link of it. */
static void put_unlinked(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool inside = text.p[i] == '.' && i > 0 && i + 1 < text.n && text.p[i - 1] > ' ' && text.p[i + 1] > ' ';
        if (inside)
            buf_add_str(out, "[.]");
        else if (text.p[i] == '@')
            buf_add_str(out, "[at]");
        else if (text.p[i] == ':' && i + 1 < text.n && text.p[i + 1] == '/')
            buf_add_str(out, "[:]");
        else
            buf_u8(out, text.p[i]);
    }
}

static void put_reasons(struct buf *out, struct span lines, bool es)
{
    size_t told = 0;
    while (lines.n > 0 && told < REASONS_TOLD) {
        struct span about = span_until(&lines, '\n', NULL);
        struct span code = span_until(&about, '\t', NULL);
        enum mail_code known;
        if (!mail_reason_find(code, &known) || mail_reason_rows[known].points <= 0)
            continue;
        struct buf text = BUF_INIT(2048);
        mail_reason_text(&text, known, about, es);
        if (told++ == 0)
            buf_add_str(out, es ? "Lo que habla en contra:\n" : "What speaks against it:\n");
        buf_add_str(out, "- ");
        put_unlinked(out, buf_span(&text));
        buf_u8(out, '\n');
        buf_release(&text);
    }
    if (told > 0)
        buf_u8(out, '\n');
}

static void put_judged(struct buf *out, const struct mail_row *m, const struct mail_answer *a, bool es)
{
    if (span_is(m->verdict, "dangerous"))
        buf_add_str(out, es ? "El correo por el que pregunta parece PELIGROSO. No abra nada de él, no conteste y no lo reenvíe. Quien se ocupa del "
                              "correo lo tiene "
                              "delante; se le dirá lo que decida.\n\n"
                            : "The mail that you asked about looks DANGEROUS. Open nothing in it, do not answer it and do not pass it on. Whoever "
                              "looks after mail "
                              "has it before them; you will hear what they decide.\n\n");
    else if (span_is(m->verdict, "suspicious"))
        buf_add_str(out, es ? "El correo por el que pregunta es SOSPECHOSO. No abra nada de él hasta que se le diga: una persona lo va a mirar.\n\n"
                            : "The mail that you asked about is SUSPICIOUS. Open nothing in it until you hear more: a person will look at it.\n\n");
    else if (a->attached)
        buf_add_str(
            out,
            es ? "Nada habla en contra del correo por el que pregunta. Si aun así algo le extraña, llame a quien lo envió, al número que ya "
                 "conoce.\n\n"
               : "Nothing speaks against the mail that you asked about. If it still feels odd, call whoever sent it, at a number that you already "
                 "know.\n\n");
    else
        buf_add_str(
            out,
            es ? "En lo que queda del correo no se ve nada malo, pero se reenvió sin su cabecera y no se pudo comprobar quién lo envió.\n\n"
               : "Nothing bad is seen in what is left of the mail, but it was forwarded without its head, so who sent it could not be checked.\n\n");
    if (!span_is(m->verdict, "fine"))
        put_reasons(out, m->reasons, es);
    if (!a->attached)
        buf_add_str(out, es ? "La próxima vez reenvíelo como archivo adjunto: así se ve todo.\n\n"
                            : "Next time forward it as an attachment: then all of it can be seen.\n\n");
}

static void put_decided(struct buf *out, const struct mail_row *m, bool es)
{
    if (span_is(m->state, "dangerous"))
        buf_add_str(
            out,
            es ? "Se ha mirado el correo del que avisó: ERA PELIGROSO, y su aviso ha servido. Bórrelo. Si abrió algo de él o escribió una "
                 "contraseña, "
                 "dígalo ahora: no le pasará nada por decirlo.\n\n"
               : "The mail that you reported was looked at: it WAS DANGEROUS, and your report helped. Delete it. If you opened something in it or "
                 "typed a password, say so now: nobody will hold it against you.\n\n");
    else
        buf_add_str(out, es ? "Se ha mirado el correo del que avisó: es inofensivo. Hizo bien en preguntar.\n\n"
                            : "The mail that you reported was looked at: it is harmless. It was right to ask.\n\n");
    if (m->answer.n > 0) {
        put_unlinked(out, m->answer);
        buf_add_str(out, "\n\n");
    }
}

void mail_answer_write(struct buf *out, const struct mail_row *mail, const struct mail_answer *a)
{
    bool es = strcmp(a->language, "es") == 0;
    bool decided = span_is(mail->state, "dangerous") || span_is(mail->state, "harmless");
    const char *subject = es ? "El correo del que avisó" : "The mail that you reported";
    struct buf text = BUF_INIT(16384);
    char id[64];
    buf_addf(&text, es ? "Hola, %s:\n\n" : "Hello %s,\n\n", a->name);
    if (mail->exercise.n > 0)
        buf_add_str(&text, es ? "Era un ejercicio de su laboratorio, y lo ha reconocido: de eso se trata. No hay nada más que hacer.\n\n"
                              : "It was an exercise of your lab, and you saw it: that is what it is about. There is nothing more to do.\n\n");
    else if (decided)
        put_decided(&text, mail, es);
    else
        put_judged(&text, mail, a, es);
    buf_add_str(&text, es ? "Lo mismo está en la página, en Avisar. Este correo no lleva enlaces.\n"
                          : "The same stands on the page, under Report. There is no link in this mail.\n");
    buf_addf(&text, "\n%s, Tourniquet\n", a->site);
    (void)snprintf(id, sizeof id, "mail.%lld.%llu", (long long)a->now, (unsigned long long)a->number);
    letter_write(
        out, &(struct letter){.from = a->from, .to = a->to, .subject = subject, .id = id, .automatic = true, .now = a->now, .text = buf_span(&text)});
    buf_release(&text);
}
