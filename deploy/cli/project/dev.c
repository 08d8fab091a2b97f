/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev: a server of one's own, and a function that is built and deployed again whenever one of its
 * files changes.
 *
 *   WAIT --a change, then quiet for DEV_QUIET_MS--> manifest --> BUILD --> deploy --> WAIT
 *                                                     |            |         |
 *                                                     '--- what is wrong is printed: WAIT
 *
 * Nothing that is wrong with the project ends it. A change while a build runs ends that build and
 * begins the next one. A module that is being written is not read: not while inotify knows that it
 * is open and was written to, and not if it is another one after the reading than before.
 */
#include "deploy/cli/project/dev.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/cli/folder/folder.h"
#include "deploy/project/watch.h"
#include "engine/base/clock.h"

#define DEV_QUIET_MS          50
#define DEV_DEAF_MS           500   /* between looks where inotify does not tell */
#define DEV_HALF_MS           10000 /* how long a file may stay half written */
#define DEV_BUILD_PATIENCE_MS 500
#define DEV_DATA              ".skerry"

struct dev {
    struct cli *cli;
    const char *target; /* as it was given */
    bool is_folder;
    struct cli_dev_server server;
    struct project_watch watch;
    struct cli_folder folder; /* of the cycle under way */
    struct project_process build;
    uint64_t build_ns;            /* when it began */
    bool wanted;                  /* a cycle */
    bool look;                    /* something may have changed */
    uint64_t look_ns;             /* when to look */
    bool half;                    /* the module is being written */
    uint64_t half_ns;             /* since when */
    bool told;                    /* where it serves */
    char home[DEPLOY_NAME_BYTES]; /* whom the server's bare address leads to */
    int signals;
};

static uint64_t dev_now(void)
{
    return clock_monotonic_ns(&clock_system);
}

static void dev_look_soon(struct dev *dev)
{
    dev->look = true;
    dev->look_ns = dev_now() + DEV_QUIET_MS * CLOCK_NS_PER_MS;
}

/* ---- one cycle ------------------------------------------------------------------------------- */

static bool dev_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The address that was printed leads to the function, whatever it is called. */
static void dev_lead_home(struct dev *dev, const char *name)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char body[DEPLOY_NAME_BYTES + 32];
    if (strcmp(dev->home, name) == 0)
        return;
    cli_tenant_path(dev->cli, "/domains/" DEPLOY_HOST_ANY, path);
    (void)snprintf(body, sizeof(body), "{\"function\":\"%s\"}", name);
    const struct cli_request request = {.method = "PUT", .path = path, .body = bytes_of_text(body)};
    if (cli_call(dev->cli, &request, &answer) != CLI_OK)
        return;
    (void)snprintf(dev->home, sizeof(dev->home), "%s", name);
    cli_answer_done(&answer);
}

/* Reads and deploys; or, if the module changed under the reading, later once more. */
static void dev_deploy(struct dev *dev)
{
    struct stat before = {0};
    struct stat after = {0};
    const char *name;
    enum cli_exit code = cli_folder_name(dev->cli, &dev->folder, &name);
    (void)stat(dev->folder.module, &before);
    if (code == CLI_OK)
        code = cli_folder_pack(dev->cli, name, &dev->folder);
    (void)stat(dev->folder.module, &after);
    if (code == CLI_OK && !dev_same(&before, &after)) {
        dev->wanted = true;
        dev_look_soon(dev);
    } else if (code == CLI_OK &&
               cli_deploy_as(dev->cli, dev->target, name, &dev->folder) == CLI_OK) {
        dev_lead_home(dev, name);
    }
    (void)fflush(stdout);
    cli_folder_done(&dev->folder);
}

static void dev_build(struct dev *dev)
{
    const char *words[] = {"/bin/sh", "-c", cli_folder_command(&dev->folder), NULL};
    const struct project_start start = {.words = words,
                                        .folder = dev->folder.path,
                                        .out_fd = STDERR_FILENO,
                                        .error_fd = STDERR_FILENO};
    struct report report = REPORT_INIT;
    project_watch_begin_build(&dev->watch);
    dev->build_ns = dev_now();
    if (project_process_start(&start, &report, &dev->build) == STATUS_OK)
        return;
    (void)cli_fail(dev->cli, CLI_FAILED, "%s", report.text);
    cli_folder_done(&dev->folder);
}

static void dev_begin(struct dev *dev)
{
    dev->wanted = false;
    if (!dev->is_folder) {
        cli_folder_of_module(dev->target, &dev->folder);
        dev_deploy(dev);
    } else if (cli_folder_read(dev->cli, dev->target, &dev->folder) != CLI_OK) {
        cli_folder_done(&dev->folder);
    } else if (dev->folder.manifest.build.count > 0) {
        dev_build(dev);
    } else {
        dev_deploy(dev);
    }
}

static void dev_build_ended(struct dev *dev, int wait_status)
{
    if (project_watch_end_build(&dev->watch, true)) {
        (void)printf("%s changed meanwhile: again\n", dev->watch.changed);
        dev->wanted = true;
        dev_look_soon(dev);
        cli_folder_done(&dev->folder);
        return;
    }
    if (cli_folder_built(dev->cli, &dev->folder, wait_status) != CLI_OK) {
        cli_folder_done(&dev->folder);
        return;
    }
    (void)printf("built in %.2f s\n", (double)(dev_now() - dev->build_ns) / (double)CLOCK_NS_PER_S);
    dev_deploy(dev);
}

/* ---- what makes a cycle ---------------------------------------------------------------------- */

