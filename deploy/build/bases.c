/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of the bases that are in use by builds, each with those that wait for it.
 *
 * Invariant: a base is in the list as long as it has a holder: a build on it, or the job that
 * builds it. The last one takes it out.
 */
#include "deploy/build/bases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct base {
    struct list_link link;
    struct bases *bases;
    uint8_t key[DEPLOY_SHA256_BYTES];
    uint32_t holders;
    int fd;               /* of its artifact; -1: it is not there */
    struct buffer module; /* what it is built from */
    uint32_t choices;
    bool is_building;    /* there is a job for it */
    struct list waiting; /* struct bases_build */
};

struct bases_build {
    struct list_link link; /* of its base's waiting list */
    struct bases *bases;
    struct base *base; /* NULL: it needs none */
    struct builder_job *job;
    struct builder_job_request request; /* with the callback of who asked */
    char tenant[DEPLOY_NAME_BYTES];     /* "": a rebuild */
    bool has_tried;                     /* ... and had the base built again */
};

struct bases {
    struct bases_options options;
    struct list list; /* struct base */
};

/* ---- a base ---------------------------------------------------------------------------------- */

static struct base *bases_find(const struct bases *bases, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    LIST_FOREACH(base, &bases->list, struct base, link) {
        if (memcmp(base->key, key, sizeof(base->key)) == 0)
            return base;
    }
    return NULL;
}

bool bases_has(const struct bases *bases, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    return bases_find(bases, key) != NULL;
}

/* Found or made, with a holder more; NULL: out of memory. */
static struct base *bases_hold(struct bases *bases, const struct bases_need *need)
{
    struct base *base = bases_find(bases, need->key);
    if (base != NULL) {
        base->holders++;
        return base;
    }
    base = calloc(1, sizeof(*base));
    if (base == NULL)
        return NULL;
    *base = (struct base){.bases = bases, .holders = 1, .fd = -1, .choices = need->choices};
    memcpy(base->key, need->key, sizeof(base->key));
    buffer_init(&base->module, SIZE_MAX);
    if (buffer_append(&base->module, need->module.data, need->module.count) != STATUS_OK) {
        buffer_done(&base->module);
        free(base);
        return NULL;
    }
    list_append(&bases->list, &base->link);
    return base;
}

static void base_release(struct base *base)
{
    const struct bases_options *options;
    if (base == NULL || --base->holders > 0)
        return;
    options = &base->bases->options;
    ASSERT(list_is_empty(&base->waiting) && !base->is_building);
    list_remove(&base->link);
    base_auto_close(&base->fd);
    if (!options->keeps(options->context, base->key))
        artifacts_remove(options->artifacts_fd, base->key);
    buffer_done(&base->module);
    free(base);
}

/* False: its artifact is not there, or not as it was published. */
static bool base_open(struct base *base)
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(base->key, name);
    return base->fd >= 0 || artifacts_open(base->bases->options.artifacts_fd, name, base->key, NULL,
                                           &base->fd) == STATUS_OK;
}

/* ---- a build --------------------------------------------------------------------------------- */

/* Calls back, which the build does not outlive. */
static void bases_finish(struct bases_build *build, const struct builder_job_outcome *outcome)
{
    build->request.done(build->request.context, outcome);
    base_release(build->base);
    free(build);
}

static void bases_fail(struct bases_build *build,
                       enum builder_job_end end,
                       enum status status,
                       const char *text)
{
    struct builder_job_outcome outcome = {
        .end = end, .result = {.status = status, .offset = REPORT_OFFSET_NONE}};
    (void)snprintf(outcome.result.text, sizeof(outcome.result.text), "%s", text);
    bases_finish(build, &outcome);
}

static enum status bases_wait(struct bases_build *build, struct report *report);

/* A base whose very bytes are wrong is built again, once: nothing else shows it so early. */
static void bases_done(void *context, const struct builder_job_outcome *outcome)
{
    struct bases_build *build = context;
    struct base *base = build->base;
    struct report report = REPORT_INIT;
    enum status status = outcome->result.status;
    bool is_bases = base != NULL && outcome->end == BUILDER_JOB_REFUSED &&
                    (status == STATUS_CORRUPT || status == STATUS_STALE);
    if (!is_bases || build->has_tried) {
        bases_finish(build, outcome);
        return;
    }
    build->has_tried = true;
    build->job = NULL;
    base_auto_close(&base->fd);
    base->fd = -1;
    artifacts_remove(build->bases->options.artifacts_fd, base->key);
    status = bases_wait(build, &report);
    if (status != STATUS_OK)
        bases_fail(build, BUILDER_JOB_FAILED, status, report.text);
}

