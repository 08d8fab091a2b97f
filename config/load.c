/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skerry.yaml, read with libyaml's document API and walked by hand: the form is a mapping
 * of scalars, of lists of them, and of mappings of scalars, so there is nothing to recurse into.
 * Whatever is not in the table of settings is an error that names the nearest key and its
 * file:line:column. All errors are STATUS_CONFIG.
 */
#include "config/load.h"

#include <stdio.h>
#include <yaml.h>

#include "config/settings.h"

#define LOAD_FILE_BYTES_MAX (1U << 20)

struct load {
    struct config *config;
    yaml_document_t *document; /* borrowed */
    const char *name;
    struct report *report;
};

static enum status
load_fail(const struct load *load, const yaml_node_t *node, const char *what, const char *why)
{
    return report_fail(load->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%zu:%zu: %s%s%s",
                       load->name, node->start_mark.line + 1, node->start_mark.column + 1, what,
                       what[0] == '\0' ? "" : " ", why);
}

/* The node's text, or NULL if it is no scalar or has a NUL inside. */
static const char *load_scalar(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE)
        return NULL;
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

static enum status
load_value(const struct load *load, const struct setting *setting, const yaml_node_t *node)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s%s%s:", setting->section,
                   setting->section[0] == '\0' ? "" : ".", setting->key);
    const char *text = load_scalar(node);
    if (text == NULL)
        return load_fail(load, node, name, "must be one plain value");
    struct report report = REPORT_INIT;
    if (settings_set(load->config, setting, text, &report) == STATUS_OK)
        return STATUS_OK;
    char why[REPORT_TEXT_BYTES];
    (void)snprintf(why, sizeof(why), "`%.64s` %.384s", text, report.text);
    return load_fail(load, node, name, why);
}

static enum status
load_setting(const struct load *load, const struct setting *setting, const yaml_node_t *node)
{
    if (!settings_is_list(setting))
        return load_value(load, setting, node);
    settings_clear_list(load->config, setting);
    if (node->type != YAML_SEQUENCE_NODE)
        return load_value(load, setting, node);
    enum status status = STATUS_OK;
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         status == STATUS_OK && item < node->data.sequence.items.top; item++)
        status = load_value(load, setting, yaml_document_get_node(load->document, *item));
    return status;
}

static enum status
load_unknown(const struct load *load, const char *section, const char *key, const yaml_node_t *node)
{
    char nearest[96];
    char why[REPORT_TEXT_BYTES];
    settings_nearest(section, key, nearest, sizeof(nearest));
    bool near = nearest[0] != '\0';
    (void)snprintf(why, sizeof(why), "unknown key `%s%s%.64s`; %s%s%s", section,
                   section[0] == '\0' ? "" : ".", key, near ? "did you mean `" : "", nearest,
                   near ? "`?" : "`skerry help config` lists all");
    return load_fail(load, node, "", why);
}

/* Is the key of `pair` already there, before it? YAML forbids it, libyaml does not look. */
static bool load_is_duplicate(const struct load *load,
                              const yaml_node_t *mapping,
                              const yaml_node_pair_t *pair,
                              const char *key)
{
    for (yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
        const char *name = load_scalar(yaml_document_get_node(load->document, other->key));
        if (name != NULL && strcmp(name, key) == 0)
            return true;
    }
    return false;
}

static enum status
load_mapping(const struct load *load, const char *section, const yaml_node_t *mapping);

static enum status load_pair(const struct load *load,
                             const char *section,
                             const yaml_node_t *mapping,
                             const yaml_node_pair_t *pair)
{
    const yaml_node_t *key_node = yaml_document_get_node(load->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(load->document, pair->value);
    const char *key = load_scalar(key_node);
    if (key == NULL)
        return load_fail(load, key_node, "", "a key must be one word");
    if (load_is_duplicate(load, mapping, pair, key))
        return load_fail(load, key_node, key, "is there twice: keep one");
    if (section[0] == '\0' && settings_is_section(key))
        return load_mapping(load, key, value);
    const struct setting *setting = settings_find(section, key);
    if (setting == NULL)
        return load_unknown(load, section, key, key_node);
    return load_setting(load, setting, value);
}

static enum status
load_mapping(const struct load *load, const char *section, const yaml_node_t *mapping)
{
    const char *text = load_scalar(mapping);
    if (text != NULL && text[0] == '\0')
        return STATUS_OK; /* `limits:` with nothing below */
    if (mapping->type != YAML_MAPPING_NODE)
        return load_fail(load, mapping, section, "must be a mapping, `key: value` a line");
    enum status status = STATUS_OK;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         status == STATUS_OK && pair < mapping->data.mapping.pairs.top; pair++)
        status = load_pair(load, section, mapping, pair);
    return status;
}

static enum status
load_document(struct config *config, yaml_parser_t *parser, const char *name, struct report *report)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%zu:%zu: not YAML: %s",
                           name, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                           parser->problem == NULL ? "unreadable" : parser->problem);
    struct config loaded = *config;
    const struct load load = {
        .config = &loaded, .document = &document, .name = name, .report = report};
    yaml_node_t *root = yaml_document_get_root_node(&document);
    enum status status = root == NULL ? STATUS_OK : load_mapping(&load, "", root);
    yaml_document_delete(&document);
    if (status == STATUS_OK)
        *config = loaded;
    return status;
}

enum status
load_text(struct config *config, struct bytes text, const char *name, struct report *report)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "%s: out of memory", name);
    yaml_parser_set_input_string(&parser, text.data == NULL ? (const uint8_t *)"" : text.data,
                                 text.count);
    enum status status = load_document(config, &parser, name, report);
    yaml_parser_delete(&parser);
    return status;
}

enum status config_load_file(struct config *config, const char *path, struct report *report)
{
    FILE *file = fopen(path, "rce");
    if (file == NULL) {
        struct report reason = REPORT_INIT;
        (void)report_errno(&reason, "cannot read %.200s", path);
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s", reason.text);
    }
    struct buffer text;
    buffer_init(&text, LOAD_FILE_BYTES_MAX);
    enum status status = STATUS_OK;
    char chunk[4096];
    size_t count;
    while (status == STATUS_OK && (count = fread(chunk, 1, sizeof(chunk), file)) > 0)
        status = buffer_append(&text, chunk, count);
    if (status != STATUS_OK)
        (void)report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                          "%.200s: larger than %u bytes: not a configuration", path,
                          LOAD_FILE_BYTES_MAX);
    else if (ferror(file))
        (void)report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "cannot read %.200s", path);
    else
        status = load_text(config, buffer_bytes(&text), path, report);
    if (ferror(file))
        status = STATUS_CONFIG;
    (void)fclose(file);
    buffer_done(&text);
    return status == STATUS_LIMIT ? STATUS_CONFIG : status;
}
