/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.def as rows: reader, writer and reference all go through these.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_ROWS_H
#define SKERRY_DEPLOY_MANIFEST_ROWS_H

#include "config/config.h"
#include "deploy/manifest/manifest.h"

#define MANIFEST_PREFIX_END "/*" /* of a path as it is kept */

enum manifest_type {
    MANIFEST_NAME,
    MANIFEST_TEXT,
    MANIFEST_FILE,
    MANIFEST_HOST,
    MANIFEST_PREFIX,
    MANIFEST_ORIGIN,
    MANIFEST_METHODS,
    MANIFEST_QUANTITY,
    MANIFEST_FLAG,
    MANIFEST_NAMES,
    MANIFEST_ORIGIN_RULES,
    MANIFEST_VARIABLE_NAMES,
    MANIFEST_PATTERNS,
    MANIFEST_PATHS,
    MANIFEST_ARGUMENTS,
    MANIFEST_HEADER_RULES,
    MANIFEST_REDIRECT_RULES,
    MANIFEST_VARIABLES,
    MANIFEST_SECTION,
    MANIFEST_SECTIONS,
    MANIFEST_TRIGGERS,
};

struct manifest_row {
    const char *section; /* "" for the top level */
    const char *key;
    enum manifest_type type;
    enum config_unit unit;
    size_t offset; /* in struct deploy_manifest; of a SECTIONS' rows, in its struct */
    uint64_t minimum;
    uint64_t maximum;
    const char *example;
    const char *text;
    const struct config_limit_row *limit; /* whose unit, range and text hold; NULL: the row's own */
};

extern const struct manifest_row manifest_rows[];
extern const size_t manifest_row_count;

const char *manifest_row_text(const struct manifest_row *row);
enum config_unit manifest_row_unit(const struct manifest_row *row);
void manifest_row_range(const struct manifest_row *row,
                        uint64_t *ret_minimum,
                        uint64_t *ret_maximum);
/* NULL if there is no such key. */
const struct manifest_row *manifest_find(const char *section, const char *key);
/* "section.key" of the known key that is spelled most like it; "" if none is like it. */
void manifest_nearest(const char *section, const char *key, char *ret_name, size_t bytes);
/* What the entries of such a list are: functions' names, or of the list's own type. */
enum manifest_type manifest_element(enum manifest_type list);

#endif
