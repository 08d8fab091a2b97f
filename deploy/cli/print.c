/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of output that all verbs share.
 */
#include <stdarg.h>
#include <stdio.h>

#include "deploy/cli/cli.h"

#define CLI_FIELD_PREFIX "field_"

enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    (void)fflush(stdout); /* what was said before comes before, also where both are one file */
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

void cli_print_value(json_t *value)
{
    /* NULL: a name that is no text in UTF-8. */
    if (value == NULL || json_dumpf(value, stdout, JSON_COMPACT) != 0)
        (void)fputs("{}", stdout);
    (void)fputc('\n', stdout);
    json_decref(value);
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

const char *cli_quote(const char *word, char ret_text[CLI_PATH_BYTES])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:@%+=,-";
    size_t used = 0;
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        (void)snprintf(ret_text, CLI_PATH_BYTES, "%s", word);
        return ret_text;
    }
    ret_text[used++] = '\'';
    /* Room for one more character, quoted, and the end. */
    for (; *word != '\0' && used + 6 < CLI_PATH_BYTES; word++) {
        const char quote[] = "'\\''";
        size_t count = *word == '\'' ? strlen(quote) : 1;
        memcpy(ret_text + used, *word == '\'' ? quote : word, count);
        used += count;
    }
    ret_text[used++] = '\'';
    ret_text[used] = '\0';
    return ret_text;
}

const char *cli_flags(const struct cli *cli, char ret_text[CLI_FLAGS_BYTES])
{
    const struct cli_options *options = &cli->options;
    const struct {
        const char *flag;
        const char *value;
    } rows[] = {
        {"-t", options->tenant_is_default ? NULL : options->tenant},
        {"--url", options->url},
        {"--data", options->data},
        {"--admin-socket", options->admin_socket},
    };
    char quoted[CLI_PATH_BYTES];
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].value == NULL)
            continue;
        int count = snprintf(ret_text + used, CLI_FLAGS_BYTES - used, " %s %s", rows[i].flag,
                             cli_quote(rows[i].value, quoted));
        used += (size_t)count;
        ASSERT(used < CLI_FLAGS_BYTES);
    }
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

void cli_print_plain(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool c1 = *at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        (void)fputc(*at < ' ' || *at == 0x7f || c1 ? '?' : *at, stdout);
        at += c1;
    }
}

void cli_print_fields(const json_t *line)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)line, name, value)
    {
        if (strncmp(name, CLI_FIELD_PREFIX, strlen(CLI_FIELD_PREFIX)) != 0 ||
            !json_is_string(value))
            continue;
        (void)fputc(' ', stdout);
        cli_print_plain(name + strlen(CLI_FIELD_PREFIX));
        (void)fputc('=', stdout);
        cli_print_plain(json_string_value(value));
    }
}

void cli_print_frames(const json_t *line)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)line, name, value)
    {
        if (strncmp(name, "frame", 5) != 0 || !json_is_string(value))
            continue;
        (void)fputs("    ", stdout);
        cli_print_plain(json_string_value(value));
        (void)fputc('\n', stdout);
    }
}
