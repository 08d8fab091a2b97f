/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: the server's for all, or one tenant's own, which are changed by reading the
 * document, putting the words of the command line over it, and sending it back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"
#include "deploy/tenant_limits.h"

#define CLI_LIMITS_REST "/limits"

static enum cli_exit cli_show_server_limits(const struct cli *cli)
{
    struct cli_answer answer;
    const char *name;
    json_t *row;
    char flags[CLI_FLAGS_BYTES];
    const struct cli_request request = {.method = "GET", .path = "/v1/limits"};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        json_object_foreach(json_object_get(answer.json, "limits"), name, row)
        {
            (void)printf("%-14s %-10s %s\n", name, cli_text(row, "text"), cli_text(row, "meaning"));
        }
        cli_next(cli, "skerry stats%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* ---- one tenant's ---------------------------------------------------------------------------- */

static void cli_print_tenant_limits(const struct cli *cli, const struct cli_answer *answer)
{
    char flags[CLI_FLAGS_BYTES];
    if (cli_print_json(cli, answer))
        return;
    for (size_t i = 0; i < tenant_limits_row_count; i++) {
        const struct tenant_limits_row *row = &tenant_limits_rows[i];
        const json_t *value = json_object_get(answer->json, row->name);
        char text[64];
        if (json_is_string(value))
            (void)snprintf(text, sizeof(text), "%s", json_string_value(value));
        else if (json_is_integer(value))
            config_format_quantity((uint64_t)json_integer_value(value), row->unit, text);
        else
            (void)snprintf(text, sizeof(text), "default (%s)", row->otherwise);
        (void)printf("%-15s %-30s %s\n", row->name, text, tenant_limits_text(row));
    }
    cli_next(cli, "skerry limits --help   or   skerry list%s", cli_flags(cli, flags));
}

/* Puts one "KEY=VALUE" over `limits`; whether the number is in range, the server says. */
static enum cli_exit cli_set_limit(const struct cli *cli, const char *word, json_t *limits)
{
    struct report report = REPORT_INIT;
    char name[64];
    uint64_t number;
    const char *equals = strchr(word, '=');
    size_t count = equals == NULL ? 0 : (size_t)(equals - word);
    if (count == 0 || count >= sizeof(name))
        return cli_fail(cli, CLI_USAGE, "`%.64s` is not of the form KEY=VALUE", word);
    memcpy(name, word, count);
    name[count] = '\0';
    const struct tenant_limits_row *row = tenant_limits_find(name, &report);
    if (row == NULL)
        return cli_fail(cli, CLI_USAGE, "%s", report.text);
    const char *value = equals + 1;
    bool is_default = strcmp(value, "default") == 0;
    if (!is_default && (!config_parse_quantity(value, row->unit, &number) || number > INT64_MAX))
        return cli_fail(cli, CLI_USAGE, "`%.64s` of %s is neither %s nor `default`", value, name,
                        row->unit == CONFIG_UNIT_CHOICE ? config_unit_words(row->unit)
                                                        : "a number");
    (void)json_object_set_new(limits, name, tenant_limits_value(row, is_default ? 0 : number));
    return CLI_OK;
}

/* What the tenant has now; a tenant that is not there yet has nothing. */
static enum cli_exit cli_get_limits(const struct cli *cli, const char *path, json_t **ret_limits)
{
    struct cli quiet = *cli;
    struct cli_answer answer;
    const struct cli_request request = {.method = "GET", .path = path, .may_miss = true};
    quiet.options.json = false;
    enum cli_exit code = cli_call(&quiet, &request, &answer);
    if (code == CLI_OK) {
        *ret_limits = json_incref(answer.json);
        cli_answer_done(&answer);
    } else if (code == CLI_NOT_FOUND) {
        *ret_limits = json_object();
        code = CLI_OK;
    }
    return code;
}

static enum cli_exit
cli_change_limits(const struct cli *cli, const char *path, struct cli_answer *ret_answer)
{
    json_t *limits = NULL;
    enum cli_exit code = cli_get_limits(cli, path, &limits);
    for (uint32_t i = 0; code == CLI_OK && i < cli->options.positional_count; i++)
        code = cli_set_limit(cli, cli->options.positional[i], limits);
    char *text = code == CLI_OK ? json_dumps(limits, JSON_COMPACT) : NULL;
    if (code == CLI_OK && text == NULL)
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    if (code == CLI_OK) {
        const struct cli_request request = {
            .method = "PUT", .path = path, .body = bytes_of_text(text)};
        code = cli_call(cli, &request, ret_answer);
    }
    free(text);
    json_decref(limits);
    return code;
}

enum cli_exit cli_limits(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    bool changes = cli->options.positional_count > 0;
    if (!changes && cli->options.tenant_is_default)
        return cli_show_server_limits(cli);
    cli_tenant_path(cli, CLI_LIMITS_REST, path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code =
        changes ? cli_change_limits(cli, path, &answer) : cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    cli_print_tenant_limits(cli, &answer);
    cli_answer_done(&answer);
    return CLI_OK;
}
