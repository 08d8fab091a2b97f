/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's end: descents in mapped memory, and views of what was found.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/kv/kv_items.h"
#include "deploy/lmdb/lmdb_reader.h"

struct kv_reader {
    struct lmdb_reader base; /* its one database is that of items */
    const struct clock *clock;
    bool begun;
};

enum status kv_reader_open(const char *data_dir,
                           uint64_t map_bytes,
                           struct lmdb_reading *reading,
                           const struct clock *clock,
                           struct report *report,
                           struct kv_reader **ret_reader)
{
    char dir[CONFIG_PATH_BYTES + 16];
    struct kv_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    static const char *const names[] = {KV_DB_ITEM_NAME};
    reader->clock = clock;
    (void)snprintf(dir, sizeof(dir), "%s/" DATA_DIR_KV, data_dir);
    const struct lmdb_reader_options options = {.dir = dir,
                                                .map_bytes = map_bytes,
                                                .names = names,
                                                .count = COUNT_OF(names),
                                                .reading = reading,
                                                .keeps = true};
    enum status status = kv_status(lmdb_reader_init(&reader->base, &options), report);
    if (status == STATUS_OK)
        *ret_reader = reader;
    else
        kv_reader_close(reader);
    return status;
}

void kv_reader_close(struct kv_reader *reader)
{
    if (reader == NULL)
        return;
    lmdb_reader_done(&reader->base);
    free(reader);
}

enum status kv_reader_begin(struct kv_reader *reader, struct report *report)
{
    ASSERT(!reader->begun);
    enum status status = kv_status(lmdb_reader_begin(&reader->base), report);
    reader->begun = status == STATUS_OK;
    return status;
}

void kv_reader_end(struct kv_reader *reader)
{
    ASSERT(reader->begun);
    reader->begun = false;
    lmdb_reader_end(&reader->base);
}

enum status kv_reader_get(struct kv_reader *reader,
                          struct bytes tenant,
                          struct bytes key,
                          struct kv_item *ret_item)
{
    ASSERT(reader->begun);
    return kv_items_get(reader->base.txn, reader->base.dbi[0], tenant, key, reader->clock,
                        ret_item);
}

enum status
kv_reader_list(struct kv_reader *reader, const struct kv_range *range, kv_take *take, void *context)
{
    ASSERT(reader->begun);
    const struct kv_walk walk = {.txn = reader->base.txn,
                                 .item = reader->base.dbi[0],
                                 .now_ns = clock_realtime_ns(reader->clock),
                                 .take = take,
                                 .context = context};
    return kv_items_list(&walk, range);
}
