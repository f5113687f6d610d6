#include "proc/alert.h"

#include "proc/letter.h"

#include <stdio.h>
#include <string.h>

static const struct words {
    enum event event;
    const char *en, *es;
} what[] = {
    {EVENT_ACCOUNT_PASSWORD, "Your password was chosen or changed.", "Su contraseña se eligió o se cambió."},
    {EVENT_ACCOUNT_RESET, "Your password was made void; a one-time code takes its place.",
     "Su contraseña se anuló; la sustituye un código de un solo uso."},
    {EVENT_PASSKEY_ADDED, "A passkey was added to your account.", "Se añadió una llave de acceso a su cuenta."},
    {EVENT_PASSKEY_REMOVED, "A passkey was removed from your account.", "Se quitó una llave de acceso de su cuenta."},
    {EVENT_PASSKEY_STOPPED, "There seem to be two of one of your passkeys: it was stopped.",
     "Parece haber dos de una de sus llaves de acceso: se detuvo."},
    {EVENT_TOTP_SET, "An app with codes was added to your account.", "Se añadió una aplicación con códigos a su cuenta."},
    {EVENT_TOTP_REMOVED, "The app with codes was removed from your account.", "Se quitó la aplicación con códigos de su cuenta."},
    {EVENT_TOTP_USED, "Somebody sent a code of your app a second time. It was refused.",
     "Alguien envió por segunda vez un código de su aplicación. Se rechazó."},
    {EVENT_RECOVERY_ASKED, "Somebody asked to let you in again.", "Alguien pidió que se le deje entrar de nuevo."},
    {EVENT_RECOVERY_APPROVED, "Two people approved to let you in again.", "Dos personas aprobaron que se le deje entrar de nuevo."},
    {EVENT_RECOVERY_USED, "Somebody came in with the code that lets you in again.", "Alguien entró con el código que le deja entrar de nuevo."},
};

void alert_write(struct buf *out, const struct alert *x)
{
    bool es = strcmp(x->language, "es") == 0;
    const char *did = es ? "Cambió algo en su cuenta." : "Something about your account was changed.";
    char at[TIME_TEXT];
    char id[64];
    struct buf text = BUF_INIT(8192);
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++)
        if (what[i].event == x->event)
            did = es ? what[i].es : what[i].en;
    (void)time_format(x->changed + (tq_time)x->offset * TIME_SECOND, at);
    at[16] = 0; /* to the minute, by the lab's clock */
    at[10] = ' ';
    buf_addf(&text, es ? "Hola, %s:\n\n%s (%s, %s)\n\n" : "Hello %s,\n\n%s (%s, %s)\n\n", x->name, did, x->site, at);
    buf_add_str(&text, es ? "Si fue usted, no hay nada que hacer. Si no, avise enseguida a la dirección del laboratorio, en persona o por teléfono.\n"
                            "Este correo no lleva enlaces ni pide nada: escriba usted la dirección de la página, o use su marcador.\n"
                          : "If that was you, nothing is to be done. If not, tell the lab manager at once, in person or by telephone.\n"
                            "This mail has no link and asks for nothing: type the page's address yourself, or use your bookmark.\n");
    buf_addf(&text, "\n%s, Tourniquet\n", x->site);
    (void)snprintf(id, sizeof id, "account.%lld.%llu", (long long)x->now, (unsigned long long)x->number);
    letter_write(out, &(struct letter){.from = x->from,
                                       .to = x->to,
                                       .subject = es ? "Su cuenta de Tourniquet ha cambiado" : "Your Tourniquet account was changed",
                                       .id = id,
                                       .automatic = true,
                                       .now = x->now,
                                       .text = buf_span(&text)});
    buf_release(&text);
}
