/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds of what is built on a base: they wait until the base's artifact is there, which the first
 * of them has built and the others find.
 *
 *   bases_build --> the base's artifact is there ----------> builder job --> done, exactly once
 *                     | no: one builder job for all              |
 *                     v      that wait for it                    | says that the base is not what
 *                   waiting --(built)--> builder job             v was built: once more, from here
 *                     |
 *                     +--(not built)--> done
 *
 * While anybody builds on a base it is kept, although no version may have it yet. A base that
 * nobody has after that is removed. So one that a server left behind when it was killed between
 * base and version is litter to the next one's scrub.
 */
#ifndef SKERRY_DEPLOY_BUILD_BASES_H
#define SKERRY_DEPLOY_BUILD_BASES_H

#include "deploy/build/builder_job.h"

struct bases;
struct bases_build;

struct bases_options {
    int artifacts_fd; /* borrowed, like `jobs` */
    struct builder_jobs *jobs;
    /* Is an artifact of the store built on it? */
    bool (*keeps)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    void *context;
};

/* What a build is built on. */
struct bases_need {
    const uint8_t *key;  /* of its artifact; NULL: nothing */
    struct bytes module; /* borrowed for the call */
    uint32_t choices;    /* that it is made by */
};

NODISCARD enum status
bases_create(const struct bases_options *options, struct report *report, struct bases **ret_bases);
/* Call after builder_jobs_free, which ends what is under way; accepts NULL. */
void bases_free(struct bases *bases);
/* As builder_jobs_submit. What is borrowed until the callback is so while it waits too; the
 * request's base is not read. */
NODISCARD enum status bases_build(struct bases *bases,
                                  const struct bases_need *need,
                                  const struct builder_job_request *request,
                                  struct report *report,
                                  struct bases_build **ret_build);
/* Nobody wants it any more: its callback comes soon, perhaps before this returns. */
void bases_cancel(struct bases_build *build);
/* Does anybody build on it? */
bool bases_has(const struct bases *bases, const uint8_t key[DEPLOY_SHA256_BYTES]);

#endif
