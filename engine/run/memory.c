/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear memory: one reservation per memory, of which only the present size is accessible.
 *
 *   dirty map (RW) | used (RW) | reserved, no access .......... |
 *   ^ dirty        ^ base      ^ base + bytes                   ^ base + reserved_bytes
 *
 * Of a guarded memory, `dirty` is where the reach of a page of page tables begins: that one page
 * serves the map's first bytes and the memory's first MiB, and no other mapping, so it goes with
 * them in memory_vacate. The map covers less than the reservation: what faults marks nothing.
 *
 * Invariant of a guarded memory: any 32-bit index plus any 32-bit offset plus the widest
 * access from `base` is inside the reservation, so a load or store either hits used memory
 * or faults in a place that is known to be ours. That is what an instance's memory 0 is, if
 * its addresses have 32 bits and its pages 64 KiB. All other memories are reached by checked
 * accesses only (ops_checked.c), so their reservation ends where they cannot grow further.
 *
 * What is accessible is a multiple of MEMORY_STEP_BYTES, whatever the page size; what a page
 * size of 1 leaves of the last step is zero and nobody's. Bytes past the present size are zero.
 */
#include "engine/run/memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "engine/image/image.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

#define MEMORY_TABLE_SPAN ((uint64_t)2 << 20) /* the reach of a page of page tables */

_Static_assert(MEMORY_DIRTY_BYTES <= MEMORY_TABLE_SPAN / 2, "half of the reach is left for memory");

/* ---- the reservation ------------------------------------------------------------------------- */

static uint64_t memory_dirty_bytes(const struct memory *memory, uint64_t reserved_bytes)
{
    if (memory->is_guarded)
        return MEMORY_DIRTY_BYTES;
    return ALIGN_UP(reserved_bytes >> MEMORY_DIRTY_SHIFT, (uint64_t)IMAGE_PAGE_BYTES);
}

/* Address space from a border of `alignment` on; what is left over before and after it is given
 * back, where small mappings find room next to each other. */
static uint8_t *memory_reserve(uint64_t bytes, uint64_t alignment)
{
    uint64_t wanted = bytes + alignment - IMAGE_PAGE_BYTES;
    uint8_t *start =
        mmap(NULL, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    uint64_t before = -(uintptr_t)start & (alignment - 1);
    uint64_t after = wanted - before - bytes;
    if ((before > 0 && munmap(start, before) != 0) ||
        (after > 0 && munmap(start + before + bytes, after) != 0)) {
        (void)munmap(start, wanted);
        return NULL;
    }
    return start + before;
}

static enum status no_memory(struct report *report, const char *what, uint64_t bytes)
{
    return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                       "cannot %s %llu bytes for a linear memory (%s); too many live isolates? see "
                       "sysctl vm.max_map_count and ulimit -v",
                       what, (unsigned long long)bytes,
                       errno == ENOMEM ? "out of address space or mappings" : "mmap failed");
}

static enum status memory_map(struct memory *memory, struct report *report)
{
    uint64_t reserved = memory->is_guarded
                            ? MEMORY_GUARDED_BYTES
                            : MAX(memory_accessible(memory->bytes_max), MEMORY_STEP_BYTES);
    uint64_t dirty = memory_dirty_bytes(memory, reserved);
    uint8_t *start =
        memory_reserve(dirty + reserved, memory->is_guarded ? MEMORY_TABLE_SPAN : IMAGE_PAGE_BYTES);
    if (start == NULL)
        return no_memory(report, "reserve", dirty + reserved);
    uint64_t accessible = dirty + memory_accessible(memory->bytes);
    if (mprotect(start, accessible, PROT_READ | PROT_WRITE) != 0) {
        enum status status = no_memory(report, "make accessible", accessible);
        (void)munmap(start, dirty + reserved);
        return status;
    }
    memory->dirty = start;
    memory->base = start + dirty;
    memory->reserved_bytes = reserved;
    return STATUS_OK;
}

static void memory_unmap(const struct memory *memory)
{
    if (memory->base != NULL)
        (void)munmap(memory->dirty,
                     (uint64_t)(memory->base - memory->dirty) + memory->reserved_bytes);
}

enum status memory_create(struct memory *memory, struct report *report)
{
    ASSERT(memory->bytes <= memory->bytes_max);
    ASSERT(!memory->is_guarded || memory->bytes_max <= (uint64_t)1 << 32);
    ASSERT(memory->bytes <= memory->owner->memory_bytes_left);
    enum status status = memory_map(memory, report);
    if (status != STATUS_OK)
        return status;
    memory->owner->memory_bytes_left -= memory->bytes;
    memory->bytes_initial = memory->bytes;
    return STATUS_OK;
}

void memory_free(struct memory *memory)
{
    memory_unmap(memory);
    *memory = (struct memory){0};
}

enum status memory_guard(struct memory *memory, struct report *report)
{
    ASSERT(!memory->is_64 && memory->bytes_max <= (uint64_t)1 << 32);
    if (memory->is_guarded)
        return STATUS_OK;
    struct memory moved = *memory;
    moved.is_guarded = true;
    enum status status = memory_map(&moved, report);
    if (status != STATUS_OK)
        return status;
    memcpy(moved.base, memory->base, memory->bytes);
    memcpy(moved.dirty, memory->dirty, memory_accessible(memory->bytes) >> MEMORY_DIRTY_SHIFT);
    memory_unmap(memory);
    *memory = moved;
    return STATUS_OK;
}

