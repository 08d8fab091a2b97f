/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each way that engine and host may say a guest went becomes one step of a request's. Engine, host
 * and isolate are fakes that say what the test tells them: some of these ways no real guest goes
 * when it is asked to.
 */
#include <stdio.h>

#include "engine/native.h"
#include "server/request/guest.h"
#include "tests/support/unit.h"

/* What the fakes say. */
static struct {
    enum hostapi_step begin;
    enum hostapi_step next;
    enum hostapi_step trapped;
    enum hostapi_fault fault;
    const char *report; /* of a HOSTAPI_FAULT; "" for none */
    enum engine_outcome outcome;
    struct engine_trap_info trap;
    bool memory_refused;
    uint64_t until_ns;
    bool for_event;
    bool for_room;
    bool for_body;
    bool for_turn;
    enum hostapi_kind kind;
    enum status create_status;
    /* what they were asked */
    const void *clock;
    enum hostapi_kind kind_made;
    uint32_t runs_begun;
    uint32_t runs;
    int64_t fuel;
    bool is_error;
    char called; /* last, of the host's ops */
} says;

static char things[3]; /* addresses of what is opaque: machine, instance, host */

/* The words alone, without what logs and counts them. */
const struct fault_row fault_rows[FAULT_COUNT] = {
#define FAULT(name, status, code_, metric, retry, trace, detail_)                                  \
    [FAULT_##name] = {.code = (code_), .detail = (detail_)},
#include "server/request/fault.def"
};

/* ---- fakes ----------------------------------------------------------------------------------- */

struct engine_machine *isolate_machine(const struct isolate *isolate)
{
    (void)isolate;
    return (struct engine_machine *)&things[0];
}

struct engine_instance *isolate_instance(const struct isolate *isolate)
{
    (void)isolate;
    return (struct engine_instance *)&things[1];
}

void *isolate_host(const struct isolate *isolate)
{
    (void)isolate;
    return &things[2];
}

enum engine_outcome engine_run(struct engine_machine *machine, int64_t fuel)
{
    assert_ptr_equal(machine, &things[0]);
    /* The clocks moved before it, not after. */
    assert_int_equal(says.runs_begun, ++says.runs);
    says.fuel = fuel;
    return says.outcome;
}

struct engine_trap_info engine_machine_trap(const struct engine_machine *machine)
{
    (void)machine;
    return says.trap;
}

bool engine_memory_refused(const struct engine_instance *instance)
{
    assert_ptr_equal(instance, &things[1]);
    return says.memory_refused;
}

const char *engine_trap_text(enum engine_trap trap)
{
    return trap == TRAP_UNREACHABLE ? "unreachable" : "another trap";
}

uint64_t engine_machine_fuel_used(const struct engine_machine *machine)
{
    assert_ptr_equal(machine, &things[0]);
    return 4711;
}

uint64_t engine_machine_native_fuel(const struct engine_machine *machine)
{
    assert_ptr_equal(machine, &things[0]);
    return 100 + 7 * (uint64_t)says.runs;
}

uint32_t engine_backtrace(const struct engine_machine *machine,
                          struct engine_frame_info *ret_frames,
                          uint32_t max)
{
    (void)machine;
    ret_frames[0].func_index = 12;
    return max;
}

static void fake_report(enum hostapi_step step, struct report *report)
{
    if (step == HOSTAPI_FAULT && says.report[0] != '\0')
        (void)report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "%s", says.report);
}

enum hostapi_step hostapi_begin(struct hostapi_host *host,
                                struct engine_instance *instance,
                                struct http_exchange *exchange,
                                struct report *report)
{
    assert_ptr_equal(host, &things[2]);
    assert_ptr_equal(instance, &things[1]);
    (void)exchange;
    fake_report(says.begin, report);
    return says.begin;
}

void hostapi_run_begins(struct hostapi_host *host)
{
    assert_ptr_equal(host, &things[2]);
    says.runs_begun++;
}

