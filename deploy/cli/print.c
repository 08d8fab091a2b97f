/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of output that all verbs share.
 */
#include <stdarg.h>
#include <stdio.h>

#include "deploy/cli/cli.h"

enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "%s: ", cli->program);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return code;
}

const char *cli_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? json_string_value(value) : "-";
}

json_int_t cli_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

bool cli_print_json(const struct cli *cli, const struct cli_answer *answer)
{
    if (cli->options.json)
        (void)fputs((const char *)answer->text.data, stdout);
    return cli->options.json;
}

void cli_next(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    if (cli->options.quiet)
        return;
    (void)fputs("next: ", stdout);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)fputc('\n', stdout);
}

const char *cli_tenant_flag(const struct cli *cli, char *ret_text, size_t bytes)
{
    if (cli->options.tenant_is_default)
        ret_text[0] = '\0';
    else
        (void)snprintf(ret_text, bytes, " -t %.64s", cli->options.tenant);
    return ret_text;
}

void cli_format_bytes(uint64_t bytes, char ret_text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        value /= 1024;
    (void)snprintf(ret_text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}
