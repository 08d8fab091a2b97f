/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the user's: how they are started, and that they end with all that they started.
 */
#include <poll.h>
#include <sys/wait.h>

#include "deploy/project/process.h"
#include "tests/unit/deploy/project/place.h"

/* Runs a line of the shell; what it prints comes out of `ret_out`. */
static struct project_process shell(const char *folder, const char *line, int *ret_out)
{
    const char *words[] = {"sh", "-c", line, NULL};
    struct project_process process = PROJECT_PROCESS_NONE;
    struct report report = REPORT_INIT;
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const struct project_start start = {
        .words = words, .folder = folder, .out_fd = out[1], .error_fd = out[1]};
    assert_int_equal(project_process_start(&start, &report, &process), STATUS_OK);
    assert_int_equal(close(out[1]), 0);
    *ret_out = out[0];
    return process;
}

/* All that is printed, until nobody can print any more. */
static void read_all(int fd, char *ret_text, size_t bytes)
{
    size_t used = 0;
    ssize_t count;
    while (used + 1 < bytes && (count = read(fd, ret_text + used, bytes - 1 - used)) > 0)
        used += (size_t)count;
    ret_text[used] = '\0';
    assert_int_equal(close(fd), 0);
}

static int wait_for(struct project_process *process)
{
    struct pollfd ended = {.fd = process->fd, .events = POLLIN};
    int wait_status;
    assert_int_equal(poll(&ended, 1, -1), 1);
    assert_true(project_process_reap(process, &wait_status));
    assert_int_equal(process->fd, -1);
    assert_false(project_process_reap(process, &wait_status));
    return wait_status;
}

static void it_starts_in_its_folder_with_nothing_to_read(void **state)
{
    const struct place *place = *state;
    char text[256];
    char wanted[256];
    int out;
    struct project_process process = shell(place->folder, "pwd; cat; echo end >&2; exit 7", &out);
    read_all(out, text, sizeof(text));
    (void)snprintf(wanted, sizeof(wanted), "%s\nend\n", place->folder);
    assert_string_equal(text, wanted);
    assert_int_equal(WEXITSTATUS(wait_for(&process)), 7);
}

static void what_cannot_be_started_says_so(void **state)
{
    (void)state;
    const char *words[] = {"/nonexistent/program", NULL};
    struct project_process process = PROJECT_PROCESS_NONE;
    struct report report = REPORT_INIT;
    char text[256];
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const struct project_start start = {.words = words, .out_fd = out[1], .error_fd = out[1]};
    assert_int_equal(project_process_start(&start, &report, &process), STATUS_OK);
    assert_int_equal(close(out[1]), 0);
    read_all(out[0], text, sizeof(text));
    assert_string_equal(text, "/nonexistent/program: No such file or directory\n");
    assert_int_equal(WEXITSTATUS(wait_for(&process)), 127);
}

static void what_is_stopped_ends_with_all_that_it_started(void **state)
{
    (void)state;
    char text[64];
    int out;
    /* The pipe has its end when the last of them is gone, also the one that ignores the wish. */
    struct project_process process =
        shell(NULL, "(trap '' TERM; echo up; while :; do sleep 1; done) & wait", &out);
    assert_int_equal(read(out, text, 3), 3);
    project_process_stop(&process, 10000);
    assert_int_equal(process.fd, -1);
    read_all(out, text, sizeof(text));
    project_process_stop(&process, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_PLACE(it_starts_in_its_folder_with_nothing_to_read),
        cmocka_unit_test(what_cannot_be_started_says_so),
        cmocka_unit_test(what_is_stopped_ends_with_all_that_it_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
