/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builder jobs with shell scripts in the builder's place: whatever a builder does, its job
 * ends once, with words, and leaves no file behind.
 */
#include "fixture.h"

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/build/builder_job.h"

struct bench {
    struct fixture fixture;
    struct event_base *base;
    struct event *child;
    struct builder_jobs *jobs;
    struct config_limits limits;
    char executable[128];
    struct spawn_role role;
    int artifacts_fd;
    uint32_t done_count;
    uint32_t expected_count;
    struct builder_job_outcome outcome; /* the last */
    char artifact[64];                  /* its first bytes */
};

static void bench_child(evutil_socket_t number, short what, void *context)
{
    struct bench *bench = context;
    int wait_status;
    (void)number;
    (void)what;
    for (pid_t pid; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;)
        assert_true(builder_jobs_child_exited(bench->jobs, pid, wait_status));
    if (bench->done_count == bench->expected_count)
        (void)event_base_loopbreak(bench->base);
}

static enum status bench_prepare(void *context, struct report *report)
{
    (void)context;
    (void)report;
    return STATUS_OK;
}

static void bench_init(struct bench *bench, const char *script)
{
    *bench = (struct bench){0};
    fixture_init(&bench->fixture);
    config_limits_default(&bench->limits);
    fixture_write_file(&bench->fixture, "builder", script, 0700);
    (void)snprintf(bench->executable, sizeof(bench->executable), "%s/builder", bench->fixture.dir);
    bench->role = (struct spawn_role){.verb = DEPLOY_BUILDER_VERB,
                                      .executable = bench->executable,
                                      .environment = {"PATH", "BENCH"}};
    char folder[128];
    (void)snprintf(folder, sizeof(folder), "%s/artifacts", bench->fixture.dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    bench->artifacts_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(bench->artifacts_fd >= 0);
    assert_int_equal(setenv("BENCH", bench->fixture.dir, 1), 0);
    bench->base = event_base_new();
    bench->child = evsignal_new(bench->base, SIGCHLD, bench_child, bench);
    assert_int_equal(event_add(bench->child, NULL), 0);
    const struct builder_job_options options = {.base = bench->base,
                                                .role = &bench->role,
                                                .error_fd = -1,
                                                .prepare = bench_prepare,
                                                .limits = &bench->limits,
                                                .artifacts_fd = bench->artifacts_fd,
                                                .running_max = 2};
    assert_int_equal(builder_jobs_create(&options, NULL, &bench->jobs), STATUS_OK);
}

static uint32_t bench_file_count(const struct bench *bench)
{
    char folder[128];
    (void)snprintf(folder, sizeof(folder), "%s/artifacts", bench->fixture.dir);
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    uint32_t count = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(stream);
    return count;
}

static void bench_done(struct bench *bench)
{
    builder_jobs_free(bench->jobs);
    assert_int_equal(bench_file_count(bench), 0);
    event_free(bench->child);
    event_base_free(bench->base);
    assert_int_equal(close(bench->artifacts_fd), 0);
    fixture_done(&bench->fixture);
}

static void bench_outcome(void *context, const struct builder_job_outcome *outcome)
{
    struct bench *bench = context;
    bench->done_count++;
    bench->outcome = *outcome;
    bench->outcome.artifact_temp = NULL;
    if (outcome->end != BUILDER_JOB_BUILT)
        return;
    int fd = openat(bench->artifacts_fd, outcome->artifact_temp, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, bench->artifact, sizeof(bench->artifact) - 1) >= 0);
    assert_int_equal(close(fd), 0);
}

static struct builder_job *bench_submit_of(struct bench *bench, const char *tenant)
{
    struct report report = REPORT_INIT;
    struct builder_job *job = NULL;
    const struct builder_job_request request = {.tenant = tenant,
                                                .module = bytes_of_text("module"),
                                                .done = bench_outcome,
                                                .context = bench};
    bench->expected_count++;
    if (builder_jobs_submit(bench->jobs, &request, &report, &job) != STATUS_OK)
        fail_msg("%s", report.text);
    return job;
}

