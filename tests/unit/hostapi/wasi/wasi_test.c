/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI calls one by one, on a real instance that is nothing but one page of memory: the
 * arguments in the slots, the answer in slot 0, the rest in memory.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

#define PAGE_BYTES 65536u

/* (module (memory 1 1) (func (export "_start"))) */
static const uint8_t memory_module[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00,
    0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x01, 0x01, 0x01, 0x01, 0x07, 0x0a, 0x01, 0x06,
    '_',  's',  't',  'a',  'r',  't',  0x00, 0x00, 0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b,
};

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    struct bytes wasm = bytes_make(memory_module, sizeof(memory_module));
    assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
    assert_int_equal(
        hostapi_begin(fixture.host, fixture.instance, &fixture.exchange, &fixture.report),
        HOSTAPI_RUN);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

static uint8_t *memory(uint32_t address)
{
    uint8_t *data;
    assert_true(guest_mem_space(fixture.instance, address, PAGE_BYTES - address, &data));
    return data;
}

static uint32_t u32(uint32_t address)
{
    return guest_mem_load_u32(memory(address));
}

static uint64_t u64(uint32_t address)
{
    return guest_mem_load_u64(memory(address));
}

static union engine_value slots[9];

/* The outcome of one call; the answer is slots[0]. */
static enum engine_outcome
call(wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t arguments[] = {a, b, c, d};
    for (size_t i = 0; i < COUNT_OF(arguments); i++)
        slots[i].bits = arguments[i];
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    return handler(hostcalls_enter(&host_call, HOSTAPI_KIND_WASI, 0), &host_call);
}

static void
expect(wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d, enum wasi_errno error)
{
    assert_int_equal(call(handler, a, b, c, d), ENGINE_DONE);
    assert_int_equal(slots[0].bits, error);
}

static void put_iovec(uint32_t at, uint32_t address, uint32_t count)
{
    guest_mem_store_u32(memory(at), address);
    guest_mem_store_u32(memory(at + 4), count);
}

/* ---- arguments, environment ------------------------------------------------------------------ */

static void arguments_are_written_with_pointers_and_nuls(void **state)
{
    (void)state;
    fixture.exchange.uri = bytes_of_text("/p?one=1&two");
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u32(0), 3);
    assert_int_equal(u32(4), 3 + 6 + 4);
    expect(wasi_args_get, 100, 200, 0, 0, WASI_SUCCESS);
    assert_int_equal(u32(100), 200);
    assert_int_equal(u32(104), 203);
    assert_int_equal(u32(108), 209);
    assert_memory_equal(memory(200), "/p\0one=1\0two", 13);
}

static void arguments_that_do_not_fit_are_a_fault_and_write_nothing(void **state)
{
    (void)state;
    memset(memory(0), 0x21, 64);
    expect(wasi_args_get, 0, PAGE_BYTES - 1, 0, 0, WASI_FAULT);
    expect(wasi_args_get, 0xfffffffe, 0, 0, 0, WASI_FAULT);
    expect(wasi_args_sizes_get, 0, PAGE_BYTES - 3, 0, 0, WASI_FAULT);
    assert_int_equal(u32(0), 0x21212121);
}

/* The same guest under a host of another kind, in the builder. */
static void be(enum hostapi_kind kind)
{
    struct hostapi_options options = {.kind = kind, .clock = &fixture.clock, .snapshotting = true};
    hostapi_host_free(fixture.host);
    assert_int_equal(hostapi_host_create(&options, &fixture.host), STATUS_OK);
}

static void expect_frozen(wasi_handler *handler, const char *name)
{
    assert_int_equal(call(handler, 0, 8, 0, 0), ENGINE_TRAPPED);
    assert_non_null(strstr(engine_machine_trap(fixture.machine).text, name));
}

static void a_commands_arguments_and_environment_cannot_be_frozen_into_a_snapshot(void **state)
{
    (void)state;
    fixture.host->options.snapshotting = true;
    expect_frozen(wasi_args_sizes_get, "args_sizes_get was called while the snapshot is made");
    expect_frozen(wasi_args_get, "args_get was called while the snapshot is made");
    expect_frozen(wasi_environ_sizes_get, "environ_sizes_get was called");
    expect_frozen(wasi_environ_get, "environ_get was called");
    /* A handler has no environment that could differ. */
    be(HOSTAPI_KIND_HTTP_WASM);
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(0), 0);
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(0), 0);
}

