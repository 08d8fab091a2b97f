/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: WebAssembly, and nothing but WebAssembly. No HTTP, tenant, process
 * or file is known here.
 *
 *   bytes --engine_compile--> image --engine_module_open--> module
 *                               |                             |
 *              (position independent, may be                  | engine_instantiate
 *               mapped read-only by anyone)                   v
 *                               ^                          instance --+-- engine_call_begin
 *                               |                             |       |
 *                               +------ engine_snapshot ------+   engine_run (fuel)
 *                               |                                     |
 *                               +-- engine_restore --> instance    DONE TRAPPED
 *                                                                  OUT_OF_FUEL PENDING
 *
 * An *image* is validated, translated code with everything needed to make instances,
 * and, once a snapshot was taken, the initial state of globals, tables and memory. It
 * holds no addresses: open + map is all there is to loading it. It is trusted: only
 * engine_compile and engine_snapshot make images, and the caller keeps them where
 * nobody else can write.
 *
 * A *machine* is what instances run on: one guest stack, one fuel counter, and the
 * instances linked to each other. Guest calls never use the C stack, so a run can be
 * suspended at any back-edge, call or host call and resumed later.
 *
 * Nothing here is thread-safe; one machine belongs to one thread.
 */
#ifndef SKERRY_ENGINE_H
#define SKERRY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct engine_module;
struct engine_machine;
struct engine_instance;

/* ---- once per process ------------------------------------------------------------------------ */

/*
 * Installs the SIGSEGV handler that turns a guest's access to guard pages into a trap.
 * A fault anywhere else goes to the handler installed before (so it stays a crash).
 */
NODISCARD enum status engine_init(struct report *report);
/* Differs between builds that must not execute each other's images: by the engine's sources, how
 * they are compiled, and where the link put their code. 16 bytes. */
#define ENGINE_BUILD_ID_BYTES 16
const uint8_t *engine_build_id(void);
/* "clang tail calls" or "trampoline", for `skerry version` and benches. */
const char *engine_dispatch_name(void);

/* ---- values ---------------------------------------------------------------------------------- */

/*
 * A value type is a uint32_t: one of these, the binary encodings of [Wasm core 5.3.1], or a
 * reference built from bits:
 *
 *     31         30         29           0
 *     +----------+----------+-----------+
 *     | non-null | concrete | heap type |
 *     +----------+----------+-----------+
 *
 * The heap type is the encoding of an abstract nullable reference, or with CONCRETE a type
 * index of the module: the smallest of all equal ones, so that equal types are equal numbers.
 */
enum engine_type {
    ENGINE_I32 = 0x7f,
    ENGINE_I64 = 0x7e,
    ENGINE_F32 = 0x7d,
    ENGINE_F64 = 0x7c,
    ENGINE_V128 = 0x7b,
    ENGINE_NULLEXNREF = 0x74,
    ENGINE_NULLFUNCREF = 0x73,
    ENGINE_NULLEXTERNREF = 0x72,
    ENGINE_NULLREF = 0x71,
    ENGINE_FUNCREF = 0x70,
    ENGINE_EXTERNREF = 0x6f,
    ENGINE_ANYREF = 0x6e,
    ENGINE_EQREF = 0x6d,
    ENGINE_I31REF = 0x6c,
    ENGINE_STRUCTREF = 0x6b,
    ENGINE_ARRAYREF = 0x6a,
    ENGINE_EXNREF = 0x69,
};

#define ENGINE_TYPE_NON_NULL 0x80000000u
#define ENGINE_TYPE_CONCRETE 0x40000000u

/* As in the text format: "i32", "funcref", "(ref null 5)". */
struct engine_type_text {
    char text[32];
};
struct engine_type_text engine_type_text(uint32_t type);

static inline bool engine_type_is_reference(uint32_t type)
{
    return type > ENGINE_I32 || (type >= ENGINE_EXNREF && type <= ENGINE_NULLEXNREF);
}

/*
 * One value in a 64-bit slot. i32 and f32 occupy the low half, the high half is zero; a v128
 * is in two slots, low half first.
 * A reference is 0 when null. Of all others the two highest bits say what they are:
 *
 *     00  a function, or in the hierarchies of `any` and `extern` something of the host's:
 *         whatever number it gave, not 0 and below 2^62
 *     01  an i31: the number is in the low 31 bits
 *     10  an object on the machine's heap: alive as long as the guest can reach it
 *
 * A host gives guests its own references, and those that it was given and that are alive
 * (ASSERTed for arguments and results).
 */
