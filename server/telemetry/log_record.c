/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a function's log as bytes of a ring, and what cannot be one.
 */
#include "server/telemetry/log_record.h"

#include <stdio.h>

#include "server/telemetry/log_check.h"

void log_record_write(struct record_ring *ring,
                      const struct deploy_catalog_entry *entry,
                      enum deploy_log_level level,
                      struct bytes line)
{
    struct log_record head = {.level = level, .count = (uint32_t)line.count};
    (void)snprintf(head.tenant, sizeof(head.tenant), "%s", entry->tenant);
    (void)snprintf(head.function, sizeof(head.function), "%s", entry->function);
    const struct bytes parts[] = {bytes_make(&head, sizeof(head)), line};
    record_ring_write(ring, RECORD_LINE, parts, COUNT_OF(parts));
}

bool log_record_read(const struct record *record,
                     const char *own,
                     struct log_record *ret_head,
                     struct bytes *ret_line)
{
    if (record->type != RECORD_LINE || record->count <= sizeof(*ret_head) + 1)
        return false;
    memcpy(ret_head, record->data, sizeof(*ret_head));
    const uint8_t *line = record->data + sizeof(*ret_head);
    if (ret_head->count != record->count - sizeof(*ret_head) || ret_head->count > LOG_LINE_BYTES ||
        line[ret_head->count - 1] != '\n')
        return false;
    *ret_line = bytes_make(line, ret_head->count - 1);
    return ret_head->level < DEPLOY_LOG_LEVEL_COUNT && deploy_name_field_valid(ret_head->tenant) &&
           deploy_name_field_valid(ret_head->function) && log_check_line(*ret_line, own);
}
