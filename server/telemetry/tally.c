/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tallies as bytes of a ring, and what cannot be such.
 */
#include "server/telemetry/tally.h"

#include <stdio.h>

void tally_record_write(struct record_ring *ring,
                        const struct deploy_catalog_entry *entry,
                        const struct tally *tally)
{
    struct tally_record record = {.tally = *tally, .version = entry->version};
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", entry->tenant);
    (void)snprintf(record.function, sizeof(record.function), "%s", entry->function);
    const struct bytes part = bytes_make(&record, sizeof(record));
    record_ring_write(ring, RECORD_TALLY, &part, 1);
}

bool tally_record_read(const struct record *record, struct tally_record *ret_record)
{
    if (record->type != RECORD_TALLY || record->count != sizeof(*ret_record))
        return false;
    memcpy(ret_record, record->data, sizeof(*ret_record));
    return ret_record->version != 0 && ret_record->tally.answered > 0 &&
           ret_record->tally.failed <= ret_record->tally.answered &&
           deploy_name_field_valid(ret_record->tenant) &&
           deploy_name_field_valid(ret_record->function);
}
