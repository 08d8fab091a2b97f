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

static bool
print_lists_differ(const struct config *a, const struct config *b, const struct setting *row)
{
    uint32_t count = *settings_list_count((struct config *)(uintptr_t)a, row);
    size_t bytes = settings_row_bytes(row);
    if (count != *settings_list_count((struct config *)(uintptr_t)b, row))
        return true;
    for (uint32_t i = 0; i < count; i++) {
        const char *of_a = (const char *)a + row->offset + i * bytes;
        const char *of_b = (const char *)b + row->offset + i * bytes;
        bool same = row->type == SETTING_NETS ? memcmp(of_a, of_b, bytes) == 0
                                              : strncmp(of_a, of_b, bytes) == 0;
        if (!same)
            return true;
    }
    return false;
}

static bool print_differs(const struct config *a, const struct config *b, const struct setting *row)
{
    const char *of_a = (const char *)a + row->offset;
    const char *of_b = (const char *)b + row->offset;
    if (row->type == SETTING_TEXT || row->type == SETTING_ADDRESS)
        return strncmp(of_a, of_b, row->bytes) != 0;
    return settings_is_list(row) ? print_lists_differ(a, b, row)
                                 : memcmp(of_a, of_b, row->bytes) != 0;
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
