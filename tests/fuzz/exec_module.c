/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half of the differential test against V8 (the other half is exec_module.mjs): runs every
 * exported function of each module named on standard input, with the same arguments as the
 * other half, and prints what happened. The two outputs must be equal to the letter.
 *
 *   exec_module [SLICE] < list of files      SLICE: fuel per engine_run, default 1000000
 *
 * Values print as type:hex bits; any NaN as "nan", because V8 may pick other NaN bits than
 * the specification's canonical ones. A trap prints as its kind. An exhausted call stack or
 * fuel ends the module: how deep is deep is not specified.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

#define FUEL_MAX     INT64_C(40000000)
#define PARAMS_MAX   64
#define MODULE_BYTES ((size_t)4 << 20)
#define ROUNDS       3

static int64_t slice = 1000000;

static void print_value(uint32_t type, union engine_value value)
{
    switch (type) {
    case ENGINE_I32:
        printf(" i32:%08" PRIx32, value.i32);
        return;
    case ENGINE_I64:
        printf(" i64:%016" PRIx64, value.i64);
        return;
    case ENGINE_F32:
        if (value.f32 != value.f32)
            printf(" f32:nan");
        else
            printf(" f32:%08" PRIx32, value.i32);
        return;
    case ENGINE_F64:
        if (value.f64 != value.f64)
            printf(" f64:nan");
        else
            printf(" f64:%016" PRIx64, value.i64);
        return;
    default:
        printf(value.ref == 0 ? " null" : " ref");
    }
}

static enum engine_outcome log_call(struct engine_host_call *call)
{
    printf("log");
    print_value((uint8_t)(uintptr_t)call->context, call->slots[0]);
    printf("\n");
    return ENGINE_DONE;
}

/* What V8 says of a call that would hand a vector to JavaScript. */
static enum engine_outcome refuse_vector(struct engine_host_call *call)
{
    return engine_host_trap(call, "type incompatibility when transforming from/to JS");
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    (void)context;
    if (import->kind != ENGINE_EXTERN_FUNC || import->type.param_count != 1 ||
        import->type.result_count != 0)
        return false;
    bool is_vector = import->type.params[0] == ENGINE_V128;
    *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC,
                                         .host = is_vector ? refuse_vector : log_call,
                                         .host_context = (void *)(uintptr_t)import->type.params[0]};
    return true;
}

/* The arguments of round `round`: the same arithmetic stands in exec_module.mjs. */
static union engine_value argument(uint32_t type, uint32_t round, uint32_t index)
{
    static const int32_t small[] = {0, 1, -1, 7, 65536, INT32_MIN, 100, -300};
    int32_t n = small[(round * 3 + index * 5) % COUNT_OF(small)];
    union engine_value value = {.bits = 0};
    if (type == ENGINE_I32)
        value.i32 = (uint32_t)n;
    else if (type == ENGINE_I64)
        value.i64 = (uint64_t)((int64_t)n * 65537);
    else if (type == ENGINE_F32)
        value.f32 = (float)n / 4;
    else if (type == ENGINE_F64)
        value.f64 = (double)n / 8;
    return value;
}

/* What JavaScript can tell of a trap. */
static const char *trap_kind(enum engine_trap trap)
{
    switch (trap) {
    case TRAP_UNDEFINED_ELEMENT:
    case TRAP_TABLE_OUT_OF_BOUNDS:
        return "table";
    case TRAP_UNINITIALIZED_ELEMENT:
    case TRAP_INDIRECT_CALL_TYPE_MISMATCH:
        return "signature";
    case TRAP_INVALID_CONVERSION:
    case TRAP_INTEGER_OVERFLOW:
        return "conversion";
    default:
        return engine_trap_text(trap);
    }
}

