/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names from outside, as engine/base/label.h has them, and what is counted or chosen by name.
 */
#include "deploy/name.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/label.h"

_Static_assert(LABEL_COUNT_MAX < DEPLOY_NAME_BYTES, "a name fits its field");

bool deploy_name_valid(struct bytes name)
{
    return label_is_valid(name);
}

bool name_parse_version(struct bytes text, uint32_t *ret_version)
{
    if (text.count < 2 || text.count > 11 || text.data[0] != 'v' || text.data[1] == '0')
        return false;
    uint64_t version = 0;
    for (size_t i = 1; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        version = version * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (version > UINT32_MAX)
        return false;
    *ret_version = (uint32_t)version;
    return true;
}

void name_format_version(uint32_t version, char ret_text[NAME_VERSION_BYTES])
{
    (void)snprintf(ret_text, NAME_VERSION_BYTES, "v%" PRIu32, version);
}

bool deploy_name_field_valid(const char name[DEPLOY_NAME_BYTES])
{
    return deploy_name_valid(bytes_make(name, strnlen(name, DEPLOY_NAME_BYTES)));
}

bool deploy_log_level_parse(struct bytes text, enum deploy_log_level *ret_level)
{
    static const char *const names[DEPLOY_LOG_LEVEL_COUNT] = {
#define LEVEL(name, text_) [DEPLOY_LOG_##name] = (text_),
        DEPLOY_LOG_LEVELS(LEVEL)
#undef LEVEL
    };
    for (uint32_t i = 0; i < COUNT_OF(names); i++) {
        if (!bytes_equal_text(text, names[i]))
            continue;
        *ret_level = (enum deploy_log_level)i;
        return true;
    }
    return false;
}
