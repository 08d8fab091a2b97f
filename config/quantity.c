/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with their unit in the value: "100us", "1G", "32KiB", "64Ki".
 *
 * Only whole numbers are read: 500ms, not 0.5s. A duration without a unit is refused,
 * because nobody can tell what was meant; bare bytes, counts and fuel are plain.
 * Invariant: config_parse_quantity(config_format_quantity(n)) == n.
 */
#include <inttypes.h>
#include <stdio.h>

#include "config/config.h"

struct quantity_suffix {
    const char *text;
    uint64_t scale;
};

#define QUANTITY_SUFFIX_MAX 8
#define QUANTITY_AUTO       "auto"
#define QUANTITY_BYTES                                                                             \
    {                                                                                              \
        {"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10},        \
            {"B", 1},                                                                              \
        {                                                                                          \
            "", 1                                                                                  \
        }                                                                                          \
    }

/* Largest first: formatting takes the first that divides the value. */
static const struct quantity_suffix quantity_suffixes[][QUANTITY_SUFFIX_MAX] = {
    [CONFIG_UNIT_BYTES] = QUANTITY_BYTES,
    [CONFIG_UNIT_BYTES_OR_AUTO] = QUANTITY_BYTES,
    [CONFIG_UNIT_FUEL] =
        {{"T", 1000000000000}, {"G", 1000000000}, {"M", 1000000}, {"k", 1000}, {"", 1}},
    [CONFIG_UNIT_MICROSECONDS] =
        {{"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}},
    [CONFIG_UNIT_COUNT] =
        {{"Mi", 1ULL << 20}, {"M", 1000000}, {"Ki", 1ULL << 10}, {"k", 1000}, {"", 1}},
};

static const char *const quantity_choices[] = {
    [CONFIG_CHOICE_AUTO] = QUANTITY_AUTO, [CONFIG_CHOICE_OFF] = "off", [CONFIG_CHOICE_ON] = "on"};

static bool quantity_parse_choice(const char *text, uint64_t *ret_value)
{
    for (size_t i = 0; i < COUNT_OF(quantity_choices); i++) {
        if (strcmp(text, quantity_choices[i]) == 0) {
            *ret_value = i;
            return true;
        }
    }
    return false;
}

bool config_parse_quantity(const char *text, enum config_unit unit, uint64_t *ret_value)
{
    if (unit == CONFIG_UNIT_CHOICE)
        return quantity_parse_choice(text, ret_value);
    ASSERT((size_t)unit < COUNT_OF(quantity_suffixes));
    if (unit == CONFIG_UNIT_BYTES_OR_AUTO && strcmp(text, QUANTITY_AUTO) == 0) {
        *ret_value = 0;
        return true;
    }
    const char *at = text;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (at == text)
        return false;
    for (size_t i = 0; i < QUANTITY_SUFFIX_MAX; i++) {
        const struct quantity_suffix *suffix = &quantity_suffixes[unit][i];
        if (suffix->text == NULL)
            break;
        if (strcmp(at, suffix->text) != 0)
            continue;
        if (number > UINT64_MAX / suffix->scale)
            return false;
        *ret_value = number * suffix->scale;
        return true;
    }
    return false;
}

const char *config_unit_words(enum config_unit unit)
{
    static const char *const words[] = {[CONFIG_UNIT_BYTES] = "B, KiB, MiB, GiB, TiB",
                                        [CONFIG_UNIT_BYTES_OR_AUTO] = "auto, B, KiB, MiB, GiB, TiB",
                                        [CONFIG_UNIT_FUEL] = "k, M, G, T",
                                        [CONFIG_UNIT_MICROSECONDS] = "us, ms, s, m, h",
                                        [CONFIG_UNIT_COUNT] = "k, M, Ki, Mi",
                                        [CONFIG_UNIT_CHOICE] = "auto, off, on"};
    ASSERT((size_t)unit < COUNT_OF(words));
    return words[unit];
}

void config_format_quantity(uint64_t value,
                            enum config_unit unit,
                            char ret_text[CONFIG_QUANTITY_BYTES])
{
    if (unit == CONFIG_UNIT_CHOICE) {
        ASSERT(value < COUNT_OF(quantity_choices));
        (void)snprintf(ret_text, CONFIG_QUANTITY_BYTES, "%s", quantity_choices[value]);
        return;
    }
    ASSERT((size_t)unit < COUNT_OF(quantity_suffixes));
    if (unit == CONFIG_UNIT_BYTES_OR_AUTO && value == 0) {
        (void)snprintf(ret_text, CONFIG_QUANTITY_BYTES, QUANTITY_AUTO);
        return;
    }
    const struct quantity_suffix *suffix = quantity_suffixes[unit];
    while (suffix->scale != 1 && (value == 0 || value % suffix->scale != 0))
        suffix++;
    (void)snprintf(ret_text, CONFIG_QUANTITY_BYTES, "%" PRIu64 "%s", value / suffix->scale,
                   suffix->text);
}
