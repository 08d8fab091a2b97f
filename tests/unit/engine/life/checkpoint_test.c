/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: a call that waits in a host function, frozen, goes on from there as if nothing had
 * been, as often as wanted, on other machines.
 */
#include "engine/image/image_writer.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define SLICE 7
#define NEVER UINT32_MAX

/* What the host functions do. */
struct world {
    struct guest guest;
    uint32_t calls;   /* of host.wait that were answered */
    uint32_t wait_at; /* the call that waits, by that count */
};

static enum engine_outcome host_wait(struct engine_host_call *call)
{
    struct world *world = call->context;
    if (world->calls == world->wait_at)
        return ENGINE_PENDING;
    world->calls++;
    call->slots[0].i32 = call->slots[0].i32 * 2 + 1;
    return ENGINE_DONE;
}

static enum engine_outcome host_back(struct engine_host_call *call)
{
    const struct engine_module *module = engine_instance_module(call->instance);
    struct engine_export_desc inner;
    if (call->step != 0) {
        call->slots[0].i32 = call->results[0].i32;
        return ENGINE_DONE;
    }
    assert_true(engine_module_find_export(module, "inner", ENGINE_EXTERN_FUNC, &inner));
    return engine_host_call_guest(call, inner.index, call->slots, 1, 1);
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    *ret_extern = (struct engine_extern){
        .kind = ENGINE_EXTERN_FUNC,
        .host = bytes_equal_text(import->name, "wait") ? host_wait : host_back,
        .host_context = context,
    };
    return true;
}

static void world_load(struct world *world)
{
    const struct engine_linker linker = {.resolve = resolve, .context = world};
    *world = (struct world){.wait_at = NEVER};
    world->guest = guest_load("engine_checkpoint", &linker);
}

/* Opens the image, which becomes the world's, and restores it. */
static void world_restore(struct world *world, struct engine_image image, bool is_mapped)
{
    const struct engine_linker linker = {.resolve = resolve, .context = world};
    struct report report = REPORT_INIT;
    struct guest *guest = &world->guest;
    *world = (struct world){.wait_at = NEVER};
    guest->image = image;
    struct bytes bytes = bytes_make(image.data, image.count);
    assert_int_equal(engine_module_open(bytes, true, &report, &guest->module), STATUS_OK);
    assert_true(engine_module_has_checkpoint(guest->module));
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &guest->machine),
                     STATUS_OK);
    assert_int_equal(engine_restore(guest->machine, guest->module, &linker, is_mapped, &report,
                                    &guest->instance),
                     STATUS_OK);
    for (uint32_t i = 0; is_mapped && i < engine_memory_count(guest->instance); i++)
        guest_map_image(guest, i);
}

static struct engine_image checkpoint(struct world *world)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(
        engine_checkpoint(world->guest.instance, bytes_of_text("a note"), &report, &image),
        STATUS_OK);
    return image;
}

/* Contents and sizes of memories, and globals, as one number. */
static uint64_t state_of(const struct guest *guest)
{
    uint64_t hash = engine_global_get(guest->instance, 0)->i64;
    for (uint32_t i = 0; i < engine_memory_count(guest->instance); i++) {
        struct engine_memory_view view = engine_memory_view(guest->instance, i);
        for (uint64_t at = 0; at < view.bytes; at++)
            hash = (hash ^ view.base[at]) * UINT64_C(0x100000001b3);
        hash ^= view.bytes;
    }
    return hash;
}

/* ---- going on -------------------------------------------------------------------------------- */

struct row {
    const char *name;
    uint32_t argument;
    uint32_t waits; /* calls of host.wait */
};

static const struct row rows[] = {
    {"deep", 0, 1}, {"deep", 1, 1},     {"deep", 5000, 1},   {"loop", 1, 1},
    {"loop", 9, 9}, {"catch", 0, 2},    {"catch", 300, 2},   {"tail", 21, 1},
    {"many", 4, 1}, {"indirect", 3, 2}, {"memories", 77, 2},
};

struct wanted {
    uint32_t result;
    uint64_t fuel;
    uint64_t state;
};

static struct wanted run_whole(const struct row *row)
{
    struct world world;
    world_load(&world);
    struct wanted wanted = {.result = (uint32_t)guest_call(&world.guest, row->name, row->argument)};
    assert_int_equal(world.calls, row->waits);
    wanted.fuel = engine_machine_fuel_used(world.guest.machine);
    wanted.state = state_of(&world.guest);
    guest_done(&world.guest);
    return wanted;
}

