/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count as bytes of a ring, and what cannot be one.
 */
#include "server/telemetry/counter_record.h"

#include <stdio.h>

void counter_record_write(struct record_ring *ring,
                          const struct deploy_catalog_entry *entry,
                          const struct http_counter *counter)
{
    struct counter_record record = {.amount = counter->amount};
    ASSERT(counter->name.count <= HTTP_COUNTER_NAME_BYTES);
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", entry->tenant);
    (void)snprintf(record.function, sizeof(record.function), "%s", entry->function);
    memcpy(record.name, counter->name.data, counter->name.count);
    const struct bytes part = bytes_make(&record, sizeof(record));
    record_ring_write(ring, RECORD_COUNTER, &part, 1);
}

bool counter_record_read(const struct record *record, struct counter_record *ret_record)
{
    if (record->type != RECORD_COUNTER || record->count != sizeof(*ret_record))
        return false;
    memcpy(ret_record, record->data, sizeof(*ret_record));
    size_t count = strnlen(ret_record->name, sizeof(ret_record->name));
    return count <= HTTP_COUNTER_NAME_BYTES &&
           http_counter_is_name(bytes_make(ret_record->name, count)) &&
           deploy_name_field_valid(ret_record->tenant) &&
           deploy_name_field_valid(ret_record->function);
}
