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

enum cli_flag {
    CLI_FLAG_JSON = 256,
    CLI_FLAG_URL,
    CLI_FLAG_DATA,
    CLI_FLAG_ADMIN_SOCKET,
    CLI_FLAG_DRY_RUN,
    CLI_FLAG_NO_ACTIVATE,
    CLI_FLAG_TO,
    CLI_FLAG_CONFIG_FILE,
    CLI_FLAG_REUSE,
    CLI_FLAG_REUSE_FOR,
    CLI_FLAG_TTL,
    CLI_FLAG_IF_VERSION,
    CLI_FLAG_FILE,
#define CHOICE(NAME, bit, name, flag, text) CLI_FLAG_##NAME,
#include "deploy/choices.def"
};

static const struct option cli_long_options[] = {
    {"json", no_argument, NULL, CLI_FLAG_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"yes", no_argument, NULL, 'y'},
    {"help", no_argument, NULL, 'h'},
    {"tenant", required_argument, NULL, 't'},
    {"name", required_argument, NULL, 'n'},
    {"url", required_argument, NULL, CLI_FLAG_URL},
    {"data", required_argument, NULL, CLI_FLAG_DATA},
    {"admin-socket", required_argument, NULL, CLI_FLAG_ADMIN_SOCKET},
    {"dry-run", no_argument, NULL, CLI_FLAG_DRY_RUN},
    {"no-activate", no_argument, NULL, CLI_FLAG_NO_ACTIVATE},
    {"to", required_argument, NULL, CLI_FLAG_TO},
    {"config", required_argument, NULL, 'c'},
    {"config-file", required_argument, NULL, CLI_FLAG_CONFIG_FILE},
    {"reuse", required_argument, NULL, CLI_FLAG_REUSE},
    {"reuse-for", required_argument, NULL, CLI_FLAG_REUSE_FOR},
    {"ttl", required_argument, NULL, CLI_FLAG_TTL},
    {"if-version", required_argument, NULL, CLI_FLAG_IF_VERSION},
    {"file", required_argument, NULL, CLI_FLAG_FILE},
#define CHOICE(NAME, bit, name, flag, text) {flag, no_argument, NULL, CLI_FLAG_##NAME},
#include "deploy/choices.def"
    {NULL, 0, NULL, 0},
};

static const char *cli_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* False if there is no such flag. */
static bool cli_set_flag(struct cli_options *options, int flag, const char *value)
{
    switch (flag) {
    case CLI_FLAG_JSON:
        options->json = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    case 'y':
        options->yes = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 't':
        options->tenant = value;
        return true;
    case 'n':
        options->name = value;
        return true;
    case CLI_FLAG_URL:
        options->url = value;
        return true;
    case CLI_FLAG_DATA:
        options->data = value;
        return true;
    case CLI_FLAG_ADMIN_SOCKET:
        options->admin_socket = value;
        return true;
    case CLI_FLAG_DRY_RUN:
        options->dry_run = true;
        return true;
    case CLI_FLAG_NO_ACTIVATE:
        options->no_activate = true;
        return true;
    case CLI_FLAG_TO:
        options->to = value;
        return true;
    case 'c':
        options->config = value;
        return true;
    case CLI_FLAG_CONFIG_FILE:
        options->config_file = value;
        return true;
    case CLI_FLAG_REUSE:
        options->reuse = value;
        return true;
    case CLI_FLAG_REUSE_FOR:
        options->reuse_for = value;
        return true;
    case CLI_FLAG_TTL:
        options->ttl = value;
        return true;
    case CLI_FLAG_IF_VERSION:
        options->if_version = value;
        return true;
    case CLI_FLAG_FILE:
        options->file = value;
        return true;
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    case CLI_FLAG_##NAME:                                                                          \
        options->choices |= DEPLOY_##NAME;                                                         \
        return true;
#include "deploy/choices.def"
    default:
        return false;
    }
}

static enum cli_exit cli_scan(struct cli *cli, int argc, char **argv)
{
    struct cli_options *options = &cli->options;
    int flag;
    optind = 0; /* glibc: start over */
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "qyht:n:c:", cli_long_options, NULL)) != -1) {
        if (cli_set_flag(options, flag, optarg))
            continue;
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

static enum cli_exit cli_use_url(struct cli *cli, const char *url)
{
    size_t prefix = strlen(CLI_UNIX_PREFIX);
    bool is_socket = strncmp(url, CLI_UNIX_PREFIX, prefix) == 0;
    const char *path = is_socket ? url + prefix : url;
    size_t count = strlen(path);
    if (count >= CLI_PATH_BYTES || count == 0)
        return cli_fail(cli, CLI_USAGE,
                        "`%.200s` is no address of a server: write "
                        "http://HOST:PORT or unix:PATH",
                        url);
    if (is_socket) {
        memcpy(cli->socket, path, count + 1);
        (void)snprintf(cli->base, sizeof(cli->base), "http://localhost");
        return CLI_OK;
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return cli_fail(cli, CLI_USAGE,
                        "`%.200s` is no address of a server: write "
                        "http://HOST:PORT or unix:PATH",
                        url);
    memcpy(cli->base, path, count + 1);
    if (cli->base[count - 1] == '/')
        cli->base[count - 1] = '\0';
    return CLI_OK;
}

/* The socket that a server on this machine listens on, by the same rules as its own. */
static enum cli_exit cli_find_socket(struct cli *cli)
{
    struct config config;
    struct report report = REPORT_INIT;
    char file[CONFIG_PATH_BYTES];
    char url[CLI_PATH_BYTES];
    const char *data = cli->options.data;
    if (cli->options.admin_socket != NULL) {
        (void)snprintf(url, sizeof(url), CLI_UNIX_PREFIX "%s", cli->options.admin_socket);
        return cli_use_url(cli, url);
    }
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
    (void)snprintf(url, sizeof(url), CLI_UNIX_PREFIX "%s", config.admin_socket);
    return cli_use_url(cli, url);
}

enum cli_exit cli_options_parse(struct cli *cli, int argc, char **argv)
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
    if (options->url != NULL)
        return cli_use_url(cli, options->url);
    if (options->data == NULL && options->admin_socket == NULL &&
        cli_environment("SKERRY_URL") != NULL)
        return cli_use_url(cli, cli_environment("SKERRY_URL"));
    return cli_find_socket(cli);
}
