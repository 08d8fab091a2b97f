/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys: found by name, and by a slip of it.
 */
#include "deploy/manifest/rows.h"
#include "tests/support/unit.h"

static void each_row_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < manifest_row_count; i++) {
        const struct manifest_row *row = &manifest_rows[i];
        assert_ptr_equal(manifest_find(row->section, row->key), row);
        assert_true(manifest_row_text(row)[0] != '\0');
        assert_non_null(row->example);
    }
    assert_null(manifest_find("", "fuel"));
    assert_null(manifest_find("limits", "name"));
}

static void a_slip_finds_the_key_that_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *key;
        const char *nearest;
    } rows[] = {
        {"", "nmae", "name"},
        {"", "limit", "limits"},
        {"", "environment", ""},
        {"", "hosts", "routes.host"},
        {"limits", "memroy", "limits.memory"},
        {"routes", "name", "name"},
        {"", "", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[64];
        manifest_nearest(rows[i].section, rows[i].key, name, sizeof(name));
        assert_string_equal(name, rows[i].nearest);
    }
}

static void an_own_limit_has_the_units_and_range_of_all(void **state)
{
    (void)state;
    const struct manifest_row *row = manifest_find("limits", "wall");
    const struct config_limit_row *limit = &config_limit_rows[CONFIG_LIMIT_wall];
    uint64_t minimum;
    uint64_t maximum;
    manifest_row_range(row, &minimum, &maximum);
    assert_int_equal(minimum, limit->minimum);
    assert_int_equal(maximum, limit->maximum);
    assert_int_equal(manifest_row_unit(row), CONFIG_UNIT_MICROSECONDS);
    assert_string_equal(manifest_row_text(row), limit->text);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_found_by_its_name),
        cmocka_unit_test(a_slip_finds_the_key_that_was_meant),
        cmocka_unit_test(an_own_limit_has_the_units_and_range_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
