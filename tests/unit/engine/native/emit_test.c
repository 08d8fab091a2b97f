/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native code in images: where it lies, how a fault in it finds its function, what is refused. What
 * it does is tested by all that runs guests, in each tier (meson.build).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/image/image.h"
#include "engine/image/image_writer.h"
#include "engine/native.h"
#include "engine/native/native.h"
#include "engine/ops/ops.h"
#include "engine/run/fault.h"
#include "engine/run/instance.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

static const struct engine_options native_on = {.native = ENGINE_NATIVE_ON};

/* The tests' module of most instructions; closed by its caller. */
static struct engine_module *open_values(struct engine_image *ret_image)
{
    if (!engine_has_native())
        skip();
    struct buffer wasm = guest_read("engine_values");
    return guest_open_for(&wasm, &native_on, ret_image);
}

static void native_code_has_pages_of_its_own(void **state)
{
    (void)state;
    struct engine_image image;
    struct engine_module *module = open_values(&image);
    const struct image_header *header = module->header;
    assert_int_not_equal(header->native.count, 0);
    assert_int_equal(header->native.count, engine_module_native_bytes(module));
    assert_int_equal(header->native.offset % IMAGE_PAGE_BYTES, 0);
    assert_int_equal(header->native.count % IMAGE_PAGE_BYTES, 0);
    assert_non_null(module->native);
    assert_memory_equal(module->native, image_at(header, header->native), header->native.count);
    engine_module_close(module);
    engine_image_free(&image);
}

static void an_instruction_is_found_in_its_function(void **state)
{
    (void)state;
    struct engine_image image;
    struct engine_module *module = open_values(&image);
    const struct image_header *header = module->header;
    const struct code_native *rows = image_at(header, header->native_rows);
    const struct image_func *funcs = image_at(header, header->funcs);
    for (uint32_t i = header->imported_func_count; i + 1 < header->funcs.count; i++) {
        uint32_t last = 0;
        for (uint32_t at = rows[i].offset; at < rows[i + 1].offset; at++) {
            uint32_t cell = fault_cell_at(header, at);
            assert_in_range(cell, funcs[i].entry, funcs[i + 1].entry - 1);
            assert_true(cell >= last);
            last = cell;
        }
    }
    engine_module_close(module);
    engine_image_free(&image);
}

/* What stencil.h writes out for the compiler has to come out as it does: all places of operands.
 * Not where tests/mutation made handlers look at a switch: those are no stencils. */
static void calls_and_returns_have_stencils(void **state)
{
    (void)state;
    if (!engine_has_native() || getenv("SKERRY_MUTANT") != NULL)
        skip();
    for (uint32_t operation = OP_call; operation <= OP_set_sum_return_i64; operation++) {
        bool rare = (operation > OP_return_call_ref && operation < OP_return_none) ||
                    operation == OP_return_many;
        for (uint32_t i = 0; i < operation_variants(operation) && !rare; i++)
            assert_true(native_has(operation, i));
    }
}

/* ---- code that is written to become large ---------------------------------------------------- */

/* Functions () -> () whose bodies the caller appends, and one table; export `last` is the last. */
static struct buffer bomb_begin(uint32_t funcs, size_t *ret_code)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, funcs);
    wasm_fill(&wasm, 0, funcs);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_TABLE, 1, 0x70, 0, 1);
    section = wasm_open(&wasm, WASM_EXPORT);
    wasm_u32(&wasm, 1);
    wasm_name(&wasm, "last");
    WASM(&wasm, 0);
    wasm_u32(&wasm, funcs - 1);
    wasm_close(&wasm, section);
    *ret_code = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, funcs);
    return wasm;
}

/* What may have native code, has; all of it is in proportion to the Wasm; the last function runs.
 */
