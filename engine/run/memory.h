/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear memories: what the handlers read by offset, and what is done to a memory as a whole
 * (memory.c has the drawing). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_MEMORY_H
#define SKERRY_ENGINE_RUN_MEMORY_H

#include "engine/engine.h"

#define WASM_PAGE_BYTES 65536u
/* Index (32 bits) + offset (32 bits) + the widest access always land inside. */
#define MEMORY_GUARDED_BYTES (((uint64_t)8 << 30) + WASM_PAGE_BYTES)

/* What is accessible is a multiple of this, whatever the page size. */
#define MEMORY_STEP_BYTES 65536u

/* Of the widest load or store: how much can be written past a page whose mark says that a store
 * began in it. */
#define MEMORY_STORE_BYTES_MAX 16u

struct memory {
    uint8_t *base;      /* reserved_bytes from here are this memory's */
    uint8_t *dirty;     /* one byte for each 1 << MEMORY_DIRTY_SHIFT of them; it lies right below */
    uint64_t bytes;     /* present size */
    uint64_t bytes_max; /* the module's or the limit's, whichever is smaller */
    uint64_t bytes_initial;
    uint64_t reserved_bytes;
    uint64_t declared_max; /* pages; UINT64_MAX: the module gave none (import matching) */
    uint8_t page_shift;    /* a page is 1 << page_shift bytes */
    bool is_64;            /* 64-bit addresses */
    bool is_guarded;       /* MEMORY_GUARDED_BYTES are reserved: accesses need no check */
    struct engine_instance *owner;
};

/*
 * Reserves address space and makes `bytes` accessible and zero. The caller has set bytes,
 * bytes_max, page_shift, is_64, is_guarded and owner, whose memory_bytes_left it takes them
 * from.
 */
NODISCARD enum status memory_create(struct memory *memory, struct report *report);
void memory_free(struct memory *memory);
/* Reserves MEMORY_GUARDED_BYTES for a memory that did without: it moves, once. */
NODISCARD enum status memory_guard(struct memory *memory, struct report *report);
/* Drops all pages, and the dirty map's: everything reads zero. False: it is unusable. */
NODISCARD bool memory_vacate(struct memory *memory);
/* memory.grow: the old size in pages, or -1 as wide as its addresses. */
uint64_t memory_grow(struct memory *memory, uint64_t pages);
/* Back to the size of the snapshot. False: the kernel is out of mappings. */
NODISCARD bool memory_shrink(struct memory *memory);
/* Does a fault at `address` stand for an access that was out of this memory's bounds? */
bool memory_guards(const struct memory *memory, const void *address);
/* Marks [address, address + count) dirty; the range was checked. */
void memory_mark(struct memory *memory, uint64_t address, uint64_t count);

static inline uint64_t memory_accessible(uint64_t bytes)
{
    return ALIGN_UP(bytes, (uint64_t)MEMORY_STEP_BYTES);
}

static inline uint64_t memory_pages(const struct memory *memory)
{
    return memory->bytes >> memory->page_shift;
}

/* The dirty map covers all that can become accessible, and whoever marks has accessed before: no
 * access needs a check of its own. Of a guarded memory it lies at this distance below the base. */
#define MEMORY_DIRTY_SHIFT 12
/* What the map says of a page. An access that may have written makes it DIRTY, whatever it was. */
#define MEMORY_PAGE_DIRTY  1 /* changed since the snapshot */
#define MEMORY_PAGE_OWN    2 /* it was, and has the snapshot's bytes again: but no longer shared */
#define MEMORY_DIRTY_BYTES (((uint64_t)1 << 32) >> MEMORY_DIRTY_SHIFT)

/* The host's address of [address + offset, + count) in `memory`; NULL if that is not inside. */
static inline uint8_t *
memory_at(const struct memory *memory, uint64_t address, uint64_t offset, uint64_t count)
{
    uint64_t at;
    if (__builtin_add_overflow(address, offset, &at) || count > memory->bytes ||
        at > memory->bytes - count)
        return NULL;
    return memory->base + at;
}

/* Marks the one or two pages of a store of MEMORY_STORE_BYTES_MAX at most that was made at `to`. */
static inline void memory_mark_few(struct memory *memory, const uint8_t *to, uint64_t count)
{
    uint64_t first = (uint64_t)(to - memory->base);
    memory->dirty[first >> MEMORY_DIRTY_SHIFT] = 1;
    memory->dirty[(first + count - 1) >> MEMORY_DIRTY_SHIFT] = 1;
}

/*
 * Bulk operations: TRAP_NONE or the trap; nothing is written unless all fits. Addresses and
 * counts are 64 bits for both kinds of memories and tables: an i32 is zero-extended.
 */
enum engine_trap
memory_fill(struct memory *memory, uint64_t address, uint32_t value, uint64_t count);
enum engine_trap memory_copy(struct memory *to_memory,
                             const struct memory *from_memory,
                             uint64_t to,
                             uint64_t from,
                             uint64_t count);
enum engine_trap memory_init(struct engine_instance *instance,
                             uint32_t memory,
                             uint32_t data,
                             uint64_t to,
                             uint64_t from,
                             uint64_t count);

#endif