union engine_value {
    uint32_t i32;
    uint64_t i64;
    float f32;
    double f64;
    uint64_t ref;
    uint64_t bits;
};

_Static_assert(sizeof(union engine_value) == 8, "a slot is 64 bits");

#define ENGINE_REFERENCE_TAG    ((uint64_t)3 << 62)
#define ENGINE_REFERENCE_I31    ((uint64_t)1 << 62)
#define ENGINE_REFERENCE_OBJECT ((uint64_t)2 << 62)

static inline bool engine_reference_is_i31(uint64_t reference)
{
    return (reference & ENGINE_REFERENCE_TAG) == ENGINE_REFERENCE_I31;
}

static inline bool engine_reference_is_object(uint64_t reference)
{
    return (reference & ENGINE_REFERENCE_TAG) == ENGINE_REFERENCE_OBJECT;
}

struct engine_functype {
    const uint32_t *params; /* value types; borrowed from the image */
    const uint32_t *results;
    uint32_t param_count;
    uint32_t result_count;
};

/* How many slots values of these types take. */
static inline uint32_t engine_slot_count(const uint32_t *types, uint32_t count)
{
    uint32_t slots = count;
    for (uint32_t i = 0; i < count; i++)
        slots += types[i] == ENGINE_V128;
    return slots;
}

/* ---- compile --------------------------------------------------------------------------------- */

/* Bounds of one module; engine_limits_default gives the documented ones. */
struct engine_limits {
    uint64_t module_bytes;  /* size of the binary */
    uint64_t arena_bytes;   /* memory for decoding and translating */
    uint32_t memory_pages;  /* of 64 KiB: an instance's memories together */
    uint32_t table_entries; /* per table */
    uint32_t stack_bytes;   /* guest stack of a machine */
    uint64_t heap_bytes;    /* collected objects of a machine; at most 4 GiB */
};

extern const struct engine_limits engine_limits_default;

/* Which cells get machine code beside them, to do the same for the same fuel (engine/native.h). */
enum engine_native {
    ENGINE_NATIVE_OFF,
    ENGINE_NATIVE_ON,
    ENGINE_NATIVE_MIXED, /* some at random, to test that both go together */
};

/* What a module is compiled for; zero is what most want. */
struct engine_options {
    /* Arithmetic on floats that gives a NaN gives the canonical, positive one, so that the same
     * input gives the same bytes on every machine and by every build [Wasm core, deterministic
     * profile]. What hands bits on (loads, constants, neg, abs, copysign, reinterpretations) does
     * not change them. Costs time: docs/engine.md has a measurement. */
    bool deterministic;
    /* Every cell knows where it came from, and native code which cell, for
     * engine_disassemble_beside; backtraces then name places more finely than calls. */
    bool all_marks;
    enum engine_native native;
    uint32_t native_seed; /* MIXED */
    uint32_t native_end;  /* cells from this offset in the code on stay threaded; 0: none */
    uint32_t threads;     /* at most, for a large module's bodies, the caller's too; 0: as 1 */
};

extern const struct engine_options engine_options_default;

struct engine_timings {
    uint64_t validate_ns;
    uint64_t translate_ns; /* laying out the image included */
    uint64_t body_bytes;   /* of all functions in the binary */
    uint64_t code_bytes;   /* of their threaded code */
};

/* Position-independent bytes, owned (mmap'ed anonymous memory). */
struct engine_image {
    uint8_t *data;
    size_t count;
};

/* Decodes and validates the whole module; translates nothing. */
NODISCARD enum status
engine_validate(struct bytes wasm, const struct engine_limits *limits, struct report *report);
/*
 * Decodes, validates, then translates. On failure nothing is returned and `report` has
 * the reason and, for MALFORMED and INVALID, the offset in `wasm`. `ret_timings` may be
 * NULL. Memory used is bounded by limits->arena_bytes plus the image.
 */
NODISCARD enum status engine_compile(struct bytes wasm,
                                     const struct engine_limits *limits,
                                     const struct engine_options *options,
                                     struct report *report,
                                     struct engine_timings *ret_timings,
                                     struct engine_image *ret_image);
void engine_image_free(struct engine_image *image);

/* ---- module: a view of an image -------------------------------------------------------------- */

