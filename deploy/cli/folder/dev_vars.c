/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value is looked at from both ends: what stands in quotes is taken as it is.
 */
#include "deploy/cli/folder/dev_vars.h"

#include "deploy/manifest/manifest.h"

static const struct bytes dev_vars_export = {.data = (const uint8_t *)"export ", .count = 7};

/* The value in a buffer, with each \n of double quotes as a line's end. */
static json_t *dev_vars_value(struct bytes value)
{
    uint8_t quote = value.count > 1 ? value.data[0] : 0;
    bool quoted = (quote == '"' || quote == '\'') && value.data[value.count - 1] == quote;
    if (quoted)
        value = bytes_make(value.data + 1, value.count - 2);
    char *text = malloc(value.count + 1);
    size_t count = 0;
    for (size_t i = 0; text != NULL && i < value.count; i++) {
        bool is_end = quoted && quote == '"' && value.data[i] == '\\' && i + 1 < value.count &&
                      value.data[i + 1] == 'n';
        text[count++] = is_end ? '\n' : (char)value.data[i];
        i += is_end ? 1 : 0;
    }
    json_t *made = text == NULL ? NULL : json_stringn(text, count);
    free(text);
    return made;
}

static bool dev_vars_line(struct bytes line, json_t *environment)
{
    if (line.count > 0 && line.data[line.count - 1] == '\r')
        line.count--;
    if (line.count == 0 || line.data[0] == '#')
        return true;
    if (line.count > dev_vars_export.count &&
        memcmp(line.data, dev_vars_export.data, dev_vars_export.count) == 0)
        line = bytes_make(line.data + dev_vars_export.count, line.count - dev_vars_export.count);
    const uint8_t *equals = memchr(line.data, '=', line.count);
    if (equals == NULL)
        return false;
    size_t before = (size_t)(equals - line.data);
    struct bytes name = bytes_trim(bytes_make(line.data, before));
    struct bytes value = bytes_trim(bytes_make(equals + 1, line.count - before - 1));
    return deploy_variable_name_valid(name) &&
           json_object_setn_new(environment, (const char *)name.data, name.count,
                                dev_vars_value(value)) == 0;
}

uint32_t cli_dev_vars_parse(struct bytes text, json_t *environment)
{
    struct bytes line;
    uint32_t number = 0;
    while (bytes_next_part(&text, '\n', &line)) {
        number++;
        if (!dev_vars_line(line, environment))
            return number;
    }
    return 0;
}
