/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A helper's process, with control and workers played by the test.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/helper/helper.h"
#include "tests/support/unit.h"

#define PATIENCE_MS 10000

struct bench {
    struct channel control;
    int ready_fd;
    int told_fd; /* where the helper writes who is gone */
    pid_t pid;
};

/* ---- in the child ---------------------------------------------------------------------------- */

static int child_told_fd;

static enum status child_start(void *context, struct helper *helper, struct report *report)
{
    (void)context;
    (void)report;
    return helper_base(helper) != NULL && helper_config(helper)->workers == 7 ? STATUS_OK
                                                                              : STATUS_INVALID;
}

static bool
child_frame(void *context, const struct helper_caller *caller, const struct channel_frame *frame)
{
    (void)context;
    (void)caller;
    (void)frame;
    return false;
}

static void child_gone(void *context, const struct helper_caller *caller)
{
    (void)context;
    uint8_t index = (uint8_t)caller->index;
    if (write(child_told_fd, &index, 1) != 1)
        _exit(9);
}

static const struct helper_ops child_ops = {
    .end = CHANNEL_KEYS, .start = child_start, .frame = child_frame, .gone = child_gone};

/* fds[i] becomes HELPER_BOOT_FD + i, and the last the child's own. */
static int child_main(const int *fds, size_t count)
{
    int high[8];
    for (size_t i = 0; i < count; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (size_t i = 0; i < count; i++)
        (void)dup2(high[i], HELPER_BOOT_FD + (int)i);
    for (size_t i = 0; i < count; i++)
        (void)close(high[i]);
    (void)close_range(HELPER_BOOT_FD + (unsigned)count, ~0u, 0);
    child_told_fd = HELPER_BOOT_FD + (int)count - 1;
    return helper_main(&child_ops);
}

/* ---- the test's side ------------------------------------------------------------------------- */

static bool no_frame(void *context, const struct channel_frame *frame)
{
    (void)context;
    (void)frame;
    return false;
}

static void bench_init(struct bench *bench, uint32_t workers)
{
    static struct helper_boot boot;
    int channel[2];
    int ready[2];
    int told[2];
    int memory = memfd_create("boot", MFD_CLOEXEC);
    boot = (struct helper_boot){.magic = HELPER_BOOT_MAGIC, .config.workers = workers};
    assert_int_equal(write(memory, &boot, sizeof(boot)), sizeof(boot));
    assert_int_equal(channel_pair(NULL, channel), STATUS_OK);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    const int fds[] = {memory, ready[1], channel[1], told[1]};
    bench->pid = fork();
    if (bench->pid == 0)
        _exit(child_main(fds, COUNT_OF(fds)));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        (void)close(fds[i]);
    bench->ready_fd = ready[0];
    bench->told_fd = told[0];
    const struct channel_options options = {.fd = channel[0],
                                            .own = CHANNEL_CONTROL,
                                            .peer = CHANNEL_KEYS,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = no_frame};
    channel_init(&bench->control, &options);
}

/* The next byte; -1 at the end. */
static int next_byte(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    uint8_t byte;
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    return read(fd, &byte, 1) == 1 ? byte : -1;
}

/* Its exit status. */
static int bench_done(struct bench *bench)
{
    int status;
    channel_done(&bench->control);
    assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
    assert_int_equal(close(bench->ready_fd), 0);
    assert_int_equal(close(bench->told_fd), 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Introduces a worker; returns that one's end. */
static int introduce(struct bench *bench, uint8_t end, uint8_t index)
{
    int fds[2];
    const uint8_t payload[8] = {end, 0, 0, 0, index};
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_PEER, .head = bytes_make(payload, sizeof(payload)), .fd = fds[0]};
    assert_true(channel_send(&bench->control, &message));
    (void)close(fds[0]);
    return fds[1];
}

static void it_serves_until_control_ends(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 7);
    assert_int_equal(next_byte(bench.ready_fd), 'r');
    assert_int_equal(next_byte(bench.ready_fd), -1);
    assert_int_equal(bench_done(&bench), 0);
}

static void one_that_cannot_start_says_so_by_its_exit(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 8);
    assert_int_equal(next_byte(bench.ready_fd), -1);
    assert_int_equal(bench_done(&bench), status_exit_code(STATUS_INVALID));
}

static void a_worker_that_is_gone_or_makes_no_sense_is_forgotten(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 7);
    int first = introduce(&bench, CHANNEL_WORKER, 2);
    int second = introduce(&bench, CHANNEL_WORKER, 3);
    (void)close(first);
    assert_int_equal(next_byte(bench.told_fd), 2);
    uint8_t rubbish[CHANNEL_HEAD_BYTES] = {0};
    assert_int_equal(write(second, rubbish, sizeof(rubbish)), sizeof(rubbish));
    assert_int_equal(next_byte(bench.told_fd), 3);
    assert_int_equal(next_byte(second), -1);
    /* A new channel of the same worker ends the one before. */
    (void)close(second);
    first = introduce(&bench, CHANNEL_WORKER, 2);
    second = introduce(&bench, CHANNEL_WORKER, 2);
    assert_int_equal(next_byte(bench.told_fd), 2);
    assert_int_equal(next_byte(first), -1);
    (void)close(first);
    (void)close(second);
    assert_int_equal(bench_done(&bench), 0);
}

static void it_ends_when_control_makes_no_sense(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 7);
    int fd = introduce(&bench, CHANNEL_EGRESS, 0);
    int status;
    assert_int_equal(waitpid(bench.pid, &status, 0), bench.pid);
    assert_true(WIFEXITED(status));
    (void)close(fd);
    channel_done(&bench.control);
    (void)close(bench.ready_fd);
    (void)close(bench.told_fd);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_until_control_ends),
        cmocka_unit_test(one_that_cannot_start_says_so_by_its_exit),
        cmocka_unit_test(a_worker_that_is_gone_or_makes_no_sense_is_forgotten),
        cmocka_unit_test(it_ends_when_control_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
