/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags and environment of the client verbs, and where the server is: --url, or the socket
 * that --admin-socket or --data names, or SKERRY_URL, or the socket of the configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"
#include "deploy/deploy.h"

#define CLI_UNIX_PREFIX    "unix:"
#define CLI_DEFAULT_TENANT "default"

enum cli_flag_kind {
    CLI_FLAG_SET,    /* a bool */
    CLI_FLAG_TEXT,   /* a const char *, the flag's value */
    CLI_FLAG_CHOICE, /* a bit of `choices` */
};

static const struct cli_flag {
    const char *name;
    char letter; /* 0: none */
    enum cli_flag_kind kind;
    size_t offset; /* in struct cli_options; of a choice: its bit */
} cli_flags_known[] = {
#define SET(name, letter, field)                                                                   \
    {                                                                                              \
        name, letter, CLI_FLAG_SET, offsetof(struct cli_options, field)                            \
    }
#define TEXT(name, letter, field)                                                                  \
    {                                                                                              \
        name, letter, CLI_FLAG_TEXT, offsetof(struct cli_options, field)                           \
    }
    SET("json", 0, json),
    SET("quiet", 'q', quiet),
    SET("yes", 'y', yes),
    SET("help", 'h', help),
    TEXT("tenant", 't', tenant),
    TEXT("name", 'n', name),
    TEXT("url", 0, url),
    TEXT("ca", 0, ca),
    TEXT("client-cert", 0, client_cert),
    TEXT("data", 0, data),
    TEXT("admin-socket", 0, admin_socket),
    SET("dry-run", 0, dry_run),
    SET("no-activate", 0, no_activate),
    TEXT("to", 0, to),
    TEXT("config", 'c', config),
    TEXT("config-file", 0, config_file),
    TEXT("warm", 0, warm),
    TEXT("reuse", 0, reuse),
    TEXT("reuse-for", 0, reuse_for),
    TEXT("ttl", 0, ttl),
    TEXT("if-version", 0, if_version),
    TEXT("file", 0, file),
    TEXT("since", 0, since),
    TEXT("level", 0, level),
    TEXT("limit", 0, limit),
    TEXT("tls", 0, tls),
    TEXT("percent", 0, percent),
    TEXT("health", 0, health),
    TEXT("overlap", 0, overlap),
    TEXT("missed", 0, missed),
    TEXT("by", 0, by),
    TEXT("runtime", 0, runtime),
    TEXT("canary", 0, canary),
    SET("follow", 'f', follow),
    SET("all-tenants", 0, all_tenants),
    SET("verify", 0, verify),
    TEXT("verbs", 0, verbs),
    TEXT("functions", 0, functions),
    TEXT("expires", 0, expires),
    TEXT("note", 0, note),
    TEXT("before", 0, before),
    SET("no-build", 0, no_build),
    TEXT("listen", 0, listen),
    SET("secrets", 0, secrets),
    SET("no-secrets", 0, no_secrets),
    TEXT("sign", 0, sign),
#define CHOICE(NAME, bit, name, flag, text) {flag, 0, CLI_FLAG_CHOICE, DEPLOY_##NAME},
#include "deploy/choices.def"
#undef SET
#undef TEXT
};

#define CLI_FLAG_FIRST 256 /* values of getopt_long: the row's index and this */

static const char *cli_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void
cli_set_flag(struct cli_options *options, const struct cli_flag *flag, const char *value)
{
    uint8_t *base = (uint8_t *)options;
    switch (flag->kind) {
    case CLI_FLAG_SET:
        *(bool *)(base + flag->offset) = true;
        return;
    case CLI_FLAG_TEXT:
        *(const char **)(void *)(base + flag->offset) = value;
        return;
    case CLI_FLAG_CHOICE:
        options->choices |= (uint32_t)flag->offset;
        return;
    }
}

