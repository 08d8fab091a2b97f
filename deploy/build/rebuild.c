/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of what is under way, and a short memory of failures, so that a module that cannot be
 * built any more does not keep a builder busy for ever.
 */
#include "deploy/build/rebuild.h"

#include <stdlib.h>

#define REBUILD_UNDER_WAY_MAX 256
#define REBUILD_FAILURE_COUNT 64
#define REBUILD_FRESH_NS      CLOCK_NS_PER_S
#define REBUILD_RETRY_NS      (30 * CLOCK_NS_PER_S)

struct rebuild_job {
    struct list_link link;
    struct rebuild *rebuild;
    uint8_t key[DEPLOY_SHA256_BYTES];
    /* The module, its configuration, its files, whose those are, its base's module. */
    struct buffer source;
    size_t module_bytes;
    uint32_t choices; /* that it was made by */
    size_t config_bytes;
    size_t files_bytes;
    size_t tenant_bytes;
    uint32_t language; /* enum deploy_source */
    bool has_base;
    uint8_t base_key[DEPLOY_SHA256_BYTES];
};

struct rebuild_failure {
    uint8_t key[DEPLOY_SHA256_BYTES];
    uint64_t until_ns;
};

struct rebuild {
    struct rebuild_options options;
    struct list jobs; /* struct rebuild_job */
    uint32_t job_count;
    struct rebuild_failure failures[REBUILD_FAILURE_COUNT]; /* a ring */
    uint32_t failure_next;
};

static void rebuild_free_job(struct rebuild_job *job)
{
    buffer_done(&job->source);
    free(job);
}

static void rebuild_remember_failure(struct rebuild *rebuild, const struct rebuild_job *job)
{
    struct rebuild_failure *failure = &rebuild->failures[rebuild->failure_next];
    rebuild->failure_next = (rebuild->failure_next + 1) % REBUILD_FAILURE_COUNT;
    memcpy(failure->key, job->key, sizeof(failure->key));
    failure->until_ns = clock_monotonic_ns(rebuild->options.clock) + REBUILD_RETRY_NS;
}

static enum status rebuild_publish(const struct rebuild *rebuild,
                                   const struct rebuild_job *job,
                                   const struct builder_job_outcome *outcome,
                                   struct report *report)
{
    if (outcome->end != BUILDER_JOB_BUILT)
        return report_fail(report, outcome->result.status, REPORT_OFFSET_NONE, "%s",
                           outcome->result.text);
    return artifacts_publish(rebuild->options.artifacts_fd, outcome->artifact_temp, job->key,
                             report);
}

static void rebuild_done(void *context, const struct builder_job_outcome *outcome)
{
    struct rebuild_job *job = context;
    struct rebuild *rebuild = job->rebuild;
    const struct rebuild_options *options = &rebuild->options;
    struct report report = REPORT_INIT;
    bool stopped =
        outcome->end == BUILDER_JOB_FAILED && outcome->result.status == STATUS_UNREACHABLE;
    /* Its last version may have been removed meanwhile: then nobody misses it. */
    if (!stopped && store_has_artifact(options->store, job->key)) {
        if (rebuild_publish(rebuild, job, outcome, &report) == STATUS_OK) {
            options->rebuilt(options->context, job->key);
        } else {
            rebuild_remember_failure(rebuild, job);
            options->failed(options->context, job->key, report.text);
        }
    }
    list_remove(&job->link);
    rebuild->job_count--;
    rebuild_free_job(job);
}

static bool rebuild_is_needed(const struct rebuild *rebuild, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    const struct rebuild_options *options = &rebuild->options;
    uint64_t now_ns = clock_monotonic_ns(options->clock);
    LIST_FOREACH(job, &rebuild->jobs, struct rebuild_job, link) {
        if (memcmp(job->key, key, sizeof(job->key)) == 0)
            return false;
    }
    for (size_t i = 0; i < REBUILD_FAILURE_COUNT; i++) {
        const struct rebuild_failure *failure = &rebuild->failures[i];
        if (failure->until_ns > now_ns && memcmp(failure->key, key, sizeof(failure->key)) == 0)
            return false;
    }
    return rebuild->job_count < REBUILD_UNDER_WAY_MAX &&
           !artifacts_is_fresh(options->artifacts_fd, key, clock_realtime_ns(options->clock),
                               REBUILD_FRESH_NS);
}

