/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv: a tenant's keys and values. A value goes to stdout as it is, but for --json.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "deploy/cli/folder/folder.h"
#include "engine/base/clock.h"

#define CLI_KV_PAGES_MAX  10000
#define CLI_KV_PATH_BYTES 2048
#define CLI_KV_KEY_BYTES  440 /* as long as a key may be */
/* More than the server takes, which says how much that is. */
#define CLI_KV_STDIN_BYTES_MAX ((size_t)4 << 20)

/* Appends `text` as it stands in a path or a query. */
static void cli_kv_encode(char path[CLI_KV_PATH_BYTES], const char *text)
{
    size_t used = strlen(path);
    for (size_t i = 0; text[i] != '\0' && used + 4 < CLI_KV_PATH_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        used += (size_t)snprintf(path + used, 4, plain ? "%c" : "%%%02x", c);
    }
}

/* The path of one key; false, and told, if it cannot be one. */
static enum cli_exit cli_kv_path(const struct cli *cli, char ret_path[CLI_KV_PATH_BYTES])
{
    const char *key = cli->options.positional[1];
    size_t count = strlen(key);
    if (count == 0 || count > CLI_KV_KEY_BYTES)
        return cli_fail(cli, CLI_USAGE, "a key has 1 to %d bytes", CLI_KV_KEY_BYTES);
    cli_tenant_path(cli, "/kv/", ret_path);
    cli_kv_encode(ret_path, key);
    return CLI_OK;
}

/* ---- list ------------------------------------------------------------------------------------ */

static void cli_kv_print_rows(const json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const json_t *text = json_object_get(row, "key");
        char bytes[32];
        cli_format_bytes((uint64_t)cli_number(row, "bytes"), bytes);
        (void)printf("%-10s %-21s ", bytes, cli_text(row, "expires"));
        /* As JSON has it: nothing in it reaches the terminal as a control character. */
        (void)json_dumpf(text != NULL ? text : json_object_get(row, "key_base64"), stdout,
                         JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        (void)fputs(text != NULL ? "\n" : " (base64)\n", stdout);
    }
}

static enum cli_exit cli_kv_page(const struct cli *cli,
                                 char path[CLI_KV_PATH_BYTES],
                                 size_t path_count,
                                 uint64_t *printed,
                                 bool *ret_more)
{
    struct cli_answer answer;
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    const json_t *rows = json_object_get(answer.json, "keys");
    const json_t *next = json_object_get(answer.json, "next");
    if (!cli_print_json(cli, &answer)) {
        if (*printed == 0 && json_array_size(rows) > 0)
            (void)printf("%-10s %-21s %s\n", "BYTES", "EXPIRES", "KEY");
        cli_kv_print_rows(rows);
    }
    *printed += json_array_size(rows);
    *ret_more = json_is_string(next);
    if (*ret_more)
        (void)snprintf(path + path_count, CLI_KV_PATH_BYTES - path_count, "&cursor=%s",
                       json_string_value(next));
    else if (!cli->options.json)
        (void)printf("%" JSON_INTEGER_FORMAT " keys of the tenant, %" JSON_INTEGER_FORMAT
                     " of %" JSON_INTEGER_FORMAT " bytes\n",
                     cli_number(answer.json, "key_count"), cli_number(answer.json, "bytes"),
                     cli_number(answer.json, "bytes_max"));
    cli_answer_done(&answer);
    return CLI_OK;
}