static void sockets_are_refused_in_the_builder_and_are_none_in_a_request(void **state)
{
    (void)state;
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    slots[0].bits = 1;
    assert_int_equal(wasi_refuse(fixture.host, &host_call, 0, WASI_NOTSOCK), ENGINE_DONE);
    assert_int_equal(slots[0].i32, WASI_NOTSOCK);
    fixture.host->options.snapshotting = true;
    assert_int_equal(wasi_refuse(fixture.host, &host_call, 0, WASI_NOTSOCK), ENGINE_TRAPPED);
    assert_non_null(strstr(engine_machine_trap(fixture.machine).text, "a function of the network"));
}

static void the_environment_of_a_wagi_command_is_cgis(void **state)
{
    (void)state;
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    uint32_t bytes = u32(4);
    expect(wasi_environ_get, 1000, 4000, 0, 0, WASI_SUCCESS);
    assert_memory_equal(memory(u32(1000)), "REQUEST_METHOD=GET", 19);
    assert_int_equal(*memory(4000 + bytes - 1), 0);
    assert_int_equal(*memory(4000 + bytes), 0);
}

/* ---- clocks, random -------------------------------------------------------------------------- */

static void clocks_tick_in_microseconds(void **state)
{
    (void)state;
    expect(wasi_clock_time_get, 0, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), FIXTURE_REALTIME_NS / 1000 * 1000);
    expect(wasi_clock_time_get, 1, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), FIXTURE_MONOTONIC_NS / 1000 * 1000);
    expect(wasi_clock_res_get, 1, 16, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(16), 1000);
}

static void cpu_clocks_count_fuel(void **state)
{
    (void)state;
    uint64_t used = engine_machine_fuel_used(fixture.machine);
    expect(wasi_clock_time_get, 2, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), used);
    expect(wasi_clock_time_get, 3, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), used);
    expect(wasi_clock_res_get, 2, 8, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), 1);
}

static void clocks_that_do_not_exist_are_invalid(void **state)
{
    (void)state;
    expect(wasi_clock_time_get, 4, 1, 8, 0, WASI_INVAL);
    expect(wasi_clock_res_get, 0xffffffff, 8, 0, 0, WASI_INVAL);
    expect(wasi_clock_time_get, 0, 1, PAGE_BYTES - 7, 0, WASI_FAULT);
}

static void random_bytes_fill_the_whole_buffer_and_no_more(void **state)
{
    (void)state;
    memset(memory(0), 0, 4096);
    expect(wasi_random_get, 64, 512, 0, 0, WASI_SUCCESS);
    uint32_t zeros = 0;
    for (uint32_t i = 64; i < 64 + 512; i++)
        zeros += *memory(i) == 0;
    assert_true(zeros < 40); /* 2 are expected */
    assert_int_equal(u64(56), 0);
    assert_int_equal(u64(576), 0);
    expect(wasi_random_get, 1, PAGE_BYTES, 0, 0, WASI_FAULT);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void stdin_is_the_request_body(void **state)
{
    (void)state;
    fixture.exchange.request_body = bytes_of_text("0123456789");
    put_iovec(0, 100, 3);
    put_iovec(8, 200, 4);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 7);
    assert_memory_equal(memory(100), "012", 3);
    assert_memory_equal(memory(200), "3456", 4);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 3);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 0);
}

static void a_read_may_land_on_its_own_vectors(void **state)
{
    (void)state;
    static const uint8_t body[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    fixture.exchange.request_body = bytes_make(body, sizeof(body));
    put_iovec(0, 0, 16);
    put_iovec(8, 100, 16);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 32);
}

static void vectors_outside_memory_are_a_fault_and_nothing_is_written(void **state)
{
    (void)state;
    put_iovec(0, 100, 3);
    put_iovec(8, PAGE_BYTES - 1, 2);
    expect(wasi_fd_write, 2, 0, 2, 64, WASI_FAULT);
    fixture_assert_log(&fixture, "");
    expect(wasi_fd_write, 2, PAGE_BYTES - 15, 2, 64, WASI_FAULT);
    expect(wasi_fd_write, 2, 0xfffffff8, 2, 64, WASI_FAULT);
    expect(wasi_fd_write, 2, 0, 1, PAGE_BYTES - 3, WASI_FAULT);
    fixture_assert_log(&fixture, "");
}

static void too_many_vectors_are_invalid(void **state)
{
    (void)state;
    expect(wasi_fd_write, 2, 0, GUEST_MEM_IOVECS_MAX, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, GUEST_MEM_IOVECS_MAX + 1, 64, WASI_INVAL);
    expect(wasi_fd_write, 2, 0, 0xffffffff, 64, WASI_INVAL);
}

