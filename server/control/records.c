/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reader for each worker's ring. A record that makes no sense is counted, and said once: a bug,
 * or a guest broke out.
 */
#include "server/control/records.h"

#include <stdlib.h>

#include "server/control/counters.h"
#include "server/control/tallies.h"
#include "server/telemetry/log_record.h"
#include "server/telemetry/start_record.h"

#define RECORDS_LINE_KEY "id" /* the log's own */

struct records_source {
    const struct record_ring *ring; /* borrowed; NULL: nobody writes */
    struct record_reader reader;
    uint64_t refused; /* of what the reader took */
};

struct records {
    struct records_options options;
    struct counters *counters;
    struct tallies *tallies;
    bool told; /* that something was refused */
    struct records_source sources[CONFIG_WORKER_SLOTS_MAX];
    struct record record; /* the one at hand */
};

enum status records_create(const struct records_options *options, struct records **ret_records)
{
    struct records *records = calloc(1, sizeof(*records));
    if (records == NULL)
        return STATUS_NO_MEMORY;
    records->options = *options;
    enum status status = counters_create(&records->counters);
    if (status == STATUS_OK)
        status = tallies_create(options->clock, &records->tallies);
    if (status == STATUS_OK)
        *ret_records = records;
    else
        records_free(records);
    return status;
}

void records_free(struct records *records)
{
    if (records != NULL) {
        counters_free(records->counters);
        tallies_free(records->tallies);
    }
    free(records);
}

void records_print_metrics(const struct records *records, struct buffer *out)
{
    counters_print(records->counters, out);
    tallies_print(records->tallies, out);
}

void records_watch(struct records *records, uint32_t worker, const struct record_ring *ring)
{
    ASSERT(worker < COUNT_OF(records->sources));
    records->sources[worker] = (struct records_source){.ring = ring};
}

struct records_stats records_stats(const struct records *records)
{
    struct records_stats stats = {0};
    for (size_t i = 0; i < COUNT_OF(records->sources); i++) {
        const struct records_source *source = &records->sources[i];
        stats.lost += source->reader.lost;
        stats.refused += source->reader.refused + source->refused;
    }
    return stats;
}

static bool records_take_start(struct records *records, uint32_t worker)
{
    const struct clock *clock = records->options.clock;
    struct start_record start;
    uint64_t now_ns = clock_monotonic_ns(clock);
    if (!start_record_read(&records->record, now_ns, &start))
        return false;
    starts_add(records->options.starts, worker, &start,
               clock_realtime_ns(clock) - (now_ns - start.ended_ns));
    return true;
}

static bool records_take_line(const struct records *records)
{
    struct log_record head;
    struct bytes line;
    if (!log_record_read(&records->record, RECORDS_LINE_KEY, &head, &line))
        return false;
    records->options.line(records->options.context, bytes_of_text(head.tenant),
                          bytes_of_text(head.function), (enum deploy_log_level)head.level, line);
    return true;
}

static bool records_take_counter(const struct records *records)
{
    struct counter_record record;
    if (!counter_record_read(&records->record, &record))
        return false;
    counters_add(records->counters, &record);
    return true;
}

static bool records_take_answers(const struct records *records)
{
    struct answer_record record;
    if (!answer_record_read(&records->record, &record))
        return false;
    records->options.answers(records->options.answers_context, &record);
    return true;
}

static bool records_take_tally(const struct records *records)
{
    struct tally_record record;
    if (!tally_record_read(&records->record, &record))
        return false;
    tallies_add(records->tallies, &record);
    return true;
}

static bool records_take(struct records *records, uint32_t worker)
{
    switch (records->record.type) {
    case RECORD_START:
        return records_take_start(records, worker);
    case RECORD_LINE:
        return records_take_line(records);
    case RECORD_COUNTER:
        return records_take_counter(records);
    case RECORD_ANSWERS:
        return records_take_answers(records);
    case RECORD_TALLY:
        return records_take_tally(records);
    case RECORD_NONE:
    case RECORD_TYPE_COUNT:
        break;
    }
    return false;
}

static void records_collect_worker(struct records *records, uint32_t worker)
{
    struct records_source *source = &records->sources[worker];
    uint64_t budget = RECORD_RING_BYTES;
    while (record_ring_read(source->ring, &source->reader, &budget, &records->record))
        source->refused += !records_take(records, worker);
    if ((source->reader.refused == 0 && source->refused == 0) || records->told)
        return;
    records->told = true;
    log_message("error", "records_refused",
                "worker %u tells what makes no sense: a bug, or a guest broke out", worker);
}

struct record_reader records_reader(const struct records *records, uint32_t worker)
{
    return records->sources[worker].reader;
}

void records_resume(struct records *records, uint32_t worker, const struct record_reader *reader)
{
    records->sources[worker].reader = *reader;
}

void records_collect(struct records *records)
{
    for (uint32_t i = 0; i < COUNT_OF(records->sources); i++) {
        if (records->sources[i].ring != NULL)
            records_collect_worker(records, i);
    }
    starts_tell_lost(records->options.starts, records_stats(records).lost);
}
