/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: a function's log, a line for each of its lines, as they come.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define CLI_LOGS_LINE_BYTES 65536

struct cli_logs {
    const struct cli *cli;
    struct buffer line; /* of which the end has not come */
    uint64_t count;
};

static void cli_logs_print(struct bytes text)
{
    json_t *line = json_loadb((const char *)text.data, text.count, 0, NULL);
    if (line == NULL)
        return;
    const json_t *code = json_object_get(line, "code");
    const json_t *dropped = json_object_get(line, "dropped_bytes");
    (void)printf("%-27s %-5s %-4s %-16s ", cli_text(line, "ts"), cli_text(line, "level"),
                 cli_text(line, "version"), cli_text(line, "request_id"));
    if (json_is_string(code)) {
        cli_print_plain(json_string_value(code));
        (void)fputs(": ", stdout);
    }
    if (json_is_integer(dropped))
        (void)printf("%" JSON_INTEGER_FORMAT " bytes of the log were dropped: see limits.log and "
                     "limits.log_rate",
                     json_integer_value(dropped));
    else
        cli_print_plain(cli_text(line, "message"));
    cli_print_fields(line);
    (void)fputc('\n', stdout);
    cli_print_frames(line);
    json_decref(line);
}

/* A line without its newline; an empty one is a sign of life. */
static void cli_logs_line(struct cli_logs *logs, struct bytes line)
{
    if (line.count == 0)
        return;
    logs->count++;
    if (!logs->cli->options.json) {
        cli_logs_print(line);
        return;
    }
    (void)fwrite(line.data, 1, line.count, stdout);
    (void)fputc('\n', stdout);
}

static void cli_logs_take(void *context, struct bytes data)
{
    struct cli_logs *logs = context;
    const uint8_t *end;
    while (data.count > 0 && (end = memchr(data.data, '\n', data.count)) != NULL) {
        size_t count = (size_t)(end - data.data);
        /* One that is too long is not one of the server's. */
        if (buffer_append(&logs->line, data.data, count) == STATUS_OK)
            cli_logs_line(logs, buffer_bytes(&logs->line));
        logs->line.count = 0;
        data = bytes_make(end + 1, data.count - count - 1);
    }
    if (buffer_append(&logs->line, data.data, data.count) != STATUS_OK)
        logs->line.count = 0;
    (void)fflush(stdout);
}

/* Appends a parameter; the server says what is wrong with it. */
static void cli_logs_parameter(char path[CLI_PATH_BYTES], const char *name, const char *value)
{
    size_t used = strlen(path);
    char *escaped = value == NULL ? NULL : curl_easy_escape(NULL, value, 0);
    if (escaped != NULL)
        (void)snprintf(path + used, CLI_PATH_BYTES - used, "%c%s=%.64s",
                       strchr(path, '?') == NULL ? '?' : '&', name, escaped);
    curl_free(escaped);
}

enum cli_exit cli_logs(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    struct cli_logs logs = {.cli = cli};
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    cli_function_path(cli, options->positional[0], "/logs", path);
    cli_logs_parameter(path, "level", options->level);
    cli_logs_parameter(path, "since", options->since);
    cli_logs_parameter(path, "limit", options->limit);
    cli_logs_parameter(path, "follow", options->follow ? "1" : NULL);
    buffer_init(&logs.line, CLI_LOGS_LINE_BYTES);
    const struct cli_request request = {
        .method = "GET", .path = path, .take = cli_logs_take, .context = &logs};
    enum cli_exit code = cli_call(cli, &request, &answer);
    buffer_done(&logs.line);
    if (code != CLI_OK)
        return code;
    cli_answer_done(&answer);
    if (options->follow)
        return cli_fail(cli, CLI_UNREACHABLE,
                        "the server ended the log: it stops, or this reader "
                        "was too slow; run it again with --since");
    if (!options->json && logs.count == 0)
        (void)printf("nothing was logged\n");
    if (!options->json)
        cli_next(cli, "skerry logs -f %s%s", options->positional[0], cli_flags(cli, flags));
    return CLI_OK;
}