/*
 * Opens an image (8-byte aligned, borrowed: must outlive the module). Checks magic,
 * format, build id and that every table lies inside; STATUS_STALE for another build,
 * STATUS_CORRUPT for anything else. With `verify_checksum` every byte is read too.
 */
NODISCARD enum status engine_module_open(struct bytes image,
                                         bool verify_checksum,
                                         struct report *report,
                                         struct engine_module **ret_module);
void engine_module_close(struct engine_module *module);

/*
 * Images that share a module may share its image: a *base*, itself one with a snapshot. An image
 * with a base has no code, and of its snapshot only what is not as in the base's. It is what
 * engine_snapshot makes of an instance that was restored from a module with a base's name; its
 * instances are as all others.
 */
#define ENGINE_BASE_NAME_BYTES 32
/* Of a module with a snapshot and without a base (ASSERTed). */
void engine_module_name_base(struct engine_module *module,
                             const uint8_t name[ENGINE_BASE_NAME_BYTES]);
/* The name of an image's base; NULL: it has none, or is no image, which opening it says. */
const uint8_t *engine_image_base(struct bytes image);
/* Opens one with its base, which must outlive it; STATUS_STALE if that is another than the one it
 * was made on, byte for byte. */
NODISCARD enum status engine_module_open_on(const struct engine_module *base,
                                            struct bytes image,
                                            bool verify_checksum,
                                            struct report *report,
                                            struct engine_module **ret_module);

enum engine_extern_kind {
    ENGINE_EXTERN_FUNC = 0,
    ENGINE_EXTERN_TABLE = 1,
    ENGINE_EXTERN_MEMORY = 2,
    ENGINE_EXTERN_GLOBAL = 3,
    ENGINE_EXTERN_TAG = 4,
};

struct engine_import_desc {
    struct bytes module_name; /* borrowed from the image */
    struct bytes name;
    enum engine_extern_kind kind;
    uint32_t index;              /* in its kind's import order, 0-based */
    struct engine_functype type; /* FUNC and TAG only */
};

struct engine_export_desc {
    struct bytes name;
    enum engine_extern_kind kind;
    uint32_t index;              /* in its kind's index space */
    struct engine_functype type; /* FUNC and TAG only */
};

uint32_t engine_module_import_count(const struct engine_module *module);
struct engine_import_desc engine_module_import(const struct engine_module *module, uint32_t i);
uint32_t engine_module_export_count(const struct engine_module *module);
struct engine_export_desc engine_module_export(const struct engine_module *module, uint32_t i);
/* False if there is no export of that name and kind. */
bool engine_module_find_export(const struct engine_module *module,
                               const char *name,
                               enum engine_extern_kind kind,
                               struct engine_export_desc *ret_export);
/* Functions of the combined index space: imports, then the module's own. */
uint32_t engine_module_func_count(const struct engine_module *module);
/* Type of a global of the combined index space. */
uint32_t engine_module_global_type(const struct engine_module *module, uint32_t index);
bool engine_module_has_start(const struct engine_module *module);
/* Memories of the combined index space. */
struct engine_memory_desc {
    bool is_64; /* addresses are i64 */
    uint32_t page_bytes;
};
uint32_t engine_module_memory_count(const struct engine_module *module);
struct engine_memory_desc engine_module_memory(const struct engine_module *module, uint32_t index);
/* Snapshot part of the image: is there one, and where is the image of each memory? All are the
 * module's own then. */
struct engine_memory_image {
    uint64_t offset; /* in the image, or in its base if it has one; page aligned */
    uint64_t bytes;  /* page aligned; may be shorter than the memory: the rest is zero */
};
bool engine_module_has_snapshot(const struct engine_module *module);
struct engine_memory_image engine_module_memory_image(const struct engine_module *module,
                                                      uint32_t index);
/* What of an image with a base is to be mapped over that: at most ENGINE_MAPPINGS_MAX for all
 * memories together. The cursor is 0 at first; false: no more. */
#define ENGINE_MAPPINGS_MAX 7
struct engine_memory_mapping {
    uint64_t at;     /* in the memory; this and the others page aligned */
    uint64_t offset; /* in the image */
    uint64_t bytes;
};
bool engine_module_next_mapping(const struct engine_module *module,
                                uint32_t index,
                                uint32_t *cursor,
                                struct engine_memory_mapping *ret_mapping);

