/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env: a function's variables: its own, over those of the version that is live.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

static enum cli_exit
cli_env_path(const struct cli *cli, const char *variable, char ret_path[CLI_PATH_BYTES])
{
    char rest[CLI_PATH_BYTES / 2];
    size_t count = strlen(variable);
    for (size_t i = 0; i < count; i++) {
        if (strchr("/?#% ", variable[i]) != NULL || count > 128)
            return cli_fail(cli, CLI_USAGE, "`%.64s` is no variable's name: letters, digits and _",
                            variable);
    }
    (void)snprintf(rest, sizeof(rest), "/env%s%s", count == 0 ? "" : "/", variable);
    cli_function_path(cli, cli->options.positional[1], rest, ret_path);
    return CLI_OK;
}

static enum cli_exit cli_env_list(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    size_t i;
    json_t *row;
    enum cli_exit code = cli_env_path(cli, "", path);
    const struct cli_request request = {.method = "GET", .path = path};
    if (code == CLI_OK)
        code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        json_array_foreach(json_object_get(answer.json, "variables"), i, row)
        {
            (void)printf("%-9s %-24s ", cli_text(row, "from"), cli_text(row, "name"));
            /* As JSON has it: nothing in it reaches the terminal as a control character. */
            (void)json_dumpf(json_object_get(row, "value"), stdout,
                             JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
            (void)fputc('\n', stdout);
        }
        cli_next(cli, "skerry show %s%s", cli->options.positional[1], cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* One KEY=VALUE, or, to be removed, KEY. */
static enum cli_exit cli_env_change(const struct cli *cli, const char *word, bool removes)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char name[160];
    const char *equals = strchr(word, '=');
    if (!removes && equals == NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is not of the form KEY=VALUE", word);
    size_t count = removes ? strlen(word) : (size_t)(equals - word);
    if (count == 0 || count >= sizeof(name))
        return cli_fail(cli, CLI_USAGE, "`%.64s` has no variable's name", word);
    memcpy(name, word, count);
    name[count] = '\0';
    enum cli_exit code = cli_env_path(cli, name, path);
    const struct cli_request request = {.method = removes ? "DELETE" : "PUT",
                                        .path = path,
                                        .body = removes ? bytes_make(NULL, 0)
                                                        : bytes_of_text(equals + 1),
                                        .type = "application/octet-stream"};
    if (code == CLI_OK)
        code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer))
        (void)printf("%s %s\n", removes ? "removed" : "set", name);
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_env(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    char flags[CLI_FLAGS_BYTES];
    const char *action = options->positional[0];
    bool removes = strcmp(action, "rm") == 0;
    if (strcmp(action, "list") == 0 && options->positional_count == 2)
        return cli_env_list(cli);
    if ((!removes && strcmp(action, "set") != 0) || options->positional_count < 3)
        return cli_fail(cli, CLI_USAGE,
                        "usage: skerry env list NAME   or   skerry env set NAME KEY=VALUE...   or  "
                        " skerry env rm NAME KEY...");
    enum cli_exit code = CLI_OK;
    for (uint32_t i = 2; code == CLI_OK && i < options->positional_count; i++)
        code = cli_env_change(cli, options->positional[i], removes);
    if (code == CLI_OK && !options->json)
        cli_next(cli, "skerry env list %s%s", options->positional[1], cli_flags(cli, flags));
    return code;
}
