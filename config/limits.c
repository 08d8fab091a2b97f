/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.def as rows, and the struct filled with its defaults.
 */
#include "config/limits.h"

const struct config_limit_row config_limit_rows[] = {
#define LIMIT(name_, unit_, minimum_, maximum_, default_, text_)                                   \
    {.name = #name_,                                                                               \
     .text = (text_),                                                                              \
     .unit = CONFIG_UNIT_##unit_,                                                                  \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .default_value = (default_),                                                                  \
     .offset = offsetof(struct config_limits, name_)},
#include "config/limits.def"
};

const size_t config_limit_row_count = COUNT_OF(config_limit_rows);
_Static_assert(COUNT_OF(config_limit_rows) == CONFIG_LIMIT_COUNT, "one place a row");

#define LIMIT(name, unit, minimum, maximum, default_, text)                                        \
    _Static_assert((minimum) <= (default_) && (default_) <= (maximum),                             \
                   #name ": the default lies outside its own range");
#include "config/limits.def"

void config_limits_default(struct config_limits *ret_limits)
{
#define LIMIT(name, unit, minimum, maximum, default_, text) ret_limits->name = (default_);
#include "config/limits.def"
}
