/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds on a base, with a shell script in the builder's place: the base is built once, is there
 * as long as anybody needs it, and whatever becomes of it, each build ends once.
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

#include "deploy/build/bases.h"
#include "deploy/store/digest.h"

#define MODULE "base"
#define SCRIPT "child"
/* A base is its module; what is built on one is its script and that. */
#define IS_CHILD    "[ -e /proc/self/fd/7 ]"
#define BUILD_BASE  "cat <&3 >&4; cat $BENCH/base >&5"
#define BUILD_CHILD "cat <&3 >&4; cat /proc/self/fd/7 >&4; cat $BENCH/child >&5"
#define BUILD_OK    "#!/bin/sh\nif " IS_CHILD "; then " BUILD_CHILD "; else " BUILD_BASE "; fi\n"
#define BASE_FAILS  "#!/bin/sh\nif " IS_CHILD "; then " BUILD_CHILD "; else exit 3; fi\n"
/* The base is found damaged: once, or each time. */
#define DAMAGED_ONCE                                                                               \
    "#!/bin/sh\nif ! " IS_CHILD "; then " BUILD_BASE "; elif mkdir $BENCH/seen; then "             \
    "cat $BENCH/damaged >&5; else " BUILD_CHILD "; fi\n"
#define DAMAGED_ALWAYS                                                                             \
    "#!/bin/sh\nif ! " IS_CHILD "; then " BUILD_BASE "; else cat $BENCH/damaged >&5; fi\n"

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
    bool keeps;
    uint32_t ended[BUILDER_JOB_END_COUNT]; /* of builds on a base */
    uint32_t done_count;
    char text[REPORT_TEXT_BYTES]; /* of the last that failed */
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

static enum status yard_prepare(void *context, struct report *report)
{
    (void)context;
    (void)report;
    return STATUS_OK;
}

static bool yard_keeps(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    const struct yard *yard = context;
    assert_memory_equal(key, yard->key, sizeof(yard->key));
    return yard->keeps;
}

static void yard_write_result(const struct yard *yard,
                              const char *name,
                              const struct deploy_build_result *result)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", yard->fixture.dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(result, sizeof(*result), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void yard_write_results(const struct yard *yard)
{
    const struct deploy_build_result base = {.kind = "base", .artifact_bytes = strlen(MODULE)};
    const struct deploy_build_result child = {.kind = "javascript",
                                              .artifact_bytes = strlen(SCRIPT MODULE)};
    const struct deploy_build_result damaged = {.status = STATUS_CORRUPT, .text = "damaged"};
    yard_write_result(yard, "base", &base);
    yard_write_result(yard, "child", &child);
    yard_write_result(yard, "damaged", &damaged);
}

static void yard_init(struct yard *yard, const char *script)
{
    struct report report = REPORT_INIT;
    char folder[128];
    *yard = (struct yard){0};
    fixture_init(&yard->fixture);
    config_limits_default(&yard->limits);
    fixture_write_file(&yard->fixture, "builder", script, 0700);
    yard_write_results(yard);
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
    const struct bases_options options = {.artifacts_fd = yard->artifacts_fd,
                                          .jobs = yard->jobs,
                                          .keeps = yard_keeps,
                                          .context = yard};
    assert_int_equal(bases_create(&options, &report, &yard->bases), STATUS_OK);
    digest_sha256(bytes_of_text(MODULE), yard->key);
}

static void yard_done(struct yard *yard)
{
    builder_jobs_free(yard->jobs);
    bases_free(yard->bases);
    event_free(yard->child);
    event_base_free(yard->base);
    assert_int_equal(close(yard->artifacts_fd), 0);
    fixture_done(&yard->fixture);
}

static void yard_ended(void *context, const struct builder_job_outcome *outcome)
{
    struct yard *yard = context;
    char text[sizeof(SCRIPT MODULE)] = "";
    yard->ended[outcome->end]++;
    yard->done_count++;
    if (outcome->end != BUILDER_JOB_BUILT) {
        (void)snprintf(yard->text, sizeof(yard->text), "%s", outcome->result.text);
        assert_null(outcome->artifact_temp);
        return;
    }
    int fd = openat(yard->artifacts_fd, outcome->artifact_temp, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text)), strlen(SCRIPT MODULE));
    assert_int_equal(close(fd), 0);
    assert_string_equal(text, SCRIPT MODULE);
    assert_true(bases_has(yard->bases, yard->key));
}

static struct bases_build *yard_build(struct yard *yard)
{
    struct report report = REPORT_INIT;
    struct bases_build *build;
    const struct bases_need need = {.key = yard->key, .module = bytes_of_text(MODULE)};
    const struct builder_job_request request = {
        .tenant = "acme", .module = bytes_of_text(SCRIPT), .done = yard_ended, .context = yard};
    assert_int_equal(bases_build(yard->bases, &need, &request, &report, &build), STATUS_OK);
    return build;
}

static void yard_run_until(struct yard *yard, uint32_t count)
{
    while (yard->done_count < count)
        assert_true(event_base_loop(yard->base, EVLOOP_ONCE) >= 0);
    assert_int_equal(yard->done_count, count);
}

