/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upload is, by its type or its first bytes.
 */
#include "deploy/source.h"
#include "tests/support/unit.h"

static const struct bytes none = {.data = NULL};

static void types_are_compared_without_their_parameters(void **state)
{
    (void)state;
    assert_true(source_type_is(bytes_of_text("Application/Wasm"), "application/wasm"));
    assert_true(source_type_is(bytes_of_text("application/wasm;v=1"), "application/wasm"));
    assert_true(source_type_is(bytes_of_text("application/wasm ; v=1"), "application/wasm"));
    assert_false(source_type_is(bytes_of_text("application/wasmx"), "application/wasm"));
    assert_false(source_type_is(bytes_of_text("application/was"), "application/wasm"));
    assert_false(source_type_is(none, "application/wasm"));
}

static void known_are_the_types_of_the_table_and_those_that_say_nothing(void **state)
{
    (void)state;
    assert_true(source_type_is_known(none));
    assert_true(source_type_is_known(bytes_of_text("application/octet-stream")));
#define SOURCE_TYPE(NAME, content_type, ending)                                                    \
    assert_true(source_type_is_known(bytes_of_text(content_type)));
#include "deploy/sources.def"
    assert_false(source_type_is_known(bytes_of_text("text/plain")));
    assert_false(source_type_is_known(bytes_of_text("")));
}

static void each_source_is_found_by_its_type_and_by_its_first_bytes(void **state)
{
    (void)state;
#define SOURCE_TYPE(NAME, content_type, ending)                                                    \
    assert_int_equal(source_of(bytes_of_text(content_type), bytes_of_text("x")),                   \
                     DEPLOY_SOURCE_##NAME);
#include "deploy/sources.def"
#define SOURCE(NAME, number, kind, magic, text)                                                    \
    assert_int_equal(source_of(none, bytes_make(magic "x", sizeof(magic))),                        \
                     sizeof(magic) == 1 ? DEPLOY_SOURCE_WASM : DEPLOY_SOURCE_##NAME);
#include "deploy/sources.def"
}

static void a_source_that_is_no_module_is_a_kind_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(deploy_source_kind(DEPLOY_SOURCE_WASM), "");
    assert_string_equal(deploy_source_kind(DEPLOY_SOURCE_JAVASCRIPT), "javascript");
}

static void a_files_name_says_its_type(void **state)
{
    (void)state;
    size_t stem;
#define SOURCE_TYPE(NAME, content_type, ending)                                                    \
    assert_string_equal(source_type_of_file("dir/x" ending, &stem),                                \
                        ending[0] == '\0' ? "application/wasm" : content_type);                    \
    assert_int_equal(stem, 5);
#include "deploy/sources.def"
    assert_string_equal(source_type_of_file(".js", &stem), "application/wasm");
    assert_int_equal(stem, 3);
    assert_string_equal(source_type_of_file("", &stem), "application/wasm");
    assert_int_equal(stem, 0);
}

static void what_nobody_knows_goes_to_the_front_end_that_explains_best(void **state)
{
    (void)state;
    assert_int_equal(source_of(none, bytes_of_text("#!/bin/sh")), DEPLOY_SOURCE_WASM);
    assert_int_equal(source_of(none, none), DEPLOY_SOURCE_WASM);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_compared_without_their_parameters),
        cmocka_unit_test(known_are_the_types_of_the_table_and_those_that_say_nothing),
        cmocka_unit_test(each_source_is_found_by_its_type_and_by_its_first_bytes),
        cmocka_unit_test(a_files_name_says_its_type),
        cmocka_unit_test(a_source_that_is_no_module_is_a_kind_of_its_own),
        cmocka_unit_test(what_nobody_knows_goes_to_the_front_end_that_explains_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
