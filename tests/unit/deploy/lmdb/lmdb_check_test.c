/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's file against its own first page.
 */
#include "../fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/store/digest.h"

#define MAP_BYTES (16ULL << 20)

/* Opens what is left of the store when its file ends after so many bytes. */
static enum status open_cut(struct fixture *fixture, off_t bytes, struct report *report)
{
    char dir[96];
    char path[128];
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    (void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
    assert_int_equal(truncate(path, bytes), 0);
    const struct store_options options = {
        .data_dir = fixture->dir, .dir = dir, .map_bytes = MAP_BYTES, .clock = &fixture->clock};
    enum status status = store_open(&options, report, &fixture->store);
    if (status == STATUS_OK)
        fixture_close_store(fixture);
    return status;
}

/* In a process of its own: what the jump out of LMDB leaves behind is the process's that refuses.
 */
static bool cut_is_refused(struct fixture *fixture, off_t bytes)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct report report = REPORT_INIT;
        bool refused = open_cut(fixture, bytes, &report) == STATUS_CORRUPT &&
                       strstr(report.text, "cut short") != NULL;
        _exit(refused ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void store_that_was_cut_short_is_refused_and_one_that_is_only_short_is_not(void **state)
{
    (void)state;
    struct fixture fixture;
    struct report report = REPORT_INIT;
    struct stat facts;
    char path[128];
    uint32_t number;
    uint8_t *module = calloc(1, 1 << 20);
    assert_non_null(module);
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_make(module, 1 << 20), &number),
                     STATUS_OK);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    /* What is written now lies where the module was: the end of the file is nobody's. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(fixture_add(&fixture, "acme", "small", bytes_make(module, 1 + i), &number),
                         STATUS_OK);
    fixture_close_store(&fixture);
    (void)snprintf(path, sizeof(path), "%s/store/data.mdb", fixture.dir);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(open_cut(&fixture, facts.st_size, &report), STATUS_OK);
    assert_int_equal(open_cut(&fixture, facts.st_size - 4096, &report), STATUS_OK);
    assert_true(cut_is_refused(&fixture, 8192));
    fixture_done(&fixture);
    free(module);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_that_was_cut_short_is_refused_and_one_that_is_only_short_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
