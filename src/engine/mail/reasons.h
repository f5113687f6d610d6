/* reasons: everything that can speak for or against a message, in one table: what it weighs, and what it says to people. docs/mail.md is made to
 * agree with it by a test. */
#ifndef TQ_ENGINE_MAIL_REASONS_H
#define TQ_ENGINE_MAIL_REASONS_H

#include "base/buf.h"

/* Reasons of a group together count at most so much: ten weak words are not a proof. */
enum mail_group {
    MAIL_GROUP_SENDER,
    MAIL_GROUP_LINKS,
    MAIL_GROUP_FILES,
    MAIL_GROUP_WORDS,
    MAIL_GROUP_TOGETHER,
    MAIL_GROUP_FORM,
    MAIL_GROUP_FOR,
    MAIL_GROUPS
};

/* R(name in C, code, group, points, English, Spanish); {} is what it was seen in. */
#define MAIL_REASON_TABLE(R)                                                                                                                         \
    /* the sender */                                                                                                                                 \
    R(FROM_OWN_LIKE, "from-like-own", SENDER, 55, "The sender's domain {} looks like the lab's own, but is not.",                                    \
      "El dominio del remitente, {}, se parece al del laboratorio, pero no lo es.")                                                                  \
    R(FROM_KNOWN_LIKE, "from-like-known", SENDER, 50, "The sender's domain {} imitates a well-known one.",                                           \
      "El dominio del remitente, {}, imita a otro muy conocido.")                                                                                    \
    R(FROM_HOLDS_NAME, "from-holds-name", SENDER, 30, "The sender's domain {} contains a well-known name, but does not belong to it.",               \
      "El dominio del remitente, {}, contiene un nombre conocido, pero no es suyo.")                                                                 \
    R(NAME_KNOWN, "name-not-theirs", SENDER, 28, "The sender calls itself by a well-known name, but writes from {}.",                                \
      "El remitente se presenta con un nombre conocido, pero escribe desde {}.")                                                                     \
    R(NAME_OWN, "name-ours", SENDER, 25, "The sender calls itself part of the lab, but writes from outside ({}).",                                   \
      "El remitente se presenta como parte del laboratorio, pero escribe desde fuera ({}).")                                                         \
    R(NAME_ADDRESS, "name-other-address", SENDER, 28, "The sender's name shows an address that is not the one it was sent from ({}).",               \
      "El nombre del remitente muestra una dirección que no es la real ({}).")                                                                       \
    R(NAME_ROLE, "name-department", SENDER, 14, "A department's name writes from an address that anybody can have ({}).",                            \
      "El nombre de un departamento escribe desde una dirección que cualquiera puede tener ({}).")                                                   \
    R(NAME_OUTSIDE, "name-outside", SENDER, 8, "A department's name writes from outside the lab ({}).",                                              \
      "El nombre de un departamento escribe desde fuera del laboratorio ({}).")                                                                      \
    R(REPLY_LIKE, "reply-to-like", SENDER, 40, "Answers would go to {}, which imitates another domain.",                                             \
      "Las respuestas irían a {}, que imita a otro dominio.")                                                                                        \
    R(REPLY_FREE, "reply-to-free", SENDER, 18, "Answers would go to a private address ({}), not to the sender.",                                     \
      "Las respuestas irían a una dirección particular ({}), no al remitente.")                                                                      \
    R(REPLY_OTHER, "reply-to-other", SENDER, 7, "Answers would go elsewhere: to {}.", "Las respuestas irían a otro sitio: a {}.")                    \
    R(FROM_SEVERAL, "from-several", SENDER, 20, "It claims several senders, or none.", "Dice tener varios remitentes, o ninguno.")                   \
    R(FROM_SELF, "from-self", SENDER, 22, "It pretends to come from your own address.", "Aparenta venir de su propia dirección.")                    \
    R(FROM_TLD, "from-cheap", SENDER, 12, "The sender's domain {} ends in a way that is cheap and often abused.",                                    \
      "El dominio del remitente, {}, tiene una terminación barata de la que se abusa mucho.")                                                        \
    R(FROM_ALPHABET, "from-alphabet", SENDER, 40, "The sender's domain {} uses letters of another alphabet that look like ours.",                    \
      "El dominio del remitente, {}, usa letras de otro alfabeto que parecen las nuestras.")                                                         \
    R(FROM_HOSTING, "from-hosting", SENDER, 20, "The sender writes from a site that anybody can set up ({}).",                                       \
      "El remitente escribe desde un sitio que cualquiera puede crear ({}).")                                                                        \
    R(FROM_RANDOM, "from-odd", SENDER, 8, "The sender's domain {} looks made up.", "El dominio del remitente, {}, parece inventado.")                \
    R(AUTH_DMARC, "auth-dmarc", SENDER, 32, "The mail server could not confirm that it comes from {}.",                                              \
      "El servidor de correo no pudo confirmar que venga de {}.")                                                                                    \
    R(AUTH_SPF, "auth-spf", SENDER, 14, "It was sent by a machine that may not send for {}.",                                                        \
      "Lo envió una máquina que no está autorizada a enviar en nombre de {}.")                                                                       \
    R(AUTH_DKIM, "auth-dkim", SENDER, 10, "Its signature does not hold: it may have been changed or made up.",                                       \
      "Su firma no es válida: pudo ser alterado o inventado.")                                                                                       \
    R(AUTH_NONE, "auth-none", SENDER, 12, "Nobody vouches that it comes from {}: it has no valid signature.",                                        \
      "Nadie responde de que venga de {}: no lleva ninguna firma válida.")                                                                           \
    R(AUTH_OWN, "auth-own", SENDER, 45, "It claims to come from the lab itself, and the mail server says that it does not.",                         \
      "Dice venir del propio laboratorio, y el servidor de correo dice que no.")                                                                     \
    R(SCRIPT_SENT, "script-sent", SENDER, 10, "It was sent by a script on a web server.", "Lo envió un programa desde un servidor web.")             \
    R(SENT_ELSEWHERE, "sent-elsewhere", SENDER, 16, "The machine that sent it called itself {}, and is another.",                                    \
      "La máquina que lo envió dijo ser {}, y es otra.")                                                                                             \
    R(SUBJECT_ODD, "subject-odd", SENDER, 16, "The subject ends in random letters, to get past filters.",                                            \
      "El asunto acaba en letras al azar, para eludir los filtros.")                                                                                 \
    R(DATE_ODD, "date-odd", SENDER, 10, "Its date is impossible.", "Su fecha es imposible.")                                                         \
    R(NO_ID, "no-id", SENDER, 5, "It lacks what every mail program writes (date, number).",                                                          \
      "Le falta lo que escribe todo programa de correo (fecha, número).")                                                                            \
    /* links */                                                                                                                                      \
    R(LINK_OWN_LIKE, "link-like-own", LINKS, 55, "A link leads to {}, which looks like the lab's own domain.",                                       \
      "Un enlace lleva a {}, que se parece al dominio del laboratorio.")                                                                             \
    R(LINK_KNOWN_LIKE, "link-like-known", LINKS, 45, "A link leads to {}, which imitates a well-known domain.",                                      \
      "Un enlace lleva a {}, que imita a un dominio conocido.")                                                                                      \
    R(LINK_HOLDS_NAME, "link-holds-name", LINKS, 30, "A link leads to {}: a well-known name is in it, but it is not theirs.",                        \
      "Un enlace lleva a {}: lleva un nombre conocido, pero no es suyo.")                                                                            \
    R(LINK_SHOWN_KNOWN, "link-shows-known", LINKS, 42, "A link shows a well-known address, but leads to {}.",                                        \
      "Un enlace muestra una dirección conocida, pero lleva a {}.")                                                                                  \
    R(LINK_SHOWN, "link-shows-other", LINKS, 22, "A link shows one address, but leads to another: {}.",                                              \
      "Un enlace muestra una dirección, pero lleva a otra: {}.")                                                                                     \
    R(LINK_USERINFO, "link-userinfo", LINKS, 38, "A link hides where it leads behind an @ ({}).",                                                    \
      "Un enlace oculta adónde lleva detrás de una @ ({}).")                                                                                         \
    R(LINK_IP, "link-number", LINKS, 25, "A link leads to a bare number instead of a name ({}).",                                                    \
      "Un enlace lleva a un número en vez de un nombre ({}).")                                                                                       \
    R(LINK_DRESSED, "link-disguised", LINKS, 35, "A link's address is written so that nobody can read it ({}).",                                     \
      "La dirección de un enlace está escrita para que nadie pueda leerla ({}).")                                                                    \
    R(LINK_ALPHABET, "link-alphabet", LINKS, 40, "A link leads to {}: letters of another alphabet that look like ours.",                             \
      "Un enlace lleva a {}: letras de otro alfabeto que parecen las nuestras.")                                                                     \
    R(LINK_SHORT, "link-short", LINKS, 12, "A shortened link hides where it leads ({}).", "Un enlace acortado oculta adónde lleva ({}).")            \
    R(LINK_REDIRECT, "link-redirect", LINKS, 16, "A link goes through {} to somewhere else.", "Un enlace pasa por {} y lleva a otro sitio.")         \
    R(LINK_HOSTING, "link-hosting", LINKS, 16, "A link leads to a site that anybody can set up ({}).",                                               \
      "Un enlace lleva a un sitio que cualquiera puede crear ({}).")                                                                                 \
    R(LINK_FORM, "link-form", LINKS, 14, "A link leads to a form that anybody can make ({}).",                                                       \
      "Un enlace lleva a un formulario que cualquiera puede crear ({}).")                                                                            \
    R(LINK_TLD, "link-cheap", LINKS, 12, "A link leads to {}, an ending that is cheap and often abused.",                                            \
      "Un enlace lleva a {}, una terminación barata de la que se abusa mucho.")                                                                      \
    R(LINK_DATA, "link-data", LINKS, 40, "A link holds a whole page or program in itself.", "Un enlace lleva dentro una página o un programa.")      \
    R(LINK_OPENS, "link-opens", LINKS, 40, "A link opens a file or a program on another computer ({}).",                                             \
      "Un enlace abre un archivo o un programa en otro equipo ({}).")                                                                                \
    R(LINK_PORT, "link-port", LINKS, 10, "A link leads to an unusual door of {}.", "Un enlace lleva a una puerta poco habitual de {}.")              \
    R(LINK_LURE, "link-lure", LINKS, 12, "A link's address tries to look like a sign-in page ({}).",                                                 \
      "La dirección de un enlace intenta parecer una página de acceso ({}).")                                                                        \
    R(LINK_BROKEN_INTO, "link-broken-into", LINKS, 18, "A link leads into the inside of somebody's web site ({}), as where one was broken into.",    \
      "Un enlace lleva a las tripas de una web ajena ({}), como cuando ha sido asaltada.")                                                           \
    R(LINK_ADDRESSED, "link-addressed", LINKS, 18, "A link has your address in it, to fill in a sign-in page for you ({}).",                         \
      "Un enlace lleva su dirección dentro, para rellenar una página de acceso ({}).")                                                               \
    R(LINK_PROGRAM, "link-program", LINKS, 32, "A link leads straight to a program or an archive ({}).",                                             \
      "Un enlace lleva directamente a un programa o un archivo comprimido ({}).")                                                                    \
    R(LINK_CONSENT, "link-consent", LINKS, 48, "A link asks you to let an unknown app into your account ({}).",                                      \
      "Un enlace le pide que deje entrar a una aplicación desconocida en su cuenta ({}).")                                                           \
    R(LINK_PRIVATE, "link-private", LINKS, 14, "A button of it writes to a private address ({}).",                                                   \
      "Un botón suyo escribe a una dirección particular ({}).")                                                                                      \
    R(LINK_DEEP, "link-deep", LINKS, 8, "A link's address is long and has many parts ({}).",                                                         \
      "La dirección de un enlace es larga y tiene muchas partes ({}).")                                                                              \
    /* files */                                                                                                                                      \
    R(FILE_PROGRAM, "file-program", FILES, 70, "An attachment is a program: {}.", "Un archivo adjunto es un programa: {}.")                          \
    R(FILE_SCRIPT, "file-script", FILES, 70, "An attachment runs as soon as it is opened: {}.", "Un adjunto se ejecuta al abrirlo: {}.")             \
    R(FILE_SHORTCUT, "file-shortcut", FILES, 62, "An attachment is a shortcut that starts something: {}.",                                           \
      "Un adjunto es un acceso directo que pone algo en marcha: {}.")                                                                                \
    R(FILE_DISK, "file-disk", FILES, 62, "An attachment is a disk image, which nobody sends by mail: {}.",                                           \
      "Un adjunto es una imagen de disco, algo que nadie envía por correo: {}.")                                                                     \
    R(FILE_MACRO, "file-macro", FILES, 48, "An office document has a program in it (macros): {}.",                                                   \
      "Un documento de oficina lleva un programa dentro (macros): {}.")                                                                              \
    R(FILE_OBJECT, "file-object", FILES, 40, "A document opens something else that is hidden in it: {}.",                                            \
      "Un documento abre otra cosa que lleva escondida: {}.")                                                                                        \
    R(FILE_REMOTE, "file-remote", FILES, 58, "A document fetches parts of itself from elsewhere: {}.",                                               \
      "Un documento descarga partes de sí mismo de otro sitio: {}.")                                                                                 \
    R(FILE_ACTION, "file-action", FILES, 22, "A PDF tries to do something when it is opened: {}.", "Un PDF intenta hacer algo al abrirse: {}.")      \
    R(FILE_NOTEBOOK, "file-notebook", FILES, 40, "An attachment is a OneNote notebook, which attackers hide programs in: {}.",                       \
      "Un adjunto es un bloc de OneNote, donde los atacantes esconden programas: {}.")                                                               \
    R(FILE_LIES, "file-lies", FILES, 55, "The name of an attachment hides what it is: {}.", "El nombre de un adjunto oculta lo que es: {}.")         \
    R(FILE_DIFFERS, "file-differs", FILES, 35, "An attachment is not what its name says: {}.", "Un adjunto no es lo que dice su nombre: {}.")        \
    R(FILE_ENCRYPTED, "file-encrypted", FILES, 18, "An attachment is locked, so that no virus scanner can look inside: {}.",                         \
      "Un adjunto está cifrado, para que ningún antivirus pueda mirar dentro: {}.")                                                                  \
    R(FILE_NESTED, "file-nested", FILES, 15, "An archive has other archives in it: {}.", "Un archivo comprimido lleva otros dentro: {}.")            \
    R(FILE_BOMB, "file-bomb", FILES, 50, "An archive would unpack to an absurd size: {}.", "Un archivo comprimido ocuparía un tamaño absurdo: {}.")  \
    R(FILE_PAGE, "file-page", FILES, 18, "An attachment is a web page, which nobody needs to send: {}.",                                             \
      "Un adjunto es una página web, algo que nadie necesita enviar: {}.")                                                                           \
    R(FILE_PAGE_ASKS, "file-page-asks", FILES, 60, "An attached page asks for a password: {}.", "Una página adjunta pide una contraseña: {}.")       \
    R(FILE_SMUGGLES, "file-smuggles", FILES, 65, "An attached page builds a file on your computer: {}.",                                             \
      "Una página adjunta fabrica un archivo en su equipo: {}.")                                                                                     \
    R(FILE_SCRAMBLED, "file-scrambled", FILES, 50, "An attached page hides what it does: {}.", "Una página adjunta oculta lo que hace: {}.")         \
    R(FILE_LEADS, "file-leads", FILES, 30, "An attached page leads elsewhere by itself: {}.",                                                        \
      "Una página adjunta lleva a otro sitio por sí sola: {}.")                                                                                      \
    R(FILE_VIRUS, "file-virus", FILES, 100, "The virus scanner knows an attachment as {}.", "El antivirus reconoce un adjunto como {}.")             \
    /* words */                                                                                                                                      \
    R(WORDS_URGENCY, "words-urgency", WORDS, 8, "It presses for haste.", "Mete prisa.")                                                              \
    R(WORDS_THREAT, "words-threat", WORDS, 12, "It threatens: something will be closed, lost or punished.",                                          \
      "Amenaza: algo se cerrará, se perderá o se castigará.")                                                                                        \
    R(WORDS_CREDENTIAL, "words-credential", WORDS, 12, "It asks you to sign in or to confirm who you are.",                                          \
      "Le pide que inicie sesión o que confirme quién es.")                                                                                          \
    R(WORDS_MAILBOX, "words-mailbox", WORDS, 16, "It says that your mailbox or password has a problem.",                                             \
      "Dice que su buzón o su contraseña tienen un problema.")                                                                                       \
    R(WORDS_SIGNIN, "words-signin", WORDS, 10, "It warns of a sign-in or a purchase that you may not know.",                                         \
      "Avisa de un acceso o una compra que quizá no reconozca.")                                                                                     \
    R(WORDS_MFA, "words-code", WORDS, 16, "It is about your second factor or a code: nobody needs that from you.",                                   \
      "Trata de su segundo factor o de un código: nadie necesita eso de usted.")                                                                     \
    R(WORDS_QR, "words-qr", WORDS, 16, "It wants you to scan a code with your phone, where no filter protects you.",                                 \
      "Quiere que escanee un código con el teléfono, donde ningún filtro le protege.")                                                               \
    R(WORDS_DOCUMENT, "words-document", WORDS, 8, "It says that a document, a fax or a voice message waits for you.",                                \
      "Dice que le espera un documento, un fax o un mensaje de voz.")                                                                                \
    R(WORDS_PAYROLL, "words-payroll", WORDS, 12, "It is about your pay.", "Trata de su nómina.")                                                     \
    R(WORDS_BANK, "words-bank", WORDS, 10, "It is about payments or bank details.", "Trata de pagos o datos bancarios.")                             \
    R(WORDS_GIFT, "words-gift", WORDS, 20, "It wants gift cards, which no employer pays with.",                                                      \
      "Quiere tarjetas regalo, con las que ninguna empresa paga.")                                                                                   \
    R(WORDS_SECRECY, "words-secrecy", WORDS, 10, "It wants a favour and no questions.", "Quiere un favor y ninguna pregunta.")                       \
    R(WORDS_INVOICE, "words-invoice", WORDS, 6, "It is about a bill or an order.", "Trata de una factura o un pedido.")                              \
    R(WORDS_CALLBACK, "words-callback", WORDS, 12, "It wants you to call a number about a charge.", "Quiere que llame a un número por un cargo.")    \
    R(WORDS_CRITICAL, "words-critical", WORDS, 6, "It uses a patient's result to make you act.",                                                     \
      "Usa el resultado de un paciente para que usted actúe.")                                                                                       \
    R(WORDS_RECALL, "words-recall", WORDS, 4, "It is about a recall.", "Trata de una retirada de producto.")                                         \
    R(WORDS_DELIVERY, "words-delivery", WORDS, 10, "It says that a parcel has a problem.", "Dice que un paquete tiene un problema.")                 \
    R(WORDS_REFUND, "words-refund", WORDS, 12, "It promises money back.", "Promete devolverle dinero.")                                              \
    R(WORDS_PRIZE, "words-prize", WORDS, 18, "It promises a prize.", "Promete un premio.")                                                           \
    R(WORDS_ADVANCE, "words-advance", WORDS, 16, "It promises a fortune for your help.", "Promete una fortuna a cambio de su ayuda.")                \
    R(WORDS_EXTORTION, "words-extortion", WORDS, 18, "It tries to blackmail you.", "Intenta chantajearle.")                                          \
    R(WORDS_REMOTE, "words-remote", WORDS, 14, "It wants a program on your computer, or access to it.",                                              \
      "Quiere un programa en su equipo, o entrar en él.")                                                                                            \
    R(WORDS_ENABLE, "words-enable", WORDS, 25, "It wants you to switch off the protection of your office program.",                                  \
      "Quiere que desactive la protección de su programa de oficina.")                                                                               \
    R(WORDS_OAUTH, "words-consent", WORDS, 14, "It wants you to allow an app.", "Quiere que autorice una aplicación.")                               \
    R(WORDS_GREETING, "words-greeting", WORDS, 6, "It does not know your name.", "No sabe su nombre.")                                               \
    R(WORDS_ADDRESS, "words-by-address", WORDS, 8, "It calls you by your mail address: it does not know who you are.",                               \
      "Le llama por su dirección de correo: no sabe quién es usted.")                                                                                \
    R(WORDS_JOB, "words-job", WORDS, 16, "It offers easy money.", "Ofrece dinero fácil.")                                                            \
    R(WORDS_VICE, "words-vice", WORDS, 22, "It is about gambling, dating or pills: nobody needs that at work.",                                      \
      "Trata de apuestas, citas o pastillas: nadie necesita eso en el trabajo.")                                                                     \
    R(WORDS_ADVERT, "words-advert", WORDS, 18, "It is advertising that nobody asked for.", "Es publicidad que nadie ha pedido.")                     \
    /* form */                                                                                                                                       \
    R(FORM_PASSWORD, "mail-password", FORM, 45, "The mail itself asks for a password.", "El propio correo pide una contraseña.")                     \
    R(FORM_FORM, "mail-form", FORM, 10, "The mail has a form in it.", "El correo lleva un formulario dentro.")                                       \
    R(FORM_SCRIPT, "mail-script", FORM, 15, "The mail has a program in it.", "El correo lleva un programa dentro.")                                  \
    R(FORM_REFRESH, "mail-refresh", FORM, 25, "The mail leads elsewhere as soon as it is opened.",                                                   \
      "El correo lleva a otro sitio en cuanto se abre.")                                                                                             \
    R(FORM_LETTERS, "mail-letters", FORM, 28, "Words are written with letters of other alphabets, to get past filters.",                             \
      "Hay palabras escritas con letras de otros alfabetos, para eludir los filtros.")                                                               \
    R(FORM_INVISIBLE, "mail-invisible", FORM, 18, "Words are broken up by invisible characters, to get past filters.",                               \
      "Hay palabras partidas con caracteres invisibles, para eludir los filtros.")                                                                   \
    R(FORM_PICTURE, "mail-picture", FORM, 14, "It is a picture instead of text, so that nothing can read it.",                                       \
      "Es una imagen en vez de texto, para que nada pueda leerlo.")                                                                                  \
    R(FORM_PICTURE_FREE, "picture-hosting", FORM, 12, "Its pictures lie where anybody can put some ({}), not with its sender.",                      \
      "Sus imágenes están donde cualquiera puede ponerlas ({}), no con su remitente.")                                                               \
    R(FORM_BROKEN, "mail-broken", FORM, 15, "It is built so strangely that parts of it cannot be looked into.",                                      \
      "Está construido de forma tan extraña que no se puede mirar todo.")                                                                            \
    R(FORM_CUT, "mail-cut", FORM, 5, "It is too large: its end was not looked at.", "Es demasiado grande: no se miró el final.")                     \
    /* together */                                                                                                                                   \
    R(SIGN_IN_ELSEWHERE, "asks-elsewhere", TOGETHER, 18, "It asks you to act, and the link leads to somebody else ({}).",                            \
      "Le pide que haga algo, y el enlace lleva a un tercero ({}).")                                                                                 \
    R(SIGN_IN_BAD, "asks-bad-link", TOGETHER, 20, "It asks you to act by a link that cannot be trusted ({}).",                                       \
      "Le pide que haga algo con un enlace que no es de fiar ({}).")                                                                                 \
    R(BRAND_ELSEWHERE, "name-elsewhere", TOGETHER, 20, "It speaks for a well-known name, and nothing in it leads there ({}).",                       \
      "Habla en nombre de alguien conocido, y nada lleva hasta él ({}).")                                                                            \
    R(MONEY_STRANGER, "money-stranger", TOGETHER, 36, "A request about money comes from where it could not be checked ({}).",                        \
      "Una petición de dinero llega de donde no se puede comprobar ({}).")                                                                           \
    R(FAVOUR_STRANGER, "favour-stranger", TOGETHER, 22, "Somebody wants a favour in another's name, from a private address ({}).",                   \
      "Alguien pide un favor en nombre de otro, desde una dirección particular ({}).")                                                               \
    R(CALL_STRANGER, "call-stranger", TOGETHER, 35, "A bill with a telephone number ({}): whoever calls is robbed by telephone.",                    \
      "Una factura con un teléfono ({}): a quien llama le roban por teléfono.")                                                                      \
    R(QR_ASKS, "code-asks", TOGETHER, 32, "It asks you to sign in by a code in a picture: the address is hidden from you.",                          \
      "Le pide que inicie sesión con un código en una imagen: la dirección queda oculta.")                                                           \
    R(EXTORTION_MONEY, "extortion-money", TOGETHER, 35, "It threatens and asks for money that cannot be traced.",                                    \
      "Amenaza y pide dinero imposible de rastrear.")                                                                                                \
    R(ARCHIVE_PASSWORD, "archive-password", TOGETHER, 38, "A locked attachment comes with its password: that is for virus scanners only.",           \
      "Un adjunto cifrado trae su contraseña: así solo se engaña al antivirus.")                                                                     \
    R(MACRO_ENABLE, "macro-enable", TOGETHER, 30, "It wants you to run what is in the document.", "Quiere que ejecute lo que lleva el documento.")   \
    R(FORTUNE, "fortune", TOGETHER, 25, "Strangers do not give fortunes away: they want an advance.",                                                \
      "Los desconocidos no regalan fortunas: quieren un anticipo.")                                                                                  \
    R(GIFT_ELSEWHERE, "gift-elsewhere", TOGETHER, 20, "It promises a gift, and the link leads to a stranger ({}).",                                  \
      "Promete un regalo, y el enlace lleva a un desconocido ({}).")                                                                                 \
    R(FILE_PRETEXT, "file-pretext", TOGETHER, 12, "It presses you to open an attachment ({}).", "Le insiste en que abra un adjunto ({}).")           \
    R(CODE_ENTRY, "code-entry", TOGETHER, 46, "It wants a code entered that signs somebody else in.",                                                \
      "Quiere que introduzca un código que da acceso a otra persona.")                                                                               \
    R(SEEN_BEFORE, "seen-before", TOGETHER, 60, "The lab has confirmed a mail like this one as an attack ({}).",                                     \
      "El laboratorio ya ha confirmado como ataque un correo como este ({}).")                                                                       \
    /* for it */                                                                                                                                     \
    R(FOR_CONFIRMED, "confirmed", FOR, -18, "The mail server confirms that it comes from {}.", "El servidor de correo confirma que viene de {}.")    \
    R(FOR_HOME, "links-home", FOR, -14, "All its links lead to its sender or to well-known sites.",                                                  \
      "Todos sus enlaces llevan al remitente o a sitios conocidos.")                                                                                 \
    R(FOR_LIST, "mailing-list", FOR, -16, "It comes through a mailing list where people talk.",                                                      \
      "Viene de una lista de correo en la que se conversa.")                                                                                         \
    R(FOR_ANSWER, "answer", FOR, -8, "It is part of a conversation.", "Forma parte de una conversación.")                                            \
    R(FOR_BULK, "newsletter", FOR, -6, "It is a newsletter that one can leave.", "Es un boletín del que uno puede darse de baja.")                   \
    R(FOR_KNOWN, "known-sender", FOR, -10, "It is from an organisation that labs deal with ({}).",                                                   \
      "Es de una organización con la que tratan los laboratorios ({}).")

enum mail_code {
#define MAIL_REASON_ENUM(name, code, group, points, en, es) MAIL_##name,
    MAIL_REASON_TABLE(MAIL_REASON_ENUM)
#undef MAIL_REASON_ENUM
        MAIL_CODES
};

struct mail_reason_row {
    const char *code;
    enum mail_group group;
    int points;
    const char *english;
    const char *spanish;
};

extern const struct mail_reason_row mail_reason_rows[MAIL_CODES];
extern const int mail_group_most[MAIL_GROUPS]; /* of MAIL_GROUP_FOR: the least */
#define MAIL_SUSPICIOUS_FROM 28
#define MAIL_DANGEROUS_FROM 60

/* False: there is no such reason (an earlier version's). */
bool mail_reason_find(struct span code, enum mail_code *ret);

/* Appends the sentence for people. */
void mail_reason_text(struct buf *out, enum mail_code code, struct span about, bool spanish);

#endif
