/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy: upload a file, print what it became. Without -n the file's name, made into a
 * DNS label, names the function.
 */
#include "deploy/deploy.h"

#include <ctype.h>
#include <stdio.h>

#include "deploy/cli/cli.h"

/* "dir/My_Func.wasm" to "my-func"; false if nothing usable is left. */
static bool cli_name_of_file(const char *path, char ret_name[DEPLOY_NAME_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t bytes = strcspn(base, ".");
    size_t count = 0;
    for (size_t i = 0; i < bytes && count + 1 < DEPLOY_NAME_BYTES; i++) {
        int c = tolower((unsigned char)base[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || count > 0)
            ret_name[count++] = plain ? (char)c : '-';
    }
    while (count > 0 && ret_name[count - 1] == '-')
        count--;
    ret_name[count] = '\0';
    return deploy_name_valid(bytes_of_text(ret_name));
}

static void cli_print_warnings(const json_t *answer)
{
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        (void)fprintf(stderr, "warning: %s\n", json_string_value(warning));
    }
}

static void cli_print_deployed(const struct cli *cli, const json_t *answer)
{
    const json_t *timings = json_object_get(answer, "timings");
    const char *outcome = cli_text(answer, "status");
    char size[32];
    cli_format_bytes((uint64_t)cli_number(answer, "module_bytes"), size);
    if (strcmp(outcome, "unchanged") == 0) {
        (void)printf("%s is unchanged: %s (%s) has these bytes already\n",
                     cli_text(answer, "function"), cli_text(answer, "version"),
                     cli_text(answer, "kind"));
    } else if (strcmp(outcome, "dry_run") == 0) {
        (void)printf("%s would be deployed (%s, %s); nothing was changed\n",
                     cli_text(answer, "function"), cli_text(answer, "kind"), size);
    } else {
        double us =
            (double)(cli_number(timings, "validate_us") + cli_number(timings, "translate_us") +
                     cli_number(timings, "snapshot_us") + cli_number(timings, "commit_us"));
        (void)printf("%s %s %s (%s, %s) in %.1f ms\n",
                     cli->options.no_activate ? "uploaded" : "deployed",
                     cli_text(answer, "function"), cli_text(answer, "version"),
                     cli_text(answer, "kind"), size, us / 1000);
    }
    (void)printf("  %s\n", cli_text(answer, "url"));
}

enum cli_exit cli_deploy(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char made[DEPLOY_NAME_BYTES];
    const char *file = cli->options.positional[0];
    const char *name = cli->options.name;
    if (name == NULL && cli_name_of_file(file, made))
        name = made;
    if (name == NULL)
        return cli_fail(cli, CLI_USAGE, "no name can be made of `%s`: pass one with -n", file);
    char query[64];
    (void)snprintf(query, sizeof(query), "?activate=%d&dry_run=%d", !cli->options.no_activate,
                   cli->options.dry_run);
    cli_function_path(cli, name, query, path);
    const struct cli_request request = {.method = "PUT", .path = path, .file = file};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    cli_print_warnings(answer.json);
    if (!cli_print_json(cli, &answer)) {
        cli_print_deployed(cli, answer.json);
        if (cli->options.dry_run)
            cli_next(cli, "skerry deploy %s -n %s", file, name);
        else if (cli->options.no_activate)
            cli_next(cli, "skerry rollback %s %s", name, cli_text(answer.json, "version"));
        else
            cli_next(cli, "curl %s   or   skerry versions %s", cli_text(answer.json, "url"), name);
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
