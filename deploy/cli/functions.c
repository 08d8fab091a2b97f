/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list, show, rm, versions, rollback: one function or all of a tenant's.
 */
#include <stdio.h>
#include <unistd.h>

#include "deploy/cli/cli.h"

#define CLI_PAGES_MAX 10000

static enum cli_exit cli_get(const struct cli *cli, const char *path, struct cli_answer *ret_answer)
{
    const struct cli_request request = {.method = "GET", .path = path};
    return cli_call(cli, &request, ret_answer);
}

/* ---- list ------------------------------------------------------------------------------------ */

/* A fresh server has no tenant yet; that is an empty list as long as none was named. */
static enum cli_exit cli_look_for_tenant(const struct cli *cli, bool *ret_missing)
{
    struct cli_answer answer;
    size_t i;
    json_t *row;
    *ret_missing = false;
    if (!cli->options.tenant_is_default)
        return CLI_OK;
    enum cli_exit code = cli_get(cli, "/v1/tenants", &answer);
    if (code != CLI_OK)
        return code;
    /* With so many tenants that there is a next page, the server is not fresh. */
    bool found = json_object_get(answer.json, "next") != NULL;
    json_array_foreach(json_object_get(answer.json, "tenants"), i, row)
    {
        found = found || strcmp(cli_text(row, "tenant"), cli->options.tenant) == 0;
    }
    cli_answer_done(&answer);
    *ret_missing = !found;
    return CLI_OK;
}

/* Follows `next` and gathers all pages in one list. */
static enum cli_exit cli_gather(const struct cli *cli, json_t *rows)
{
    char path[CLI_PATH_BYTES];
    char after[128] = "";
    for (uint32_t page = 0; page < CLI_PAGES_MAX; page++) {
        struct cli_answer answer;
        cli_function_path(cli, NULL, after, path);
        enum cli_exit code = cli_get(cli, path, &answer);
        if (code != CLI_OK)
            return code;
        (void)json_array_extend(rows, json_object_get(answer.json, "functions"));
        const json_t *next = json_object_get(answer.json, "next");
        bool more = json_is_string(next);
        if (more)
            (void)snprintf(after, sizeof(after), "?after=%.64s", json_string_value(next));
        cli_answer_done(&answer);
        if (!more)
            break;
    }
    return CLI_OK;
}

static void cli_print_list(const struct cli *cli, const json_t *rows)
{
    size_t i;
    json_t *row;
    char flags[CLI_FLAGS_BYTES];
    if (json_array_size(rows) == 0) {
        (void)printf("tenant %s has no functions\n", cli->options.tenant);
        cli_next(cli, "skerry deploy --help");
        return;
    }
    (void)printf("%-24s %-8s %-10s %-21s %s\n", "FUNCTION", "VERSION", "KIND", "UPDATED", "URL");
    json_array_foreach(rows, i, row)
    {
        (void)printf("%-24s %-8s %-10s %-21s %s\n", cli_text(row, "function"),
                     cli_text(row, "version"), cli_text(row, "kind"), cli_text(row, "updated"),
                     cli_text(row, "url"));
    }
    row = json_array_get(rows, 0);
    cli_next(cli, "skerry show %s%s   or   curl %s", cli_text(row, "function"),
             cli_flags(cli, flags), cli_text(row, "url"));
}

enum cli_exit cli_list(struct cli *cli)
{
    json_t *rows = json_array();
    bool missing;
    enum cli_exit code = cli_look_for_tenant(cli, &missing);
    if (code == CLI_OK && !missing)
        code = cli_gather(cli, rows);
    if (code == CLI_OK && cli->options.json) {
        cli_print_value(json_pack("{s:O}", "functions", rows));
    } else if (code == CLI_OK) {
        cli_print_list(cli, rows);
    }
    json_decref(rows);
    return code;
}

/* ---- show, versions -------------------------------------------------------------------------- */

/* As JSON has it: nothing in it reaches the terminal as a control character. */
static void cli_print_config(const json_t *function)
{
    const json_t *text = json_object_get(function, "config");
    const json_t *base64 = json_object_get(function, "config_base64");
    (void)printf("%-9s %" JSON_INTEGER_FORMAT " bytes: %s", "config",
                 cli_number(function, "config_bytes"), json_is_string(text) ? "" : "base64 ");
    (void)json_dumpf(json_is_string(text) ? text : base64, stdout,
                     JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    (void)fputc('\n', stdout);
}

static void cli_print_reuse(const json_t *function)
{
    char time[CONFIG_QUANTITY_BYTES];
    config_format_quantity((uint64_t)cli_number(function, "reuse_us"), CONFIG_UNIT_MICROSECONDS,
                           time);
    (void)printf("%-9s memory is kept for %" JSON_INTEGER_FORMAT " requests or %s\n", "reuse",
                 cli_number(function, "reuse_requests"), time);
}

/* What the manifest says, a key a line, each value as JSON has it. */
static void cli_print_manifest(json_t *manifest)
{
    const char *key;
    json_t *value;
    json_object_foreach(manifest, key, value)
    {
        (void)printf("%-9s %s: ", "manifest", key);
        (void)json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);
        (void)fputc('\n', stdout);
    }
}

