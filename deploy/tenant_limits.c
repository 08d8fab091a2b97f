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
     .unit = CONFIG_UNIT_COUNT,                                                                    \
     .otherwise = "limits." #name_,                                                                \
     .bytes = sizeof(uint32_t),                                                                    \
     .offset = offsetof(struct deploy_tenant_limits, name_)},
#define TENANT_LIMIT_OWN(name_, minimum_, maximum_, otherwise_, text_)                             \
    {.name = #name_,                                                                               \
     .unit = CONFIG_UNIT_COUNT,                                                                    \
     .bytes = sizeof(uint32_t),                                                                    \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .otherwise = (otherwise_),                                                                    \
     .text = (text_),                                                                              \
     .offset = offsetof(struct deploy_tenant_limits, name_)},
#define TENANT_QUOTA(name_, unit_, minimum_, maximum_, otherwise_, text_)                          \
    {.name = #name_,                                                                               \
     .unit = CONFIG_UNIT_##unit_,                                                                  \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .otherwise = (otherwise_),                                                                    \
     .text = (text_),                                                                              \
     .bytes = sizeof(uint64_t),                                                                    \
     .offset = offsetof(struct deploy_tenant_limits, name_)},
#include "deploy/tenant_limits.def"
};

const size_t tenant_limits_row_count = COUNT_OF(tenant_limits_rows);

const char *tenant_limits_text(const struct tenant_limits_row *row)
{
    return row->limit != NULL ? row->limit->text : row->text;
}

void tenant_limits_range(const struct tenant_limits_row *row,
                         uint64_t *ret_minimum,
                         uint64_t *ret_maximum)
{
    if (row->limit != NULL)
        ASSERT(row->limit->maximum <= UINT32_MAX);
    *ret_minimum = row->limit != NULL ? row->limit->minimum : row->minimum;
    *ret_maximum = row->limit != NULL ? row->limit->maximum : row->maximum;
}

uint64_t tenant_limits_get(const struct deploy_tenant_limits *limits,
                           const struct tenant_limits_row *row)
{
    uint32_t narrow;
    uint64_t wide;
    const char *field = (const char *)limits + row->offset;
    if (row->bytes == sizeof(wide)) {
        memcpy(&wide, field, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field, sizeof(narrow));
    return narrow;
}

static void tenant_limits_set(struct deploy_tenant_limits *limits,
                              const struct tenant_limits_row *row,
                              uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    char *field = (char *)limits + row->offset;
    memcpy(field, row->bytes == sizeof(value) ? (const void *)&value : &narrow, row->bytes);
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

json_t *tenant_limits_value(const struct tenant_limits_row *row, uint64_t value)
{
    char text[CONFIG_QUANTITY_BYTES];
    if (value == 0)
        return json_null();
    if (row->unit != CONFIG_UNIT_CHOICE)
        return json_integer((json_int_t)value);
    config_format_quantity(value, row->unit, text);
    return json_string(text);
}

json_t *tenant_limits_to_json(const struct deploy_tenant_limits *limits)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < tenant_limits_row_count; i++) {
        const struct tenant_limits_row *row = &tenant_limits_rows[i];
        json_t *value = tenant_limits_value(row, tenant_limits_get(limits, row));
        if (json_object_set_new(object, row->name, value) == 0)
            continue;
        json_decref(object);
        object = NULL;
    }
    return object;
}

static enum status tenant_limits_parse_choice(const struct tenant_limits_row *row,
                                              const json_t *value,
                                              struct report *report,
                                              struct deploy_tenant_limits *limits)
{
    uint64_t choice = 0;
    if (!json_is_null(value) &&
        (!json_is_string(value) ||
         !config_parse_quantity(json_string_value(value), row->unit, &choice)))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "limit `%s` is none of %s (%s)", row->name, config_unit_words(row->unit),
                           tenant_limits_text(row));
    tenant_limits_set(limits, row, choice);
    return STATUS_OK;
}

static enum status tenant_limits_parse(const struct tenant_limits_row *row,
                                       const json_t *value,
                                       struct report *report,
                                       struct deploy_tenant_limits *limits)
{
    json_int_t number = json_integer_value(value);
    uint64_t minimum;
    uint64_t maximum;
    if (row->unit == CONFIG_UNIT_CHOICE)
        return tenant_limits_parse_choice(row, value, report, limits);
    tenant_limits_range(row, &minimum, &maximum);
    if (!json_is_null(value) &&
        (!json_is_integer(value) || number < (json_int_t)minimum || number > (json_int_t)maximum))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "limit `%s` is no number between %" PRIu64 " and %" PRIu64 " (%s)",
                           row->name, minimum, maximum, tenant_limits_text(row));
    tenant_limits_set(limits, row, (uint64_t)number);
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
