/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs: machine, instance, memory, table. Internal to the engine; the interpreter's
 * handlers read these structs by offset, so hot fields come first.
 *
 * References are 64-bit numbers, never addresses, so that tables and globals can be copied
 * into a snapshot and back as they are:
 *
 *     63            32 31             0
 *     +---------------+---------------+
 *     | instance id   | func index + 1|      0 = null
 *     +---------------+---------------+
 *
 * The id is the instance's number on its machine; in a snapshot there is one instance, 0.
 * An externref is whatever the host gave, 0 = null.
 *
 * What lies on the guest stack: frames.h.
 */
#ifndef SKERRY_ENGINE_RUN_INSTANCE_H
#define SKERRY_ENGINE_RUN_INSTANCE_H

#include "engine/engine.h"
#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/run/frames.h"
#include "engine/run/identity.h"

#define WASM_PAGE_BYTES 65536u
/* Index (32 bits) + offset (32 bits) + the widest access always land inside. */
#define MEMORY_GUARDED_BYTES (((uint64_t)8 << 30) + WASM_PAGE_BYTES)

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

struct table {
    uint64_t *entries; /* references */
    uint32_t count;
    uint32_t capacity;
    uint32_t max;  /* growth stops here */
    uint32_t type; /* in the owner's indices */
    const struct engine_instance *owner;
    bool is_64;            /* 64-bit indices */
    bool dirty;            /* changed since the snapshot */
    bool grown;            /* entries are on the heap; else in the instance's block */
    uint64_t declared_max; /* UINT64_MAX: the module gave none (import matching) */
};

/* How one imported function is reached. */
struct import_binding {
    engine_host_func host; /* NULL: a function of another instance, or nothing */
    void *context;
    struct engine_instance *instance; /* target, if it is Wasm */
    uint32_t func_index;              /* in the target */
    bool has_loose_results; /* the host function's: references, or several and narrow ones */
};

struct engine_instance {
    uint8_t *memory_base;           /* memory 0; NULL without one */
    const uint8_t *code;            /* of the image: funcs[i].entry counts from here */
    const struct image_func *funcs; /* of the image: combined index space */
    uint64_t *stack_limit;          /* no frame may start above */
    struct table **tables;          /* combined index space; entries may be others' */
    union engine_value **imported_globals;
    struct import_binding *imports; /* imported functions */
    uint64_t *tags;                 /* identities, combined index space */
    struct engine_machine *machine;
    struct memory **memories; /* combined index space */
    const struct engine_module *module;
    const struct image_header *image;
    uint32_t *type_ids;         /* identities of its types; NULL: their indices */
    uint32_t id;                /* on its machine */
    uint64_t memory_bytes_left; /* by which its own memories may still grow, in all */
    uint8_t *dropped_elems;     /* one byte each: 1 = length 0 */
    uint8_t *dropped_datas;
    struct table *own_tables;
    struct memory *own_memory;    /* array of own memories */
    union engine_value globals[]; /* slots of own globals; imported ones are elsewhere */
};

/* Registers of a suspended guest, saved by the interpreter. */
#define MACHINE_INT_PINS   3
#define MACHINE_FLOAT_PINS 3

struct machine_registers {
    const uint8_t *pc; /* next cell */
    uint64_t *fp;
    struct engine_instance *instance;
    int64_t fuel;
    uint64_t accumulator;
    uint64_t pins[MACHINE_INT_PINS];
    double float_accumulator;
    double float_pins[MACHINE_FLOAT_PINS];
};

/* Cells that belong to no function: where a call from the host, and a call into another
 * instance, returns to. Return addresses in [cells, cells + 1) are not guest code. */
struct machine_cells {
    int32_t exit_none; /* offsets from dispatch_base, as in any cell */
    int32_t exit_int;
    int32_t exit_float;
    int32_t cross_return;
    int32_t host_return;
    int32_t unwind;
};

/* A position on the guest stack. */
struct backtrace_at {
    const uint8_t *pc;
    uint64_t *fp;
    struct engine_instance *instance;
};

/* An exception on its way to a clause (unwind.c). Until that is found, the registers stay
 * those of the throw. */
struct unwind {
    uint64_t exception; /* reference */
    const uint8_t *thrown;
    struct backtrace_at at;
    bool is_caller; /* `at` is behind a call, not at a throw */
    uint32_t price; /* of the last step */
    const struct code_clause *clause;
};

