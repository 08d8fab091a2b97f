/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory is poisoned while it is watched, and the ranges that were asked for are not: by
 * functions of the sanitizer's, which are not there in a build without it.
 */
#include "tests/fuzz/hostcalls_engine.h"

#include <stdio.h>
#include <stdlib.h>

/* The sanitizer's own names. */
void __asan_poison_memory_region(const volatile void *at, size_t count) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *at, size_t count) __attribute__((weak));

static void engine_poison(const uint8_t *at, uint64_t count)
{
    if (__asan_poison_memory_region != NULL)
        __asan_poison_memory_region(at, count);
}

static void engine_unpoison(const uint8_t *at, uint64_t count)
{
    if (__asan_unpoison_memory_region != NULL)
        __asan_unpoison_memory_region(at, count);
}

static uint8_t *engine_space(uint64_t bytes)
{
    uint8_t *space = malloc(MAX(bytes, UINT64_C(1)));
    ASSERT(space != NULL);
    memset(space, 0, bytes);
    return space;
}

void hostcalls_engine_make(struct engine_instance *instance, uint64_t bytes)
{
    *instance = (struct engine_instance){.bytes = bytes};
    instance->memory = engine_space(bytes);
    instance->before = engine_space(bytes);
}

void hostcalls_engine_free(struct engine_instance *instance)
{
    free(instance->memory);
    free(instance->before);
}

void hostcalls_engine_move(struct engine_instance *instance, uint64_t bytes)
{
    ASSERT(!instance->watched && bytes >= instance->bytes);
    uint8_t *memory = engine_space(bytes);
    memcpy(memory, instance->memory, instance->bytes);
    hostcalls_engine_free(instance);
    instance->memory = memory;
    instance->before = engine_space(bytes);
    instance->bytes = bytes;
}

/* ---- watching -------------------------------------------------------------------------------- */

void hostcalls_engine_watch(struct engine_instance *instance)
{
    ASSERT(!instance->watched);
    memcpy(instance->before, instance->memory, instance->bytes);
    instance->written_count = 0;
    instance->watched = true;
    engine_poison(instance->memory, instance->bytes);
}

/* The end of the ranges that lie at `at`. */
static uint64_t engine_written_end(const struct engine_instance *instance, uint64_t at)
{
    uint64_t end = at;
    for (uint32_t i = 0; i < instance->written_count; i++) {
        const struct engine_range *range = &instance->written[i];
        if (at >= range->address && at - range->address < range->count)
            end = MAX(end, range->address + range->count);
    }
    return end;
}

uint64_t hostcalls_engine_check(struct engine_instance *instance)
{
    ASSERT(instance->watched);
    instance->watched = false;
    engine_unpoison(instance->memory, instance->bytes);
    if (memcmp(instance->before, instance->memory, instance->bytes) == 0)
        return 0;
    uint64_t changed = 0;
    uint64_t end = 0; /* of ranges that may be written */
    for (uint64_t i = 0; i < instance->bytes; i++) {
        if (instance->before[i] == instance->memory[i])
            continue;
        changed++;
        if (i >= end)
            end = engine_written_end(instance, i);
        ASSERT(i < end);
    }
    return changed;
}

static bool
engine_ask(struct engine_instance *instance, uint64_t address, uint64_t count, uint8_t **ret_data)
{
    if (count > instance->bytes || address > instance->bytes - count)
        return false;
    if (instance->watched)
        engine_unpoison(instance->memory + address, count);
    *ret_data = instance->memory + address;
    return true;
}

bool engine_memory_read(struct engine_instance *instance,
                        uint64_t address,
                        uint64_t count,
                        const uint8_t **ret_data)
{
    uint8_t *data;
    if (!engine_ask(instance, address, count, &data))
        return false;
    *ret_data = data;
    return true;
}

