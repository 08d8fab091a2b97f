/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys as a skerry.yaml that changes nothing: each with its text, its range and
 * its default. What an operator starts from, and what the manual page is made of.
 */
#include <stdio.h>

#include "config/settings.h"

/* A single-quoted YAML scalar: only the quote itself needs care. */
static enum status print_quoted(const char *text, struct buffer *out)
{
    enum status status = buffer_append(out, "'", 1);
    for (const char *at = text; status == STATUS_OK && *at != '\0'; at++)
        status = buffer_append(out, *at == '\'' ? "''" : at, *at == '\'' ? 2 : 1);
    return status == STATUS_OK ? buffer_append(out, "'", 1) : status;
}

static enum status
print_default(const struct config *config, const struct setting *row, struct buffer *out)
{
    if (row->default_text == NULL) {
        uint64_t value;
        char text[CONFIG_QUANTITY_BYTES];
        ASSERT(row->bytes == sizeof(value));
        memcpy(&value, (const char *)config + row->offset, sizeof(value));
        config_format_quantity(value, row->unit, text);
        return buffer_printf(out, "%s", text);
    }
    bool list = settings_is_list(row);
    if (list && row->default_text[0] == '\0')
        return buffer_append(out, "[]", 2);
    if (!list && row->type != SETTING_TEXT && row->type != SETTING_ADDRESS)
        return buffer_printf(out, "%s", row->default_text);
    enum status status = buffer_append(out, "[", list ? 1 : 0);
    if (status == STATUS_OK)
        status = print_quoted(row->default_text, out);
    return status == STATUS_OK ? buffer_append(out, "]", list ? 1 : 0) : status;
}

/* "# text (least to most)" */
static enum status print_text(const struct setting *row, const char *indent, struct buffer *out)
{
    enum status status = buffer_printf(out, "%s# %s", indent, row->text);
    if (status == STATUS_OK && row->minimum < row->maximum) {
        char least[CONFIG_QUANTITY_BYTES];
        char most[CONFIG_QUANTITY_BYTES];
        config_format_quantity(row->minimum, row->unit, least);
        config_format_quantity(row->maximum, row->unit, most);
        status = buffer_printf(out, " (%s to %s)", least, most);
    }
    return status == STATUS_OK ? buffer_append(out, "\n", 1) : status;
}

static bool print_differs(const struct config *a, const struct config *b, const struct setting *row)
{
    if (row->type == SETTING_LISTEN && a->listen_count != b->listen_count)
        return true;
    if (row->type == SETTING_NETS)
        return a->trusted_proxy_count != b->trusted_proxy_count ||
               memcmp(a->trusted_proxies, b->trusted_proxies,
                      a->trusted_proxy_count * sizeof(a->trusted_proxies[0])) != 0;
    const char *of_a = (const char *)a + row->offset;
    const char *of_b = (const char *)b + row->offset;
    if (row->type == SETTING_TEXT || row->type == SETTING_ADDRESS)
        return strncmp(of_a, of_b, row->bytes) != 0;
    if (row->type != SETTING_LISTEN)
        return memcmp(of_a, of_b, row->bytes) != 0;
    for (uint32_t i = 0; i < a->listen_count; i++) {
        if (strcmp(a->listen[i], b->listen[i]) != 0)
            return true;
    }
    return false;
}

void config_list_changes(const struct config *a,
                         const struct config *b,
                         char *ret_names,
                         size_t names_bytes)
{
    static const char more[] = ", ...";
    size_t used = 0;
    ret_names[0] = '\0';
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (!print_differs(a, b, row))
            continue;
        char name[96];
        int count = snprintf(name, sizeof(name), "%s%s%s%s", used > 0 ? ", " : "", row->section,
                             row->section[0] == '\0' ? "" : ".", row->key);
        if ((size_t)count + sizeof(more) > names_bytes - used) {
            (void)snprintf(ret_names + used, names_bytes - used, "%s", more);
            return;
        }
        memcpy(ret_names + used, name, (size_t)count + 1);
        used += (size_t)count;
    }
}

enum status config_print_reference(struct buffer *out)
{
    struct config config;
    config_limits_default(&config.limits);
    enum status status = STATUS_OK;
    const char *section = "";
    for (size_t i = 0; status == STATUS_OK && i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (strcmp(section, row->section) != 0)
            status = buffer_printf(out, "%s:\n", row->section);
        section = row->section;
        const char *indent = section[0] == '\0' ? "" : "  ";
        if (status == STATUS_OK)
            status = print_text(row, indent, out);
        if (status == STATUS_OK)
            status = buffer_printf(out, "%s%s: ", indent, row->key);
        if (status == STATUS_OK)
            status = print_default(&config, row, out);
        if (status == STATUS_OK)
            status = buffer_append(out, "\n", 1);
    }
    return status;
}
