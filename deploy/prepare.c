/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifacts of a program that is to take a running server's place, built before it does.
 *
 *   functions --> keys of what their clients get --> is there one of this build? --no--> rebuild
 *
 * The server goes on meanwhile, and is the store's writer: here it is only read. What it deploys
 * after the walk is built when it is asked for.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/build/rebuild.h"
#include "deploy/data_dir.h"

#define PREPARE_KEYS_BYTES_MAX ((size_t)1 << 30)

struct prepare {
    const struct deploy_prepare_options *options;
    struct event_base *base;
    struct event *child_event;
    struct store *store;
    struct builder_jobs *jobs;
    struct bases *bases;
    struct rebuild *rebuild;
    int artifacts_fd;
    struct buffer tenants; /* DEPLOY_NAME_BYTES each */
    struct buffer names;   /* struct prepare_name */
    struct buffer keys;    /* DEPLOY_SHA256_BYTES each */
    bool waits;            /* for the rebuild of a key */
    struct report *report;
    enum status status;
};

struct prepare_name {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

/* ---- what there is --------------------------------------------------------------------------- */

static bool prepare_visit_tenant(void *context, const struct store_tenant *tenant)
{
    struct prepare *prepare = context;
    prepare->status = buffer_append(&prepare->tenants, tenant->tenant, sizeof(tenant->tenant));
    return prepare->status == STATUS_OK;
}

static bool prepare_visit(void *context, const struct store_function *function)
{
    struct prepare *prepare = context;
    struct prepare_name name;
    memcpy(name.tenant, function->tenant, sizeof(name.tenant));
    memcpy(name.function, function->function, sizeof(name.function));
    prepare->status = buffer_append(&prepare->names, &name, sizeof(name));
    if (prepare->status == STATUS_OK && function->record.active_version != 0)
        prepare->status = buffer_append(&prepare->keys, function->record.active.artifact_key,
                                        DEPLOY_SHA256_BYTES);
    return prepare->status == STATUS_OK;
}

/* Those that get a share without being the active one. */
static enum status prepare_shares(struct prepare *prepare, const struct prepare_name *name)
{
    struct records_deployments deployments;
    struct store_version version;
    const struct store_target target = {.tenant = bytes_of_text(name->tenant),
                                        .function = bytes_of_text(name->function)};
    enum status status = store_get_deployments(prepare->store, &target, NULL, &deployments);
    const struct records_deployment *current = &deployments.current;
    for (uint32_t i = 0; status == STATUS_OK && i < current->share_count; i++) {
        if (store_get_version(prepare->store, &target, current->shares[i].version, NULL,
                              &version) == STATUS_OK)
            status = buffer_append(&prepare->keys, version.record.content.artifact_key,
                                   DEPLOY_SHA256_BYTES);
    }
    /* What was removed since the walk is nobody's. */
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static int prepare_compare(const void *a, const void *b)
{
    return memcmp(a, b, DEPLOY_SHA256_BYTES);
}

static enum status prepare_find_keys(struct prepare *prepare)
{
    enum status status = store_list_tenants(prepare->store, bytes_make("", 0), prepare_visit_tenant,
                                            prepare, prepare->report);
    const char *tenants = (const char *)prepare->tenants.data;
    for (size_t i = 0; status == STATUS_OK && i < prepare->tenants.count; i += DEPLOY_NAME_BYTES) {
        const struct store_target start = {.tenant = bytes_of_text(tenants + i),
                                           .function = bytes_make("", 0)};
        status =
            store_list_functions(prepare->store, &start, prepare_visit, prepare, prepare->report);
    }
    if (status == STATUS_OK)
        status = prepare->status;
    const struct prepare_name *names = (const void *)prepare->names.data;
    for (size_t i = 0; status == STATUS_OK && i < prepare->names.count / sizeof(*names); i++)
        status = prepare_shares(prepare, &names[i]);
    if (status == STATUS_OK && prepare->keys.count > 0)
        qsort(prepare->keys.data, prepare->keys.count / DEPLOY_SHA256_BYTES, DEPLOY_SHA256_BYTES,
              prepare_compare);
    return status;
}

/* ---- building -------------------------------------------------------------------------------- */

static void prepare_built(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)key;
    ((struct prepare *)context)->waits = false;
}

static void prepare_failed(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const char *text)
{
    (void)key;
    struct prepare *prepare = context;
    prepare->waits = false;
    prepare->status =
        report_fail(prepare->report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE, "%s", text);
}

static bool prepare_has(const struct prepare *prepare, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char name[ARTIFACTS_NAME_BYTES];
    AUTO_CLOSE int fd = -1;
    artifacts_name(key, name);
    return artifacts_open(prepare->artifacts_fd, name, key, NULL, &fd) == STATUS_OK;
}

static void prepare_one(struct prepare *prepare, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    if (prepare_has(prepare, key))
        return;
    prepare->waits = true;
    rebuild_request(prepare->rebuild, key);
    /* What was begun calls back; what was not has no source any more. */
    while (prepare->waits && !rebuild_is_idle(prepare->rebuild))
        (void)event_base_loop(prepare->base, EVLOOP_ONCE);
}

static enum status prepare_build(struct prepare *prepare)
{
    const struct deploy_prepare_options *options = prepare->options;
    uint32_t total = (uint32_t)(prepare->keys.count / DEPLOY_SHA256_BYTES);
    for (uint32_t i = 0; i < total && prepare->status == STATUS_OK; i++) {
        const uint8_t *key = prepare->keys.data + (size_t)i * DEPLOY_SHA256_BYTES;
        if (i == 0 || memcmp(key, key - DEPLOY_SHA256_BYTES, DEPLOY_SHA256_BYTES) != 0)
            prepare_one(prepare, key);
        options->progress(options->context, i + 1, total);
    }
    return prepare->status;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void prepare_on_child(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    const struct prepare *prepare = context;
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
        (void)builder_jobs_child_exited(prepare->jobs, pid, wait_status);
}

/* What has a base is of a version: the server that comes will have it. */
static bool prepare_keeps(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)context;
    (void)key;
    return true;
}

static enum status prepare_keep_artifacts(void *context, struct report *report)
{
    (void)context;
    (void)report;
    return STATUS_OK;
}

static enum status prepare_open_store(struct prepare *prepare, struct report *report)
{
    const struct config *config = prepare->options->config;
    char path[CONFIG_PATH_BYTES + 16];
    (void)snprintf(path, sizeof(path), "%s/" DATA_DIR_ARTIFACTS, config->data_dir);
    prepare->artifacts_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (prepare->artifacts_fd < 0)
        return report_errno(report, "cannot open %s", path);
    (void)snprintf(path, sizeof(path), "%s/" DATA_DIR_STORE, config->data_dir);
    const struct store_options options = {.dir = path,
                                          .data_dir = config->data_dir,
                                          .map_bytes = config->store_map_bytes,
                                          .clock = prepare->options->clock,
                                          .read_only = true};
    return store_open(&options, report, &prepare->store);
}

static enum status prepare_open_jobs(struct prepare *prepare, struct report *report)
{
    const struct config *config = prepare->options->config;
    uint64_t run = 0;
    (void)!getrandom(&run, sizeof(run), GRND_NONBLOCK);
    const struct builder_job_options jobs = {.base = prepare->base,
                                             .role = prepare->options->builder,
                                             .error_fd = prepare->options->error_fd,
                                             .limits = &config->limits,
                                             .walls = config->walls,
                                             .data_dir = config->data_dir,
                                             .artifacts_fd = prepare->artifacts_fd,
                                             .run = run,
                                             .running_max = 1,
                                             .prepare = prepare_keep_artifacts};
    enum status status = builder_jobs_create(&jobs, report, &prepare->jobs);
    if (status != STATUS_OK)
        return status;
    const struct bases_options bases = {
        .artifacts_fd = prepare->artifacts_fd, .jobs = prepare->jobs, .keeps = prepare_keeps};
    status = bases_create(&bases, report, &prepare->bases);
    if (status != STATUS_OK)
        return status;
    const struct rebuild_options rebuild = {.artifacts_fd = prepare->artifacts_fd,
                                            .clock = prepare->options->clock,
                                            .store = prepare->store,
                                            .bases = prepare->bases,
                                            .rebuilt = prepare_built,
                                            .failed = prepare_failed,
                                            .context = prepare};
    return rebuild_start(&rebuild, report, &prepare->rebuild);
}

static void prepare_close(struct prepare *prepare)
{
    builder_jobs_free(prepare->jobs);
    rebuild_stop(prepare->rebuild);
    bases_free(prepare->bases);
    store_close(prepare->store);
    base_auto_close(&prepare->artifacts_fd);
    buffer_done(&prepare->tenants);
    buffer_done(&prepare->names);
    buffer_done(&prepare->keys);
    if (prepare->child_event != NULL)
        event_free(prepare->child_event);
    if (prepare->base != NULL)
        event_base_free(prepare->base);
}

enum status deploy_prepare(const struct deploy_prepare_options *options, struct report *report)
{
    struct prepare prepare = {.options = options, .artifacts_fd = -1, .report = report};
    buffer_init(&prepare.tenants, PREPARE_KEYS_BYTES_MAX);
    buffer_init(&prepare.names, PREPARE_KEYS_BYTES_MAX);
    buffer_init(&prepare.keys, PREPARE_KEYS_BYTES_MAX);
    prepare.base = event_base_new();
    if (prepare.base != NULL)
        prepare.child_event = evsignal_new(prepare.base, SIGCHLD, prepare_on_child, &prepare);
    enum status status = STATUS_OK;
    if (prepare.child_event == NULL || event_add(prepare.child_event, NULL) != 0)
        status = report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (status == STATUS_OK)
        status = prepare_open_store(&prepare, report);
    if (status == STATUS_OK)
        status = prepare_open_jobs(&prepare, report);
    if (status == STATUS_OK)
        status = prepare_find_keys(&prepare);
    if (status == STATUS_OK)
        status = prepare_build(&prepare);
    prepare_close(&prepare);
    return status;
}
