#include "cmd/opening.h"

#include "cmd/secret.h"
#include "record/ledger/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int passphrase(struct opening *o, struct error *e)
{
    char typed[ROOT_SECRET_MAX + 1] = "";
    bool got = o->passphrase_file != NULL ? secret_of_file(o->passphrase_file, typed, sizeof typed) : secret_line("Passphrase", typed, sizeof typed);
    buf_add_str(&o->secret, typed);
    explicit_bzero(typed, sizeof typed);
    if (got)
        return 0;
    return o->passphrase_file != NULL ? err_set(e, ERR_MISUSE, "no passphrase can be read from %s", o->passphrase_file)
                                      : err_set(e, ERR_MISUSE, "no passphrase came from the terminal or standard input");
}

int opening_find(struct opening *o, const struct slots *slots, const char *own, const char *whose, struct error *e)
{
    const struct slot *slot = slots_source(slots);
    if (slot == NULL)
        return err_set(e, ERR_MISUSE, "only the recovery key opens %s", whose);
    o->source = (struct root_source){.kind = (enum root_kind)slot->kind, .path = o->key != NULL ? o->key : own};
    if (slot->kind == ROOT_PASSPHRASE && passphrase(o, e) != 0)
        return -1;
    if (slot->kind == ROOT_FILE && o->source.path == NULL)
        return err_set(e, ERR_MISUSE, "%s opens with its laboratory's root key (--key FILE) or recovery key", whose);
    if (slot->kind == ROOT_CREDENTIAL && o->key == NULL)
        return err_set(e, ERR_MISUSE, "%s opens with its laboratory's credential (--key FILE) or recovery key", whose);
    if (slot->kind == ROOT_CREDENTIAL && file_load(AT_FDCWD, o->key, ROOT_SECRET_MAX, &o->secret, e) != 0)
        return -1;
    o->source.secret = buf_span(&o->secret);
    return 0;
}

void opening_release(struct opening *o)
{
    buf_release(&o->secret);
}

struct ledger *opened_ledger(const char *data, const struct root_source *source, struct error *e)
{
    char dir[PATH_MAX];
    char key[PATH_MAX];
    if ((size_t)snprintf(dir, sizeof dir, "%s/ledger", data) >= sizeof dir || (size_t)snprintf(key, sizeof key, "%s/root.key", data) >= sizeof key) {
        (void)err_set(e, ERR_MISUSE, "the path %.100s… is too long", data);
        return NULL;
    }
    struct ledger_options o = {.dir = dir, .key_file = key, .root = source};
    return ledger_open(&o, NULL, e);
}
