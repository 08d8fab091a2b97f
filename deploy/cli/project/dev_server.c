/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that `skerry dev` has for itself: one worker, its own data, a port that was free.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/project/dev.h"
#include "engine/base/spawn.h"

#define DEV_SOCKET           "admin.sock" /* as a server calls it */
#define DEV_PORT_FIRST       8080
#define DEV_PORTS            100
#define DEV_STOP_PATIENCE_MS 10000
#define DEV_DESCRIPTORS      8

/* Another may take it before the server does; then that says so. */
static bool dev_port_is_free(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void dev_choose_port(struct cli_dev_server *server)
{
    uint16_t port = DEV_PORT_FIRST;
    while (port < DEV_PORT_FIRST + DEV_PORTS && !dev_port_is_free(port))
        port++;
    (void)snprintf(server->listen, sizeof(server->listen), "127.0.0.1:%u", port);
}

static enum cli_exit dev_make_folder(const struct cli *cli, struct cli_dev_server *server)
{
    const char *place = getenv("TMPDIR");
    /* A socket below it has 107 bytes. */
    if (place == NULL || place[0] != '/' || strlen(place) > 32)
        place = "/tmp";
    (void)snprintf(server->folder, sizeof(server->folder), "%s/skerry-dev-XXXXXX", place);
    if (mkdtemp(server->folder) == NULL) {
        server->folder[0] = '\0';
        return cli_fail(cli, CLI_FAILED, "cannot make a folder in %s: %s", place,
                        strerrordesc_np(errno));
    }
    return CLI_OK;
}

/* In the data, so that other verbs find it by --data; if its path has room in an address. */
static void dev_choose_socket(const char *data, struct cli_dev_server *server)
{
    char here[CLI_PATH_BYTES] = "";
    const char *between = "";
    if (data[0] != '/' && getcwd(here, sizeof(here)) != NULL)
        between = "/";
    int used =
        snprintf(server->socket, sizeof(server->socket), "%s%s%s/" DEV_SOCKET, here, between, data);
    if (used < 0 || (size_t)used >= sizeof(server->socket))
        (void)snprintf(server->socket, sizeof(server->socket), "%s/" DEV_SOCKET, server->folder);
}

/* Where the user has no configuration, functions may ask servers of this machine: what one works on
 * is seldom on the Internet. */
static enum cli_exit dev_make_config(const struct cli *cli, struct cli_dev_server *server)
{
    char file[CONFIG_PATH_BYTES];
    config_default_file(file);
    if (file[0] != '\0' && access(file, F_OK) == 0)
        return CLI_OK;
    (void)snprintf(server->config, sizeof(server->config), "%s/skerry.yaml", server->folder);
    FILE *out = fopen(server->config, "wxe");
    bool written = out != NULL && fputs("outbound: { allow_private: true }\n", out) >= 0;
    written = out != NULL && fclose(out) == 0 && written;
    return written ? CLI_OK
                   : cli_fail(cli, CLI_FAILED, "cannot write %s: %s", server->config,
                              strerrordesc_np(errno));
}

static enum cli_exit
dev_spawn(const struct cli *cli, const char *data, struct cli_dev_server *server)
{
    const char *words[] = {
        SPAWN_EXECUTABLE, "serve",        "--data",    data, "--listen",     server->listen,
        "--admin-socket", server->socket, "--workers", "1",  "--access-log", "--guest-logs",
        "stdout",         NULL,           NULL,        NULL};
    struct report report = REPORT_INIT;
    int out[2];
    if (server->config[0] != '\0') {
        words[COUNT_OF(words) - 3] = "--config";
        words[COUNT_OF(words) - 2] = server->config;
    }
    if (pipe2(out, O_CLOEXEC) != 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) != 0)
        return cli_fail(cli, CLI_FAILED, "cannot start a server: %s", strerrordesc_np(errno));
    server->out_fd = out[0];
    const struct project_start start = {.words = words, .out_fd = out[1], .error_fd = out[1]};
    enum status status = project_process_start(&start, &report, &server->process);
    (void)close(out[1]);
    return status == STATUS_OK
               ? CLI_OK
               : cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
}

enum cli_exit
cli_dev_server_start(const struct cli *cli, const char *data, struct cli_dev_server *ret_server)
{
    struct cli_dev_server *server = ret_server;
    char own[CLI_PATH_BYTES];
    *server = (struct cli_dev_server){.process = PROJECT_PROCESS_NONE, .out_fd = -1};
    buffer_init(&server->line, CLI_DEV_LINE_BYTES);
    if (cli->options.listen != NULL)
        (void)snprintf(server->listen, sizeof(server->listen), "%s", cli->options.listen);
    else
        dev_choose_port(server);
    enum cli_exit code = dev_make_folder(cli, server);
    (void)snprintf(own, sizeof(own), "%s/data", server->folder);
    if (data == NULL)
        data = own;
    dev_choose_socket(data, server);
    if (code == CLI_OK)
        code = dev_make_config(cli, server);
    return code == CLI_OK ? dev_spawn(cli, data, server) : code;
}

void cli_dev_server_read(struct cli_dev_server *server)
{
    char chunk[16384];
    ssize_t count = read(server->out_fd, chunk, sizeof(chunk));
    const char *at = chunk;
    const char *end;
    while (count > 0 && (end = memchr(at, '\n', (size_t)count)) != NULL) {
        size_t part = (size_t)(end - at);
        if (buffer_append(&server->line, at, part) == STATUS_OK &&
            cli_dev_show(buffer_bytes(&server->line), server->stopping))
            server->ready = true;
        server->line.count = 0;
        count -= (ssize_t)part + 1;
        at = end + 1;
    }
    if (count > 0 && buffer_append(&server->line, at, (size_t)count) != STATUS_OK)
        server->line.count = 0;
}

static int dev_remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts;
    (void)kind;
    (void)at;
    return remove(path);
}

void cli_dev_server_stop(struct cli_dev_server *server)
{
    server->stopping = true;
    project_process_stop(&server->process, DEV_STOP_PATIENCE_MS);
    if (server->out_fd >= 0) {
        cli_dev_server_read(server);
        (void)close(server->out_fd);
    }
    if (server->folder[0] != '\0')
        (void)nftw(server->folder, dev_remove_one, DEV_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    buffer_done(&server->line);
}
