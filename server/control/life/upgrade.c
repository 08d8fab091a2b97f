/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from one program to the next.
 */
#include "server/control/life/upgrade.h"

#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/io.h"
#include "engine/base/spawn.h"
#include "server/control/life/supervisor_private.h"
#include "server/control/pulse.h"
#include "server/telemetry/log.h"

#define UPGRADE_PAUSE_TICKS_MAX (30 * 1000 / PULSE_TICK_MS)
#define UPGRADE_SETTLE_TURNS    2000
#define UPGRADE_SETTLE_MS       1

static const char *const upgrade_state_names[UPGRADE_STATE_COUNT] = {
    [UPGRADE_NONE] = "none",         [UPGRADE_PREPARING] = "preparing",
    [UPGRADE_PAUSING] = "switching", [UPGRADE_STARTING] = "starting",
    [UPGRADE_DONE] = "done",         [UPGRADE_FAILED] = "failed",
};

void upgrade_tell(void *context, struct deploy_upgrade *ret_upgrade)
{
    const struct upgrade *upgrade = &((const struct supervisor *)context)->upgrade;
    *ret_upgrade = (struct deploy_upgrade){.state = upgrade_state_names[upgrade->state],
                                           .built = upgrade->built,
                                           .total = upgrade->total};
    memcpy(ret_upgrade->program, upgrade->program, sizeof(ret_upgrade->program));
    memcpy(ret_upgrade->version, upgrade->version, sizeof(ret_upgrade->version));
    memcpy(ret_upgrade->text, upgrade->text, sizeof(ret_upgrade->text));
}

static void upgrade_forget(struct upgrade *upgrade)
{
    if (upgrade->heard != NULL) {
        (void)close(event_get_fd(upgrade->heard));
        event_free(upgrade->heard);
    }
    upgrade->heard = NULL;
    base_auto_close(&upgrade->program_fd);
    upgrade->program_fd = -1;
}

static void upgrade_fail(struct supervisor *supervisor, const char *text)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    if (upgrade->state == UPGRADE_PAUSING)
        deploy_control_pause(supervisor->deploy, false);
    upgrade->state = UPGRADE_FAILED;
    (void)snprintf(upgrade->text, sizeof(upgrade->text), "%s", text);
    if (upgrade->pid != 0)
        (void)kill(upgrade->pid, SIGKILL);
    upgrade_forget(upgrade);
    deploy_control_hold_artifacts(supervisor->deploy, false);
    log_message("error", "upgrade", "%s: %s", upgrade->program, text);
}

/* ---- preparing ------------------------------------------------------------------------------- */

static void upgrade_hear_hello(struct supervisor *supervisor, const char *words)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    char *end;
    uint64_t fingerprint = strtoull(words, &end, 16);
    upgrade->said_hello = true;
    (void)snprintf(upgrade->version, sizeof(upgrade->version), "%s", *end == ' ' ? end + 1 : "");
    if (fingerprint != handover_fingerprint())
        upgrade_fail(supervisor, "that program and this one cannot share workers: stop the server "
                                 "and start it with the new one");
}

static void upgrade_hear_line(struct supervisor *supervisor, const char *line)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    if (upgrade->state != UPGRADE_PREPARING)
        return;
    if (!upgrade->said_hello && strncmp(line, "hello ", 6) == 0)
        upgrade_hear_hello(supervisor, line + 6);
    else if (!upgrade->said_hello)
        upgrade_fail(supervisor, "that is no skerry that can take over");
    else if (sscanf(line, "progress %" SCNu32 " %" SCNu32, &upgrade->built, &upgrade->total) == 2)
        (void)0;
    else if (strncmp(line, "failed ", 7) == 0)
        upgrade_fail(supervisor, line + 7);
    else
        upgrade->is_ready |= strcmp(line, "ready") == 0;
}

static void upgrade_on_heard(evutil_socket_t fd, short events, void *context)
{
    (void)events;
    struct supervisor *supervisor = context;
    struct upgrade *upgrade = &supervisor->upgrade;
    char byte[256];
    ssize_t count = read(fd, byte, sizeof(byte));
    if (count <= 0) {
        (void)event_del(upgrade->heard);
        return;
    }
    for (ssize_t i = 0; i < count && upgrade->heard != NULL; i++) {
        if (byte[i] != '\n' && upgrade->line_bytes < sizeof(upgrade->line) - 1) {
            upgrade->line[upgrade->line_bytes++] = byte[i];
            continue;
        }
        upgrade->line[upgrade->line_bytes] = '\0';
        upgrade->line_bytes = 0;
        upgrade_hear_line(supervisor, upgrade->line);
    }
}

