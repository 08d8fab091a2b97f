/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: certificates of hosts. Chain and key come from files and go to the server; the key never
 * comes back.
 */
#include <curl/curl.h>
#include <stdio.h>

#include "deploy/cli/cli.h"

#define CLI_PEM_BYTES_MAX  131072
#define CLI_HOST_BYTES_MAX 128 /* escaped they may be three times that */
#define CLI_CERT_PAGES_MAX 10000

/* The operator's; of a tenant that was named, the tenant's. */
static void cli_cert_room(const struct cli *cli, char ret_path[CLI_PATH_BYTES])
{
    if (cli->options.tenant_is_default)
        (void)snprintf(ret_path, CLI_PATH_BYTES, "/v1/certificates");
    else
        cli_tenant_path(cli, "/certificates", ret_path);
}

/* What is no host is for the server to refuse. */
static void cli_cert_path(const struct cli *cli, char ret_path[CLI_PATH_BYTES])
{
    char room[CLI_PATH_BYTES];
    const char *host = cli->options.positional[1];
    char *escaped = strlen(host) > CLI_HOST_BYTES_MAX ? NULL : curl_easy_escape(NULL, host, 0);
    cli_cert_room(cli, room);
    (void)snprintf(ret_path, CLI_PATH_BYTES, "%.*s/%s", CLI_PATH_BYTES / 2, room,
                   escaped == NULL ? "-" : escaped);
    curl_free(escaped);
}

/* A page of them; `after` becomes where the next one begins, "" if there is none. */
static enum cli_exit cli_cert_page(const struct cli *cli, char after[CLI_PATH_BYTES])
{
    struct cli_answer answer;
    char path[3 * CLI_PATH_BYTES];
    char room[CLI_PATH_BYTES];
    size_t i;
    json_t *row;
    cli_cert_room(cli, room);
    (void)snprintf(path, sizeof(path), "%s%s%s", room, after[0] == '\0' ? "" : "?after=", after);
    after[0] = '\0';
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        json_array_foreach(json_object_get(answer.json, "certificates"), i, row)
        {
            (void)printf("%-40s until %s  (%s)\n", json_string_value(json_object_get(row, "host")),
                         json_string_value(json_object_get(row, "not_after")),
                         json_string_value(json_object_get(row, "origin")));
        }
    }
    const json_t *next = json_object_get(answer.json, "next");
    if (json_is_string(next))
        (void)snprintf(after, CLI_PATH_BYTES, "%s", json_string_value(next));
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_cert_list(const struct cli *cli)
{
    char flags[CLI_FLAGS_BYTES];
    char after[CLI_PATH_BYTES] = "";
    uint32_t pages = 0;
    enum cli_exit code;
    do {
        code = cli_cert_page(cli, after);
    } while (code == CLI_OK && after[0] != '\0' && ++pages < CLI_CERT_PAGES_MAX);
    if (code == CLI_OK && !cli->options.json)
        cli_next(cli, "skerry cert add HOST CHAIN.pem KEY.pem%s", cli_flags(cli, flags));
    return code;
}

static enum cli_exit
cli_cert_change(const struct cli *cli, const struct cli_request *request, const char *done)
{
    char flags[CLI_FLAGS_BYTES];
    struct cli_answer answer;
    enum cli_exit code = cli_call(cli, request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%s\n", done);
        cli_next(cli, "skerry cert list%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* Appends a file; false: it cannot be read, or is too large. */
static bool cli_cert_read(const char *path, struct buffer *pem)
{
    uint8_t chunk[4096];
    size_t count;
    FILE *file = fopen(path, "rbe");
    bool read = file != NULL;
    while (read && (count = fread(chunk, 1, sizeof(chunk), file)) > 0)
        read = buffer_append(pem, chunk, count) == STATUS_OK;
    read = read && ferror(file) == 0 && buffer_append(pem, "\n", 1) == STATUS_OK;
    if (file != NULL)
        (void)fclose(file);
    explicit_bzero(chunk, sizeof(chunk));
    return read;
}

static enum cli_exit cli_cert_add(const struct cli *cli, const char *path)
{
    const struct cli_options *options = &cli->options;
    struct buffer pem;
    enum cli_exit code = CLI_OK;
    buffer_init(&pem, CLI_PEM_BYTES_MAX);
    if (buffer_reserve(&pem, CLI_PEM_BYTES_MAX) != STATUS_OK) /* it is not copied */
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    for (uint32_t i = 2; code == CLI_OK && i < options->positional_count; i++) {
        if (!cli_cert_read(options->positional[i], &pem))
            code = cli_fail(cli, CLI_FAILED, "%s cannot be read, or is larger than %d bytes",
                            options->positional[i], CLI_PEM_BYTES_MAX);
    }
    const struct cli_request request = {.method = "PUT",
                                        .path = path,
                                        .type = "application/x-pem-file",
                                        .body = buffer_bytes(&pem)};
    if (code == CLI_OK)
        code = cli_cert_change(cli, &request, "kept; the next handshake shows it");
    if (pem.data != NULL)
        explicit_bzero(pem.data, pem.capacity);
    buffer_done(&pem);
    return code;
}

enum cli_exit cli_cert(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    uint32_t count = options->positional_count;
    char path[CLI_PATH_BYTES];
    struct cli_request request = {.method = "DELETE", .path = path};
    if (strcmp(action, "list") == 0 && count == 1)
        return cli_cert_list(cli);
    if (count > 1)
        cli_cert_path(cli, path);
    if (strcmp(action, "rm") == 0 && count == 2)
        return cli_cert_change(cli, &request, "removed");
    if (strcmp(action, "add") == 0 && (count == 3 || count == 4))
        return cli_cert_add(cli, path);
    return cli_fail(cli, CLI_USAGE,
                    "usage: skerry cert list, add HOST CHAIN.pem [KEY.pem] or rm HOST");
}
