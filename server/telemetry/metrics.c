/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as Prometheus text: one family after the other, one line per worker and label.
 */
#include "server/telemetry/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"

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
#include "server/telemetry/metrics.def"
};

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
                             row->labels, (unsigned long long)value / CLOCK_NS_PER_S,
                             (unsigned long long)value % CLOCK_NS_PER_S);
    return buffer_printf(out, "%s{worker=\"%u\"%s%s} %llu\n", row->family, worker, comma,
                         row->labels, (unsigned long long)value);
}

/* ---- starts ---------------------------------------------------------------------------------- */

static enum status
metrics_print_starts(const struct metrics *page, uint32_t worker, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < ISOLATE_START_REASON_COUNT && status == STATUS_OK; i++)
        status =
            buffer_printf(out, "skerry_starts_total{worker=\"%u\",reason=\"%s\"} %llu\n", worker,
                          isolate_start_reason_text(i), (unsigned long long)page->starts[i]);
    return status;
}

/* ---- turns ----------------------------------------------------------------------------------- */

void metrics_count_turn(struct metrics *metrics, uint64_t turn_ns)
{
    metrics->turns[start_bucket(turn_ns, METRICS_TURN_NS, METRICS_TURN_BUCKETS)]++;
    metrics->turn_ns += turn_ns;
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
                         worker, (unsigned long long)page->turn_ns / CLOCK_NS_PER_S,
                         (unsigned long long)page->turn_ns % CLOCK_NS_PER_S, worker,
                         (unsigned long long)count);
}

/* ---- phases ---------------------------------------------------------------------------------- */

void metrics_count_phases(struct metrics *metrics, bool cold, const struct start_times *times)
{
    struct start_histogram *phases = cold ? metrics->cold_phases : metrics->warm_phases;
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++) {
        if (cold || !start_phase_rows[i].cold_only)
            start_histogram_add(&phases[i], times->ns[i]);
    }
}

/* `labels` are those of all lines. */
static enum status
metrics_print_phase(const struct start_histogram *histogram, const char *labels, struct buffer *out)
{
    uint64_t count = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < START_BUCKETS && status == STATUS_OK; i++) {
        char bound[32] = "+Inf";
        uint64_t bound_us = (uint64_t)START_BUCKET_NS / 1000 << i;
        if (i < START_BUCKETS - 1)
            (void)snprintf(bound, sizeof(bound), "%llu.%06llu",
                           (unsigned long long)bound_us / CLOCK_US_PER_S,
                           (unsigned long long)bound_us % CLOCK_US_PER_S);
        count += histogram->buckets[i];
        status = buffer_printf(out, "skerry_start_phase_seconds_bucket{%s,le=\"%s\"} %llu\n",
                               labels, bound, (unsigned long long)count);
    }
    if (status != STATUS_OK)
        return status;
    return buffer_printf(out,
                         "skerry_start_phase_seconds_sum{%s} %llu.%09llu\n"
                         "skerry_start_phase_seconds_count{%s} %llu\n",
                         labels, (unsigned long long)histogram->sum_ns / CLOCK_NS_PER_S,
                         (unsigned long long)histogram->sum_ns % CLOCK_NS_PER_S, labels,
                         (unsigned long long)count);
}

static enum status
metrics_print_phases(const struct metrics *page, uint32_t worker, struct buffer *out)
{
    char labels[96];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < START_PHASE_COUNT && status == STATUS_OK; i++) {
        const struct start_phase_row *row = &start_phase_rows[i];
        (void)snprintf(labels, sizeof(labels), "worker=\"%u\",start=\"cold\",phase=\"%s\"", worker,
                       row->text);
        status = metrics_print_phase(&page->cold_phases[i], labels, out);
        if (row->cold_only || status != STATUS_OK)
            continue;
        (void)snprintf(labels, sizeof(labels), "worker=\"%u\",start=\"warm\",phase=\"%s\"", worker,
                       row->text);
        status = metrics_print_phase(&page->warm_phases[i], labels, out);
    }
    return status;
}

/* ---- all ------------------------------------------------------------------------------------- */

static enum status metrics_print_row(const struct metrics *const *pages,
                                     uint32_t count,
                                     size_t index,
                                     struct buffer *out)
{
    const struct metrics_row *row = &metrics_rows[index];
    enum status status = STATUS_OK;
    if (index == 0 || strcmp(row->family, metrics_rows[index - 1].family) != 0) {
        const char *type = strcmp(row->type, "seconds") == 0 ? "counter" : row->type;
        status = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->family, row->help,
                               row->family, type);
    }
    for (uint32_t worker = 0; worker < count && status == STATUS_OK; worker++)
        status = metrics_print_value(pages[worker], worker, row, out);
    return status;
}

/* Families that are more than a row. */
static const struct {
    const char *family;
    const char *type;
    const char *help;
    enum status (*print)(const struct metrics *page, uint32_t worker, struct buffer *out);
} metrics_families[] = {
    {"skerry_starts_total", "counter", "isolates handed to requests, by reason",
     metrics_print_starts},
    {"skerry_turn_seconds", "histogram",
     "what a ready socket may have to wait: one turn of the event loop", metrics_print_turns},
    {"skerry_start_phase_seconds", "histogram", "where the time of requests went, by phase",
     metrics_print_phases},
};

void metrics_print(const struct metrics *const *pages, uint32_t count, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(metrics_rows) && status == STATUS_OK; i++)
        status = metrics_print_row(pages, count, i, out);
    for (size_t i = 0; i < COUNT_OF(metrics_families) && status == STATUS_OK; i++) {
        const char *family = metrics_families[i].family;
        status = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family,
                               metrics_families[i].help, family, metrics_families[i].type);
        for (uint32_t worker = 0; worker < count && status == STATUS_OK; worker++)
            status = metrics_families[i].print(pages[worker], worker, out);
    }
}

struct metrics_single {
    const char *name;
    const char *type;
    const char *help;
    uint64_t value;
};

static void
metrics_print_singles(const struct metrics_single *rows, size_t count, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", rows[i].name,
                               rows[i].help, rows[i].name, rows[i].type, rows[i].name,
                               (unsigned long long)rows[i].value);
}

void metrics_print_start_records(const struct metrics_start_records *records, struct buffer *out)
{
    const struct metrics_single rows[] = {
        {"skerry_start_records_lost_total", "counter",
         "starts that are in no function's history: written faster than they were read",
         records->lost},
        {"skerry_start_records_refused_total", "counter",
         "records of starts that made no sense: a worker is broken", records->refused},
        {"skerry_start_histories", "gauge", "functions with a history of starts",
         records->histories},
        {"skerry_start_histories_forgotten_total", "counter", "histories that made room for others",
         records->forgotten},
    };
    metrics_print_singles(rows, COUNT_OF(rows), out);
}

void metrics_print_control(const struct metrics_control *control, struct buffer *out)
{
    const struct metrics_single rows[] = {
        {"skerry_control_log_dropped_total", "counter",
         "lines of workers and builders that control could not write on", control->log_dropped},
        {"skerry_quarantined", "gauge", "versions that are not run, because workers died of them",
         control->quarantined},
        {"skerry_quarantines_total", "counter", "times that a version was put in quarantine",
         control->quarantines},
        {"skerry_connections_lent_total", "counter",
         "connections of a worker that stood still, taken by another", control->connections_lent},
    };
    metrics_print_singles(rows, COUNT_OF(rows), out);
}