/* ---- machine --------------------------------------------------------------------------------- */

enum engine_outcome {
    ENGINE_DONE,        /* the call returned; results are ready */
    ENGINE_TRAPPED,     /* guest fault; the machine may only be freed or cleared */
    ENGINE_OUT_OF_FUEL, /* call engine_run again with more */
    ENGINE_PENDING,     /* a host function waits; call engine_run again when it can go on */
    ENGINE_CALLING,     /* only from host functions: see engine_host_call_guest */
};

enum engine_trap {
#define TRAP(name, text) TRAP_##name,
#include "engine/trap.def"
    TRAP_COUNT
};

const char *engine_trap_text(enum engine_trap trap);

NODISCARD enum status engine_machine_create(const struct engine_limits *limits,
                                            struct report *report,
                                            struct engine_machine **ret_machine);
/* Frees its instances too; accepts NULL. */
void engine_machine_free(struct engine_machine *machine);

/*
 * Starts a call of an exported or any other function by index in `instance`. Arguments
 * are copied; their types are the function's, `slots` (ASSERTed) is what they take. No guest
 * code runs before engine_run. The machine must be idle (no call under way).
 */
void engine_call_begin(struct engine_machine *machine,
                       struct engine_instance *instance,
                       uint32_t func_index,
                       const union engine_value *arguments,
                       uint32_t slots);
/*
 * Runs until the call returns, traps, waits, or `fuel` (at least 1) is used up. One unit
 * of fuel is one executed Wasm instruction (block, loop, else and end are free), plus the
 * documented price of bulk operations and host calls. Overshoot of one block is carried.
 */
NODISCARD enum engine_outcome engine_run(struct engine_machine *machine, int64_t fuel);
/* Results of the finished call, in order; valid until the next engine_call_begin. */
const union engine_value *engine_call_results(const struct engine_machine *machine);
/* During the last call, was a memory refused growth that the module itself allows? Then a
 * trap probably means that the limit on memory was too small. */
bool engine_memory_refused(const struct engine_instance *instance);
/* Abandons a call under way (suspended or trapped): the machine is idle again. */
void engine_call_cancel(struct engine_machine *machine);
/* Fuel used by the machine since it was created or last rewound. Of a call that trapped, what was
 * executed behind its last branch or call may be missing. */
uint64_t engine_machine_fuel_used(const struct engine_machine *machine);
/* The same without the prices of bulk operations and host calls: instructions executed. */
uint64_t engine_machine_instructions(const struct engine_machine *machine);

/* Memory that the machine's heap takes, garbage, free cells and the collector's own included, up
 * to five quarters of engine_limits.heap_bytes; and how much of that a rewind gives back. */
uint64_t engine_machine_heap_bytes(const struct engine_machine *machine);
uint64_t engine_machine_heap_grown_bytes(const struct engine_machine *machine);
/* How much of the guest stack was touched since it was made or vacated, in whole pages: asks the
 * kernel, once for each new half MiB. */
uint64_t engine_machine_stack_bytes(struct engine_machine *machine);
/* Gives back `count` bytes from `from` on of what the heap takes; for a machine that is to be freed
 * and for whom engine_machine_free at once would take too long. */
void engine_machine_shed_heap(struct engine_machine *machine, uint64_t from, uint64_t count);

struct engine_trap_info {
    enum engine_trap trap;
    int exit_code;    /* TRAP_EXIT only */
    const char *text; /* wording, or for HOST and UNLINKED_IMPORT the reason; borrowed */
};
/* Of the last run that ended in ENGINE_TRAPPED. */
struct engine_trap_info engine_machine_trap(const struct engine_machine *machine);

struct engine_frame_info {
    uint32_t func_index;
    uint32_t offset;        /* in the Wasm binary, of the instruction; 0 if unknown */
    struct bytes func_name; /* from the name section; empty if unknown; borrowed */
};
/* Writes up to `max` frames of the suspended or trapped call, innermost first. */
uint32_t engine_backtrace(const struct engine_machine *machine,
                          struct engine_frame_info *ret_frames,
                          uint32_t max);
/*
 * A function's name as its author wrote it: of Rust's `_ZN4core5panic17h0123456789abcdefE`, or
 * `core::panic::h0123456789abcdef` after a linker has read that, `core::panic`. All others stay
 * as they are. Borrowed from `name`, or in `text`, where it is cut.
 */
