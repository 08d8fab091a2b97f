/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door from guest numbers to pointers: what is wholly inside memory gets through.
 */
#include "engine/run/instance.h"
#include "engine/run/memory.h"
#include "hostapi/guest_mem.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void a_range_must_be_wholly_inside(void **state)
{
    (void)state;
    struct bytes view;
    uint8_t *space;
    assert_true(guest_mem_view(fixture.instance, 0, PAGE_BYTES, &view));
    assert_int_equal(view.count, PAGE_BYTES);
    assert_true(guest_mem_view(fixture.instance, PAGE_BYTES, 0, &view));
    assert_false(guest_mem_view(fixture.instance, PAGE_BYTES, 1, &view));
    assert_false(guest_mem_view(fixture.instance, PAGE_BYTES + 1, 0, &view));
    assert_false(guest_mem_view(fixture.instance, UINT32_MAX, UINT32_MAX, &view));
    assert_true(guest_mem_space(fixture.instance, 1, PAGE_BYTES - 1, &space));
    assert_false(guest_mem_space(fixture.instance, 1, PAGE_BYTES, &space));
    assert_false(guest_mem_space(fixture.instance, 0, UINT64_MAX, &space));
    assert_false(guest_mem_put_u32(fixture.instance, PAGE_BYTES - 3, 1));
    assert_false(guest_mem_put_u64(fixture.instance, PAGE_BYTES - 7, 1));
}

static void numbers_are_little_endian_at_any_address(void **state)
{
    (void)state;
    assert_true(guest_mem_put_u32(fixture.instance, 1, 0x04030201));
    assert_true(guest_mem_put_u64(fixture.instance, 5, UINT64_C(0x0c0b0a0908070605)));
    for (uint32_t i = 1; i <= 12; i++)
        assert_int_equal(*memory(i), i);
    assert_int_equal(guest_mem_load_u16(memory(3)), 0x0403);
    assert_int_equal(guest_mem_load_u32(memory(2)), 0x05040302);
    assert_int_equal(guest_mem_load_u64(memory(1)), UINT64_C(0x0807060504030201));
    guest_mem_store_u16(memory(9), 0xbeef);
    assert_int_equal(*memory(9), 0xef);
    assert_int_equal(*memory(10), 0xbe);
}

static void what_the_host_writes_is_marked_for_the_reset(void **state)
{
    (void)state;
    uint8_t *dirty = fixture.instance->memories[0]->dirty;
    uint32_t page = 9;
    dirty[page] = 0;
    dirty[page + 1] = 0;
    uint8_t *space;
    assert_true(
        guest_mem_space(fixture.instance, page * ENGINE_DIRTY_PAGE_BYTES + 4095, 2, &space));
    assert_int_equal(dirty[page], 1);
    assert_int_equal(dirty[page + 1], 1);
}

static void vectors_are_copied_and_each_is_checked(void **state)
{
    (void)state;
    struct guest_mem_iovecs iovecs;
    put_iovec(0, 100, 3);
    put_iovec(8, PAGE_BYTES, 0);
    put_iovec(16, PAGE_BYTES - 4, 4);
    assert_int_equal(guest_mem_iovecs(fixture.instance, 0, 3, &iovecs), GUEST_MEM_OK);
    assert_int_equal(iovecs.count, 3);
    assert_int_equal(iovecs.bytes, 7);
    memset(memory(0), 0xff, 24);
    assert_int_equal(iovecs.rows[2].address, PAGE_BYTES - 4);
    assert_int_equal(guest_mem_iovecs(fixture.instance, 0, 1, &iovecs), GUEST_MEM_OUTSIDE);
    assert_int_equal(guest_mem_iovecs(fixture.instance, PAGE_BYTES - 7, 1, &iovecs),
                     GUEST_MEM_OUTSIDE);
    assert_int_equal(guest_mem_iovecs(fixture.instance, 0, GUEST_MEM_IOVECS_MAX + 1, &iovecs),
                     GUEST_MEM_TOO_MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_range_must_be_wholly_inside),
        TEST(numbers_are_little_endian_at_any_address),
        TEST(what_the_host_writes_is_marked_for_the_reset),
        TEST(vectors_are_copied_and_each_is_checked),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
