/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instantiation: linking, initialisers, segments, limits, and what host functions can do.
 */
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

/* ---- a host of one function and one instance ------------------------------------------------- */

struct host {
    struct engine_extern provided;
    bool has;
    int calls;
};

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct host *host = context;
    (void)import;
    *ret_extern = host->provided;
    return host->has;
}

static enum engine_outcome add_one(struct engine_host_call *call)
{
    struct host *host = call->context;
    host->calls++;
    call->slots[0].i32 += 1;
    engine_host_charge(call, 1000);
    return ENGINE_DONE;
}

static enum engine_outcome exits(struct engine_host_call *call)
{
    return engine_host_exit(call, 7);
}

static enum engine_outcome traps(struct engine_host_call *call)
{
    char text[400];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    return engine_host_trap(call, text);
}

/* Imports "m.f" (i32) -> i32 and exports "go", which calls it with its argument. */
static struct buffer importer(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 1, 'm', 1, 'f', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 2, 'g', 'o', ENGINE_EXTERN_FUNC, 1);
    WASM_SECTION(&wasm, WASM_CODE, 1, 6, 0, 0x20, 0, 0x10, 0, 0x0b);
    return wasm;
}

static enum status
try_instantiate(struct buffer wasm, const struct engine_linker *linker, struct report *report)
{
    struct guest guest = guest_prepare(&wasm);
    enum status status =
        engine_instantiate(guest.machine, guest.module, linker, report, &guest.instance);
    guest_done(&guest);
    return status;
}

static void an_import_that_nothing_provides_is_named(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    assert_int_equal(try_instantiate(importer(), NULL, &report), STATUS_UNLINKABLE);
    assert_string_equal(report.text, "unknown import: m.f: nothing provides this function");
}

static void a_host_function_gets_arguments_and_charges_fuel(void **state)
{
    (void)state;
    struct host host = {.has = true};
    host.provided =
        (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host = add_one, .host_context = &host};
    struct engine_linker linker = {.resolve = resolve, .context = &host};
    struct buffer wasm = importer();
    struct guest guest = guest_make(&wasm, &linker);
    assert_int_equal(guest_call(&guest, "go", 41), 42);
    assert_int_equal(host.calls, 1);
    uint64_t used = engine_machine_fuel_used(guest.machine);
    assert_true(used >= 1000);
    assert_true(engine_machine_instructions(guest.machine) < 10);
    guest_done(&guest);
}

static void a_host_function_of_another_type_is_refused(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I64};
    struct host host = {.has = true};
    host.provided = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC,
                                           .host = add_one,
                                           .host_type = {.params = params, .param_count = 1},
                                           .check_type = true};
    struct engine_linker linker = {.resolve = resolve, .context = &host};
    struct report report = REPORT_INIT;
    assert_int_equal(try_instantiate(importer(), &linker, &report), STATUS_UNLINKABLE);
    assert_non_null(strstr(report.text, "incompatible import type: m.f"));
    host.provided = (struct engine_extern){.kind = ENGINE_EXTERN_MEMORY};
    report = (struct report)REPORT_INIT;
    assert_int_equal(try_instantiate(importer(), &linker, &report), STATUS_UNLINKABLE);
    assert_non_null(strstr(report.text, "incompatible import type: m.f"));
}

static void a_missing_function_traps_and_names_itself_when_asked_for(void **state)
{
    (void)state;
    struct host host = {.has = false};
    struct engine_linker linker = {
        .resolve = resolve, .context = &host, .missing_funcs_trap = true};
    struct buffer wasm = importer();
    struct guest guest = guest_make(&wasm, &linker);
    struct engine_trap_info trap = guest_trap(&guest, "go");
    assert_int_equal(trap.trap, TRAP_UNLINKED_IMPORT);
    assert_non_null(strstr(trap.text, "m.f"));
    guest_done(&guest);
}

static void a_host_function_can_end_the_guest(void **state)
{
    (void)state;
    struct host host = {.has = true};
    host.provided = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host = exits};
    struct engine_linker linker = {.resolve = resolve, .context = &host};
    struct buffer wasm = importer();
    struct guest guest = guest_make(&wasm, &linker);
    struct engine_trap_info trap = guest_trap(&guest, "go");
    assert_int_equal(trap.trap, TRAP_EXIT);
    assert_int_equal(trap.exit_code, 7);
    guest_done(&guest);
    host.provided.host = traps;
    wasm = importer();
    guest = guest_make(&wasm, &linker);
    trap = guest_trap(&guest, "go");
    assert_int_equal(trap.trap, TRAP_HOST);
    assert_int_equal(strlen(trap.text), 255);
    guest_done(&guest);
}

