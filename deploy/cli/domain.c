/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain: the hosts of a tenant, what proves them, and where they lead.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define CLI_DOMAIN_PAGES_MAX 10000

static void cli_print_domain(const json_t *row)
{
    const json_t *challenge = json_object_get(row, "challenge");
    const json_t *acme = json_object_get(row, "acme"); /* what failed */
    (void)printf("%-32s %-24s %-6s %s\n", cli_text(row, "host"), cli_text(row, "function"),
                 cli_text(row, "tls"), cli_text(row, "proof"));
    if (json_is_object(challenge))
        (void)printf("  to prove it, add: %s %s \"%s\"\n", cli_text(challenge, "name"),
                     cli_text(challenge, "type"), cli_text(challenge, "value"));
    if (json_is_object(acme))
        (void)printf("  no certificate yet: %s; tried again %s, or when it is added again\n",
                     cli_text(acme, "error"), cli_text(acme, "next"));
}

static enum cli_exit cli_domain_page(const struct cli *cli, char *after, size_t bytes, bool first)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    char rest[CLI_PATH_BYTES / 2];
    size_t i;
    json_t *row;
    (void)snprintf(rest, sizeof(rest), "/domains%s%s", after[0] == '\0' ? "" : "?after=", after);
    cli_tenant_path(cli, rest, path);
    after[0] = '\0';
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    const json_t *rows = json_object_get(answer.json, "domains");
    if (!cli_print_json(cli, &answer)) {
        if (first && json_array_size(rows) > 0)
            (void)printf("%-32s %-24s %-6s %s\n", "HOST", "FUNCTION", "TLS", "PROOF");
        json_array_foreach(rows, i, row)
        {
            cli_print_domain(row);
        }
        if (first && json_array_size(rows) == 0)
            (void)printf("tenant %s has no domains\n", cli->options.tenant);
        if (first)
            cli_next(cli, "skerry domain add HOST NAME%s", cli_flags(cli, flags));
    }
    const json_t *next = json_object_get(answer.json, "next");
    if (json_is_string(next))
        (void)snprintf(after, bytes, "%s", json_string_value(next));
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_domain_list(const struct cli *cli)
{
    char after[256] = "";
    enum cli_exit code = CLI_OK;
    for (uint32_t page = 0; code == CLI_OK && page < CLI_DOMAIN_PAGES_MAX; page++) {
        code = cli_domain_page(cli, after, sizeof(after), page == 0);
        if (after[0] == '\0')
            break;
    }
    return code;
}

/* {"function":...,"tls":...}; to be freed. */
static char *cli_domain_body(const struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    json_t *body = json_object();
    if (options->positional_count > 2)
        (void)json_object_set_new(body, "function", json_string(options->positional[2]));
    if (options->tls != NULL)
        (void)json_object_set_new(body, "tls", json_string(options->tls));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static enum cli_exit cli_domain_send(const struct cli *cli, const char *method, const char *body)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char rest[CLI_PATH_BYTES / 2];
    char flags[CLI_FLAGS_BYTES];
    const char *host = cli->options.positional[1];
    char *escaped = strlen(host) > 128 ? NULL : curl_easy_escape(NULL, host, 0);
    if (escaped == NULL && strlen(host) > 128)
        return cli_fail(cli, CLI_USAGE, "`%.64s...` is too long for a host", host);
    (void)snprintf(rest, sizeof(rest), "/domains/%s", escaped == NULL ? "" : escaped);
    curl_free(escaped);
    cli_tenant_path(cli, rest, path);
    const struct cli_request request = {.method = method,
                                        .path = path,
                                        .body = body == NULL ? bytes_make(NULL, 0)
                                                             : bytes_of_text(body)};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        if (json_is_true(json_object_get(answer.json, "deleted")))
            (void)printf("removed %s\n", cli_text(answer.json, "host"));
        else
            cli_print_domain(answer.json);
        cli_next(cli, "skerry domain list%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_domain(struct cli *cli)
{
    const char *action = cli->options.positional[0];
    uint32_t count = cli->options.positional_count;
    if (strcmp(action, "list") == 0 && count == 1)
        return cli_domain_list(cli);
    if (strcmp(action, "show") == 0 && count == 2)
        return cli_domain_send(cli, "GET", NULL);
    if (strcmp(action, "rm") == 0 && count == 2)
        return cli_domain_send(cli, "DELETE", NULL);
    if (strcmp(action, "add") != 0 || count < 2)
        return cli_fail(cli, CLI_USAGE,
                        "usage: skerry domain list   or   skerry domain add HOST [NAME] [--tls "
                        "MODE]   or   skerry domain show HOST   or   skerry domain rm HOST");
    char *body = cli_domain_body(cli);
    if (body == NULL)
        return cli_fail(cli, CLI_USAGE, "a word is no text in UTF-8");
    enum cli_exit code = cli_domain_send(cli, "PUT", body);
    free(body);
    return code;
}
