/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All walls of a role at once, in children.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/macros.h"
#include "server/walls/walls.h"
#include "tests/support/unit.h"

typedef int body(void);

/* The exit status of a child that does this. */
static int in_child(body *act)
{
    int wait_status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(act());
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
}

static bool has_all(void)
{
    struct walls_found found = walls_look();
    return found.seccomp && found.landlock > 0 && !walls_are_impossible();
}

static int raise_and_socket(void)
{
    struct report report = REPORT_INIT;
    const struct walls_order order = {.role = WALLS_WORKER, .data_dir = "/nowhere"};
    (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    if (walls_raise(&order, &report) != STATUS_OK)
        return 1;
    return (int)syscall(SYS_socket, 2, 1, 0) >= 0 ? 2 : 3;
}

static void a_worker_that_makes_a_socket_is_killed(void **state)
{
    (void)state;
    if (!has_all())
        skip();
    assert_int_equal(in_child(raise_and_socket), -SIGSYS);
}

static int raise_none(void)
{
    struct report report = REPORT_INIT;
    const struct walls_order order = {
        .role = WALLS_WORKER, .mode = CONFIG_WALLS_OFF, .data_dir = "/nowhere"};
    if (walls_raise(&order, &report) != STATUS_OK)
        return 1;
    return prctl(PR_GET_SECCOMP) == 0 && access("/", R_OK) == 0 ? 0 : 2;
}

static void there_are_none_where_they_are_off(void **state)
{
    (void)state;
    if (prctl(PR_GET_SECCOMP) != 0)
        skip();
    assert_int_equal(in_child(raise_none), 0);
}

static int raise_what_cannot_be(void)
{
    struct report report = REPORT_INIT;
    const struct walls_order order = {
        .role = WALLS_KEYS, .mode = CONFIG_WALLS_REQUIRE, .data_dir = "/nowhere"};
    if (walls_raise(&order, &report) == STATUS_OK)
        return 1;
    return strstr(report.text, "walls: require:") != NULL ? 0 : 2;
}

/* As it is where a container forbids what walls are made of: here a sanitizer, or a user who has
 * used up the namespaces. */
static int raise_without_namespaces(void)
{
    while (walls_try_namespaces()) {
        /* They nest 32 deep. */
    }
    return raise_what_cannot_be();
}

static void what_is_missing_is_an_error_where_it_is_required(void **state)
{
    (void)state;
    assert_int_equal(
        in_child(walls_are_impossible() ? raise_what_cannot_be : raise_without_namespaces), 0);
}

static void each_role_has_a_letter_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < WALLS_ROLE_COUNT; a++) {
        for (int b = 0; b < a; b++)
            assert_int_not_equal(walls_letter((enum walls_role)a),
                                 walls_letter((enum walls_role)b));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_makes_a_socket_is_killed),
        cmocka_unit_test(there_are_none_where_they_are_off),
        cmocka_unit_test(what_is_missing_is_an_error_where_it_is_required),
        cmocka_unit_test(each_role_has_a_letter_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
