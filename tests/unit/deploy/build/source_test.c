/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upload is, by its type or its first bytes.
 */
#include "deploy/build/source.h"
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
#define SOURCE(NAME, number, content_type, magic, text)                                            \
    assert_true(source_type_is_known(bytes_of_text(content_type)));
#include "deploy/sources.def"
    assert_false(source_type_is_known(bytes_of_text("text/plain")));
    assert_false(source_type_is_known(bytes_of_text("")));
}

static void each_source_is_found_by_its_type_and_by_its_first_bytes(void **state)
{
    (void)state;
#define SOURCE(NAME, number, content_type, magic, text)                                            \
    assert_int_equal(source_of(bytes_of_text(content_type), bytes_of_text("x")),                   \
                     DEPLOY_SOURCE_##NAME);                                                        \
    assert_int_equal(source_of(none, bytes_make(magic "x", sizeof(magic))), DEPLOY_SOURCE_##NAME);
#include "deploy/sources.def"
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
        cmocka_unit_test(what_nobody_knows_goes_to_the_front_end_that_explains_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
