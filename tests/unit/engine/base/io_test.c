/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole reads and writes, over pipes that give less at a time and signals that break in.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/io.h"
#include "tests/support/unit.h"

#define MANY_BYTES (1U << 20) /* far more than a pipe holds */

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static void on_signal(int number)
{
    (void)number;
}

/* A child that writes MANY_BYTES into the pipe and sends us a signal after each part. */
static pid_t start_writer(int fd)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    uint8_t part[4096];
    for (size_t done = 0; done < MANY_BYTES; done += sizeof(part)) {
        for (size_t i = 0; i < sizeof(part); i++)
            part[i] = pattern(done + i);
        if (io_write_all(fd, bytes_make(part, sizeof(part))) != STATUS_OK)
            _exit(1);
        (void)kill(parent, SIGUSR1);
    }
    _exit(0);
}

static void catch_signals(void)
{
    /* Without SA_RESTART: a read that it breaks off says EINTR. */
    struct sigaction action = {.sa_handler = on_signal};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void reading_goes_on_over_short_reads_and_signals(void **state)
{
    (void)state;
    int ends[2];
    int wait_status;
    uint8_t *data = malloc(MANY_BYTES);
    assert_non_null(data);
    catch_signals();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = start_writer(ends[1]);
    assert_int_equal(io_read_all(ends[0], data, MANY_BYTES), STATUS_OK);
    for (size_t i = 0; i < MANY_BYTES; i++)
        assert_int_equal(data[i], pattern(i));
    while (waitpid(pid, &wait_status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_int_equal(wait_status, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    free(data);
}

static void reading_to_the_end_takes_all_up_to_the_cap(void **state)
{
    (void)state;
    for (int too_much = 0; too_much < 2; too_much++) {
        int ends[2];
        struct buffer buffer;
        catch_signals();
        buffer_init(&buffer, MANY_BYTES - (size_t)too_much);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = start_writer(ends[1]);
        (void)close(ends[1]);
        enum status status = io_read_to_end(ends[0], &buffer);
        assert_int_equal(status, too_much ? STATUS_LIMIT : STATUS_OK);
        if (!too_much)
            assert_int_equal(buffer.count, MANY_BYTES);
        (void)close(ends[0]);
        while (waitpid(pid, NULL, 0) < 0)
            assert_int_equal(errno, EINTR);
        buffer_done(&buffer);
    }
}

static void an_early_end_is_told_apart_from_an_error(void **state)
{
    (void)state;
    int ends[2];
    char data[4] = "";
    size_t count = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(io_write_all(ends[1], bytes_of_text("abc")), STATUS_OK);
    (void)close(ends[1]);
    assert_int_equal(io_read(ends[0], data, sizeof(data), &count), STATUS_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(data, "abc", 3);
    errno = EBADF;
    assert_int_equal(io_read_all(ends[0], data, 1), STATUS_IO);
    assert_int_equal(errno, 0);
    (void)close(ends[0]);
    assert_int_equal(io_read_all(ends[0], data, 1), STATUS_IO);
    assert_int_equal(errno, EBADF);
    count = 77;
    assert_int_equal(io_read(ends[0], data, 1, &count), STATUS_IO);
    assert_int_equal(count, 77);
    assert_int_equal(io_write_all(ends[0], bytes_of_text("x")), STATUS_IO);
    assert_int_equal(errno, EBADF);
}

static void nothing_is_read_and_written_without_a_descriptor(void **state)
{
    (void)state;
    assert_int_equal(io_read_all(-1, NULL, 0), STATUS_OK);
    assert_int_equal(io_write_all(-1, bytes_make(NULL, 0)), STATUS_OK);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_goes_on_over_short_reads_and_signals),
        cmocka_unit_test(reading_to_the_end_takes_all_up_to_the_cap),
        cmocka_unit_test(an_early_end_is_told_apart_from_an_error),
        cmocka_unit_test(nothing_is_read_and_written_without_a_descriptor),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
