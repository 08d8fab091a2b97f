/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of one script, all on one machine, and the host module `spectest` that the
 * suite expects: its memory, table and globals are a small Wasm module of ours, its
 * functions print nothing.
 */
#include "engine/native.h"
#include "server/cli/verbs_engine.h"
#include "server/cli/wast.h"

#define WAST_NAMES_BYTES   ((size_t)1 << 20)
#define WAST_CALL_FUEL_MAX ((int64_t)20000000000)

/* clang-format off */
static const uint8_t spectest_wasm[] = {
    0x00, 'a', 's', 'm', 1, 0, 0, 0,
    4, 9, 2, ENGINE_FUNCREF, 1, 10, 20,    /* tables: 10 to 20, */
    ENGINE_FUNCREF, 5, 10, 20,             /* and with 64-bit indices */
    5, 4, 1, 1, 1, 2,                      /* memory: 1 to 2 pages */
    6, 33, 4,                              /* globals: 666 and 666.6 */
    ENGINE_I32, 0, 0x41, 0x9a, 0x05, 0x0b,
    ENGINE_I64, 0, 0x42, 0x9a, 0x05, 0x0b,
    ENGINE_F32, 0, 0x43, 0x66, 0xa6, 0x26, 0x44, 0x0b,
    ENGINE_F64, 0, 0x44, 0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xd4, 0x84, 0x40, 0x0b,
    7, 80, 7,                              /* exports */
    10, 'g', 'l', 'o', 'b', 'a', 'l', '_', 'i', '3', '2', ENGINE_EXTERN_GLOBAL, 0,
    10, 'g', 'l', 'o', 'b', 'a', 'l', '_', 'i', '6', '4', ENGINE_EXTERN_GLOBAL, 1,
    10, 'g', 'l', 'o', 'b', 'a', 'l', '_', 'f', '3', '2', ENGINE_EXTERN_GLOBAL, 2,
    10, 'g', 'l', 'o', 'b', 'a', 'l', '_', 'f', '6', '4', ENGINE_EXTERN_GLOBAL, 3,
    5, 't', 'a', 'b', 'l', 'e', ENGINE_EXTERN_TABLE, 0,
    7, 't', 'a', 'b', 'l', 'e', '6', '4', ENGINE_EXTERN_TABLE, 1,
    6, 'm', 'e', 'm', 'o', 'r', 'y', ENGINE_EXTERN_MEMORY, 0,
};
/* clang-format on */

static const struct {
    const char *name;
    uint32_t params[2];
    uint32_t param_count;
} spectest_funcs[] = {
    {"print", {0}, 0},
    {"print_i32", {ENGINE_I32}, 1},
    {"print_i64", {ENGINE_I64}, 1},
    {"print_f32", {ENGINE_F32}, 1},
    {"print_f64", {ENGINE_F64}, 1},
    {"print_i32_f32", {ENGINE_I32, ENGINE_F32}, 2},
    {"print_f64_f64", {ENGINE_F64, ENGINE_F64}, 2},
};

static enum engine_outcome spectest_print(struct engine_host_call *call)
{
    (void)call;
    return ENGINE_DONE;
}

static bool resolve_spectest(const struct engine_import_desc *import,
                             struct engine_extern *ret_extern)
{
    for (size_t i = 0; i < COUNT_OF(spectest_funcs); i++) {
        if (!bytes_equal_text(import->name, spectest_funcs[i].name))
            continue;
        *ret_extern = (struct engine_extern){
            .kind = ENGINE_EXTERN_FUNC,
            .host = spectest_print,
            .host_type = {.params = spectest_funcs[i].params,
                          .param_count = spectest_funcs[i].param_count},
            .check_type = true,
        };
        return true;
    }
    return false;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct wast_modules *modules = context;
    if (bytes_equal_text(import->module_name, "spectest") && resolve_spectest(import, ret_extern))
        return true;
    for (uint32_t u = modules->count; u-- > 0;) {
        const struct wast_unit *unit = &modules->units[u];
        if (unit->as == NULL || !bytes_equal_text(import->module_name, unit->as))
            continue;
        if (unit->skipped) {
            modules->missed_skipped = true;
            return false;
        }
        for (uint32_t i = 0; i < engine_module_export_count(unit->module); i++) {
            struct engine_export_desc export = engine_module_export(unit->module, i);
            if (bytes_equal(export.name, import->name)) {
                *ret_extern = (struct engine_extern){
                    .kind = export.kind, .instance = unit->instance, .index = export.index};
                return true;
            }
        }
        return false;
    }
    return false;
}

