/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose change is it: the user's, or the build's?
 */
#include "deploy/project/watch.h"
#include "tests/unit/deploy/project/place.h"

static void begin(struct project_watch *watch, const struct place *place)
{
    struct report report = REPORT_INIT;
    assert_int_equal(project_watch_init(watch, place->folder, &report), STATUS_OK);
}

/* A build that changed nothing but made `output`. */
static void first_build(struct project_watch *watch, const struct place *place)
{
    project_watch_begin_build(watch);
    place_write(place, "out.wasm", "made");
    assert_false(project_watch_is_stale(watch));
    assert_false(project_watch_end_build(watch, true));
    assert_false(project_watch_scan(watch));
}

static void a_source_that_changes_appears_or_goes_is_a_change(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    place_make(place, "src");
    place_write(place, "src/a.c", "1");
    begin(&watch, place);
    assert_false(project_watch_scan(&watch));
    place_write(place, "src/a.c", "22");
    assert_true(project_watch_scan(&watch));
    assert_string_equal(watch.changed, "src/a.c");
    place_write(place, "src/b.c", "1");
    assert_true(project_watch_scan(&watch));
    assert_string_equal(watch.changed, "src/b.c");
    place_drop(place, "src/b.c");
    assert_true(project_watch_scan(&watch));
    assert_false(project_watch_scan(&watch));
    project_watch_done(&watch);
}

static void what_is_no_source_is_not_looked_at(void **state)
{
    const struct place *place = *state;
    static const char *const names[] = {".a.c.swp", "a.c~",           "#a.c#",
                                        "target/x", "node_modules/x", ".skerry/x"};
    struct project_watch watch;
    place_make(place, "target");
    place_make(place, "node_modules");
    place_make(place, ".skerry");
    begin(&watch, place);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        place_write(place, names[i], "x");
    assert_false(project_watch_scan(&watch));
    project_watch_done(&watch);
}

static void what_a_build_makes_is_no_source_until_somebody_else_changes_it(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    place_write(place, "a.c", "1");
    place_write(place, "lock", "1");
    begin(&watch, place);
    project_watch_begin_build(&watch);
    place_write(place, "lock", "22"); /* was there, and is the first build's */
    place_write(place, "a.o", "1");
    assert_false(project_watch_is_stale(&watch));
    assert_false(project_watch_end_build(&watch, true));
    assert_false(project_watch_scan(&watch));
    project_watch_begin_build(&watch);
    place_write(place, "lock", "333");
    place_drop(place, "a.o");
    place_write(place, "b.o", "1");
    assert_false(project_watch_is_stale(&watch));
    assert_false(project_watch_end_build(&watch, true));
    assert_false(project_watch_scan(&watch));
    place_write(place, "lock", "4444");
    assert_true(project_watch_scan(&watch));
    project_watch_begin_build(&watch);
    place_write(place, "lock", "55555");
    assert_true(project_watch_is_stale(&watch));
    assert_true(project_watch_end_build(&watch, false));
    project_watch_done(&watch);
}

static void a_change_while_a_build_runs_makes_it_stale(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    place_write(place, "a.c", "1");
    begin(&watch, place);
    first_build(&watch, place);
    project_watch_begin_build(&watch);
    place_write(place, "a.c", "22");
    assert_true(project_watch_is_stale(&watch));
    assert_string_equal(watch.changed, "a.c");
    assert_true(project_watch_end_build(&watch, true));
    assert_false(project_watch_scan(&watch));
    /* The next one is left alone. */
    project_watch_begin_build(&watch);
    assert_false(project_watch_is_stale(&watch));
    assert_false(project_watch_end_build(&watch, true));
    project_watch_done(&watch);
}

static void a_file_that_every_build_changes_does_not_build_for_ever(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    char text[16] = "1";
    int builds = 0;
    place_write(place, "stamp", text);
    begin(&watch, place);
    first_build(&watch, place);
    bool stale = true;
    for (; stale && builds < 10; builds++) {
        project_watch_begin_build(&watch);
        strcat(text, "1");
        place_write(place, "stamp", text);
        stale = project_watch_end_build(&watch, true);
    }
    assert_int_equal(builds, PROJECT_STALE_ROUNDS + 1);
    assert_false(project_watch_scan(&watch));
    project_watch_done(&watch);
}

static void a_file_that_is_written_to_is_half_written_until_it_is_closed(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    char path[PLACE_PATH_BYTES];
    place_write(place, "a.wasm", "1");
    begin(&watch, place);
    assert_false(project_watch_drain(&watch, "a.wasm", false));
    place_path(place, "a.wasm", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_true(project_watch_drain(&watch, "a.wasm", false));
    assert_true(project_watch_drain(&watch, "a.wasm", true));
    assert_int_equal(close(fd), 0);
    assert_false(project_watch_drain(&watch, "a.wasm", true));
    project_watch_done(&watch);
}

static void one_file_is_watched_by_its_folder(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    struct report report = REPORT_INIT;
    char path[PLACE_PATH_BYTES];
    char next[PLACE_PATH_BYTES];
    place_write(place, "a.wasm", "1");
    place_write(place, "a.new", "22");
    place_path(place, "a.wasm", path);
    place_path(place, "a.new", next);
    assert_int_equal(project_watch_init(&watch, path, &report), STATUS_OK);
    place_write(place, "other", "1");
    assert_false(project_watch_scan(&watch));
    assert_int_equal(rename(next, path), 0);
    assert_false(project_watch_drain(&watch, "a.wasm", true));
    assert_true(project_watch_scan(&watch));
    project_watch_done(&watch);
}

static void what_is_not_there_cannot_be_watched(void **state)
{
    const struct place *place = *state;
    struct project_watch watch;
    struct report report = REPORT_INIT;
    char path[PLACE_PATH_BYTES];
    place_path(place, "none", path);
    assert_int_equal(project_watch_init(&watch, path, &report), STATUS_NOT_FOUND);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_PLACE(a_source_that_changes_appears_or_goes_is_a_change),
        TEST_PLACE(what_is_no_source_is_not_looked_at),
        TEST_PLACE(what_a_build_makes_is_no_source_until_somebody_else_changes_it),
        TEST_PLACE(a_change_while_a_build_runs_makes_it_stale),
        TEST_PLACE(a_file_that_every_build_changes_does_not_build_for_ever),
        TEST_PLACE(a_file_that_is_written_to_is_half_written_until_it_is_closed),
        TEST_PLACE(one_file_is_watched_by_its_folder),
        TEST_PLACE(what_is_not_there_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
