/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: an instance frozen, restored, changed by its guest, and rewound is what it was.
 */
#include <stdlib.h>

#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/object.h"
#include "engine/run/table.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_objects.h"
#include "tests/unit/engine/guest.h"

/*
 * One page of memory (at most 4), a table of 2 to 100 functions, a counter, a passive
 * segment. Exports:
 *   store(i32)   memory[i] = 0x2a (a byte)      grow(i32) -> i32     memory.grow
 *   count() -> i32   ++counter                  widen(i32) -> i32    table.grow with null
 *   drop()       data.drop, table[1] = null     call(i32) -> i32     calls table[1], which counts
 */
static struct buffer stateful(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 4, 0x60, 1, ENGINE_I32, 0, 0x60, 1, ENGINE_I32, 1, ENGINE_I32,
                 0x60, 0, 1, ENGINE_I32, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 6, 0, 1, 2, 1, 3, 1);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 1, 2, 100);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 1, 1, 4);
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, ENGINE_I32, 1, 0x41, 0, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 6, 5, 's', 't', 'o', 'r', 'e', 0, 0, 4, 'g', 'r', 'o', 'w', 0,
                 1, 5, 'c', 'o', 'u', 'n', 't', 0, 2, 5, 'w', 'i', 'd', 'e', 'n', 0, 3, 4, 'd', 'r',
                 'o', 'p', 0, 4, 4, 'c', 'a', 'l', 'l', 0, 5);
    WASM_SECTION(&wasm, WASM_ELEM, 1, 0, 0x41, 1, 0x0b, 1, 2); /* table[1] = count */
    WASM_SECTION(&wasm, WASM_DATA_COUNT, 2);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 6);
    WASM(&wasm, 9, 0, 0x20, 0, 0x41, 0x2a, 0x3a, 0, 0, 0x0b);
    WASM(&wasm, 6, 0, 0x20, 0, 0x40, 0, 0x0b);
    WASM(&wasm, 11, 0, 0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x23, 0, 0x0b);
    WASM(&wasm, 9, 0, 0xd0, ENGINE_FUNCREF, 0x20, 0, 0xfc, 0x0f, 0, 0x0b);
    WASM(&wasm, 11, 0, 0xfc, 0x09, 1, 0x41, 1, 0xd0, ENGINE_FUNCREF, 0x26, 0, 0x0b);
    WASM(&wasm, 7, 0, 0x41, 1, 0x11, 2, 0, 0x0b);
    wasm_close(&wasm, code);
    WASM_SECTION(&wasm, WASM_DATA, 2, 0, 0x41, 16, 0x0b, 5, 'h', 'e', 'l', 'l', 'o', /* active */
                 1, 3, 'a', 'b', 'c');
    return wasm;
}

/* Freezes `guest` and puts the snapshot in its place, on a machine of its own. */
static struct guest freeze(struct guest *guest)
{
    struct report report = REPORT_INIT;
    struct guest frozen = {0};
    assert_int_equal(engine_snapshot(guest->instance, &report, &frozen.image), STATUS_OK);
    assert_int_equal(engine_module_open(bytes_make(frozen.image.data, frozen.image.count), true,
                                        &report, &frozen.module),
                     STATUS_OK);
    assert_true(engine_module_has_snapshot(frozen.module));
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &frozen.machine),
                     STATUS_OK);
    assert_int_equal(
        engine_restore(frozen.machine, frozen.module, NULL, false, &report, &frozen.instance),
        STATUS_OK);
    guest_done(guest);
    return frozen;
}

/* A guest with some history, frozen. */
static struct guest make_frozen(void)
{
    struct buffer wasm = stateful();
    struct guest guest = guest_make(&wasm, NULL);
    (void)guest_call(&guest, "store", 9000);
    (void)guest_call(&guest, "count", 0);
    (void)guest_call(&guest, "count", 0);
    assert_int_equal(guest_call(&guest, "grow", 1), 1);
    assert_int_equal(guest_call(&guest, "widen", 3), 2);
    return freeze(&guest);
}

