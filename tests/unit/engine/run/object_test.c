/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that guests make: the heap's limit as they meet it, what references are, and ranges
 * of items, a chunk at a time.
 */
#include <stdlib.h>

#include "engine/run/machine.h"
#include "engine/run/object.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_objects.h"
#include "tests/unit/engine/guest.h"

#define HEAP_LIMIT     ((uint64_t)4 << 20)
#define HEAP_TAKEN_MAX (HEAP_LIMIT / 4 * 5) /* the collector's marks included */

static struct guest make_objects(void)
{
    struct buffer wasm = wasm_objects();
    struct engine_limits limits = engine_limits_default;
    limits.heap_bytes = HEAP_LIMIT;
    return guest_make_within(&wasm, &limits);
}

static void a_guest_that_keeps_all_it_makes_traps_when_the_heap_is_full(void **state)
{
    (void)state;
    struct guest guest = make_objects();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guest_trap(&guest, "keep").trap, TRAP_HEAP_EXHAUSTED);
        assert_in_range(engine_machine_heap_bytes(guest.machine), HEAP_LIMIT / 2, HEAP_TAKEN_MAX);
        /* What it had is still there, and what it lets go can be had again. */
        assert_int_not_equal(guest_call(&guest, "sum", 0), 0);
        (void)guest_call(&guest, "forget", 0);
        (void)guest_call(&guest, "keep", 1000);
        assert_int_equal(guest_call(&guest, "sum", 0), 500500);
    }
    guest_done(&guest);
}

static void a_guest_that_drops_what_it_makes_never_fills_the_heap(void **state)
{
    (void)state;
    struct guest guest = make_objects();
    (void)guest_call(&guest, "keep", 1000);
    guest_begin(&guest, "drop", &(union engine_value){.i32 = 0});
    for (int i = 0; i < 100; i++) {
        assert_int_equal(engine_run(guest.machine, 100000), ENGINE_OUT_OF_FUEL);
        assert_true(engine_machine_heap_bytes(guest.machine) <= HEAP_TAKEN_MAX);
    }
    /* A turn is seven instructions, and more for its thousand bytes: far over the limit. */
    assert_true(engine_machine_instructions(guest.machine) / 7 * 1000 > 10 * HEAP_LIMIT);
    engine_call_cancel(guest.machine);
    assert_int_equal(guest_call(&guest, "sum", 0), 500500);
    guest_done(&guest);
}

static void what_collections_cost_does_not_depend_on_the_slices(void **state)
{
    (void)state;
    uint64_t used[3];
    static const int64_t slices[] = {10000000, 1000, 7};
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        struct guest guest = make_objects();
        guest_begin(&guest, "drop", &(union engine_value){.i32 = 20000});
        assert_int_equal(guest_run(&guest, slices[i]), ENGINE_DONE);
        used[i] = engine_machine_fuel_used(guest.machine);
        guest_done(&guest);
    }
    assert_int_equal(used[0], used[1]);
    assert_int_equal(used[0], used[2]);
}

/* ---- what references are --------------------------------------------------------------------- */

static void an_i31_is_its_low_bits(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        uint32_t as_signed;
        uint32_t as_unsigned;
    } rows[] = {
        {0, 0, 0},
        {1, 1, 1},
        {0x3fffffff, 0x3fffffff, 0x3fffffff},
        {0x40000000, 0xc0000000, 0x40000000},
        {0x80000000, 0, 0},
        {UINT32_MAX, UINT32_MAX, 0x7fffffff},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t reference = object_i31(rows[i].number);
        assert_true(engine_reference_is_i31(reference));
        assert_false(engine_reference_is_object(reference));
        assert_int_equal(object_i31_signed(reference), rows[i].as_signed);
        assert_int_equal((uint32_t)reference, rows[i].as_unsigned);
    }
}

static void a_host_gives_its_own_references_and_those_it_was_given(void **state)
{
    (void)state;
    struct guest guest = make_objects();
    assert_false(object_is_reference(guest.machine, HEAP_REFERENCE_TAG | 1 << 20));
    uint64_t object = object_new(guest.instance, 0, 0);
    assert_true(object_is_reference(guest.machine, 0));
    assert_true(object_is_reference(guest.machine, ((uint64_t)1 << 62) - 1));
    assert_true(object_is_reference(guest.machine, object));
    assert_true(object_is_reference(guest.machine, object_i31(UINT32_MAX)));
    assert_false(object_is_reference(guest.machine, object + 8));
    assert_false(object_is_reference(guest.machine, object_i31(0) | 1u << 31));
    assert_false(object_is_reference(guest.machine, object_i31(0) | (uint64_t)1 << 40));
    assert_false(object_is_reference(guest.machine, UINT64_MAX));
    guest_done(&guest);
}

