/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a worker left behind.
 */
#include "server/telemetry/vitals.h"

#include <string.h>

static bool vitals_is_name(const char name[DEPLOY_NAME_BYTES])
{
    size_t count = strnlen(name, DEPLOY_NAME_BYTES);
    return count < DEPLOY_NAME_BYTES && deploy_name_valid(bytes_make(name, count));
}

void vitals_clear(struct vitals *vitals)
{
    if (vitals->runs % 2 != 0)
        vitals_leave(vitals);
}

bool vitals_read(const struct vitals *vitals, struct vitals_key *ret_key)
{
    if (__atomic_load_n(&vitals->runs, __ATOMIC_ACQUIRE) % 2 == 0)
        return false;
    struct vitals_key key;
    memcpy(&key, &vitals->key, sizeof(key));
    if (key.version == 0 || !vitals_is_name(key.tenant) || !vitals_is_name(key.function))
        return false;
    *ret_key = key;
    return true;
}

bool vitals_key_equal(const struct vitals_key *a, const struct vitals_key *b)
{
    return a->version == b->version && a->created_ns == b->created_ns &&
           strncmp(a->tenant, b->tenant, DEPLOY_NAME_BYTES) == 0 &&
           strncmp(a->function, b->function, DEPLOY_NAME_BYTES) == 0;
}
