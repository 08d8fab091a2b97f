/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload, drain: the server's own life.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

static void cli_print_keys(const char *what, const json_t *names)
{
    size_t i;
    json_t *name;
    if (json_array_size(names) == 0)
        return;
    (void)printf("%s", what);
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        (void)printf("%s%s", i == 0 ? " " : ", ", json_string_value(name));
    }
    (void)fputc('\n', stdout);
}

static enum cli_exit
cli_post(const struct cli *cli, const char *path, struct cli_answer *ret_answer)
{
    const struct cli_request request = {.method = "POST", .path = path};
    return cli_call(cli, &request, ret_answer);
}

enum cli_exit cli_reload(struct cli *cli)
{
    struct cli_answer answer;
    char flags[CLI_FLAGS_BYTES];
    enum cli_exit code = cli_post(cli, "/v1/reload", &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        if (strcmp(cli_text(answer.json, "status"), "unchanged") == 0)
            (void)printf("nothing has changed that can without a restart\n");
        cli_print_keys("new workers start with:", json_object_get(answer.json, "changed"));
        cli_print_keys("these keys need a restart:", json_object_get(answer.json, "needs_restart"));
        cli_next(cli, "skerry stats%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_drain(struct cli *cli)
{
    struct cli_answer answer;
    enum cli_exit code = cli_post(cli, "/v1/drain", &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("the server finishes what is under way, then ends\n");
        cli_next(cli, "skerry serve");
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
