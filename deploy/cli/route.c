/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: what leads to a function besides its own name. A route that is added gets an id of its
 * host and path, so that adding it again changes it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define CLI_ROUTE_ID_BYTES 16

static void cli_print_route(const json_t *row)
{
    size_t i;
    json_t *method;
    (void)printf("%-14s %s%s", cli_text(row, "id"), cli_text(row, "host"), cli_text(row, "path"));
    json_array_foreach(json_object_get(row, "methods"), i, method)
    {
        (void)printf(" %s", json_string_value(method));
    }
    (void)fputc('\n', stdout);
}

static enum cli_exit cli_route_list(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    size_t i;
    json_t *row;
    cli_function_path(cli, cli->options.positional[1], "/routes", path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        const json_t *rows = json_object_get(answer.json, "routes");
        json_array_foreach(rows, i, row)
        {
            cli_print_route(row);
        }
        if (json_array_size(rows) == 0)
            (void)printf("no routes but its own host name and path\n");
        cli_next(cli, "skerry show %s%s", cli->options.positional[1], cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* FNV-1a: for an id that is the same each time. */
static void cli_route_id(const char *place, char ret_id[CLI_ROUTE_ID_BYTES])
{
    uint32_t hash = 2166136261u;
    for (const char *at = place; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    (void)snprintf(ret_id, CLI_ROUTE_ID_BYTES, "r-%08x", hash);
}

/* {"host":...,"path":...,"methods":[...]} of HOST[/PATH] METHOD... */
static char *cli_route_body(const struct cli *cli, const char *place)
{
    const char *slash = strchr(place, '/');
    size_t host_bytes = slash == NULL ? strlen(place) : (size_t)(slash - place);
    json_t *body =
        json_pack("{s:s%, s:s}", "host", place, host_bytes, "path", slash == NULL ? "/" : slash);
    json_t *methods = json_array();
    for (uint32_t i = 3; i < cli->options.positional_count; i++)
        (void)json_array_append_new(methods, json_string(cli->options.positional[i]));
    if (json_array_size(methods) > 0)
        (void)json_object_set(body, "methods", methods);
    json_decref(methods);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

/* What a route is changed by: its id in `rest`. */
static enum cli_exit
cli_route_send(const struct cli *cli, const char *method, const char *id, const char *body)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char rest[CLI_PATH_BYTES / 2];
    char flags[CLI_FLAGS_BYTES];
    if (strlen(id) > 63 || strpbrk(id, "/?#% ") != NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no route's id: see skerry route list", id);
    (void)snprintf(rest, sizeof(rest), "/routes/%s", id);
    cli_function_path(cli, cli->options.positional[1], rest, path);
    const struct cli_request request = {.method = method,
                                        .path = path,
                                        .body = body == NULL ? bytes_make(NULL, 0)
                                                             : bytes_of_text(body)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        if (body != NULL)
            cli_print_route(answer.json);
        else
            (void)printf("removed %s\n", id);
        cli_next(cli, "skerry route list %s%s", cli->options.positional[1], cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_route(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    const char *what = options->positional[2];
    char id[CLI_ROUTE_ID_BYTES];
    if (strcmp(action, "list") == 0 && options->positional_count == 2)
        return cli_route_list(cli);
    if (strcmp(action, "rm") == 0 && options->positional_count == 3)
        return cli_route_send(cli, "DELETE", what, NULL);
    if (strcmp(action, "add") != 0 || options->positional_count < 3)
        return cli_fail(cli, CLI_USAGE,
                        "usage: skerry route list NAME   or   skerry route add NAME HOST[/PATH] "
                        "[METHOD...]   or   skerry route rm NAME ID");
    char *body = cli_route_body(cli, what);
    if (body == NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no text in UTF-8", what);
    cli_route_id(what, id);
    enum cli_exit code = cli_route_send(cli, "PUT", id, body);
    free(body);
    return code;
}