static bool yard_has_base(const struct yard *yard)
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(yard->key, name);
    return faccessat(yard->artifacts_fd, name, F_OK, 0) == 0;
}

static uint64_t yard_built(const struct yard *yard)
{
    return builder_jobs_stats(yard->jobs).ended[BUILDER_JOB_BUILT];
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void all_that_wait_for_a_base_have_it_built_once(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    yard.keeps = true;
    for (int i = 0; i < 3; i++)
        (void)yard_build(&yard);
    yard_run_until(&yard, 3);
    assert_int_equal(yard.ended[BUILDER_JOB_BUILT], 3);
    assert_int_equal(yard_built(&yard), 4);
    (void)yard_build(&yard);
    yard_run_until(&yard, 4);
    assert_int_equal(yard_built(&yard), 5);
    yard_done(&yard);
}

static void a_base_that_nobody_has_goes_with_the_last_build_on_it(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    for (uint32_t i = 1; i <= 2; i++) {
        yard.keeps = i == 2;
        (void)yard_build(&yard);
        assert_true(bases_has(yard.bases, yard.key));
        yard_run_until(&yard, i);
        assert_false(bases_has(yard.bases, yard.key));
        assert_int_equal(yard_has_base(&yard), yard.keeps);
        assert_int_equal(yard_built(&yard), 2 * i);
    }
    yard_done(&yard);
}

static void a_base_that_was_changed_is_built_again(void **state)
{
    (void)state;
    struct yard yard;
    char name[ARTIFACTS_NAME_BYTES];
    yard_init(&yard, BUILD_OK);
    yard.keeps = true;
    (void)yard_build(&yard);
    yard_run_until(&yard, 1);
    artifacts_name(yard.key, name);
    int fd = openat(yard.artifacts_fd, name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "xxxx", 4), 4); /* which takes the seal away */
    assert_int_equal(close(fd), 0);
    (void)yard_build(&yard);
    yard_run_until(&yard, 2);
    assert_int_equal(yard.ended[BUILDER_JOB_BUILT], 2);
    assert_int_equal(yard_built(&yard), 4);
    yard_done(&yard);
}

static void a_base_that_cannot_be_built_fails_all_that_wait_for_it(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BASE_FAILS);
    for (int i = 0; i < 3; i++)
        (void)yard_build(&yard);
    yard_run_until(&yard, 3);
    assert_int_equal(yard.ended[BUILDER_JOB_CRASHED], 3);
    assert_non_null(strstr(yard.text, "status 3"));
    assert_false(yard_has_base(&yard));
    yard_done(&yard);
}

static void a_base_that_a_builder_finds_damaged_is_built_again_once(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, DAMAGED_ONCE);
    (void)yard_build(&yard);
    yard_run_until(&yard, 1);
    assert_int_equal(yard.ended[BUILDER_JOB_BUILT], 1);
    assert_int_equal(yard_built(&yard), 3); /* two bases, one child */
    yard_done(&yard);
    yard_init(&yard, DAMAGED_ALWAYS);
    (void)yard_build(&yard);
    yard_run_until(&yard, 1);
    assert_int_equal(yard.ended[BUILDER_JOB_REFUSED], 1);
    assert_string_equal(yard.text, "damaged");
    assert_int_equal(yard_built(&yard), 2);
    yard_done(&yard);
}

static void who_is_cancelled_while_it_waits_ends_alone(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    struct bases_build *first = yard_build(&yard);
    (void)yard_build(&yard);
    bases_cancel(first);
    yard_run_until(&yard, 1);
    assert_int_equal(yard.ended[BUILDER_JOB_CANCELLED], 1);
    yard_run_until(&yard, 2);
    assert_int_equal(yard.ended[BUILDER_JOB_BUILT], 1);
    bases_cancel(yard_build(&yard)); /* alone: its base is built for nobody */
    yard_run_until(&yard, 3);
    while (bases_has(yard.bases, yard.key))
        assert_true(event_base_loop(yard.base, EVLOOP_ONCE) >= 0);
    assert_false(yard_has_base(&yard));
    yard_done(&yard);
}

static void what_waits_when_the_server_stops_is_told(void **state)
{
    (void)state;
    struct yard yard;
    yard_init(&yard, BUILD_OK);
    (void)yard_build(&yard);
    (void)yard_build(&yard);
    builder_jobs_free(yard.jobs);
    yard.jobs = NULL;
    assert_int_equal(yard.ended[BUILDER_JOB_FAILED], 2);
    yard_done(&yard);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_wait_for_a_base_have_it_built_once),
        cmocka_unit_test(a_base_that_nobody_has_goes_with_the_last_build_on_it),
        cmocka_unit_test(a_base_that_was_changed_is_built_again),
        cmocka_unit_test(a_base_that_cannot_be_built_fails_all_that_wait_for_it),
        cmocka_unit_test(a_base_that_a_builder_finds_damaged_is_built_again_once),
        cmocka_unit_test(who_is_cancelled_while_it_waits_ends_alone),
        cmocka_unit_test(what_waits_when_the_server_stops_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
