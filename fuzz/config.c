/* Any bytes as lab.yaml: parsed or refused with a place, never more. */
#include "proc/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    struct error e = {0};
    if (size > CONFIG_BYTES)
        return 0;
    if (config_parse(&c, span_of(data, size), "lab.yaml", &e) != 0) {
        if (e.class != ERR_MISUSE || strncmp(e.text, "lab.yaml:", 9) != 0)
            abort();
        return 0;
    }
    if (c.capture_count > CONFIG_CAPTURES || c.relay_count > CONFIG_RELAYS || c.listener_count > CONFIG_LISTENERS || c.console_listen.port == 0 ||
        c.data[0] != '/' || c.site[0] == 0)
        abort();
    for (size_t i = 0; i < c.relay_count; i++)
        if (c.relay[i].name[0] == 0 || c.relay[i].listen.port == 0 || c.relay[i].forward.port == 0 || c.relay[i].tls_to[0] == 0)
            abort();
    return 0;
}