static void bench_submit(struct bench *bench, const char *module)
{
    assert_string_equal(module, "module");
    (void)bench_submit_of(bench, "default");
}

static void bench_run(struct bench *bench)
{
    if (bench->done_count < bench->expected_count)
        assert_true(event_base_dispatch(bench->base) >= 0);
    assert_int_equal(bench->done_count, bench->expected_count);
}

static void bench_write_result(const struct bench *bench, const struct deploy_build_result *result)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/result", bench->fixture.dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(result, sizeof(*result), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void built_artifact_comes_back_with_its_result(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\n[ \"$1\" = builder ] || exit 9\n"
                       "head -c 1 <&6 >/dev/null\ncat <&3 >&4\ncat $BENCH/result >&5\n");
    const struct deploy_build_result result = {
        .kind = "http-wasm", .artifact_bytes = 6, .warnings = "one\n", .validate_us = 7};
    bench_write_result(&bench, &result);
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_BUILT);
    assert_string_equal(bench.artifact, "module");
    assert_memory_equal(&bench.outcome.result, &result, sizeof(result));
    bench_done(&bench);
}

static void builder_is_told_its_limits_and_what_the_version_chose(void **state)
{
    (void)state;
    struct bench bench;
    struct deploy_build_order order;
    static uint8_t config[DEPLOY_CONFIG_BYTES_MAX];
    char path[128];
    bench_init(&bench, "#!/bin/sh\ncat <&6 >$BENCH/order\n");
    memset(config, 'c', sizeof(config));
    const struct builder_job_request request = {.module = bytes_of_text("module"),
                                                .config = bytes_make(config, sizeof(config)),
                                                .choices = DEPLOY_DETERMINISTIC,
                                                .done = bench_outcome,
                                                .context = &bench};
    bench.expected_count++;
    assert_int_equal(builder_jobs_submit(bench.jobs, &request, NULL, NULL), STATUS_OK);
    bench_run(&bench);
    (void)snprintf(path, sizeof(path), "%s/order", bench.fixture.dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &order, sizeof(order)), sizeof(order));
    assert_memory_equal(&order.limits, &bench.limits, sizeof(order.limits));
    assert_int_equal(order.config_bytes, sizeof(config));
    assert_int_equal(order.choices, DEPLOY_DETERMINISTIC);
    static uint8_t told[DEPLOY_CONFIG_BYTES_MAX + 1];
    assert_int_equal(read(fd, told, sizeof(told)), sizeof(config));
    assert_memory_equal(told, config, sizeof(config));
    assert_int_equal(close(fd), 0);
    bench_done(&bench);
}

static void configuration_has_no_more_bytes_than_its_limit_can_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_limit_row_count; i++) {
        if (strcmp(config_limit_rows[i].name, "guest_config") == 0) {
            assert_int_equal(config_limit_rows[i].maximum, DEPLOY_CONFIG_BYTES_MAX);
            return;
        }
    }
    fail_msg("there is no limit guest_config");
}

static void refused_module_comes_back_with_its_reason(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\ncat $BENCH/result >&5\n");
    const struct deploy_build_result result = {
        .status = STATUS_MALFORMED, .offset = 8, .text = "code section: too short"};
    bench_write_result(&bench, &result);
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_REFUSED);
    assert_int_equal(bench.outcome.result.offset, 8);
    assert_string_equal(bench.outcome.result.text, "code section: too short");
    bench_done(&bench);
}

static void killed_builder_is_a_crash_that_names_the_signal(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\necho junk >&4\nkill -SEGV $$\n");
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_CRASHED);
    assert_non_null(strstr(bench.outcome.result.text, "signal 11"));
    bench_done(&bench);
}

