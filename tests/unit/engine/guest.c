/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling, instantiating and calling test modules.
 */
#include "tests/unit/engine/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/native.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

#define GUEST_FUEL       1000000
#define GUEST_FILE_BYTES ((size_t)1 << 20)
#define GUEST_SLICES_MAX 10000000 /* a guest that needs more of them hangs */

/*
 * Tests run in each tier: those that ask for none take what SKERRY_TEST_NATIVE says, `on` or a seed
 * of what is mixed.
 */
static struct engine_options in_tier(const struct engine_options *options)
{
    struct engine_options chosen = *options;
    const char *tier = getenv("SKERRY_TEST_NATIVE");
    if (tier != NULL && chosen.native == ENGINE_NATIVE_OFF) {
        chosen.native = strcmp(tier, "on") == 0 ? ENGINE_NATIVE_ON : ENGINE_NATIVE_MIXED;
        chosen.native_seed = (uint32_t)strtoul(tier, NULL, 10);
    }
    return chosen;
}

struct engine_module *guest_open_for(struct buffer *wasm,
                                     const struct engine_options *options,
                                     struct engine_image *ret_image)
{
    struct report report = REPORT_INIT;
    struct engine_module *module;
    struct engine_options chosen = in_tier(options);
    if (engine_compile(buffer_bytes(wasm), &engine_limits_default, &chosen, &report, NULL,
                       ret_image) != STATUS_OK)
        fail_msg("does not compile: offset %llu: %s", (unsigned long long)report.offset,
                 report.text);
    buffer_done(wasm);
    if (engine_module_open(bytes_make(ret_image->data, ret_image->count), true, &report, &module) !=
        STATUS_OK)
        fail_msg("does not open: %s", report.text);
    if (engine_module_map_native(module, -1, &report) != STATUS_OK)
        fail_msg("has native code that cannot be mapped: %s", report.text);
    return module;
}

struct engine_module *guest_open(struct buffer *wasm, struct engine_image *ret_image)
{
    return guest_open_for(wasm, &engine_options_default, ret_image);
}

static struct guest prepare(struct buffer *wasm,
                            const struct engine_options *options,
                            const struct engine_limits *limits)
{
    struct report report = REPORT_INIT;
    struct guest guest = {0};
    guest.module = guest_open_for(wasm, options, &guest.image);
    assert_int_equal(engine_init(&report), STATUS_OK);
    assert_int_equal(engine_machine_create(limits, &report, &guest.machine), STATUS_OK);
    return guest;
}

static void instantiate(struct guest *guest, const struct engine_linker *linker)
{
    struct report report = REPORT_INIT;
    if (engine_instantiate(guest->machine, guest->module, linker, &report, &guest->instance) !=
        STATUS_OK)
        fail_msg("does not instantiate: %s", report.text);
}

struct guest guest_prepare(struct buffer *wasm)
{
    return prepare(wasm, &engine_options_default, &engine_limits_default);
}

struct guest guest_make(struct buffer *wasm, const struct engine_linker *linker)
{
    struct guest guest = guest_prepare(wasm);
    instantiate(&guest, linker);
    return guest;
}

struct guest guest_make_for(struct buffer *wasm, const struct engine_options *options)
{
    struct guest guest = prepare(wasm, options, &engine_limits_default);
    instantiate(&guest, NULL);
    return guest;
}

struct guest guest_make_within(struct buffer *wasm, const struct engine_limits *limits)
{
    struct guest guest = prepare(wasm, &engine_options_default, limits);
    instantiate(&guest, NULL);
    return guest;
}

void guest_map_image(const struct guest *guest, uint32_t index)
{
    struct engine_memory_image part = engine_module_memory_image(guest->module, index);
    if (part.bytes == 0)
        return;
    int fd = memfd_create("image", MFD_CLOEXEC);
    assert_int_equal(write(fd, guest->image.data, guest->image.count), guest->image.count);
    void *mapped = mmap(engine_memory_view(guest->instance, index).base, part.bytes,
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, (off_t)part.offset);
    assert_true(mapped != MAP_FAILED);
    (void)close(fd);
}

void guest_done(struct guest *guest)
{
    engine_machine_free(guest->machine);
    engine_module_close(guest->module);
    engine_image_free(&guest->image);
}