static void a_reference_matches_the_types_above_its_own(void **state)
{
    (void)state;
    enum { NODE, TEXT, FUNC };
    struct guest guest = make_objects();
    const struct engine_instance *instance = guest.instance;
    const uint64_t values[] = {
        0,    object_i31(5), object_new(instance, NODE, 0), object_new(instance, TEXT, 3),
        4711, /* the host's */
    };
    static const struct {
        uint32_t type;
        const char *matches; /* one letter a value */
    } rows[] = {
        {ENGINE_ANYREF, "nisah"},
        {ENGINE_EQREF, "nisa."},
        {ENGINE_I31REF, "ni..."},
        {ENGINE_STRUCTREF, "n.s.."},
        {ENGINE_ARRAYREF, "n..a."},
        {ENGINE_NULLREF, "n...."},
        {ENGINE_ANYREF | ENGINE_TYPE_NON_NULL, ".isah"},
        {ENGINE_NULLREF | ENGINE_TYPE_NON_NULL, "....."},
        {ENGINE_EXTERNREF, "nisah"},
        {ENGINE_TYPE_CONCRETE | NODE, "n.s"},
        {ENGINE_TYPE_CONCRETE | TEXT, "n..a"},
        {ENGINE_TYPE_CONCRETE | ENGINE_TYPE_NON_NULL | TEXT, "...a"},
        {ENGINE_TYPE_CONCRETE | FUNC, "n..."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; rows[i].matches[k] != '\0'; k++)
            assert_int_equal(object_matches(instance, values[k], rows[i].type),
                             rows[i].matches[k] != '.');
    }
    guest_done(&guest);
}

/* ---- items ----------------------------------------------------------------------------------- */

static void items_of_each_size_are_filled(void **state)
{
    (void)state;
    const uint64_t value[2] = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)};
    static const uint32_t sizes[] = {1, 2, 4, 8, 16};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t items[5 * 16 + 1];
        memset(items, 0x5a, sizeof(items));
        object_fill(items, value, 5, sizes[i]);
        for (uint32_t k = 0; k < 5; k++)
            assert_memory_equal(items + k * sizes[i], value, sizes[i]);
        assert_int_equal(items[5 * sizes[i]], 0x5a);
    }
}

/* Runs it to the end; how many times. */
static uint32_t copy_all(const struct guest *guest, uint64_t slots[5])
{
    uint32_t steps = 0;
    do {
        struct object_chunk chunk = object_array_copy(guest->instance, slots, 1);
        assert_int_equal(chunk.trap, TRAP_NONE);
        steps++;
    } while (slots[4] > 0);
    return steps;
}

/* Overlapping, both ways, in several chunks: as memmove does it. */
static void a_copy_within_an_array_does_not_see_itself(void **state)
{
    (void)state;
    enum { TEXT = 1, LENGTH = 300000 };
    struct guest guest = make_objects();
    uint64_t array = object_new(guest.instance, TEXT, LENGTH);
    uint8_t *items = heap_payload(&guest.machine->heap, array);
    uint8_t *wanted = malloc(LENGTH);
    assert_non_null(wanted);
    static const uint32_t places[][2] = {{0, 1}, {1, 0}, {0, 70000}, {70000, 0}, {5, 5}};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        for (uint32_t k = 0; k < LENGTH; k++)
            items[k] = wanted[k] = (uint8_t)(k * 2654435761u >> 24);
        memmove(wanted + places[i][0], wanted + places[i][1], LENGTH - 70000);
        uint64_t slots[5] = {array, places[i][0], array, places[i][1], LENGTH - 70000};
        assert_in_range(copy_all(&guest, slots), 4, 5);
        assert_memory_equal(items, wanted, LENGTH);
    }
    free(wanted);
    guest_done(&guest);
}

