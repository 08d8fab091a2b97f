/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half of the differential test against V8 (the other half is exec_module.mjs): runs every
 * exported function of each module named on standard input, with the same arguments as the
 * other half, and prints what happened, and in the end what is in memories, globals and
 * tables. The two outputs must be equal to the letter.
 *
 *   exec_module [--exact] [--native=on[:END]|SEED] [--wrong=N] [SLICE [SUPPORT]] < list of files
 *       END      only cells before this offset in the code are native: the cell that the last of
 *                them is in is named at the end (bisect.py)
 *       --wrong  32 bits of native code that are N become N + 1: so that a test has code to find
 *                that does something else
 *       SLICE    fuel per engine_run, default 1000000
 *       SUPPORT  module that provides what is neither log-... nor call-export
 *
 * Values print as type:hex bits; any NaN as "nan", because V8 may pick other NaN bits than
 * the specification's canonical ones; of references as much as JavaScript can tell. A trap
 * prints as its kind. A module that uses up stack, heap or fuel ends with "gave up": how much
 * there is of them is not specified.
 *
 * --exact is for comparing two builds of ours: modules are compiled as deterministic, NaNs print
 * as their bits, and each module's last line is its fuel. The outputs must be equal again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/native.h"
#include "engine/ops/ops.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/table.h"

#define FUEL_MAX     INT64_C(40000000)
#define PARAMS_MAX   64
#define MODULE_BYTES ((size_t)4 << 20)
#define ROUNDS       3
#define HOST_OBJECT  1234 /* a reference of ours: what it is does not matter */

static int64_t slice = 1000000;
static bool is_exact;
static enum engine_native native; /* the tier; of what is mixed, the seed */
static uint32_t native_seed;
static uint32_t native_end;
static uint32_t native_wrong; /* 0: no code is made wrong */

/* What a module's imports are made from. */
struct run {
    struct engine_machine *machine;
    struct engine_instance *support; /* NULL: not needed */
    bool is_started;                 /* JavaScript cannot call exports while a module starts */
};

static bool is_heap_type(uint32_t type, uint32_t abstract)
{
    return (type & ~ENGINE_TYPE_NON_NULL) == abstract;
}

/* False: JavaScript can neither give nor get values of this type. */
static bool is_for_javascript(uint32_t type)
{
    return type != ENGINE_V128 && !is_heap_type(type, ENGINE_EXNREF) &&
           !is_heap_type(type, ENGINE_NULLEXNREF);
}

static void print_reference(uint64_t reference)
{
    if (reference == 0)
        printf(" null");
    else if (engine_reference_is_i31(reference))
        printf(" i31:%08" PRIx32, (uint32_t)reference & 0x7fffffff);
    else
        printf(engine_reference_is_object(reference) ? " object" : " ref");
}

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
        if (value.f32 != value.f32 && !is_exact)
            printf(" f32:nan");
        else
            printf(" f32:%08" PRIx32, value.i32);
        return;
    case ENGINE_F64:
        if (value.f64 != value.f64 && !is_exact)
            printf(" f64:nan");
        else
            printf(" f64:%016" PRIx64, value.i64);
        return;
    default:
        print_reference(value.ref);
    }
}

/* The arguments of round `round`: the same arithmetic stands in exec_module.mjs. False: there is
 * no value of that type that JavaScript could give. */
