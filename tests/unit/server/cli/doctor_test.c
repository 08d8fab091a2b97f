/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry doctor` in a child whose output is read: what it looked at, and what it made of it.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/io.h"
#include "engine/base/macros.h"
#include "server/front/h2o_listen.h"
#include "server/serve.h"
#include "tests/support/unit.h"

/* In libh2o's place. */
enum status h2o_listen_check(struct report *report)
{
    (void)report;
    return STATUS_OK;
}

struct bench {
    int wait_status;
    json_t *json; /* NULL: it printed none */
    char text[16384];
};

/* Of at most so many descriptors; arguments end with NULL. */
static void bench_run(struct bench *bench, rlim_t descriptors, const char *const *arguments)
{
    int ends[2];
    *bench = (struct bench){0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[8] = {strdup("doctor")};
        int argc = 1;
        for (; arguments[argc - 1] != NULL; argc++)
            argv[argc] = strdup(arguments[argc - 1]);
        const struct rlimit limit = {.rlim_cur = descriptors, .rlim_max = descriptors};
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        int status = setrlimit(RLIMIT_NOFILE, &limit) == 0 ? doctor_main(argc, argv) : 99;
        (void)fflush(stdout);
        _exit(status);
    }
    size_t count = 0;
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(io_read(ends[0], bench->text, sizeof(bench->text) - 1, &count), STATUS_OK);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(pid, &bench->wait_status, 0), pid);
    bench->json = json_loadb(bench->text, count, JSON_REJECT_DUPLICATES, NULL);
}

/* A member of the row of this check; NULL: there is no such row. */
static const char *row(const struct bench *bench, const char *check, const char *member)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(bench->json, "checks"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "check")), check) == 0)
            return json_string_value(json_object_get(one, member));
    }
    return NULL;
}

static void it_looks_at_what_it_is_told_to(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const arguments[] = {"--json", "--data", "/tmp", NULL};
    bench_run(&bench, 8192, arguments);
    assert_non_null(bench.json);
    assert_string_equal(row(&bench, "data directory", "detail"), "/tmp");
    assert_string_equal(row(&bench, "descriptors", "verdict"), "ok");
    assert_non_null(row(&bench, "mappings", "detail"));
    json_decref(bench.json);
}

static void few_descriptors_are_a_warning_and_no_failure(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const arguments[] = {"--json", "--data", "/tmp", NULL};
    bench_run(&bench, 512, arguments);
    assert_string_equal(row(&bench, "descriptors", "verdict"), "warn");
    assert_non_null(strstr(row(&bench, "descriptors", "detail"), "ulimit -n"));
    json_decref(bench.json);
}

static void a_configuration_that_cannot_be_read_fails(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const arguments[] = {"--json", "--config", "/nowhere/skerry.yaml", NULL};
    bench_run(&bench, 8192, arguments);
    assert_true(WIFEXITED(bench.wait_status));
    assert_int_equal(WEXITSTATUS(bench.wait_status), 1);
    assert_string_equal(row(&bench, "configuration", "verdict"), "fail");
    assert_non_null(strstr(row(&bench, "configuration", "detail"), "/nowhere/skerry.yaml"));
    /* What depends on it was not looked at. */
    assert_null(row(&bench, "mappings", "verdict"));
    assert_true(json_integer_value(json_object_get(bench.json, "failed")) >= 1);
    json_decref(bench.json);
}

static void walls_that_are_off_are_a_warning(void **state)
{
    (void)state;
    struct bench bench;
    char path[] = "/tmp/skerry-doctor-XXXXXX";
    static const char text[] = "walls: off\n";
    const char *const arguments[] = {"--json", "--data", "/tmp", "--config", path, NULL};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(close(fd), 0);
    bench_run(&bench, 8192, arguments);
    assert_string_equal(row(&bench, "walls", "verdict"), "warn");
    assert_null(row(&bench, "seccomp", "verdict"));
    assert_int_equal(unlink(path), 0);
    json_decref(bench.json);
}

static void people_get_a_line_a_check_and_what_to_do_next(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const arguments[] = {"--data", "/tmp", NULL};
    bench_run(&bench, 8192, arguments);
    assert_null(bench.json);
    assert_non_null(strstr(bench.text, "ok    data directory: /tmp\n"));
    assert_non_null(strstr(bench.text, "skerry "));
}

static void what_it_does_not_know_is_wrong_usage(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const word[] = {"everything", NULL};
    static const char *const flag[] = {"--jason", NULL};
    bench_run(&bench, 8192, word);
    assert_int_equal(WEXITSTATUS(bench.wait_status), 2);
    bench_run(&bench, 8192, flag);
    assert_int_equal(WEXITSTATUS(bench.wait_status), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_looks_at_what_it_is_told_to),
        cmocka_unit_test(few_descriptors_are_a_warning_and_no_failure),
        cmocka_unit_test(a_configuration_that_cannot_be_read_fails),
        cmocka_unit_test(walls_that_are_off_are_a_warning),
        cmocka_unit_test(people_get_a_line_a_check_and_what_to_do_next),
        cmocka_unit_test(what_it_does_not_know_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
