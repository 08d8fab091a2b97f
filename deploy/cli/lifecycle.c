/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload, drain, upgrade: the server's own life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

/* ---- upgrade --------------------------------------------------------------------------------- */

#define UPGRADE_POLL_MS 100

static void cli_upgrade_pause(void)
{
    const struct timespec pause = {.tv_nsec = UPGRADE_POLL_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

static void cli_upgrade_progress(const struct cli *cli, const json_t *state, char *shown)
{
    char line[96];
    (void)snprintf(line, sizeof(line), "%s: %d of %d artifacts", cli_text(state, "state"),
                   (int)cli_number(state, "built"), (int)cli_number(state, "total"));
    if (cli->options.json || cli->options.quiet || strcmp(line, shown) == 0)
        return;
    (void)snprintf(shown, sizeof(line), "%s", line);
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

/* Until it is done or has failed. The connection waits while one program leaves and the other
 * arrives. */
static enum cli_exit cli_upgrade_follow(struct cli *cli)
{
    struct cli_answer answer;
    char shown[96] = "";
    char flags[CLI_FLAGS_BYTES];
    const struct cli_request request = {.method = "GET", .path = "/v1/upgrade"};
    for (;;) {
        enum cli_exit code = cli_call(cli, &request, &answer);
        if (code != CLI_OK)
            return code;
        const char *state = cli_text(answer.json, "state");
        bool done = strcmp(state, "done") == 0;
        if (done || strcmp(state, "failed") == 0)
            break;
        cli_upgrade_progress(cli, answer.json, shown);
        cli_answer_done(&answer);
        cli_upgrade_pause();
    }
    enum cli_exit code = CLI_OK;
    if (strcmp(cli_text(answer.json, "state"), "failed") == 0) {
        (void)cli_print_json(cli, &answer);
        code = cli_fail(cli, CLI_FAILED, "%s: %s; the server goes on as it was",
                        cli->options.positional[0], cli_text(answer.json, "text"));
    } else if (!cli_print_json(cli, &answer)) {
        (void)printf("skerry %s serves; what the one before has begun ends by itself\n",
                     cli_text(answer.json, "version"));
        cli_next(cli, "skerry stats%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return code;
}

enum cli_exit cli_upgrade(struct cli *cli)
{
    struct cli_answer answer;
    char *program = realpath(cli->options.positional[0], NULL);
    if (program == NULL)
        return cli_fail(cli, CLI_USAGE, "there is no program %s", cli->options.positional[0]);
    json_t *order = json_pack("{s:s}", "program", program);
    char *text = order == NULL ? NULL : json_dumps(order, JSON_COMPACT);
    json_decref(order);
    free(program);
    if (text == NULL)
        return cli_fail(cli, CLI_USAGE, "%s is no text in UTF-8", cli->options.positional[0]);
    const struct cli_request request = {
        .method = "POST", .path = "/v1/upgrade", .body = bytes_of_text(text)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    cli_answer_done(&answer);
    return cli_upgrade_follow(cli);
}
