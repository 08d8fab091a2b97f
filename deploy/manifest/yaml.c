/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a tree, event by event, on a stack of its own: depth, count and size are bounded here,
 * and what makes YAML more than a way to write a tree is refused: anchors and aliases, tags, a
 * second document, keys that are no scalars, keys that are there twice. Every scalar becomes a
 * text; what it means, its row says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "deploy/manifest/read.h"

struct yaml_level {
    json_t *container; /* borrowed: in the tree */
    const char *key;   /* of a mapping: waits for its value; NULL: a key is next */
};

struct yaml_build {
    yaml_parser_t parser;
    struct manifest_marks marks;
    struct arena scratch;
    struct report *report;
    json_t *root; /* owned; NULL: nothing yet */
    uint32_t depth;
    bool ended; /* the document did */
    struct yaml_level levels[MANIFEST_DEPTH_MAX];
};

static enum status yaml_fail(const struct yaml_build *build, yaml_mark_t mark, const char *why)
{
    return report_fail(build->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%zu:%zu: %s",
                       build->marks.name, mark.line + 1, mark.column + 1, why);
}

static enum status
yaml_mark(struct yaml_build *build, yaml_mark_t mark, const json_t *node, const char *key)
{
    if (build->marks.count == MANIFEST_NODES_MAX)
        return yaml_fail(build, mark, "too much for a manifest");
    build->marks.rows[build->marks.count++] =
        (struct manifest_mark){.node = node,
                               .key = key,
                               .line = (uint32_t)(mark.line + 1),
                               .column = (uint32_t)(mark.column + 1)};
    return STATUS_OK;
}

/* Puts a value where the next one belongs; takes it over. */
static enum status yaml_put(struct yaml_build *build, yaml_mark_t mark, json_t *value)
{
    if (value == NULL)
        return report_fail(build->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    struct yaml_level *level = build->depth == 0 ? NULL : &build->levels[build->depth - 1];
    int failed = 0;
    if (level == NULL) {
        build->root = value;
    } else if (json_is_array(level->container)) {
        failed = json_array_append_new(level->container, value);
    } else {
        failed = json_object_set_new(level->container, level->key, value);
        level->key = NULL;
    }
    if (failed != 0)
        return report_fail(build->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return yaml_mark(build, mark, value, NULL);
}

static enum status yaml_key(struct yaml_build *build, const yaml_event_t *event)
{
    struct yaml_level *level = &build->levels[build->depth - 1];
    struct bytes text = bytes_make(event->data.scalar.value, event->data.scalar.length);
    if (text.count > 0 && memchr(text.data, '\0', text.count) != NULL)
        return yaml_fail(build, event->start_mark, "a key has a NUL in it");
    const char *key = arena_copy_text(&build->scratch, text);
    if (key == NULL)
        return report_fail(build->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (json_object_get(level->container, key) != NULL)
        return yaml_fail(build, event->start_mark, "a key is there twice: keep one");
    level->key = key;
    return yaml_mark(build, event->start_mark, level->container, key);
}

static bool yaml_wants_key(const struct yaml_build *build)
{
    const struct yaml_level *level = &build->levels[build->depth - 1];
    return build->depth > 0 && json_is_object(level->container) && level->key == NULL;
}

static enum status yaml_scalar(struct yaml_build *build, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t count = event->data.scalar.length;
    if (event->data.scalar.tag != NULL)
        return yaml_fail(build, event->start_mark, "tags are not taken: write the value alone");
    if (yaml_wants_key(build))
        return yaml_key(build, event);
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool nothing = plain && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    json_t *value = json_stringn(text, nothing ? 0 : count);
    if (value == NULL)
        return yaml_fail(build, event->start_mark, "is no text in UTF-8");
    return yaml_put(build, event->start_mark, value);
}

static enum status
yaml_begin(struct yaml_build *build, const yaml_event_t *event, json_t *container)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag =
        mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const char *why = NULL;
    if (build->depth == MANIFEST_DEPTH_MAX)
        why = "too deep for a manifest";
    else if (tag != NULL)
        why = "tags are not taken: write the value alone";
    else if (yaml_wants_key(build))
        why = "a key must be one word";
    if (why != NULL || container == NULL) {
        json_decref(container);
        return why != NULL ? yaml_fail(build, event->start_mark, why)
                           : report_fail(build->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                                         "out of memory");
    }
    enum status status = yaml_put(build, event->start_mark, container);
    if (status == STATUS_OK)
        build->levels[build->depth++] = (struct yaml_level){.container = container};
    return status;
}

static enum status yaml_take(struct yaml_build *build, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return yaml_fail(build, event->start_mark, "aliases are not taken: write the value again");
    case YAML_DOCUMENT_START_EVENT:
        return build->ended ? yaml_fail(build, event->start_mark, "a second document: keep one")
                            : STATUS_OK;
    case YAML_DOCUMENT_END_EVENT:
        build->ended = true;
        return STATUS_OK;
    case YAML_SCALAR_EVENT:
        return yaml_scalar(build, event);
    case YAML_SEQUENCE_START_EVENT:
        return yaml_begin(build, event, json_array());
    case YAML_MAPPING_START_EVENT:
        return yaml_begin(build, event, json_object());
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        build->depth--;
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

static enum status yaml_events(struct yaml_build *build)
{
    enum status status = STATUS_OK;
    for (bool more = true; status == STATUS_OK && more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&build->parser, &event))
            return report_fail(
                build->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%zu:%zu: not YAML: %s",
                build->marks.name, build->parser.problem_mark.line + 1,
                build->parser.problem_mark.column + 1,
                build->parser.problem == NULL ? "unreadable" : build->parser.problem);
        more = event.type != YAML_STREAM_END_EVENT;
        status = yaml_take(build, &event);
        yaml_event_delete(&event);
    }
    return status;
}

/* A file with nothing in it is a manifest that says nothing. */
static enum status
yaml_read(struct yaml_build *build, struct arena *arena, struct deploy_manifest *ret_manifest)
{
    enum status status = yaml_events(build);
    bool nothing = build->root == NULL ||
                   (json_is_string(build->root) && json_string_length(build->root) == 0);
    if (status == STATUS_OK && nothing)
        *ret_manifest = (struct deploy_manifest){0};
    else if (status == STATUS_OK)
        status = manifest_read(build->root, &build->marks, arena, build->report, ret_manifest);
    return status;
}

enum status deploy_manifest_from_yaml(struct bytes text,
                                      const char *name,
                                      struct arena *arena,
                                      struct report *report,
                                      struct deploy_manifest *ret_manifest)
{
    struct yaml_build build = {.report = report, .marks = {.name = name}};
    if (text.count > DEPLOY_MANIFEST_BYTES_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "%s has %zu bytes: %d are allowed", name, text.count,
                           DEPLOY_MANIFEST_BYTES_MAX);
    arena_init(&build.scratch, DEPLOY_MANIFEST_ARENA_BYTES);
    build.marks.rows = ARENA_ARRAY(&build.scratch, struct manifest_mark, MANIFEST_NODES_MAX);
    if (build.marks.rows == NULL || !yaml_parser_initialize(&build.parser)) {
        arena_done(&build.scratch);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&build.parser, text.data == NULL ? (const uint8_t *)"" : text.data,
                                 text.count);
    enum status status = yaml_read(&build, arena, ret_manifest);
    json_decref(build.root);
    yaml_parser_delete(&build.parser);
    arena_done(&build.scratch);
    return status;
}
