/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest as its canonical JSON, by the rows, and the rows as a reference for people.
 */
#include <jansson.h>
#include <stdlib.h>

#include "deploy/manifest/rows.h"

static json_t *write_text(struct bytes text)
{
    return json_stringn((const char *)text.data, text.count);
}

static json_t *write_texts(const struct deploy_texts *texts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list != NULL && i < texts->count; i++)
        (void)json_array_append_new(list, write_text(texts->rows[i]));
    return list;
}

static json_t *write_methods(uint32_t methods)
{
    json_t *list = json_array();
#define METHOD(NAME, bit)                                                                          \
    if (list != NULL && (methods & DEPLOY_METHOD_##NAME) != 0)                                     \
        (void)json_array_append_new(list, json_string(#NAME));
#include "deploy/manifest/methods.def"
    return list;
}

static json_t *write_variables(const struct deploy_variables *variables)
{
    json_t *object = json_object();
    for (uint32_t i = 0; object != NULL && i < variables->count; i++) {
        const struct deploy_variable *row = &variables->rows[i];
        const char *text = (const char *)row->text.data;
        (void)json_object_setn_new(
            object, text, row->name_bytes,
            json_stringn(text + row->name_bytes + 1, row->text.count - row->name_bytes - 1));
    }
    return object;
}

static json_t *write_quantity(const struct manifest_row *row, uint64_t value)
{
    char text[CONFIG_QUANTITY_BYTES];
    config_format_quantity(value, manifest_row_unit(row), text);
    return json_string(text);
}

static json_t *write_prefix(struct bytes path)
{
    return json_sprintf("%.*s" MANIFEST_PREFIX_END, (int)path.count, (const char *)path.data);
}

static json_t *write_section(const char *section, const void *base);
static json_t *write_routes(const struct deploy_routes *routes);
static json_t *write_crons(const struct deploy_crons *crons);

/* NULL: the key is not set. */
static json_t *write_row(const struct manifest_row *row, const void *base)
{
    const void *field = (const char *)base + row->offset;
    const struct bytes *text = field;
    const struct deploy_texts *texts = field;
    switch (row->type) {
    case MANIFEST_PREFIX:
        return write_prefix(*text);
    case MANIFEST_METHODS:
        return *(const uint32_t *)field == 0 ? NULL : write_methods(*(const uint32_t *)field);
    case MANIFEST_QUANTITY:
        return *(const uint64_t *)field == 0 ? NULL : write_quantity(row, *(const uint64_t *)field);
    case MANIFEST_FLAG:
        return *(const bool *)field ? json_true() : NULL;
    case MANIFEST_NAMES:
    case MANIFEST_ORIGIN_RULES:
    case MANIFEST_VARIABLE_NAMES:
    case MANIFEST_PATTERNS:
    case MANIFEST_PATHS:
    case MANIFEST_ARGUMENTS:
    case MANIFEST_HEADER_RULES:
    case MANIFEST_REDIRECT_RULES:
        return texts->count == 0 ? NULL : write_texts(texts);
    case MANIFEST_VARIABLES:
        return ((const struct deploy_variables *)field)->count == 0 ? NULL : write_variables(field);
    case MANIFEST_SECTION:
        return write_section(row->key, base);
    case MANIFEST_SECTIONS:
        return ((const struct deploy_routes *)field)->count == 0 ? NULL : write_routes(field);
    case MANIFEST_TRIGGERS:
        return ((const struct deploy_crons *)field)->count == 0 ? NULL : write_crons(field);
    default:
        return text->count == 0 ? NULL : write_text(*text);
    }
}

/* NULL if none of its keys is set. */
static json_t *write_section(const char *section, const void *base)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < manifest_row_count; i++) {
        const struct manifest_row *row = &manifest_rows[i];
        if (strcmp(row->section, section) != 0)
            continue;
        json_t *value = write_row(row, base);
        if (value != NULL)
            (void)json_object_set_new(object, row->key, value);
    }
    if (section[0] == '\0' || json_object_size(object) > 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *write_routes(const struct deploy_routes *routes)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list != NULL && i < routes->count; i++)
        (void)json_array_append_new(list, write_section("routes", &routes->rows[i]));
    return list;
}

static json_t *write_crons(const struct deploy_crons *crons)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list != NULL && i < crons->count; i++)
        (void)json_array_append_new(list, write_section("cron", &crons->rows[i]));
    return list;
}

static enum status write_dump(json_t *tree, struct buffer *out)
{
    char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(tree);
    if (text == NULL)
        return STATUS_NO_MEMORY;
    enum status status = buffer_append(out, text, strlen(text));
    free(text);
    return status;
}

enum status deploy_manifest_to_json(const struct deploy_manifest *manifest, struct buffer *out)
{
    return write_dump(write_section("", manifest), out);
}

/* ---- reference ------------------------------------------------------------------------------- */

static enum status write_reference_row(const struct manifest_row *row, struct buffer *out)
{
    const char *text = manifest_row_text(row);
    if (row->section[0] != '\0')
        return buffer_printf(out, "#   %s: %s\n", row->key, text);
    return buffer_printf(out, "# %s\n%s: %s\n", text, row->key, row->example);
}

enum status deploy_manifest_print_reference(struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < manifest_row_count; i++)
        status = write_reference_row(&manifest_rows[i], out);
    return status;
}