static bool argument(uint32_t type, uint32_t round, uint32_t index, union engine_value *ret_value)
{
    static const int32_t small[] = {0, 1, -1, 7, 65536, INT32_MIN, 100, -300};
    int32_t n = small[(round * 3 + index * 5) % COUNT_OF(small)];
    union engine_value value = {.bits = 0};
    bool wants_reference = (type & ENGINE_TYPE_NON_NULL) != 0 || round > 0;
    if (type == ENGINE_I32)
        value.i32 = (uint32_t)n;
    else if (type == ENGINE_I64)
        value.i64 = (uint64_t)((int64_t)n * 65537);
    else if (type == ENGINE_F32)
        value.f32 = (float)n / 4;
    else if (type == ENGINE_F64)
        value.f64 = (double)n / 8;
    else if (!is_for_javascript(type))
        return false;
    else if (is_heap_type(type, ENGINE_EXTERNREF) && wants_reference)
        value.ref = HOST_OBJECT;
    else if ((is_heap_type(type, ENGINE_ANYREF) || is_heap_type(type, ENGINE_EQREF) ||
              is_heap_type(type, ENGINE_I31REF)) &&
             wants_reference)
        value.ref = ENGINE_REFERENCE_I31 | (round * 7 + index);
    else if (type & ENGINE_TYPE_NON_NULL)
        return false;
    *ret_value = value;
    return true;
}

/* False: JavaScript, the other half, cannot call such a function. */
static bool
arguments_of(struct engine_functype type, uint32_t round, union engine_value *ret_arguments)
{
    if (type.param_count > PARAMS_MAX)
        return false;
    for (uint32_t i = 0; i < type.param_count; i++) {
        if (!argument(type.params[i], round, i, &ret_arguments[i]))
            return false;
    }
    for (uint32_t i = 0; i < type.result_count; i++) {
        if (!is_for_javascript(type.results[i]))
            return false;
    }
    return true;
}

static enum engine_outcome log_call(struct engine_host_call *call)
{
    printf("log");
    print_value((uint32_t)(uintptr_t)call->context, call->slots[0]);
    printf("\n");
    return ENGINE_DONE;
}

/* What V8 says of a call that would hand a vector to JavaScript. */
static enum engine_outcome refuse_vector(struct engine_host_call *call)
{
    return engine_host_trap(call, "type incompatibility when transforming from/to JS");
}

/* Calls the caller's export of the number that it was given. */
static enum engine_outcome call_export(struct engine_host_call *call)
{
    const struct run *run = call->context;
    const struct engine_module *module = engine_instance_module(call->instance);
    union engine_value arguments[PARAMS_MAX];
    if (!run->is_started || call->step != 0)
        return ENGINE_DONE;
    struct engine_export_desc desc =
        engine_module_export(module, call->slots[0].i32 % engine_module_export_count(module));
    if (desc.kind != ENGINE_EXTERN_FUNC || !arguments_of(desc.type, 0, arguments))
        return ENGINE_DONE;
    return engine_host_call_guest(call, desc.index, arguments, desc.type.param_count, 1);
}

static bool is_named(struct bytes name, const char *start)
{
    return name.count >= strlen(start) && memcmp(name.data, start, strlen(start)) == 0;
}

static bool is_logging(const struct engine_import_desc *import)
{
    return import->kind == ENGINE_EXTERN_FUNC && is_named(import->name, "log-") &&
           import->type.param_count == 1 && import->type.result_count == 0;
}

static bool is_calling(const struct engine_import_desc *import)
{
    return import->kind == ENGINE_EXTERN_FUNC && is_named(import->name, "call-export") &&
           import->type.param_count == 2;
}

static bool is_vector(const struct engine_import_desc *import)
{
    return import->type.params[0] == ENGINE_V128;
}