#define ENGINE_DEMANGLE_BYTES 256
struct bytes engine_demangle(struct bytes name, char text[ENGINE_DEMANGLE_BYTES]);

/* ---- host functions -------------------------------------------------------------------------- */

/*
 * A host function sees its arguments in slots from 0 on and leaves results in slots from 0
 * on. It returns
 *   ENGINE_DONE         go on
 *   ENGINE_TRAPPED      after engine_host_trap() or engine_host_exit()
 *   ENGINE_PENDING      it has to wait; the slots must be untouched: on the next
 *                       engine_run it is called again with the same arguments
 *   ENGINE_CALLING      what engine_host_call_guest returned
 * It may charge fuel with engine_host_charge. It must not call engine_run.
 */
struct engine_host_call {
    struct engine_instance *instance; /* the caller's */
    void *context;                    /* given at link time */
    union engine_value *slots;
    uint32_t step;                     /* 0, then what engine_host_call_guest was given */
    const union engine_value *results; /* of the guest function called back; NULL at step 0 */
    uint64_t *frame;                   /* the engine's own */
};

typedef enum engine_outcome (*engine_host_func)(struct engine_host_call *call);

/*
 * Calls a function of the caller's instance (an allocator, say): the host function returns
 * what this returns, with its slots untouched, and is called again when the guest's is
 * done, with `step` (not 0) and `results`. Nothing stays on the C stack: the guest may run
 * out of fuel, wait or trap meanwhile. Arguments are copied; their `slots` are ASSERTed.
 */
NODISCARD enum engine_outcome engine_host_call_guest(struct engine_host_call *call,
                                                     uint32_t func_index,
                                                     const union engine_value *arguments,
                                                     uint32_t slots,
                                                     uint32_t step);
/* `text` is copied (255 bytes at most). */
enum engine_outcome engine_host_trap(struct engine_host_call *call, const char *text);
enum engine_outcome engine_host_exit(struct engine_host_call *call, int exit_code);
void engine_host_charge(struct engine_host_call *call, uint64_t fuel);

/*
 * The one door from guest (pointer, length) to host pointer: false if the range is not
 * wholly inside memory 0. The view dies with the next guest instruction. For writes the
 * range is marked dirty. A count of 0 is valid anywhere up to the memory's end.
 */
NODISCARD bool engine_memory_read(struct engine_instance *instance,
                                  uint64_t address,
                                  uint64_t count,
                                  const uint8_t **ret_data);
NODISCARD bool engine_memory_write(struct engine_instance *instance,
                                   uint64_t address,
                                   uint64_t count,
                                   uint8_t **ret_data);

/* ---- linking and instances ------------------------------------------------------------------- */

struct engine_extern {
    enum engine_extern_kind kind;
    /* FUNC: either a host function ... */
    engine_host_func host;
    void *host_context;
    struct engine_functype host_type; /* only read if check_type: must equal the import's */
    bool check_type;
    /* ... or, for all kinds, something of another instance on the same machine. */
    struct engine_instance *instance;
    uint32_t index; /* in the instance's index space of that kind */
};

/*
 * Provides one import; false: nothing does. A missing func becomes a trap that names it
 * if `missing_funcs_trap`, otherwise, and for all other kinds, the instantiation fails
 * with STATUS_UNLINKABLE.
 */
struct engine_linker {
    bool (*resolve)(void *context,
                    const struct engine_import_desc *import,
                    struct engine_extern *ret_extern);
    void *context;
    bool missing_funcs_trap;
};

/*
 * [Wasm core 4.5.4] without the start function: allocates, evaluates initialisers, applies
 * active segments. STATUS_TRAPPED if a segment does not fit (engine_machine_trap says
 * which way); then the instance stays alive, because others may already see its parts.
 * The instance is owned by the machine. Afterwards call the start function, if
 * engine_instance_begin_start says that there is one.
 */
NODISCARD enum status engine_instantiate(struct engine_machine *machine,
                                         const struct engine_module *module,
                                         const struct engine_linker *linker,
                                         struct report *report,
                                         struct engine_instance **ret_instance);
/* True: a call of the start function was begun; engine_run it. */
bool engine_instance_begin_start(struct engine_instance *instance);

const struct engine_module *engine_instance_module(const struct engine_instance *instance);
struct engine_machine *engine_instance_machine(const struct engine_instance *instance);
/* As many slots as its type takes. */
const union engine_value *engine_global_get(const struct engine_instance *instance, uint32_t index);

