/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spawning, bounding, timing and reaping builders.
 *
 * The child gets four descriptors and nothing else of ours: the module in a sealed memfd,
 * the artifact's temporary file, the result pipe, and a pipe with the order: limits and
 * configuration; and for what is built on a base a fifth, that one's artifact. Order and result are
 * smaller than a pipe's buffer: the one is written without waiting, the other read after the exit.
 * RLIMIT_AS cannot bound a builder (a memory reserves 8 GiB of addresses): RLIMIT_DATA does.
 */
#include "deploy/build/builder_job.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/store/blobs.h"
#include "engine/base/io.h"

#define BUILDER_JOB_QUEUED_MAX       1024
#define BUILDER_JOB_QUEUED_BYTES_MAX (256ULL << 20)
#define BUILDER_JOB_FILES_MAX        32
#define BUILDER_JOB_CHILD_FD_COUNT   5  /* the last only for what is built on a base */
#define BUILDER_JOB_CROWDED_SHARE    6  /* of the wall time, while others wait */
#define BUILDER_JOB_LOOKS            60 /* how often in a wall time it is looked who waits */

_Static_assert(sizeof(struct deploy_build_result) < 65536, "a result fits a pipe's buffer");
_Static_assert(sizeof(struct deploy_build_order) + DEPLOY_CONFIG_BYTES_MAX < 65536,
               "an order fits a pipe's buffer");

struct builder_job {
    struct build_entry entry;
    struct list_link link; /* in jobs->running */
    struct builder_jobs *jobs;
    struct builder_job_request request;
    pid_t pid;
    struct event *timer;
    uint64_t timed_us; /* what the timer has measured, with what it measures now */
    int artifact_fd;
    int result_fd;
    bool timed_out;
    bool crowded_out; /* ... before its time, because others waited */
    bool cancelled;
    char artifact_temp[ARTIFACTS_NAME_BYTES]; /* "" while there is none */
};

struct builder_jobs {
    struct builder_job_options options;
    struct build_queue queue;
    struct list running;        /* struct builder_job */
    uint32_t crowded_out_count; /* of them: were killed to make room, and have not ended yet */
    uint64_t ended[BUILDER_JOB_END_COUNT];
    uint64_t serial;
    bool stopping;
};

/* ---- one job's end --------------------------------------------------------------------------- */

static void builder_job_free(struct builder_job *job)
{
    if (job->timer != NULL)
        event_free(job->timer);
    if (job->artifact_temp[0] != '\0')
        artifacts_remove_temp(job->jobs->options.artifacts_fd, job->artifact_temp);
    base_auto_close(&job->artifact_fd);
    base_auto_close(&job->result_fd);
    free(job);
}

/* The job neither waits nor runs any more. */
static void builder_job_finish(struct builder_job *job, const struct builder_job_outcome *outcome)
{
    job->jobs->ended[outcome->end]++;
    job->request.done(job->request.context, outcome);
    builder_job_free(job);
}

static void builder_job_fail(struct builder_job *job,
                             enum builder_job_end end,
                             enum status status,
                             const char *text)
{
    struct builder_job_outcome outcome = {
        .end = end, .result = {.status = status, .offset = REPORT_OFFSET_NONE}};
    (void)snprintf(outcome.result.text, sizeof(outcome.result.text), "%s", text);
    builder_job_finish(job, &outcome);
}

/* ---- spawning -------------------------------------------------------------------------------- */

