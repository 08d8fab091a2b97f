/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generation's page: written by one, seen by all, kept over a restart.
 */
#include "fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/generation.h"

static void readers_see_what_control_counts(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation control;
    struct generation reader;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &control), STATUS_OK);
    assert_int_equal(generation_open(fixture.dir, NULL, &reader), STATUS_OK);
    assert_int_equal(generation_read(&reader), 0);
    generation_increase(&control);
    generation_increase(&control);
    assert_int_equal(generation_read(&reader), 2);
    generation_close(&control);
    /* Readers go on, and the next control goes on from there. */
    assert_int_equal(generation_read(&reader), 2);
    assert_int_equal(generation_create(fixture.dir, NULL, &control), STATUS_OK);
    generation_increase(&control);
    assert_int_equal(generation_read(&reader), 3);
    generation_close(&control);
    generation_close(&reader);
    generation_close(&reader);
    fixture_done(&fixture);
}

static void a_file_of_another_size_is_made_anew(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation control;
    char path[128];
    struct stat facts;
    fixture_init(&fixture);
    fixture_write_file(&fixture, "generation", "short", 0600);
    assert_int_equal(generation_create(fixture.dir, NULL, &control), STATUS_OK);
    assert_int_equal(generation_read(&control), 0);
    (void)snprintf(path, sizeof(path), "%s/generation", fixture.dir);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_size, 4096);
    assert_int_equal(facts.st_mode & 0777, 0600);
    generation_close(&control);
    fixture_done(&fixture);
}

static void without_the_file_there_is_a_reason(void **state)
{
    (void)state;
    struct fixture fixture;
    struct report report = REPORT_INIT;
    struct generation reader = {0};
    fixture_init(&fixture);
    assert_int_equal(generation_open(fixture.dir, &report, &reader), STATUS_NOT_FOUND);
    assert_non_null(strstr(report.text, "generation"));
    assert_null(reader.number);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_what_control_counts),
        cmocka_unit_test(a_file_of_another_size_is_made_anew),
        cmocka_unit_test(without_the_file_there_is_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