/* ---- snapshot -------------------------------------------------------------------------------- */

/*
 * A new image: the instance's module, unless it has the name of a base, plus the present contents
 * of its globals, tables, dropped segments, memory and heap, which is collected first. The machine
 * must be idle, the instance alone on it, all its imports functions, and nothing in it a reference
 * of the host's (UNSUPPORTED otherwise).
 */
NODISCARD enum status engine_snapshot(const struct engine_instance *instance,
                                      struct report *report,
                                      struct engine_image *ret_image);

/*
 * The same in the middle of a call: the machine waits in a host function that answered PENDING
 * (ASSERTed: busy), which nothing has called back. The image has the call's frames too, and `note`,
 * bytes of the host's that come back with them. UNSUPPORTED also if functions of the module take or
 * return references that may be the host's: frames do not tell these from numbers.
 */
NODISCARD enum status engine_checkpoint(const struct engine_instance *instance,
                                        struct bytes note,
                                        struct report *report,
                                        struct engine_image *ret_image);
bool engine_module_has_checkpoint(const struct engine_module *module);
struct bytes engine_module_checkpoint_note(const struct engine_module *module);
/*
 * Begins the frozen call again, in an instance as it was restored or rewound, on an idle machine:
 * engine_run calls the host function that it waited in, with the same arguments.
 */
void engine_call_resume(struct engine_machine *machine, struct engine_instance *instance);

/*
 * An instance of an image with a snapshot, on a machine without instances. Memories are
 * reserved but not filled when `memory_follows`: the caller maps the image of each privately over
 * its engine_memory_view().base before anything runs; otherwise they are copied. LIMIT: frames of
 * a checkpoint do not fit its stack.
 */
NODISCARD enum status engine_restore(struct engine_machine *machine,
                                     const struct engine_module *module,
                                     const struct engine_linker *linker,
                                     bool memory_follows,
                                     struct report *report,
                                     struct engine_instance **ret_instance);
/*
 * Of an image with a base, `memory_follows`: copies what the caller is not told to map, after it
 * has mapped the rest and before anything runs. Those pages are the instance's own from then on.
 */
void engine_fill(struct engine_instance *instance);
/* The unit in which changes of memories are known. */
#define ENGINE_DIRTY_PAGE_BYTES 4096
/*
 * All that a guest can have changed goes back to the snapshot: memories and their sizes, globals,
 * tables, dropped segments, heap, fuel counter and frames; the machine is idle afterwards. A memory
 * with at most `pages_max` changed pages has these copied from the image; one with more is dropped
 * as a whole, which costs page faults later but gives its private pages back. False: the kernel
 * refused (out of mappings): free the machine.
 */
NODISCARD bool engine_rewind(struct engine_instance *instance, uint64_t pages_max);
/* Did the guest change more than `pages` pages of its memories and the heap, grown ones included?
 */
bool engine_rewind_exceeds(const struct engine_instance *instance, uint64_t pages);
/* Whole pages of its memories that were written since they were made, vacated or dropped: they are
 * no longer the snapshot's mapping. Walks the dirty maps; the second does not, and says what the
 * last rewind left. */
uint64_t engine_own_bytes(const struct engine_instance *instance);
uint64_t engine_rewound_own_bytes(const struct engine_instance *instance);

/*
 * Gives the pages of its own memories, their dirty maps and the guest stack back to the kernel,
 * and page tables with them, and the heap if the snapshot has no objects; for an instance that
 * waits for its next call, alone on its machine, just rewound. Memory that was mapped reads zero
 * (`memory_follows`): the caller maps the image there again, and calls engine_fill before the next
 * call. False: free the machine.
 */
NODISCARD bool engine_vacate(struct engine_instance *instance);

/* A memory of an instance, for the layer that maps it. */
struct engine_memory_view {
    uint8_t *base;          /* NULL if there is no such memory; fixed while the instance is alone */
    uint64_t bytes;         /* present size, up to a multiple of 64 KiB */
    uint64_t initial_bytes; /* the same in the snapshot; bytes grown past it are zero when new */
    uint64_t reserved_bytes;
};
uint32_t engine_memory_count(const struct engine_instance *instance);
struct engine_memory_view engine_memory_view(const struct engine_instance *instance,
                                             uint32_t index);

#endif