/* Which root a collection under way comes to next (collect.c). */
struct collect_cursor {
    uint8_t roots; /* enum collect_roots */
    uint32_t instance;
    uint32_t part;
    uint64_t at;
};

struct engine_machine {
    struct machine_registers registers;
    uint64_t *stack;       /* mmap'ed, stack_bytes + the largest frame */
    uint64_t *stack_limit; /* stack + stack_bytes */
    size_t stack_mapped_bytes;
    bool busy;           /* a call is under way */
    bool memory_refused; /* in this call, growth that the module allows was refused */
    enum engine_trap trap;
    int exit_code;
    const char *trap_reason; /* host's text, or NULL for the trap's own */
    char trap_text[256];
    uint64_t fuel_used;
    uint64_t fuel_priced; /* of fuel_used: prices of bulk operations and host calls */
    uint64_t fuel_host;   /* charged by host functions in this run, not yet taken off */
    uint64_t fuel_before; /* instructions executed before this call */
    struct engine_instance *call_instance;
    uint32_t call_func;
    struct machine_cells cells;         /* written by engine_call_begin */
    struct engine_instance **instances; /* owned, by id */
    uint32_t instance_count;
    uint32_t instance_capacity;
    struct identity_table identities;
    struct engine_limits limits;
    struct heap heap;
    struct collect_cursor collect;
    struct unwind unwind;
};

/* What every isolate costs beside memory, tables, stack, and the rows of its own module. */
_Static_assert(sizeof(struct engine_machine) + sizeof(struct engine_instance) <= 1024,
               "an isolate has grown out of its kibibyte");

/* ---- memory.c -------------------------------------------------------------------------------- */

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

static inline uint64_t memory_pages(const struct memory *memory)
{
    return memory->bytes >> memory->page_shift;
}

/* The dirty map covers all that can become accessible, and whoever marks has accessed before: no
 * access needs a check of its own. Of a guarded memory it lies at this distance below the base. */
#define MEMORY_DIRTY_SHIFT 12
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

/* Marks the one or two pages of an access of a few bytes that was made at `to`. */
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

/* ---- table.c --------------------------------------------------------------------------------- */

/* The old size, or -1 as wide as the table's indices. */
uint64_t table_grow(struct table *table, uint64_t value, uint64_t count);
enum engine_trap table_get(const struct table *table, uint64_t index, uint64_t *ret_value);
enum engine_trap table_set(struct table *table, uint64_t index, uint64_t value);
enum engine_trap table_fill(struct table *table, uint64_t index, uint64_t value, uint64_t count);
enum engine_trap table_copy(struct table *to_table,
                            const struct table *from_table,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count);
enum engine_trap table_init(struct engine_instance *instance,
                            uint32_t table,
                            uint32_t elem,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count);

/* The reference that item `index` of an element segment is. */
uint64_t instance_elem_item(const struct engine_instance *instance, uint32_t elem, uint32_t index);

/* ---- instance.c ------------------------------------------------------------------------------ */

/* The first slot of a global of the combined index space. */
static inline union engine_value *instance_global(const struct engine_instance *instance,
                                                  uint32_t index)
{
    uint32_t imported = instance->image->imported_global_count;
    if (index < imported)
        return instance->imported_globals[index];
    const struct image_global *rows =
        (const struct image_global *)image_at(instance->image, instance->image->globals);
    const union engine_value *own = &instance->globals[rows[index].slot];
    return (union engine_value *)(uintptr_t)own;
}

/* Machine-wide number of the instance's type with this canonical index. */
static inline uint32_t identity_of(const struct engine_instance *instance, uint32_t type)
{
    return LIKELY(instance->type_ids == NULL) ? type : instance->type_ids[type];
}

static inline uint64_t reference_make(const struct engine_instance *instance, uint32_t func_index)
{
    return (uint64_t)instance->id << 32 | (func_index + 1u);
}

/* What ref.func gives. An imported function is known by where it is at home. */
static inline uint64_t instance_func_reference(const struct engine_instance *instance,
                                               uint32_t func_index)
{
    if (func_index < instance->image->imported_func_count) {
        const struct import_binding *binding = &instance->imports[func_index];
        if (binding->host == NULL)
            return reference_make(binding->instance, binding->func_index);
    }
    return reference_make(instance, func_index);
}

