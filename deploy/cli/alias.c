/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias: names for a function's versions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

static void cli_print_alias(const json_t *row)
{
    (void)printf("%-20s %-8s %s\n", cli_text(row, "alias"), cli_text(row, "version"),
                 cli_text(row, "url"));
}

static enum cli_exit cli_alias_list(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    size_t i;
    json_t *row;
    const char *name = cli->options.positional[1];
    cli_function_path(cli, name, "/aliases", path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        const json_t *rows = json_object_get(answer.json, "aliases");
        json_array_foreach(rows, i, row)
        {
            cli_print_alias(row);
        }
        if (json_array_size(rows) == 0)
            (void)printf("%s has no aliases\n", name);
        cli_next(cli, "skerry alias set %s ALIAS VERSION%s", name, cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* `version` NULL: it goes. */
static enum cli_exit cli_alias_send(const struct cli *cli, const char *alias, const char *version)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char rest[CLI_PATH_BYTES / 2];
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[1];
    if (strlen(alias) > 63 || strpbrk(alias, "/?#% ") != NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` cannot be an alias", alias);
    json_t *body = version == NULL ? NULL : json_pack("{s:s}", "version", version);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (version != NULL && text == NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no version", version);
    (void)snprintf(rest, sizeof(rest), "/aliases/%s", alias);
    cli_function_path(cli, name, rest, path);
    const struct cli_request request = {.method = version == NULL ? "DELETE" : "PUT",
                                        .path = path,
                                        .body = text == NULL ? bytes_make(NULL, 0)
                                                             : bytes_of_text(text)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        if (version != NULL)
            cli_print_alias(answer.json);
        else
            (void)printf("removed %s\n", alias);
        cli_next(cli, "skerry alias list %s%s", name, cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_alias(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    uint32_t count = options->positional_count;
    if (strcmp(action, "list") == 0 && count == 2)
        return cli_alias_list(cli);
    if (strcmp(action, "set") == 0 && count == 4)
        return cli_alias_send(cli, options->positional[2], options->positional[3]);
    if (strcmp(action, "rm") == 0 && count == 3)
        return cli_alias_send(cli, options->positional[2], NULL);
    return cli_fail(cli, CLI_USAGE,
                    "usage: skerry alias list NAME   or   skerry alias set NAME ALIAS VERSION   or "
                    "  skerry alias rm NAME ALIAS");
}