static void stderr_goes_to_the_log(void **state)
{
    (void)state;
    memcpy(memory(100), "hello\n", 6);
    put_iovec(0, 100, 2);
    put_iovec(8, 102, 4);
    expect(wasi_fd_write, 2, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 6);
    fixture_assert_log(&fixture, "stderr hello\n");
}

static void stdout_of_a_command_is_headers_then_body(void **state)
{
    (void)state;
    memcpy(memory(100), "content-type: a/b\n\nbody", 23);
    put_iovec(0, 100, 10);
    put_iovec(8, 110, 13);
    expect(wasi_fd_write, 1, 0, 2, 64, WASI_SUCCESS);
    fixture_assert_body(&fixture, "body");
    assert_int_equal(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FINISHED);
    fixture_assert_header(&fixture, "content-type", "a/b");
}

static void streams_go_one_way(void **state)
{
    (void)state;
    expect(wasi_fd_write, 0, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 1, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 2, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 3, 0, 0, 64, WASI_BADF);
}

static void a_closed_descriptor_is_bad_until_the_next_request(void **state)
{
    (void)state;
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_BADF);
    expect(wasi_fd_write, 2, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_close, 0xffffffff, 0, 0, 0, WASI_BADF);
    hostapi_host_reset(fixture.host);
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_SUCCESS);
}

static void a_renumbered_descriptor_moves_and_closes_what_was_there(void **state)
{
    (void)state;
    expect(wasi_fd_renumber, 2, 102, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_write, 102, 0, 0, 64, WASI_SUCCESS);
    expect(wasi_fd_renumber, 102, 1, 0, 0, WASI_SUCCESS);
    memcpy(memory(100), "x\n", 2);
    put_iovec(0, 100, 2);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    fixture_assert_log(&fixture, "stderr x\n");
    expect(wasi_fd_renumber, 1, 0xffffffff, 0, 0, WASI_BADF);
    expect(wasi_fd_renumber, 7, 1, 0, 0, WASI_BADF);
}

static void a_stream_has_a_stat(void **state)
{
    (void)state;
    memset(memory(0), 0xff, 128);
    expect(wasi_fd_fdstat_set_flags, 1, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_fdstat_set_flags, 1, 2, 0, 0, WASI_NOTSUP);
    expect(wasi_fd_fdstat_get, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(*memory(0), 0);
    assert_int_equal(guest_mem_load_u16(memory(2)), 4);
    assert_true((u64(8) & 1u << 6) != 0);
    assert_int_equal(u64(16), 0);
    assert_int_equal(u64(24), UINT64_MAX);
    expect(wasi_fd_filestat_get, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(56), 0);
    assert_int_equal(u64(64), UINT64_MAX);
    memset(memory(0), 0xff, 128);
    expect(wasi_fd_filestat_get_p0, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(48), 0);
    assert_int_equal(u64(56), UINT64_MAX);
    expect(wasi_fd_filestat_get, 9, 0, 0, 0, WASI_BADF);
}

/* ---- poll_oneoff ----------------------------------------------------------------------------- */

static void put_clock(uint32_t at, uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags)
{
    memset(memory(at), 0, 48);
    guest_mem_store_u64(memory(at), userdata);
    guest_mem_store_u32(memory(at + 16), id);
    guest_mem_store_u64(memory(at + 24), timeout);
    guest_mem_store_u16(memory(at + 40), flags);
}

static void put_stream(uint32_t at, uint64_t userdata, uint8_t tag, uint32_t fd)
{
    memset(memory(at), 0, 48);
    guest_mem_store_u64(memory(at), userdata);
    *memory(at + 8) = tag;
    guest_mem_store_u32(memory(at + 16), fd);
}

static void poll_waits_for_the_earliest_clock(void **state)
{
    (void)state;
    put_clock(0, 1, 1, 9000, 0);
    put_clock(48, 2, 1, 5000, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)),
                     FIXTURE_MONOTONIC_NS + 5000);
    assert_int_equal(slots[2].bits, 2); /* arguments untouched: it is called again with them */
    fixture.now_ns = 4999;
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    fixture.now_ns = 5000;
    expect(wasi_poll_oneoff, 0, 200, 2, 300, WASI_SUCCESS);
    assert_int_equal(u32(300), 1);
    assert_int_equal(u64(200), 2);
    assert_int_equal(u64(208), 0);
    /* the next poll counts anew */
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)),
                     FIXTURE_MONOTONIC_NS + 10000);
}

