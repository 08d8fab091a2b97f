/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which line of `_routes` has a path.
 */
#include "hostapi/wagi/routes.h"
#include "tests/support/unit.h"

static const char text[] = "/exact on_exact\n"
                           "/wild/... on_wild\r\n"
                           "no route at all\n"
                           "\n"
                           "/alone\n"
                           "  /wild/deep/...\ton_deep ignored\n"
                           "/wild/one on_one\n"
                           "/exact never";

static void expect(const char *path, const char *entrypoint, const char *prefix)
{
    struct routes_match match = routes_find(bytes_of_text(text), bytes_of_text(path));
    if (!bytes_equal_text(match.entrypoint, entrypoint) || !bytes_equal_text(match.prefix, prefix))
        fail_msg("%s: %.*s by %.*s", path, (int)match.entrypoint.count,
                 (const char *)match.entrypoint.data, (int)match.prefix.count,
                 (const char *)match.prefix.data);
}

static void an_exact_path_goes_first_then_the_longest_that_fits(void **state)
{
    (void)state;
    expect("/exact", "on_exact", "/exact");
    expect("/wild", "on_wild", "/wild");
    expect("/wild/", "on_wild", "/wild");
    expect("/wild/x/y", "on_wild", "/wild");
    expect("/wild/one", "on_one", "/wild/one");
    expect("/wild/one/two", "on_wild", "/wild");
    expect("/wild/deep", "on_deep", "/wild/deep");
    expect("/wild/deep/x", "on_deep", "/wild/deep");
    assert_true(routes_find(bytes_of_text(text), bytes_of_text("/wild/one")).whole);
    assert_false(routes_find(bytes_of_text(text), bytes_of_text("/wild")).whole);
}

static void a_path_that_no_route_fits_has_no_entrypoint(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "", "/exact/", "/exactly", "/wilder", "/alone", "no"};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        expect(paths[i], "", "");
    assert_int_equal(routes_find(bytes_make(NULL, 0), bytes_of_text("/")).entrypoint.count, 0);
    /* All paths. */
    struct routes_match all = routes_find(bytes_of_text("/... all"), bytes_of_text("/x"));
    assert_true(bytes_equal_text(all.entrypoint, "all"));
    assert_int_equal(all.prefix.count, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_path_goes_first_then_the_longest_that_fits),
        cmocka_unit_test(a_path_that_no_route_fits_has_no_entrypoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