bool engine_memory_write(struct engine_instance *instance,
                         uint64_t address,
                         uint64_t count,
                         uint8_t **ret_data)
{
    if (!engine_ask(instance, address, count, ret_data))
        return false;
    if (count > 0 && instance->watched) {
        ASSERT(instance->written_count < ENGINE_RANGES_MAX);
        instance->written[instance->written_count++] =
            (struct engine_range){.address = address, .count = count};
    }
    return true;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static enum engine_outcome
engine_ended(struct engine_host_call *call, enum engine_trap trap, int exit_code, const char *text)
{
    struct engine_machine *machine = &call->instance->machine;
    (void)snprintf(machine->trap_text, sizeof(machine->trap_text), "%s", text);
    machine->trap =
        (struct engine_trap_info){.trap = trap, .exit_code = exit_code, .text = machine->trap_text};
    return ENGINE_TRAPPED;
}

enum engine_outcome engine_host_trap(struct engine_host_call *call, const char *text)
{
    return engine_ended(call, TRAP_HOST, 0, text);
}

enum engine_outcome engine_host_exit(struct engine_host_call *call, int exit_code)
{
    return engine_ended(call, TRAP_EXIT, exit_code, "exit");
}

void engine_host_charge(struct engine_host_call *call, uint64_t fuel)
{
    call->instance->machine.fuel_used += fuel;
}

void engine_call_begin(struct engine_machine *machine,
                       struct engine_instance *instance,
                       uint32_t func_index,
                       const union engine_value *arguments,
                       uint32_t slots)
{
    ASSERT(machine == &instance->machine);
    ASSERT(func_index < ENGINE_EXPORTS_MAX && (arguments != NULL || slots == 0));
    machine->calls++;
}

/* No module of the fuzzer's has one. */
bool engine_module_has_checkpoint(const struct engine_module *module)
{
    (void)module;
    return false;
}

struct bytes engine_module_checkpoint_note(const struct engine_module *module)
{
    (void)module;
    return bytes_make(NULL, 0);
}

void engine_call_resume(struct engine_machine *machine, struct engine_instance *instance)
{
    ASSERT(machine == &instance->machine);
    machine->calls++;
}

const union engine_value *engine_call_results(const struct engine_machine *machine)
{
    return machine->results;
}

uint64_t engine_machine_fuel_used(const struct engine_machine *machine)
{
    return machine->fuel_used;
}

struct engine_trap_info engine_machine_trap(const struct engine_machine *machine)
{
    return machine->trap;
}

struct engine_machine *engine_instance_machine(const struct engine_instance *instance)
{
    return (struct engine_machine *)(uintptr_t)&instance->machine;
}

const struct engine_module *engine_instance_module(const struct engine_instance *instance)
{
    return &instance->module;
}

/* ---- the module ------------------------------------------------------------------------------ */

bool engine_module_has_start(const struct engine_module *module)
{
    return module->has_start;
}

bool engine_module_find_export(const struct engine_module *module,
                               const char *name,
                               enum engine_extern_kind kind,
                               struct engine_export_desc *ret_export)
{
    static const uint32_t i32[] = {ENGINE_I32, ENGINE_I32};
    static const uint32_t i64[] = {ENGINE_I64};
    static const struct {
        const char *name;
        struct engine_functype type;
    } exports[] = {
        {"_start", {.param_count = 0}},
        {"handle_request", {.results = i64, .result_count = 1}},
        {"handle_response", {.params = i32, .param_count = 2}},
        {"_routes", {.param_count = 0}},
        {"_initialize", {.param_count = 0}},
        {"wizer.initialize", {.param_count = 0}},
        {"skerry_init", {.param_count = 0}},
    };
    _Static_assert(COUNT_OF(exports) <= ENGINE_EXPORTS_MAX, "each is a bit");
    for (uint32_t i = 0; i < COUNT_OF(exports); i++) {
        if (kind != ENGINE_EXTERN_FUNC || (module->exports >> i & 1) == 0 ||
            strcmp(exports[i].name, name) != 0)
            continue;
        *ret_export = (struct engine_export_desc){.name = bytes_of_text(name),
                                                  .kind = ENGINE_EXTERN_FUNC,
                                                  .index = i,
                                                  .type = exports[i].type};
        return true;
    }
    return false;
}

/* The imports are the tables' own, one by one: the fuzzer links them itself. */
uint32_t engine_module_import_count(const struct engine_module *module)
{
    (void)module;
    return 0;
}

struct engine_import_desc engine_module_import(const struct engine_module *module, uint32_t i)
{
    (void)module;
    (void)i;
    ASSERT(false);
    return (struct engine_import_desc){.index = 0};
}
