/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that the name section gave to functions: images keep them by index.
 */
#include "engine/image/names.h"

struct bytes names_func(const struct image_header *header, uint32_t func)
{
    if (func >= header->func_names.count)
        return (struct bytes){0};
    const struct image_span *names = image_at(header, header->func_names);
    return bytes_make(image_at(header, names[func]), names[func].count);
}
