/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: who changed what, the latest last, and with --verify whether the records are as they were
 * written. A chain that does not hold is an exit status of 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

static void cli_print_change(const json_t *row)
{
    const char *tenant = json_string_value(json_object_get(row, "tenant"));
    const char *function = json_string_value(json_object_get(row, "function"));
    const json_t *version = json_object_get(row, "version");
    char number[24] = "";
    if (json_is_integer(version))
        (void)snprintf(number, sizeof(number), " v%" JSON_INTEGER_FORMAT,
                       json_integer_value(version));
    const char *signer = json_string_value(json_object_get(row, "signed_by"));
    (void)printf("%-8" JSON_INTEGER_FORMAT " %-21s %-24s %-18s %-14s %s%s%s%s%s%s%s%s\n",
                 cli_number(row, "serial"), cli_text(row, "time"), cli_text(row, "who"),
                 cli_text(row, "from"), cli_text(row, "action"),
                 tenant == NULL || tenant[0] == '\0' ? "-" : tenant, function == NULL ? "" : "/",
                 function == NULL ? "" : function, number,
                 json_object_get(row, "name") == NULL ? "" : " ",
                 json_object_get(row, "name") == NULL ? "" : cli_text(row, "name"),
                 signer == NULL ? "" : " signed by ", signer == NULL ? "" : signer);
}

/* What --verify found; CLI_FAILED if somebody was at the records. */
static enum cli_exit cli_print_chain(const struct cli *cli, const json_t *chain)
{
    if (chain == NULL)
        return CLI_OK;
    if (!json_is_true(json_object_get(chain, "verified")))
        return cli_fail(cli, CLI_FAILED,
                        "record %" JSON_INTEGER_FORMAT
                        " is not what was written, or one before it is missing: compare with a "
                        "backup",
                        cli_number(chain, "broken"));
    if (!cli->options.json)
        (void)printf("verified %" JSON_INTEGER_FORMAT " records, %" JSON_INTEGER_FORMAT
                     " to %" JSON_INTEGER_FORMAT "; head %s\n",
                     cli_number(chain, "checked"), cli_number(chain, "first"),
                     cli_number(chain, "last"), cli_text(chain, "head"));
    return CLI_OK;
}

static void cli_add_parameter(char path[CLI_PATH_BYTES], const char *name, const char *value)
{
    size_t used = strlen(path);
    if (value != NULL)
        (void)snprintf(path + used, CLI_PATH_BYTES - used, "%c%s=%.64s",
                       strchr(path, '?') == NULL ? '?' : '&', name, value);
}

static bool cli_is_number(const char *text)
{
    return text == NULL || (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0');
}

enum cli_exit cli_audit(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    char path[CLI_PATH_BYTES] = "/v1/audit";
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    if (!cli_is_number(options->limit) || !cli_is_number(options->before))
        return cli_fail(cli, CLI_USAGE, "--limit and --before take numbers");
    cli_add_parameter(path, "limit", options->limit);
    cli_add_parameter(path, "before", options->before);
    cli_add_parameter(path, "tenant", options->tenant_is_default ? NULL : options->tenant);
    cli_add_parameter(path, "verify", options->verify ? "1" : NULL);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        const json_t *rows = json_object_get(answer.json, "records");
        (void)printf("%-8s %-21s %-24s %-18s %-14s %s\n", "SERIAL", "TIME", "WHO", "FROM", "ACTION",
                     "WHAT");
        for (size_t i = json_array_size(rows); i > 0; i--)
            cli_print_change(json_array_get(rows, i - 1));
    }
    code = cli_print_chain(cli, json_object_get(answer.json, "chain"));
    if (code == CLI_OK && !options->json && json_object_get(answer.json, "next") != NULL)
        cli_next(cli, "skerry audit --before %" JSON_INTEGER_FORMAT "%s",
                 cli_number(answer.json, "next"), cli_flags(cli, flags));
    else if (code == CLI_OK && !options->json)
        cli_next(cli, "skerry %s%s", options->verify ? "backup FILE" : "audit --verify",
                 cli_flags(cli, flags));
    cli_answer_done(&answer);
    return code;
}
