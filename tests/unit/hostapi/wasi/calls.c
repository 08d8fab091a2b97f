/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of memory and a request, for calls one by one.
 */
#include "tests/unit/hostapi/wasi/calls.h"

#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"

struct fixture fixture;
union engine_value slots[12];

/* (module (memory 1 1) (func (export "_start"))) */
static const uint8_t memory_module[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00,
    0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x01, 0x01, 0x01, 0x01, 0x07, 0x0a, 0x01, 0x06,
    '_',  's',  't',  'a',  'r',  't',  0x00, 0x00, 0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b,
};

int calls_setup(void **state)
{
    (void)state;
    struct bytes wasm = bytes_make(memory_module, sizeof(memory_module));
    assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
    assert_int_equal(
        hostapi_begin(fixture.host, fixture.instance, &fixture.exchange, &fixture.report),
        HOSTAPI_RUN);
    return 0;
}

int calls_teardown(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

uint8_t *memory(uint32_t address)
{
    uint8_t *data;
    assert_true(guest_mem_space(fixture.instance, address, PAGE_BYTES - address, &data));
    return data;
}

uint32_t u32(uint32_t address)
{
    return guest_mem_load_u32(memory(address));
}

uint64_t u64(uint32_t address)
{
    return guest_mem_load_u64(memory(address));
}

enum engine_outcome call_some(wasi_handler *handler, const uint64_t *arguments, size_t count)
{
    assert_true(count <= COUNT_OF(slots));
    for (size_t i = 0; i < count; i++)
        slots[i].bits = arguments[i];
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    return handler(hostcalls_enter(&host_call, HOSTAPI_KIND_WASI, 0), &host_call);
}

enum engine_outcome call(wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t arguments[] = {a, b, c, d};
    return call_some(handler, arguments, COUNT_OF(arguments));
}

void expect(
    wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d, enum wasi_errno error)
{
    assert_int_equal(call(handler, a, b, c, d), ENGINE_DONE);
    assert_int_equal(slots[0].bits, error);
}

enum wasi_errno call_all(wasi_handler *handler, const uint64_t *arguments, size_t count)
{
    assert_int_equal(call_some(handler, arguments, count), ENGINE_DONE);
    return (enum wasi_errno)slots[0].bits;
}

void put_iovec(uint32_t at, uint32_t address, uint32_t count)
{
    guest_mem_store_u32(memory(at), address);
    guest_mem_store_u32(memory(at + 4), count);
}

void put_clock(uint32_t at, uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags)
{
    memset(memory(at), 0, 48);
    guest_mem_store_u64(memory(at), userdata);
    guest_mem_store_u32(memory(at + 16), id);
    guest_mem_store_u64(memory(at + 24), timeout);
    guest_mem_store_u16(memory(at + 40), flags);
}
