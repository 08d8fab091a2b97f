/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewinding memories, by copying and by dropping, of an instance whose memory was copied and of
 * one whose memory is a mapping of the image.
 */
#include <stdio.h>

#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

#define PAGE       ((uint64_t)ENGINE_DIRTY_PAGE_BYTES)
#define PAGES      (2 * WASM_PAGE_BYTES / PAGE)
#define ALL_COPIED (2 * PAGES)

/* The guest restored from its snapshot. */
static struct guest make_frozen(bool is_mapped)
{
    struct report report = REPORT_INIT;
    struct guest fresh = guest_load("engine_rewind", NULL);
    struct guest guest = {0};
    assert_int_equal(engine_snapshot(fresh.instance, &report, &guest.image), STATUS_OK);
    guest_done(&fresh);
    struct bytes image = bytes_make(guest.image.data, guest.image.count);
    assert_int_equal(engine_module_open(image, true, &report, &guest.module), STATUS_OK);
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &guest.machine),
                     STATUS_OK);
    assert_int_equal(
        engine_restore(guest.machine, guest.module, NULL, is_mapped, &report, &guest.instance),
        STATUS_OK);
    if (is_mapped)
        guest_map_image(&guest, 0);
    return guest;
}

static void assert_is_the_snapshot(const struct guest *guest)
{
    struct engine_memory_image part = engine_module_memory_image(guest->module, 0);
    const struct memory *memory = guest->instance->memories[0];
    assert_int_equal(memory->bytes, PAGES * PAGE);
    assert_memory_equal(memory->base, guest->image.data + part.offset, part.bytes);
    for (uint64_t at = part.bytes; at < memory->bytes; at++)
        assert_int_equal(memory->base[at], 0);
    for (uint64_t page = 0; page < 2 * PAGES; page++)
        assert_int_equal(memory->dirty[page] & MEMORY_PAGE_DIRTY, 0);
}

static void rewind_and_compare(struct guest *guest, uint64_t pages_max)
{
    assert_true(engine_rewind(guest->instance, pages_max));
    assert_is_the_snapshot(guest);
}

/* The widest store there is, at the last place that marks only the page before. */
static void a_store_that_reaches_into_the_next_page_is_undone_there_too(void **state)
{
    (void)state;
    for (int is_mapped = 0; is_mapped < 2; is_mapped++) {
        struct guest guest = make_frozen(is_mapped);
        const uint8_t *dirty = guest.instance->memories[0]->dirty;
        for (uint64_t page = 1; page < PAGES; page++) {
            (void)guest_call(&guest, "store", (uint32_t)(page * PAGE - 1));
            assert_int_equal(dirty[page - 1], 1);
            assert_int_equal(dirty[page] & MEMORY_PAGE_DIRTY, 0);
            rewind_and_compare(&guest, ALL_COPIED);
        }
        guest_done(&guest);
    }
}

static void however_many_pages_are_copied_the_snapshot_comes_back(void **state)
{
    (void)state;
    for (int is_mapped = 0; is_mapped < 2; is_mapped++) {
        struct guest guest = make_frozen(is_mapped);
        for (uint64_t pages_max = 0; pages_max <= PAGES; pages_max++) {
            for (uint32_t bytes = 0; bytes <= PAGES * PAGE; bytes += 5 * PAGE + 13) {
                (void)guest_call(&guest, "fill", bytes);
                rewind_and_compare(&guest, pages_max);
            }
        }
        guest_done(&guest);
    }
}

static void grown_memory_goes_with_its_marks_and_is_zero_when_it_comes_again(void **state)
{
    (void)state;
    struct guest guest = make_frozen(false);
    for (uint64_t pages_max = 0; pages_max <= ALL_COPIED; pages_max += ALL_COPIED) {
        assert_int_equal(guest_call(&guest, "grow", 2), 2);
        (void)guest_call(&guest, "fill", 4 * WASM_PAGE_BYTES);
        (void)guest_call(&guest, "store", 4 * WASM_PAGE_BYTES - MEMORY_STORE_BYTES_MAX);
        rewind_and_compare(&guest, pages_max);
        assert_int_equal(guest_call(&guest, "grow", 2), 2);
        const struct memory *memory = guest.instance->memories[0];
        for (uint64_t at = PAGES * PAGE; at < memory->bytes; at++)
            assert_int_equal(memory->base[at], 0);
        rewind_and_compare(&guest, pages_max);
    }
    guest_done(&guest);
}

static void a_rewind_exceeds_as_many_pages_as_were_changed(void **state)
{
    (void)state;
    struct guest guest = make_frozen(false);
    assert_false(engine_rewind_exceeds(guest.instance, 0));
    (void)guest_call(&guest, "fill", (uint32_t)(7 * PAGE));
    assert_true(engine_rewind_exceeds(guest.instance, 6));
    assert_false(engine_rewind_exceeds(guest.instance, 7));
    assert_int_equal(guest_call(&guest, "grow", 2), 2);
    (void)guest_call(&guest, "store", (uint32_t)(40 * PAGE));
    assert_true(engine_rewind_exceeds(guest.instance, 7));
    assert_false(engine_rewind_exceeds(guest.instance, 8));
    rewind_and_compare(&guest, 3);
    assert_false(engine_rewind_exceeds(guest.instance, 0));
    guest_done(&guest);
}

static void a_vacated_instance_whose_memory_was_copied_has_it_again(void **state)
{
    (void)state;
    struct guest guest = make_frozen(false);
    (void)guest_call(&guest, "fill", 100);
    rewind_and_compare(&guest, ALL_COPIED);
    assert_true(engine_vacate(guest.instance));
    assert_is_the_snapshot(&guest);
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_reaches_into_the_next_page_is_undone_there_too),
        cmocka_unit_test(however_many_pages_are_copied_the_snapshot_comes_back),
        cmocka_unit_test(grown_memory_goes_with_its_marks_and_is_zero_when_it_comes_again),
        cmocka_unit_test(a_rewind_exceeds_as_many_pages_as_were_changed),
        cmocka_unit_test(a_vacated_instance_whose_memory_was_copied_has_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
