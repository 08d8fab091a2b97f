/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear memory: one reservation per memory, of which only the present size is accessible.
 *
 *   dirty map (RW)            | used (RW) | reserved, no access ......................... |
 *   ^ base - MEMORY_DIRTY_BYTES ^ base      ^ base + pages * 64 KiB    MEMORY_RESERVED_BYTES ^
 *
 * Invariant: any 32-bit index plus any 32-bit offset plus the widest access from `base` is
 * inside the reservation, so a load or store either hits used memory or faults in a place
 * that is known to be ours. Memory never moves. Pages past the present size are zero.
 */
#include <errno.h>
#include <sys/mman.h>

#include "engine/instance.h"

#define MAPPED_BYTES (MEMORY_DIRTY_BYTES + MEMORY_RESERVED_BYTES)

static uint64_t memory_bytes(const struct memory *memory)
{
    return (uint64_t)memory->pages * WASM_PAGE_BYTES;
}

static enum status no_memory(struct report *report, const char *what)
{
    return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                       "cannot %s for a linear memory (%s); too many live isolates? see sysctl "
                       "vm.max_map_count and ulimit -v",
                       what, errno == ENOMEM ? "out of address space or mappings" : "mmap failed");
}

enum status
memory_create(struct memory *memory, uint32_t pages, uint32_t pages_max, struct report *report)
{
    ASSERT(pages <= pages_max);
    ASSERT(pages_max <= WASM_PAGES_MAX);
    uint8_t *start =
        mmap(NULL, MAPPED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return no_memory(report, "reserve 8 GiB of address space");
    uint64_t bytes = (uint64_t)pages * WASM_PAGE_BYTES;
    if (mprotect(start, MEMORY_DIRTY_BYTES + bytes, PROT_READ | PROT_WRITE) != 0) {
        enum status status = no_memory(report, "make pages accessible");
        (void)munmap(start, MAPPED_BYTES);
        return status;
    }
    memory->base = start + MEMORY_DIRTY_BYTES;
    memory->pages = pages;
    memory->pages_initial = pages;
    memory->pages_max = pages_max;
    return STATUS_OK;
}

void memory_free(struct memory *memory)
{
    if (memory->base != NULL)
        (void)munmap(memory_dirty_map(memory->base), MAPPED_BYTES);
    *memory = (struct memory){0};
}

uint32_t memory_grow(struct memory *memory, uint32_t pages)
{
    uint32_t old = memory->pages;
    if (pages > memory->pages_max - old) {
        uint64_t wanted = (uint64_t)old + pages;
        if (wanted <= (memory->has_max ? memory->pages_declared_max : WASM_PAGES_MAX))
            memory->limit_refused = true;
        return UINT32_MAX;
    }
    uint64_t bytes = (uint64_t)pages * WASM_PAGE_BYTES;
    if (bytes > 0 &&
        mprotect(memory->base + memory_bytes(memory), bytes, PROT_READ | PROT_WRITE) != 0)
        return UINT32_MAX;
    memory->pages = old + pages;
    return old;
}

bool memory_reserves(const struct memory *memory, const void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)memory->base;
    return memory->base != NULL && offset < MEMORY_RESERVED_BYTES;
}

void memory_mark(struct memory *memory, uint64_t address, uint64_t count)
{
    if (count == 0)
        return;
    uint64_t first = address >> MEMORY_DIRTY_SHIFT;
    uint64_t last = (address + count - 1) >> MEMORY_DIRTY_SHIFT;
    memset(memory_dirty_map(memory->base) + first, 1, last - first + 1);
}

/* Is [address, address + count) inside? */
static bool memory_holds(const struct memory *memory, uint64_t address, uint64_t count)
{
    uint64_t bytes = memory_bytes(memory);
    return count <= bytes && address <= bytes - count;
}

