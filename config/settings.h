/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keys of skerry.yaml as one table of rows: settings.def and limits.def together.
 * Defaults, loader and printer all go through these rows, so that a key cannot be known
 * to one of them and not to the others.
 */
#ifndef SKERRY_CONFIG_SETTINGS_H
#define SKERRY_CONFIG_SETTINGS_H

#include "config/config.h"

enum setting_type {
    SETTING_U64,
    SETTING_U32,
    SETTING_WORKERS,
    SETTING_WALLS,
    SETTING_TEXT,
    SETTING_LISTEN,
    SETTING_ADDRESS,
    SETTING_NETS,
    SETTING_FILES,
    SETTING_TENANTS,
    SETTING_FLAG,
};

struct setting {
    const char *section; /* "" for the top level */
    const char *key;
    enum setting_type type;
    enum config_unit unit;
    size_t offset; /* of the field in struct config */
    size_t bytes;  /* of the field */
    uint64_t minimum;
    uint64_t maximum;
    const char *default_text; /* NULL: a limit, its row has the default */
    const char *text;
};

/* Makes room among `workers` for those of `isolation`; once. */
NODISCARD enum status config_check_isolation(struct config *config, struct report *report);

extern const struct setting settings_rows[];
extern const size_t settings_row_count;

/* Can it change without a restart? */
bool config_is_live(const struct setting *row);
/* NULL if there is no such key. */
const struct setting *settings_find(const char *section, const char *key);
/* Is it a list, to which settings_set adds? */
bool settings_is_list(const struct setting *setting);
/* How many it has; setting must be a list. */
uint32_t *settings_list_count(struct config *config, const struct setting *setting);
/* Of one of its rows. */
size_t settings_row_bytes(const struct setting *setting);
void settings_clear_list(struct config *config, const struct setting *setting);
bool settings_is_section(const char *name);
/* "section.key" of the known key that is spelled most like `section.key`; "" if none is like it. */
void settings_nearest(const char *section, const char *key, char *ret_name, size_t name_bytes);
/* Parses and checks `text`; a LISTEN or NETS setting gets one more. INVALID on failure,
 * with a report that does not name the place: the caller knows it. */
NODISCARD enum status settings_set(struct config *config,
                                   const struct setting *setting,
                                   const char *text,
                                   struct report *report);

#endif
