/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys as a skerry.yaml that changes nothing: each with its text, its range and
 * its default. What an operator starts from, and what the manual page is made of.
 */
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
    bool list = row->type == SETTING_LISTEN;
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