static void goes_on(struct world *world, int64_t slice, struct wanted wanted, uint64_t fuel_before)
{
    struct guest *guest = &world->guest;
    engine_call_resume(guest->machine, guest->instance);
    assert_int_equal(guest_run(guest, slice), ENGINE_DONE);
    assert_int_equal(engine_call_results(guest->machine)->i32, wanted.result);
    assert_int_equal(engine_machine_fuel_used(guest->machine) + fuel_before, wanted.fuel);
    assert_int_equal(state_of(guest), wanted.state);
}

/* Restored, run to its end, rewound and run again; then as it waited long. */
static void check_restored(struct engine_image image,
                           bool is_mapped,
                           uint64_t frozen_state,
                           struct wanted wanted,
                           uint64_t fuel_before)
{
    struct world world;
    world_restore(&world, image, is_mapped);
    assert_int_equal(state_of(&world.guest), frozen_state);
    for (uint32_t round = 0; round < 3; round++) {
        goes_on(&world, round == 1 ? SLICE : 1000000, wanted, fuel_before);
        assert_true(engine_rewind(world.guest.instance, round == 2 ? 0 : 64));
        assert_int_equal(state_of(&world.guest), frozen_state);
    }
    assert_true(engine_vacate(world.guest.instance));
    for (uint32_t i = 0; is_mapped && i < engine_memory_count(world.guest.instance); i++)
        guest_map_image(&world.guest, i);
    goes_on(&world, SLICE, wanted, fuel_before);
    guest_done(&world.guest);
}

static void check_row(const struct row *row, uint32_t wait_at)
{
    struct wanted wanted = run_whole(row);
    struct world world;
    world_load(&world);
    world.wait_at = wait_at;
    guest_begin(&world.guest, row->name, &(union engine_value){.i32 = row->argument});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    uint64_t fuel_before = engine_machine_fuel_used(world.guest.machine);
    uint64_t frozen_state = state_of(&world.guest);
    for (int is_mapped = 0; is_mapped < 2; is_mapped++)
        check_restored(checkpoint(&world), is_mapped, frozen_state, wanted, fuel_before);
    /* The one that was frozen goes on too. */
    world.wait_at = NEVER;
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_DONE);
    assert_int_equal(engine_call_results(world.guest.machine)->i32, wanted.result);
    assert_int_equal(state_of(&world.guest), wanted.state);
    guest_done(&world.guest);
}

static void a_frozen_call_goes_on_from_wherever_it_waited(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (uint32_t wait_at = 0; wait_at < rows[i].waits; wait_at++)
            check_row(&rows[i], wait_at);
    }
}

static void a_checkpoint_of_one_that_was_resumed_is_the_same_image(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    world.wait_at = 0;
    guest_begin(&world.guest, "deep", &(union engine_value){.i32 = 100});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    struct engine_image first = checkpoint(&world);
    struct world again;
    world_restore(&again, first, false);
    again.wait_at = 0;
    engine_call_resume(again.guest.machine, again.guest.instance);
    assert_int_equal(guest_run(&again.guest, SLICE), ENGINE_PENDING);
    struct engine_image second = checkpoint(&again);
    assert_int_equal(second.count, first.count);
    assert_memory_equal(second.data, first.data, first.count);
    engine_image_free(&second);
    guest_done(&again.guest);
    guest_done(&world.guest);
}

static void another_call_can_be_made_instead_of_the_frozen_one(void **state)
{
    (void)state;
    struct world world;
    struct world again;
    world_load(&world);
    world.wait_at = 0;
    guest_begin(&world.guest, "deep", &(union engine_value){.i32 = 100});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    world_restore(&again, checkpoint(&world), false);
    struct bytes note = engine_module_checkpoint_note(again.guest.module);
    assert_true(bytes_equal_text(note, "a note"));
    assert_int_equal(guest_call(&again.guest, "tail", 4), 9);
    guest_done(&again.guest);
    guest_done(&world.guest);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void assert_refused(const struct world *world, const char *why)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(engine_checkpoint(world->guest.instance, bytes_make(NULL, 0), &report, &image),
                     STATUS_UNSUPPORTED);
    assert_non_null(strstr(report.text, why));
}

static void a_call_that_runs_or_that_the_host_waits_for_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    guest_begin(&world.guest, "deep", &(union engine_value){.i32 = 100});
    assert_int_equal(engine_run(world.guest.machine, 100), ENGINE_OUT_OF_FUEL);
    assert_refused(&world, "waits in a host function");
    engine_call_cancel(world.guest.machine);
    world.wait_at = world.calls;
    guest_begin(&world.guest, "outer", &(union engine_value){.i32 = 1});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    assert_refused(&world, "called back");
    guest_done(&world.guest);
}