enum hostapi_step hostapi_next(struct hostapi_host *host, struct report *report)
{
    (void)host;
    fake_report(says.next, report);
    return says.next;
}

enum hostapi_step hostapi_returned(struct hostapi_host *host, bool is_error, struct report *report)
{
    says.is_error = is_error;
    return hostapi_next(host, report);
}

enum hostapi_step hostapi_trapped(struct hostapi_host *host, struct report *report)
{
    (void)host;
    fake_report(says.trapped, report);
    return says.trapped;
}

enum hostapi_fault hostapi_fault(const struct hostapi_host *host)
{
    (void)host;
    return says.fault;
}

const struct hostapi_waits *hostapi_waits(const struct hostapi_host *host)
{
    (void)host;
    return NULL;
}

bool hostapi_waits_for(const struct hostapi_waits *waits, enum hostapi_wait_kind kind)
{
    (void)waits;
    return kind == HOSTAPI_WAIT_EVENT  ? says.for_event
           : kind == HOSTAPI_WAIT_ROOM ? says.for_room
           : kind == HOSTAPI_WAIT_TURN ? says.for_turn
                                       : says.for_body;
}

uint64_t hostapi_waits_until_ns(const struct hostapi_waits *waits)
{
    (void)waits;
    return says.until_ns;
}

enum hostapi_kind
hostapi_detect(const struct engine_module *module, bool allow_missing, struct report *report)
{
    (void)module;
    (void)report;
    /* The builder has refused what was to be refused. */
    assert_true(allow_missing);
    return says.kind;
}

enum status hostapi_host_create(const struct hostapi_options *options,
                                struct hostapi_host **ret_host)
{
    says.clock = options->clock;
    says.kind_made = options->kind;
    if (says.create_status == STATUS_OK)
        *ret_host = (struct hostapi_host *)&things[2];
    return says.create_status;
}

struct engine_linker hostapi_linker(struct hostapi_host *host)
{
    return (struct engine_linker){.context = host};
}

void hostapi_host_reset(struct hostapi_host *host)
{
    assert_ptr_equal(host, &things[2]);
    says.called = 'r';
}

void hostapi_host_keep(struct hostapi_host *host)
{
    assert_ptr_equal(host, &things[2]);
    says.called = 'k';
}

void hostapi_host_free(struct hostapi_host *host)
{
    assert_ptr_equal(host, &things[2]);
    says.called = 'f';
}

/* ---- running --------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    memset(&says, 0, sizeof(says));
    says.report = "";
    says.kind = HOSTAPI_KIND_WAGI;
    says.create_status = STATUS_OK;
    return 0;
}

static void a_guest_that_begins_runs_ends_or_breaks_the_rules(void **state)
{
    (void)state;
    struct guest_result result = {.end = ISOLATE_FINISHED};
    says.begin = HOSTAPI_RUN;
    assert_int_equal(guest_ops.begin(NULL, NULL, &result), GUEST_RUNS);
    says.begin = HOSTAPI_FINISHED;
    assert_int_equal(guest_ops.begin(NULL, NULL, &result), GUEST_FINISHED);
    assert_int_equal(result.end, ISOLATE_GOES_ON);
    says.begin = HOSTAPI_FAULT;
    says.fault = HOSTAPI_FAULT_BAD_OUTPUT;
    says.report = "no empty line";
    assert_int_equal(guest_ops.begin(NULL, NULL, &result), GUEST_FAULTED);
    assert_int_equal(result.fault, FAULT_OUTPUT);
    assert_string_equal(result.text, "no empty line");
}

static void a_fault_without_words_has_the_faults_own(void **state)
{
    (void)state;
    static const struct {
        enum hostapi_fault from;
        enum fault to;
    } rows[] = {{HOSTAPI_FAULT_TRAP, FAULT_TRAP},
                {HOSTAPI_FAULT_BAD_OUTPUT, FAULT_OUTPUT},
                {HOSTAPI_FAULT_EXIT_STATUS, FAULT_EXIT}};
    assert_int_equal(COUNT_OF(rows), HOSTAPI_FAULT_COUNT);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guest_result result;
        says.begin = HOSTAPI_FAULT;
        says.fault = rows[i].from;
        assert_int_equal(guest_ops.begin(NULL, NULL, &result), GUEST_FAULTED);
        assert_int_equal(result.fault, rows[i].to);
        assert_string_equal(result.text, fault_rows[rows[i].to].detail);
    }
}

static void a_slice_that_ends_asks_for_more_or_waits(void **state)
{
    (void)state;
    struct guest_result result = {.until_ns = 1};
    says.outcome = ENGINE_OUT_OF_FUEL;
    assert_int_equal(guest_ops.run(NULL, 1000, &result), GUEST_RUNS);
    assert_int_equal(says.fuel, 1000);
    says.outcome = ENGINE_PENDING;
    says.until_ns = 77;
    says.for_event = true;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_WAITS);
    assert_int_equal(result.until_ns, 77);
    assert_true(result.for_event);
    /* One that takes turns waits for nothing. */
    says.for_event = false;
    says.for_turn = true;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_RUNS);
}

