/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From flags to a running server: built-in values, then the file, then the environment,
 * then flags, each over the one before; checked once, then handed to the supervisor.
 */
#include "server/serve.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/control/supervisor.h"

static const char serve_usage[] =
    "usage: skerry serve [--data DIR] [--listen ADDR:PORT]... [--admin ADDR:PORT]\n"
    "                    [--admin-socket PATH] [--config FILE] [--workers N] [--access-log]\n"
    "                    [--guest-logs stdout]\n"
    "Runs the server in the foreground until SIGTERM or Ctrl-C. With no flags it keeps its data\n"
    "under the user's data directory and serves functions on 127.0.0.1:8080.\n";

struct serve_flags {
    const char *data;
    const char *listen[CONFIG_LISTEN_MAX];
    uint32_t listen_count;
    const char *admin;
    const char *admin_socket;
    const char *config;
    const char *workers;
    bool access_log;
    bool logs_stdout;
    bool help;
};

static const struct option serve_options[] = {
    {"data", required_argument, NULL, 'd'},   {"listen", required_argument, NULL, 'l'},
    {"admin", required_argument, NULL, 'a'},  {"admin-socket", required_argument, NULL, 's'},
    {"config", required_argument, NULL, 'c'}, {"workers", required_argument, NULL, 'w'},
    {"access-log", no_argument, NULL, 'A'},   {"guest-logs", required_argument, NULL, 'g'},
    {"help", no_argument, NULL, 'h'},         {0},
};

static bool serve_take_flag(struct serve_flags *flags, int option, const char *value)
{
    switch (option) {
    case 'd':
        flags->data = value;
        return true;
    case 'l':
        if (flags->listen_count == CONFIG_LISTEN_MAX)
            return false;
        flags->listen[flags->listen_count++] = value;
        return true;
    case 'a':
        flags->admin = value;
        return true;
    case 's':
        flags->admin_socket = value;
        return true;
    case 'c':
        flags->config = value;
        return true;
    case 'w':
        flags->workers = value;
        return true;
    case 'A':
        flags->access_log = true;
        return true;
    case 'g':
        flags->logs_stdout = strcmp(value, "stdout") == 0;
        return flags->logs_stdout;
    case 'h':
        flags->help = true;
        return true;
    default:
        return false;
    }
}

static bool serve_parse(int argc, char **argv, struct serve_flags *ret_flags)
{
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", serve_options, NULL)) != -1) {
        if (!serve_take_flag(ret_flags, option, optarg))
            return false;
    }
    if (optind < argc)
        (void)fprintf(stderr, "skerry serve: what is `%s`?\n", argv[optind]);
    return optind == argc;
}

static enum status
serve_copy(char *to, size_t room, const char *flag, const char *value, struct report *report)
{
    if (value == NULL)
        return STATUS_OK;
    size_t count = strlen(value);
    if (count == 0 || count >= room)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "serve: %s must have 1 to %zu bytes", flag, room - 1);
    memcpy(to, value, count + 1);
    return STATUS_OK;
}

static enum status
serve_take_listen(char ret_listen[CONFIG_ADDRESS_BYTES], const char *value, struct report *report)
{
    if (!config_listen_normalise(value, ret_listen))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "serve: --listen %s: not a numeric ADDR:PORT, like 127.0.0.1:8080 or "
                           "https://0.0.0.0:443",
                           value);
    return STATUS_OK;
}

static enum status serve_take_address(char ret_address[CONFIG_ADDRESS_BYTES],
                                      const char *flag,
                                      const char *value,
                                      struct report *report)
{
    if (!config_address_normalise(value, ret_address))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "serve: %s %s: not a numeric ADDR:PORT, like 127.0.0.1:8080", flag,
                           value);
    return STATUS_OK;
}

static enum status
serve_take_workers(struct config *config, const char *value, struct report *report)
{
    if (value == NULL)
        return STATUS_OK;
    char *end;
    unsigned long workers = strtoul(value, &end, 10);
    if (*end != '\0' || end == value || workers < 1 || workers > CONFIG_WORKERS_MAX)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "serve: --workers %s: not a number from 1 to %d", value,
                           CONFIG_WORKERS_MAX);
    config->workers = (uint32_t)workers;
    return STATUS_OK;
}

static enum status
serve_apply(struct config *config, const struct serve_flags *flags, struct report *report)
{
    enum status status =
        serve_copy(config->data_dir, sizeof(config->data_dir), "--data", flags->data, report);
    if (status == STATUS_OK)
        status = serve_copy(config->admin_socket, sizeof(config->admin_socket), "--admin-socket",
                            flags->admin_socket, report);
    if (status == STATUS_OK && flags->admin != NULL)
        status = serve_take_address(config->admin_listen, "--admin", flags->admin, report);
    for (uint32_t i = 0; i < flags->listen_count && status == STATUS_OK; i++)
        status = serve_take_listen(config->listen[i], flags->listen[i], report);
    if (flags->listen_count > 0)
        config->listen_count = flags->listen_count;
    if (status == STATUS_OK)
        status = serve_take_workers(config, flags->workers, report);
    return status;
}

static enum status serve_configure(void *context, struct config *config, struct report *report)
{
    const struct serve_flags *flags = context;
    char found[CONFIG_PATH_BYTES] = "";
    enum status status = config_defaults(config, report);
    config_default_file(found);
    const char *file = flags->config != NULL ? flags->config : found;
    if (status == STATUS_OK && file[0] != '\0')
        status = config_load_file(config, file, report);
    /* The environment comes after the file. */
    const char *data = getenv("SKERRY_DATA_DIR");
    if (status == STATUS_OK && data != NULL && data[0] != '\0')
        status =
            serve_copy(config->data_dir, sizeof(config->data_dir), "SKERRY_DATA_DIR", data, report);
    config->access_log = config->access_log || flags->access_log;
    config->logs_stdout = config->logs_stdout || flags->logs_stdout;
    if (status == STATUS_OK)
        status = serve_apply(config, flags, report);
    if (status == STATUS_OK)
        status = config_check(config, report);
    return status;
}

enum status serve_read(int count, char **words, struct config *ret_config, struct report *report)
{
    struct serve_flags flags = {0};
    if (!serve_parse(count, words, &flags))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "it does not take the flags that the server runs with");
    return serve_configure(&flags, ret_config, report);
}

int serve_main(int argc, char **argv)
{
    struct serve_flags flags = {0};
    if (!serve_parse(argc, argv, &flags)) {
        (void)fputs(serve_usage, stderr);
        return status_exit_code(STATUS_USAGE);
    }
    if (flags.help) {
        (void)fputs(serve_usage, stdout);
        return 0;
    }
    struct config config;
    struct report report = REPORT_INIT;
    enum status status = serve_configure(&flags, &config, &report);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "skerry: %s\n",
                      report.text[0] != '\0' ? report.text : status_text(status));
        return status_exit_code(status);
    }
    char program[] = "skerry";
    char **arguments = calloc((size_t)argc + 2, sizeof(*arguments));
    if (arguments == NULL)
        return status_exit_code(STATUS_NO_MEMORY);
    arguments[0] = program;
    memcpy(arguments + 1, argv, (size_t)argc * sizeof(*arguments));
    struct supervisor_options options = {
        .config = &config, .configure = serve_configure, .context = &flags, .arguments = arguments};
    int exit_status = supervisor_run(&options);
    free(arguments);
    return exit_status;
}
