/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron: when functions run by themselves.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define CLI_CRON_ID_BYTES 16

static void cli_print_cron(const json_t *row)
{
    (void)printf("%-14s %-20s %-24s next %s%s%s\n", cli_text(row, "id"), cli_text(row, "schedule"),
                 cli_text(row, "path"), cli_text(row, "next"),
                 strcmp(cli_text(row, "overlap"), "allow") == 0 ? ", may overlap" : "",
                 strcmp(cli_text(row, "missed"), "once") == 0 ? ", made up for" : "");
}

static enum cli_exit cli_cron_list(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    size_t i;
    json_t *row;
    cli_function_path(cli, cli->options.positional[1], "/cron", path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        const json_t *rows = json_object_get(answer.json, "cron");
        json_array_foreach(rows, i, row)
        {
            cli_print_cron(row);
        }
        if (json_array_size(rows) == 0)
            (void)printf("no triggers\n");
        cli_next(cli, "skerry logs %s%s", cli->options.positional[1], cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* FNV-1a: for an id that is the same each time. */
static void cli_cron_id(const char *schedule, const char *path, char ret_id[CLI_CRON_ID_BYTES])
{
    uint32_t hash = 2166136261u;
    for (const char *at = schedule; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    for (const char *at = path; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    (void)snprintf(ret_id, CLI_CRON_ID_BYTES, "c-%08x", hash);
}

/* What is done to one trigger, with what is behind its id in the path. */
static enum cli_exit cli_cron_send(
    const struct cli *cli, const char *method, const char *id, const char *rest, const char *body)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char tail[CLI_PATH_BYTES / 2];
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[1];
    if (strlen(id) > 63 || strpbrk(id, "/?#% ") != NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no trigger's id: see skerry cron list", id);
    (void)snprintf(tail, sizeof(tail), "/cron/%s%s", id, rest);
    cli_function_path(cli, name, tail, path);
    const struct cli_request request = {
        .method = method, .path = path, .body = bytes_of_text(body == NULL ? "" : body)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        if (body != NULL)
            cli_print_cron(answer.json);
        else
            (void)printf("%s %s\n", rest[0] == '\0' ? "removed" : "runs", id);
        cli_next(cli, "skerry %s %s%s", rest[0] == '\0' ? "cron list" : "logs", name,
                 cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_cron_add(const struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *schedule = options->positional[2];
    const char *path = options->positional_count > 3 ? options->positional[3] : "/";
    char id[CLI_CRON_ID_BYTES];
    json_t *body = json_pack("{s:s, s:s}", "schedule", schedule, "path", path);
    if (body != NULL && options->overlap != NULL)
        (void)json_object_set_new(body, "overlap", json_string(options->overlap));
    if (body != NULL && options->missed != NULL)
        (void)json_object_set_new(body, "missed", json_string(options->missed));
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no text in UTF-8", schedule);
    cli_cron_id(schedule, path, id);
    enum cli_exit code = cli_cron_send(cli, "PUT", id, "", text);
    free(text);
    return code;
}

enum cli_exit cli_cron(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    uint32_t count = options->positional_count;
    if (strcmp(action, "list") == 0 && count == 2)
        return cli_cron_list(cli);
    if (strcmp(action, "rm") == 0 && count == 3)
        return cli_cron_send(cli, "DELETE", options->positional[2], "", NULL);
    if (strcmp(action, "run") == 0 && count == 3)
        return cli_cron_send(cli, "POST", options->positional[2], "/run", NULL);
    if (strcmp(action, "add") == 0 && (count == 3 || count == 4))
        return cli_cron_add(cli);
    return cli_fail(cli, CLI_USAGE,
                    "usage: skerry cron list NAME   or   skerry cron add NAME 'SCHEDULE' [PATH]   "
                    "or   skerry cron rm NAME ID   or   skerry cron run NAME ID");
}