static void a_call_that_returns_may_be_followed_by_another(void **state)
{
    (void)state;
    struct guest_result result = {.end = ISOLATE_FINISHED};
    says.outcome = ENGINE_DONE;
    says.next = HOSTAPI_RUN;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_RUNS);
    says.next = HOSTAPI_FINISHED;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FINISHED);
    assert_int_equal(result.end, ISOLATE_GOES_ON);
    says.next = HOSTAPI_FAULT;
    says.fault = HOSTAPI_FAULT_TRAP;
    says.report = "next is 7";
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FAULTED);
    assert_string_equal(result.text, "next is 7");
}

static void a_guest_that_asked_for_the_next_handler_goes_on_with_its_answer(void **state)
{
    (void)state;
    struct guest_result result;
    says.outcome = ENGINE_DONE;
    says.next = HOSTAPI_NEXT;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_NEXT);
    says.next = HOSTAPI_RUN;
    assert_int_equal(guest_ops.returned(NULL, true, &result), GUEST_RUNS);
    assert_true(says.is_error);
    says.next = HOSTAPI_FINISHED;
    assert_int_equal(guest_ops.returned(NULL, false, &result), GUEST_FINISHED);
    assert_false(says.is_error);
}

static void an_exit_is_an_end_that_nothing_goes_on_from(void **state)
{
    (void)state;
    struct guest_result result = {.end = ISOLATE_GOES_ON};
    says.outcome = ENGINE_TRAPPED;
    says.trapped = HOSTAPI_FINISHED;
    /* Even of a guest that was refused memory before. */
    says.memory_refused = true;
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FINISHED);
    assert_int_equal(result.end, ISOLATE_FINISHED);
}

static void a_trap_is_told_in_the_hosts_words(void **state)
{
    (void)state;
    struct guest_result result;
    says.outcome = ENGINE_TRAPPED;
    says.trapped = HOSTAPI_FAULT;
    says.fault = HOSTAPI_FAULT_TRAP;
    says.report = "out of bounds memory access";
    says.trap = (struct engine_trap_info){.trap = TRAP_UNREACHABLE};
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FAULTED);
    assert_int_equal(result.fault, FAULT_TRAP);
    assert_string_equal(result.text, "out of bounds memory access");
}