/* The table as getopt_long wants it. */
static void cli_fill_options(struct option ret_options[COUNT_OF(cli_flags_known) + 1],
                             char ret_letters[2 * COUNT_OF(cli_flags_known) + 1])
{
    size_t used = 0;
    for (size_t i = 0; i < COUNT_OF(cli_flags_known); i++) {
        const struct cli_flag *flag = &cli_flags_known[i];
        bool text = flag->kind == CLI_FLAG_TEXT;
        ret_options[i] = (struct option){.name = flag->name,
                                         .has_arg = text ? required_argument : no_argument,
                                         .val = CLI_FLAG_FIRST + (int)i};
        if (flag->letter != 0)
            ret_letters[used++] = flag->letter;
        if (flag->letter != 0 && text)
            ret_letters[used++] = ':';
    }
    ret_options[COUNT_OF(cli_flags_known)] = (struct option){0};
    ret_letters[used] = '\0';
}

/* NULL: there is no such flag. */
static const struct cli_flag *cli_find_flag(int found)
{
    if (found >= CLI_FLAG_FIRST)
        return &cli_flags_known[found - CLI_FLAG_FIRST];
    for (size_t i = 0; i < COUNT_OF(cli_flags_known); i++) {
        if (cli_flags_known[i].letter == found)
            return &cli_flags_known[i];
    }
    return NULL;
}

/* Is "--name" a word of the text? */
static bool cli_names_flag(const char *text, const char *name)
{
    size_t count = strlen(name);
    for (const char *at = strstr(text, "--"); at != NULL; at = strstr(at + 2, "--")) {
        char next = strncmp(at + 2, name, count) == 0 ? at[2 + count] : '-';
        if (next != '-' && (next < 'a' || next > 'z'))
            return true;
    }
    return false;
}

static bool cli_takes_flag(const struct cli *cli, const struct cli_flag *flag)
{
    for (size_t i = 0; i < COUNT_OF(cli->takes); i++) {
        if (cli->takes[i] == NULL || cli_names_flag(cli->takes[i], flag->name))
            return true;
    }
    return strcmp(flag->name, "help") == 0;
}

static enum cli_exit cli_scan(struct cli *cli, int argc, char **argv)
{
    struct cli_options *options = &cli->options;
    struct option known[COUNT_OF(cli_flags_known) + 1];
    char letters[2 * COUNT_OF(cli_flags_known) + 1];
    int found;
    cli_fill_options(known, letters);
    optind = 0; /* glibc: start over */
    opterr = 0;
    while ((found = getopt_long(argc, argv, letters, known, NULL)) != -1) {
        const struct cli_flag *flag = cli_find_flag(found);
        if (flag != NULL && !cli_takes_flag(cli, flag))
            return cli_fail(cli, CLI_USAGE, "--%s says nothing to it: see skerry %s --help",
                            flag->name, cli->verb);
        if (flag != NULL) {
            cli_set_flag(options, flag, optarg);
            continue;
        }
        return cli_fail(cli, CLI_USAGE,
                        "unknown flag, or one without its value, near `%s`: see "
                        "skerry %s --help",
                        argv[optind > 0 ? optind - 1 : 0], cli->verb);
    }
    for (; optind < argc; optind++) {
        if (options->positional_count == CLI_POSITIONAL_MAX)
            return cli_fail(cli, CLI_USAGE, "too many words: see skerry %s --help", cli->verb);
        options->positional[options->positional_count++] = argv[optind];
    }
    return CLI_OK;
}

enum cli_exit cli_refuse_rehearsal(const struct cli *cli)
{
    if (!cli->options.dry_run)
        return CLI_OK;
    return cli_fail(cli, CLI_USAGE, "it changes nothing of the server's: leave --dry-run out");
}

