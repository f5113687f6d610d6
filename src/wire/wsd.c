#include "wire/wsd.h"

/* The text of the first element with this local name: <Name …>text<, <prefix:Name>text<. */
static struct span element(struct span s, const char *name)
{
    size_t n = strlen(name);
    while (s.n > n) {
        const uint8_t *hit = memmem(s.p, s.n, name, n);
        if (hit == NULL)
            break;
        bool opens = hit > s.p && (hit[-1] == '<' || hit[-1] == ':');
        (void)span_skip(&s, (size_t)(hit - s.p) + n);
        uint8_t next = span_peek(&s, 0);
        if (!opens || (next != '>' && next != ' '))
            continue;
        bool found;
        (void)span_until(&s, '>', &found);
        struct span text = span_until(&s, '<', &found);
        if (found && text.n > 0)
            return text;
    }
    return (struct span){0};
}

static struct span scope(struct span scopes, const char *start)
{
    size_t n = strlen(start);
    const uint8_t *hit = scopes.n < n ? NULL : memmem(scopes.p, scopes.n, start, n);
    if (hit == NULL)
        return (struct span){0};
    (void)span_skip(&scopes, (size_t)(hit - scopes.p) + n);
    size_t end = 0;
    while (end < scopes.n && scopes.p[end] > ' ')
        end++;
    return span_of(scopes.p, end);
}

static bool names(struct span types, const char *word)
{
    return types.n > 0 && memmem(types.p, types.n, word, strlen(word)) != NULL;
}

bool wsd_decode(struct span s, struct wsd *ret)
{
    *ret = (struct wsd){0};
    struct span action = element(s, "Action");
    if (!names(action, "/discovery/Hello") && !names(action, "/discovery/ProbeMatches") && !names(action, "/discovery/ResolveMatches"))
        return false;
    struct span types = element(s, "Types");
    struct span scopes = element(s, "Scopes");
    if (names(types, "NetworkVideoTransmitter"))
        ret->role = "camera";
    else if (names(types, "PrintDeviceType") || names(types, "PrinterServiceType"))
        ret->role = "printer";
    ret->model = scope(scopes, "onvif://www.onvif.org/hardware/");
    ret->name = scope(scopes, "onvif://www.onvif.org/name/");
    return ret->role != NULL || ret->model.n > 0;
}
