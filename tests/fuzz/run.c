/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, running and comparing modules in fuzz targets (run.h). The host's functions are in
 * run_host.c.
 */
#include "tests/fuzz/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/native.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"
#include "tests/fuzz/generate.h"
#include "tests/fuzz/run_host.h"

/* What no call may use beyond its fuel: the longest straight run, the largest chunk of a bulk
 * operation, clearing 50,000 locals and what a host function adds. */
#define RUN_OVERSHOOT_MAX  20000
#define RUN_SLICE_BITS     14
#define RUN_SLOTS_MAX      2000
#define RUN_FRAMES_MAX     16
#define RUN_MOVES_ONCE_IN  4 /* waiting calls to another machine */
#define RUN_COPY_PAGES_MAX 4 /* so that both ways back are taken */

const struct engine_limits run_limits = {
    .module_bytes = 1u << 20,
    .arena_bytes = 64u << 20,
    .memory_pages = 16,
    .table_entries = 10000,
    .stack_bytes = 1u << 16,
    .heap_bytes = 4u << 20,
};

/* ---- modules --------------------------------------------------------------------------------- */

bool run_is_generated(struct bytes input)
{
    return input.count < 4 || memcmp(input.data, "\0asm", 4) != 0;
}

void run_module_bytes(struct bytes input, struct buffer *wasm)
{
    if (run_is_generated(input)) {
        struct choices choices = choices_make(input.data, input.count);
        generate_module(&choices, GENERATE_ALONE, wasm);
    } else {
        ASSERT(buffer_append(wasm, input.data, input.count) == STATUS_OK);
    }
}

static void open_image(struct run *run)
{
    struct report report = REPORT_INIT;
    ASSERT(engine_module_open(bytes_make(run->image.data, run->image.count), true, &report,
                              &run->module) == STATUS_OK);
    if (!run->is_threaded)
        ASSERT(engine_module_map_native(run->module, -1, &report) == STATUS_OK);
    run_host_make(run);
}

bool run_open(struct run *run,
              struct bytes wasm,
              const struct engine_options *options,
              const struct run *first)
{
    struct report report = REPORT_INIT;
    if (engine_compile(wasm, &run_limits, options, &report, NULL, &run->image) != STATUS_OK)
        return false;
    run->is_mixed = options->native == ENGINE_NATIVE_MIXED;
    open_image(run);
    struct engine_machine *machine = first != NULL ? first->machine : NULL;
    if (first == NULL) {
        ASSERT(engine_machine_create(&run_limits, &report, &run->machine) == STATUS_OK);
        machine = run->machine;
    } else {
        run->first = first->instance;
    }
    struct engine_linker linker = run_host_linker(run);
    enum status status = engine_instantiate(machine, run->module, &linker, &report, &run->instance);
    /* Mappings that are not given back would show as this. */
    ASSERT(status != STATUS_NO_MEMORY);
    return status == STATUS_OK;
}

void run_close(struct run *run)
{
    engine_machine_free(run->machine);
    engine_module_close(run->module);
    engine_image_free(&run->image);
    free(run->hosts);
    *run = (struct run){0};
}

/* ---- questions ------------------------------------------------------------------------------- */

static void read_bytes(struct bytes bytes)
{
    volatile uint8_t all = 0;
    for (size_t i = 0; i < bytes.count; i++)
        all |= bytes.data[i];
}

/* Not by name: of a damaged image they may be none that has one. */
static void read_types(const struct engine_functype *type)
{
    read_bytes(bytes_make(type->params, type->param_count * sizeof(*type->params)));
    read_bytes(bytes_make(type->results, type->result_count * sizeof(*type->results)));
}

