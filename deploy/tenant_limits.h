/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tenant_limits.def as rows, and as JSON: an object whose members are a number
 * each, or null where the tenant has no limit of its own. What is shown can be sent back.
 */
#ifndef SKERRY_DEPLOY_TENANT_LIMITS_H
#define SKERRY_DEPLOY_TENANT_LIMITS_H

#include <jansson.h>

#include "deploy/deploy.h"

struct tenant_limits_row {
    const char *name;
    uint32_t minimum;
    uint32_t maximum;
    const char *otherwise;
    const char *text;
    size_t offset; /* in struct deploy_tenant_limits */
};

extern const struct tenant_limits_row tenant_limits_rows[];
extern const size_t tenant_limits_row_count;

/* NULL if there is no such limit; then the report names the nearest. */
const struct tenant_limits_row *tenant_limits_find(const char *name, struct report *report);
/* NULL: out of memory. */
json_t *tenant_limits_to_json(const struct deploy_tenant_limits *limits);
/* Members that are not there are not set. INVALID, with a report that names the member. */
NODISCARD enum status tenant_limits_from_json(const json_t *object,
                                              struct report *report,
                                              struct deploy_tenant_limits *ret_limits);

#endif