/* ---- initialisers ---------------------------------------------------------------------------- */

static void constant_expressions_compute(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_GLOBAL, 3,                                         /* 3 globals */
                 ENGINE_I32, 0, 0x41, 7, 0x41, 3, 0x6b, 0x41, 0x7f, 0x6c, 0x0b, /* (7-3) * -1 */
                 ENGINE_I32, 0, 0x23, 0, 0x41, 1, 0x6a, 0x0b,                   /* that + 1 */
                 ENGINE_I64, 0, 0x42, 0x7f, 0x42, 2, 0x7c, 0x0b);               /* -1 + 2 */
    struct guest guest = guest_make(&wasm, NULL);
    union engine_value first = *engine_global_get(guest.instance, 0);
    assert_int_equal((int32_t)first.i32, -4);
    assert_int_equal(first.bits >> 32, 0);
    assert_int_equal((int32_t)engine_global_get(guest.instance, 1)->i32, -3);
    assert_int_equal(engine_global_get(guest.instance, 2)->i64, 1);
    guest_done(&guest);
}

static void the_deepest_valid_constant_expression_computes(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_GLOBAL);
    WASM(&wasm, 1, ENGINE_I32, 0);
    for (int i = 0; i < MODULE_MAX_CONST_STACK; i++)
        WASM(&wasm, 0x41, 1);
    wasm_fill(&wasm, 0x6a, MODULE_MAX_CONST_STACK - 1);
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, section);
    struct guest guest = guest_make(&wasm, NULL);
    assert_int_equal(engine_global_get(guest.instance, 0)->i32, MODULE_MAX_CONST_STACK);
    guest_done(&guest);
}

/* Exactly as when a function makes it. */
static void a_constant_object_that_the_heap_has_no_room_for_traps(void **state)
{
    (void)state;
    struct engine_limits limits = engine_limits_default;
    limits.heap_bytes = (uint64_t)1 << 20;
    for (uint8_t is_large = 0; is_large < 2; is_large++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_TYPE, 1, 0x5e, 0x78, 0); /* array of i8, a hundred or 2 MiB */
        WASM_SECTION(&wasm, WASM_GLOBAL, 1, 0x64, 0, 0, 0x41, 0xe4, 0x80, 0x80, is_large, 0xfb, 7,
                     0, 0x0b);
        struct guest guest = {0};
        struct report report = REPORT_INIT;
        guest.module = guest_open(&wasm, &guest.image);
        assert_int_equal(engine_machine_create(&limits, &report, &guest.machine), STATUS_OK);
        assert_int_equal(
            engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance),
            is_large ? STATUS_TRAPPED : STATUS_OK);
        if (is_large)
            assert_int_equal(engine_machine_trap(guest.machine).trap, TRAP_HEAP_EXHAUSTED);
        guest_done(&guest);
    }
}

static void a_segment_that_does_not_fit_traps_and_keeps_what_came_before(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    WASM_SECTION(&wasm, WASM_DATA, 2, 0, 0x41, 0, 0x0b, 2, 'a', 'b', /* fits */
                 0, 0x41, 0xff, 0xff, 3, 0x0b, 2, 'c', 'd');         /* one byte too far */
    struct guest guest = guest_prepare(&wasm);
    struct report report = REPORT_INIT;
    assert_int_equal(
        engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance),
        STATUS_TRAPPED);
    assert_string_equal(report.text, "out of bounds memory access");
    assert_int_equal(engine_machine_trap(guest.machine).trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(guest.machine->instance_count, 1);
    struct engine_instance *instance = guest.machine->instances[0];
    assert_memory_equal(instance->memory_base, "ab", 2);
    assert_int_equal(instance->memory_base[WASM_PAGE_BYTES - 1], 0);
    guest_done(&guest);
}

static void memories_and_tables_over_the_limits_are_refused(void **state)
{
    (void)state;
    struct engine_limits limits = engine_limits_default;
    limits.memory_pages = 2;
    limits.table_entries = 10;
    static const uint8_t too_large[][2] = {{3, 10}, {2, 11}, {2, 10}};
    static const enum status wanted[] = {STATUS_LIMIT, STATUS_LIMIT, STATUS_OK};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 0, too_large[i][1]);
        WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, too_large[i][0]);
        struct guest guest = {0};
        struct report report = REPORT_INIT;
        guest.module = guest_open(&wasm, &guest.image);
        assert_int_equal(engine_machine_create(&limits, &report, &guest.machine), STATUS_OK);
        assert_int_equal(
            engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance),
            wanted[i]);
        guest_done(&guest);
    }
}