static void bomb_go_off(struct buffer *wasm, size_t code, bool first_is_native, bool last_is_native)
{
    wasm_close(wasm, code);
    size_t bytes = wasm->count;
    if (!engine_has_native()) {
        buffer_done(wasm);
        skip();
    }
    struct guest guest = guest_make_for(wasm, &native_on);
    const struct image_header *header = guest.module->header;
    const struct image_func *funcs = image_at(header, header->funcs);
    assert_int_equal(funcs[0].native != 0, first_is_native);
    assert_int_equal(funcs[header->funcs.count - 1].native != 0, last_is_native);
    assert_true(header->native.count <
                bytes * NATIVE_GROWTH_MAX + NATIVE_BYTES_SPARE + 2 * IMAGE_PAGE_BYTES);
    assert_int_equal(guest_go(&guest, "last", NULL), ENGINE_DONE);
    guest_done(&guest);
}

static void a_body_that_grows_out_of_proportion_stays_threaded_and_the_next_does_not(void **state)
{
    (void)state;
    enum { CALLS = 20000 };
    size_t code;
    struct buffer wasm = bomb_begin(2, &code);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 0);
    for (int i = 0; i < CALLS; i++)
        WASM(&wasm, 0x41, 0, 0x11, 0, 0); /* call_indirect of entry 0 */
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, body);
    WASM(&wasm, 2, 0, 0x0b);
    bomb_go_off(&wasm, code, false, true);
}

static void very_many_functions_are_native_in_proportion(void **state)
{
    (void)state;
    enum { FUNCS = 50000 };
    size_t code;
    struct buffer wasm = bomb_begin(FUNCS, &code);
    for (int i = 0; i < FUNCS; i++)
        WASM(&wasm, 2, 0, 0x0b);
    bomb_go_off(&wasm, code, true, false);
}

static void a_table_of_branches_in_each_of_many_blocks_is_no_more_than_they_are(void **state)
{
    (void)state;
    enum { DEPTH = 400 };
    size_t code;
    struct buffer wasm = bomb_begin(1, &code);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 0);
    for (int i = 0; i < DEPTH; i++)
        WASM(&wasm, 0x02, 0x40);
    for (uint32_t i = DEPTH; i > 0; i--) {
        WASM(&wasm, 0x41, 0, 0x0e);
        wasm_u32(&wasm, i - 1);
        for (uint32_t label = 0; label < i; label++)
            wasm_u32(&wasm, label);
        WASM(&wasm, 0x0b);
    }
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, body);
    bomb_go_off(&wasm, code, true, true);
}

/* ---- images ---------------------------------------------------------------------------------- */

static void a_module_for_threaded_code_has_none_to_map(void **state)
{
    (void)state;
    struct engine_image image;
    struct report report = REPORT_INIT;
    struct engine_module *module;
    struct buffer wasm = guest_read("engine_values");
    assert_int_equal(engine_compile(buffer_bytes(&wasm), &engine_limits_default,
                                    &engine_options_default, &report, NULL, &image),
                     STATUS_OK);
    buffer_done(&wasm);
    assert_int_equal(
        engine_module_open(bytes_make(image.data, image.count), true, &report, &module), STATUS_OK);
    assert_int_equal(engine_module_native_bytes(module), 0);
    assert_int_equal(engine_module_map_native(module, -1, &report), STATUS_OK);
    assert_null(module->native);
    engine_module_close(module);
    engine_image_free(&image);
}

static void a_module_may_stay_threaded_that_has_some(void **state)
{
    (void)state;
    if (!engine_has_native())
        skip();
    struct buffer wasm = guest_read("engine_values");
    struct guest guest = guest_make_for(&wasm, &native_on);
    assert_non_null(guest.instance->native);
    assert_ptr_equal(guest.instance->native, guest.module->native);
    engine_module_stay_threaded(guest.module);
    struct report report = REPORT_INIT;
    struct engine_instance *instance;
    assert_int_equal(engine_instantiate(guest.machine, guest.module, NULL, &report, &instance),
                     STATUS_OK);
    assert_null(instance->native);
    guest_done(&guest);
}

