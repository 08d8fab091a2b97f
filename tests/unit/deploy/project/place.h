/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of a test's own, with what is written into it; it goes with all that is in it.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_PROJECT_PLACE_H
#define SKERRY_TESTS_UNIT_DEPLOY_PROJECT_PLACE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/macros.h"
#include "tests/support/unit.h"

#define PLACE_PATH_BYTES 512

struct place {
    char folder[64];
};

static inline int place_setup(void **state)
{
    static struct place place;
    place = (struct place){.folder = "/tmp/skerry-place-XXXXXX"};
    assert_non_null(mkdtemp(place.folder));
    *state = &place;
    return 0;
}

static inline int
place_remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline int place_teardown(void **state)
{
    const struct place *place = *state;
    return nftw(place->folder, place_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void place_path(const struct place *place, const char *name, char *ret_path)
{
    (void)snprintf(ret_path, PLACE_PATH_BYTES, "%s/%s", place->folder, name);
}

static inline void place_write(const struct place *place, const char *name, const char *text)
{
    char path[PLACE_PATH_BYTES];
    place_path(place, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void place_make(const struct place *place, const char *name)
{
    char path[PLACE_PATH_BYTES];
    place_path(place, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static inline void place_drop(const struct place *place, const char *name)
{
    char path[PLACE_PATH_BYTES];
    place_path(place, name, path);
    assert_int_equal(unlink(path), 0);
}

#define TEST_PLACE(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

#endif