static inline uint32_t reference_func(uint64_t reference)
{
    return (uint32_t)reference - 1u;
}

/* Arguments from the host into a frame, which they may already be in. */
void instance_copy_arguments(const struct engine_instance *instance,
                             uint32_t func_index,
                             uint64_t *frame,
                             const union engine_value *arguments);
/* Instance of a non-null func reference made on this machine. */
struct engine_instance *reference_instance(const struct engine_machine *machine,
                                           uint64_t reference);
/*
 * One block with everything but memory: linked, own memories made, globals and tables zero
 * (`from_snapshot`: of the snapshot's sizes). Not yet on its machine.
 */
NODISCARD enum status instance_create(struct engine_machine *machine,
                                      const struct engine_module *module,
                                      const struct engine_linker *linker,
                                      bool from_snapshot,
                                      struct report *report,
                                      struct engine_instance **ret_instance);
void instance_free(struct engine_instance *instance); /* accepts NULL and half-built */
uint32_t instance_own_tables(const struct engine_instance *instance);
uint32_t instance_own_memories(const struct engine_instance *instance);

/* ---- constant.c ------------------------------------------------------------------------------ */

/* Value of a validated constant expression [Wasm core 4.4.14]: the slots of its type. */
NODISCARD enum status constant_evaluate(const struct engine_instance *instance,
                                        struct image_span expression,
                                        struct report *report,
                                        union engine_value *ret_value);

/* ---- link.c ---------------------------------------------------------------------------------- */

/* Binds every import of `instance` [Wasm core 3.2.21 import matching]. */
NODISCARD enum status link_imports(struct engine_instance *instance,
                                   const struct engine_linker *linker,
                                   struct report *report);

/* ---- backtrace.c ----------------------------------------------------------------------------- */

/* The function whose code holds `offset`; entries ascend with the index. */
uint32_t backtrace_func(const struct image_header *header, uint32_t offset);
/* Is `at` inside a function? Leaves the frames between instances and of host calls first. */
bool backtrace_in_func(const struct engine_machine *machine, struct backtrace_at *at);
/* From function `func` to its caller; false: the stack makes no sense. */
bool backtrace_leave(const struct engine_machine *machine, struct backtrace_at *at, uint32_t func);

/* ---- unwind.c -------------------------------------------------------------------------------- */

/* The identity of a tag: equal numbers, the same tag of the same instance. */
static inline uint64_t unwind_tag(uint32_t instance_id, uint32_t index)
{
    return (uint64_t)instance_id << 32 | index;
}

/* A new exception with `values` in slots; HEAP_NONE: collect first. */
uint64_t
unwind_make(struct engine_instance *instance, uint32_t tag, const uint64_t *values, uint32_t count);

enum unwind_result {
    UNWIND_CAUGHT,
    UNWIND_UNCAUGHT,
    UNWIND_MORE, /* frames are left to look at */
};

/* Prepares the search for a clause, from the throw at `pc` upwards. */
void unwind_begin(struct engine_instance *instance,
                  uint64_t exception,
                  const uint8_t *pc,
                  uint64_t *fp);
/* Looks through the next frames; machine->unwind says what it cost, and when CAUGHT, the frame
 * and the clause, whose slots have the values. */
enum unwind_result unwind_step(struct engine_machine *machine);

/* ---- collect.c ------------------------------------------------------------------------------- */

struct collect_step {
    uint32_t price; /* fuel */
    enum engine_trap trap;
};

/*
 * heap_allocate returned nothing: one bounded step of a collection, after which to ask
 * again; or the trap, if the last collection was for this very allocation. Registers are
 * saved; the guest's stack is in use below `stack_end`. Begins at step one if the call that
 * a collection was for is gone.
 */
struct collect_step collect_step(struct engine_machine *machine, const uint64_t *stack_end);
/* A whole collection for an idle machine, so that a snapshot has nothing superfluous. */
void collect_all(struct engine_machine *machine, const uint64_t *kept, uint32_t kept_count);

/* ---- machine.c ------------------------------------------------------------------------------- */

/* Gives the instance, whose id is the machine's next, to the machine. */
void machine_adopt(struct engine_machine *machine, struct engine_instance *instance);
/* Makes sure that machine_adopt has room. */
NODISCARD bool machine_reserve_instance(struct engine_machine *machine);

#endif