static void a_module_through_whose_functions_references_of_the_host_go_is_refused(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 1, ENGINE_I32, 1, ENGINE_I32, 0x60, 1, ENGINE_EXTERNREF,
                 0);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 1, 'h', 4, 'w', 'a', 'i', 't', 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 2, 0, 1);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 2, 'g', 'o', 0, 1);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 2);
    WASM(&wasm, 6, 0, 0x20, 0, 0x10, 0, 0x0b);
    WASM(&wasm, 2, 0, 0x0b);
    wasm_close(&wasm, code);
    struct world world = {.wait_at = 0};
    const struct engine_linker linker = {.resolve = resolve, .context = &world};
    world.guest = guest_make(&wasm, &linker);
    guest_begin(&world.guest, "go", &(union engine_value){.i32 = 1});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    assert_refused(&world, "external references");
    guest_done(&world.guest);
}

static void frames_that_do_not_fit_the_stack_are_not_restored(void **state)
{
    (void)state;
    struct world world;
    struct world again;
    world_load(&world);
    world.wait_at = 0;
    guest_begin(&world.guest, "deep", &(union engine_value){.i32 = 5000});
    assert_int_equal(guest_run(&world.guest, 1000000), ENGINE_PENDING);
    world_restore(&again, checkpoint(&world), false);
    struct report report = REPORT_INIT;
    struct engine_limits limits = engine_limits_default;
    struct engine_machine *machine;
    struct engine_instance *instance;
    limits.stack_bytes = 4096;
    assert_int_equal(engine_machine_create(&limits, &report, &machine), STATUS_OK);
    const struct engine_linker linker = {.resolve = resolve, .context = &world};
    assert_int_equal(
        engine_restore(machine, again.guest.module, &linker, false, &report, &instance),
        STATUS_LIMIT);
    engine_machine_free(machine);
    guest_done(&again.guest);
    guest_done(&world.guest);
}

/* Any one word of the frames' numbers, made large: refused, though the checksum fits. */
static void damaged_frames_are_refused(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    world.wait_at = 0;
    guest_begin(&world.guest, "deep", &(union engine_value){.i32 = 20});
    assert_int_equal(guest_run(&world.guest, SLICE), ENGINE_PENDING);
    struct engine_image image = checkpoint(&world);
    struct image_header *header = (struct image_header *)(void *)image.data;
    uint32_t *links = (uint32_t *)(void *)(image.data + header->frame_links.offset);
    uint64_t *slots = (uint64_t *)(void *)(image.data + header->frame_slots.offset);
    uint64_t *const words[] = {&slots[links[0]], &slots[links[0] + 1], &slots[links[7]],
                               &slots[links[7] + 1]};
    uint32_t *const numbers[] = {&links[0],
                                 &links[21],
                                 &header->frame_pc,
                                 &header->frame_fp,
                                 &header->frame_func,
                                 &header->frame_slots.count,
                                 &header->frame_slots.offset,
                                 &header->frame_links.count,
                                 &header->frame_note.count};
    for (size_t i = 0; i < COUNT_OF(words) + COUNT_OF(numbers); i++) {
        struct report report = REPORT_INIT;
        struct engine_module *module;
        uint64_t *word = i < COUNT_OF(words) ? words[i] : NULL;
        uint32_t *number = word != NULL ? NULL : numbers[i - COUNT_OF(words)];
        uint64_t kept = word != NULL ? *word : *number;
        if (word != NULL)
            *word = (uint64_t)1 << 40;
        else
            *number = UINT32_MAX - 6;
        image_seal(&image);
        assert_int_equal(
            engine_module_open(bytes_make(image.data, image.count), true, &report, &module),
            STATUS_CORRUPT);
        if (word != NULL)
            *word = kept;
        else
            *number = (uint32_t)kept;
    }
    engine_image_free(&image);
    guest_done(&world.guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_call_goes_on_from_wherever_it_waited),
        cmocka_unit_test(a_checkpoint_of_one_that_was_resumed_is_the_same_image),
        cmocka_unit_test(another_call_can_be_made_instead_of_the_frozen_one),
        cmocka_unit_test(a_call_that_runs_or_that_the_host_waits_for_is_refused),
        cmocka_unit_test(a_module_through_whose_functions_references_of_the_host_go_is_refused),
        cmocka_unit_test(frames_that_do_not_fit_the_stack_are_not_restored),
        cmocka_unit_test(damaged_frames_are_refused),
    };
    return cmocka_run_group_tests_name("engine/checkpoint", tests, NULL, NULL);
}