static enum cli_exit cli_use_url(struct cli *cli, const char *url)
{
    size_t prefix = strlen(CLI_UNIX_PREFIX);
    bool is_socket = strncmp(url, CLI_UNIX_PREFIX, prefix) == 0;
    const char *path = is_socket ? url + prefix : url;
    size_t count = strlen(path);
    if (count >= CLI_PATH_BYTES || count == 0)
        return cli_fail(cli, CLI_USAGE,
                        "`%.200s` is no address of a server: write "
                        "https://HOST:PORT, http://HOST:PORT or unix:PATH",
                        url);
    if (is_socket) {
        memcpy(cli->socket, path, count + 1);
        (void)snprintf(cli->base, sizeof(cli->base), "http://localhost");
        return CLI_OK;
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return cli_fail(cli, CLI_USAGE,
                        "`%.200s` is no address of a server: write "
                        "https://HOST:PORT, http://HOST:PORT or unix:PATH",
                        url);
    memcpy(cli->base, path, count + 1);
    if (cli->base[count - 1] == '/')
        cli->base[count - 1] = '\0';
    return CLI_OK;
}

enum cli_exit cli_use_socket(struct cli *cli, const char *path)
{
    char url[CLI_PATH_BYTES];
    (void)snprintf(url, sizeof(url), CLI_UNIX_PREFIX "%s", path);
    return cli_use_url(cli, url);
}

/* The socket that a server on this machine listens on, by the same rules as its own. */
static enum cli_exit cli_find_socket(struct cli *cli)
{
    struct config config;
    struct report report = REPORT_INIT;
    char file[CONFIG_PATH_BYTES];
    const char *data = cli->options.data;
    if (cli->options.admin_socket != NULL)
        return cli_use_socket(cli, cli->options.admin_socket);
    config_default_file(file);
    /* The flag goes before the environment: there it takes the same way. */
    if (data != NULL && setenv("SKERRY_DATA_DIR", data, 1) != 0)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    enum status status = config_defaults(&config, &report);
    if (status == STATUS_OK && file[0] != '\0')
        status = config_load_file(&config, file, &report);
    if (status == STATUS_OK)
        status = config_check(&config, &report);
    if (status != STATUS_OK)
        return cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
    if (config.admin_socket[0] == '\0')
        return cli_fail(cli, CLI_USAGE, "the server has no admin socket: pass --url");
    return cli_use_socket(cli, config.admin_socket);
}

/* The environment's, else what `skerry login` kept. On a socket it takes none. */
static enum cli_exit cli_choose_token(struct cli *cli)
{
    const char *token = cli_environment("SKERRY_TOKEN");
    if (token == NULL)
        return cli->socket[0] != '\0' || cli_find_token(cli, cli->token) ? CLI_OK : CLI_FAILED;
    if (strlen(token) >= sizeof(cli->token))
        return cli_fail(cli, CLI_USAGE, "SKERRY_TOKEN is longer than a token is");
    memcpy(cli->token, token, strlen(token) + 1);
    return CLI_OK;
}

enum cli_exit cli_options_parse(struct cli *cli, bool wants_server, int argc, char **argv)
{
    struct cli_options *options = &cli->options;
    enum cli_exit code = cli_scan(cli, argc, argv);
    if (code != CLI_OK || options->help)
        return code;
    if (options->tenant == NULL)
        options->tenant = cli_environment("SKERRY_TENANT");
    options->tenant_is_default = options->tenant == NULL;
    if (options->tenant == NULL)
        options->tenant = CLI_DEFAULT_TENANT;
    if (options->ca == NULL)
        options->ca = cli_environment("SKERRY_CA");
    if (options->client_cert == NULL)
        options->client_cert = cli_environment("SKERRY_CLIENT_CERT");
    if (!wants_server)
        return CLI_OK;
    if (options->url != NULL)
        code = cli_use_url(cli, options->url);
    else if (options->data == NULL && options->admin_socket == NULL &&
             cli_environment("SKERRY_URL") != NULL)
        code = cli_use_url(cli, cli_environment("SKERRY_URL"));
    else
        code = cli_find_socket(cli);
    return code == CLI_OK ? cli_choose_token(cli) : code;
}