/* The module, and the list of files behind it. */
static int builder_job_module_fd(const struct builder_job_request *request, struct report *report)
{
    int fd = memfd_create("module", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (fd < 0 || io_write_all(fd, request->module) != STATUS_OK ||
        io_write_all(fd, request->files) != STATUS_OK || lseek(fd, 0, SEEK_SET) != 0 ||
        fcntl(fd, F_ADD_SEALS, seals) != 0) {
        (void)report_errno(report, "cannot hand the module to a builder");
        base_auto_close(&fd);
        return -1;
    }
    return fd;
}

/* The parent's and the child's ends; all -1 at first, closed by the owner in any case. */
struct builder_job_fds {
    int child[BUILDER_JOB_CHILD_FD_COUNT]; /* in the order of enum deploy_builder_fd */
    int result;
    int order;
};

static void builder_job_close_fds(const struct builder_job_fds *fds)
{
    for (int i = 0; i < BUILDER_JOB_CHILD_FD_COUNT; i++)
        base_auto_close(&fds->child[i]);
    base_auto_close(&fds->result);
    base_auto_close(&fds->order);
}

static enum status
builder_job_make_fds(struct builder_job *job, struct builder_job_fds *fds, struct report *report)
{
    struct builder_jobs *jobs = job->jobs;
    int result[2];
    int order[2];
    char temp[ARTIFACTS_NAME_BYTES];
    int *child = fds->child;
    child[0] = builder_job_module_fd(&job->request, report);
    if (child[0] < 0)
        return STATUS_IO;
    enum status status = jobs->options.prepare(jobs->options.context, report);
    if (status == STATUS_OK)
        status = artifacts_create_temp(jobs->options.artifacts_fd, jobs->options.run,
                                       jobs->serial++, report, temp, &child[1]);
    if (status != STATUS_OK)
        return status;
    memcpy(job->artifact_temp, temp, sizeof(temp));
    if (pipe2(result, O_CLOEXEC) != 0)
        return report_errno(report, "cannot start a builder");
    fds->result = result[0];
    child[2] = result[1];
    if (pipe2(order, O_CLOEXEC) != 0)
        return report_errno(report, "cannot start a builder");
    child[3] = order[0];
    fds->order = order[1];
    if (job->request.base_key != NULL)
        child[4] = fcntl(job->request.base_fd, F_DUPFD_CLOEXEC, 0);
    if (job->request.base_key != NULL && child[4] < 0)
        return report_errno(report, "cannot start a builder");
    /* Control does not wait for a process that has not proved anything yet. */
    if (fcntl(fds->order, F_SETFL, O_NONBLOCK) != 0)
        return report_errno(report, "cannot start a builder");
    return STATUS_OK;
}

static enum status
builder_job_spawn(struct builder_job *job, const struct builder_job_fds *fds, struct report *report)
{
    const struct builder_job_options *options = &job->jobs->options;
    const struct config_limits *limits = options->limits;
    const struct spawn_limit rows[] = {
        {RLIMIT_CPU, limits->build_wall / CLOCK_US_PER_S + 1},
        {RLIMIT_NOFILE, BUILDER_JOB_FILES_MAX},
        {RLIMIT_FSIZE, limits->build_memory},
        {RLIMIT_DATA, limits->build_memory}, /* the last: a sanitizer's program has none */
    };
    const struct spawn_order order = {
        .role = options->role,
        .fds = fds->child,
        .fd_count = BUILDER_JOB_CHILD_FD_COUNT - (job->request.base_key == NULL ? 1 : 0),
        .error_fd = options->error_fd,
        .limits = rows,
        .limit_count = COUNT_OF(rows) - (spawn_is_sanitized() ? 1 : 0),
    };
    return spawn_start(&order, report, &job->pid);
}

/* Tells it what to do, whereupon it begins. */
static enum status
builder_job_release(const struct builder_job *job, int order_fd, struct report *report)
{
    const struct config_limits *limits = job->jobs->options.limits;
    struct bytes config = job->request.config;
    struct deploy_build_order order = {.limits = *limits,
                                       .config_bytes = config.count,
                                       .files_bytes = job->request.files.count,
                                       .choices = job->request.choices,
                                       .source = job->request.source,
                                       .walls = job->jobs->options.walls,
                                       .has_base = job->request.base_key != NULL};
    if (order.has_base)
        memcpy(order.base_key, job->request.base_key, sizeof(order.base_key));
    if (job->request.memory_max_bytes > 0)
        order.limits.memory = MIN(order.limits.memory, job->request.memory_max_bytes);
    (void)snprintf(order.blobs, sizeof(order.blobs), "%s/" BLOBS_FOLDER "/%.*s",
                   job->jobs->options.data_dir, (int)job->request.files_tenant.count,
                   (const char *)job->request.files_tenant.data);
    const struct iovec parts[] = {
        {.iov_base = &order, .iov_len = sizeof(order)},
        {.iov_base = (void *)(uintptr_t)config.data, .iov_len = config.count}};
    errno = EAGAIN; /* for a write that took less than all */
    if (writev(order_fd, parts, COUNT_OF(parts)) != (ssize_t)(sizeof(order) + config.count))
        return report_errno(report, "cannot talk to a builder");
    return STATUS_OK;
}

/* Measures another `step_us`, or what is left of the wall time. */
static int builder_job_time(struct builder_job *job, uint64_t step_us)
{
    uint64_t wall_us = job->jobs->options.limits->build_wall;
    uint64_t us = MIN(step_us, wall_us - job->timed_us);
    const struct timeval time = {.tv_sec = (time_t)(us / CLOCK_US_PER_S),
                                 .tv_usec = (suseconds_t)(us % CLOCK_US_PER_S)};
    job->timed_us += us;
    return evtimer_add(job->timer, &time);
}

static void builder_job_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct builder_job *job = context;
    uint64_t wall_us = job->jobs->options.limits->build_wall;
    bool over = job->timed_us >= wall_us;
    /* One makes room for one. */
    bool crowded = !over && build_queue_is_crowded(&job->jobs->queue, &job->entry) &&
                   job->jobs->crowded_out_count < job->jobs->queue.waiting_count;
    if (!over && !crowded && builder_job_time(job, wall_us / BUILDER_JOB_LOOKS) == 0)
        return;
    job->timed_out = true;
    job->crowded_out = crowded;
    job->jobs->crowded_out_count += crowded ? 1 : 0;
    /* Its exit, which SIGCHLD tells, ends the job. */
    (void)kill(job->pid, SIGKILL);
}

