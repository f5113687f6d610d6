#include "door/front/asset.h"

const struct asset *asset_find(struct span path)
{
    for (size_t i = 0; i < asset_count; i++)
        if (span_is(path, assets[i].path))
            return &assets[i];
    return NULL;
}
