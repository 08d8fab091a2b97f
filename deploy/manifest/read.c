/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a manifest's tree. Its depth is that of the table, two, so nothing recurses on
 * what somebody wrote; whatever is no row is an error that names the nearest one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/manifest/read_private.h"
#include "deploy/manifest/value.h"

#define READ_NUMBER_BYTES 24
#define READ_PLACE_BYTES  192
#define READ_SHOWN        64

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct manifest_mark *
read_mark(const struct manifest_reader *reader, const json_t *node, const char *key)
{
    for (uint32_t i = 0; reader->marks != NULL && i < reader->marks->count; i++) {
        const struct manifest_mark *mark = &reader->marks->rows[i];
        if (mark->node == node && (mark->key == NULL) == (key == NULL) &&
            (key == NULL || strcmp(mark->key, key) == 0))
            return mark;
    }
    return NULL;
}

/* "routes[1].methods[0]: " */
static void read_place(const struct manifest_reader *reader, char *place, size_t bytes)
{
    char row[16] = "";
    char item[16] = "";
    bool in_section = reader->section[0] != '\0';
    if (reader->row != READ_NONE)
        (void)snprintf(row, sizeof(row), "[%u]", reader->row);
    if (reader->item != READ_NONE)
        (void)snprintf(item, sizeof(item), "[%u]", reader->item);
    (void)snprintf(place, bytes, "%s%s%s%s%s%s", reader->section, row,
                   in_section && reader->key[0] != '\0' ? "." : "", reader->key, item,
                   in_section || reader->key[0] != '\0' ? ": " : "");
}