static enum status builder_job_start_timer(struct builder_job *job)
{
    uint64_t wall_us = job->jobs->options.limits->build_wall;
    job->timer = evtimer_new(job->jobs->options.base, builder_job_timeout, job);
    if (job->timer == NULL || builder_job_time(job, wall_us / BUILDER_JOB_CROWDED_SHARE) != 0)
        return STATUS_NO_MEMORY;
    return STATUS_OK;
}

/* On failure no process is left. */
static enum status builder_job_start(struct builder_job *job, struct report *report)
{
    struct builder_job_fds fds = {.child = {-1, -1, -1, -1, -1}, .result = -1, .order = -1};
    enum status status = builder_job_make_fds(job, &fds, report);
    if (status == STATUS_OK)
        status = builder_job_spawn(job, &fds, report);
    if (status == STATUS_OK) {
        status = builder_job_release(job, fds.order, report);
        if (status == STATUS_OK)
            status = builder_job_start_timer(job);
        if (status != STATUS_OK) {
            (void)kill(job->pid, SIGKILL);
            (void)waitpid(job->pid, NULL, 0);
        }
    }
    if (status == STATUS_OK) {
        job->artifact_fd = fds.child[1];
        job->result_fd = fds.result;
        fds.child[1] = fds.result = -1;
    }
    builder_job_close_fds(&fds);
    return status;
}

static void builder_jobs_run(struct builder_jobs *jobs)
{
    struct build_entry *entry;
    while (!jobs->stopping && (entry = build_queue_take(&jobs->queue)) != NULL) {
        struct builder_job *job = CONTAINER_OF(entry, struct builder_job, entry);
        struct report report = REPORT_INIT;
        enum status status = builder_job_start(job, &report);
        if (status == STATUS_OK) {
            list_append(&jobs->running, &job->link);
            continue;
        }
        build_queue_end(&jobs->queue, entry);
        builder_job_fail(job, BUILDER_JOB_FAILED, status,
                         report.status == STATUS_OK ? status_text(status) : report.text);
    }
}