static void nonsense_from_a_builder_is_a_crash(void **state)
{
    (void)state;
    static const struct deploy_build_result nonsense[] = {
        {.status = STATUS_COUNT},
        {.kind = "http-wasm", .artifact_bytes = 7}, /* the file has no bytes */
        {.kind = "Bad\"", .status = STATUS_INVALID},
        {.kind = "http-wasm", .artifact_bytes = 0},
    };
    struct bench bench;
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        bench_init(&bench, "#!/bin/sh\ncat $BENCH/result >&5\n");
        bench_write_result(&bench, &nonsense[i]);
        bench_submit(&bench, "module");
        bench_run(&bench);
        assert_int_equal(bench.outcome.end, BUILDER_JOB_CRASHED);
        bench_done(&bench);
    }
    bench_init(&bench, "#!/bin/sh\necho short >&5\n");
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_CRASHED);
    assert_string_equal(bench.outcome.result.text, "the builder gave no valid result");
    bench_done(&bench);
    bench_init(&bench, "#!/bin/sh\nexit 3\n");
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_CRASHED);
    assert_non_null(strstr(bench.outcome.result.text, "status 3"));
    bench_done(&bench);
}

static void builder_that_does_not_end_is_killed_by_the_wall_timer(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\nwhile :; do :; done\n");
    bench.limits.build_wall = 100000;
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_TIMEOUT);
    assert_string_equal(bench.outcome.result.text,
                        "the build took longer than limits.build_wall (100ms)");
    bench_done(&bench);
}

static void missing_executable_fails_the_job_and_not_the_server(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\n");
    assert_int_equal(unlink(bench.executable), 0);
    bench_submit(&bench, "module");
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_FAILED);
    assert_non_null(strstr(bench.outcome.result.text, "cannot start a builder"));
    bench_done(&bench);
}

static void builder_runs_under_its_rlimits_and_inherits_nothing_else(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\nhead -c 1 <&6 >/dev/null\n"
                       "echo core $(ulimit -c) files $(ulimit -n) cpu $(ulimit -t) >&4\n"
                       "readlink /proc/$$/fd/* | grep -c $BENCH >&4\nkill -9 $$\n");
    /* The file is gone with the job; look while the job ends. */
    bench.limits.build_wall = 5000000;
    bench_submit(&bench, "module");
    char text[128] = "";
    int fd = -1;
    fd = openat(bench.artifacts_fd, "0000000000000000-0.tmp", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bench_run(&bench);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_non_null(strstr(text, "core 0 files 32 cpu 6\n"));
    /* Of all files below the directory: the artifact and the script itself. */
    assert_string_equal(strchr(text, '\n') + 1, "2\n");
    bench_done(&bench);
}

static void jobs_beyond_the_running_ones_wait_and_all_end(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\ncat <&3 >&4\ncat $BENCH/result >&5\n");
    const struct deploy_build_result result = {.kind = "wagi", .artifact_bytes = 6};
    bench_write_result(&bench, &result);
    for (int i = 0; i < 10; i++)
        (void)bench_submit_of(&bench, i % 2 == 0 ? "even" : "odd");
    assert_int_equal(builder_jobs_stats(bench.jobs).running, 2);
    assert_int_equal(builder_jobs_stats(bench.jobs).queued, 8);
    bench_run(&bench);
    assert_int_equal(builder_jobs_stats(bench.jobs).ended[BUILDER_JOB_BUILT], 10);
    assert_int_equal(builder_jobs_stats(bench.jobs).running, 0);
    bench_done(&bench);
}

