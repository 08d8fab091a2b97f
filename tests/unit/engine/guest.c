/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling, instantiating and calling test modules.
 */
#include "tests/unit/engine/guest.h"

#include "tests/support/unit.h"

#define GUEST_FUEL 1000000

struct engine_module *guest_open(struct buffer *wasm, struct engine_image *ret_image)
{
    struct report report = REPORT_INIT;
    struct engine_module *module;
    if (engine_compile(buffer_bytes(wasm), &engine_limits_default, &report, NULL, ret_image) !=
        STATUS_OK)
        fail_msg("does not compile: offset %llu: %s", (unsigned long long)report.offset,
                 report.text);
    buffer_done(wasm);
    if (engine_module_open(bytes_make(ret_image->data, ret_image->count), true, &report, &module) !=
        STATUS_OK)
        fail_msg("does not open: %s", report.text);
    return module;
}

struct guest guest_prepare(struct buffer *wasm)
{
    struct report report = REPORT_INIT;
    struct guest guest = {0};
    guest.module = guest_open(wasm, &guest.image);
    assert_int_equal(engine_init(&report), STATUS_OK);
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &guest.machine),
                     STATUS_OK);
    return guest;
}

struct guest guest_make(struct buffer *wasm, const struct engine_linker *linker)
{
    struct report report = REPORT_INIT;
    struct guest guest = guest_prepare(wasm);
    if (engine_instantiate(guest.machine, guest.module, linker, &report, &guest.instance) !=
        STATUS_OK)
        fail_msg("does not instantiate: %s", report.text);
    return guest;
}

void guest_done(struct guest *guest)
{
    engine_machine_free(guest->machine);
    engine_module_close(guest->module);
    engine_image_free(&guest->image);
}

static enum engine_outcome call(struct guest *guest, const char *name, uint32_t argument)
{
    struct engine_export_desc export;
    union engine_value value = {.i64 = argument};
    assert_true(engine_module_find_export(guest->module, name, ENGINE_EXTERN_FUNC, &export));
    assert_true(export.type.param_count <= 1);
    engine_call_begin(guest->machine, guest->instance, export.index, &value,
                      export.type.param_count);
    return engine_run(guest->machine, GUEST_FUEL);
}

uint64_t guest_call(struct guest *guest, const char *name, uint32_t argument)
{
    assert_int_equal(call(guest, name, argument), ENGINE_DONE);
    return engine_call_results(guest->machine)[0].bits;
}

struct engine_trap_info guest_trap(struct guest *guest, const char *name)
{
    assert_int_equal(call(guest, name, 0), ENGINE_TRAPPED);
    struct engine_trap_info trap = engine_machine_trap(guest->machine);
    engine_call_cancel(guest->machine);
    return trap;
}
