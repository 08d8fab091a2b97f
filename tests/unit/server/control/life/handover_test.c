/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one program leaves to the next. That both understand each other is e2e/53_upgrade's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/control/life/handover.h"
#include "tests/support/unit.h"

#define VARIABLE "SKERRY_HANDOVER_FD"

static void without_a_word_of_it_a_process_begins(void **state)
{
    (void)state;
    struct handover *handover = (struct handover *)&state;
    (void)unsetenv(VARIABLE);
    assert_int_equal(handover_find(NULL, &handover), STATUS_OK);
    assert_null(handover);
    handover_done(NULL);
}

static void what_nobody_left_is_refused(void **state)
{
    (void)state;
    struct handover *handover;
    struct report report = REPORT_INIT;
    char number[16];
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*handover)), 0); /* zeros: no magic */
    (void)snprintf(number, sizeof(number), "%d", fd);
    const char *const texts[] = {"", "x", "0", "-1", "99999", number};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        report_clear(&report);
        assert_int_equal(setenv(VARIABLE, texts[i], 1), 0);
        assert_int_equal(handover_find(&report, &handover), STATUS_CONFLICT);
        assert_non_null(strstr(report.text, "unset it"));
    }
    (void)unsetenv(VARIABLE);
    (void)close(fd);
}

/* To a program that is none: what was left is there for who looks next. */
static void what_is_left_is_found_and_its_descriptors_outlive_a_copy(void **state)
{
    (void)state;
    static struct handover left;
    struct handover *found;
    struct report report = REPORT_INIT;
    char *arguments[] = {NULL};
    int lock_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int none = memfd_create("none", MFD_CLOEXEC);
    assert_true(lock_fd >= 0 && none >= 0);
    left = (struct handover){.workers = 0,
                             .deploy = {.lock_fd = lock_fd, .admin_fds = {-1, -1}},
                             .self_fd = -1,
                             .before_fd = -1};
    assert_true(handover_leave(&left, none, "/nowhere", arguments, &report) != STATUS_OK);
    assert_int_equal(fcntl(lock_fd, F_GETFD), 0);
    assert_int_equal(handover_find(&report, &found), STATUS_OK);
    assert_non_null(found);
    assert_null(getenv(VARIABLE));
    assert_int_equal(found->deploy.lock_fd, lock_fd);
    int copy = handover_copy(found->deploy.lock_fd);
    assert_int_equal(handover_copy(-1), -1);
    handover_done(found);
    assert_int_equal(fcntl(lock_fd, F_GETFD), -1);
    assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
    (void)close(copy);
    (void)close(none);
}

static void both_marks_say_something(void **state)
{
    (void)state;
    assert_true(handover_fingerprint() != 0);
    assert_true(handover_fingerprint() == handover_fingerprint());
    assert_true(handover_metrics() != handover_fingerprint());
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_word_of_it_a_process_begins),
        cmocka_unit_test(what_nobody_left_is_refused),
        cmocka_unit_test(what_is_left_is_found_and_its_descriptors_outlive_a_copy),
        cmocka_unit_test(both_marks_say_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
