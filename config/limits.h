/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of limits.def as a struct and as rows: parser, check and documentation
 * come from the same lines.
 */
#ifndef SKERRY_CONFIG_LIMITS_H
#define SKERRY_CONFIG_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

enum config_unit {
    CONFIG_UNIT_BYTES,
    CONFIG_UNIT_BYTES_OR_AUTO, /* 0 is `auto` */
    CONFIG_UNIT_FUEL,
    CONFIG_UNIT_MICROSECONDS,
    CONFIG_UNIT_COUNT,
    CONFIG_UNIT_CHOICE, /* enum config_choice */
};

/* What a feature may be told, if it is no quantity. */
enum config_choice {
    CONFIG_CHOICE_AUTO,
    CONFIG_CHOICE_OFF,
    CONFIG_CHOICE_ON,
};

/* The scheduler's widest weight; a bound of limits.def that code elsewhere has to know. */
#define CONFIG_CPU_SHARE_MAX 100

/* A row's place in config_limit_rows. */
enum config_limit {
#define LIMIT(name, unit, minimum, maximum, default_, text) CONFIG_LIMIT_##name,
#include "config/limits.def"
    CONFIG_LIMIT_COUNT
};

struct config_limits {
#define LIMIT(name, unit, minimum, maximum, default_, text) uint64_t name; /* text */
#include "config/limits.def"
};

struct config_limit_row {
    const char *name;
    const char *text;
    enum config_unit unit;
    uint64_t minimum;
    uint64_t maximum;
    uint64_t default_value;
    size_t offset; /* in struct config_limits */
};

extern const struct config_limit_row config_limit_rows[];
extern const size_t config_limit_row_count;

void config_limits_default(struct config_limits *ret_limits);

#endif
