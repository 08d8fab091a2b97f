/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file of this room that knows engine and hostapi: outcomes and steps become one.
 */
#include "server/request/guest.h"

#include <stdio.h>

#include "engine/native.h"

/* ---- running --------------------------------------------------------------------------------- */

static enum guest_step
guest_fault(enum fault fault, const char *text, struct guest_result *ret_result)
{
    ret_result->fault = fault;
    (void)snprintf(ret_result->text, sizeof(ret_result->text), "%s", text);
    return GUEST_FAULTED;
}

/* hostapi said HOSTAPI_FAULT. */
static enum guest_step guest_broke_rules(const struct isolate *isolate,
                                         const struct report *report,
                                         struct guest_result *ret_result)
{
    static const enum fault faults[HOSTAPI_FAULT_COUNT] = {
        [HOSTAPI_FAULT_TRAP] = FAULT_TRAP,
        [HOSTAPI_FAULT_BAD_OUTPUT] = FAULT_OUTPUT,
        [HOSTAPI_FAULT_EXIT_STATUS] = FAULT_EXIT,
    };
    enum fault fault = faults[hostapi_fault(isolate_host(isolate))];
    return guest_fault(fault, report->text[0] != '\0' ? report->text : fault_rows[fault].detail,
                       ret_result);
}

static enum guest_step guest_host_step(const struct isolate *isolate,
                                       enum hostapi_step step,
                                       const struct report *report,
                                       struct guest_result *ret_result)
{
    switch (step) {
    case HOSTAPI_RUN:
        return GUEST_RUNS;
    case HOSTAPI_FINISHED:
        ret_result->end = ISOLATE_GOES_ON;
        return GUEST_FINISHED;
    case HOSTAPI_NEXT:
        return GUEST_NEXT;
    case HOSTAPI_FAULT:
        break;
    }
    return guest_broke_rules(isolate, report, ret_result);
}

/* A trap may be an exit, which is a normal end, though not one to go on from; or the end of a
 * guest that was refused memory, which then is the reason. */
static enum guest_step guest_trapped(const struct isolate *isolate, struct guest_result *ret_result)
{
    struct report report;
    report_clear(&report);
    if (hostapi_trapped(isolate_host(isolate), &report) == HOSTAPI_FINISHED) {
        ret_result->end = ISOLATE_FINISHED;
        return GUEST_FINISHED;
    }
    struct engine_trap_info trap = engine_machine_trap(isolate_machine(isolate));
    bool heap_is_full = trap.trap == TRAP_HEAP_EXHAUSTED;
    if (!heap_is_full && !engine_memory_refused(isolate_instance(isolate)))
        return guest_broke_rules(isolate, &report, ret_result);
    ret_result->fault = heap_is_full ? FAULT_HEAP : FAULT_MEMORY;
    (void)snprintf(ret_result->text, sizeof(ret_result->text), "%s, then: %s",
                   fault_rows[ret_result->fault].detail,
                   trap.text != NULL ? trap.text : engine_trap_text(trap.trap));
    return GUEST_FAULTED;
}

static enum guest_step
guest_begin(struct isolate *isolate, struct http_exchange *http, struct guest_result *ret_result)
{
    struct report report;
    report_clear(&report);
    enum hostapi_step step =
        hostapi_begin(isolate_host(isolate), isolate_instance(isolate), http, &report);
    return guest_host_step(isolate, step, &report, ret_result);
}

static enum guest_step guest_waits(const struct isolate *isolate, struct guest_result *ret_result)
{
    const struct hostapi_waits *waits = hostapi_waits(isolate_host(isolate));
    if (hostapi_waits_for(waits, HOSTAPI_WAIT_TURN))
        return GUEST_RUNS;
    ret_result->until_ns = hostapi_waits_until_ns(waits);
    ret_result->for_event = hostapi_waits_for(waits, HOSTAPI_WAIT_EVENT);
    ret_result->for_room = hostapi_waits_for(waits, HOSTAPI_WAIT_ROOM);
    ret_result->for_body = hostapi_waits_for(waits, HOSTAPI_WAIT_BODY);
    return GUEST_WAITS;
}

static enum guest_step
guest_returned(struct isolate *isolate, bool is_error, struct guest_result *ret_result)
{
    struct report report;
    report_clear(&report);
    enum hostapi_step step = hostapi_returned(isolate_host(isolate), is_error, &report);
    return guest_host_step(isolate, step, &report, ret_result);
}

static enum guest_step
guest_run(struct isolate *isolate, int64_t fuel, struct guest_result *ret_result)
{
    struct report report;
    struct engine_machine *machine = isolate_machine(isolate);
    hostapi_run_begins(isolate_host(isolate));
    uint64_t native_before = engine_machine_native_fuel(machine);
    enum engine_outcome outcome = engine_run(machine, fuel);
    ret_result->native_fuel = engine_machine_native_fuel(machine) - native_before;
    switch (outcome) {
    case ENGINE_DONE:
        report_clear(&report);
        return guest_host_step(isolate, hostapi_next(isolate_host(isolate), &report), &report,
                               ret_result);
    case ENGINE_TRAPPED:
        return guest_trapped(isolate, ret_result);
    case ENGINE_PENDING:
        return guest_waits(isolate, ret_result);
    case ENGINE_CALLING: /* never from engine_run */
    case ENGINE_OUT_OF_FUEL:
        break;
    }
    return GUEST_RUNS;
}

static uint64_t guest_fuel_used(const struct isolate *isolate)
{
    return engine_machine_fuel_used(isolate_machine(isolate));
}

static uint32_t
guest_backtrace(const struct isolate *isolate, struct engine_frame_info *ret_frames, uint32_t max)
{
    return engine_backtrace(isolate_machine(isolate), ret_frames, max);
}

const struct guest_ops guest_ops = {
    .begin = guest_begin,
    .run = guest_run,
    .returned = guest_returned,
    .fuel_used = guest_fuel_used,
    .backtrace = guest_backtrace,
};

/* ---- the pool's side ------------------------------------------------------------------------- */

static enum status guest_create_host(void *context,
                                     const struct engine_module *module,
                                     struct engine_linker *ret_linker,
                                     void **ret_host)
{
    struct hostapi_options options = {
        .kind = hostapi_detect(module, true, NULL),
        .clock = context,
    };
    if (options.kind == HOSTAPI_KIND_UNKNOWN)
        return STATUS_UNSUPPORTED;
    struct hostapi_host *host;
    enum status status = hostapi_host_create(&options, &host);
    if (status != STATUS_OK)
        return status;
    *ret_linker = hostapi_linker(host);
    *ret_host = host;
    return STATUS_OK;
}

static void guest_reset_host(void *host)
{
    hostapi_host_reset(host);
}

static void guest_keep_host(void *host)
{
    hostapi_host_keep(host);
}

static void guest_free_host(void *host)
{
    hostapi_host_free(host);
}

struct isolate_host_ops guest_host_ops(const struct clock *clock)
{
    return (struct isolate_host_ops){
        .create = guest_create_host,
        .reset = guest_reset_host,
        .keep = guest_keep_host,
        .free = guest_free_host,
        .context = (void *)(uintptr_t)clock,
    };
}
