/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for klib's header, which libh2o's http2_internal.h includes and Debian's package does
 * not bring: the layout of its hash table as libh2o 2.2.5 has it in memory, and finding in it.
 *
 *   keys and values lie in arrays of a power of two; two bits for each place say whether it is
 *   empty (2) or was given up (1), sixteen places to a word; the search goes on by 1, 2, 3, ...
 *
 * Only libh2o changes a table. h2o_guard_check.c would notice another layout.
 */
#ifndef SKERRY_SERVER_FRONT_KHASH_H
#define SKERRY_SERVER_FRONT_KHASH_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t khint_t;
typedef khint_t khiter_t;

#define khash_t(name)            struct khash_##name
#define kh_end(table)            ((table)->place_count)
#define kh_val(table, place)     ((table)->values[place])
#define kh_get(name, table, key) khash_find_##name(table, key)

static inline uint32_t khash_flags(const uint32_t *flags, khint_t place)
{
    return flags[place / 16] >> (place % 16 * 2) & 3;
}

static inline khint_t khash_of(uint64_t key)
{
    return (khint_t)(key >> 33 ^ key ^ key << 11);
}

#define KHASH_MAP_INIT_INT64(name, type)                                                           \
    struct khash_##name {                                                                          \
        khint_t place_count, count, used_count, used_max;                                          \
        uint32_t *flags;                                                                           \
        uint64_t *keys;                                                                            \
        type *values;                                                                              \
    };                                                                                             \
    static inline khint_t khash_find_##name(const struct khash_##name *table, uint64_t key)        \
    {                                                                                              \
        khint_t mask = table->place_count - 1;                                                     \
        khint_t place = khash_of(key) & mask;                                                      \
        for (khint_t step = 1; step <= table->place_count; step++) {                               \
            uint32_t flags = khash_flags(table->flags, place);                                     \
            if ((flags & 2) != 0)                                                                  \
                break;                                                                             \
            if (flags == 0 && table->keys[place] == key)                                           \
                return place;                                                                      \
            place = (place + step) & mask;                                                         \
        }                                                                                          \
        return table->place_count;                                                                 \
    }

#endif