/* False: nothing after this call can be compared. */
static bool run_call(struct engine_machine *machine, struct engine_functype type)
{
    enum engine_outcome outcome = ENGINE_OUT_OF_FUEL;
    for (int64_t left = FUEL_MAX; left > 0 && outcome == ENGINE_OUT_OF_FUEL; left -= slice)
        outcome = engine_run(machine, slice);
    if (outcome == ENGINE_OUT_OF_FUEL) {
        printf(" gave up\n");
        return false;
    }
    if (outcome == ENGINE_TRAPPED) {
        struct engine_trap_info info = engine_machine_trap(machine);
        enum engine_trap trap = info.trap;
        printf(" trap: %s\n", trap == TRAP_HOST ? info.text : trap_kind(trap));
        engine_call_cancel(machine);
        return trap != TRAP_CALL_STACK_EXHAUSTED;
    }
    const union engine_value *results = engine_call_results(machine);
    for (uint32_t i = 0; i < type.result_count; i++)
        print_value(type.results[i], results[i]);
    printf("\n");
    return true;
}

static bool run_export(struct engine_machine *machine,
                       struct engine_instance *instance,
                       const struct engine_export_desc *desc,
                       uint32_t round)
{
    union engine_value arguments[PARAMS_MAX];
    if (desc->kind != ENGINE_EXTERN_FUNC || desc->type.param_count > PARAMS_MAX)
        return true;
    /* JavaScript, the other half, has no vectors. */
    if (engine_slot_count(desc->type.params, desc->type.param_count) != desc->type.param_count ||
        engine_slot_count(desc->type.results, desc->type.result_count) != desc->type.result_count)
        return true;
    for (uint32_t i = 0; i < desc->type.param_count; i++)
        arguments[i] = argument(desc->type.params[i], round, i);
    printf("%.*s", (int)desc->name.count, (const char *)desc->name.data);
    engine_call_begin(machine, instance, desc->index, arguments, desc->type.param_count);
    return run_call(machine, desc->type);
}

static void run_exports(struct engine_machine *machine,
                        const struct engine_module *module,
                        struct engine_instance *instance)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
            struct engine_export_desc desc = engine_module_export(module, i);
            if (!run_export(machine, instance, &desc, round))
                return;
        }
    }
}

static void run_instance(const struct engine_module *module)
{
    struct report report = REPORT_INIT;
    struct engine_machine *machine = NULL;
    struct engine_instance *instance = NULL;
    struct engine_linker linker = {.resolve = resolve};
    enum status status = engine_machine_create(&engine_limits_default, &report, &machine);
    if (status == STATUS_OK)
        status = engine_instantiate(machine, module, &linker, &report, &instance);
    if (status != STATUS_OK) {
        printf("not instantiated\n");
    } else {
        bool go_on = true;
        if (engine_instance_begin_start(instance)) {
            printf("start");
            go_on = run_call(machine, (struct engine_functype){0});
        }
        if (go_on)
            run_exports(machine, module, instance);
    }
    engine_machine_free(machine);
}

static void run_file(const char *path)
{
    printf("== %s\n", path);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("cannot open\n");
        return;
    }
    uint8_t *wasm = malloc(MODULE_BYTES);
    size_t count = wasm == NULL ? 0 : fread(wasm, 1, MODULE_BYTES, file);
    (void)fclose(file);
    struct report report = REPORT_INIT;
    struct engine_image image = {0};
    struct engine_module *module = NULL;
    enum status status = engine_compile(bytes_make(wasm, count), &engine_limits_default,
                                        &engine_options_default, &report, NULL, &image);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(image.data, image.count), true, &report, &module);
    if (status != STATUS_OK)
        printf("not compiled\n");
    else
        run_instance(module);
    engine_module_close(module);
    engine_image_free(&image);
    free(wasm);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        slice = strtoll(argv[1], NULL, 10);
    struct report report = REPORT_INIT;
    if (slice <= 0 || engine_init(&report) != STATUS_OK)
        return 2;
    char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        run_file(path);
    }
    return 0;
}
