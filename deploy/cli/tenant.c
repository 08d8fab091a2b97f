/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant: list them, or remove one that has no functions.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

static enum cli_exit cli_list_tenants(const struct cli *cli)
{
    struct cli_answer answer;
    size_t i;
    json_t *row;
    const struct cli_request request = {.method = "GET", .path = "/v1/tenants"};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%-24s %-10s %s\n", "TENANT", "FUNCTIONS", "CREATED");
        json_array_foreach(json_object_get(answer.json, "tenants"), i, row)
        {
            (void)printf("%-24s %-10" JSON_INTEGER_FORMAT " %s\n", cli_text(row, "tenant"),
                         cli_number(row, "function_count"), cli_text(row, "created"));
        }
        if (json_object_get(answer.json, "next") != NULL)
            (void)printf("and more after %s\n", cli_text(answer.json, "next"));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_remove_tenant(struct cli *cli, const char *name)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    cli->options.tenant = name;
    cli_tenant_path(cli, "", path);
    const struct cli_request request = {.method = "DELETE", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer))
        (void)printf("removed tenant %s\n", cli_text(answer.json, "tenant"));
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_tenant(struct cli *cli)
{
    const char *action = cli->options.positional[0];
    uint32_t count = cli->options.positional_count;
    if (strcmp(action, "list") == 0 && count == 1)
        return cli_list_tenants(cli);
    if (strcmp(action, "rm") == 0 && count == 2)
        return cli_remove_tenant(cli, cli->options.positional[1]);
    return cli_fail(cli, CLI_USAGE, "usage: skerry tenant list   or   skerry tenant rm TENANT");
}
