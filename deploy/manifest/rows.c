/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of manifest.def, and finding one by its name.
 */
#include "deploy/manifest/rows.h"

#include <stdio.h>

const struct manifest_row manifest_rows[] = {
#define KEY(section_, key_, type_, unit_, holder_, field_, minimum_, maximum_, example_, text_)    \
    {.section = (section_),                                                                        \
     .key = (key_),                                                                                \
     .type = MANIFEST_##type_,                                                                     \
     .unit = CONFIG_UNIT_##unit_,                                                                  \
     .offset = offsetof(struct holder_, field_),                                                   \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .example = (example_),                                                                        \
     .text = (text_)},
#define OWN_LIMIT(name_, field_, example_)                                                         \
    {.section = "limits",                                                                          \
     .key = #name_,                                                                                \
     .type = MANIFEST_QUANTITY,                                                                    \
     .offset = offsetof(struct deploy_manifest, field_),                                           \
     .example = (example_),                                                                        \
     .limit = &config_limit_rows[CONFIG_LIMIT_##name_]},
#include "deploy/manifest/manifest.def"
};

const size_t manifest_row_count = COUNT_OF(manifest_rows);

const char *manifest_row_text(const struct manifest_row *row)
{
    return row->limit != NULL ? row->limit->text : row->text;
}

enum config_unit manifest_row_unit(const struct manifest_row *row)
{
    return row->limit != NULL ? row->limit->unit : row->unit;
}

void manifest_row_range(const struct manifest_row *row,
                        uint64_t *ret_minimum,
                        uint64_t *ret_maximum)
{
    *ret_minimum = row->limit != NULL ? row->limit->minimum : row->minimum;
    *ret_maximum = row->limit != NULL ? row->limit->maximum : row->maximum;
}

const struct manifest_row *manifest_find(const char *section, const char *key)
{
    for (size_t i = 0; i < manifest_row_count; i++) {
        const struct manifest_row *row = &manifest_rows[i];
        if (strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0)
            return row;
    }
    return NULL;
}

void manifest_nearest(const char *section, const char *key, char *ret_name, size_t bytes)
{
    const struct manifest_row *best = &manifest_rows[0];
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < manifest_row_count; i++) {
        const struct manifest_row *row = &manifest_rows[i];
        /* Of two that are spelled alike, the one in this section. */
        size_t distance =
            2 * config_name_distance(key, row->key) + (strcmp(row->section, section) == 0 ? 0 : 1);
        if (distance < best_distance) {
            best_distance = distance;
            best = row;
        }
    }
    if (config_name_is_near(key, best->key))
        (void)snprintf(ret_name, bytes, "%s%s%s", best->section,
                       best->section[0] == '\0' ? "" : ".", best->key);
    else
        (void)snprintf(ret_name, bytes, "%s", "");
}

enum manifest_type manifest_element(enum manifest_type list)
{
    return list == MANIFEST_NAMES ? MANIFEST_NAME : list;
}