static void memory_grows_to_the_operators_limit(void **state)
{
    (void)state;
    struct engine_limits limits = engine_limits_default;
    limits.memory_pages = 2;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 1, 1, 100);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 4, 'g', 'r', 'o', 'w', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 6, 0, 0x20, 0, 0x40, 0, 0x0b);
    struct guest guest = {0};
    struct report report = REPORT_INIT;
    guest.module = guest_open(&wasm, &guest.image);
    assert_int_equal(engine_machine_create(&limits, &report, &guest.machine), STATUS_OK);
    assert_int_equal(
        engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance), STATUS_OK);
    assert_int_equal((int32_t)guest_call(&guest, "grow", 2), -1);
    assert_int_equal(guest_call(&guest, "grow", 1), 1);
    assert_int_equal(engine_memory_view(guest.instance, 0).bytes, 2 * WASM_PAGE_BYTES);
    guest_done(&guest);
}

/* ---- two instances --------------------------------------------------------------------------- */

static void instances_share_what_they_import(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 1, 'f', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 7, 0, 0x20, 0, 0x41, 2, 0x6c, 0x0b); /* twice */
    struct guest guest = guest_make(&wasm, NULL);
    struct host host = {.has = true};
    host.provided =
        (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .instance = guest.instance, .index = 0};
    struct engine_linker linker = {.resolve = resolve, .context = &host};
    struct engine_image image;
    struct buffer second = importer();
    struct engine_module *module = guest_open(&second, &image);
    struct report report = REPORT_INIT;
    struct engine_instance *instance;
    assert_int_equal(engine_instantiate(guest.machine, module, &linker, &report, &instance),
                     STATUS_OK);
    assert_int_equal(instance->id, 1);
    engine_call_begin(guest.machine, instance, 1, &(union engine_value){.i32 = 21}, 1);
    assert_int_equal(engine_run(guest.machine, 1000), ENGINE_DONE);
    assert_int_equal(engine_call_results(guest.machine)[0].i32, 42);
    engine_machine_free(guest.machine);
    guest.machine = NULL;
    engine_module_close(module);
    engine_image_free(&image);
    guest_done(&guest);
}

/* Its pages are of 65,536 bytes; 0 is the logarithm of the other size. */
static void a_memory_of_another_page_size_is_refused(void **state)
{
    (void)state;
    static const uint8_t shifts[] = {0, 16};
    for (size_t i = 0; i < COUNT_OF(shifts); i++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
        struct guest guest = guest_make(&wasm, NULL);
        struct host host = {.has = true};
        host.provided =
            (struct engine_extern){.kind = ENGINE_EXTERN_MEMORY, .instance = guest.instance};
        struct engine_linker linker = {.resolve = resolve, .context = &host};
        struct buffer second = wasm_begin();
        WASM_SECTION(&second, WASM_IMPORT, 1, 1, 'm', 1, 'f', ENGINE_EXTERN_MEMORY, 8, 1,
                     shifts[i]);
        struct guest other = {.machine = guest.machine};
        other.module = guest_open(&second, &other.image);
        struct report report = REPORT_INIT;
        assert_int_equal(
            engine_instantiate(other.machine, other.module, &linker, &report, &other.instance),
            shifts[i] == 0 ? STATUS_UNLINKABLE : STATUS_OK);
        if (shifts[i] == 0)
            assert_non_null(strstr(report.text, "m.f (memory's page size)"));
        engine_machine_free(guest.machine); /* before the images of its instances */
        guest.machine = NULL;
        guest_done_beside(&other);
        guest_done(&guest);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_that_nothing_provides_is_named),
        cmocka_unit_test(a_host_function_gets_arguments_and_charges_fuel),
        cmocka_unit_test(a_host_function_of_another_type_is_refused),
        cmocka_unit_test(a_missing_function_traps_and_names_itself_when_asked_for),
        cmocka_unit_test(a_host_function_can_end_the_guest),
        cmocka_unit_test(constant_expressions_compute),
        cmocka_unit_test(the_deepest_valid_constant_expression_computes),
        cmocka_unit_test(a_constant_object_that_the_heap_has_no_room_for_traps),
        cmocka_unit_test(a_segment_that_does_not_fit_traps_and_keeps_what_came_before),
        cmocka_unit_test(memories_and_tables_over_the_limits_are_refused),
        cmocka_unit_test(memory_grows_to_the_operators_limit),
        cmocka_unit_test(instances_share_what_they_import),
        cmocka_unit_test(a_memory_of_another_page_size_is_refused),
    };
    return cmocka_run_group_tests_name("engine/instance", tests, NULL, NULL);
}
