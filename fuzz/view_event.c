/* Views fed with whatever: each input is one line of the ledger, "\0" separates it from the next. Nothing may fail, and every page must still be
 * answered. */
#include "../tests/unit/door/keeper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keeper *k;
    static unsigned runs;
    if (k != NULL && ++runs % 1000 == 0) { /* now and then from the start: a long life hides how a state came to be */
        keeper_free(k);
        k = NULL;
    }
    if (k == NULL)
        k = keeper_new();
    struct span rest = span_of(data, size);
    while (rest.n > 0) {
        uint64_t index;
        struct error e = {0};
        struct span line = span_until(&rest, 0, NULL);
        if (keeper_apply(k, line, SPAN_LIT("{\"password_hash\":\"x\"}"), &index, &e) != 0)
            abort();
    }
    static const char *const pages[] = {"GET /api/v1/today",
                                        "GET /api/v1/devices?limit=3",
                                        "GET /api/v1/results?limit=3",
                                        "GET /api/v1/messages?limit=3",
                                        "GET /api/v1/findings?state=all&limit=3",
                                        "GET /api/v1/ledger/records?limit=3",
                                        "GET /api/v1/sensor",
                                        "GET /api/v1/ledger"};
    if (keeper_ask_local(k, pages[size % 8], NULL, NULL) != 200)
        abort();
    return 0;
}