static enum status upgrade_order(const struct upgrade *upgrade, struct report *report, int *ret_fd)
{
    AUTO_CLOSE int fd = memfd_create("skerry-prepare", MFD_CLOEXEC);
    if (fd < 0)
        return report_errno(report, "cannot start %s", upgrade->program);
    /* Without the program's own name. */
    for (char **word = upgrade->arguments + 1; *word != NULL; word++) {
        if (io_write_all(fd, bytes_make(*word, strlen(*word) + 1)) != STATUS_OK)
            return report_errno(report, "cannot start %s", upgrade->program);
    }
    *ret_fd = fd;
    fd = -1;
    return STATUS_OK;
}

static enum status upgrade_prepare(struct supervisor *supervisor, struct report *report)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    struct spawn_role role = roles[ROLE_PREPARE].spawn;
    AUTO_CLOSE int order_fd = -1;
    AUTO_CLOSE int read_fd = -1;
    AUTO_CLOSE int tell_fd = -1;
    int told[2];
    enum status status = upgrade_order(upgrade, report, &order_fd);
    if (status != STATUS_OK)
        return status;
    if (pipe2(told, O_CLOEXEC) != 0)
        return report_errno(report, "cannot start %s", upgrade->program);
    read_fd = told[0];
    tell_fd = told[1];
    role.executable = upgrade->program;
    const int fds[] = {order_fd, tell_fd};
    const struct spawn_order order = {.role = &role,
                                      .fds = fds,
                                      .fd_count = COUNT_OF(fds),
                                      .error_fd = log_drain_fd(supervisor->builders_log)};
    upgrade->heard =
        event_new(supervisor->base, read_fd, EV_READ | EV_PERSIST, upgrade_on_heard, supervisor);
    if (upgrade->heard == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    read_fd = -1;
    (void)event_add(upgrade->heard, NULL);
    pid_t pid = 0;
    status = spawn_start(&order, report, &pid);
    upgrade->pid = pid;
    return status;
}

/* It will be this process's: nobody else may have a say in what it is. */
static enum status upgrade_check(struct upgrade *upgrade, struct report *report)
{
    struct stat facts;
    upgrade->program_fd = open(upgrade->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (upgrade->program_fd < 0)
        return report_errno(report, "cannot open %s", upgrade->program);
    if (fstat(upgrade->program_fd, &facts) != 0)
        return report_errno(report, "cannot look at %s", upgrade->program);
    if (!S_ISREG(facts.st_mode) || (facts.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "%s is no program",
                           upgrade->program);
    if ((facts.st_uid != 0 && facts.st_uid != geteuid()) ||
        (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "others than root and the server's user can write to %s: chmod go-w, "
                           "chown",
                           upgrade->program);
    return STATUS_OK;
}

enum status upgrade_begin(void *context, const char *program, struct report *report)
{
    struct supervisor *supervisor = context;
    struct upgrade *upgrade = &supervisor->upgrade;
    bool goes_on = upgrade->state == UPGRADE_PREPARING || upgrade->state == UPGRADE_PAUSING ||
                   upgrade->rolls || upgrade->pid != 0;
    if (supervisor->state != SUPERVISOR_SERVING || goes_on)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "the server is not serving, or an upgrade is under way");
    if (!workers_are_whole(supervisor->workers) || helpers_have_elders(supervisor->helpers))
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "workers from before still finish what they began");
    if (program[0] != '/' || strlen(program) >= sizeof(upgrade->program))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "a program is named by its whole path");
    char **arguments = upgrade->arguments;
    *upgrade = (struct upgrade){.program_fd = -1, .arguments = arguments};
    (void)snprintf(upgrade->program, sizeof(upgrade->program), "%s", program);
    enum status status = upgrade_check(upgrade, report);
    if (status == STATUS_OK)
        status = upgrade_prepare(supervisor, report);
    if (status != STATUS_OK) {
        upgrade_forget(upgrade);
        return status;
    }
    upgrade->state = UPGRADE_PREPARING;
    deploy_control_hold_artifacts(supervisor->deploy, true);
    log_message("info", "upgrade", "%s prepares to take over", program);
    return STATUS_OK;
}

bool upgrade_child_exited(struct supervisor *supervisor, int pid)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    if (upgrade->pid != pid)
        return false;
    upgrade->pid = 0;
    /* Its last words. */
    while (upgrade->heard != NULL && event_pending(upgrade->heard, EV_READ, NULL) != 0)
        upgrade_on_heard(event_get_fd(upgrade->heard), 0, supervisor);
    if (upgrade->state != UPGRADE_PREPARING)
        return true;
    if (!upgrade->is_ready) {
        upgrade_fail(supervisor, upgrade->said_hello ? "it ended before it was ready: see the log"
                                                     : "that is no skerry that can take over");
        return true;
    }
    upgrade->state = UPGRADE_PAUSING;
    deploy_control_pause(supervisor->deploy, true);
    return true;
}

/* ---- leaving --------------------------------------------------------------------------------- */