static enum cli_exit cli_kv_list(const struct cli *cli)
{
    char path[CLI_KV_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    const char *prefix = cli->options.positional_count > 1 ? cli->options.positional[1] : "";
    uint64_t printed = 0;
    bool more = true;
    if (strlen(prefix) > CLI_KV_KEY_BYTES)
        return cli_fail(cli, CLI_USAGE, "a key has at most %d bytes", CLI_KV_KEY_BYTES);
    cli_tenant_path(cli, "/kv?prefix=", path);
    cli_kv_encode(path, prefix);
    size_t count = strlen(path);
    enum cli_exit code = CLI_OK;
    for (uint32_t page = 0; code == CLI_OK && more && page < CLI_KV_PAGES_MAX; page++)
        code = cli_kv_page(cli, path, count, &printed, &more);
    if (code == CLI_OK && !cli->options.json)
        cli_next(cli, "skerry kv get KEY%s   or   skerry kv put KEY VALUE%s", cli_flags(cli, flags),
                 flags);
    return code;
}

/* ---- one key --------------------------------------------------------------------------------- */

/* As `value` if it is text without NUL, else as `value_base64`; as the server writes keys. */
static enum cli_exit cli_kv_print_json(const struct cli *cli, struct bytes value)
{
    json_t *text = memchr(value.data, '\0', value.count) != NULL
                       ? NULL
                       : json_stringn((const char *)value.data, value.count);
    if (text != NULL) {
        cli_print_value(json_pack("{s:o}", "value", text));
        return CLI_OK;
    }
    unsigned char *base64 = malloc((value.count + 2) / 3 * 4 + 1);
    if (base64 == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    (void)EVP_EncodeBlock(base64, value.data, (int)value.count);
    cli_print_value(json_pack("{s:s}", "value_base64", (const char *)base64));
    free(base64);
    return CLI_OK;
}

static enum cli_exit cli_kv_get(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_KV_PATH_BYTES];
    const struct cli_request request = {.method = "GET", .path = path, .any_bytes = true};
    enum cli_exit code = cli_kv_path(cli, path);
    if (code == CLI_OK)
        code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    const struct bytes value = bytes_make(answer.text.data, answer.text.count - 1);
    if (cli->options.json) {
        code = cli_kv_print_json(cli, value);
    } else {
        (void)fwrite(value.data, 1, value.count, stdout);
        if (isatty(STDOUT_FILENO))
            (void)fputc('\n', stdout);
    }
    cli_answer_done(&answer);
    return code;
}

/* "?ttl=..&if_version=.." of the flags; false, and told, if the time is none. */
static enum cli_exit cli_kv_query(const struct cli *cli, char path[CLI_KV_PATH_BYTES])
{
    const struct cli_options *options = &cli->options;
    size_t used = strlen(path);
    uint64_t ttl_us = 0;
    if (options->ttl != NULL &&
        (!config_parse_quantity(options->ttl, CONFIG_UNIT_MICROSECONDS, &ttl_us) ||
         ttl_us < CLOCK_US_PER_S))
        return cli_fail(cli, CLI_USAGE, "--ttl %.64s: write a time of a second or more, like 60s",
                        options->ttl);
    if (options->ttl != NULL)
        used += (size_t)snprintf(path + used, CLI_KV_PATH_BYTES - used, "?ttl=%llu",
                                 (unsigned long long)(ttl_us / CLOCK_US_PER_S));
    if (options->if_version == NULL)
        return CLI_OK;
    (void)snprintf(path + used, CLI_KV_PATH_BYTES - used,
                   "%sif_version=", options->ttl != NULL ? "&" : "?");
    cli_kv_encode(path, options->if_version);
    return CLI_OK;
}

static enum cli_exit cli_kv_change(const struct cli *cli, struct cli_request *request)
{
    struct cli_answer answer;
    char path[CLI_KV_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    char word[CLI_PATH_BYTES];
    request->path = path;
    enum cli_exit code = cli_kv_path(cli, path);
    if (code == CLI_OK)
        code = cli_kv_query(cli, path);
    if (code == CLI_OK)
        code = cli_call(cli, request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)cli_flags(cli, flags);
        if (cli_number(answer.json, "version") == 0) {
            (void)printf("removed\n");
            cli_next(cli, "skerry kv list%s", flags);
        } else {
            (void)printf("version %" JSON_INTEGER_FORMAT "\n", cli_number(answer.json, "version"));
            cli_next(cli, "skerry kv get %s%s", cli_quote(cli->options.positional[1], word), flags);
        }
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

/* All that stdin has, as it is. */
static enum cli_exit cli_kv_put_stdin(const struct cli *cli, struct cli_request *request)
{
    struct buffer value;
    buffer_init(&value, CLI_KV_STDIN_BYTES_MAX);
    enum cli_exit code = CLI_OK;
    if (!cli_read_stdin(&value))
        code = cli_fail(cli, errno == EFBIG ? CLI_LIMIT : CLI_FAILED, "cannot read stdin: %s",
                        strerrordesc_np(errno));
    request->body = buffer_bytes(&value);
    if (code == CLI_OK)
        code = cli_kv_change(cli, request);
    buffer_done(&value);
    return code;
}

enum cli_exit cli_kv(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *action = options->positional[0];
    uint32_t count = options->positional_count;
    struct cli_request request = {
        .method = "PUT", .file = options->file, .type = "application/octet-stream"};
    if (strcmp(action, "list") == 0 && count <= 2)
        return cli_kv_list(cli);
    if (strcmp(action, "get") == 0 && count == 2)
        return cli_kv_get(cli);
    if (strcmp(action, "put") == 0 && count == (options->file == NULL ? 3U : 2U)) {
        if (options->file == NULL && strcmp(options->positional[2], "-") == 0)
            return cli_kv_put_stdin(cli, &request);
        if (options->file == NULL)
            request.body = bytes_of_text(options->positional[2]);
        return cli_kv_change(cli, &request);
    }
    request.method = "DELETE";
    if (strcmp(action, "rm") == 0 && count == 2)
        return cli_kv_change(cli, &request);
    return cli_fail(
        cli, CLI_USAGE,
        "usage: skerry kv list [PREFIX], get KEY, put KEY VALUE (- for stdin) or rm KEY");
}
