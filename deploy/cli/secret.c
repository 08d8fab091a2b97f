/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: a function's secrets. Written, listed and removed, never shown: a value comes from a file
 * or from stdin, so that it stands in no list of processes and no shell's history.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "deploy/deploy.h"

#define CLI_SECRET_NAME_BYTES 128 /* as long as a name may be */

/* Of a function's secrets, or of the one that is named. */
static void cli_secret_path(const struct cli *cli, char ret_path[CLI_PATH_BYTES])
{
    const struct cli_options *options = &cli->options;
    char rest[CLI_SECRET_NAME_BYTES + 16];
    (void)snprintf(rest, sizeof(rest), "/secrets%s%s", options->positional_count > 2 ? "/" : "",
                   options->positional_count > 2 ? options->positional[2] : "");
    cli_function_path(cli, options->positional[1], rest, ret_path);
}

static enum cli_exit cli_secret_list(const struct cli *cli)
{
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    size_t i;
    json_t *row;
    cli_secret_path(cli, path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        json_array_foreach(json_object_get(answer.json, "secrets"), i, row)
        {
            (void)printf("%s\n", json_string_value(row));
        }
        cli_next(cli, "skerry secret put %s NAME --file FILE%s", cli->options.positional[1],
                 cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit
cli_secret_change(const struct cli *cli, const struct cli_request *request, const char *done)
{
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    enum cli_exit code = cli_call(cli, request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%s\n", done);
        if (cli->options.positional_count > 1)
            cli_next(cli, "skerry secret list %s%s", cli->options.positional[1],
                     cli_flags(cli, flags));
        else
            cli_next(cli, "skerry audit%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* What stdin has, without a newline at its end that a terminal or `echo` put there. */
static enum cli_exit cli_secret_put(const struct cli *cli, struct cli_request *request)
{
    uint8_t value[DEPLOY_SECRET_VALUE_BYTES_MAX + 1];
    if (request->file == NULL) {
        size_t count = fread(value, 1, sizeof(value), stdin);
        if (count == sizeof(value))
            return cli_fail(cli, CLI_USAGE, "a secret has at most %d bytes",
                            DEPLOY_SECRET_VALUE_BYTES_MAX);
        if (count == 0)
            return cli_fail(cli, CLI_USAGE,
                            "stdin is empty: pipe the value in, or give --file FILE");
        if (value[count - 1] == '\n')
            count--;
        request->body = bytes_make(value, count);
    }
    enum cli_exit code = cli_secret_change(cli, request, "kept; the next request sees it");
    explicit_bzero(value, sizeof(value));
    return code;
}

enum cli_exit cli_secret(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    uint32_t count = options->positional_count;
    char path[CLI_PATH_BYTES] = "/v1/secrets/rotate";
    struct cli_request request = {.method = "POST", .path = path};
    if (strcmp(action, "rotate") == 0 && count == 1)
        return cli_secret_change(cli, &request, "all secrets have a new key");
    if (strcmp(action, "list") == 0 && count == 2)
        return cli_secret_list(cli);
    if (count == 3 && strlen(options->positional[2]) > CLI_SECRET_NAME_BYTES)
        return cli_fail(cli, CLI_USAGE, "a secret's name has at most %d bytes",
                        CLI_SECRET_NAME_BYTES);
    if (count == 3)
        cli_secret_path(cli, path);
    request.method = "DELETE";
    if (strcmp(action, "rm") == 0 && count == 3)
        return cli_secret_change(cli, &request, "removed");
    request.method = "PUT";
    request.file = options->file;
    request.type = "application/octet-stream";
    if (strcmp(action, "put") == 0 && count == 3)
        return cli_secret_put(cli, &request);
    return cli_fail(cli, CLI_USAGE,
                    "usage: skerry secret list NAME, put NAME SECRET [--file FILE], rm NAME SECRET "
                    "or rotate");
}