/* ---- size ------------------------------------------------------------------------------------ */

/* Does the module itself allow so many pages more? */
static bool memory_may_declare(const struct memory *memory, uint64_t pages)
{
    uint64_t wanted;
    uint64_t most = memory->is_64 ? UINT64_MAX : (uint64_t)1 << 32;
    return !__builtin_add_overflow(memory_pages(memory), pages, &wanted) &&
           wanted <= MIN(memory->declared_max, most >> memory->page_shift);
}

uint64_t memory_grow(struct memory *memory, uint64_t pages)
{
    const uint64_t failed = memory->is_64 ? UINT64_MAX : UINT32_MAX;
    uint64_t room = MIN(memory->bytes_max - memory->bytes, memory->owner->memory_bytes_left);
    if (pages > room >> memory->page_shift) {
        if (memory_may_declare(memory, pages))
            memory->owner->machine->memory_refused = true;
        return failed;
    }
    uint64_t more = pages << memory->page_shift;
    uint64_t from = memory_accessible(memory->bytes);
    uint64_t to = memory_accessible(memory->bytes + more);
    if (to > from && mprotect(memory->base + from, to - from, PROT_READ | PROT_WRITE) != 0)
        return failed;
    uint64_t old = memory_pages(memory);
    memory->bytes += more;
    memory->owner->memory_bytes_left -= more;
    return old;
}

bool memory_shrink(struct memory *memory)
{
    uint64_t from = memory_accessible(memory->bytes_initial);
    uint64_t grown = memory_accessible(memory->bytes) - from;
    if (grown > 0) {
        if (madvise(memory->base + from, grown, MADV_DONTNEED) != 0 ||
            mprotect(memory->base + from, grown, PROT_NONE) != 0)
            return false;
        memset(memory->dirty + (from >> MEMORY_DIRTY_SHIFT), 0, grown >> MEMORY_DIRTY_SHIFT);
    }
    memory->owner->memory_bytes_left += memory->bytes - memory->bytes_initial;
    memory->bytes = memory->bytes_initial;
    return true;
}

/* Mapping anew, unlike MADV_DONTNEED, also frees page tables. */
bool memory_vacate(struct memory *memory)
{
    uint64_t dirty = (uint64_t)(memory->base - memory->dirty);
    return mmap(memory->dirty, dirty + memory->reserved_bytes, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED &&
           mprotect(memory->dirty, dirty + memory_accessible(memory->bytes),
                    PROT_READ | PROT_WRITE) == 0;
}

bool memory_guards(const struct memory *memory, const void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)memory->base;
    return memory->is_guarded && offset < memory->reserved_bytes;
}

void memory_mark(struct memory *memory, uint64_t address, uint64_t count)
{
    if (count == 0)
        return;
    uint64_t first = address >> MEMORY_DIRTY_SHIFT;
    uint64_t last = (address + count - 1) >> MEMORY_DIRTY_SHIFT;
    memset(memory->dirty + first, 1, last - first + 1);
}

/* ---- bulk operations ------------------------------------------------------------------------- */

enum engine_trap
memory_fill(struct memory *memory, uint64_t address, uint32_t value, uint64_t count)
{
    uint8_t *to = memory_at(memory, address, 0, count);
    if (to == NULL)
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    memset(to, (int)(value & 0xff), count);
    memory_mark(memory, address, count);
    return TRAP_NONE;
}

enum engine_trap memory_copy(struct memory *to_memory,
                             const struct memory *from_memory,
                             uint64_t to,
                             uint64_t from,
                             uint64_t count)
{
    uint8_t *target = memory_at(to_memory, to, 0, count);
    const uint8_t *source = memory_at(from_memory, from, 0, count);
    if (target == NULL || source == NULL)
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    memmove(target, source, count);
    memory_mark(to_memory, to, count);
    return TRAP_NONE;
}

enum engine_trap memory_init(struct engine_instance *instance,
                             uint32_t memory,
                             uint32_t data,
                             uint64_t to,
                             uint64_t from,
                             uint64_t count)
{
    const struct image_data *rows = image_at(instance->image, instance->image->datas);
    struct bytes content = image_text(instance->image, rows[data].content);
    if (instance->dropped_datas[data])
        content.count = 0;
    uint8_t *target = memory_at(instance->memories[memory], to, 0, count);
    if (target == NULL || count > content.count || from > content.count - count)
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    if (count > 0)
        memcpy(target, content.data + from, count);
    memory_mark(instance->memories[memory], to, count);
    return TRAP_NONE;
}

/* ---- the host's door ------------------------------------------------------------------------- */

static uint8_t *host_view(const struct engine_instance *instance, uint64_t address, uint64_t count)
{
    if (instance->memory_base == NULL)
        return NULL;
    return memory_at(instance->memories[0], address, 0, count);
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
    return instance->machine->memory_refused;
}

uint32_t engine_memory_count(const struct engine_instance *instance)
{
    return instance->image->memories.count;
}

struct engine_memory_view engine_memory_view(const struct engine_instance *instance, uint32_t index)
{
    if (index >= instance->image->memories.count)
        return (struct engine_memory_view){0};
    const struct memory *memory = instance->memories[index];
    return (struct engine_memory_view){
        .base = memory->base,
        .bytes = memory_accessible(memory->bytes),
        .initial_bytes = memory_accessible(memory->bytes_initial),
        .reserved_bytes = memory->reserved_bytes,
    };
}