static bool resolve_support(const struct run *run,
                            const struct engine_import_desc *import,
                            struct engine_extern *ret_extern)
{
    struct engine_export_desc desc;
    char name[64];
    if (run->support == NULL || import->name.count >= sizeof(name))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)import->name.count,
                   (const char *)import->name.data);
    if (import->kind == ENGINE_EXTERN_GLOBAL) /* whatever it is called */
        (void)snprintf(name, sizeof(name), "extern");
    if (!engine_module_find_export(engine_instance_module(run->support), name, import->kind, &desc))
        return false;
    *ret_extern =
        (struct engine_extern){.kind = import->kind, .instance = run->support, .index = desc.index};
    return true;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct run *run = context;
    *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC};
    if (is_calling(import)) {
        ret_extern->host = call_export;
        ret_extern->host_context = run;
    } else if (is_logging(import) && !is_vector(import)) {
        ret_extern->host = log_call;
        ret_extern->host_context = (void *)(uintptr_t)import->type.params[0];
    } else if (is_logging(import) && run->support == NULL) {
        ret_extern->host = refuse_vector;
    } else {
        return resolve_support(run, import, ret_extern);
    }
    return true;
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
    case TRAP_NULL_FUNCTION:
    case TRAP_NULL_STRUCTURE:
    case TRAP_NULL_ARRAY:
    case TRAP_NULL_I31:
        return engine_trap_text(TRAP_NULL_REFERENCE);
    default:
        return engine_trap_text(trap);
    }
}

/* Runs the call that was begun. OUT_OF_FUEL: nothing after it can be compared. */
static enum engine_outcome run_call(struct engine_machine *machine, struct engine_functype type)
{
    enum engine_outcome outcome = ENGINE_OUT_OF_FUEL;
    for (int64_t left = FUEL_MAX; left > 0 && outcome == ENGINE_OUT_OF_FUEL; left -= slice)
        outcome = engine_run(machine, slice);
    if (outcome == ENGINE_OUT_OF_FUEL) {
        printf("gave up: fuel\n");
        return outcome;
    }
    if (outcome == ENGINE_TRAPPED) {
        struct engine_trap_info info = engine_machine_trap(machine);
        enum engine_trap trap = info.trap;
        bool gives_up = trap == TRAP_CALL_STACK_EXHAUSTED || trap == TRAP_HEAP_EXHAUSTED;
        printf("%s: %s\n", gives_up ? "gave up" : "trap",
               trap == TRAP_HOST ? info.text : trap_kind(trap));
        engine_call_cancel(machine);
        return gives_up ? ENGINE_OUT_OF_FUEL : ENGINE_TRAPPED;
    }
    const union engine_value *results = engine_call_results(machine);
    printf("=");
    for (uint32_t i = 0; i < type.result_count; i++)
        print_value(type.results[i], results[i]);
    printf("\n");
    return ENGINE_DONE;
}

static bool run_export(struct engine_machine *machine,
                       struct engine_instance *instance,
                       const struct engine_export_desc *desc,
                       uint32_t round)
{
    union engine_value arguments[PARAMS_MAX];
    if (desc->kind != ENGINE_EXTERN_FUNC || !arguments_of(desc->type, round, arguments))
        return true;
    printf("%.*s\n", (int)desc->name.count, (const char *)desc->name.data);
    engine_call_begin(machine, instance, desc->index, arguments, desc->type.param_count);
    return run_call(machine, desc->type) != ENGINE_OUT_OF_FUEL;
}

static bool run_exports(struct engine_machine *machine,
                        const struct engine_module *module,
                        struct engine_instance *instance)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
            struct engine_export_desc desc = engine_module_export(module, i);
            if (!run_export(machine, instance, &desc, round))
                return false;
        }
    }
    return true;
}

/* FNV-1a, a word at a time; exec_module.mjs has it too. */
static uint32_t hash_step(uint32_t hash, uint32_t word)
{
    return (hash ^ word) * 16777619u;
}

static void print_memory(const struct engine_instance *instance, uint32_t index)
{
    struct engine_memory_view view = engine_memory_view(instance, index);
    uint32_t hash = 2166136261u;
    for (uint64_t at = 0; at + 4 <= view.bytes; at += 4) {
        uint32_t word;
        memcpy(&word, view.base + at, sizeof(word));
        hash = hash_step(hash, word);
    }
    printf(" %" PRIu64 " %08" PRIx32 "\n", view.bytes, hash);
}