void upgrade_tick(struct supervisor *supervisor)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    if (upgrade->state != UPGRADE_PAUSING)
        return;
    if (workers_are_whole(supervisor->workers) && deploy_control_is_quiet(supervisor->deploy)) {
        upgrade->leaves = true;
        (void)event_base_loopbreak(supervisor->base);
    } else if (++upgrade->ticks > UPGRADE_PAUSE_TICKS_MAX) {
        upgrade_fail(supervisor, "something that the admin API has begun does not end: an upload "
                                 "or a backup; try again");
    }
}

/* What workers said is done and answered, and nothing is half said. */
static bool upgrade_settle(struct supervisor *supervisor)
{
    for (int i = 0; i < UPGRADE_SETTLE_TURNS; i++) {
        bool settled = workers_settle(supervisor->workers);
        (void)!deploy_control_is_quiet(supervisor->deploy);
        if (settled && workers_settle(supervisor->workers))
            return true;
        (void)poll(NULL, 0, UPGRADE_SETTLE_MS);
    }
    return false;
}

static void upgrade_fill(struct supervisor *supervisor, struct handover *handover)
{
    const struct config *config = &supervisor->reload.config;
    const struct listeners *listeners = &supervisor->listeners;
    handover->workers = config->workers;
    handover->listen_count = listeners->count;
    memcpy(handover->listen, config->listen, sizeof(handover->listen));
    memcpy(handover->addresses, listeners->addresses, sizeof(handover->addresses));
    memcpy(handover->is_tls, listeners->is_tls, sizeof(handover->is_tls));
    memcpy(handover->isolation, config->isolation, sizeof(handover->isolation));
    handover->isolation_count = config->isolation_count;
    memcpy(handover->data_dir, config->data_dir, sizeof(handover->data_dir));
    memcpy(handover->admin_socket, config->admin_socket, sizeof(handover->admin_socket));
    memcpy(handover->admin_listen, config->admin_listen, sizeof(handover->admin_listen));
    handover->has_filter = supervisor->has_filter;
    memcpy(handover->tickets, supervisor->tickets.keys, sizeof(handover->tickets));
    for (uint32_t i = 0; i < listeners->sets; i++)
        memcpy(handover->listen_fds[i], listeners->fds[i], sizeof(handover->listen_fds[i]));
    (void)snprintf(handover->program, sizeof(handover->program), "%s", supervisor->upgrade.program);
    handover->self_fd = -1;
    handover->before_fd = open(SPAWN_EXECUTABLE, O_RDONLY | O_CLOEXEC);
    helpers_leave(supervisor->helpers, handover);
    records_collect(supervisor->records);
    workers_leave(supervisor->workers, handover);
}

void upgrade_leave(struct supervisor *supervisor)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    struct report report = REPORT_INIT;
    struct handover *handover = calloc(1, sizeof(*handover));
    if (handover == NULL || !upgrade_settle(supervisor)) {
        free(handover);
        upgrade->leaves = false;
        upgrade_fail(supervisor, "workers do not stop talking: try again");
        return;
    }
    log_message("info", "upgrade", "%s takes over", upgrade->program);
    upgrade_fill(supervisor, handover);
    deploy_control_flush_logs(supervisor->deploy);
    deploy_control_hand_over(supervisor->deploy, &handover->deploy);
    supervisor->deploy = NULL;
    (void)fflush(stdout);
    /* It returns only if it fails: then the program before, which is this one, begins anew. */
    (void)!handover_leave(handover, upgrade->program_fd, upgrade->program, upgrade->arguments,
                          &report);
    log_message("error", "upgrade", "%s", report.text);
    handover_go_back(handover, report.text, upgrade->arguments);
    free(handover);
}

/* ---- arriving -------------------------------------------------------------------------------- */

void upgrade_arrived(struct supervisor *supervisor)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    const struct handover *handover = supervisor->handover;
    struct report report = REPORT_INIT;
    memcpy(upgrade->program, handover->program, sizeof(upgrade->program));
    upgrade->state = UPGRADE_STARTING;
    upgrade->rolls = true;
    if (handover->went_back)
        upgrade_fail(supervisor, handover->why);
    else
        (void)snprintf(upgrade->version, sizeof(upgrade->version), "%s", SKERRY_VERSION);
    /* Who came back has workers that know other helpers. */
    if (workers_roll(supervisor->workers, &supervisor->reload.config, &report) != STATUS_OK) {
        upgrade->rolls = false;
        upgrade_fail(supervisor, report.text);
    }
}

void upgrade_rolled(struct supervisor *supervisor, bool done)
{
    struct upgrade *upgrade = &supervisor->upgrade;
    upgrade->rolls = false;
    if (done && upgrade->state == UPGRADE_FAILED)
        return;
    if (done) {
        upgrade->state = UPGRADE_DONE;
        log_message("info", "upgraded", "%s serves", upgrade->program);
    } else {
        upgrade_fail(supervisor, "its workers cannot start: those of the program before serve on");
    }
}

void upgrade_free(struct upgrade *upgrade)
{
    if (upgrade->pid != 0)
        (void)kill(upgrade->pid, SIGKILL);
    upgrade_forget(upgrade);
}
