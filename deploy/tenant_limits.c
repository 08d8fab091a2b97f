/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows, and the way from and to JSON.
 */
#include "deploy/tenant_limits.h"

#include <inttypes.h>

const struct tenant_limits_row tenant_limits_rows[] = {
#define TENANT_LIMIT(name_)                                                                        \
    {.name = #name_,                                                                               \
     .limit = &config_limit_rows[CONFIG_LIMIT_##name_],                                            \
     .otherwise = "limits." #name_,                                                                \
     .offset = offsetof(struct deploy_tenant_limits, name_)},
#define TENANT_LIMIT_OWN(name_, minimum_, maximum_, otherwise_, text_)                             \
    {.name = #name_,                                                                               \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .otherwise = (otherwise_),                                                                    \
     .text = (text_),                                                                              \
     .offset = offsetof(struct deploy_tenant_limits, name_)},
#include "deploy/tenant_limits.def"
};

const size_t tenant_limits_row_count = COUNT_OF(tenant_limits_rows);

const char *tenant_limits_text(const struct tenant_limits_row *row)
{
    return row->limit != NULL ? row->limit->text : row->text;
}

void tenant_limits_range(const struct tenant_limits_row *row,
                         uint32_t *ret_minimum,
                         uint32_t *ret_maximum)
{
    if (row->limit != NULL)
        ASSERT(row->limit->maximum <= UINT32_MAX);
    *ret_minimum = row->limit != NULL ? (uint32_t)row->limit->minimum : row->minimum;
    *ret_maximum = row->limit != NULL ? (uint32_t)row->limit->maximum : row->maximum;
}

const struct tenant_limits_row *tenant_limits_find(const char *name, struct report *report)
{
    const struct tenant_limits_row *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (size_t i = 0; i < tenant_limits_row_count; i++) {
        const struct tenant_limits_row *row = &tenant_limits_rows[i];
        size_t distance = config_name_distance(name, row->name);
        if (strcmp(name, row->name) == 0)
            return row;
        if (distance < nearest_distance) {
            nearest_distance = distance;
            nearest = row;
        }
    }
    bool near = config_name_is_near(name, nearest->name);
    (void)report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                      "there is no limit `%.64s` of a tenant%s%s%s", name,
                      near ? ": did you mean `" : "", near ? nearest->name : "", near ? "`?" : "");
    return NULL;
}

json_t *tenant_limits_to_json(const struct deploy_tenant_limits *limits)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < tenant_limits_row_count; i++) {
        uint32_t value;
        memcpy(&value, (const char *)limits + tenant_limits_rows[i].offset, sizeof(value));
        if (json_object_set_new(object, tenant_limits_rows[i].name,
                                value == 0 ? json_null() : json_integer(value)) == 0)
            continue;
        json_decref(object);
        object = NULL;
    }
    return object;
}

static enum status tenant_limits_parse(const struct tenant_limits_row *row,
                                       const json_t *value,
                                       struct report *report,
                                       struct deploy_tenant_limits *limits)
{
    json_int_t number = json_integer_value(value);
    uint32_t minimum;
    uint32_t maximum;
    tenant_limits_range(row, &minimum, &maximum);
    if (!json_is_null(value) &&
        (!json_is_integer(value) || number < (json_int_t)minimum || number > (json_int_t)maximum))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "limit `%s` is no number between %" PRIu32 " and %" PRIu32 " (%s)",
                           row->name, minimum, maximum, tenant_limits_text(row));
    uint32_t field = (uint32_t)number;
    memcpy((char *)limits + row->offset, &field, sizeof(field));
    return STATUS_OK;
}

enum status tenant_limits_from_json(const json_t *object,
                                    struct report *report,
                                    struct deploy_tenant_limits *ret_limits)
{
    struct deploy_tenant_limits limits = {0};
    if (!json_is_object(object))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "the limits are no JSON object");
    /* jansson's iterator wants what it only reads to be writable. */
    json_t *members = (json_t *)(uintptr_t)object;
    for (void *at = json_object_iter(members); at != NULL;
         at = json_object_iter_next(members, at)) {
        const struct tenant_limits_row *row = tenant_limits_find(json_object_iter_key(at), report);
        if (row == NULL)
            return STATUS_INVALID;
        enum status status = tenant_limits_parse(row, json_object_iter_value(at), report, &limits);
        if (status != STATUS_OK)
            return status;
    }
    *ret_limits = limits;
    return STATUS_OK;
}
