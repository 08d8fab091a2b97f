/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and random bytes: what must never be frozen into a snapshot, so in the builder
 * these calls end the guest with a reason.
 *
 * Real clocks go in steps of limits.clock_resolution, and stand still while the guest runs: what a
 * guest can time is what happens between its slices, not a neighbour's traces in a cache. The CPU
 * clocks are the fuel that was used, one nanosecond a unit: deterministic. A command of one's own
 * (`skerry run`) has clocks that go in microseconds, and this process's CPU time.
 */
#include <errno.h>
#include <sys/random.h>

#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

enum wasi_clock_id {
    WASI_CLOCK_REALTIME,
    WASI_CLOCK_MONOTONIC,
    WASI_CLOCK_PROCESS_CPU,
    WASI_CLOCK_THREAD_CPU,
    WASI_CLOCK_COUNT,
};

#define WASI_CLOCK_FINE_NS     1000u /* without a server */
#define WASI_CLOCK_CPU_TICK_NS 1u

/* More random bytes than this are made in several turns, so that neighbours get theirs. */
#define WASI_RANDOM_TURN_BYTES 65536u

uint64_t wasi_clock_tick_ns(const struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    return exchange == NULL ? WASI_CLOCK_FINE_NS
                            : exchange->limits->clock_resolution * CLOCK_NS_PER_US;
}

uint64_t wasi_clock_step_ns(const struct hostapi_host *host, uint64_t due_ns)
{
    uint64_t tick_ns = wasi_clock_tick_ns(host);
    return due_ns >= UINT64_MAX - tick_ns ? UINT64_MAX : (due_ns + tick_ns - 1) / tick_ns * tick_ns;
}

/* Both real clocks, read once a run. */
static uint64_t wasi_clock_real_ns(const struct hostapi_host *host, enum wasi_clock_id id)
{
    struct wasi_state *state = wasi_state(host);
    if (host->runs == 0 || state->clock_run != host->runs) {
        uint64_t tick_ns = wasi_clock_tick_ns(host);
        uint64_t realtime_ns = clock_realtime_ns(host->options.clock);
        uint64_t monotonic_ns = clock_monotonic_ns(host->options.clock);
        state->clock_run = host->runs;
        state->clock_ns[WASI_CLOCK_REALTIME] = realtime_ns / tick_ns * tick_ns;
        state->clock_ns[WASI_CLOCK_MONOTONIC] = monotonic_ns / tick_ns * tick_ns;
    }
    return state->clock_ns[id];
}

bool wasi_clock_read(const struct hostapi_host *host,
                     struct engine_instance *instance,
                     uint32_t id,
                     uint64_t *ret_ns)
{
    switch (id) {
    case WASI_CLOCK_REALTIME:
    case WASI_CLOCK_MONOTONIC:
        *ret_ns = wasi_clock_real_ns(host, (enum wasi_clock_id)id);
        return true;
    case WASI_CLOCK_PROCESS_CPU:
    case WASI_CLOCK_THREAD_CPU:
        if (host->family->setting->cpu_ns != NULL)
            *ret_ns = host->family->setting->cpu_ns();
        else
            *ret_ns = engine_machine_fuel_used(engine_instance_machine(instance)) *
                      WASI_CLOCK_CPU_TICK_NS;
        return true;
    default:
        return false;
    }
}

enum engine_outcome wasi_clock_res_get(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t id = call->slots[0].i32;
    if (id >= WASI_CLOCK_COUNT)
        return wasi_answer(call, WASI_INVAL);
    uint64_t tick = id <= WASI_CLOCK_MONOTONIC ? wasi_clock_tick_ns(host) : WASI_CLOCK_CPU_TICK_NS;
    bool put = guest_mem_put_u64(call->instance, call->slots[1].i32, tick);
    return wasi_answer(call, put ? WASI_SUCCESS : WASI_FAULT);
}

enum engine_outcome wasi_clock_time_get(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host_is_frozen(host))
        return host_trap_frozen(call, "clock_time_get");
    uint64_t now_ns;
    host->checkpoint.asked.clock_reads++;
    if (!wasi_clock_read(host, call->instance, call->slots[0].i32, &now_ns))
        return wasi_answer(call, WASI_INVAL);
    bool put = guest_mem_put_u64(call->instance, call->slots[2].i32, now_ns);
    return wasi_answer(call, put ? WASI_SUCCESS : WASI_FAULT);
}

bool wasi_random_fill(uint8_t *space, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t got = getrandom(space + done, count - done, 0);
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}

enum engine_outcome wasi_random_get(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host_is_frozen(host))
        return host_trap_frozen(call, "random_get");
    uint64_t count = call->slots[1].i32;
    uint8_t *space;
    if (!guest_mem_space(call->instance, call->slots[0].i32, count, &space))
        return wasi_answer(call, WASI_FAULT);
    struct wasi_state *state = wasi_state(host);
    if (!host->request.resumed) {
        state->random_done = 0;
        host->checkpoint.asked.random_bytes += count;
        engine_host_charge(call, count / HOSTCALLS_RANDOM_BYTES_PER_FUEL);
    }
    uint64_t turn = MIN(count - state->random_done, (uint64_t)WASI_RANDOM_TURN_BYTES);
    if (!wasi_random_fill(space + state->random_done, turn))
        return wasi_answer(call, WASI_IO);
    state->random_done += turn;
    if (state->random_done < count)
        return host_take_turn(host);
    return wasi_answer(call, WASI_SUCCESS);
}
