/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tenants and functions are called: a label of a host's name, in lower case. Here, since the
 * operator's configuration names tenants, too, and knows nothing of what is deployed.
 */
#ifndef SKERRY_ENGINE_BASE_LABEL_H
#define SKERRY_ENGINE_BASE_LABEL_H

#include "engine/base/bytes.h"

#define LABEL_COUNT_MAX 63 /* bytes [RFC 1035 2.3.4] */

static inline bool label_is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* 1 to LABEL_COUNT_MAX of a-z, 0-9 and -, which is not at the ends: nothing that passes needs
 * escaping in a key, a path, a URL, JSON or a log line. */
static inline bool label_is_valid(struct bytes text)
{
    if (text.count == 0 || text.count > LABEL_COUNT_MAX)
        return false;
    if (!label_is_plain(text.data[0]) || !label_is_plain(text.data[text.count - 1]))
        return false;
    for (size_t i = 0; i < text.count; i++) {
        if (!label_is_plain(text.data[i]) && text.data[i] != '-')
            return false;
    }
    return true;
}

#endif