static void assert_as_frozen(const struct guest *guest)
{
    struct engine_memory_view view = engine_memory_view(guest->instance, 0);
    assert_int_equal(view.bytes, 2 * WASM_PAGE_BYTES);
    assert_int_equal(view.initial_bytes, 2 * WASM_PAGE_BYTES);
    for (uint64_t i = 0; i < view.bytes; i++) {
        uint8_t wanted = i == 9000 ? 0x2a : i >= 16 && i < 21 ? (uint8_t) "hello"[i - 16] : 0;
        assert_int_equal(view.base[i], wanted);
    }
    assert_int_equal(engine_global_get(guest->instance, 0)->i32, 2);
    const struct table *table = guest->instance->tables[0];
    assert_int_equal(table->count, 5);
    static const uint64_t wanted[5] = {0, 3, 0, 0, 0};
    assert_memory_equal(table->entries, wanted, sizeof(wanted));
    assert_int_equal(guest->instance->dropped_datas[0], 1);
    assert_int_equal(guest->instance->dropped_datas[1], 0);
    assert_int_equal(guest->instance->dropped_elems[0], 1);
}

static void a_restored_instance_is_as_it_was_frozen(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    assert_as_frozen(&guest);
    assert_int_equal(engine_machine_fuel_used(guest.machine), 0);
    assert_int_equal(guest_call(&guest, "call", 0), 3);
    guest_done(&guest);
}

static void zero_pages_at_the_end_of_memory_are_not_in_the_image(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    struct engine_memory_image memory = engine_module_memory_image(guest.module, 0);
    assert_int_equal(memory.bytes, 3 * 4096); /* 9000 is in the third page */
    assert_int_equal(memory.offset % 4096, 0);
    assert_int_equal(memory.offset + memory.bytes, guest.image.count);
    guest_done(&guest);
}

static void a_rewound_instance_is_as_it_was_frozen(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    (void)guest_call(&guest, "count", 0);
    assert_int_equal(guest_call(&guest, "grow", 2), 2);
    assert_int_equal(guest_call(&guest, "widen", 50), 5);
    (void)guest_call(&guest, "drop", 0);
    (void)guest_call(&guest, "store", 3 * WASM_PAGE_BYTES);
    assert_int_equal(guest_trap(&guest, "call").trap, TRAP_UNINITIALIZED_ELEMENT);
    assert_true(engine_rewind(guest.instance, 64));
    assert_as_frozen(&guest);
    assert_int_equal(engine_machine_fuel_used(guest.machine), 0);
    assert_int_equal(guest_call(&guest, "call", 0), 3);
    guest_done(&guest);
}

static void memory_grown_after_a_rewind_is_zero(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    assert_int_equal(guest_call(&guest, "grow", 1), 2);
    (void)guest_call(&guest, "store", 2 * WASM_PAGE_BYTES + 5);
    assert_true(engine_rewind(guest.instance, 64));
    assert_int_equal(guest_call(&guest, "grow", 1), 2);
    struct engine_memory_view view = engine_memory_view(guest.instance, 0);
    assert_int_equal(view.base[2 * WASM_PAGE_BYTES + 5], 0);
    guest_done(&guest);
}

static void a_call_under_way_is_given_up_by_a_rewind(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    engine_call_begin(guest.machine, guest.instance, 2, NULL, 0);
    assert_true(engine_rewind(guest.instance, 64));
    assert_as_frozen(&guest);
    assert_int_equal(guest_call(&guest, "count", 0), 3);
    guest_done(&guest);
}

static void memory_that_follows_is_left_zero(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    struct report report = REPORT_INIT;
    struct engine_machine *machine;
    struct engine_instance *instance;
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &machine), STATUS_OK);
    assert_int_equal(engine_restore(machine, guest.module, NULL, true, &report, &instance),
                     STATUS_OK);
    struct engine_memory_view view = engine_memory_view(instance, 0);
    assert_int_equal(view.bytes, 2 * WASM_PAGE_BYTES);
    for (uint64_t i = 0; i < view.bytes; i++)
        assert_int_equal(view.base[i], 0);
    engine_machine_free(machine);
    guest_done(&guest);
}

static void a_snapshot_of_a_restored_instance_is_the_same_image(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    struct report report = REPORT_INIT;
    struct engine_image again;
    assert_int_equal(engine_snapshot(guest.instance, &report, &again), STATUS_OK);
    assert_int_equal(again.count, guest.image.count);
    assert_memory_equal(again.data, guest.image.data, again.count);
    engine_image_free(&again);
    guest_done(&guest);
}

