/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: make tokens, list them, revoke one. A new token is shown once, on a line of its own, so
 * that it can be piped on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define CLI_TOKENS_PATH  "/v1/tokens"
#define CLI_TOKEN_VERBS  "read,logs,deploy"
#define CLI_WORDS_MAX    64
#define CLI_COLUMN_BYTES 64

/* "a,b" as ["a","b"]. */
static json_t *cli_words(const char *text)
{
    json_t *words = json_array();
    for (int i = 0; i < CLI_WORDS_MAX && *text != '\0'; i++) {
        size_t count = strcspn(text, ",");
        (void)json_array_append_new(words, json_stringn(text, count));
        text += text[count] == ',' ? count + 1 : count;
    }
    return words;
}

static void cli_add_word(json_t *body, const char *name, const char *value)
{
    if (value != NULL)
        (void)json_object_set_new(body, name, json_string(value));
}

static enum cli_exit cli_create_token(const struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    if (options->all_tenants == !options->tenant_is_default)
        return cli_fail(cli, CLI_USAGE, "name its tenant with -t TENANT, or give --all-tenants");
    json_t *body = json_pack("{s:o}", "verbs",
                             cli_words(options->verbs == NULL ? CLI_TOKEN_VERBS : options->verbs));
    if (!options->all_tenants)
        cli_add_word(body, "tenant", options->tenant);
    if (options->functions != NULL)
        (void)json_object_set_new(body, "functions", cli_words(options->functions));
    cli_add_word(body, "expires", options->expires);
    cli_add_word(body, "note", options->note);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    const struct cli_request request = {
        .method = "POST", .path = CLI_TOKENS_PATH, .body = bytes_of_text(text)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%s\n", cli_text(answer.json, "token"));
        cli_next(cli, "skerry login URL   or   skerry token rm %s%s", cli_text(answer.json, "id"),
                 cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* The words of a list with commas between them, or `otherwise`, cut to fit. */
static void cli_join(const json_t *list, const char *otherwise, char ret_text[CLI_COLUMN_BYTES])
{
    size_t i;
    json_t *row;
    size_t used = 0;
    (void)snprintf(ret_text, CLI_COLUMN_BYTES, "%s", otherwise);
    json_array_foreach(list, i, row)
    {
        if (used < CLI_COLUMN_BYTES)
            used += (size_t)snprintf(ret_text + used, CLI_COLUMN_BYTES - used, "%s%s",
                                     i == 0 ? "" : ",", json_string_value(row));
    }
}

static void cli_print_token(const json_t *row)
{
    char verbs[CLI_COLUMN_BYTES];
    char functions[CLI_COLUMN_BYTES];
    const char *tenant = json_string_value(json_object_get(row, "tenant"));
    cli_join(json_object_get(row, "verbs"), "-", verbs);
    cli_join(json_object_get(row, "functions"), "", functions);
    (void)printf("%-17s %-16s %-26s %-21s %-21s %s%s%s\n", cli_text(row, "id"),
                 tenant == NULL ? "(all)" : tenant, verbs, cli_text(row, "expires"),
                 cli_text(row, "used"), cli_text(row, "note"), functions[0] == '\0' ? "" : "  for ",
                 functions);
}

static enum cli_exit cli_list_tokens(const struct cli *cli)
{
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    size_t i;
    json_t *row;
    char query[CLI_COLUMN_BYTES] = "";
    if (!cli->options.tenant_is_default)
        (void)snprintf(query, sizeof(query), "?tenant=%.64s", cli->options.tenant);
    const struct cli_request request = {.method = "GET", .path = CLI_TOKENS_PATH, .query = query};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%-17s %-16s %-26s %-21s %-21s %s\n", "ID", "TENANT", "VERBS", "EXPIRES",
                     "USED", "NOTE");
        json_array_foreach(json_object_get(answer.json, "tokens"), i, row)
        {
            cli_print_token(row);
        }
        if (json_object_get(answer.json, "next") != NULL)
            (void)printf("and more after %s\n", cli_text(answer.json, "next"));
        cli_next(cli, "skerry token rm ID%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_remove_token(const struct cli *cli, const char *id)
{
    char path[CLI_PATH_BYTES];
    struct cli_answer answer;
    if (id[strspn(id, "0123456789abcdef")] != '\0' || id[0] == '\0')
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no token's id: see skerry token list", id);
    (void)snprintf(path, sizeof(path), CLI_TOKENS_PATH "/%.64s", id);
    const struct cli_request request = {.method = "DELETE", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        char flags[CLI_FLAGS_BYTES];
        (void)printf("revoked token %s\n", cli_text(answer.json, "id"));
        cli_next(cli, "skerry token list%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_token(struct cli *cli)
{
    const char *action = cli->options.positional[0];
    uint32_t count = cli->options.positional_count;
    if (strcmp(action, "create") == 0 && count == 1)
        return cli_create_token(cli);
    if (strcmp(action, "list") == 0 && count == 1)
        return cli_list_tokens(cli);
    if (strcmp(action, "rm") == 0 && count == 2)
        return cli_remove_token(cli, cli->options.positional[1]);
    return cli_fail(
        cli, CLI_USAGE,
        "usage: skerry token create (-t TENANT | --all-tenants), list [-t TENANT] or rm ID");
}
