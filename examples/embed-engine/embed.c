/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine without the server: compile a module, give it one host function, call an
 * export in slices of fuel, and say what happened.
 *
 *   embed FILE.wasm EXPORT NUMBER
 *
 * The module may import ("host", "print": [i32] -> []); EXPORT is [i32] -> [i32].
 */
#include <engine/engine.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define SLICE_FUEL     100000
#define FRAMES_MAX     8

static enum engine_outcome host_print(struct engine_host_call *call)
{
    printf("guest says %" PRIu32 "\n", call->slots[0].i32);
    return ENGINE_DONE;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    (void)context;
    if (import->kind != ENGINE_EXTERN_FUNC || !bytes_equal_text(import->module_name, "host") ||
        !bytes_equal_text(import->name, "print") || import->type.param_count != 1 ||
        import->type.params[0] != ENGINE_I32 || import->type.result_count != 0)
        return false;
    *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host = host_print};
    return true;
}

/* Runs the call under way to its end; between slices an event loop would do other work. */
static bool run(struct engine_machine *machine)
{
    enum engine_outcome outcome;
    do {
        outcome = engine_run(machine, SLICE_FUEL);
    } while (outcome == ENGINE_OUT_OF_FUEL);
    if (outcome == ENGINE_DONE)
        return true;
    struct engine_frame_info frames[FRAMES_MAX];
    uint32_t count = engine_backtrace(machine, frames, FRAMES_MAX);
    printf("trap: %s\n", engine_machine_trap(machine).text);
    for (uint32_t i = 0; i < count; i++)
        printf("  at function %" PRIu32 " (%.*s), offset 0x%" PRIx32 "\n", frames[i].func_index,
               (int)frames[i].func_name.count, (const char *)frames[i].func_name.data,
               frames[i].offset);
    return false;
}

static enum status
embed(struct bytes wasm, const char *name, uint32_t number, struct report *report)
{
    struct engine_image image = {0};
    struct engine_module *module = NULL;
    struct engine_machine *machine = NULL;
    struct engine_instance *instance;
    struct engine_export_desc export;
    const struct engine_linker linker = {.resolve = resolve};

    enum status status = engine_init(report);
    if (status == STATUS_OK)
        status = engine_compile(wasm, &engine_limits_default, &engine_options_default, report, NULL,
                                &image);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(image.data, image.count), false, report, &module);
    if (status == STATUS_OK)
        status = engine_machine_create(&engine_limits_default, report, &machine);
    if (status == STATUS_OK)
        status = engine_instantiate(machine, module, &linker, report, &instance);
    if (status == STATUS_OK &&
        (!engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &export) ||
         export.type.param_count != 1 || export.type.result_count != 1))
        status = report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                             "no function \"%s\" with one parameter and one result", name);
    if (status == STATUS_OK && (!engine_instance_begin_start(instance) || run(machine))) {
        engine_call_begin(machine, instance, export.index, &(union engine_value){.i32 = number}, 1);
        if (run(machine))
            printf("%s(%" PRIu32 ") = %" PRIu32 "\n", name, number,
                   engine_call_results(machine)->i32);
        printf("%" PRIu64 " units of fuel\n", engine_machine_fuel_used(machine));
    }
    engine_machine_free(machine);
    engine_module_close(module);
    engine_image_free(&image);
    return status;
}

int main(int argc, char **argv)
{
    static uint8_t wasm[FILE_BYTES_MAX];
    FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: embed FILE.wasm EXPORT NUMBER\n");
        return EXIT_FAILURE;
    }
    size_t count = fread(wasm, 1, sizeof(wasm), file);
    fclose(file);
    struct report report = REPORT_INIT;
    uint32_t number = (uint32_t)strtoul(argv[3], NULL, 10);
    enum status status = embed(bytes_make(wasm, count), argv[2], number, &report);
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s: %s\n", argv[1], status_text(status), report.text);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
