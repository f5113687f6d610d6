#include "proc/config_keys.h"

void config_document(struct buf *out)
{
    buf_add_str(out,
                "# lab.yaml: every key\n\n"
                "This page is made from the table that the parser uses (`tourniquet run --keys`); a test checks that it is current.\n"
                "`tourniquet run -c lab.yaml` reads the file once, at the start. An unknown key, a wrong value or a key given twice stops the start\n"
                "with line, column and what was expected. Without `-c` every key has its default.\n\n"
                "The least that works:\n\n"
                "```yaml\nsite: main-street\n```\n\n"
                "| key | value | default | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        char scratch[160];
        buf_addf(out, "| `%s` | %s | %s%s%s | %s |\n", k->path, config_expected(k, scratch, sizeof scratch), k->initial == NULL ? "" : "`",
                 k->initial != NULL ? k->initial
                 : k->required      ? "required"
                                    : "none",
                 k->initial == NULL ? "" : "`", k->help);
    }
}