void run_ask(const struct engine_module *module)
{
    for (uint32_t i = 0; i < engine_module_import_count(module); i++) {
        struct engine_import_desc desc = engine_module_import(module, i);
        read_bytes(desc.module_name);
        read_bytes(desc.name);
        read_types(&desc.type);
    }
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        read_bytes(desc.name);
        read_types(&desc.type);
        if (desc.kind == ENGINE_EXTERN_GLOBAL)
            (void)engine_module_global_type(module, desc.index);
    }
    if (engine_module_has_checkpoint(module))
        read_bytes(engine_module_checkpoint_note(module));
    ASSERT(!engine_module_has_start(module) || engine_module_func_count(module) > 0);
    for (uint32_t i = 0; i < engine_module_memory_count(module); i++) {
        ASSERT(engine_module_memory(module, i).page_bytes > 0);
        if (engine_module_has_snapshot(module)) {
            struct engine_memory_image image = engine_module_memory_image(module, i);
            read_bytes(bytes_make((const uint8_t *)module->state + image.offset, image.bytes));
        }
    }
}

/* ---- state ----------------------------------------------------------------------------------- */

static void hash_more(uint64_t *hash, const void *data, size_t count)
{
    if (count > 0)
        *hash = XXH64(data, count, *hash);
}

static void hash_heap(uint64_t *hash, const struct heap *heap)
{
    uint64_t bytes = heap_image_bytes(heap);
    if (bytes == 0 || heap_phase(heap) != HEAP_IDLE)
        return;
    uint8_t *copy = calloc(1, bytes);
    ASSERT(copy != NULL);
    heap_image_write(heap, copy);
    hash_more(hash, copy, bytes);
    free(copy);
}

