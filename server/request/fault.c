/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of faults, counting one, and telling of a guest's.
 */
#include "server/request/fault.h"

#include <stdio.h>

#include "server/request/account.h"
#include "server/request/service.h"

#define BACKTRACE_FRAMES_MAX 16
#define BACKTRACE_NAME_BYTES 100

const struct fault_row fault_rows[FAULT_COUNT] = {
#define FAULT(name, status_, code_, metric_, retry_, trace_, detail_)                              \
    [FAULT_##name] = {.status = (status_),                                                         \
                      .retry = (retry_),                                                           \
                      .trace = (trace_),                                                           \
                      .metric = offsetof(struct metrics, metric_),                                 \
                      .code = (code_),                                                             \
                      .detail = (detail_)},
#include "server/request/fault.def"
};

void fault_count(enum fault fault, struct metrics *metrics)
{
    uint64_t *metric = (uint64_t *)(void *)((uint8_t *)metrics + fault_rows[fault].metric);
    ++*metric;
}

static void
fault_log_frame(struct log_line *line, uint32_t index, const struct engine_frame_info *frame)
{
    char key[32];
    char place[160];
    char text[ENGINE_DEMANGLE_BYTES];
    struct bytes name = engine_demangle(frame->func_name, text);
    (void)snprintf(key, sizeof(key), "frame%u", index);
    (void)snprintf(place, sizeof(place), "func %u at 0x%x %.*s", frame->func_index, frame->offset,
                   (int)MIN(name.count, (size_t)BACKTRACE_NAME_BYTES), (const char *)name.data);
    log_text(line, key, bytes_of_text(place));
}

void fault_log(struct request *request, enum fault fault, const char *detail)
{
    ASSERT(request->isolate != NULL);
    struct engine_frame_info frames[BACKTRACE_FRAMES_MAX];
    uint32_t count =
        request->service->guests->backtrace(request->isolate, frames, BACKTRACE_FRAMES_MAX);
    struct log_line line;
    uint64_t now_ns = clock_realtime_ns(request->service->clock);
    log_begin_at(&line, now_ns, "error", "guest_fault");
    access_log_names(&line, request->id, request->function);
    log_text(&line, "code", bytes_of_text(fault_rows[fault].code));
    log_text(&line, "message", bytes_of_text(detail));
    for (uint32_t i = 0; i < count; i++)
        fault_log_frame(&line, i, &frames[i]);
    log_close(&line);
    guest_log_take(request, now_ns, &line); /* what the guest said led to it: that comes first */
}
