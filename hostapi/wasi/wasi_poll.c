/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll_oneoff: waiting on clocks parks the guest; streams are ready at once, but for a stdin of
 * which more is to come.
 *
 * The first call notes the time (poll_base_ns) that relative timeouts count from. If nothing
 * is due, the call parks until the earliest deadline and is made again with the same
 * arguments; then, or at once if any stream is asked for, an event is written for all that
 * is due. Both passes read the subscriptions from guest memory, which nobody changes while
 * the guest is parked.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

#define WASI_POLL_SUBSCRIPTIONS_MAX 1024
#define WASI_POLL_EVENT_BYTES       32
/* What a stream says it takes: any amount, so a usual pipe's worth. */
#define WASI_POLL_WRITE_BYTES 65536

enum wasi_poll_tag { WASI_POLL_CLOCK, WASI_POLL_FD_READ, WASI_POLL_FD_WRITE };
#define WASI_POLL_CLOCK_ABSOLUTE 1u
#define WASI_POLL_EVENT_HANGUP   1u

/* Offsets in a subscription: wasi_unstable repeats the userdata before the clock's fields. */
struct wasi_poll_layout {
    uint32_t bytes;
    uint32_t clock_id;
    uint32_t timeout;
    uint32_t flags;
};
static const struct wasi_poll_layout wasi_poll_p1 = {48, 16, 24, 40};
static const struct wasi_poll_layout wasi_poll_p0 = {56, 24, 32, 48};

#define WASI_POLL_USERDATA 0
#define WASI_POLL_TAG      8
#define WASI_POLL_FD       16

struct wasi_poll_event {
    bool ready;
    uint16_t error;
    uint16_t flags;
    uint64_t bytes;
    bool for_body;   /* when not ready: until more of stdin has come */
    uint64_t due_ns; /* monotonic, when not ready */
};

static uint64_t wasi_poll_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static struct wasi_poll_event wasi_poll_clock(const struct hostapi_host *host,
                                              struct engine_instance *instance,
                                              const struct wasi_poll_layout *layout,
                                              const uint8_t *row)
{
    uint32_t id = guest_mem_load_u32(row + layout->clock_id);
    uint64_t timeout_ns = guest_mem_load_u64(row + layout->timeout);
    uint16_t flags = guest_mem_load_u16(row + layout->flags);
    uint64_t clock_ns;
    if (!wasi_clock_read(host, instance, id, &clock_ns))
        return (struct wasi_poll_event){.ready = true, .error = WASI_INVAL};
    uint64_t now_ns = clock_monotonic_ns(host->options.clock);
    bool absolute = (flags & WASI_POLL_CLOCK_ABSOLUTE) != 0;
    if (absolute ? timeout_ns <= clock_ns : timeout_ns == 0)
        return (struct wasi_poll_event){.ready = true};
    uint64_t due_ns = absolute ? wasi_poll_sum(now_ns, timeout_ns - clock_ns)
                               : wasi_poll_sum(wasi_state(host)->poll_base_ns, timeout_ns);
    due_ns = wasi_clock_step_ns(host, due_ns);
    return (struct wasi_poll_event){.ready = now_ns >= due_ns, .due_ns = due_ns};
}

/* A file is ready at once, with what is left of it. */
static struct wasi_poll_event
wasi_poll_file(struct hostapi_host *host, const struct wasi_fd *row, bool reads)
{
    struct wasi_stat stat = {0};
    const struct wasi_mount *mount = wasi_fds_mount(&wasi_state(host)->fds, row);
    struct wasi_poll_event event = {.ready = true, .bytes = WASI_POLL_WRITE_BYTES};
    if (!reads)
        return event;
    event.error = (uint16_t)mount->tree->stat(mount->context, row->node, &stat);
    event.bytes = stat.size - MIN(stat.size, row->offset);
    return event;
}