enum status manifest_read_fail(const struct manifest_reader *reader,
                               const json_t *node,
                               const char *key,
                               const char *format,
                               ...)
{
    char place[READ_PLACE_BYTES];
    char why[REPORT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    read_place(reader, place, sizeof(place));
    const struct manifest_mark *mark = read_mark(reader, node, key);
    if (mark == NULL)
        return report_fail(reader->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s%s", place, why);
    return report_fail(reader->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%u:%u: %s%s",
                       reader->marks->name, mark->line, mark->column, place, why);
}

/* What a file may say, as a line of a terminal may show it. */
static const char *read_shown(struct bytes text, char ret_shown[READ_SHOWN + 1])
{
    ret_shown[0] = '\0';
    bytes_append_plain(ret_shown, READ_SHOWN + 1, text);
    return ret_shown;
}

/* A value's own report, told with what it was. */
enum status manifest_read_refused(const struct manifest_reader *reader,
                                  const json_t *node,
                                  struct bytes text,
                                  const struct report *why)
{
    char shown[READ_SHOWN + 1];
    if (why->status == STATUS_NO_MEMORY)
        return report_fail(reader->report, why->status, REPORT_OFFSET_NONE, "out of memory");
    return manifest_read_fail(reader, node, NULL, "`%s` %.384s", read_shown(text, shown),
                              why->text);
}

enum status manifest_read_no_memory(const struct manifest_reader *reader)
{
    return report_fail(reader->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
}

/* ---- scalars --------------------------------------------------------------------------------- */

/* Nothing was written: `key:` alone, or null. */
static bool read_is_nothing(const json_t *node)
{
    return json_is_null(node) || (json_is_string(node) && json_string_length(node) == 0);
}

/* A scalar as text, whichever its type; data NULL if it is none. */
static struct bytes read_scalar(const json_t *node, char number[READ_NUMBER_BYTES])
{
    if (json_is_string(node))
        return bytes_make(json_string_value(node), json_string_length(node));
    if (json_is_boolean(node))
        return bytes_of_text(json_is_true(node) ? "true" : "false");
    if (!json_is_integer(node))
        return bytes_make(NULL, 0);
    int count =
        snprintf(number, READ_NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
    return bytes_make(number, (size_t)count);
}

static enum status read_text(const struct manifest_reader *reader,
                             const struct manifest_row *row,
                             enum manifest_type type,
                             const json_t *node,
                             struct bytes *ret_value)
{
    char number[READ_NUMBER_BYTES];
    struct report why = REPORT_INIT;
    struct bytes text = read_scalar(node, number);
    if (text.data == NULL)
        return manifest_read_fail(reader, node, NULL, "must be one plain value, like %s",
                                  row->example);
    if (memchr(text.data, '\0', text.count) != NULL)
        return manifest_read_fail(reader, node, NULL, "has a NUL in it");
    if (manifest_value_text(row, type, text, reader->arena, &why, ret_value) == STATUS_OK)
        return STATUS_OK;
    return manifest_read_refused(reader, node, text, &why);
}

static enum status read_quantity(const struct manifest_reader *reader,
                                 const struct manifest_row *row,
                                 const json_t *node,
                                 uint64_t *ret_value)
{
    char number[READ_NUMBER_BYTES];
    struct report why = REPORT_INIT;
    struct bytes text = read_scalar(node, number);
    if (text.data == NULL)
        return manifest_read_fail(reader, node, NULL, "must be one plain value, like %s",
                                  row->example);
    /* Texts of jansson and numbers end with a NUL; one inside ends the number early, and then what
     * is before it is judged. */
    if (manifest_value_quantity(row, (const char *)text.data, &why, ret_value) == STATUS_OK)
        return STATUS_OK;
    return manifest_read_refused(reader, node, text, &why);
}

static enum status
read_flag(const struct manifest_reader *reader, const json_t *node, bool *ret_flag)
{
    char number[READ_NUMBER_BYTES];
    struct bytes text = read_scalar(node, number);
    bool is_true = bytes_equal_text(text, "true");
    if (!is_true && !bytes_equal_text(text, "false"))
        return manifest_read_fail(reader, node, NULL, "must be true or false");
    *ret_flag = is_true;
    return STATUS_OK;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* False, and told, if it is none or too long. */
enum status manifest_read_list(const struct manifest_reader *reader,
                               const struct manifest_row *row,
                               const json_t *node)
{
    if (!json_is_array(node))
        return manifest_read_fail(reader, node, NULL, "must be a list, like %s", row->example);
    if (json_array_size(node) > row->maximum)
        return manifest_read_fail(reader, node, NULL, "has %zu entries: %u are allowed",
                                  json_array_size(node), (unsigned)row->maximum);
    return STATUS_OK;
}

/* Steps may come again in a chain, and options of a program; a name or a place that is there twice
 * is a slip. */
static bool read_is_again(enum manifest_type type, const struct bytes *rows, uint32_t count)
{
    bool may_come_again = type == MANIFEST_NAMES || type == MANIFEST_ARGUMENTS;
    for (uint32_t i = 0; !may_come_again && i < count; i++) {
        if (bytes_equal(rows[i], rows[count]))
            return true;
    }
    return false;
}

static enum status read_texts(struct manifest_reader *reader,
                              const struct manifest_row *row,
                              const json_t *node,
                              struct deploy_texts *ret_texts)
{
    enum status status = manifest_read_list(reader, row, node);
    uint32_t count = (uint32_t)json_array_size(node);
    struct bytes *rows =
        status == STATUS_OK ? ARENA_ARRAY(reader->arena, struct bytes, count + 1) : NULL;
    if (status == STATUS_OK && rows == NULL)
        return manifest_read_no_memory(reader);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const json_t *item = json_array_get(node, i);
        reader->item = i;
        status = read_text(reader, row, manifest_element(row->type), item, &rows[i]);
        if (status == STATUS_OK && read_is_again(row->type, rows, i))
            status = manifest_read_fail(reader, item, NULL, "`%s` is there twice: keep one",
                                        (const char *)rows[i].data);
    }
    reader->item = READ_NONE;
    if (status == STATUS_OK)
        *ret_texts = (struct deploy_texts){.rows = rows, .count = count};
    return status;
}

static enum status read_methods(struct manifest_reader *reader,
                                const struct manifest_row *row,
                                const json_t *node,
                                uint32_t *ret_methods)
{
    char number[READ_NUMBER_BYTES];
    uint32_t methods = 0;
    enum status status = manifest_read_list(reader, row, node);
    for (uint32_t i = 0; status == STATUS_OK && i < json_array_size(node); i++) {
        struct report why = REPORT_INIT;
        uint32_t bit;
        const json_t *item = json_array_get(node, i);
        struct bytes text = read_scalar(item, number);
        reader->item = i;
        if (text.data == NULL)
            status = manifest_read_fail(reader, item, NULL, "must be one plain value, like GET");
        else if (manifest_value_method(text, &why, &bit) != STATUS_OK)
            status = manifest_read_refused(reader, item, text, &why);
        else
            methods |= bit;
    }
    reader->item = READ_NONE;
    if (status == STATUS_OK && methods == 0)
        status =
            manifest_read_fail(reader, node, NULL, "names no method: leave it out to mean all");
    if (status == STATUS_OK)
        *ret_methods = methods;
    return status;
}

/* ---- environment ----------------------------------------------------------------------------- */

static int read_compare_variables(const void *a, const void *b)
{
    const struct deploy_variable *left = a;
    const struct deploy_variable *right = b;
    size_t count = MIN(left->name_bytes, right->name_bytes);
    int order = memcmp(left->text.data, right->text.data, count);
    if (order != 0)
        return order;
    return left->name_bytes < right->name_bytes ? -1 : left->name_bytes > right->name_bytes;
}

static enum status read_variables(const struct manifest_reader *reader,
                                  const struct manifest_row *row,
                                  json_t *node,
                                  struct deploy_variables *ret_variables)
{
    char number[READ_NUMBER_BYTES];
    size_t bytes = 0;
    uint32_t count = 0;
    if (!json_is_object(node))
        return manifest_read_fail(reader, node, NULL, "must be a mapping, like %s", row->example);
    if (json_object_size(node) > row->maximum)
        return manifest_read_fail(reader, node, NULL, "has %zu variables: %u are allowed",
                                  json_object_size(node), (unsigned)row->maximum);
    struct deploy_variable *rows =
        ARENA_ARRAY(reader->arena, struct deploy_variable, json_object_size(node) + 1);
    if (rows == NULL)
        return manifest_read_no_memory(reader);
    for (void *at = json_object_iter(node); at != NULL; at = json_object_iter_next(node, at)) {
        struct report why = REPORT_INIT;
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        struct bytes text = json_is_null(value) ? bytes_make("", 0) : read_scalar(value, number);
        if (text.data == NULL)
            return manifest_read_fail(reader, value, NULL,
                                      "the value of a variable is a plain one");
        if (manifest_value_variable(bytes_of_text(name), text, reader->arena, &why, &rows[count]) !=
            STATUS_OK)
            return manifest_read_refused(reader, value, bytes_of_text(name), &why);
        bytes += rows[count++].text.count + 1;
    }
    if (bytes > DEPLOY_ENVIRONMENT_BYTES_MAX)
        return manifest_read_fail(reader, node, NULL, "has %zu bytes in all: %d are allowed", bytes,
                                  DEPLOY_ENVIRONMENT_BYTES_MAX);
    qsort(rows, count, sizeof(*rows), read_compare_variables);
    *ret_variables = (struct deploy_variables){.rows = rows, .count = count};
    return STATUS_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum status read_sections(struct manifest_reader *reader,
                                 const struct manifest_row *row,
                                 json_t *node,
                                 struct deploy_routes *ret_routes);

static enum status
read_row(struct manifest_reader *reader, const struct manifest_row *row, json_t *node, void *base)
{
    void *field = (char *)base + row->offset;
    switch (row->type) {
    case MANIFEST_QUANTITY:
        return read_quantity(reader, row, node, field);
    case MANIFEST_FLAG:
        return read_flag(reader, node, field);
    case MANIFEST_METHODS:
        return read_methods(reader, row, node, field);
    case MANIFEST_NAMES:
    case MANIFEST_ORIGIN_RULES:
    case MANIFEST_VARIABLE_NAMES:
    case MANIFEST_PATTERNS:
    case MANIFEST_PATHS:
    case MANIFEST_ARGUMENTS:
    case MANIFEST_HEADER_RULES:
    case MANIFEST_REDIRECT_RULES:
        return read_texts(reader, row, node, field);
    case MANIFEST_VARIABLES:
        return read_variables(reader, row, node, field);
    case MANIFEST_SECTION:
        return manifest_read_mapping(reader, row->key, node, base);
    case MANIFEST_TRIGGERS:
        return manifest_read_crons(reader, row, node, field);
    case MANIFEST_SECTIONS:
        return read_sections(reader, row, node, field);
    default:
        return read_text(reader, row, row->type, node, field);
    }
}

static enum status read_unknown(const struct manifest_reader *reader,
                                const char *section,
                                const char *key,
                                const json_t *mapping)
{
    char nearest[READ_SHOWN];
    char shown[READ_SHOWN + 1];
    manifest_nearest(section, key, nearest, sizeof(nearest));
    bool near = nearest[0] != '\0';
    return manifest_read_fail(reader, mapping, key, "unknown key `%s`; %s%s%s",
                              read_shown(bytes_of_text(key), shown), near ? "did you mean `" : "",
                              nearest, near ? "`?" : "`skerry help manifest` lists all");
}

enum status
manifest_read_mapping(struct manifest_reader *reader, const char *section, json_t *node, void *base)
{
    reader->section = section;
    reader->key = "";
    if (!json_is_object(node))
        return manifest_read_fail(reader, node, NULL, "must be a mapping, `key: value` a line");
    enum status status = STATUS_OK;
    for (void *at = json_object_iter(node); status == STATUS_OK && at != NULL;
         at = json_object_iter_next(node, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        const struct manifest_row *row = manifest_find(section, key);
        if (row == NULL)
            return read_unknown(reader, section, key, node);
        reader->key = row->type == MANIFEST_SECTION ? "" : row->key;
        if (!read_is_nothing(value))
            status = read_row(reader, row, value, base);
        reader->section = section;
        reader->key = "";
    }
    return status;
}

static enum status
read_route(struct manifest_reader *reader, json_t *node, struct deploy_route *route)
{
    *route = (struct deploy_route){0};
    enum status status = manifest_read_mapping(reader, "routes", node, route);
    if (status == STATUS_OK && route->host.count == 0)
        status = manifest_read_fail(reader, node, NULL, "has no host");
    if (route->path.data == NULL)
        route->path = bytes_make("", 0);
    return status;
}

static enum status read_sections(struct manifest_reader *reader,
                                 const struct manifest_row *row,
                                 json_t *node,
                                 struct deploy_routes *ret_routes)
{
    enum status status = manifest_read_list(reader, row, node);
    uint32_t count = (uint32_t)json_array_size(node);
    struct deploy_route *routes =
        status == STATUS_OK ? ARENA_ARRAY(reader->arena, struct deploy_route, count + 1) : NULL;
    if (status == STATUS_OK && routes == NULL)
        return manifest_read_no_memory(reader);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        reader->row = i;
        status = read_route(reader, json_array_get(node, i), &routes[i]);
        for (uint32_t j = 0; status == STATUS_OK && j < i; j++) {
            if (manifest_routes_meet(&routes[i], &routes[j]))
                status =
                    manifest_read_fail(reader, json_array_get(node, i), NULL,
                                       "is the same as an earlier one, at least for one method");
        }
    }
    reader->row = READ_NONE;
    if (status == STATUS_OK)
        *ret_routes = (struct deploy_routes){.rows = routes, .count = count};
    return status;
}

/* A name would be an environment variable of two values. */
static enum status read_check_secrets(struct manifest_reader *reader,
                                      const json_t *tree,
                                      const struct deploy_manifest *manifest)
{
    reader->key = "secrets";
    for (uint32_t i = 0; i < manifest->secrets.count; i++) {
        struct bytes name = manifest->secrets.rows[i];
        for (uint32_t j = 0; j < manifest->env.count; j++) {
            const struct deploy_variable *variable = &manifest->env.rows[j];
            if (bytes_equal(name, bytes_make(variable->text.data, variable->name_bytes)))
                return manifest_read_fail(reader, tree, "secrets", "`%s` is in `env` too: keep one",
                                          (const char *)name.data);
        }
    }
    return STATUS_OK;
}

/* Files are answered before any step runs, so one that is to let nobody in would not be asked. */
static enum status read_check_assets(struct manifest_reader *reader,
                                     const json_t *tree,
                                     const struct deploy_manifest *manifest)
{
    const struct deploy_manifest_assets *assets = &manifest->assets;
    reader->key = "assets";
    if (assets->dir.count > 0 && manifest->steps.count > 0)
        return manifest_read_fail(
            reader, tree, "assets",
            "stands beside `steps`, which files do not go through: give them a "
            "function of their own");
    if (assets->dir.count == 0 &&
        (assets->fallback.count > 0 || assets->headers.count > 0 || assets->redirects.count > 0))
        return manifest_read_fail(reader, tree, "assets",
                                  "has no `dir`, the folder that its files are in");
    return STATUS_OK;
}

static enum status read_check_health(struct manifest_reader *reader,
                                     const json_t *tree,
                                     const struct deploy_manifest *manifest)
{
    reader->key = "health";
    if (manifest->health.path.count > 0 && !deploy_path_valid(manifest->health.path))
        return manifest_read_fail(reader, tree, "health",
                                  "has a `path` that is none, like /healthz");
    if (manifest->health.path.count == 0 && manifest->health.wall_us > 0)
        return manifest_read_fail(reader, tree, "health", "has no `path` to ask for");
    return STATUS_OK;
}

struct manifest_reader
manifest_reader_make(const struct manifest_marks *marks, struct arena *arena, struct report *report)
{
    return (struct manifest_reader){.marks = marks,
                                    .arena = arena,
                                    .report = report,
                                    .section = "",
                                    .key = "",
                                    .row = READ_NONE,
                                    .item = READ_NONE};
}

enum status manifest_read_row(struct bytes text, struct report *report, json_t **ret_tree)
{
    json_error_t error;
    *ret_tree = json_loadb(text.count == 0 ? "" : (const char *)text.data, text.count,
                           JSON_REJECT_DUPLICATES, &error);
    return *ret_tree != NULL ? STATUS_OK
                             : report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                                           "not JSON: %.200s", error.text);
}

enum status manifest_read(const json_t *tree,
                          const struct manifest_marks *marks,
                          struct arena *arena,
                          struct report *report,
                          struct deploy_manifest *ret_manifest)
{
    struct deploy_manifest manifest = {0};
    struct manifest_reader reader = manifest_reader_make(marks, arena, report);
    /* jansson's iterator wants what it only reads to be writable. */
    json_t *root = (json_t *)(uintptr_t)tree;
    enum status status = manifest_read_mapping(&reader, "", root, &manifest);
    if (status == STATUS_OK)
        status = read_check_secrets(&reader, tree, &manifest);
    if (status == STATUS_OK)
        status = read_check_assets(&reader, tree, &manifest);
    if (status == STATUS_OK)
        status = read_check_health(&reader, tree, &manifest);
    if (status == STATUS_OK)
        *ret_manifest = manifest;
    return status;
}

enum status deploy_route_from_json(struct bytes text,
                                   struct arena *arena,
                                   struct report *report,
                                   struct deploy_route *ret_route)
{
    struct manifest_reader reader = manifest_reader_make(NULL, arena, report);
    struct deploy_route route;
    json_t *tree;
    enum status status = manifest_read_row(text, report, &tree);
    if (status != STATUS_OK)
        return status;
    status = read_route(&reader, tree, &route);
    json_decref(tree);
    if (status == STATUS_OK)
        *ret_route = route;
    return status;
}

enum status deploy_manifest_from_json(struct bytes text,
                                      struct arena *arena,
                                      struct report *report,
                                      struct deploy_manifest *ret_manifest)
{
    json_error_t error;
    if (text.count > DEPLOY_MANIFEST_BYTES_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "has %zu bytes: %d are allowed", text.count, DEPLOY_MANIFEST_BYTES_MAX);
    json_t *tree = json_loadb(text.count == 0 ? "" : (const char *)text.data, text.count,
                              JSON_REJECT_DUPLICATES, &error);
    if (tree == NULL)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "not JSON: line %d: %.200s",
                           error.line, error.text);
    enum status status = manifest_read(tree, NULL, arena, report, ret_manifest);
    json_decref(tree);
    return status;
}
