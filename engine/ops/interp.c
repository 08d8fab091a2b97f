/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering and leaving guest code: engine_run grants fuel and hands over to the next cell, the
 * SIGSEGV handler turns a guest's access to reserved pages into a trap.
 *
 * The one mutable global that a run needs lives here, because a signal handler can be given
 * nothing else: the machine that runs now, NULL outside of guest code. A fault while it is
 * NULL, or at an address that no memory of it reserves, is a crash and stays one.
 */
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include "engine/ops/ops.h"
#include "engine/run/call.h"
#include "engine/run/fault.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"

static struct engine_machine *interp_running;
static sigjmp_buf interp_escape;
static struct sigaction interp_previous;

const char *engine_dispatch_name(void)
{
    return DISPATCH_NAME;
}

static bool interp_is_guest_fault(const struct engine_machine *machine, const void *address)
{
    for (uint32_t i = 0; i < machine->instance_count; i++) {
        const struct engine_instance *instance = machine->instances[i];
        for (uint32_t m = 0; m < instance_own_memories(instance); m++) {
            if (memory_guards(&instance->own_memory[m], address))
                return true;
        }
    }
    return false;
}

/*
 * Where the guest was: threaded code has it in registers. Native code has where all cells begin
 * in place of the cell, which its table of faults knows.
 */
static void interp_note_fault(struct engine_machine *machine, const ucontext_t *context)
{
    const uint8_t *at = DISPATCH_FAULTING(context);
    for (uint32_t i = 0; i < machine->instance_count; i++) {
        const struct engine_instance *instance = machine->instances[i];
        if (instance->native == NULL || at < instance->native ||
            at >= instance->native + instance->image->native.count)
            continue;
        DISPATCH_NOTE_NATIVE_FAULT(&machine->registers, context);
        machine->fuel_native -= (uint64_t)machine->registers.fuel;
        machine->registers.pc =
            instance->code + fault_cell_at(instance->image, (uint32_t)(at - instance->native));
        return;
    }
    DISPATCH_NOTE_FAULT(&machine->registers, context);
}

static void interp_on_fault(int signal_number, siginfo_t *info, void *context)
{
    struct engine_machine *machine = interp_running;
    /* What a process sent has its id where a fault has its address. */
    bool sent = info->si_code <= 0;
    if (!sent && machine != NULL && interp_is_guest_fault(machine, info->si_addr)) {
        interp_note_fault(machine, (const ucontext_t *)context);
        siglongjmp(interp_escape, 1);
    }
    /* Not ours: let it happen again under the previous disposition. A fault does by itself. */
    (void)sigaction(signal_number, &interp_previous, NULL);
    if (sent)
        (void)raise(signal_number);
}

enum status engine_init(struct report *report)
{
    struct sigaction action = {.sa_sigaction = interp_on_fault,
                               .sa_flags = SA_SIGINFO | SA_NODEFER};
    (void)sigemptyset(&action.sa_mask);
    struct sigaction previous;
    if (sigaction(SIGSEGV, &action, &previous) != 0)
        return report_errno(report, "cannot install the SIGSEGV handler");
    if (previous.sa_sigaction != interp_on_fault)
        interp_previous = previous;
    /* Made here, so that no request has to wait for it. */
    (void)engine_build_id();
    return STATUS_OK;
}

/* One stretch of guest code; a fault comes back here. */
static enum engine_outcome interp_slice(struct engine_machine *machine)
{
    enum engine_outcome outcome;
    interp_running = machine;
    if (sigsetjmp(interp_escape, 0) == 0) {
        outcome = dispatch_enter(&machine->registers);
    } else {
        machine->trap = TRAP_MEMORY_OUT_OF_BOUNDS;
        outcome = ENGINE_TRAPPED;
    }
    interp_running = NULL;
    return outcome;
}

enum engine_outcome engine_run(struct engine_machine *machine, int64_t fuel)
{
    ASSERT(machine->busy);
    ASSERT(fuel > 0);
    struct machine_registers *registers = &machine->registers;
    if (UNLIKELY(machine->cells.unwind == 0)) /* they never change: once for a machine */
        control_make_cells(&machine->cells);
    int64_t owed = registers->fuel; /* <= 0: overshoot of the slice before */
    enum engine_outcome outcome;
    int64_t left = fuel;
    do {
        /* Tests may force a suspension every few instructions: same results, same fuel. */
        int64_t slice = ENGINE_FORCE_SUSPEND > 0 ? MIN(left, ENGINE_FORCE_SUSPEND) : left;
        int64_t granted = registers->fuel + slice;
        registers->fuel = granted;
        if (granted < 0) {
            outcome = ENGINE_OUT_OF_FUEL;
        } else {
            outcome = interp_slice(machine);
        }
        left -= slice;
    } while (outcome == ENGINE_OUT_OF_FUEL && left > 0);
    int64_t unused = left + registers->fuel - owed;
    /* May be negative for one slice (a branch gave back what it skipped); sums are exact. */
    machine->fuel_used += (uint64_t)(fuel - unused);
    registers->fuel = MIN(left + registers->fuel, 0);
    if (outcome == ENGINE_DONE)
        machine->busy = false;
    else if (outcome == ENGINE_TRAPPED)
        call_settle_fuel(machine);
    return outcome;
}