static struct wasi_poll_event
wasi_poll_stream(struct hostapi_host *host, uint8_t tag, const uint8_t *subscription)
{
    struct wasi_poll_event event = {.ready = true};
    bool reads = tag == WASI_POLL_FD_READ;
    const struct wasi_fd *row =
        wasi_fds_find(host, guest_mem_load_u32(subscription + WASI_POLL_FD));
    bool is_stdin = row != NULL && row->kind == WASI_FD_STREAM && row->of == WASI_STDIN;
    if (row == NULL || (row->kind == WASI_FD_STREAM && is_stdin != reads)) {
        event.error = WASI_BADF;
    } else if ((row->rights & WASI_RIGHT(POLL_FD_READWRITE)) == 0) {
        event.error = WASI_NOTCAPABLE;
    } else if (row->kind == WASI_FD_NODE) {
        event = wasi_poll_file(host, row, reads);
    } else if (is_stdin && wasi_stdin_waits(host)) {
        event = (struct wasi_poll_event){.for_body = true, .due_ns = UINT64_MAX};
    } else if (is_stdin) {
        event.bytes = host->family->setting->stdin_bytes(host);
        event.flags = event.bytes == 0 ? WASI_POLL_EVENT_HANGUP : 0;
    } else {
        event.bytes = WASI_POLL_WRITE_BYTES;
    }
    return event;
}

static struct wasi_poll_event wasi_poll_look(struct hostapi_host *host,
                                             struct engine_instance *instance,
                                             const struct wasi_poll_layout *layout,
                                             const uint8_t *row)
{
    uint8_t tag = row[WASI_POLL_TAG];
    if (tag == WASI_POLL_CLOCK)
        return wasi_poll_clock(host, instance, layout, row);
    if (tag == WASI_POLL_FD_READ || tag == WASI_POLL_FD_WRITE)
        return wasi_poll_stream(host, tag, row);
    return (struct wasi_poll_event){.ready = true, .error = WASI_INVAL};
}

/* The guest may have its events lie over its subscriptions. */
static void wasi_poll_store(uint8_t *to, const uint8_t *row, const struct wasi_poll_event *event)
{
    uint64_t userdata = guest_mem_load_u64(row + WASI_POLL_USERDATA);
    uint8_t tag = row[WASI_POLL_TAG];
    memset(to, 0, WASI_POLL_EVENT_BYTES);
    guest_mem_store_u64(to, userdata);
    guest_mem_store_u16(to + 8, event->error);
    to[10] = tag;
    guest_mem_store_u64(to + 16, event->bytes);
    guest_mem_store_u16(to + 24, event->flags);
}

static enum engine_outcome wasi_poll_park(struct hostapi_host *host, uint64_t due_ns, bool for_body)
{
    const struct hostapi_wait waits[] = {
        {.kind = HOSTAPI_WAIT_TIME, .until_ns = due_ns},
        {.kind = HOSTAPI_WAIT_BODY},
    };
    return host_park(host, waits, for_body ? 2 : 1);
}

static enum engine_outcome wasi_poll(struct hostapi_host *host,
                                     struct engine_host_call *call,
                                     const struct wasi_poll_layout *layout)
{
    uint32_t count = call->slots[2].i32;
    struct bytes rows;
    uint8_t *events;
    uint8_t *ret_count;
    if (host_is_frozen(host))
        return host_trap_frozen(call, "poll_oneoff");
    if (count == 0 || count > WASI_POLL_SUBSCRIPTIONS_MAX)
        return wasi_answer(call, WASI_INVAL);
    if (!guest_mem_view(call->instance, call->slots[0].i32, count * layout->bytes, &rows) ||
        !guest_mem_space(call->instance, call->slots[1].i32,
                         (uint64_t)count * WASI_POLL_EVENT_BYTES, &events) ||
        !guest_mem_space(call->instance, call->slots[3].i32, 4, &ret_count))
        return wasi_answer(call, WASI_FAULT);
    if (!host->request.resumed) {
        hostcalls_charge_rows(call, count);
        wasi_state(host)->poll_base_ns = clock_monotonic_ns(host->options.clock);
    }

    uint32_t ready = 0;
    uint64_t due_ns = UINT64_MAX;
    bool for_body = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = rows.data + (size_t)i * layout->bytes;
        struct wasi_poll_event event = wasi_poll_look(host, call->instance, layout, row);
        if (event.ready)
            wasi_poll_store(events + (size_t)ready++ * WASI_POLL_EVENT_BYTES, row, &event);
        else
            due_ns = MIN(due_ns, event.due_ns);
        for_body |= event.for_body;
    }
    if (ready == 0)
        return wasi_poll_park(host, due_ns, for_body);
    guest_mem_store_u32(ret_count, ready);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_poll_oneoff(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_poll(host, call, &wasi_poll_p1);
}

enum engine_outcome wasi_poll_oneoff_p0(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_poll(host, call, &wasi_poll_p0);
}
