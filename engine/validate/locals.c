/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locals: their types, and which have a value.
 *
 * They are expanded into an array only as far as the body is long: runs of a few bytes may declare
 * 50,000 of them, in each of a million functions.
 */
#include "engine/validate/locals.h"

#include <inttypes.h>

#include "engine/read/decode_types.h"
#include "engine/validate/stack.h"

/* Locals that are looked up by index instead of by search: some, and 8 per body byte. */
#define EXPANDED_LOCALS_MIN      256u
#define EXPANDED_LOCALS_PER_BYTE 8u

/* Locals up to `end` and not in an earlier run. */
struct local_run {
    uint32_t end;
    uint32_t type;
};

static uint32_t local_type_slow(struct validator *v, uint32_t index)
{
    if (index >= v->local_count) {
        validate_fail(v, STATUS_INVALID, "unknown local %u: there are %u", index, v->local_count);
        return VALIDATE_UNKNOWN;
    }
    const struct local_run *runs = (const void *)v->local_runs.data;
    size_t low = 0;
    size_t high = v->local_runs.count / sizeof(*runs) - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (index < runs[middle].end)
            high = middle;
        else
            low = middle + 1;
    }
    return runs[low].type;
}

uint32_t validate_read_local_slow(struct validator *v, uint32_t index)
{
    uint32_t type = index < v->expanded_count ? v->locals[index] : local_type_slow(v, index);
    if ((type & VALIDATE_UNSET) != 0)
        validate_fail(v, STATUS_INVALID, "uninitialized local: %u has no value yet", index);
    return type & ~VALIDATE_UNSET;
}

uint32_t validate_set_local_slow(struct validator *v, uint32_t index)
{
    if (index >= v->expanded_count)
        return local_type_slow(v, index);
    if (buffer_append(&v->set_locals, &index, sizeof(index)) != STATUS_OK)
        validate_fail(v, STATUS_NO_MEMORY, "out of memory");
    v->locals[index] &= ~VALIDATE_UNSET;
    return v->locals[index];
}

void validate_unset_locals(struct validator *v, uint32_t count)
{
    const uint32_t *set = (const uint32_t *)(const void *)v->set_locals.data;
    for (size_t i = count; i < v->set_locals.count / sizeof(*set); i++)
        v->locals[set[i]] |= VALIDATE_UNSET;
    v->set_locals.count = count * sizeof(*set);
}

/* ---- at a body's beginning ---------------------------------------------------------------------
 */

void validate_init_locals(struct validator *v)
{
    buffer_init(&v->local_runs, MODULE_MAX_LOCALS * sizeof(struct local_run));
    buffer_init(&v->expanded, MODULE_MAX_LOCALS * sizeof(uint32_t));
    buffer_init(&v->set_locals, MODULE_MAX_LOCALS * sizeof(uint32_t));
}

static void append_run(struct validator *v, uint32_t end, uint32_t type)
{
    struct local_run run = {.end = end, .type = type};
    if (buffer_append(&v->local_runs, &run, sizeof(run)) != STATUS_OK)
        reader_fail(&v->reader, STATUS_NO_MEMORY, "out of memory");
}

void validate_read_locals(struct validator *v)
{
    struct reader *reader = &v->reader;
    uint64_t total = v->type->param_count;
    v->local_runs.count = 0;
    v->set_locals.count = 0;
    v->has_unset = false;
    uint32_t run_count = reader_count(reader, 2, "runs of locals");
    for (uint32_t i = 0; i < run_count && !reader_failed(reader); i++) {
        uint32_t count = reader_u32(reader);
        uint32_t type = decode_value_type(reader, v->module);
        total += count;
        if (total - v->type->param_count > UINT32_MAX)
            return reader_fail(reader, STATUS_MALFORMED, "too many locals: %" PRIu64, total);
        if (!types_is_defaultable(type)) {
            type |= VALIDATE_UNSET;
            v->has_unset = true;
        }
        if (count > 0 && total <= MODULE_MAX_LOCALS)
            append_run(v, (uint32_t)total, type);
    }
    if (total > MODULE_MAX_LOCALS)
        reader_fail(reader, STATUS_LIMIT, "function with %" PRIu64 " locals, the limit is %u",
                    total, MODULE_MAX_LOCALS);
    v->local_count = (uint32_t)total;
}

void validate_expand_locals(struct validator *v)
{
    uint32_t done = v->type->param_count;
    size_t most = done + EXPANDED_LOCALS_MIN + EXPANDED_LOCALS_PER_BYTE * reader_left(&v->reader);
    v->expanded_count = (uint32_t)MIN(v->local_count, most);
    /* Whether they have values is known only of expanded ones. */
    if (v->has_unset && v->expanded_count < v->local_count) {
        v->expanded_count = v->local_count;
        v->locals_total += v->local_count;
        if (v->locals_total > MODULE_MAX_LOCALS_TOTAL)
            return reader_fail(&v->reader, STATUS_LIMIT,
                               "more than %u locals in functions with locals that need a value",
                               MODULE_MAX_LOCALS_TOTAL);
    }
    if (buffer_reserve(&v->expanded, v->expanded_count * sizeof(uint32_t)) != STATUS_OK)
        return reader_fail(&v->reader, STATUS_NO_MEMORY, "out of memory");
    v->locals = (uint32_t *)(void *)v->expanded.data;
    if (done > 0)
        memcpy(v->locals, v->type->params, done * sizeof(*v->locals));
    for (const struct local_run *run = (const void *)v->local_runs.data; done < v->expanded_count;
         run++) {
        for (uint32_t end = MIN(run->end, v->expanded_count); done < end; done++)
            v->locals[done] = run->type;
    }
}
