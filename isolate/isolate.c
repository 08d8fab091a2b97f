/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an isolate from an artifact: a machine, the restored instance, and the
 * snapshot's memories mapped privately over the instance's reserved address space.
 *
 * Invariant: between create and free, and whenever isolate_reset returned true, the
 * instance is byte for byte what the snapshot says and the host knows no request.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/native.h"
#include "isolate/artifact.h"
#include "isolate/parts.h"

#define ISOLATE_MAGIC      UINT64_C(0x69736f6c61746531)
#define ISOLATE_FREED      UINT64_C(0x69736f6c66726565)
#define ISOLATE_PAGE_BYTES 65536
#define ISOLATE_SHED_BYTES (UINT64_C(2) << 20) /* 512 pages: some 50 us */

static enum status isolate_map(const struct isolate *isolate,
                               uint32_t index,
                               const struct engine_memory_mapping *mapping,
                               int fd,
                               struct report *report)
{
    struct engine_memory_view view = engine_memory_view(isolate->instance, index);
    if (view.base == NULL || mapping->bytes > view.initial_bytes ||
        mapping->at > view.initial_bytes - mapping->bytes)
        return report_fail(report, STATUS_CORRUPT, mapping->offset,
                           "artifact: image of memory %u is larger than the memory", index);
    void *mapped = mmap(view.base + mapping->at, mapping->bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, (off_t)mapping->offset);
    if (mapped == MAP_FAILED)
        return report_errno(report, "isolate: cannot map its memory");
    return STATUS_OK;
}

/* The base's contents if there is a base, then what the artifact has over them. */
static enum status
isolate_map_memory(const struct isolate *isolate, uint32_t index, struct report *report)
{
    const struct isolate_artifact *artifact = isolate->artifact;
    struct engine_memory_image image = engine_module_memory_image(artifact->module, index);
    struct engine_memory_mapping mapping = {.offset = image.offset, .bytes = image.bytes};
    enum status status = STATUS_OK;
    if (image.bytes > 0)
        status = isolate_map(isolate, index, &mapping,
                             artifact->base != NULL ? artifact->base->fd : artifact->fd, report);
    for (uint32_t i = 0;
         status == STATUS_OK && engine_module_next_mapping(artifact->module, index, &i, &mapping);)
        status = isolate_map(isolate, index, &mapping, artifact->fd, report);
    return status;
}

static enum status isolate_map_memories(const struct isolate *isolate, struct report *report)
{
    enum status status = STATUS_OK;
    uint32_t count = engine_memory_count(isolate->instance);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        status = isolate_map_memory(isolate, i, report);
    return status;
}

static struct engine_limits isolate_engine_limits(const struct config_limits *limits)
{
    struct engine_limits engine = engine_limits_default;
    engine.memory_pages = (uint32_t)(limits->memory / ISOLATE_PAGE_BYTES);
    engine.table_entries = (uint32_t)limits->table;
    engine.stack_bytes = (uint32_t)limits->stack;
    engine.heap_bytes = limits->heap;
    return engine;
}

static enum status isolate_build(struct isolate *isolate,
                                 const struct config_limits *limits,
                                 const struct clock *clock,
                                 struct report *report)
{
    const struct engine_module *module = isolate->artifact->module;
    struct engine_linker linker;
    enum status status = isolate->ops.create(isolate->ops.context, module, &linker, &isolate->host);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "isolate: no host for its module");
    struct engine_limits engine = isolate_engine_limits(limits);
    uint64_t began = clock_monotonic_ns(clock);
    status = engine_machine_create(&engine, report, &isolate->machine);
    isolate->map_ns = clock_monotonic_ns(clock) - began;
    if (status == STATUS_OK)
        status =
            engine_restore(isolate->machine, module, &linker, true, report, &isolate->instance);
    began = clock_monotonic_ns(clock);
    if (status == STATUS_OK)
        status = isolate_map_memories(isolate, report);
    if (status == STATUS_OK)
        engine_fill(isolate->instance);
    isolate->map_ns += clock_monotonic_ns(clock) - began;
    return status;
}

enum status isolate_create(struct isolate_artifact *artifact,
                           const struct config_limits *limits,
                           const struct isolate_host_ops *ops,
                           const struct clock *clock,
                           struct report *report,
                           struct isolate **ret_isolate)
{
    struct isolate *isolate = calloc(1, sizeof(*isolate));
    if (isolate == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "isolate: out of memory");
    isolate->magic = ISOLATE_MAGIC;
    isolate->ops = *ops;
    isolate->artifact = isolate_artifact_ref(artifact);
    enum status status = isolate_build(isolate, limits, clock, report);
    if (status != STATUS_OK) {
        isolate_free(isolate);
        return status;
    }
    (void)isolate_claim_set(&isolate->claim, ISOLATE_BUDGET_ISOLATE, ISOLATE_FLAT_BYTES);
    *ret_isolate = isolate;
    return STATUS_OK;
}