static void print_table(const struct engine_instance *instance, uint32_t index)
{
    const struct table *table = instance->tables[index];
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; is_for_javascript(table->type) && i < table->count; i++)
        hash = hash_step(hash, table->entries[i] != 0);
    printf(" %" PRIu32 " %08" PRIx32 "\n", table->count, hash);
}

/* What the calls left behind. */
static void print_state(const struct engine_module *module, const struct engine_instance *instance)
{
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        bool is_global = desc.kind == ENGINE_EXTERN_GLOBAL;
        uint32_t type = is_global ? engine_module_global_type(module, desc.index) : ENGINE_I32;
        if (desc.kind == ENGINE_EXTERN_FUNC || desc.kind == ENGINE_EXTERN_TAG ||
            !is_for_javascript(type))
            continue;
        printf("%.*s", (int)desc.name.count, (const char *)desc.name.data);
        if (is_global) {
            print_value(type, *engine_global_get(instance, desc.index));
            printf("\n");
        } else if (desc.kind == ENGINE_EXTERN_MEMORY) {
            print_memory(instance, desc.index);
        } else {
            print_table(instance, desc.index);
        }
    }
}

static void
run_instance(struct run *run, const struct engine_module *module, struct engine_instance *instance)
{
    run->is_started = false;
    if (engine_instance_begin_start(instance)) {
        printf("start\n");
        if (run_call(run->machine, (struct engine_functype){0}) != ENGINE_DONE)
            return;
    }
    run->is_started = true;
    if (run_exports(run->machine, module, instance))
        print_state(module, instance);
}

/* Only who needs support gets it: a machine of one instance is the usual case elsewhere. */
static bool needs_support(const struct engine_module *module)
{
    for (uint32_t i = 0; i < engine_module_import_count(module); i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        if (!is_calling(&import) && !(is_logging(&import) && !is_vector(&import)))
            return true;
    }
    return false;
}

static void run_module(const struct engine_module *module, const struct engine_module *support)
{
    struct report report = REPORT_INIT;
    struct run run = {0};
    struct engine_instance *instance = NULL;
    struct engine_linker linker = {.resolve = resolve, .context = &run};
    enum status status = engine_machine_create(&engine_limits_default, &report, &run.machine);
    if (status == STATUS_OK && support != NULL && needs_support(module))
        status = engine_instantiate(run.machine, support, NULL, &report, &run.support);
    if (status == STATUS_OK)
        status = engine_instantiate(run.machine, module, &linker, &report, &instance);
    if (status == STATUS_OK)
        run_instance(&run, module, instance);
    else if (status == STATUS_TRAPPED &&
             engine_module_has_start(module)) /* all JavaScript is told */
        printf("start\ntrap: %s\n", trap_kind(engine_machine_trap(run.machine).trap));
    else
        printf("not instantiated: %s\n", report.text);
    if (is_exact && run.machine != NULL)
        printf("fuel %" PRIu64 "\n", engine_machine_fuel_used(run.machine));
    engine_machine_free(run.machine);
}

struct opened {
    struct engine_image image;
    struct engine_module *module; /* NULL: not compiled */
};

static void opened_done(struct opened *opened)
{
    engine_module_close(opened->module);
    engine_image_free(&opened->image);
}

static void make_wrong(struct engine_image *image)
{
    const struct image_header *header = (const struct image_header *)(const void *)image->data;
    uint8_t *bytes = image->data + header->native.offset;
    const uint32_t other = native_wrong + 1;
    for (size_t i = 0; i + sizeof(other) <= header->native.count; i++) {
        if (memcmp(bytes + i, &native_wrong, sizeof(other)) == 0)
            memcpy(bytes + i, &other, sizeof(other));
    }
}

