/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rebuilds with a shell script in the builder's place: who asks twice is served once, who asks
 * for what nobody has is not served, and what cannot be built is left alone for a while.
 */
#include "../fixture.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/build/artifacts.h"
#include "deploy/build/rebuild.h"
#include "deploy/store/digest.h"

#define MODULE   "module"
#define BUILD_OK "#!/bin/sh\ncat <&3 >&4\ncat $BENCH/result >&5\n"
#define RETRY_NS (30 * CLOCK_NS_PER_S)

struct yard {
    struct fixture fixture;
    struct event_base *base;
    struct event *child;
    struct config_limits limits;
    char executable[128];
    struct spawn_role role;
    int artifacts_fd;
    struct builder_jobs *jobs;
    struct bases *bases;
    struct rebuild *rebuild;
    uint32_t rebuilt_count;
    uint32_t failed_count;
    uint8_t key[DEPLOY_SHA256_BYTES];
};

static void yard_child(evutil_socket_t number, short what, void *context)
{
    struct yard *yard = context;
    int wait_status;
    (void)number;
    (void)what;
    for (pid_t pid; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;)
        assert_true(builder_jobs_child_exited(yard->jobs, pid, wait_status));
}

static void yard_rebuilt(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct yard *yard = context;
    assert_memory_equal(key, yard->key, sizeof(yard->key));
    yard->rebuilt_count++;
}

static void yard_failed(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const char *text)
{
    struct yard *yard = context;
    assert_memory_equal(key, yard->key, sizeof(yard->key));
    assert_non_null(strstr(text, "status 3")); /* the builder's own end, not what became of it */
    yard->failed_count++;
}

static bool yard_keeps(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    const struct yard *yard = context;
    return store_has_artifact(yard->fixture.store, key);
}

static enum status yard_prepare(void *context, struct report *report)
{
    (void)context;
    (void)report;
    return STATUS_OK;
}

static void yard_write_result(const struct yard *yard)
{
    char path[128];
    const struct deploy_build_result result = {.kind = "wagi", .artifact_bytes = strlen(MODULE)};
    (void)snprintf(path, sizeof(path), "%s/result", yard->fixture.dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(&result, sizeof(result), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void yard_init(struct yard *yard, const char *script)
{
    struct report report = REPORT_INIT;
    char folder[128];
    *yard = (struct yard){0};
    fixture_init(&yard->fixture);
    fixture_open_store(&yard->fixture, 4ULL << 20);
    config_limits_default(&yard->limits);
    fixture_write_file(&yard->fixture, "builder", script, 0700);
    yard_write_result(yard);
    (void)snprintf(yard->executable, sizeof(yard->executable), "%s/builder", yard->fixture.dir);
    yard->role = (struct spawn_role){.verb = DEPLOY_BUILDER_VERB,
                                     .executable = yard->executable,
                                     .environment = {"PATH", "BENCH"}};
    assert_int_equal(setenv("BENCH", yard->fixture.dir, 1), 0);
    (void)snprintf(folder, sizeof(folder), "%s/artifacts", yard->fixture.dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    yard->artifacts_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    yard->base = event_base_new();
    yard->child = evsignal_new(yard->base, SIGCHLD, yard_child, yard);
    assert_int_equal(event_add(yard->child, NULL), 0);
    const struct builder_job_options jobs = {.base = yard->base,
                                             .role = &yard->role,
                                             .error_fd = -1,
                                             .limits = &yard->limits,
                                             .artifacts_fd = yard->artifacts_fd,
                                             .running_max = 2,
                                             .prepare = yard_prepare,
                                             .context = yard};
    assert_int_equal(builder_jobs_create(&jobs, &report, &yard->jobs), STATUS_OK);
    const struct bases_options bases = {.artifacts_fd = yard->artifacts_fd,
                                        .jobs = yard->jobs,
                                        .keeps = yard_keeps,
                                        .context = yard};
    assert_int_equal(bases_create(&bases, &report, &yard->bases), STATUS_OK);
    const struct rebuild_options options = {.artifacts_fd = yard->artifacts_fd,
                                            .clock = &yard->fixture.clock,
                                            .store = yard->fixture.store,
                                            .bases = yard->bases,
                                            .rebuilt = yard_rebuilt,
                                            .failed = yard_failed,
                                            .context = yard};
    assert_int_equal(rebuild_start(&options, &report, &yard->rebuild), STATUS_OK);
    digest_sha256(bytes_of_text(MODULE), yard->key);
}

static void yard_done(struct yard *yard)
{
    builder_jobs_free(yard->jobs);
    rebuild_stop(yard->rebuild);
    bases_free(yard->bases);
    event_free(yard->child);
    event_base_free(yard->base);
    assert_int_equal(close(yard->artifacts_fd), 0);
    fixture_done(&yard->fixture);
}

static void yard_deploy(struct yard *yard)
{
    uint32_t version;
    assert_int_equal(fixture_add(&yard->fixture, "acme", "hello", bytes_of_text(MODULE), &version),
                     STATUS_OK);
}

static void yard_run_until(struct yard *yard, const uint32_t *count, uint32_t value)
{
    while (*count < value)
        assert_true(event_base_loop(yard->base, EVLOOP_ONCE) >= 0);
}

static void an_artifact_that_is_asked_for_twice_is_built_once(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    yard_deploy(&yard);
    rebuild_request(yard.rebuild, yard.key);
    rebuild_request(yard.rebuild, yard.key);
    yard_run_until(&yard, &yard.rebuilt_count, 1);
    assert_int_equal(builder_jobs_stats(yard.jobs).ended[BUILDER_JOB_BUILT], 1);
    rebuild_request(yard.rebuild, yard.key);
    assert_int_equal(builder_jobs_stats(yard.jobs).running, 1);
    rebuild_request(yard.rebuild, yard.key);
    assert_int_equal(builder_jobs_stats(yard.jobs).running, 1);
    assert_int_equal(builder_jobs_stats(yard.jobs).queued, 0);
    yard_run_until(&yard, &yard.rebuilt_count, 2);
    assert_int_equal(yard.failed_count, 0);
    yard_done(&yard);
}

static void what_no_version_has_is_not_built(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    rebuild_request(yard.rebuild, yard.key);
    assert_int_equal(builder_jobs_stats(yard.jobs).running, 0);
    yard_done(&yard);
}

static void what_cannot_be_built_is_left_alone_for_a_while(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, "#!/bin/sh\nexit 3\n");
    yard_deploy(&yard);
    rebuild_request(yard.rebuild, yard.key);
    yard_run_until(&yard, &yard.failed_count, 1);
    rebuild_request(yard.rebuild, yard.key);
    assert_int_equal(builder_jobs_stats(yard.jobs).running, 0);
    yard.fixture.now_ns += RETRY_NS;
    rebuild_request(yard.rebuild, yard.key);
    assert_int_equal(builder_jobs_stats(yard.jobs).running, 1);
    yard_run_until(&yard, &yard.failed_count, 2);
    yard_done(&yard);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_artifact_that_is_asked_for_twice_is_built_once),
        cmocka_unit_test(what_no_version_has_is_not_built),
        cmocka_unit_test(what_cannot_be_built_is_left_alone_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
