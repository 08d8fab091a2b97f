/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as Prometheus text: one family after the other, one line per worker and label.
 */
#include "server/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct metrics_row {
    const char *family;
    const char *labels;
    const char *type;
    const char *help;
    size_t offset;
} metrics_rows[] = {
#define METRIC(name, family_, labels_, type_, help_)                                               \
    {.family = (family_),                                                                          \
     .labels = (labels_),                                                                          \
     .type = (type_),                                                                              \
     .help = (help_),                                                                              \
     .offset = offsetof(struct metrics, name)},
#include "server/metrics.def"
};

#define METRICS_NANOSECONDS 1000000000

static uint64_t *metrics_value(struct metrics *metrics, const struct metrics_row *row)
{
    return (uint64_t *)(void *)((uint8_t *)metrics + row->offset);
}

void metrics_clear_gauges(struct metrics *metrics)
{
    for (size_t i = 0; i < COUNT_OF(metrics_rows); i++) {
        if (strcmp(metrics_rows[i].type, "gauge") == 0)
            *metrics_value(metrics, &metrics_rows[i]) = 0;
    }
}

static enum status metrics_print_value(const struct metrics *page,
                                       uint32_t worker,
                                       const struct metrics_row *row,
                                       struct buffer *out)
{
    uint64_t value;
    memcpy(&value, (const uint8_t *)page + row->offset, sizeof(value));
    const char *comma = row->labels[0] != '\0' ? "," : "";
    if (strcmp(row->type, "seconds") == 0)
        return buffer_printf(out, "%s{worker=\"%u\"%s%s} %llu.%09llu\n", row->family, worker, comma,
                             row->labels, (unsigned long long)value / METRICS_NANOSECONDS,
                             (unsigned long long)value % METRICS_NANOSECONDS);
    return buffer_printf(out, "%s{worker=\"%u\"%s%s} %llu\n", row->family, worker, comma,
                         row->labels, (unsigned long long)value);
}

/* ---- turns ----------------------------------------------------------------------------------- */

void metrics_count_turn(struct metrics *metrics, uint64_t turn_ns)
{
    /* How many times METRICS_TURN_NS it is, rounded up, less one. */
    uint64_t multiple = (MAX(turn_ns, UINT64_C(1)) - 1) / METRICS_TURN_NS;
    uint32_t bucket = multiple == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(multiple);
    metrics->turns[MIN(bucket, METRICS_TURN_BUCKETS - 1u)]++;
    metrics->turn_time += turn_ns;
}

static enum status
metrics_print_turns(const struct metrics *page, uint32_t worker, struct buffer *out)
{
    uint64_t count = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < METRICS_TURN_BUCKETS && status == STATUS_OK; i++) {
        char bound[32] = "+Inf";
        if (i < METRICS_TURN_BUCKETS - 1)
            (void)snprintf(bound, sizeof(bound), "0.%06u", METRICS_TURN_NS / 1000 << i);
        count += page->turns[i];
        status = buffer_printf(out, "skerry_turn_seconds_bucket{worker=\"%u\",le=\"%s\"} %llu\n",
                               worker, bound, (unsigned long long)count);
    }
    if (status != STATUS_OK)
        return status;
    return buffer_printf(out,
                         "skerry_turn_seconds_sum{worker=\"%u\"} %llu.%09llu\n"
                         "skerry_turn_seconds_count{worker=\"%u\"} %llu\n",
                         worker, (unsigned long long)page->turn_time / METRICS_NANOSECONDS,
                         (unsigned long long)page->turn_time % METRICS_NANOSECONDS, worker,
                         (unsigned long long)count);
}

/* ---- all ------------------------------------------------------------------------------------- */

void metrics_print(const struct metrics *const *pages, uint32_t count, struct buffer *out)
{
    for (size_t i = 0; i < COUNT_OF(metrics_rows); i++) {
        const struct metrics_row *row = &metrics_rows[i];
        enum status status = STATUS_OK;
        if (i == 0 || strcmp(row->family, metrics_rows[i - 1].family) != 0) {
            const char *type = strcmp(row->type, "seconds") == 0 ? "counter" : row->type;
            status = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->family, row->help,
                                   row->family, type);
        }
        for (uint32_t worker = 0; worker < count && status == STATUS_OK; worker++)
            status = metrics_print_value(pages[worker], worker, row, out);
        if (status != STATUS_OK)
            return;
    }
    enum status status =
        buffer_printf(out, "# HELP skerry_turn_seconds what a ready socket may have to wait: "
                           "one turn of the event loop\n"
                           "# TYPE skerry_turn_seconds histogram\n");
    for (uint32_t worker = 0; worker < count && status == STATUS_OK; worker++)
        status = metrics_print_turns(pages[worker], worker, out);
}
