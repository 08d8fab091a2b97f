/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose directory it is, and what is in artifacts/ after a start.
 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/build/artifacts.h"
#include "deploy/data_dir.h"

static void assert_open_fails(const char *path, enum status expected, const char *text)
{
    struct data_dir dir;
    struct report report = REPORT_INIT;
    assert_int_equal(data_dir_open(path, &report, &dir), expected);
    if (strstr(report.text, text) == NULL)
        fail_msg("`%s` does not contain `%s`", report.text, text);
}

static void directory_is_made_private_with_all_its_parents(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    struct stat facts;
    char path[128];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof(path), "%s/a/b/c", fixture.dir);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    assert_int_equal(fstat(dir.fd, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0700);
    assert_int_equal(faccessat(dir.fd, "FORMAT", F_OK, 0), 0);
    assert_int_equal(faccessat(dir.fd, "store", F_OK, 0), 0);
    data_dir_close(&dir);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void foreign_directory_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    char path[128];
    fixture_init(&fixture);
    fixture_write_file(&fixture, "thesis.tex", "mine", 0600);
    assert_open_fails(fixture.dir, STATUS_CONFLICT, "thesis.tex");
    (void)snprintf(path, sizeof(path), "%s/LOCK", fixture.dir);
    assert_int_not_equal(access(path, F_OK), 0);
    fixture_done(&fixture);
}

static void runtimes_may_be_there_before_the_first_start(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    char path[128];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof(path), "%s/runtimes", fixture.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(data_dir_open(fixture.dir, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    assert_int_equal(access(path, F_OK), 0);
    fixture_done(&fixture);
}

static void directory_of_another_format_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_write_file(&fixture, "FORMAT", "skerry data 4\n", 0600);
    assert_open_fails(fixture.dir, STATUS_CONFLICT, "skerry data 3");
    fixture_done(&fixture);
}

/* What older servers would overlook, they must not open. */
static void directory_of_the_format_before_becomes_one_of_this(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    char text[32] = "";
    fixture_init(&fixture);
    assert_int_equal(data_dir_open(fixture.dir, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    fixture_write_file(&fixture, "FORMAT", DATA_DIR_FORMAT_BEFORE, 0600);
    struct report report = REPORT_INIT;
    if (data_dir_open(fixture.dir, &report, &dir) != STATUS_OK)
        fail_msg("%s", report.text);
    int fd = openat(dir.fd, "FORMAT", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(DATA_DIR_FORMAT));
    assert_string_equal(text, DATA_DIR_FORMAT);
    (void)close(fd);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void interrupted_making_counts_as_empty(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    fixture_init(&fixture);
    fixture_write_file(&fixture, "LOCK", "12\n", 0600);
    fixture_write_file(&fixture, "FORMAT.tmp", "ske", 0600);
    assert_int_equal(data_dir_open(fixture.dir, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void second_server_is_refused_and_told_who_has_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    char process[32];
    fixture_init(&fixture);
    assert_int_equal(data_dir_open(fixture.dir, NULL, &dir), STATUS_OK);
    (void)snprintf(process, sizeof(process), "process %d", (int)getpid());
    assert_open_fails(fixture.dir, STATUS_BUSY, process);
    data_dir_close(&dir);
    assert_int_equal(data_dir_open(fixture.dir, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void store_that_was_removed_is_missed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    char path[128];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof(path), "%s/data", fixture.dir);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    int fd = openat(dir.fd, "store/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    data_dir_close(&dir);
    assert_open_fails(path, STATUS_CORRUPT, "a FORMAT and no store");
    (void)snprintf(path, sizeof(path), "%s/data/store/data.mdb", fixture.dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)snprintf(path, sizeof(path), "%s/data", fixture.dir);
    assert_open_fails(path, STATUS_CORRUPT, "removed or emptied");
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    assert_int_equal(unlinkat(dir.fd, "store/data.mdb", 0), 0);
    data_dir_close(&dir);
    (void)snprintf(path, sizeof(path), "%s/data/store/ballast", fixture.dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/data/store", fixture.dir);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof(path), "%s/data", fixture.dir);
    assert_open_fails(path, STATUS_CORRUPT, "restore");
    fixture_done(&fixture);
}

static void artifacts_that_were_removed_are_made_again_under_the_same_descriptor(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    bool made;
    char path[128];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof(path), "%s/data", fixture.dir);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    int before = dir.artifacts_fd;
    assert_int_equal(data_dir_keep_artifacts(&dir, NULL, &made), STATUS_OK);
    (void)snprintf(path, sizeof(path), "%s/data/artifacts", fixture.dir);
    assert_false(made);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(data_dir_keep_artifacts(&dir, NULL, &made), STATUS_OK);
    assert_true(made);
    assert_int_equal(dir.artifacts_fd, before);
    assert_int_equal(fcntl(before, F_GETFD), FD_CLOEXEC);
    int fd = openat(dir.artifacts_fd, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(path, sizeof(path), "%s/data/artifacts/x", fixture.dir);
    assert_int_equal(access(path, F_OK), 0);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void artifacts_that_were_moved_away_are_not_filled_any_more(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    bool made;
    char path[128];
    char away[128];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof(path), "%s/data", fixture.dir);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    int before = dir.artifacts_fd;
    (void)snprintf(path, sizeof(path), "%s/data/artifacts", fixture.dir);
    (void)snprintf(away, sizeof(away), "%s/away", fixture.dir);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(data_dir_keep_artifacts(&dir, NULL, &made), STATUS_OK);
    assert_int_equal(dir.artifacts_fd, before);
    int fd = openat(dir.artifacts_fd, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(path, sizeof(path), "%s/data/artifacts/x", fixture.dir);
    assert_int_equal(access(path, F_OK), 0);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

static void root_is_told_of_a_folder_that_its_workers_cannot_pass(void **state)
{
    (void)state;
    struct fixture fixture;
    struct data_dir dir;
    char home[128];
    char path[160];
    if (geteuid() != 0)
        skip(); /* who passes no folder that his workers do not pass */
    fixture_init(&fixture);
    (void)snprintf(home, sizeof(home), "%s/home", fixture.dir);
    (void)snprintf(path, sizeof(path), "%s/data", home);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(chown(home, 65534, 65534), 0);
    assert_open_fails(path, STATUS_DENIED, "belongs to user 65534");
    assert_int_equal(chmod(home, 0711), 0);
    assert_int_equal(data_dir_open(path, NULL, &dir), STATUS_OK);
    data_dir_close(&dir);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory_is_made_private_with_all_its_parents),
        cmocka_unit_test(foreign_directory_is_refused_and_left_alone),
        cmocka_unit_test(runtimes_may_be_there_before_the_first_start),
        cmocka_unit_test(directory_of_another_format_is_refused),
        cmocka_unit_test(directory_of_the_format_before_becomes_one_of_this),
        cmocka_unit_test(interrupted_making_counts_as_empty),
        cmocka_unit_test(second_server_is_refused_and_told_who_has_it),
        cmocka_unit_test(store_that_was_removed_is_missed),
        cmocka_unit_test(root_is_told_of_a_folder_that_its_workers_cannot_pass),
        cmocka_unit_test(artifacts_that_were_removed_are_made_again_under_the_same_descriptor),
        cmocka_unit_test(artifacts_that_were_moved_away_are_not_filled_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
