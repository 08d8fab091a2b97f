/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: the guest stack, the instances on it, how the last run ended, and the calls
 * by which host functions end or charge a run.
 *
 *   | stack_bytes | room for one largest frame | guard page |
 *   ^ stack       ^ stack_limit: no frame may start above
 */
#include "engine/run/machine.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "engine/heap/heap.h"
#include "engine/read/module.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"

#define MACHINE_FRAME_BYTES   ((size_t)65536 * sizeof(uint64_t))
#define MACHINE_PAGE_BYTES    ((size_t)4096)
#define MACHINE_GUARD_BYTES   MACHINE_PAGE_BYTES
#define MACHINE_INSTANCES_MIN 4u
#define MACHINE_READ_PAGES    4u /* that are sooner read than asked for */
/* More than any budget, and far from where a signed counter could wrap. */
#define MACHINE_CHARGE_MAX ((uint64_t)1 << 60)

_Static_assert((size_t)MODULE_MAX_FRAME_SLOTS * 8 <= MACHINE_FRAME_BYTES,
               "a frame that starts below the limit ends before the guard page");

static const char *const trap_texts[TRAP_COUNT] = {
#define TRAP(name, text) [TRAP_##name] = (text),
#include "engine/trap.def"
};

const char *engine_trap_text(enum engine_trap trap)
{
    ASSERT(trap < TRAP_COUNT);
    return trap_texts[trap];
}

enum status engine_machine_create(const struct engine_limits *limits,
                                  struct report *report,
                                  struct engine_machine **ret_machine)
{
    size_t stack_bytes = ALIGN_UP((size_t)limits->stack_bytes, MACHINE_GUARD_BYTES);
    size_t mapped = stack_bytes + MACHINE_FRAME_BYTES + MACHINE_GUARD_BYTES;
    struct engine_machine *machine = calloc(1, sizeof(*machine));
    if (machine == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "no memory for a machine");
    machine->limits = *limits;
    identity_table_init(&machine->identities);
    heap_init(&machine->heap, limits->heap_bytes);
    uint8_t *stack = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack != MAP_FAILED) {
        machine->stack = (uint64_t *)(void *)stack;
        machine->stack_mapped_bytes = mapped;
    }
    if (stack == MAP_FAILED ||
        mprotect(stack + mapped - MACHINE_GUARD_BYTES, MACHINE_GUARD_BYTES, PROT_NONE) != 0) {
        engine_machine_free(machine);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "cannot map a guest stack of %zu bytes; too many live isolates? see "
                           "sysctl vm.max_map_count",
                           mapped);
    }
    machine->stack_limit = machine->stack + stack_bytes / sizeof(uint64_t);
    *ret_machine = machine;
    return STATUS_OK;
}

void engine_machine_free(struct engine_machine *machine)
{
    if (machine == NULL)
        return;
    for (uint32_t i = 0; i < machine->instance_count; i++)
        instance_free(machine->instances[i]);
    free(machine->instances);
    identity_table_done(&machine->identities);
    heap_done(&machine->heap);
    if (machine->stack != NULL)
        (void)munmap(machine->stack, machine->stack_mapped_bytes);
    free(machine);
}

bool machine_stack_holds(const struct engine_machine *machine, uint64_t fp, uint64_t slots)
{
    return fp <= (uint64_t)(machine->stack_limit - machine->stack) &&
           slots <= (machine->stack_mapped_bytes - MACHINE_GUARD_BYTES) / sizeof(uint64_t);
}

