/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split, promote: which versions a function's clients get. Who changes shares changes those that he
 * saw: the deployment's entity tag goes with the change.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

static void cli_print_shares(const json_t *deployment)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(deployment, "versions"), i, row)
    {
        (void)printf("  %-8s %6g %%  %s\n", cli_text(row, "version"),
                     json_number_value(json_object_get(row, "percent")), cli_text(row, "url"));
    }
}

static void cli_print_deployment(const struct cli *cli, const json_t *deployment)
{
    const json_t *canary = json_object_get(deployment, "canary");
    const json_t *previous = json_object_get(deployment, "previous");
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[0];
    bool splits = json_array_size(json_object_get(deployment, "versions")) > 1;
    (void)printf("%s since %s, clients by %s\n", name, cli_text(deployment, "since"),
                 cli_text(deployment, "by"));
    cli_print_shares(deployment);
    if (json_is_object(canary))
        (void)printf("  undone when the newest fails %g times as often as the rest, from "
                     "%" JSON_INTEGER_FORMAT " requests on\n",
                     json_number_value(json_object_get(canary, "factor")),
                     cli_number(canary, "requests"));
    if (json_is_object(previous)) {
        (void)printf("before that\n");
        cli_print_shares(previous);
    }
    if (splits)
        cli_next(cli, "skerry promote %s%s   or   skerry rollback %s%s", name,
                 cli_flags(cli, flags), name, flags);
    else
        cli_next(cli, "skerry versions %s%s", name, cli_flags(cli, flags));
}

static enum cli_exit cli_get_deployment(const struct cli *cli, struct cli_answer *ret_answer)
{
    char path[CLI_PATH_BYTES];
    cli_function_path(cli, cli->options.positional[0], "/deployment", path);
    const struct cli_request request = {.method = "GET", .path = path};
    return cli_call(cli, &request, ret_answer);
}

/* Takes over `body`. */
static enum cli_exit cli_put_deployment(const struct cli *cli, const char *if_match, json_t *body)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return cli_fail(cli, CLI_USAGE, "a word is no text in UTF-8");
    cli_function_path(cli, cli->options.positional[0], "/deployment", path);
    const struct cli_request request = {
        .method = "PUT", .path = path, .body = bytes_of_text(text), .if_match = if_match};
    enum cli_exit code = cli_call(cli, &request, &answer);
    free(text);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer))
        cli_print_deployment(cli, answer.json);
    cli_answer_done(&answer);
    return CLI_OK;
}

static json_t *cli_share(const char *version, double percent)
{
    return json_pack("{s:s, s:f}", "version", version, "percent", percent);
}

/* ---- split ----------------------------------------------------------------------------------- */

/* "v3=90"; NULL: it is none. */
static json_t *cli_parse_share(const char *word)
{
    char version[16];
    const char *equals = strchr(word, '=');
    char *end;
    if (equals == NULL || equals == word || (size_t)(equals - word) >= sizeof(version))
        return NULL;
    memcpy(version, word, (size_t)(equals - word));
    version[equals - word] = '\0';
    double percent = strtod(equals + 1, &end);
    return end == equals + 1 || *end != '\0' ? NULL : cli_share(version, percent);
}

/* {"factor":...,"requests":...}; NULL: the flags' values are none. */
static json_t *cli_canary(const struct cli *cli)
{
    char *end;
    double factor = strtod(cli->options.canary, &end);
    if (end == cli->options.canary || *end != '\0')
        return NULL;
    return json_pack("{s:f}", "factor", factor);
}

