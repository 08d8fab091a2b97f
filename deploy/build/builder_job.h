/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builder jobs: one process per module that has to become an artifact.
 *
 *   submit --> queued --> running --(SIGCHLD)--> done callback, exactly once
 *                |           |
 *                |           +-- wall timer, cancel: SIGKILL
 *                +-- cancel: done callback
 *
 * A few run at once, the rest wait [build_queue.h: who is next]; how many may wait, and how many
 * bytes of modules with them, is bounded. While others wait, a build has a sixth of
 * limits.build_wall. Whatever the process does, the callback gets a result in words.
 */
#ifndef SKERRY_DEPLOY_BUILD_BUILDER_JOB_H
#define SKERRY_DEPLOY_BUILD_BUILDER_JOB_H

#include "deploy/build/artifacts.h"
#include "deploy/build/build_queue.h"
#include "engine/base/spawn.h"

struct builder_jobs;

struct builder_job_options {
    struct event_base *base;
    const struct spawn_role *role;      /* a builder's; borrowed */
    int error_fd;                       /* their stderr; -1: ours */
    const struct config_limits *limits; /* borrowed */
    enum config_walls walls;            /* that they are to put up */
    const char *data_dir;               /* borrowed */
    int artifacts_fd;                   /* folder of the artifacts; borrowed */
    uint64_t run;                       /* of control: tells temporary files of its runs apart */
    uint32_t running_max;
    /* Before each build: sees to the folder. A build that would find none fails. */
    enum status (*prepare)(void *context, struct report *report);
    void *context;
};

enum builder_job_end {
    BUILDER_JOB_BUILT,   /* artifact_temp holds the artifact */
    BUILDER_JOB_REFUSED, /* result.status says what is wrong with the module */
    BUILDER_JOB_CRASHED, /* killed by a signal, or nonsense came back */
    BUILDER_JOB_TIMEOUT,
    BUILDER_JOB_FAILED, /* our own trouble: no process, no file; result.status says which */
    BUILDER_JOB_CANCELLED,
    BUILDER_JOB_END_COUNT,
};

struct builder_job_outcome {
    enum builder_job_end end;
    struct deploy_build_result result; /* text is set unless BUILT */
    /* Only when BUILT: to be published during the callback, else it is removed. */
    const char *artifact_temp;
};

struct builder_job;

struct builder_job_request {
    const char *tenant;        /* whose it is, for the time of the call; NULL: a rebuild */
    struct bytes module;       /* borrowed until the callback */
    struct bytes config;       /* the same; at most DEPLOY_CONFIG_BYTES_MAX */
    struct bytes files;        /* what it may read: a list; the same */
    struct bytes files_tenant; /* whose its blobs are */
    uint64_t memory_max_bytes; /* linear memory of the version; 0: limits.memory */
    uint32_t choices;          /* enum deploy_choice */
    uint32_t source;           /* enum deploy_source */
    const uint8_t *base_key;   /* of what it is built on; NULL: nothing; borrowed like `module`: */
    int base_fd;               /* its artifact; the same */
    void (*done)(void *context, const struct builder_job_outcome *outcome);
    void *context;
};

NODISCARD enum status builder_jobs_create(const struct builder_job_options *options,
                                          struct report *report,
                                          struct builder_jobs **ret_jobs);
/* Kills what runs and calls back for all jobs (FAILED); accepts NULL. */
void builder_jobs_free(struct builder_jobs *jobs);
/* BUSY if too many wait already; then there is no callback. When a process cannot be
 * started, the callback comes before this returns, but after `ret_job` (may be NULL) was
 * written; the job is there to be cancelled until its callback. */
NODISCARD enum status builder_jobs_submit(struct builder_jobs *jobs,
                                          const struct builder_job_request *request,
                                          struct report *report,
                                          struct builder_job **ret_job);
/* Nobody wants it any more: its callback comes soon, perhaps before this returns. */
void builder_jobs_cancel(struct builder_job *job);
/* True if the process was a builder's. */
bool builder_jobs_child_exited(struct builder_jobs *jobs, int pid, int wait_status);

struct builder_jobs_stats {
    uint64_t ended[BUILDER_JOB_END_COUNT]; /* by enum builder_job_end */
    uint32_t running;
    uint32_t queued;
};
struct builder_jobs_stats builder_jobs_stats(const struct builder_jobs *jobs);

#endif
