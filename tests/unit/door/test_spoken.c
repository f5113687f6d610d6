/* What the program says, in Spanish. */
#include "door/spoken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *spanish(const char *english)
{
    static struct buf b;
    buf_release(&b);
    b = BUF_INIT(65536);
    speak(&b, TONGUE_SPANISH, span_str(english));
    return buf_text(&b);
}

static void the_catalogue_is_well_written(void **state)
{
    (void)state;
    assert_int_equal(spoken_wrong(), 0);
}

static void whole_sentences(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(256);
    assert_string_equal(spanish("Say in a few words why."), "Diga en pocas palabras por qué.");
    assert_string_equal(spanish("Nobody has written this."), "Nobody has written this.");
    assert_string_equal(spanish(""), "");
    speak(&b, TONGUE_ENGLISH, SPAN_LIT("Say in a few words why."));
    assert_string_equal(buf_text(&b), "Say in a few words why.");
    buf_release(&b);
}

static void names_and_numbers_keep_their_places(void **state)
{
    (void)state;
    assert_string_equal(spanish("Results from 10.0.5.7 to 10.0.5.1 pass in clear text."), "Los resultados de 10.0.5.7 a 10.0.5.1 pasan sin cifrar.");
    /* the longer sentence, though the shorter one fits too */
    assert_string_equal(spanish("Results from 10.0.5.7 to 10.0.5.1 pass in clear text, over public addresses."),
                        "Los resultados de 10.0.5.7 a 10.0.5.1 pasan sin cifrar, por direcciones públicas.");
    assert_string_equal(spanish("10.0.5.9 sends results under the name CHEM, which belongs to 10.0.5.7, and 10.0.5.7 is still sending too."),
                        "10.0.5.9 envía resultados con el nombre CHEM, que es de 10.0.5.7, y 10.0.5.7 también sigue enviando.");
}

static void sentences_in_sentences(void **state)
{
    (void)state;
    assert_string_equal(spanish("Link chem: the LIS cannot be reached. Connection refused."), "Enlace chem: no se llega al LIS. Connection refused.");
    assert_string_equal(spanish("The clock of 10.0.5.7 is 3 days slow: the times on its results are not true."),
                        "El reloj de 10.0.5.7 va 3 días atrasado: las horas de sus resultados no son ciertas.");
    assert_string_equal(spanish("Calls itself 'XN-1000' in the ASTM header record."),
                        "Se llama a sí mismo 'XN-1000' en el registro de cabecera ASTM.");
    assert_string_equal(spanish("Signed in: ana, by ana, from 10.0.0.9"), "Entró: ana, por ana, desde 10.0.0.9");
    assert_string_equal(spanish("A message from 10.0.5.9 tries to attack 10.0.5.1 port 2575 (SQL injection in NTE-3 (byte 436))."),
                        "Un mensaje de 10.0.5.9 intenta atacar a 10.0.5.1 puerto 2575 (inyección SQL en NTE-3 (byte 436)).");
    assert_string_equal(spanish("ORU^R01 from CHEM to LIS, 3 results"), "ORU^R01 de CHEM a LIS, 3 resultados");
    assert_string_equal(spanish("writing a backup: No space left on device"), "al escribir una copia de seguridad: no queda sitio en el disco");
    assert_string_equal(spanish("the backup was changed or damaged in chunk 3, from byte 131072 of its file on (in ledger/tile/0)"),
                        "la copia se cambió o se dañó en el trozo 3, desde el byte 131072 de su archivo (en ledger/tile/0)");
    assert_string_equal(spanish("server"), "server"); /* a word alone may be anybody's */
}

/* A name in a finding is whatever a stranger chose: it cannot make us search for ever. */
static void the_work_is_bounded(void **state)
{
    (void)state;
    static char text[40000];
    size_t n = 0;
    while (n + 64 < sizeof text)
        n += (size_t)snprintf(text + n, sizeof text - n, "A result of test  reached  from  with  to  (");
    assert_string_equal(spanish(text), text);
}

static void which_language(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum tongue tongue;
    } cases[] = {{"", TONGUE_ENGLISH},
                 {"es", TONGUE_SPANISH},
                 {"es-MX,es;q=0.9,en;q=0.5", TONGUE_SPANISH},
                 {"de, es;q=0.5", TONGUE_SPANISH},
                 {"en-US, es", TONGUE_ENGLISH},
                 {"est", TONGUE_ENGLISH},
                 {",;,-", TONGUE_ENGLISH}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(tongue_of(span_str(cases[i].header)), cases[i].tongue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_well_written), cmocka_unit_test(whole_sentences),     cmocka_unit_test(names_and_numbers_keep_their_places),
        cmocka_unit_test(sentences_in_sentences),        cmocka_unit_test(the_work_is_bounded), cmocka_unit_test(which_language),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