struct engine_machine *isolate_machine(const struct isolate *isolate)
{
    return isolate->machine;
}

struct engine_instance *isolate_instance(const struct isolate *isolate)
{
    return isolate->instance;
}

void *isolate_host(const struct isolate *isolate)
{
    return isolate->host;
}

bool isolate_reset(struct isolate *isolate)
{
    ASSERT(isolate->magic == ISOLATE_MAGIC);
    isolate->ops.reset(isolate->host);
    if (!engine_rewind(isolate->instance, ISOLATE_COPY_PAGES_MAX))
        return false;
    (void)isolate_claim_set(&isolate->claim, ISOLATE_BUDGET_MEMORY,
                            engine_rewound_own_bytes(isolate->instance));
    (void)isolate_claim_set(&isolate->claim, ISOLATE_BUDGET_HEAP,
                            engine_machine_heap_bytes(isolate->machine));
    isolate->served = 0;
    isolate->reset_count++;
    return true;
}

bool isolate_trim(struct isolate *isolate)
{
    struct report report = REPORT_INIT;
    ASSERT(isolate->magic == ISOLATE_MAGIC && isolate->served == 0);
    if (!engine_vacate(isolate->instance) || isolate_map_memories(isolate, &report) != STATUS_OK)
        return false;
    /* Known, not measured: a look at stack and dirty maps would bring their page tables back. */
    struct isolate_claim *claim = &isolate->claim;
    (void)isolate_claim_set(claim, ISOLATE_BUDGET_MEMORY, 0);
    (void)isolate_claim_set(claim, ISOLATE_BUDGET_STACK, 0);
    (void)isolate_claim_set(claim, ISOLATE_BUDGET_HEAP,
                            engine_machine_heap_bytes(isolate->machine));
    /* Of the artifact and its native code only this process's view goes; whoever needs it finds the
     * file's pages. The artifact last, because all of this looks into it. */
    const struct isolate_artifact *artifact = isolate->artifact;
    engine_module_vacate_native(artifact->module);
    (void)madvise(artifact->data, artifact->count, MADV_DONTNEED);
    (void)isolate_claim_set(claim, ISOLATE_BUDGET_ISOLATE, ISOLATE_TRIMMED_BYTES);
    return true;
}

void isolate_wake(struct isolate *isolate)
{
    ASSERT(isolate->magic == ISOLATE_MAGIC);
    engine_fill(isolate->instance);
}

bool isolate_measure(struct isolate *isolate)
{
    ASSERT(isolate->magic == ISOLATE_MAGIC);
    struct engine_machine *machine = isolate->machine;
    struct isolate_claim *claim = &isolate->claim;
    bool grew =
        isolate_claim_set(claim, ISOLATE_BUDGET_MEMORY, engine_own_bytes(isolate->instance));
    grew |= isolate_claim_set(claim, ISOLATE_BUDGET_HEAP, engine_machine_heap_bytes(machine));
    grew |= isolate_claim_set(claim, ISOLATE_BUDGET_STACK, engine_machine_stack_bytes(machine));
    return grew;
}

void isolate_keep(struct isolate *isolate)
{
    ASSERT(isolate->magic == ISOLATE_MAGIC);
    isolate->ops.keep(isolate->host);
}

bool isolate_is_worn(const struct isolate *isolate)
{
    return engine_rewind_exceeds(isolate->instance, ISOLATE_COPY_PAGES_MAX);
}

bool isolate_shed(struct isolate *isolate)
{
    uint64_t first = 0; /* of the memory at hand, in all memories */
    uint32_t count = engine_memory_count(isolate->instance);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_memory_view view = engine_memory_view(isolate->instance, i);
        uint64_t from = isolate->shed_bytes - first;
        first += view.bytes;
        if (isolate->shed_bytes >= first)
            continue;
        uint64_t bytes = MIN(view.bytes - from, ISOLATE_SHED_BYTES);
        (void)madvise(view.base + from, bytes, MADV_DONTNEED);
        isolate->shed_bytes += bytes;
        return true;
    }
    uint64_t heap_at = isolate->shed_bytes - first;
    uint64_t bytes = MIN(engine_machine_heap_bytes(isolate->machine) - heap_at, ISOLATE_SHED_BYTES);
    if (bytes == 0)
        return false;
    engine_machine_shed_heap(isolate->machine, heap_at, bytes);
    isolate->shed_bytes += bytes;
    return true;
}

void isolate_free(struct isolate *isolate)
{
    if (isolate == NULL)
        return;
    ASSERT(isolate->magic == ISOLATE_MAGIC);
    isolate->magic = ISOLATE_FREED;
    isolate_claim_drop(&isolate->claim);
    engine_machine_free(isolate->machine);
    if (isolate->host != NULL)
        isolate->ops.free(isolate->host);
    isolate_artifact_unref(isolate->artifact);
    free(isolate);
}