/* The permissions that the kernel gives the mapping which begins there. */
static void permissions_at(const void *address, char permissions[5])
{
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    char line[512];
    unsigned long begin = 0;
    while (begin != (uintptr_t)address && fgets(line, sizeof(line), maps) != NULL)
        assert_int_equal(sscanf(line, "%lx-%*x %4s", &begin, permissions), 2);
    assert_int_equal(begin, (uintptr_t)address);
    (void)fclose(maps);
}

/* So the image stays one mapping, of which nothing can be executed. */
static void native_code_of_a_file_has_a_mapping_of_its_own(void **state)
{
    (void)state;
    struct engine_image image;
    engine_module_close(open_values(&image));
    AUTO_CLOSE int fd = memfd_create("image", MFD_CLOEXEC);
    assert_int_equal(write(fd, image.data, image.count), image.count);
    uint8_t *data = mmap(NULL, image.count, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(data, MAP_FAILED);
    struct report report = REPORT_INIT;
    struct engine_module *module;
    assert_int_equal(engine_module_open(bytes_make(data, image.count), false, &report, &module),
                     STATUS_OK);
    assert_int_equal(engine_module_map_native(module, fd, &report), STATUS_OK);
    const void *code = image_at(module->header, module->header->native);
    assert_ptr_not_equal(module->native, code);
    char permissions[5];
    permissions_at(module->native, permissions);
    assert_string_equal(permissions, "r-xp");
    permissions_at(data, permissions);
    assert_string_equal(permissions, "r--s");
    engine_module_vacate_native(module);
    assert_memory_equal(module->native, code, module->header->native.count);
    engine_module_close(module);
    assert_memory_equal(data, image.data, image.count);
    assert_int_equal(munmap(data, image.count), 0);
    engine_image_free(&image);
}

static void assert_refused(const struct engine_image *image, bool verify)
{
    struct report report = REPORT_INIT;
    struct engine_module *module;
    assert_int_equal(
        engine_module_open(bytes_make(image->data, image->count), verify, &report, &module),
        STATUS_CORRUPT);
}

static void native_code_that_is_not_where_it_should_be_is_refused(void **state)
{
    (void)state;
    struct engine_image image;
    engine_module_close(open_values(&image));
    struct image_header *header = (struct image_header *)(void *)image.data;
    const struct image_header whole = *header;
    header->native.offset += 8;
    assert_refused(&image, false);
    *header = whole;
    header->native.count += IMAGE_PAGE_BYTES;
    assert_refused(&image, false);
    *header = whole;
    header->native_rows.count--;
    assert_refused(&image, false);
    *header = whole;
    header->native.count = 0;
    assert_refused(&image, false);
    *header = whole;
    image.data[header->native.offset] ^= 1;
    assert_refused(&image, true);
    image.data[header->native.offset] ^= 1;
    struct code_native *rows =
        (struct code_native *)(void *)(image.data + whole.native_rows.offset);
    rows[0].fault = UINT32_MAX;
    image_seal(&image);
    assert_refused(&image, true);
    rows[0].fault = 0;
    struct image_func *funcs = (struct image_func *)(void *)(image.data + whole.funcs.offset);
    funcs[whole.funcs.count - 1].native = whole.native.count;
    image_seal(&image);
    assert_refused(&image, true);
    engine_image_free(&image);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_code_has_pages_of_its_own),
        cmocka_unit_test(an_instruction_is_found_in_its_function),
        cmocka_unit_test(calls_and_returns_have_stencils),
        cmocka_unit_test(a_body_that_grows_out_of_proportion_stays_threaded_and_the_next_does_not),
        cmocka_unit_test(very_many_functions_are_native_in_proportion),
        cmocka_unit_test(a_table_of_branches_in_each_of_many_blocks_is_no_more_than_they_are),
        cmocka_unit_test(a_module_for_threaded_code_has_none_to_map),
        cmocka_unit_test(a_module_may_stay_threaded_that_has_some),
        cmocka_unit_test(native_code_of_a_file_has_a_mapping_of_its_own),
        cmocka_unit_test(native_code_that_is_not_where_it_should_be_is_refused),
    };
    return cmocka_run_group_tests_name("engine/native/emit", tests, NULL, NULL);
}