static void poll_understands_absolute_times(void **state)
{
    (void)state;
    put_clock(0, 1, 0, FIXTURE_REALTIME_NS + 7544, 1);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    uint64_t wait_ns = hostapi_waits_until_ns(hostapi_waits(fixture.host)) - FIXTURE_MONOTONIC_NS;
    assert_true(wait_ns >= 7544 && wait_ns < 9000);
    fixture.now_ns = wait_ns;
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
    put_clock(0, 1, 1, 5, 1); /* long ago */
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
}

static void poll_never_overflows_into_the_past(void **state)
{
    (void)state;
    put_clock(0, 1, 1, UINT64_MAX, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), UINT64_MAX);
}

static void poll_answers_streams_at_once(void **state)
{
    (void)state;
    fixture.exchange.request_body = bytes_of_text("12345");
    put_clock(0, 1, 1, 1000000, 0);
    put_stream(48, 2, 1, 0);
    put_stream(96, 3, 2, 1);
    put_stream(144, 4, 2, 9);
    put_stream(192, 5, 1, 2);
    put_stream(240, 6, 7, 0);
    expect(wasi_poll_oneoff, 0, 1000, 6, 300, WASI_SUCCESS);
    assert_int_equal(u32(300), 5);
    assert_int_equal(u64(1000), 2);
    assert_int_equal(guest_mem_load_u16(memory(1008)), WASI_SUCCESS);
    assert_int_equal(*memory(1010), 1);
    assert_int_equal(u64(1016), 5);
    assert_int_equal(u64(1032), 3);
    assert_int_equal(guest_mem_load_u16(memory(1064 + 8)), WASI_BADF);
    assert_int_equal(guest_mem_load_u16(memory(1096 + 8)), WASI_BADF);
    assert_int_equal(guest_mem_load_u16(memory(1128 + 8)), WASI_INVAL);
}

static void poll_says_hangup_at_the_bodys_end(void **state)
{
    (void)state;
    put_stream(0, 2, 1, 0);
    expect(wasi_poll_oneoff, 0, 1000, 1, 300, WASI_SUCCESS);
    assert_int_equal(guest_mem_load_u16(memory(1024)), 1);
}

static void poll_of_nothing_or_of_too_much_is_invalid(void **state)
{
    (void)state;
    expect(wasi_poll_oneoff, 0, 200, 0, 300, WASI_INVAL);
    expect(wasi_poll_oneoff, 0, 200, 0xffffffff, 300, WASI_INVAL);
    expect(wasi_poll_oneoff, PAGE_BYTES - 47, 200, 1, 300, WASI_FAULT);
    expect(wasi_poll_oneoff, 0, PAGE_BYTES - 31, 1, 300, WASI_FAULT);
    expect(wasi_poll_oneoff, 0, 200, 1, PAGE_BYTES - 3, WASI_FAULT);
}

static void the_old_poll_has_its_fields_later(void **state)
{
    (void)state;
    memset(memory(0), 0, 56);
    guest_mem_store_u64(memory(16), 99); /* repeats the userdata there */
    guest_mem_store_u32(memory(24), 1);
    guest_mem_store_u64(memory(32), 5000);
    assert_int_equal(call(wasi_poll_oneoff_p0, 0, 200, 1, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)),
                     FIXTURE_MONOTONIC_NS + 5000);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static struct engine_import_desc
import_of(const char *module, const char *name, const uint32_t *params, uint32_t param_count)
{
    static const uint32_t results[] = {ENGINE_I32};
    return (struct engine_import_desc){
        .module_name = bytes_of_text(module),
        .name = bytes_of_text(name),
        .kind = ENGINE_EXTERN_FUNC,
        .type = {.params = params,
                 .results = results,
                 .param_count = param_count,
                 .result_count = 1},
    };
}

static void calls_without_files_answer_by_descriptor(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I32, ENGINE_I32};
    struct engine_import_desc import =
        import_of("wasi_snapshot_preview1", "fd_tell", params, COUNT_OF(params));
    const struct hostcalls_row *row = hostcalls_find(&import, HOSTAPI_KIND_WAGI);
    assert_non_null(row);
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    slots[0].bits = 1;
    assert_int_equal(row->enter(&host_call), ENGINE_DONE);
    assert_int_equal(slots[0].bits, WASI_SPIPE);
    slots[0].bits = 3;
    assert_int_equal(row->enter(&host_call), ENGINE_DONE);
    assert_int_equal(slots[0].bits, WASI_BADF);
}

