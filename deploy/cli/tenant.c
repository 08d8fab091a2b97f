/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant: make one, list them, show one, bound it, say who signs for it, suspend it and let it go
 * on, or remove one that has no functions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

/* The next verb: with the tenant's name, if that is still there, as a word and not as a flag. */
static void cli_next_tenant(const struct cli *cli, const char *action)
{
    char flags[CLI_FLAGS_BYTES];
    struct cli plain = *cli;
    bool named = strcmp(action, "list") != 0;
    plain.options.tenant_is_default = true;
    cli_next(&plain, "skerry tenant %s%s%s%s", action, named ? " " : "",
             named ? cli->options.tenant : "", cli_flags(&plain, flags));
}

static enum cli_exit cli_list_tenants(struct cli *cli)
{
    struct cli_answer answer;
    char flags[CLI_FLAGS_BYTES];
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
        cli_next(cli, "skerry tenant show TENANT%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* Asks for what concerns the tenant itself. */
static enum cli_exit cli_ask_tenant(const struct cli *cli,
                                    const char *method,
                                    const char *body,
                                    struct cli_answer *ret_answer)
{
    char path[CLI_PATH_BYTES];
    cli_tenant_path(cli, "", path);
    const struct cli_request request = {.method = method,
                                        .path = path,
                                        .body = body == NULL ? bytes_make(NULL, 0)
                                                             : bytes_of_text(body)};
    return cli_call(cli, &request, ret_answer);
}

/* A line for each key; none if nothing has to be signed. */
static void cli_print_signers(const json_t *tenant)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(tenant, "signers"), i, row)
    {
        (void)printf("%-10s %s\n", i == 0 ? "signed by" : "or", json_string_value(row));
    }
}

static enum cli_exit cli_show_tenant(struct cli *cli)
{
    struct cli_answer answer;
    char flags[CLI_FLAGS_BYTES];
    char stored[32];
    enum cli_exit code = cli_ask_tenant(cli, "GET", NULL, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        cli_format_bytes((uint64_t)cli_number(answer.json, "stored_bytes"), stored);
        (void)printf("%-10s %s%s\n", "tenant", cli_text(answer.json, "tenant"),
                     json_is_true(json_object_get(answer.json, "suspended")) ? " (suspended)" : "");
        (void)printf("%-10s %" JSON_INTEGER_FORMAT "\n%-10s %s\n%-10s %s\n", "functions",
                     cli_number(answer.json, "function_count"), "stored", stored, "created",
                     cli_text(answer.json, "created"));
        cli_print_signers(answer.json);
        cli_next(cli, "skerry list%s   or   skerry limits%s", cli_flags(cli, flags), flags);
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* Says what is done, and which of the tenant verbs is the next, unless --json says what was
 * answered; NULL: the caller knows it. */
static enum cli_exit cli_change_tenant(
    struct cli *cli, const char *method, const char *body, const char *done, const char *next)
{
    struct cli_answer answer;

    enum cli_exit code = cli_ask_tenant(cli, method, body, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%s tenant %s\n", done, cli_text(answer.json, "tenant"));
        if (next != NULL)
            cli_next_tenant(cli, next);
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_create_tenant(struct cli *cli)
{
    char flags[CLI_FLAGS_BYTES];
    enum cli_exit code = cli_change_tenant(cli, "PUT", "{}", "there is now", NULL);
    if (code == CLI_OK && !cli->options.json)
        cli_next(cli, "skerry token create%s   or   skerry limits%s KEY=VALUE",
                 cli_flags(cli, flags), flags);
    return code;
}

static enum cli_exit cli_suspend_tenant(struct cli *cli)
{
    return cli_change_tenant(cli, "PUT", "{\"suspended\":true}", "suspended", "resume");
}

static enum cli_exit cli_resume_tenant(struct cli *cli)
{
    return cli_change_tenant(cli, "PUT", "{\"suspended\":false}", "resumed", "show");
}

static enum cli_exit cli_remove_tenant(struct cli *cli)
{
    return cli_change_tenant(cli, "DELETE", NULL, "removed", "list");
}

/* The words after the tenant's name are those of `skerry limits`. */
static enum cli_exit cli_bound_tenant(struct cli *cli)
{
    struct cli_options *options = &cli->options;
    options->positional_count -= 2;
    for (uint32_t i = 0; i < options->positional_count; i++)
        options->positional[i] = options->positional[i + 2];
    return cli_limits(cli);
}

/* What uploads have to be signed with; `none` instead of keys: they need not be. */
static enum cli_exit cli_tenant_signers(struct cli *cli)
{
    struct cli_options *options = &cli->options;
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    uint32_t count = options->positional_count - 2;
    bool none = count == 1 && strcmp(options->positional[2], "none") == 0;
    if (count == 0)
        return cli_show_tenant(cli);
    json_t *keys = json_array();
    for (uint32_t i = 0; i < count && !none; i++)
        (void)json_array_append_new(keys, json_string(options->positional[2 + i]));
    json_t *body = json_pack("{s:o}", "keys", keys);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    cli_tenant_path(cli, "/signers", path);
    const struct cli_request request = {.method = "PUT", .path = path, .body = bytes_of_text(text)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf(none ? "uploads to tenant %s need not be signed\n"
                          : "uploads to tenant %s have to be signed from now on\n",
                     options->tenant);
        cli_next_tenant(cli, "show");
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_tenant(struct cli *cli)
{
    static const struct {
        const char *action;
        uint32_t maximum; /* words; all but `list` want a name */
        enum cli_exit (*run)(struct cli *cli);
    } rows[] = {
        {"list", 1, cli_list_tenants},
        {"create", 2, cli_create_tenant},
        {"show", 2, cli_show_tenant},
        {"limits", CLI_POSITIONAL_MAX, cli_bound_tenant},
        {"signers", CLI_POSITIONAL_MAX, cli_tenant_signers},
        {"suspend", 2, cli_suspend_tenant},
        {"resume", 2, cli_resume_tenant},
        {"rm", 2, cli_remove_tenant},
    };
    struct cli_options *options = &cli->options;
    uint32_t count = options->positional_count;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(options->positional[0], rows[i].action) != 0 || count > rows[i].maximum ||
            (count < 2 && rows[i].maximum > 1))
            continue;
        if (count > 1) {
            options->tenant = options->positional[1];
            options->tenant_is_default = false;
        }
        return rows[i].run(cli);
    }
    return cli_fail(cli, CLI_USAGE,
                    "usage: skerry tenant list   or   skerry tenant create, show, limits, signers, "
                    "suspend, resume or rm TENANT");
}
