/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start, as bytes of a ring, and what cannot be one.
 */
#include "server/telemetry/start_record.h"

#include "isolate/isolate.h"

#define START_AGE_NS_MAX   (600 * CLOCK_NS_PER_S)  /* nobody leaves records lying for ten minutes */
#define START_PHASE_NS_MAX (7200 * CLOCK_NS_PER_S) /* twice the longest limits.wall */

void start_record_write(struct record_ring *ring, const struct start_record *record)
{
    const struct bytes part = bytes_make(record, sizeof(*record));
    record_ring_write(ring, RECORD_START, &part, 1);
}

static bool start_record_valid(const struct start_record *record, uint64_t now_ns)
{
    bool warm = record->reason == ISOLATE_START_WARM;
    if (record->reason >= ISOLATE_START_REASON_COUNT || record->count == 0 ||
        (!warm && record->count != 1) || record->version == 0)
        return false;
    if (record->ended_ns > now_ns || now_ns - record->ended_ns > START_AGE_NS_MAX)
        return false;
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++) {
        if (record->times.ns[i] > START_PHASE_NS_MAX)
            return false;
    }
    return deploy_name_field_valid(record->tenant) && deploy_name_field_valid(record->function);
}

bool start_record_read(const struct record *record,
                       uint64_t now_ns,
                       struct start_record *ret_record)
{
    if (record->type != RECORD_START || record->count != sizeof(*ret_record))
        return false;
    memcpy(ret_record, record->data, sizeof(*ret_record));
    return start_record_valid(ret_record, now_ns);
}