enum engine_trap memory_fill(struct engine_instance *instance,
                             uint32_t memory,
                             uint32_t address,
                             uint32_t value,
                             uint32_t count)
{
    struct memory *target = instance->memories[memory];
    if (!memory_holds(target, address, count))
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    memset(target->base + address, (int)(value & 0xff), count);
    memory_mark(target, address, count);
    return TRAP_NONE;
}

enum engine_trap memory_copy(struct engine_instance *instance,
                             uint32_t to_memory,
                             uint32_t from_memory,
                             uint32_t to,
                             uint32_t from,
                             uint32_t count)
{
    struct memory *target = instance->memories[to_memory];
    const struct memory *source = instance->memories[from_memory];
    if (!memory_holds(target, to, count) || !memory_holds(source, from, count))
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    memmove(target->base + to, source->base + from, count);
    memory_mark(target, to, count);
    return TRAP_NONE;
}

enum engine_trap memory_init(struct engine_instance *instance,
                             uint32_t memory,
                             uint32_t data,
                             uint32_t to,
                             uint32_t from,
                             uint32_t count)
{
    const struct image_data *rows = image_at(instance->image, instance->image->datas);
    struct bytes content = image_text(instance->image, rows[data].content);
    if (instance->dropped_datas[data])
        content.count = 0;
    struct memory *target = instance->memories[memory];
    if (!memory_holds(target, to, count) || count > content.count || from > content.count - count)
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    if (count > 0)
        memcpy(target->base + to, content.data + from, count);
    memory_mark(target, to, count);
    return TRAP_NONE;
}

/* ---- the host's door ------------------------------------------------------------------------- */

static uint8_t *host_view(const struct engine_instance *instance, uint64_t address, uint64_t count)
{
    if (instance->memory_base == NULL || !memory_holds(instance->memories[0], address, count))
        return NULL;
    return instance->memory_base + address;
}

bool engine_memory_read(struct engine_instance *instance,
                        uint64_t address,
                        uint64_t count,
                        const uint8_t **ret_data)
{
    const uint8_t *data = host_view(instance, address, count);
    if (data == NULL)
        return false;
    *ret_data = data;
    return true;
}

bool engine_memory_write(struct engine_instance *instance,
                         uint64_t address,
                         uint64_t count,
                         uint8_t **ret_data)
{
    uint8_t *data = host_view(instance, address, count);
    if (data == NULL)
        return false;
    memory_mark(instance->memories[0], address, count);
    *ret_data = data;
    return true;
}

bool engine_memory_refused(const struct engine_instance *instance)
{
    return instance->memory_base != NULL && instance->memories[0]->limit_refused;
}

struct engine_memory_view engine_memory_view(struct engine_instance *instance)
{
    if (instance->memory_base == NULL)
        return (struct engine_memory_view){0};
    const struct memory *memory = instance->memories[0];
    return (struct engine_memory_view){
        .base = memory->base,
        .bytes = memory_bytes(memory),
        .initial_bytes = (uint64_t)memory->pages_initial * WASM_PAGE_BYTES,
        .reserved_bytes = MEMORY_RESERVED_BYTES,
        .dirty = memory_dirty_map(memory->base),
    };
}

bool engine_memory_shrink(struct engine_instance *instance)
{
    if (instance->memory_base == NULL)
        return true;
    struct memory *memory = instance->memories[0];
    uint64_t initial = (uint64_t)memory->pages_initial * WASM_PAGE_BYTES;
    uint64_t grown = memory_bytes(memory) - initial;
    if (grown == 0)
        return true;
    if (madvise(memory->base + initial, grown, MADV_DONTNEED) != 0 ||
        mprotect(memory->base + initial, grown, PROT_NONE) != 0)
        return false;
    memset(memory_dirty_map(memory->base) + (initial >> MEMORY_DIRTY_SHIFT), 0,
           grown >> MEMORY_DIRTY_SHIFT);
    memory->pages = memory->pages_initial;
    return true;
}