uint64_t run_state(const struct run *run)
{
    const struct engine_instance *instance = run->instance;
    const struct image_header *image = instance->image;
    uint64_t hash = 0;
    hash_more(&hash, instance->globals, image->global_slots * sizeof(instance->globals[0]));
    hash_more(&hash, instance->dropped_elems, image->elems.count);
    hash_more(&hash, instance->dropped_datas, image->datas.count);
    for (uint32_t i = 0; i < image->tables.count; i++)
        hash_more(&hash, instance->tables[i]->entries,
                  instance->tables[i]->count * sizeof(uint64_t));
    for (uint32_t i = 0; i < engine_memory_count(instance); i++) {
        struct engine_memory_view view = engine_memory_view(instance, i);
        hash_more(&hash, &view.bytes, sizeof(view.bytes));
        hash_more(&hash, view.base, view.bytes);
    }
    hash_heap(&hash, &instance->machine->heap);
    return hash;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void check_backtrace(const struct run *run)
{
    struct engine_frame_info frames[RUN_FRAMES_MAX];
    uint32_t count = engine_backtrace(run->instance->machine, frames, RUN_FRAMES_MAX);
    ASSERT(count <= RUN_FRAMES_MAX);
    for (uint32_t i = 0; i < count; i++)
        read_bytes(frames[i].func_name);
}

/*
 * Freezes the call that waits in a host function, and goes on with it on another machine, whose
 * counters are set to what they were, in the other tier. Not where there are objects: the
 * collection that comes before would make later ones come at other times than in a run that was not
 * frozen.
 */
static void move_call(struct run *run)
{
    struct run frozen = *run;
    struct engine_machine *from = run->machine;
    struct report report = REPORT_INIT;
    struct engine_image image;
    if (from == NULL || run->first != NULL || heap_image_bytes(&from->heap) > 0 ||
        engine_checkpoint(run->instance, bytes_of_text("note"), &report, &image) != STATUS_OK)
        return;
    uint64_t state = run_state(run);
    *run = (struct run){.interruptions = run->interruptions,
                        .log = run->log,
                        .owed = run->owed,
                        .is_threaded = !run->is_threaded,
                        .is_mixed = run->is_mixed};
    run_restore(run, image);
    ASSERT(engine_module_has_checkpoint(run->module) && run_state(run) == state);
    struct engine_machine *to = run->machine;
    to->registers.fuel = from->registers.fuel;
    to->fuel_used = from->fuel_used;
    to->fuel_priced = from->fuel_priced;
    engine_call_resume(to, run->instance);
    to->fuel_before = from->fuel_before;
    to->fuel_host = from->fuel_host;
    check_backtrace(run);
    run_close(&frozen);
}

/*
 * Runs the call that was begun up to RUN_FUEL units of fuel in all, as they are counted where it
 * is stopped: what a slice overshoots counts for the next, what it leaves is lost.
 */
static enum engine_outcome run_slices(struct run *run)
{
    struct engine_machine *machine = run->instance->machine;
    uint64_t before = engine_machine_fuel_used(machine);
    int64_t granted = -run->owed; /* up to here */
    run->owed = 0;                /* unless it ends well: else the engine forgets it too */
    for (;;) {
        int64_t left = RUN_FUEL - granted;
        if (left == 0) {
            run->is_unequal = true; /* waits without fuel: a run in one go would get further */
            return ENGINE_OUT_OF_FUEL;
        }
        int64_t slice = left;
        if (run->interruptions.state != 0) {
            uint64_t number = run_host_random(&run->interruptions);
            uint32_t bits = (uint32_t)(number >> 32) % RUN_SLICE_BITS;
            slice = MIN(left, (int64_t)(1 + number % (1u << bits)));
        }
        enum engine_outcome outcome = engine_run(machine, slice);
        granted += slice;
        int64_t used = (int64_t)(engine_machine_fuel_used(machine) - before);
        ASSERT(used - granted <= RUN_OVERSHOOT_MAX);
        if (outcome == ENGINE_OUT_OF_FUEL || outcome == ENGINE_PENDING)
            check_backtrace(run);
        if (outcome == ENGINE_OUT_OF_FUEL) {
            ASSERT(used >= granted);
            if (granted == RUN_FUEL)
                return outcome;
        } else if (outcome != ENGINE_PENDING) {
            run->owed = outcome == ENGINE_DONE ? MAX(used - granted, 0) : 0;
            return outcome;
        } else {
            ASSERT(run->interruptions.state != 0);
            granted = MIN(granted, used);
            if (run_host_random(&run->interruptions) % RUN_MOVES_ONCE_IN == 0)
                move_call(run);
            machine = run->instance->machine;
        }
    }
}

static void run_call(struct run *run, struct engine_functype type, struct run_records *records)
{
    struct engine_machine *machine = run->instance->machine;
    uint64_t before = engine_machine_fuel_used(machine);
    /* The type lies in the image, which may be another one afterwards. */
    uint32_t slots = engine_slot_count(type.results, type.result_count);
    enum engine_outcome outcome = run_slices(run);
    machine = run->instance->machine;
    struct run_record record = {.outcome = (uint64_t)outcome << 32,
                                .fuel = engine_machine_fuel_used(machine) - before,
                                .log = run->log};
    ASSERT((int64_t)record.fuel >= 0);
    /* A way out of native code that does not count would leave all of a slice in the sum. Of what
     * is mixed, threaded code may give back, turn by turn, what native code has taken. */
    int64_t threaded =
        (int64_t)(engine_machine_fuel_used(machine) - engine_machine_native_fuel(machine));
    ASSERT(run->is_mixed || threaded >= -RUN_OVERSHOOT_MAX);
    if (outcome == ENGINE_DONE) {
        const union engine_value *results = engine_call_results(machine);
        hash_more(&record.results, results, slots * sizeof(results[0]));
    } else {
        if (outcome == ENGINE_TRAPPED) {
            struct engine_trap_info trap = engine_machine_trap(machine);
            ASSERT(trap.trap != TRAP_NONE && trap.text[0] != '\0');
            record.outcome |= trap.trap;
            check_backtrace(run);
        }
        engine_call_cancel(machine);
    }
    ASSERT(engine_machine_instructions(machine) <= engine_machine_fuel_used(machine));
    record.state = run_state(run);
    if (records->count < COUNT_OF(records->rows))
        records->rows[records->count++] = record;
}

void run_start(struct run *run, struct run_records *records)
{
    if (engine_instance_begin_start(run->instance))
        run_call(run, (struct engine_functype){0}, records);
}

static void run_export(struct run *run, uint32_t number, struct run_records *records)
{
    struct engine_export_desc desc = engine_module_export(run->module, number);
    union engine_value arguments[RUN_SLOTS_MAX];
    struct run_slots slots = {.at = arguments, .seed = number};
    if (desc.kind != ENGINE_EXTERN_FUNC ||
        !run_host_values(&slots, desc.type.params, desc.type.param_count))
        return;
    engine_call_begin(run->instance->machine, run->instance, desc.index, arguments, slots.count);
    run_call(run, desc.type, records);
}

void run_exports(struct run *run, struct run_records *records)
{
    uint32_t count = MIN(engine_module_export_count(run->module), RUN_CALLS_MAX);
    for (uint32_t i = 0; i < count && !run->is_unequal; i++)
        run_export(run, i, records);
}

void run_compare(const struct run_records *a, const struct run_records *b)
{
    uint32_t count = MIN(a->count, b->count);
    for (uint32_t i = 0; i < count; i++) {
        const struct run_record *rows[] = {&a->rows[i], &b->rows[i]};
        if (memcmp(rows[0], rows[1], sizeof(*rows[0])) == 0)
            continue;
        for (uint32_t k = 0; k < COUNT_OF(rows); k++)
            (void)fprintf(stderr,
                          "call %u: outcome %" PRIx64 " fuel %" PRIu64 " results %" PRIx64
                          " log %" PRIx64 " state %" PRIx64 "\n",
                          i, rows[k]->outcome, rows[k]->fuel, rows[k]->results, rows[k]->log,
                          rows[k]->state);
        abort();
    }
}

/* ---- snapshots ------------------------------------------------------------------------------- */

bool run_snapshot(const struct run *run, struct engine_image *ret_image)
{
    struct report report = REPORT_INIT;
    enum status status = engine_snapshot(run->instance, &report, ret_image);
    ASSERT(status == STATUS_OK || (status == STATUS_UNSUPPORTED && report.text[0] != '\0'));
    return status == STATUS_OK;
}

bool run_checkpoint(struct run *run, struct engine_image *ret_image)
{
    struct report report = REPORT_INIT;
    uint32_t count = MIN(engine_module_export_count(run->module), RUN_CALLS_MAX);
    run->interruptions.state = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct engine_export_desc desc = engine_module_export(run->module, i);
        if (desc.kind != ENGINE_EXTERN_FUNC || desc.type.param_count > 0)
            continue;
        engine_call_begin(run->machine, run->instance, desc.index, NULL, 0);
        enum engine_outcome outcome = engine_run(run->machine, RUN_FUEL);
        bool is_made =
            outcome == ENGINE_PENDING && engine_checkpoint(run->instance, bytes_of_text("note"),
                                                           &report, ret_image) == STATUS_OK;
        engine_call_cancel(run->machine);
        if (is_made)
            return true;
    }
    return false;
}

void run_restore(struct run *run, struct engine_image image)
{
    struct report report = REPORT_INIT;
    run->image = image;
    open_image(run);
    ASSERT(engine_machine_create(&run_limits, &report, &run->machine) == STATUS_OK);
    struct engine_linker linker = run_host_linker(run);
    ASSERT(engine_restore(run->machine, run->module, &linker, false, &report, &run->instance) ==
           STATUS_OK);
}

void run_rewind(struct run *run)
{
    engine_call_cancel(run->machine);
    ASSERT(engine_rewind(run->instance, RUN_COPY_PAGES_MAX));
    run->log = 0;
    run->owed = 0;
    run->is_unequal = false;
}

void run_vacate(struct run *run)
{
    ASSERT(engine_vacate(run->instance));
}
