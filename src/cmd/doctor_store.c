/* doctor: the views' store. Nothing is lost where it does not hold, so mending is dropping it. */
#include "cmd/doctor.h"

#include "record/crypto/crypto.h"
#include "record/ledger/ledger.h"
#include "record/ledger/root.h"
#include "record/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define STORE_DIR "store"

static void say_damaged(struct doctor *d, int dir, const struct error *why)
{
    struct error late;
    if (!d->mend)
        doctor_say(d, "store", DOCTOR_ATTENTION, "The views do not hold: %s. Nothing is lost: the next start rebuilds them from the ledger.",
                   why->text);
    else if (store_drop(dir, &late) != 0)
        doctor_say(d, "store", DOCTOR_BAD, "The views do not hold (%.150s), and cannot be removed: %s", why->text, late.text);
    else
        doctor_say(d, "store", DOCTOR_MENDED, "The views did not hold (%s) and were removed: the next start rebuilds them from the ledger.",
                   why->text);
}

static void scan(struct doctor *d, int dir, const uint8_t key[32])
{
    struct store_scanned s;
    struct error e = {0};
    if (store_scan(dir, key, &s, &e) != 0)
        say_damaged(d, dir, &e);
    else if (s.note[0] != 0)
        doctor_say(d, "store", DOCTOR_ATTENTION, "%s: the next start catches it up from the ledger.", s.note);
    else
        doctor_say(d, "store", DOCTOR_GOOD, "All %lu pages hold and belong together (checkpoint %llu), and so do %lu frames of the log.",
                   (unsigned long)s.mark.pages, (unsigned long long)s.mark.generation, (unsigned long)s.frames);
}

void doctor_store(struct doctor *d)
{
    char ledger[CONFIG_PATH + 16];
    char root[CONFIG_PATH + 16];
    uint8_t key[32];
    struct error e = {0};
    int dir = openat(d->folder, STORE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (d->running || dir < 0) {
        doctor_say(d, "store", DOCTOR_SKIPPED,
                   d->running ? "The keeper checked every page of the views at its start, and checks each that it reads."
                              : "There are no views yet: the next start makes them.");
        if (dir >= 0)
            (void)close(dir);
        return;
    }
    (void)snprintf(ledger, sizeof ledger, "%s/ledger", d->data);
    (void)snprintf(root, sizeof root, "%s/root.key", d->data);
    struct root_source source = {.kind = ROOT_FILE, .path = root};
    if (ledger_peek_key(ledger, &source, "store", key, &e) == 0)
        scan(d, dir, key);
    else
        doctor_say(d, "store", DOCTOR_SKIPPED, "Its key is not to be had here (%s): the next start checks it.", e.text);
    crypto_wipe(key, sizeof key);
    (void)close(dir);
}