static const char *dev_module_name(const struct dev *dev)
{
    const char *path = dev->is_folder ? "" : dev->target;
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* It was quiet for long enough. */
static void dev_look(struct dev *dev)
{
    dev->look = false;
    if (dev->build.fd >= 0) {
        if (!project_watch_is_stale(&dev->watch))
            return;
        (void)printf("%s changed: the build begins again\n", dev->watch.changed);
        project_process_stop(&dev->build, DEV_BUILD_PATIENCE_MS);
        (void)project_watch_end_build(&dev->watch, false);
        cli_folder_done(&dev->folder);
        dev->wanted = true;
    } else if (project_watch_scan(&dev->watch)) {
        (void)printf("%s changed\n",
                     dev->watch.changed[0] != '\0' ? dev->watch.changed : dev->target);
        dev->wanted = true;
    }
    bool patient = dev_now() - dev->half_ns < DEV_HALF_MS * CLOCK_NS_PER_MS;
    if (dev->wanted && dev->half && patient)
        dev_look_soon(dev);
    else if (dev->wanted && dev->server.ready)
        dev_begin(dev);
}

static void dev_events(struct dev *dev)
{
    bool half = project_watch_drain(&dev->watch, dev_module_name(dev), dev->half);
    if (half && !dev->half)
        dev->half_ns = dev_now();
    dev->half = half;
    dev_look_soon(dev);
}

static void dev_ready(struct dev *dev)
{
    dev->told = true;
    dev->wanted = true;
    dev_look_soon(dev);
    (void)printf("serving on http://%s/, watching %s; Ctrl-C ends it\n", dev->server.listen,
                 dev->target);
    (void)fflush(stdout);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int dev_timeout_ms(const struct dev *dev)
{
    uint64_t now = dev_now();
    if (dev->look)
        return dev->look_ns <= now ? 0 : (int)((dev->look_ns - now) / CLOCK_NS_PER_MS) + 1;
    return dev->watch.fd < 0 ? DEV_DEAF_MS : -1;
}

static enum cli_exit dev_loop(struct dev *dev)
{
    for (;;) {
        struct pollfd waits[] = {{.fd = dev->signals, .events = POLLIN},
                                 {.fd = dev->server.out_fd, .events = POLLIN},
                                 {.fd = dev->watch.fd, .events = POLLIN},
                                 {.fd = dev->server.process.fd, .events = POLLIN},
                                 {.fd = dev->build.fd, .events = POLLIN}};
        int wait_status;
        int found = poll(waits, COUNT_OF(waits), dev_timeout_ms(dev));
        if (waits[0].revents != 0)
            return CLI_OK;
        if (waits[1].revents != 0)
            cli_dev_server_read(&dev->server);
        if (waits[3].revents != 0)
            return cli_fail(dev->cli, CLI_UNREACHABLE, "its server ended");
        if (dev->server.ready && !dev->told)
            dev_ready(dev);
        if (waits[2].revents != 0)
            dev_events(dev);
        if (waits[4].revents != 0 && project_process_reap(&dev->build, &wait_status))
            dev_build_ended(dev, wait_status);
        if (found == 0 && dev->watch.fd < 0)
            dev_look_soon(dev);
        if (dev->look && dev->look_ns <= dev_now())
            dev_look(dev);
        (void)fflush(stdout);
    }
}

/* The project's own folder; NULL: what goes with the server. */
static const char *dev_data(const struct dev *dev, char path[CLI_PATH_BYTES])
{
    if (dev->cli->options.data != NULL || !dev->is_folder)
        return dev->cli->options.data;
    size_t count = strlen(dev->target);
    const char *ending = DEPLOY_MANIFEST_FILE;
    if (count >= strlen(ending) && strcmp(dev->target + count - strlen(ending), ending) == 0)
        count -= strlen(ending);
    (void)snprintf(path, CLI_PATH_BYTES, "%.*s%s" DEV_DATA, (int)count, dev->target,
                   count == 0 || dev->target[count - 1] == '/' ? "" : "/");
    return path;
}

enum cli_exit cli_dev(struct cli *cli)
{
    char data[CLI_PATH_BYTES];
    struct report report = REPORT_INIT;
    struct dev dev = {.cli = cli, .build = PROJECT_PROCESS_NONE};
    sigset_t ends;
    if (cli->options.json)
        return cli_fail(cli, CLI_USAGE,
                        "--json is not for this verb, which tells a person what happens: see "
                        "skerry logs NAME -f --json");
    dev.target = cli->options.positional_count > 0 ? cli->options.positional[0] : ".";
    dev.is_folder = cli_is_folder(dev.target);
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    enum status status = project_watch_init(&dev.watch, dev.target, &report);
    if (status != STATUS_OK)
        return cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
    dev.signals = signalfd(-1, &ends, SFD_CLOEXEC);
    enum cli_exit code = cli_dev_server_start(cli, dev_data(&dev, data), &dev.server);
    if (code == CLI_OK) {
        cli->options.quiet = true;
        /* Whoever writes it is looking now. */
        if ((cli->options.choices & DEPLOY_ALLOW_MISSING) == 0)
            cli->options.choices |= DEPLOY_STRICT;
        cli->options.admin_socket = dev.server.socket;
        code = cli_use_socket(cli, dev.server.socket);
    }
    if (code == CLI_OK)
        code = dev_loop(&dev);
    if (dev.build.fd >= 0)
        cli_folder_done(&dev.folder);
    project_process_stop(&dev.build, DEV_BUILD_PATIENCE_MS);
    cli_dev_server_stop(&dev.server);
    project_watch_done(&dev.watch);
    (void)close(dev.signals);
    return code;
}