static void every_byte_of_a_snapshots_header_is_checked(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    for (size_t i = offsetof(struct image_header, has_snapshot); i < guest.image.count;
         i += i < sizeof(struct image_header) ? 1 : 509) {
        struct report report = REPORT_INIT;
        struct engine_module *module;
        guest.image.data[i] ^= 0x80;
        assert_int_equal(engine_module_open(bytes_make(guest.image.data, guest.image.count), true,
                                            &report, &module),
                         STATUS_CORRUPT);
        guest.image.data[i] ^= 0x80;
    }
    guest_done(&guest);
}

static void a_busy_instance_is_not_frozen(void **state)
{
    (void)state;
    struct guest guest = make_frozen();
    struct report report = REPORT_INIT;
    struct engine_image image;
    engine_call_begin(guest.machine, guest.instance, 2, NULL, 0);
    assert_int_equal(engine_snapshot(guest.instance, &report, &image), STATUS_UNSUPPORTED);
    engine_call_cancel(guest.machine);
    guest_done(&guest);
}

static void a_reference_of_the_host_is_not_frozen(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, ENGINE_EXTERNREF, 1, 0xd0, ENGINE_EXTERNREF, 0x0b);
    struct guest guest = guest_make(&wasm, NULL);
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(engine_snapshot(guest.instance, &report, &image), STATUS_OK);
    engine_image_free(&image);
    guest.instance->globals[0].ref = 5;
    assert_int_equal(engine_snapshot(guest.instance, &report, &image), STATUS_UNSUPPORTED);
    assert_non_null(strstr(report.text, "external reference"));
    guest_done(&guest);
}

/* ---- the heap -------------------------------------------------------------------------------- */

static struct guest make_frozen_objects(void)
{
    struct buffer wasm = wasm_objects();
    struct guest guest = guest_make(&wasm, NULL);
    (void)guest_call(&guest, "keep", 100);
    (void)guest_call(&guest, "store", 50000);
    (void)guest_call(&guest, "drop", 100);
    return freeze(&guest);
}

static void objects_are_frozen_and_garbage_is_not(void **state)
{
    (void)state;
    struct guest guest = make_frozen_objects();
    assert_int_equal(guest_call(&guest, "sum", 0), 5050);
    /* A hundred nodes, one large text; the texts dropped would take six blocks more. */
    assert_int_equal(engine_machine_heap_bytes(guest.machine), 5 * HEAP_BLOCK_BYTES);
    const struct table *table = guest.instance->tables[0];
    assert_int_equal(table->entries[1], guest.instance->globals[1].ref);
    assert_int_equal(heap_object(&guest.machine->heap, table->entries[1])->length, 50000);
    guest_done(&guest);
}

/* All of the machine's heap, used or not, is what it was. */
static void a_rewound_heap_is_as_it_was_frozen(void **state)
{
    (void)state;
    struct guest guest = make_frozen_objects();
    struct heap *heap = &guest.machine->heap;
    uint64_t bytes = (uint64_t)4 << 20;
    uint8_t *wanted = malloc(bytes);
    assert_non_null(wanted);
    memcpy(wanted, heap->base, bytes);
    for (uint32_t round = 0; round < 50; round++) {
        (void)guest_call(&guest, "spoil", 0);
        (void)guest_call(&guest, "keep", 1 + round * 100);
        (void)guest_call(&guest, "drop", 1 + round * 20);
        (void)guest_call(&guest, "store", round * 5000);
        if (round % 3 == 0)
            (void)guest_call(&guest, "forget", 0);
        if (round % 5 == 0) {
            guest_begin(&guest, "drop", &(union engine_value){.i32 = 0});
            assert_int_equal(engine_run(guest.machine, 1000), ENGINE_OUT_OF_FUEL);
        }
        assert_true(engine_rewind(guest.instance, 64));
        assert_memory_equal(heap->base, wanted, bytes);
        assert_int_equal(guest_call(&guest, "sum", 0), 5050);
    }
    free(wanted);
    guest_done(&guest);
}