/* On failure there is no callback; else it may have come, and the build be gone. */
static enum status bases_submit(struct bases_build *build, struct report *report)
{
    struct builder_job_request request = build->request;
    request.tenant = build->tenant[0] == '\0' ? NULL : build->tenant;
    request.base_key = build->base == NULL ? NULL : build->base->key;
    request.base_fd = build->base == NULL ? -1 : build->base->fd;
    request.done = bases_done;
    request.context = build;
    return builder_jobs_submit(build->bases->options.jobs, &request, report, &build->job);
}

/* ---- building a base ------------------------------------------------------------------------- */

static void base_tell(struct bases_build *build, const struct builder_job_outcome *failure)
{
    struct report report = REPORT_INIT;
    if (failure != NULL) {
        bases_finish(build, failure);
        return;
    }
    enum status status = bases_submit(build, &report);
    if (status != STATUS_OK)
        bases_fail(build, BUILDER_JOB_FAILED, status, report.text);
}

static void base_built(void *context, const struct builder_job_outcome *outcome)
{
    struct base *base = context;
    struct report report = REPORT_INIT;
    struct builder_job_outcome failure = *outcome;
    bool is_there = outcome->end == BUILDER_JOB_BUILT;
    failure.artifact_temp = NULL;
    if (is_there && (artifacts_publish(base->bases->options.artifacts_fd, outcome->artifact_temp,
                                       base->key, &report) != STATUS_OK ||
                     !base_open(base))) {
        is_there = false;
        failure.end = BUILDER_JOB_FAILED;
        failure.result.status = STATUS_IO;
        (void)snprintf(failure.result.text, sizeof(failure.result.text), "%s",
                       report.text[0] != '\0' ? report.text : "cannot open the base's artifact");
    }
    base->is_building = false;
    /* Who is told may ask again: that one waits for another job. */
    struct list told = {0};
    struct bases_build *build;
    while ((build = LIST_FIRST(&base->waiting, struct bases_build, link)) != NULL) {
        list_remove(&build->link);
        list_append(&told, &build->link);
    }
    while ((build = LIST_FIRST(&told, struct bases_build, link)) != NULL) {
        list_remove(&build->link);
        base_tell(build, is_there ? NULL : &failure);
    }
    base_release(base);
}

static enum status
base_begin(struct base *base, const struct bases_build *build, struct report *report)
{
    const struct builder_job_request request = {
        .tenant = build->tenant[0] == '\0' ? NULL : build->tenant,
        .module = buffer_bytes(&base->module),
        /* Its imports are looked at when something is built on it. */
        .choices = base->choices | (uint32_t)DEPLOY_ALLOW_MISSING,
        .source = DEPLOY_SOURCE_BASE,
        .done = base_built,
        .context = base};
    base->is_building = true;
    base->holders++;
    enum status status = builder_jobs_submit(base->bases->options.jobs, &request, report, NULL);
    if (status != STATUS_OK) {
        base->is_building = false;
        base->holders--;
    }
    return status;
}

/* Until its base is there; on failure it does not wait, and there is no callback. */
static enum status bases_wait(struct bases_build *build, struct report *report)
{
    struct base *base = build->base;
    if (base == NULL || base_open(base))
        return bases_submit(build, report);
    list_append(&base->waiting, &build->link);
    if (base->is_building)
        return STATUS_OK;
    enum status status = base_begin(base, build, report);
    if (status != STATUS_OK)
        list_remove(&build->link);
    return status;
}

/* ---- public ---------------------------------------------------------------------------------- */

enum status
bases_create(const struct bases_options *options, struct report *report, struct bases **ret_bases)
{
    struct bases *bases = calloc(1, sizeof(*bases));
    if (bases == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    bases->options = *options;
    *ret_bases = bases;
    return STATUS_OK;
}

void bases_free(struct bases *bases)
{
    if (bases == NULL)
        return;
    ASSERT(list_is_empty(&bases->list));
    free(bases);
}

enum status bases_build(struct bases *bases,
                        const struct bases_need *need,
                        const struct builder_job_request *request,
                        struct report *report,
                        struct bases_build **ret_build)
{
    struct bases_build *build = calloc(1, sizeof(*build));
    struct base *base = build != NULL && need->key != NULL ? bases_hold(bases, need) : NULL;
    if (build == NULL || (need->key != NULL && base == NULL)) {
        free(build);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    *build = (struct bases_build){.bases = bases, .base = base, .request = *request};
    (void)snprintf(build->tenant, sizeof(build->tenant), "%s",
                   request->tenant == NULL ? "" : request->tenant);
    if (ret_build != NULL)
        *ret_build = build;
    enum status status = bases_wait(build, report);
    if (status != STATUS_OK) {
        base_release(base);
        free(build);
    }
    return status;
}

void bases_cancel(struct bases_build *build)
{
    if (build->job != NULL) {
        builder_jobs_cancel(build->job);
        return;
    }
    list_remove(&build->link);
    bases_fail(build, BUILDER_JOB_CANCELLED, STATUS_UNREACHABLE, "the client is gone");
}
