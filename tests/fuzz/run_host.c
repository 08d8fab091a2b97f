/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions for any module, that answer from their arguments alone (run_host.h).
 */
#include "tests/fuzz/run_host.h"

#include <stdlib.h>
#include <xxhash.h>

#define HOST_WAITS_ONCE_IN 3
#define HOST_CHARGE_MAX    100
#define HOST_TRAPS_ONCE_IN 16
#define HOST_NO_FUNC       UINT32_MAX

struct run_host {
    struct run *run;
    struct engine_functype type;
    uint32_t number;
    uint32_t back; /* a function of the guest's without parameters; HOST_NO_FUNC */
};

enum host_kind { HOST_ANSWERS, HOST_WRITES, HOST_CALLS_BACK, HOST_TRAPS, HOST_KINDS };

uint64_t run_host_random(struct run_interruptions *interruptions)
{
    uint64_t state = interruptions->state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    interruptions->state = state;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t seed, uint64_t number)
{
    return XXH64(&number, sizeof(number), seed);
}

static bool value_of(uint32_t type, uint64_t seed, union engine_value *ret_value)
{
    /* Small numbers go further than large ones. */
    uint64_t number = seed % 4 == 0 ? seed >> 8 : (seed >> 8) % 64;
    switch (type & ~ENGINE_TYPE_NON_NULL) {
    case ENGINE_I32:
        ret_value->bits = (uint32_t)number;
        return true;
    case ENGINE_I64:
    case ENGINE_V128:
        ret_value->bits = number;
        return true;
    case ENGINE_F32: {
        float narrow = (float)(int64_t)number / 4;
        *ret_value = (union engine_value){.bits = 0};
        ret_value->f32 = narrow;
        return true;
    }
    case ENGINE_F64:
        ret_value->f64 = (double)(int64_t)number / 8;
        return true;
    case ENGINE_ANYREF:
    case ENGINE_EQREF:
    case ENGINE_I31REF:
    case ENGINE_EXTERNREF:
        ret_value->ref = ENGINE_REFERENCE_I31 | (number & INT32_MAX);
        return true;
    default:
        ret_value->ref = 0;
        return (type & ENGINE_TYPE_NON_NULL) == 0;
    }
}

bool run_host_values(struct run_slots *slots, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = engine_slot_count(&types[i], 1); k > 0; k--) {
            uint64_t seed = mix(slots->seed, slots->count);
            if (!value_of(types[i], seed, &slots->at[slots->count]))
                return false;
            slots->count++;
        }
    }
    return true;
}

/* ---- functions ------------------------------------------------------------------------------- */

static enum engine_outcome answer(struct engine_host_call *call, const struct run_host *host)
{
    struct run_slots slots = {.at = call->slots, .seed = host->run->log};
    if (!run_host_values(&slots, host->type.results, host->type.result_count))
        return engine_host_trap(call, "the host has no such reference");
    return ENGINE_DONE;
}

static enum engine_outcome write_memory(struct engine_host_call *call, const struct run_host *host)
{
    uint64_t seed = host->run->log;
    uint64_t address = seed % 70000;
    uint64_t count = (seed >> 32) % 5000;
    const uint8_t *from;
    uint8_t *to;
    engine_host_charge(call, seed % HOST_CHARGE_MAX);
    if (engine_memory_count(call->instance) > 0 &&
        engine_memory_read(call->instance, address, count, &from) &&
        engine_memory_write(call->instance, address, count, &to) && count > 0) {
        ASSERT(from == to);
        to[0] ^= (uint8_t)(seed >> 16);
        to[count - 1] ^= (uint8_t)(seed >> 24);
    }
    return answer(call, host);
}

static enum engine_outcome host_call(struct engine_host_call *call)
{
    const struct run_host *host = call->context;
    struct run *run = host->run;
    if (run->interruptions.state != 0 &&
        run_host_random(&run->interruptions) % HOST_WAITS_ONCE_IN == 0)
        return ENGINE_PENDING;
    enum host_kind kind = host->number % HOST_KINDS;
    if (call->step == 0) {
        uint32_t slots = engine_slot_count(host->type.params, host->type.param_count);
        run->log = mix(run->log, host->number);
        if (slots > 0)
            run->log = XXH64(call->slots, slots * sizeof(call->slots[0]), run->log);
        if (kind == HOST_CALLS_BACK && host->back != HOST_NO_FUNC)
            return engine_host_call_guest(call, host->back, NULL, 0, 1);
    }
    if (kind == HOST_TRAPS && run->log % HOST_TRAPS_ONCE_IN == 0)
        return engine_host_exit(call, (int)(run->log >> 32 & UINT8_MAX));
    if (kind == HOST_WRITES)
        return write_memory(call, host);
    return answer(call, host);
}

/* ---- linking --------------------------------------------------------------------------------- */

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct run *run = context;
    *ret_extern = (struct engine_extern){.kind = import->kind};
    if (import->kind == ENGINE_EXTERN_FUNC) {
        ret_extern->host = host_call;
        ret_extern->host_context = &run->hosts[import->index];
        return true;
    }
    if (run->first == NULL)
        return false;
    const struct engine_module *module = engine_instance_module(run->first);
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        if (desc.kind == import->kind && bytes_equal(desc.name, import->name)) {
            ret_extern->instance = run->first;
            ret_extern->index = desc.index;
            return true;
        }
    }
    return false;
}

struct engine_linker run_host_linker(struct run *run)
{
    return (struct engine_linker){.resolve = resolve, .context = run};
}

static uint32_t find_back(const struct engine_module *module)
{
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        if (desc.kind == ENGINE_EXTERN_FUNC && desc.type.param_count == 0)
            return desc.index;
    }
    return HOST_NO_FUNC;
}

void run_host_make(struct run *run)
{
    uint32_t count = engine_module_import_count(run->module);
    uint32_t back = find_back(run->module);
    run->hosts = calloc(count + 1, sizeof(*run->hosts));
    ASSERT(run->hosts != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc desc = engine_module_import(run->module, i);
        if (desc.kind == ENGINE_EXTERN_FUNC)
            run->hosts[desc.index] = (struct run_host){
                .run = run, .type = desc.type, .number = desc.index, .back = back};
    }
}