static void so_many_may_wait_and_no_more(void **state)
{
    (void)state;
    struct bench bench;
    struct report report = REPORT_INIT;
    bench_init(&bench, "#!/bin/sh\nwhile :; do :; done\n");
    /* Of two builders one tenant has one. */
    for (int i = 0; i < 1 + 1024; i++)
        bench_submit(&bench, "module");
    assert_int_equal(builder_jobs_stats(bench.jobs).queued, 1024);
    const struct builder_job_request request = {
        .tenant = "default", .module = bytes_of_text("module"), .done = bench_outcome};
    struct builder_job *job = NULL;
    assert_int_equal(builder_jobs_submit(bench.jobs, &request, &report, &job), STATUS_BUSY);
    assert_null(job);
    assert_non_null(strstr(report.text, "1024 builds are waiting"));
    builder_jobs_free(bench.jobs);
    bench.jobs = NULL;
    assert_int_equal(bench.done_count, 1 + 1024);
    bench_done(&bench);
}

static void stopping_kills_builders_and_answers_every_job(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\nwhile :; do :; done\n");
    for (int i = 0; i < 3; i++)
        bench_submit(&bench, "module");
    builder_jobs_free(bench.jobs);
    bench.jobs = NULL;
    assert_int_equal(bench.done_count, 3);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_FAILED);
    assert_int_equal(bench.outcome.result.status, STATUS_UNREACHABLE);
    bench_done(&bench);
}

static void a_cancelled_job_is_called_back_whether_it_waits_or_runs(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\nwhile :; do :; done\n");
    struct builder_job *running = bench_submit_of(&bench, "a");
    struct builder_job *waiting = bench_submit_of(&bench, "a");
    assert_int_equal(builder_jobs_stats(bench.jobs).running, 1);
    builder_jobs_cancel(waiting);
    assert_int_equal(bench.done_count, 1);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_CANCELLED);
    builder_jobs_cancel(running);
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_CANCELLED);
    assert_int_equal(builder_jobs_stats(bench.jobs).running, 0);
    assert_int_equal(builder_jobs_stats(bench.jobs).ended[BUILDER_JOB_CANCELLED], 2);
    bench_done(&bench);
}

static void endless_builds_give_way_to_who_waits_behind_them(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "#!/bin/sh\nwhile :; do :; done\n");
    bench.limits.build_wall = 600000;
    /* Two tenants have both places; a third waits, until one of them is ended for it. */
    (void)bench_submit_of(&bench, "a");
    (void)bench_submit_of(&bench, "b");
    (void)bench_submit_of(&bench, "c");
    assert_int_equal(builder_jobs_stats(bench.jobs).queued, 1);
    bench.expected_count = 1;
    bench_run(&bench);
    assert_int_equal(bench.outcome.end, BUILDER_JOB_TIMEOUT);
    assert_string_equal(
        bench.outcome.result.text,
        "the build took longer than a sixth of limits.build_wall (600ms) while others waited");
    assert_int_equal(builder_jobs_stats(bench.jobs).queued, 0);
    assert_int_equal(builder_jobs_stats(bench.jobs).running, 2);
    bench_done(&bench);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_artifact_comes_back_with_its_result),
        cmocka_unit_test(builder_is_told_its_limits_and_what_the_version_chose),
        cmocka_unit_test(configuration_has_no_more_bytes_than_its_limit_can_be),
        cmocka_unit_test(refused_module_comes_back_with_its_reason),
        cmocka_unit_test(killed_builder_is_a_crash_that_names_the_signal),
        cmocka_unit_test(nonsense_from_a_builder_is_a_crash),
        cmocka_unit_test(builder_that_does_not_end_is_killed_by_the_wall_timer),
        cmocka_unit_test(a_cancelled_job_is_called_back_whether_it_waits_or_runs),
        cmocka_unit_test(endless_builds_give_way_to_who_waits_behind_them),
        cmocka_unit_test(missing_executable_fails_the_job_and_not_the_server),
        cmocka_unit_test(builder_runs_under_its_rlimits_and_inherits_nothing_else),
        cmocka_unit_test(jobs_beyond_the_running_ones_wait_and_all_end),
        cmocka_unit_test(so_many_may_wait_and_no_more),
        cmocka_unit_test(stopping_kills_builders_and_answers_every_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