static void a_snapshot_of_a_restored_heap_is_the_same_image(void **state)
{
    (void)state;
    struct guest guest = make_frozen_objects();
    struct report report = REPORT_INIT;
    struct engine_image again;
    assert_int_equal(engine_snapshot(guest.instance, &report, &again), STATUS_OK);
    assert_int_equal(again.count, guest.image.count);
    assert_memory_equal(again.data, guest.image.data, again.count);
    engine_image_free(&again);
    guest_done(&guest);
}

/* Types: a structure of an i32 and an externref, an array of anyref, a function of an externref.
 * Globals: an externref, an anyref. */
static struct guest make_holder(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x5f, 2, ENGINE_I32, 1, ENGINE_EXTERNREF, 1, 0x5e,
                 ENGINE_ANYREF, 1, 0x60, 1, ENGINE_EXTERNREF, 0);
    WASM_SECTION(&wasm, WASM_GLOBAL, 2, ENGINE_EXTERNREF, 1, 0xd0, ENGINE_EXTERNREF, 0x0b,
                 ENGINE_ANYREF, 1, 0xd0, ENGINE_ANYREF, 0x0b);
    return guest_make(&wasm, NULL);
}

static void assert_freezes(const struct guest *guest, bool freezes)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    enum status status = engine_snapshot(guest->instance, &report, &image);
    assert_int_equal(status, freezes ? STATUS_OK : STATUS_UNSUPPORTED);
    if (freezes)
        engine_image_free(&image);
    else
        assert_non_null(strstr(report.text, "external reference"));
}

static void a_reference_of_the_host_is_not_frozen_wherever_an_object_has_it(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        uint32_t length;
        uint32_t at; /* in the payload; others are other things than references of the host's */
    } rows[] = {{0, 0, 8}, {1, 3, 16}, {1, 3000, 2999 * 8}, {2, 0, 8}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guest guest = make_holder();
        uint64_t object = object_new(guest.instance, rows[i].type, rows[i].length);
        uint64_t *value = (void *)(heap_payload(&guest.machine->heap, object) + (size_t)rows[i].at);
        guest.instance->globals[1].ref = object;
        assert_freezes(&guest, true);
        *value = 4711;
        assert_freezes(&guest, false);
        *value = object_i31(4711);
        assert_freezes(&guest, true);
        *value = object;
        assert_freezes(&guest, true);
        *value = 4711;
        guest.instance->globals[1].ref = 0; /* garbage holds nothing */
        assert_freezes(&guest, true);
        guest_done(&guest);
    }
}

static void a_converted_reference_is_frozen_unless_it_is_the_hosts(void **state)
{
    (void)state;
    struct guest guest = make_holder();
    for (uint32_t i = 0; i < 2; i++) {
        guest.instance->globals[i].ref = object_i31(7);
        assert_freezes(&guest, true);
        guest.instance->globals[i].ref = object_new(guest.instance, 0, 0);
        assert_freezes(&guest, true);
        guest.instance->globals[i].ref = 7;
        assert_freezes(&guest, false);
        guest.instance->globals[i].ref = 0;
    }
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_instance_is_as_it_was_frozen),
        cmocka_unit_test(zero_pages_at_the_end_of_memory_are_not_in_the_image),
        cmocka_unit_test(a_rewound_instance_is_as_it_was_frozen),
        cmocka_unit_test(memory_grown_after_a_rewind_is_zero),
        cmocka_unit_test(a_call_under_way_is_given_up_by_a_rewind),
        cmocka_unit_test(memory_that_follows_is_left_zero),
        cmocka_unit_test(a_snapshot_of_a_restored_instance_is_the_same_image),
        cmocka_unit_test(every_byte_of_a_snapshots_header_is_checked),
        cmocka_unit_test(a_busy_instance_is_not_frozen),
        cmocka_unit_test(a_reference_of_the_host_is_not_frozen),
        cmocka_unit_test(a_reference_of_the_host_is_not_frozen_wherever_an_object_has_it),
        cmocka_unit_test(a_converted_reference_is_frozen_unless_it_is_the_hosts),
        cmocka_unit_test(objects_are_frozen_and_garbage_is_not),
        cmocka_unit_test(a_rewound_heap_is_as_it_was_frozen),
        cmocka_unit_test(a_snapshot_of_a_restored_heap_is_the_same_image),
    };
    return cmocka_run_group_tests_name("engine/snapshot", tests, NULL, NULL);
}