static enum status unit_open(const struct wast_modules *modules,
                             struct wast_unit *unit,
                             struct bytes wasm,
                             struct report *report)
{
    struct engine_image image;
    enum status status =
        engine_compile(wasm, &engine_limits_default, &modules->options, report, NULL, &image);
    if (status != STATUS_OK)
        return status;
    unit->image = image;
    status = engine_module_open(bytes_make(image.data, image.count), true, report, &unit->module);
    if (status == STATUS_OK)
        status = engine_module_map_native(unit->module, -1, report);
    return status;
}

enum status wast_modules_init(struct wast_modules *modules,
                              const struct engine_options *options,
                              struct report *report)
{
    *modules = (struct wast_modules){.options = *options};
    arena_init(&modules->arena, WAST_NAMES_BYTES + WAST_UNITS_MAX * sizeof(struct wast_unit));
    modules->units = ARENA_ARRAY(&modules->arena, struct wast_unit, WAST_UNITS_MAX);
    if (modules->units == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "no memory for a script");
    enum status status = engine_machine_create(&engine_limits_default, report, &modules->machine);
    if (status != STATUS_OK)
        return status;
    struct wast_unit *spectest = wast_modules_add(modules, NULL);
    status = unit_open(modules, spectest, bytes_make(spectest_wasm, sizeof(spectest_wasm)), report);
    if (status == STATUS_OK)
        status = wast_unit_instantiate(modules, spectest, WAST_CALL_FUEL_MAX, report);
    modules->current = NULL;
    if (status == STATUS_OK && !wast_unit_register(modules, spectest, "spectest"))
        return STATUS_NO_MEMORY;
    return status;
}

void wast_modules_done(struct wast_modules *modules)
{
    engine_machine_free(modules->machine);
    for (uint32_t i = 0; i < modules->count; i++) {
        struct wast_unit *unit = &modules->units[i];
        if (unit->image.data == NULL)
            continue;
        engine_module_close(unit->module);
        engine_image_free(&unit->image);
    }
    arena_done(&modules->arena);
}

struct wast_unit *wast_modules_add(struct wast_modules *modules, const char *name)
{
    if (modules->count == WAST_UNITS_MAX)
        return NULL;
    struct wast_unit *unit = &modules->units[modules->count];
    if (name != NULL) {
        unit->name = arena_copy_text(&modules->arena, bytes_of_text(name));
        if (unit->name == NULL)
            return NULL;
    }
    modules->count++;
    return unit;
}

struct wast_unit *wast_modules_find(struct wast_modules *modules, const char *name)
{
    if (name == NULL)
        return modules->current;
    for (uint32_t i = modules->count; i-- > 0;) {
        if (modules->units[i].name != NULL && strcmp(modules->units[i].name, name) == 0)
            return &modules->units[i];
    }
    return NULL;
}

enum status wast_unit_compile(const struct wast_modules *modules,
                              struct wast_unit *unit,
                              const char *path,
                              struct report *report)
{
    struct buffer file;
    enum status status = verb_read_file(path, engine_limits_default.module_bytes, report, &file);
    if (status != STATUS_OK)
        return status;
    status = unit_open(modules, unit, buffer_bytes(&file), report);
    buffer_done(&file);
    return status;
}

enum engine_outcome wast_run_call(struct engine_machine *machine, int64_t slice)
{
    int64_t left = WAST_CALL_FUEL_MAX;
    enum engine_outcome outcome = ENGINE_OUT_OF_FUEL;
    while (outcome == ENGINE_OUT_OF_FUEL && left > 0) {
        outcome = engine_run(machine, MIN(slice, left));
        left -= slice;
    }
    return outcome;
}

enum status wast_unit_instantiate(struct wast_modules *modules,
                                  struct wast_unit *unit,
                                  int64_t slice,
                                  struct report *report)
{
    struct engine_linker linker = {.resolve = resolve, .context = modules};
    struct engine_instance *instance;
    modules->missed_skipped = false;
    enum status status =
        engine_instantiate(modules->machine, unit->module, &linker, report, &instance);
    if (status != STATUS_OK)
        return status;
    if (engine_instance_begin_start(instance)) {
        enum engine_outcome outcome = wast_run_call(modules->machine, slice);
        struct engine_trap_info trap = engine_machine_trap(modules->machine);
        if (outcome != ENGINE_DONE) {
            engine_call_cancel(modules->machine);
            return report_fail(report, STATUS_TRAPPED, REPORT_OFFSET_NONE, "%s",
                               outcome == ENGINE_TRAPPED ? trap.text : "start does not end");
        }
    }
    unit->instance = instance;
    modules->current = unit;
    return STATUS_OK;
}

bool wast_unit_register(struct wast_modules *modules, struct wast_unit *unit, const char *as)
{
    unit->as = arena_copy_text(&modules->arena, bytes_of_text(as));
    return unit->as != NULL;
}