static struct opened open_file(const char *path)
{
    struct opened opened = {.module = NULL};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("cannot open\n");
        return opened;
    }
    uint8_t *wasm = malloc(MODULE_BYTES);
    size_t count = wasm == NULL ? 0 : fread(wasm, 1, MODULE_BYTES, file);
    (void)fclose(file);
    struct report report = REPORT_INIT;
    struct engine_options for_what = engine_options_default;
    for_what.deterministic = is_exact;
    for_what.native = native;
    for_what.native_seed = native_seed;
    for_what.native_end = native_end;
    enum status status = engine_compile(bytes_make(wasm, count), &engine_limits_default, &for_what,
                                        &report, NULL, &opened.image);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(opened.image.data, opened.image.count), true,
                                    &report, &opened.module);
    if (status == STATUS_OK && native_wrong != 0)
        make_wrong(&opened.image);
    if (status == STATUS_OK)
        status = engine_module_map_native(opened.module, -1, &report);
    if (status == STATUS_UNSUPPORTED)
        printf("gave up: unsupported: %s\n", report.text);
    else if (status != STATUS_OK)
        printf("not compiled: %s\n", report.text);
    free(wasm);
    return opened;
}

/* Which operation on which operands a handler is of. */
static void print_operation(int32_t distance)
{
    static const char letters[][3] = {"a", "s", "p0", "p1", "p2", "k"};
    for (uint32_t operation = 0; operation < OP_COUNT; operation++) {
        for (uint32_t i = 0; i < operation_variants(operation); i++) {
            uint8_t places[OPS_OPERANDS_MAX] = {0};
            operation_variant_places(operation, i, places);
            if (operation_handler(operation, places) != distance)
                continue;
            printf(" %s", operation_rows[operation].name);
            for (uint32_t k = 0; k < operation_rows[operation].operand_count; k++)
                printf(" %s", letters[places[k]]);
            return;
        }
    }
}

/* The cell right before native_end, which is no more than one further on. */
static void print_last_cell(const struct engine_module *module)
{
    const struct image_header *header = module->header;
    const struct image_func *funcs = image_at(header, header->funcs);
    uint32_t cell = native_end - 1;
    if (cell >= header->code.count)
        return;
    uint32_t func = 0;
    while (func + 1 < header->funcs.count && funcs[func + 1].entry <= cell)
        func++;
    const uint8_t *code = image_at(header, header->code);
    printf("last: function %u, cell %u:", func, cell - funcs[func].entry);
    print_operation((int32_t)dispatch_field32(code + cell));
    printf("\n");
}

int main(int argc, char **argv)
{
    is_exact = argc > 1 && strcmp(argv[1], "--exact") == 0;
    argc -= is_exact;
    argv += is_exact;
    if (argc > 1 && strncmp(argv[1], "--native=", 9) == 0) {
        bool is_on = strncmp(argv[1] + 9, "on", 2) == 0;
        native = is_on ? ENGINE_NATIVE_ON : ENGINE_NATIVE_MIXED;
        native_seed = (uint32_t)strtoul(argv[1] + 9, NULL, 10);
        if (strncmp(argv[1] + 9, "on:", 3) == 0)
            native_end = (uint32_t)strtoul(argv[1] + 12, NULL, 10);
        argc--;
        argv++;
    }
    if (argc > 1 && strncmp(argv[1], "--wrong=", 8) == 0) {
        native_wrong = (uint32_t)strtoul(argv[1] + 8, NULL, 10);
        argc--;
        argv++;
    }
    if (argc > 1)
        slice = strtoll(argv[1], NULL, 10);
    struct report report = REPORT_INIT;
    if (slice <= 0 || engine_init(&report) != STATUS_OK)
        return 2;
    struct opened support = {.module = NULL};
    if (argc > 2)
        support = open_file(argv[2]);
    char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        printf("== %s\n", path);
        struct opened opened = open_file(path);
        if (opened.module != NULL)
            run_module(opened.module, support.module);
        if (opened.module != NULL && native_end != 0)
            print_last_cell(opened.module);
        opened_done(&opened);
    }
    opened_done(&support);
    return 0;
}