/* ---- the result ------------------------------------------------------------------------------ */

static bool builder_job_text_ends(char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) != NULL;
}

/* A builder has seen hostile bytes: what it says is checked like them. */
static bool builder_job_read_result(const struct builder_job *job,
                                    struct deploy_build_result *ret_result)
{
    struct deploy_build_result result;
    struct stat facts;
    if (read(job->result_fd, &result, sizeof(result)) != (ssize_t)sizeof(result))
        return false;
    if ((unsigned)result.status >= STATUS_COUNT ||
        !builder_job_text_ends(result.text, sizeof(result.text)) ||
        !builder_job_text_ends(result.kind, sizeof(result.kind)) ||
        !builder_job_text_ends(result.warnings, sizeof(result.warnings)) ||
        !builder_job_text_ends(result.surface, sizeof(result.surface)))
        return false;
    for (const char *at = result.kind; *at != '\0'; at++) {
        if ((*at < 'a' || *at > 'z') && (*at < '0' || *at > '9') && *at != '-')
            return false;
    }
    if (result.status == STATUS_OK &&
        (result.kind[0] == '\0' || result.artifact_bytes == 0 ||
         fstat(job->artifact_fd, &facts) != 0 || (uint64_t)facts.st_size != result.artifact_bytes))
        return false;
    *ret_result = result;
    return true;
}

static void builder_job_describe_exit(int wait_status, char *ret_text, size_t bytes)
{
    const char *signal_text = WIFSIGNALED(wait_status) ? sigdescr_np(WTERMSIG(wait_status)) : NULL;
    if (WIFSIGNALED(wait_status))
        (void)snprintf(ret_text, bytes,
                       "the builder was killed by signal %d (%s) while it worked on this module",
                       WTERMSIG(wait_status), signal_text == NULL ? "unknown" : signal_text);
    else if (WEXITSTATUS(wait_status) != 0)
        (void)snprintf(ret_text, bytes, "the builder ended with status %d and no result",
                       WEXITSTATUS(wait_status));
    else
        (void)snprintf(ret_text, bytes, "the builder gave no valid result");
}

static void builder_job_took_too_long(struct builder_job *job)
{
    char text[REPORT_TEXT_BYTES];
    char wall[CONFIG_QUANTITY_BYTES];
    config_format_quantity(job->jobs->options.limits->build_wall, CONFIG_UNIT_MICROSECONDS, wall);
    (void)snprintf(text, sizeof(text), "the build took longer than %slimits.build_wall (%s)%s",
                   job->crowded_out ? "a sixth of " : "", wall,
                   job->crowded_out ? " while others waited" : "");
    builder_job_fail(job, BUILDER_JOB_TIMEOUT, STATUS_TIMEOUT, text);
}

static void builder_job_reaped(struct builder_job *job, int wait_status)
{
    char text[REPORT_TEXT_BYTES];
    struct builder_job_outcome outcome = {.end = BUILDER_JOB_REFUSED};
    bool cpu = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGXCPU;
    if (job->cancelled) {
        builder_job_fail(job, BUILDER_JOB_CANCELLED, STATUS_UNREACHABLE, "the client is gone");
        return;
    }
    if (job->timed_out || cpu) {
        builder_job_took_too_long(job);
        return;
    }
    bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    if (!clean || !builder_job_read_result(job, &outcome.result)) {
        builder_job_describe_exit(wait_status, text, sizeof(text));
        builder_job_fail(job, BUILDER_JOB_CRASHED, STATUS_IO, text);
        return;
    }
    if (outcome.result.status == STATUS_OK) {
        outcome.end = BUILDER_JOB_BUILT;
        outcome.artifact_temp = job->artifact_temp;
    }
    builder_job_finish(job, &outcome);
}

