/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file is named when a mapping cannot be read.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/telemetry/bus_error.h"
#include "tests/support/unit.h"

#define LINE "7f0000001000-7f0000003000 r--s 00001000 fe:01 77    /data/store/data.mdb"

static void a_line_names_its_file_for_addresses_inside(void **state)
{
    (void)state;
    assert_string_equal(bus_error_path(LINE, 0x7f0000001000), "/data/store/data.mdb");
    assert_string_equal(bus_error_path(LINE, 0x7f0000002fff), "/data/store/data.mdb");
    assert_null(bus_error_path(LINE, 0x7f0000003000));
    assert_null(bus_error_path(LINE, 0x7f0000000fff));
}

static void what_is_no_file_or_no_line_has_no_path(void **state)
{
    (void)state;
    assert_null(bus_error_path("1000-2000 rw-p 00000000 00:00 0", 0x1800));
    assert_null(bus_error_path("1000-2000 rw-p 00000000 00:00 0    [heap]", 0x1800));
    assert_null(bus_error_path("", 0));
    assert_null(bus_error_path("1000", 0x1000));
    assert_null(bus_error_path("x-y", 0));
}

/* In the child: reads behind the end of a file that it has mapped. */
static void fault(int error_fd)
{
    char path[] = "/tmp/skerry-bus-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, 8192) != 0 || dup2(error_fd, STDERR_FILENO) < 0)
        _exit(1);
    const volatile char *data = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    (void)unlink(path);
    bus_error_watch();
    if (data == MAP_FAILED || ftruncate(fd, 0) != 0)
        _exit(1);
    (void)data[4096];
    _exit(2);
}

static void a_process_ends_with_the_files_name(void **state)
{
    (void)state;
    int ends[2];
    char text[512] = "";
    int wait_status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        fault(ends[1]);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGBUS);
    size_t used = 0;
    for (ssize_t count; (count = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0;)
        used += (size_t)count;
    assert_int_equal(close(ends[0]), 0);
    assert_non_null(strstr(text, "skerry: cannot read /tmp/skerry-bus-"));
    assert_non_null(strstr(text, "cut short"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_its_file_for_addresses_inside),
        cmocka_unit_test(what_is_no_file_or_no_line_has_no_path),
        cmocka_unit_test(a_process_ends_with_the_files_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