enum cli_exit cli_split(struct cli *cli)
{
    struct cli_answer answer;
    const struct cli_options *options = &cli->options;
    if (options->positional_count == 1) {
        enum cli_exit code = cli_get_deployment(cli, &answer);
        if (code != CLI_OK)
            return code;
        if (!cli_print_json(cli, &answer))
            cli_print_deployment(cli, answer.json);
        cli_answer_done(&answer);
        return CLI_OK;
    }
    json_t *rows = json_array();
    json_t *body = json_pack("{s:o}", "versions", rows);
    for (uint32_t i = 1; i < options->positional_count; i++) {
        json_t *row = cli_parse_share(options->positional[i]);
        if (row == NULL) {
            json_decref(body);
            return cli_fail(cli, CLI_USAGE, "`%.64s` is no share: write it like v3=90",
                            options->positional[i]);
        }
        (void)json_array_append_new(rows, row);
    }
    if (options->by != NULL)
        (void)json_object_set_new(body, "by", json_string(options->by));
    json_t *canary = options->canary == NULL ? NULL : cli_canary(cli);
    if (options->canary != NULL && canary == NULL) {
        json_decref(body);
        return cli_fail(cli, CLI_USAGE, "--canary %.64s: write a factor, like 2", options->canary);
    }
    if (canary != NULL)
        (void)json_object_set_new(body, "canary", canary);
    return cli_put_deployment(cli, NULL, body);
}

/* ---- promote --------------------------------------------------------------------------------- */

/* The version with the smallest share, the newest of equal ones. */
static const char *cli_least(const json_t *versions)
{
    size_t i;
    json_t *row;
    const char *least = NULL;
    double percent = 0;
    json_array_foreach(versions, i, row)
    {
        double own = json_number_value(json_object_get(row, "percent"));
        if (least == NULL || own < percent) {
            least = cli_text(row, "version");
            percent = own;
        }
    }
    return least;
}

/* Whom the rest stays with: the one with the largest share that is not promoted. */
static const char *cli_most_of_rest(const json_t *versions, const char *promoted)
{
    size_t i;
    json_t *row;
    const char *most = NULL;
    double percent = 0;
    json_array_foreach(versions, i, row)
    {
        double own = json_number_value(json_object_get(row, "percent"));
        if (strcmp(cli_text(row, "version"), promoted) == 0 || own < percent)
            continue;
        most = cli_text(row, "version");
        percent = own;
    }
    return most;
}

/* NULL, and told: there is nothing to promote. */
static json_t *cli_promoted(const struct cli *cli, const json_t *deployment, double percent)
{
    const json_t *versions = json_object_get(deployment, "versions");
    const char *version = cli->options.positional_count > 1 ? cli->options.positional[1] : NULL;
    if (version == NULL && json_array_size(versions) > 1)
        version = cli_least(versions);
    if (version == NULL) {
        (void)cli_fail(cli, CLI_CONFLICT,
                       "clients get one version only: name the one to promote, see skerry versions "
                       "%s",
                       cli->options.positional[0]);
        return NULL;
    }
    const char *rest = percent < 100 ? cli_most_of_rest(versions, version) : NULL;
    json_t *rows = json_array();
    (void)json_array_append_new(rows, cli_share(version, rest == NULL ? 100 : percent));
    if (rest != NULL)
        (void)json_array_append_new(rows, cli_share(rest, 100 - percent));
    json_t *body = json_pack("{s:o}", "versions", rows);
    if (rest != NULL) {
        json_t *canary = json_object_get(deployment, "canary");
        (void)json_object_set(body, "by", json_object_get(deployment, "by"));
        (void)json_object_set(body, "canary", canary == NULL ? json_null() : canary);
    }
    return body;
}

enum cli_exit cli_promote(struct cli *cli)
{
    struct cli_answer answer;
    char *end = NULL;
    const char *text = cli->options.percent;
    double percent = text == NULL ? 100 : strtod(text, &end);
    if (text != NULL && (end == text || *end != '\0' || !(percent > 0 && percent <= 100)))
        return cli_fail(cli, CLI_USAGE, "--percent %.64s: write a share above 0, up to 100", text);
    enum cli_exit code = cli_get_deployment(cli, &answer);
    if (code != CLI_OK)
        return code;
    json_t *body = cli_promoted(cli, answer.json, percent);
    code =
        body == NULL ? CLI_CONFLICT : cli_put_deployment(cli, cli_text(answer.json, "etag"), body);
    cli_answer_done(&answer);
    return code;
}
