/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: the command that the manifest's `build` is, run in its folder.
 *
 * What it prints goes to stderr, whichever of the two it writes to: stdout is the verb's own. A
 * signal to this process ends the build with all that it has started.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/cli/folder/folder.h"
#include "deploy/project/process.h"
#include "engine/base/clock.h"

#define CLI_BUILD_PATIENCE_MS 2000 /* from the wish that it ends to its end */

const char *cli_folder_command(const struct cli_folder *folder)
{
    return (const char *)folder->manifest.build.data;
}

enum cli_exit
cli_folder_built(const struct cli *cli, const struct cli_folder *folder, int wait_status)
{
    const char *command = cli_folder_command(folder);
    if (WIFSIGNALED(wait_status))
        return cli_fail(cli, CLI_FAILED, "the build failed: `%.200s` was ended by signal %d",
                        command, WTERMSIG(wait_status));
    if (WEXITSTATUS(wait_status) != 0)
        return cli_fail(cli, CLI_FAILED, "the build failed: `%.200s` ended with status %d", command,
                        WEXITSTATUS(wait_status));
    if (access(folder->module, R_OK) != 0)
        return cli_fail(cli, CLI_FAILED,
                        "the build made no %s, which `main` in " DEPLOY_MANIFEST_FILE " names",
                        folder->module);
    return CLI_OK;
}

/* Until it has ended, or a signal came, which ends it. */
static enum cli_exit
cli_build_wait(const struct cli *cli, int signals, struct project_process *build, int *ret_wait)
{
    struct pollfd waits[] = {{.fd = build->fd, .events = POLLIN},
                             {.fd = signals, .events = POLLIN}};
    while (!project_process_reap(build, ret_wait)) {
        (void)poll(waits, COUNT_OF(waits), -1);
        if (waits[1].revents != 0) {
            struct signalfd_siginfo taken;
            (void)!read(signals, &taken, sizeof(taken));
            project_process_stop(build, CLI_BUILD_PATIENCE_MS);
            return cli_fail(cli, CLI_INTERRUPTED, "interrupted, and the build with it");
        }
    }
    return CLI_OK;
}

enum cli_exit cli_folder_build(const struct cli *cli, const struct cli_folder *folder)
{
    if (folder->manifest.build.count == 0)
        return CLI_OK;
    const char *words[] = {"/bin/sh", "-c", cli_folder_command(folder), NULL};
    const struct project_start start = {
        .words = words, .folder = folder->path, .out_fd = STDERR_FILENO, .error_fd = STDERR_FILENO};
    struct project_process build = PROJECT_PROCESS_NONE;
    struct report report = REPORT_INIT;
    sigset_t ends;
    sigset_t old;
    int wait_status = 0;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, &old);
    AUTO_CLOSE int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    enum status status = project_process_start(&start, &report, &build);
    enum cli_exit code =
        status == STATUS_OK
            ? cli_build_wait(cli, signals, &build, &wait_status)
            : cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    return code == CLI_OK ? cli_folder_built(cli, folder, wait_status) : code;
}

static void cli_build_print(const struct cli *cli, const struct cli_folder *folder, uint64_t ns)
{
    struct stat facts = {0};
    char size[32];
    char module[CLI_PATH_BYTES];
    char path[CLI_PATH_BYTES];
    (void)stat(folder->module, &facts);
    if (cli->options.json) {
        cli_print_value(json_pack("{s:s, s:I, s:f}", "module", folder->module, "bytes",
                                  (json_int_t)facts.st_size, "seconds",
                                  (double)ns / (double)CLOCK_NS_PER_S));
        return;
    }
    cli_format_bytes((uint64_t)facts.st_size, size);
    if (!cli->options.quiet)
        (void)printf("built %s (%s) in %.2f s\n", folder->module, size, (double)ns / 1e9);
    cli_next(cli, "skerry run %s --request 'GET /'   or   skerry deploy %s",
             cli_quote(folder->module, module), cli_quote(folder->path, path));
}

enum cli_exit cli_build(struct cli *cli)
{
    const char *path = cli->options.positional_count > 0 ? cli->options.positional[0] : ".";
    struct cli_folder folder;
    enum cli_exit code = cli_folder_read(cli, path, &folder);
    if (code == CLI_OK && folder.manifest.build.count == 0)
        code = cli_fail(cli, CLI_MANIFEST,
                        "%s/" DEPLOY_MANIFEST_FILE " has no `build`: it can be deployed as it is; "
                        "or add one, like `build: ./build.sh`",
                        folder.path);
    uint64_t started_ns = clock_monotonic_ns(&clock_system);
    if (code == CLI_OK)
        code = cli_folder_build(cli, &folder);
    if (code == CLI_OK)
        cli_build_print(cli, &folder, clock_monotonic_ns(&clock_system) - started_ns);
    cli_folder_done(&folder);
    return code;
}
