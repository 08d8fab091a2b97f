/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities: modules that know nothing of each other agree on equal types.
 */
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

/* An open structure of an i32; a final one below it with an i64 more; an array of the first. */
static struct buffer first_module(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x50, 0, 0x5f, 1, ENGINE_I32, 0, 0x4f, 1, 0, 0x5f, 2,
                 ENGINE_I32, 0, ENGINE_I64, 0, 0x5e, 0x63, 0, 1);
    return wasm;
}

/* A function; the first two of the other module; an array of the second; the first, but final. */
static struct buffer second_module(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 5, 0x60, 0, 0, 0x50, 0, 0x5f, 1, ENGINE_I32, 0, 0x4f, 1, 1, 0x5f,
                 2, ENGINE_I32, 0, ENGINE_I64, 0, 0x5e, 0x63, 2, 1, 0x5f, 1, ENGINE_I32, 0);
    return wasm;
}

struct pair {
    struct guest first;
    struct guest second;
};

static struct pair make_pair(void)
{
    struct report report = REPORT_INIT;
    struct buffer wasm = first_module();
    struct pair pair = {.first = guest_make(&wasm, NULL)};
    wasm = second_module();
    pair.second.machine = pair.first.machine;
    pair.second.module = guest_open(&wasm, &pair.second.image);
    assert_int_equal(engine_instantiate(pair.first.machine, pair.second.module, NULL, &report,
                                        &pair.second.instance),
                     STATUS_OK);
    return pair;
}

static void pair_done(struct pair *pair)
{
    guest_done(&pair->first);
    guest_done_beside(&pair->second);
}

static void a_machine_of_one_instance_has_no_table(void **state)
{
    (void)state;
    struct buffer wasm = first_module();
    struct guest guest = guest_make(&wasm, NULL);
    assert_null(guest.instance->type_ids);
    assert_false(guest.machine->identities.has_first);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(identity_of(guest.instance, i), i);
    guest_done(&guest);
}

static void equal_types_of_two_modules_are_one(void **state)
{
    (void)state;
    struct pair pair = make_pair();
    const struct engine_instance *second = pair.second.instance;
    assert_int_equal(identity_of(second, 1), 0);
    assert_int_equal(identity_of(second, 2), 1);
    /* These are not in the first module: the next numbers, each another. */
    assert_in_range(identity_of(second, 0), 3, 5);
    assert_in_range(identity_of(second, 3), 3, 5);
    assert_in_range(identity_of(second, 4), 3, 5);
    assert_int_not_equal(identity_of(second, 0), identity_of(second, 3));
    assert_int_not_equal(identity_of(second, 3), identity_of(second, 4));
    assert_int_not_equal(identity_of(second, 4), identity_of(second, 0));
    pair_done(&pair);
}

static void subtyping_and_kinds_hold_across_instances(void **state)
{
    (void)state;
    struct pair pair = make_pair();
    const struct engine_machine *machine = pair.first.machine;
    const struct engine_instance *second = pair.second.instance;
    assert_true(identity_is_below(machine, identity_of(second, 2), 0));
    assert_true(identity_is_below(machine, 1, identity_of(second, 1)));
    assert_false(identity_is_below(machine, 0, identity_of(second, 2)));
    assert_false(identity_is_below(machine, identity_of(second, 4), 0));
    assert_int_equal(identity_kind(machine, identity_of(second, 0)), TYPES_FUNC);
    assert_int_equal(identity_kind(machine, identity_of(second, 3)), TYPES_ARRAY);
    assert_int_equal(identity_kind(machine, identity_of(second, 4)), TYPES_STRUCT);
    uint32_t type = identity_value_type(second, ENGINE_TYPE_CONCRETE | 2);
    assert_int_equal(type, ENGINE_TYPE_CONCRETE | 1);
    assert_true(identity_match(machine, type, ENGINE_TYPE_CONCRETE | 0));
    assert_true(identity_match(machine, type, ENGINE_STRUCTREF));
    assert_int_equal(identity_value_type(second, ENGINE_I32), ENGINE_I32);
    pair_done(&pair);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_of_one_instance_has_no_table),
        cmocka_unit_test(equal_types_of_two_modules_are_one),
        cmocka_unit_test(subtyping_and_kinds_hold_across_instances),
    };
    return cmocka_run_group_tests_name("engine/identity", tests, NULL, NULL);
}