/* It runs no longer. */
static void builder_job_stop_running(struct builder_job *job)
{
    list_remove(&job->link);
    job->jobs->crowded_out_count -= job->crowded_out ? 1 : 0;
    build_queue_end(&job->jobs->queue, &job->entry);
}

bool builder_jobs_child_exited(struct builder_jobs *jobs, int pid, int wait_status)
{
    LIST_FOREACH(job, &jobs->running, struct builder_job, link) {
        if (job->pid != pid)
            continue;
        builder_job_stop_running(job);
        builder_job_reaped(job, wait_status);
        builder_jobs_run(jobs);
        return true;
    }
    return false;
}

void builder_jobs_cancel(struct builder_job *job)
{
    if (list_is_linked(&job->link)) {
        job->cancelled = true;
        (void)kill(job->pid, SIGKILL);
        return;
    }
    build_queue_remove(&job->jobs->queue, &job->entry);
    builder_job_fail(job, BUILDER_JOB_CANCELLED, STATUS_UNREACHABLE, "the client is gone");
}

/* ---- the queue ------------------------------------------------------------------------------- */

enum status builder_jobs_create(const struct builder_job_options *options,
                                struct report *report,
                                struct builder_jobs **ret_jobs)
{
    ASSERT(options->running_max > 0);
    struct builder_jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    jobs->options = *options;
    build_queue_init(&jobs->queue, options->running_max);
    *ret_jobs = jobs;
    return STATUS_OK;
}

void builder_jobs_free(struct builder_jobs *jobs)
{
    static const char text[] = "the server is stopping";
    struct build_entry *entry;
    if (jobs == NULL)
        return;
    jobs->stopping = true;
    LIST_FOREACH(job, &jobs->running, struct builder_job, link) {
        (void)kill(job->pid, SIGKILL);
        (void)waitpid(job->pid, NULL, 0);
        builder_job_stop_running(job);
        builder_job_fail(job, BUILDER_JOB_FAILED, STATUS_UNREACHABLE, text);
    }
    while ((entry = build_queue_take(&jobs->queue)) != NULL) {
        build_queue_end(&jobs->queue, entry);
        builder_job_fail(CONTAINER_OF(entry, struct builder_job, entry), BUILDER_JOB_FAILED,
                         STATUS_UNREACHABLE, text);
    }
    free(jobs);
}

enum status builder_jobs_submit(struct builder_jobs *jobs,
                                const struct builder_job_request *request,
                                struct report *report,
                                struct builder_job **ret_job)
{
    const struct build_queue *queue = &jobs->queue;
    bool too_many_bytes =
        queue->waiting_count > 0 &&
        (queue->waiting_bytes > BUILDER_JOB_QUEUED_BYTES_MAX ||
         request->module.count > BUILDER_JOB_QUEUED_BYTES_MAX - queue->waiting_bytes);
    if (jobs->stopping || too_many_bytes || queue->waiting_count >= BUILDER_JOB_QUEUED_MAX)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "%" PRIu32 " builds are waiting already: try again in a moment",
                           queue->waiting_count);
    ASSERT(request->config.count <= DEPLOY_CONFIG_BYTES_MAX);
    struct builder_job *job = calloc(1, sizeof(*job));
    if (job == NULL || build_queue_add(&jobs->queue, request->tenant, request->module.count,
                                       &job->entry) != STATUS_OK) {
        free(job);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    job->jobs = jobs;
    job->request = *request;
    job->request.tenant = NULL;
    job->artifact_fd = job->result_fd = -1;
    if (ret_job != NULL)
        *ret_job = job;
    builder_jobs_run(jobs);
    return STATUS_OK;
}

struct builder_jobs_stats builder_jobs_stats(const struct builder_jobs *jobs)
{
    struct builder_jobs_stats stats = {.running = jobs->queue.running_count,
                                       .queued = jobs->queue.waiting_count};
    memcpy(stats.ended, jobs->ended, sizeof(stats.ended));
    return stats;
}