static void a_range_that_does_not_fit_traps_before_anything_is_written(void **state)
{
    (void)state;
    enum { TEXT = 1, LENGTH = 100 };
    struct guest guest = make_objects();
    uint64_t array = object_new(guest.instance, TEXT, LENGTH);
    static const uint32_t ranges[][2] = {
        {0, 101}, {1, 100}, {101, 0}, {UINT32_MAX, 1}, {1, UINT32_MAX}};
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        uint64_t fill[4] = {array, ranges[i][0], 0xff, ranges[i][1]};
        assert_int_equal(object_array_fill(guest.instance, fill, 1).trap, TRAP_ARRAY_OUT_OF_BOUNDS);
        uint64_t to[5] = {array, ranges[i][0], array, 0, ranges[i][1]};
        assert_int_equal(object_array_copy(guest.instance, to, 1).trap, TRAP_ARRAY_OUT_OF_BOUNDS);
        uint64_t from[5] = {array, 0, array, ranges[i][0], ranges[i][1]};
        assert_int_equal(object_array_copy(guest.instance, from, 1).trap, TRAP_ARRAY_OUT_OF_BOUNDS);
    }
    for (uint32_t i = 0; i < LENGTH; i++)
        assert_int_equal(heap_payload(&guest.machine->heap, array)[i], 0);
    uint64_t none[4] = {array, LENGTH, 0xff, 0};
    assert_int_equal(object_array_fill(guest.instance, none, 1).trap, TRAP_NONE);
    uint64_t null[4] = {0};
    assert_int_equal(object_array_fill(guest.instance, null, 1).trap, TRAP_NULL_ARRAY);
    guest_done(&guest);
}

/* "write" of an index and "length"; a global of mutable bytes, two or none. */
static struct guest make_bytes(bool is_null)
{
    enum { TEXT, WRITE, LENGTH };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x5e, 0x78, 1, 0x60, 1, 0x7f, 0, 0x60, 0, 1, 0x7f);
    WASM_SECTION(&wasm, WASM_FUNC, 2, WRITE, LENGTH);
    if (is_null)
        WASM_SECTION(&wasm, WASM_GLOBAL, 1, 0x63, TEXT, 0, 0xd0, TEXT, 0x0b);
    else
        WASM_SECTION(&wasm, WASM_GLOBAL, 1, 0x63, TEXT, 0, 0x41, 2, 0xfb, 7, TEXT, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 2, 5, 'w', 'r', 'i', 't', 'e', 0, 0, 6, 'l', 'e', 'n', 'g',
                 't', 'h', 0, 1);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 2);
    WASM_BODY(&wasm, 0, 0x23, 0, 0x20, 0, 0x41, 7, 0xfb, 14, TEXT, 0x0b);
    WASM_BODY(&wasm, 0, 0x23, 0, 0xfb, 15, 0x0b);
    wasm_close(&wasm, code);
    return guest_make(&wasm, NULL);
}

static void items_are_written_only_where_there_are_some(void **state)
{
    (void)state;
    struct guest guest = make_bytes(false);
    static const uint32_t outside[] = {2, 3, 1000, UINT32_MAX};
    (void)guest_call(&guest, "write", 1);
    assert_int_equal(guest_call(&guest, "length", 0), 2);
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        union engine_value argument = {.i32 = outside[i]};
        assert_int_equal(guest_go(&guest, "write", &argument), ENGINE_TRAPPED);
        assert_int_equal(engine_machine_trap(guest.machine).trap, TRAP_ARRAY_OUT_OF_BOUNDS);
        engine_call_cancel(guest.machine);
    }
    guest_done(&guest);
}

static void null_has_no_length(void **state)
{
    (void)state;
    struct guest guest = make_bytes(true);
    assert_int_equal(guest_trap(&guest, "length").trap, TRAP_NULL_ARRAY);
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_that_keeps_all_it_makes_traps_when_the_heap_is_full),
        cmocka_unit_test(a_guest_that_drops_what_it_makes_never_fills_the_heap),
        cmocka_unit_test(what_collections_cost_does_not_depend_on_the_slices),
        cmocka_unit_test(an_i31_is_its_low_bits),
        cmocka_unit_test(a_host_gives_its_own_references_and_those_it_was_given),
        cmocka_unit_test(a_reference_matches_the_types_above_its_own),
        cmocka_unit_test(items_of_each_size_are_filled),
        cmocka_unit_test(a_copy_within_an_array_does_not_see_itself),
        cmocka_unit_test(a_range_that_does_not_fit_traps_before_anything_is_written),
        cmocka_unit_test(items_are_written_only_where_there_are_some),
        cmocka_unit_test(null_has_no_length),
    };
    return cmocka_run_group_tests_name("engine/object", tests, NULL, NULL);
}