struct buffer guest_read(const char *name)
{
    char path[512];
    assert_true(snprintf(path, sizeof(path), "%s/%s.wasm", ENGINE_GUESTS, name) <
                (int)sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct buffer wasm;
    buffer_init(&wasm, GUEST_FILE_BYTES);
    wasm_fill(&wasm, 0, GUEST_FILE_BYTES);
    wasm.count = fread(wasm.data, 1, GUEST_FILE_BYTES, file);
    assert_true(wasm.count > 0 && wasm.count < GUEST_FILE_BYTES);
    (void)fclose(file);
    return wasm;
}

struct guest guest_load(const char *name, const struct engine_linker *linker)
{
    struct buffer wasm = guest_read(name);
    return guest_make(&wasm, linker);
}

struct guest
guest_load_beside(const struct guest *main, const char *name, const struct engine_linker *linker)
{
    struct report report = REPORT_INIT;
    struct buffer wasm = guest_read(name);
    struct guest guest = {.machine = main->machine};
    guest.module = guest_open(&wasm, &guest.image);
    if (engine_instantiate(guest.machine, guest.module, linker, &report, &guest.instance) !=
        STATUS_OK)
        fail_msg("does not instantiate: %s", report.text);
    return guest;
}

void guest_done_beside(struct guest *guest)
{
    engine_module_close(guest->module);
    engine_image_free(&guest->image);
}

/* ---- calls -------------------------------------------------------------------------------- */

static struct engine_export_desc find(const struct guest *guest, const char *name)
{
    struct engine_export_desc export;
    if (!engine_module_find_export(guest->module, name, ENGINE_EXTERN_FUNC, &export))
        fail_msg("no export `%s`", name);
    return export;
}

void guest_begin(struct guest *guest, const char *name, const union engine_value *arguments)
{
    struct engine_export_desc export = find(guest, name);
    engine_call_begin(guest->machine, guest->instance, export.index, arguments,
                      export.type.param_count);
}

enum engine_outcome guest_run(struct guest *guest, int64_t fuel)
{
    /* cmocka puts its own SIGSEGV handler in for each test. */
    struct report report = REPORT_INIT;
    assert_int_equal(engine_init(&report), STATUS_OK);
    for (int i = 0; i < GUEST_SLICES_MAX; i++) {
        enum engine_outcome outcome = engine_run(guest->machine, fuel);
        if (outcome != ENGINE_OUT_OF_FUEL)
            return outcome;
    }
    fail_msg("does not end");
    return ENGINE_OUT_OF_FUEL;
}

enum engine_outcome
guest_go(struct guest *guest, const char *name, const union engine_value *arguments)
{
    guest_begin(guest, name, arguments);
    return guest_run(guest, GUEST_FUEL);
}

static void check_row(struct guest *guest, const struct guest_row *row)
{
    static const int64_t slices[] = {GUEST_FUEL, 1, 2, 3, 7, 1000};
    bool has_result = find(guest, row->name).type.result_count > 0;
    uint64_t instructions = row->instructions;
    uint64_t fuel = 0;
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        uint64_t instructions_before = engine_machine_instructions(guest->machine);
        uint64_t fuel_before = engine_machine_fuel_used(guest->machine);
        guest_begin(guest, row->name, row->arguments);
        enum engine_outcome outcome = guest_run(guest, slices[i]);
        if (outcome != ENGINE_DONE)
            fail_msg("%s: slice %lld: outcome %d", row->name, (long long)slices[i], outcome);
        uint64_t result = has_result ? engine_call_results(guest->machine)[0].bits : 0;
        if (result != row->result.bits)
            fail_msg("%s: slice %lld: 0x%llx instead of 0x%llx", row->name, (long long)slices[i],
                     (unsigned long long)result, (unsigned long long)row->result.bits);
        uint64_t executed = engine_machine_instructions(guest->machine) - instructions_before;
        uint64_t used = engine_machine_fuel_used(guest->machine) - fuel_before;
        if (instructions == GUEST_UNCOUNTED)
            instructions = executed;
        if (executed != instructions)
            fail_msg("%s: slice %lld: %llu instructions instead of %llu", row->name,
                     (long long)slices[i], (unsigned long long)executed,
                     (unsigned long long)instructions);
        fuel = i == 0 ? used : fuel;
        assert_int_equal(used, fuel);
    }
}

void guest_check_rows(struct guest *guest, const struct guest_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(guest, &rows[i]);
}

static enum engine_outcome call(struct guest *guest, const char *name, uint32_t argument)
{
    union engine_value value = {.i64 = argument};
    assert_true(find(guest, name).type.param_count <= 1);
    return guest_go(guest, name, &value);
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
