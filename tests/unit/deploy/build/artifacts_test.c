/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals: what was published is opened, whatever else lies there is not.
 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/build/artifacts.h"
#include "deploy/data_dir.h"

#define RUN UINT64_C(0x1234)

struct folder {
    struct fixture fixture;
    struct data_dir dir;
    uint64_t serial;
};

static const uint8_t key_a[DEPLOY_SHA256_BYTES] = {1, 2, 3, 4};
static const uint8_t key_b[DEPLOY_SHA256_BYTES] = {1, 2, 3, 5};

static void folder_init(struct folder *folder)
{
    *folder = (struct folder){0};
    fixture_init(&folder->fixture);
    assert_int_equal(data_dir_open(folder->fixture.dir, NULL, &folder->dir), STATUS_OK);
}

static void folder_done(struct folder *folder)
{
    data_dir_close(&folder->dir);
    fixture_done(&folder->fixture);
}

static void publish(struct folder *folder, const uint8_t *key, const char *text)
{
    char temp[ARTIFACTS_NAME_BYTES];
    int fd = -1;
    assert_int_equal(
        artifacts_create_temp(folder->dir.artifacts_fd, RUN, folder->serial++, NULL, temp, &fd),
        STATUS_OK);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    assert_int_equal(artifacts_publish(folder->dir.artifacts_fd, temp, key, NULL), STATUS_OK);
}

static enum status reopen(const struct folder *folder, const uint8_t *key)
{
    AUTO_CLOSE int fd = -1;
    return deploy_artifact_open(folder->dir.path, key, NULL, &fd);
}

static void what_was_published_is_opened_and_what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct folder folder;
    struct report report = REPORT_INIT;
    folder_init(&folder);
    assert_int_equal(reopen(&folder, key_a), STATUS_NOT_FOUND);
    publish(&folder, key_a, "first");
    assert_int_equal(reopen(&folder, key_a), STATUS_OK);
    publish(&folder, key_a, "again");
    char text[8] = "";
    AUTO_CLOSE int fd = -1;
    assert_int_equal(deploy_artifact_open(folder.dir.path, key_a, &report, &fd), STATUS_OK);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_string_equal(text, "again");
    assert_int_equal(reopen(&folder, key_b), STATUS_NOT_FOUND);
    folder_done(&folder);
}

static void whatever_is_written_to_an_artifact_breaks_its_seal(void **state)
{
    (void)state;
    struct folder folder;
    char name[ARTIFACTS_NAME_BYTES];
    folder_init(&folder);
    artifacts_name(key_a, name);
    publish(&folder, key_a, "artifact");
    int fd = openat(folder.dir.artifacts_fd, name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "A", 1, 3), 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    publish(&folder, key_a, "artifact");
    fd = openat(folder.dir.artifacts_fd, name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    folder_done(&folder);
}

static void another_artifact_in_its_place_is_not_opened(void **state)
{
    (void)state;
    struct folder folder;
    char name_a[ARTIFACTS_NAME_BYTES];
    char name_b[ARTIFACTS_NAME_BYTES];
    folder_init(&folder);
    publish(&folder, key_b, "b");
    artifacts_name(key_a, name_a);
    artifacts_name(key_b, name_b);
    assert_int_equal(renameat(folder.dir.artifacts_fd, name_b, folder.dir.artifacts_fd, name_a), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    folder_done(&folder);
}

static void nothing_but_a_regular_file_is_opened_and_nobody_waits_for_a_fifo(void **state)
{
    (void)state;
    struct folder folder;
    char name_a[ARTIFACTS_NAME_BYTES];
    char name_b[ARTIFACTS_NAME_BYTES];
    folder_init(&folder);
    int fd = folder.dir.artifacts_fd;
    artifacts_name(key_a, name_a);
    artifacts_name(key_b, name_b);
    publish(&folder, key_b, "b");
    assert_int_equal(symlinkat(name_b, fd, name_a), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    assert_int_equal(unlinkat(fd, name_a, 0), 0);
    assert_int_equal(mkfifoat(fd, name_a, 0600), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    assert_int_equal(unlinkat(fd, name_a, 0), 0);
    assert_int_equal(mkdirat(fd, name_a, 0700), 0);
    assert_int_equal(reopen(&folder, key_a), STATUS_CORRUPT);
    /* And all of them make room for the real one. */
    publish(&folder, key_a, "a");
    assert_int_equal(reopen(&folder, key_a), STATUS_OK);
    folder_done(&folder);
}

static void only_a_sealed_artifact_is_fresh_and_only_for_a_while(void **state)
{
    (void)state;
    struct folder folder;
    struct stat facts;
    char name[ARTIFACTS_NAME_BYTES];
    folder_init(&folder);
    artifacts_name(key_a, name);
    publish(&folder, key_a, "a");
    int fd = folder.dir.artifacts_fd;
    assert_int_equal(fstatat(fd, name, &facts, 0), 0);
    uint64_t made_ns =
        (uint64_t)facts.st_ctim.tv_sec * 1000000000 + (uint64_t)facts.st_ctim.tv_nsec;
    assert_true(artifacts_is_fresh(fd, key_a, made_ns + 99, 100));
    assert_false(artifacts_is_fresh(fd, key_a, made_ns + 100, 100));
    assert_false(artifacts_is_fresh(fd, key_b, made_ns, 100));
    assert_int_equal(utimensat(fd, name, NULL, 0), 0);
    assert_false(artifacts_is_fresh(fd, key_a, made_ns + 1, UINT64_C(1000000000)));
    folder_done(&folder);
}

static void names_tell_artifacts_from_litter(void **state)
{
    (void)state;
    uint8_t key[DEPLOY_SHA256_BYTES];
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(key_b, name);
    assert_int_equal(artifacts_sort_name(name, RUN, key), ARTIFACTS_ARTIFACT);
    assert_memory_equal(key, key_b, sizeof(key));
    name[70] = name[70] == 'f' ? 'e' : 'f'; /* in the build id */
    assert_int_equal(artifacts_sort_name(name, RUN, key), ARTIFACTS_LITTER);
    assert_int_equal(artifacts_sort_name("0000000000001234-7.tmp", RUN, key), ARTIFACTS_TEMPORARY);
    assert_int_equal(artifacts_sort_name("0000000000001235-7.tmp", RUN, key), ARTIFACTS_LITTER);
    assert_int_equal(artifacts_sort_name("notes", RUN, key), ARTIFACTS_LITTER);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_is_opened_and_what_is_not_there_is_not_found),
        cmocka_unit_test(whatever_is_written_to_an_artifact_breaks_its_seal),
        cmocka_unit_test(another_artifact_in_its_place_is_not_opened),
        cmocka_unit_test(nothing_but_a_regular_file_is_opened_and_nobody_waits_for_a_fifo),
        cmocka_unit_test(only_a_sealed_artifact_is_fresh_and_only_for_a_while),
        cmocka_unit_test(names_tell_artifacts_from_litter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