static void an_import_must_have_the_tables_type(void **state)
{
    (void)state;
    static const uint32_t right[] = {ENGINE_I32, ENGINE_I64, ENGINE_I32};
    static const uint32_t wrong[] = {ENGINE_I32, ENGINE_I32, ENGINE_I32};
    struct engine_import_desc import =
        import_of("wasi_unstable", "clock_time_get", right, COUNT_OF(right));
    assert_non_null(hostcalls_find(&import, HOSTAPI_KIND_WAGI));
    import = import_of("wasi_unstable", "clock_time_get", wrong, COUNT_OF(wrong));
    assert_null(hostcalls_find(&import, HOSTAPI_KIND_WAGI));
    import = import_of("wasi_unstable", "clock_time_get", right, 2);
    assert_null(hostcalls_find(&import, HOSTAPI_KIND_WAGI));
    import = import_of("wasi_snapshot_preview2", "clock_time_get", right, COUNT_OF(right));
    assert_null(hostcalls_find(&import, HOSTAPI_KIND_WAGI));
}

static void http_calls_are_for_handlers_only(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I32};
    struct engine_import_desc import =
        import_of("http_handler", "enable_features", params, COUNT_OF(params));
    assert_non_null(hostcalls_find(&import, HOSTAPI_KIND_HTTP_WASM));
    assert_null(hostcalls_find(&import, HOSTAPI_KIND_WAGI));
}

static void a_reset_forgets_the_request_wholly(void **state)
{
    (void)state;
    hostapi_host_reset(fixture.host);
    engine_call_cancel(fixture.machine);
    size_t bytes = fixture.host->state_bytes + fixture.host->kept_bytes;
    struct host_request before = fixture.host->request;
    uint8_t blocks[4096];
    assert_true(bytes <= sizeof(blocks));
    memcpy(blocks, fixture.host->blocks, bytes);
    assert_int_equal(
        hostapi_begin(fixture.host, fixture.instance, &fixture.exchange, &fixture.report),
        HOSTAPI_RUN);
    fixture.exchange.request_body = bytes_of_text("0123456789");
    put_iovec(0, 100, 4);
    expect(wasi_fd_read, 0, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_fdstat_set_flags, 1, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_renumber, 1, 50, 0, 0, WASI_SUCCESS);
    put_clock(0, 1, 1, 9000, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    assert_true(memcmp(&before, &fixture.host->request, sizeof(before)) != 0);
    assert_true(memcmp(blocks, fixture.host->blocks, bytes) != 0);
    hostapi_host_reset(fixture.host);
    assert_memory_equal(&before, &fixture.host->request, sizeof(before));
    assert_memory_equal(blocks, fixture.host->blocks, bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_written_with_pointers_and_nuls),
        TEST(arguments_that_do_not_fit_are_a_fault_and_write_nothing),
        TEST(a_commands_arguments_and_environment_cannot_be_frozen_into_a_snapshot),
        TEST(sockets_are_refused_in_the_builder_and_are_none_in_a_request),
        TEST(the_environment_of_a_wagi_command_is_cgis),
        TEST(clocks_tick_in_microseconds),
        TEST(cpu_clocks_count_fuel),
        TEST(clocks_that_do_not_exist_are_invalid),
        TEST(random_bytes_fill_the_whole_buffer_and_no_more),
        TEST(stdin_is_the_request_body),
        TEST(a_read_may_land_on_its_own_vectors),
        TEST(vectors_outside_memory_are_a_fault_and_nothing_is_written),
        TEST(too_many_vectors_are_invalid),
        TEST(stderr_goes_to_the_log),
        TEST(stdout_of_a_command_is_headers_then_body),
        TEST(streams_go_one_way),
        TEST(a_closed_descriptor_is_bad_until_the_next_request),
        TEST(a_renumbered_descriptor_moves_and_closes_what_was_there),
        TEST(a_stream_has_a_stat),
        TEST(poll_waits_for_the_earliest_clock),
        TEST(poll_understands_absolute_times),
        TEST(poll_never_overflows_into_the_past),
        TEST(poll_answers_streams_at_once),
        TEST(poll_says_hangup_at_the_bodys_end),
        TEST(poll_of_nothing_or_of_too_much_is_invalid),
        TEST(the_old_poll_has_its_fields_later),
        TEST(calls_without_files_answer_by_descriptor),
        TEST(an_import_must_have_the_tables_type),
        TEST(http_calls_are_for_handlers_only),
        TEST(a_reset_forgets_the_request_wholly),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
