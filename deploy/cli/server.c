/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: the server about itself.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

static void cli_print_value(const char *name, const json_t *value)
{
    if (json_is_integer(value))
        (void)printf("%-28s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
    else if (json_is_real(value))
        (void)printf("%-28s %g\n", name, json_real_value(value));
    else if (json_is_string(value))
        (void)printf("%-28s %s\n", name, json_string_value(value));
}

/* Members of objects are printed as "object.member"; there is one level of them. */
static void cli_print_object(const char *prefix, json_t *object)
{
    const char *name;
    json_t *value;
    char full[256];
    json_object_foreach(object, name, value)
    {
        (void)snprintf(full, sizeof(full), "%.100s%.150s", prefix, name);
        cli_print_value(full, value);
    }
}

enum cli_exit cli_stats(struct cli *cli)
{
    struct cli_answer answer;
    const char *name;
    json_t *value;
    const struct cli_request request = {.method = "GET", .path = "/v1/stats"};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        cli_print_object("", answer.json);
        json_object_foreach(answer.json, name, value)
        {
            char prefix[64];
            (void)snprintf(prefix, sizeof(prefix), "%.60s.", name);
            if (json_is_object(value))
                cli_print_object(strcmp(name, "workers") == 0 ? "" : prefix, value);
        }
        cli_next(cli, "skerry limits");
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
