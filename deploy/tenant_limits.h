/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tenant_limits.def as rows, and as JSON: an object whose members are a number
 * each, a choice its word, or null where the tenant has no limit of its own. What is shown can be
 * sent back.
 */
#ifndef SKERRY_DEPLOY_TENANT_LIMITS_H
#define SKERRY_DEPLOY_TENANT_LIMITS_H

#include <jansson.h>

#include "deploy/deploy.h"

struct tenant_limits_row {
    const char *name;
    const struct config_limit_row *limit; /* range and text; NULL: they follow here */
    enum config_unit unit;
    uint64_t minimum;
    uint64_t maximum;
    const char *text;
    const char *otherwise;
    size_t offset; /* in struct deploy_tenant_limits */
    size_t bytes;  /* of the field */
};

extern const struct tenant_limits_row tenant_limits_rows[];
extern const size_t tenant_limits_row_count;

const char *tenant_limits_text(const struct tenant_limits_row *row);
void tenant_limits_range(const struct tenant_limits_row *row,
                         uint64_t *ret_minimum,
                         uint64_t *ret_maximum);
uint64_t tenant_limits_get(const struct deploy_tenant_limits *limits,
                           const struct tenant_limits_row *row);
/* A member of the object; NULL: out of memory. */
json_t *tenant_limits_value(const struct tenant_limits_row *row, uint64_t value);
/* NULL if there is no such limit; then the report names the nearest. */
const struct tenant_limits_row *tenant_limits_find(const char *name, struct report *report);
/* NULL: out of memory. */
json_t *tenant_limits_to_json(const struct deploy_tenant_limits *limits);
/* Members that are not there are not set. INVALID, with a report that names the member. */
NODISCARD enum status tenant_limits_from_json(const json_t *object,
                                              struct report *report,
                                              struct deploy_tenant_limits *ret_limits);

#endif
