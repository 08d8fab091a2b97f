/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effective configuration as a skerry.yaml that loads back to the same values.
 */
#include <inttypes.h>

#include "config/settings.h"

/* A single-quoted YAML scalar: only the quote itself needs care. */
static enum status print_quoted(const char *text, struct buffer *out)
{
    enum status status = buffer_append(out, "'", 1);
    for (const char *at = text; status == STATUS_OK && *at != '\0'; at++)
        status = buffer_append(out, *at == '\'' ? "''" : at, *at == '\'' ? 2 : 1);
    return status == STATUS_OK ? buffer_append(out, "'", 1) : status;
}

static enum status print_listen(const struct config *config, struct buffer *out)
{
    enum status status = buffer_printf(out, "[");
    for (uint32_t i = 0; status == STATUS_OK && i < config->listen_count; i++)
        status = buffer_printf(out, "%s'http://%s'", i == 0 ? "" : ", ", config->listen[i]);
    return status == STATUS_OK ? buffer_printf(out, "]") : status;
}

static enum status
print_value(const struct config *config, const struct setting *setting, struct buffer *out)
{
    const char *field = (const char *)config + setting->offset;
    if (setting->type == SETTING_LISTEN)
        return print_listen(config, out);
    if (setting->type == SETTING_TEXT || setting->type == SETTING_ADDRESS)
        return print_quoted(field, out);
    uint64_t value = 0;
    uint32_t narrow;
    if (setting->bytes == sizeof(narrow)) {
        memcpy(&narrow, field, sizeof(narrow));
        value = narrow;
    } else {
        memcpy(&value, field, sizeof(value));
    }
    char text[CONFIG_QUANTITY_BYTES];
    config_format_quantity(value, setting->unit, text);
    return buffer_printf(out, "%s", text);
}

enum status config_print(const struct config *config, struct buffer *out)
{
    enum status status = buffer_printf(out, "# data directory: %s\n", config->data_dir);
    const char *section = "";
    for (size_t i = 0; status == STATUS_OK && i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (strcmp(section, row->section) != 0)
            status = buffer_printf(out, "%s:\n", row->section);
        section = row->section;
        const char *indent = section[0] == '\0' ? "" : "  ";
        if (status == STATUS_OK)
            status = buffer_printf(out, "%s# %s\n%s%s: ", indent, row->text, indent, row->key);
        if (status == STATUS_OK)
            status = print_value(config, row, out);
        if (status == STATUS_OK)
            status = buffer_append(out, "\n", 1);
    }
    return status;
}
