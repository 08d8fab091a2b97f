/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of answers as bytes of a ring, and what cannot be such.
 */
#include "server/telemetry/answer_record.h"

#include <stdio.h>

void answer_record_write(struct record_ring *ring,
                         const struct deploy_catalog_entry *entry,
                         uint32_t answered,
                         uint32_t failed)
{
    struct answer_record record = {.created_ns = entry->created_ns,
                                   .version = entry->version,
                                   .answered = answered,
                                   .failed = failed};
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", entry->tenant);
    (void)snprintf(record.function, sizeof(record.function), "%s", entry->function);
    const struct bytes part = bytes_make(&record, sizeof(record));
    record_ring_write(ring, RECORD_ANSWERS, &part, 1);
}

bool answer_record_read(const struct record *record, struct answer_record *ret_record)
{
    if (record->type != RECORD_ANSWERS || record->count != sizeof(*ret_record))
        return false;
    memcpy(ret_record, record->data, sizeof(*ret_record));
    return ret_record->version != 0 && ret_record->answered > 0 &&
           ret_record->failed <= ret_record->answered &&
           deploy_name_field_valid(ret_record->tenant) &&
           deploy_name_field_valid(ret_record->function);
}