/* As a whole, guard page too: then nothing of it keeps the page of page tables. */
bool machine_vacate_stack(struct engine_machine *machine)
{
    size_t mapped = machine->stack_mapped_bytes;
    machine->stack_touched_bytes = 0;
    return mmap(machine->stack, mapped, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED &&
           mprotect(machine->stack, mapped - MACHINE_GUARD_BYTES, PROT_READ | PROT_WRITE) == 0;
}

bool machine_reserve_instance(struct engine_machine *machine)
{
    if (machine->instance_count < machine->instance_capacity)
        return true;
    uint32_t capacity = MAX(machine->instance_capacity * 2, MACHINE_INSTANCES_MIN);
    struct engine_instance **instances =
        realloc(machine->instances, capacity * sizeof(struct engine_instance *));
    if (instances == NULL)
        return false;
    machine->instances = instances;
    machine->instance_capacity = capacity;
    return true;
}

void machine_adopt(struct engine_machine *machine, struct engine_instance *instance)
{
    ASSERT(machine->instance_count < machine->instance_capacity);
    ASSERT(instance->id == machine->instance_count);
    machine->instances[machine->instance_count++] = instance;
    size_t frame_bytes = instance->image->frame_slots_max * sizeof(uint64_t);
    machine->frame_bytes_max = MAX(machine->frame_bytes_max, frame_bytes);
}

struct engine_instance *reference_instance(const struct engine_machine *machine, uint64_t reference)
{
    uint32_t id = (uint32_t)(reference >> 32);
    ASSERT(id < machine->instance_count);
    return machine->instances[id];
}

uint64_t engine_machine_fuel_used(const struct engine_machine *machine)
{
    return machine->fuel_used;
}

uint64_t engine_machine_instructions(const struct engine_machine *machine)
{
    return machine->fuel_used - machine->fuel_priced;
}

struct engine_trap_info engine_machine_trap(const struct engine_machine *machine)
{
    const char *text = machine->trap_reason;
    return (struct engine_trap_info){
        .trap = machine->trap,
        .exit_code = machine->trap == TRAP_EXIT ? machine->exit_code : 0,
        .text = text != NULL ? text : engine_trap_text(machine->trap),
    };
}

/* The last page of them that has something other than zeros, and all before it. */
static size_t machine_written_pages(const uint8_t *pages, size_t count)
{
    for (; count > 0; count--) {
        const uint64_t *words =
            (const uint64_t *)(const void *)(pages + (count - 1) * MACHINE_PAGE_BYTES);
        uint64_t any = 0;
        for (size_t i = 0; i < MACHINE_PAGE_BYTES / sizeof(uint64_t); i++)
            any |= words[i];
        if (any != 0)
            break;
    }
    return count;
}

/* The same of pages that are there, whatever they hold; false: the kernel does not say. */
static bool machine_resident_pages(uint8_t *pages, size_t count, size_t *ret_count)
{
    uint8_t resident[2 * MACHINE_FRAME_BYTES / MACHINE_PAGE_BYTES];
    ASSERT(count <= sizeof(resident));
    if (mincore(pages, count * MACHINE_PAGE_BYTES, resident) != 0)
        return false;
    while (count > 0 && (resident[count - 1] & 1) == 0)
        count--;
    *ret_count = count;
    return true;
}

/* Each frame has a link that was written, in it or after the callee's locals, which lie above its
 * caller's, and a link is never zero: where nothing was written in the length of two frames,
 * nothing was above. Few pages are looked at, since a guest that parks is asked each time; and
 * where two frames are short, they are read instead of asked for: what was never written is the
 * kernel's one page of zeros, and no memory.
 */
uint64_t engine_machine_stack_bytes(struct engine_machine *machine)
{
    size_t window = 2 * machine->frame_bytes_max / MACHINE_PAGE_BYTES + 2;
    size_t end = (machine->stack_mapped_bytes - MACHINE_GUARD_BYTES) / MACHINE_PAGE_BYTES;
    uint8_t *stack = (uint8_t *)machine->stack;
    for (;;) {
        size_t touched = machine->stack_touched_bytes / MACHINE_PAGE_BYTES;
        size_t pages =
            MIN(end - touched, MIN(window, 2 * MACHINE_FRAME_BYTES / MACHINE_PAGE_BYTES));
        uint8_t *from = stack + machine->stack_touched_bytes;
        if (pages <= MACHINE_READ_PAGES)
            pages = machine_written_pages(from, pages);
        else if (!machine_resident_pages(from, pages, &pages))
            return machine->stack_touched_bytes;
        if (pages == 0)
            return machine->stack_touched_bytes;
        machine->stack_touched_bytes += pages * MACHINE_PAGE_BYTES;
    }
}

uint64_t engine_machine_heap_bytes(const struct engine_machine *machine)
{
    return heap_taken_bytes(&machine->heap);
}

uint64_t engine_machine_heap_grown_bytes(const struct engine_machine *machine)
{
    return heap_grown_bytes(&machine->heap);
}

void engine_machine_shed_heap(struct engine_machine *machine, uint64_t from, uint64_t count)
{
    heap_shed(&machine->heap, from, count);
}

/* ---- for host functions ---------------------------------------------------------------------- */

enum engine_outcome engine_host_trap(struct engine_host_call *call, const char *text)
{
    struct engine_machine *machine = call->instance->machine;
    size_t count = strnlen(text, sizeof(machine->trap_text) - 1);
    memcpy(machine->trap_text, text, count);
    machine->trap_text[count] = '\0';
    machine->trap_reason = machine->trap_text;
    machine->trap = TRAP_HOST;
    return ENGINE_TRAPPED;
}

enum engine_outcome engine_host_exit(struct engine_host_call *call, int exit_code)
{
    struct engine_machine *machine = call->instance->machine;
    machine->trap = TRAP_EXIT;
    machine->trap_reason = NULL;
    machine->exit_code = exit_code;
    return ENGINE_TRAPPED;
}

void engine_host_charge(struct engine_host_call *call, uint64_t fuel)
{
    struct engine_machine *machine = call->instance->machine;
    machine->fuel_host = MIN(machine->fuel_host, MACHINE_CHARGE_MAX);
    machine->fuel_host += MIN(fuel, MACHINE_CHARGE_MAX - machine->fuel_host);
}