static void memory_that_was_refused_is_the_reason_of_the_trap_after_it(void **state)
{
    (void)state;
    struct guest_result result;
    char wanted[REPORT_TEXT_BYTES];
    says.outcome = ENGINE_TRAPPED;
    says.trapped = HOSTAPI_FAULT;
    says.report = "unreachable";
    says.memory_refused = true;
    says.trap = (struct engine_trap_info){.trap = TRAP_UNREACHABLE};
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FAULTED);
    assert_int_equal(result.fault, FAULT_MEMORY);
    (void)snprintf(wanted, sizeof(wanted), "%s, then: unreachable",
                   fault_rows[FAULT_MEMORY].detail);
    assert_string_equal(result.text, wanted);
    says.trap.text = "abort() was called";
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FAULTED);
    assert_non_null(strstr(result.text, ", then: abort() was called"));
}

static void a_full_heap_is_told_from_refused_memory(void **state)
{
    (void)state;
    struct guest_result result;
    says.outcome = ENGINE_TRAPPED;
    says.trapped = HOSTAPI_FAULT;
    says.memory_refused = true;
    says.trap = (struct engine_trap_info){.trap = TRAP_HEAP_EXHAUSTED, .text = "heap"};
    assert_int_equal(guest_ops.run(NULL, 1, &result), GUEST_FAULTED);
    assert_int_equal(result.fault, FAULT_HEAP);
}

static void fuel_and_frames_are_the_machines(void **state)
{
    (void)state;
    struct engine_frame_info frames[3];
    struct guest_result result;
    assert_int_equal(guest_ops.fuel_used(NULL), 4711);
    (void)guest_ops.run(NULL, 1, &result);
    assert_int_equal(result.native_fuel, 7);
    assert_int_equal(guest_ops.backtrace(NULL, frames, 3), 3);
    assert_int_equal(frames[0].func_index, 12);
}

/* ---- the pool's side ------------------------------------------------------------------------- */

static void a_host_is_made_for_the_kind_of_the_module(void **state)
{
    (void)state;
    const struct clock clock = {0};
    const struct isolate_host_ops ops = guest_host_ops(&clock);
    struct engine_linker linker = {0};
    void *host = NULL;
    assert_int_equal(ops.create(ops.context, NULL, &linker, &host), STATUS_OK);
    assert_ptr_equal(host, &things[2]);
    assert_ptr_equal(linker.context, host);
    assert_ptr_equal(says.clock, &clock);
    assert_int_equal(says.kind_made, HOSTAPI_KIND_WAGI);
    ops.reset(host);
    assert_int_equal(says.called, 'r');
    ops.keep(host);
    assert_int_equal(says.called, 'k');
    ops.free(host);
    assert_int_equal(says.called, 'f');
}

static void a_host_that_cannot_be_made_leaves_nothing_behind(void **state)
{
    (void)state;
    const struct isolate_host_ops ops = guest_host_ops(NULL);
    struct engine_linker linker = {0};
    void *host = NULL;
    says.create_status = STATUS_NO_MEMORY;
    assert_int_equal(ops.create(ops.context, NULL, &linker, &host), STATUS_NO_MEMORY);
    says.kind = HOSTAPI_KIND_UNKNOWN;
    assert_int_equal(ops.create(ops.context, NULL, &linker, &host), STATUS_UNSUPPORTED);
    assert_null(host);
    assert_null(linker.context);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_that_begins_runs_ends_or_breaks_the_rules),
        TEST(a_fault_without_words_has_the_faults_own),
        TEST(a_slice_that_ends_asks_for_more_or_waits),
        TEST(a_call_that_returns_may_be_followed_by_another),
        TEST(a_guest_that_asked_for_the_next_handler_goes_on_with_its_answer),
        TEST(an_exit_is_an_end_that_nothing_goes_on_from),
        TEST(a_trap_is_told_in_the_hosts_words),
        TEST(memory_that_was_refused_is_the_reason_of_the_trap_after_it),
        TEST(a_full_heap_is_told_from_refused_memory),
        TEST(fuel_and_frames_are_the_machines),
        TEST(a_host_is_made_for_the_kind_of_the_module),
        TEST(a_host_that_cannot_be_made_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