static enum status rebuild_copy_source(void *context, const struct store_source *source)
{
    struct rebuild_job *job = context;
    job->module_bytes = source->module.count;
    job->choices = source->choices;
    job->config_bytes = source->config.count;
    job->files_bytes = source->files.count;
    job->tenant_bytes = source->tenant.count;
    job->language = source->source;
    job->has_base = source->base_key != NULL;
    if (job->has_base)
        memcpy(job->base_key, source->base_key, sizeof(job->base_key));
    enum status status = buffer_append(&job->source, source->module.data, source->module.count);
    if (status == STATUS_OK)
        status = buffer_append(&job->source, source->config.data, source->config.count);
    if (status == STATUS_OK)
        status = buffer_append(&job->source, source->files.data, source->files.count);
    if (status == STATUS_OK)
        status = buffer_append(&job->source, source->tenant.data, source->tenant.count);
    if (status == STATUS_OK)
        status = buffer_append(&job->source, source->base_module.data, source->base_module.count);
    return status;
}

static void rebuild_begin(struct rebuild *rebuild, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct rebuild_job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return;
    job->rebuild = rebuild;
    memcpy(job->key, key, sizeof(job->key));
    buffer_init(&job->source, SIZE_MAX);
    if (store_use_source(rebuild->options.store, key, rebuild_copy_source, job, NULL) !=
        STATUS_OK) {
        rebuild_free_job(job);
        return;
    }
    list_append(&rebuild->jobs, &job->link);
    rebuild->job_count++;
    const uint8_t *source = job->source.data;
    size_t files_at = job->module_bytes + job->config_bytes;
    size_t tenant_at = files_at + job->files_bytes;
    size_t base_at = tenant_at + job->tenant_bytes;
    const struct bases_need need = {.key = job->has_base ? job->base_key : NULL,
                                    .module =
                                        bytes_make(source + base_at, job->source.count - base_at),
                                    .choices = job->choices};
    const struct builder_job_request request = {
        .module = bytes_make(source, job->module_bytes),
        .config = bytes_make(source + job->module_bytes, job->config_bytes),
        .files = bytes_make(source + files_at, job->files_bytes),
        .files_tenant = bytes_make(source + tenant_at, job->tenant_bytes),
        /* What was once deployed is built again, whatever it imports and reads. */
        .choices = DEPLOY_ALLOW_MISSING | DEPLOY_RESEEDS | job->choices,
        .source = job->language,
        .done = rebuild_done,
        .context = job};
    if (bases_build(rebuild->options.bases, &need, &request, NULL, NULL) == STATUS_OK)
        return;
    list_remove(&job->link);
    rebuild->job_count--;
    rebuild_free_job(job);
}

void rebuild_request(struct rebuild *rebuild, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    if (rebuild_is_needed(rebuild, key))
        rebuild_begin(rebuild, key);
}

bool rebuild_is_idle(const struct rebuild *rebuild)
{
    return list_is_empty(&rebuild->jobs);
}

enum status rebuild_start(const struct rebuild_options *options,
                          struct report *report,
                          struct rebuild **ret_rebuild)
{
    struct rebuild *rebuild = calloc(1, sizeof(*rebuild));
    if (rebuild == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    rebuild->options = *options;
    *ret_rebuild = rebuild;
    return STATUS_OK;
}

void rebuild_stop(struct rebuild *rebuild)
{
    if (rebuild == NULL)
        return;
    ASSERT(list_is_empty(&rebuild->jobs));
    free(rebuild);
}