static void cli_print_function(const json_t *function)
{
    static const char *const names[] = {"tenant", "function", "version", "previous", "kind",
                                        "sha256", "created",  "updated", "url"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)printf("%-9s %s\n", names[i], cli_text(function, names[i]));
    if (cli_number(function, "config_bytes") > 0)
        cli_print_config(function);
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    if (json_is_true(json_object_get(function, #name)))                                            \
        (void)printf("%-9s " flag ": " text "\n", "choice");
#include "deploy/choices.def"
    if (cli_number(function, "reuse_requests") > 0)
        cli_print_reuse(function);
    cli_print_manifest(json_object_get(function, "manifest"));
    if (json_array_size(json_object_get(function, "versions")) > 1)
        (void)printf("%-9s clients are split between versions: see skerry split %s\n", "traffic",
                     cli_text(function, "function"));
    if (cli_number(function, "quarantined_us") > 0)
        (void)printf("%-9s workers died of this version: it answers 503 for %" JSON_INTEGER_FORMAT
                     " s more, or until another is deployed\n",
                     "state", cli_number(function, "quarantined_us") / 1000000 + 1);
}

enum cli_exit cli_show(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    cli_function_path(cli, cli->options.positional[0], "", path);
    enum cli_exit code = cli_get(cli, path, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        cli_print_function(answer.json);
        cli_next(cli, "skerry versions %s%s   or   curl %s", cli->options.positional[0],
                 cli_flags(cli, flags), cli_text(answer.json, "url"));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* The newest version that is not live: what there is to go to; NULL: there is none. */
static const char *cli_other_version(const json_t *versions)
{
    size_t i;
    json_t *row;
    json_array_foreach(versions, i, row)
    {
        if (!json_is_true(json_object_get(row, "active")))
            return cli_text(row, "version");
    }
    return NULL;
}

static void cli_print_versions(const struct cli *cli, const json_t *versions)
{
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[0];
    const char *other = cli_other_version(versions);
    size_t i;
    json_t *row;
    (void)printf("%-9s %-10s %-10s %-21s %s\n", "VERSION", "KIND", "BYTES", "CREATED", "SHA256");
    json_array_foreach(versions, i, row)
    {
        bool active = json_is_true(json_object_get(row, "active"));
        (void)printf("%s%-8s %-10s %-10" JSON_INTEGER_FORMAT " %-21s %s\n", active ? "*" : " ",
                     cli_text(row, "version"), cli_text(row, "kind"),
                     cli_number(row, "module_bytes"), cli_text(row, "created"),
                     cli_text(row, "sha256"));
    }
    if (other != NULL)
        cli_next(cli, "skerry activate %s %s%s", name, other, cli_flags(cli, flags));
    else
        cli_next(cli, "skerry show %s%s", name, cli_flags(cli, flags));
}

enum cli_exit cli_versions(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    cli_function_path(cli, cli->options.positional[0], "/versions", path);
    enum cli_exit code = cli_get(cli, path, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer))
        cli_print_versions(cli, json_object_get(answer.json, "versions"));
    cli_answer_done(&answer);
    return CLI_OK;
}

/* ---- rollback, activate, rm ------------------------------------------------------------------ */

/* `to` NULL: the version before. */
static enum cli_exit cli_put_live(const struct cli *cli, const char *to)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    json_t *body = to == NULL ? json_object() : json_pack("{s:s}", "to", to);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no version", to == NULL ? "" : to);
    cli_function_path(cli, cli->options.positional[0], "/rollback", path);
    const struct cli_request request = {
        .method = "POST", .path = path, .body = bytes_of_text(text)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%s is at %s now, was at %s\n", cli_text(answer.json, "function"),
                     cli_text(answer.json, "version"), cli_text(answer.json, "previous"));
        if (json_array_size(json_object_get(answer.json, "versions")) > 1)
            (void)printf("its clients are split: see skerry split %s\n",
                         cli_text(answer.json, "function"));
        cli_next(cli, "curl %s", cli_text(answer.json, "url"));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_rollback(struct cli *cli)
{
    bool named = cli->options.positional_count > 1;
    return cli_put_live(cli, named ? cli->options.positional[1] : cli->options.to);
}

enum cli_exit cli_activate(struct cli *cli)
{
    return cli_put_live(cli, cli->options.positional[1]);
}

/* Asks on a terminal; without one, only --yes will do. */
static enum cli_exit cli_confirm(const struct cli *cli, const char *name)
{
    char line[16];
    if (cli->options.yes || cli->options.dry_run)
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_fail(cli, CLI_USAGE, "removing %s cannot be undone: pass --yes", name);
    (void)fprintf(stderr, "Remove %s of tenant %s with all its versions? [y/N] ", name,
                  cli->options.tenant);
    if (fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return CLI_OK;
    return cli_fail(cli, CLI_FAILED, "nothing was removed");
}

enum cli_exit cli_rm(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[0];
    enum cli_exit code = cli_confirm(cli, name);
    if (code != CLI_OK)
        return code;
    cli_function_path(cli, name, "", path);
    const struct cli_request request = {.method = "DELETE", .path = path};
    code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("removed %s and %" JSON_INTEGER_FORMAT " version(s)\n", name,
                     cli_number(answer.json, "version_count"));
        cli_next(cli, "skerry list%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
