/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report that a terminal shows: what was asked, what came, where the time went.
 */
#include <stdlib.h>

#include "loadtest/load_report.h"

#define LOAD_REPORT_BAR_WIDTH 40

const struct load_report_quantile load_report_quantiles[LOAD_REPORT_QUANTILES] = {
    {"p50", 0.5},
    {"p90", 0.9},
    {"p99", 0.99},
    {"p99.9", 0.999},
};

/* Rows of the drawn histogram begin at these values, times powers of ten. */
static const uint64_t load_report_steps[] = {1, 2, 5};

double load_report_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

double load_report_rate(const struct load_report *report)
{
    uint64_t ns = report->run->measured_ns;
    return ns == 0 ? 0 : (double)report->results->answered_count * 1e9 / (double)ns;
}

void load_report_url(const struct load_report *report, char ret_url[LOAD_REPORT_URL_BYTES])
{
    const struct load_options *options = report->options;
    const struct target *target = report->target;
    if (options->cold)
        (void)snprintf(ret_url, LOAD_REPORT_URL_BYTES, "http://%s/f/%s/cold-NNNN%s", target->place,
                       options->tenant, target->path);
    else
        (void)snprintf(ret_url, LOAD_REPORT_URL_BYTES, "%s", options->url);
}

static void load_report_head(const struct load_report *report, FILE *out)
{
    const struct load_options *options = report->options;
    char url[LOAD_REPORT_URL_BYTES];
    load_report_url(report, url);
    (void)fprintf(out, "%s %s (%s)\n  ", options->method, url, report->target->place);
    if (options->cold)
        (void)fprintf(out, "cold start of %llu functions of tenant %s, each requested once",
                      (unsigned long long)options->functions, options->tenant);
    else
        (void)fprintf(out, "%s", options->rate_millis == 0 ? "closed loop" : "open loop");
    if (options->rate_millis > 0)
        (void)fprintf(out, ", %g/s asked%s", (double)options->rate_millis / 1000,
                      options->poisson ? " (Poisson)" : "");
    if (!options->cold)
        (void)fprintf(out, ", for %g s", (double)options->duration_us / 1e6);
    (void)fprintf(out, ", %llu connection%s%s\n", (unsigned long long)options->connections,
                  options->connections == 1 ? "" : "s",
                  report->run->interrupted ? "; INTERRUPTED, so far:" : "");
}

static void load_report_counts(const struct load_report *report, FILE *out)
{
    const struct load_results *results = report->results;
    (void)fprintf(out,
                  "  %.1f/s achieved: %llu answers in %.3f s, %llu of them 2xx or 3xx, "
                  "%.3f MB of bodies\n  status   ",
                  load_report_rate(report), (unsigned long long)results->answered_count,
                  (double)report->run->measured_ns / 1e9,
                  (unsigned long long)results->succeeded_count, (double)results->body_bytes / 1e6);
    for (int i = 0; i < LOAD_RESULTS_STATUS_END; i++) {
        if (results->statuses[i] > 0)
            (void)fprintf(out, " %d: %llu", i, (unsigned long long)results->statuses[i]);
    }
    (void)fprintf(out, "%s\n", results->answered_count == 0 ? " none" : "");
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (results->failures[i] == 0)
            continue;
        const char *detail = results->details[i];
        (void)fprintf(out, "  failed    %llu: %s%s%s\n", (unsigned long long)results->failures[i],
                      failure_text(i), detail[0] != '\0' ? "; first: " : "", detail);
    }
    double wall_ns = (double)MAX(report->run->wall_ns, (uint64_t)1);
    (void)fprintf(out, "  client    %.0f %% of a core",
                  (double)report->run->cpu_ns * 100 / wall_ns);
    const struct histogram *lag = &report->run->lag;
    if (lag->count > 0)
        (void)fprintf(out, "; its own clock was late by %.3f ms at p50, %.3f at p99, %.3f at most",
                      load_report_ms(histogram_quantile(lag, 0.5)),
                      load_report_ms(histogram_quantile(lag, 0.99)), load_report_ms(lag->maximum));
    (void)fprintf(out, "\n");
}

static void load_report_columns(const char *title, FILE *out)
{
    (void)fprintf(out, "\n%s\n  %-12s %9s %10s", title, "", "count", "mean");
    for (int i = 0; i < LOAD_REPORT_QUANTILES; i++)
        (void)fprintf(out, " %10s", load_report_quantiles[i].name);
    (void)fprintf(out, " %10s\n", "max");
}

static void load_report_row(const char *name, const struct histogram *histogram, FILE *out)
{
    if (histogram->count == 0)
        return;
    (void)fprintf(out, "  %-12s %9llu %10.3f", name, (unsigned long long)histogram->count,
                  histogram_mean(histogram) / 1e6);
    for (int i = 0; i < LOAD_REPORT_QUANTILES; i++)
        (void)fprintf(
            out, " %10.3f",
            load_report_ms(histogram_quantile(histogram, load_report_quantiles[i].quantile)));
    (void)fprintf(out, " %10.3f\n", load_report_ms(histogram->maximum));
}

static void
load_report_latency(const struct load_report *report, const struct histogram *all, FILE *out)
{
    bool open_loop = report->options->rate_millis > 0;
    load_report_columns(open_loop ? "latency in ms, from the time a request was due"
                                  : "latency in ms, from sending a request",
                        out);
    load_report_row("all", all, out);
    for (int i = 0; i < LOAD_RESULTS_CLASS_COUNT; i++)
        load_report_row(load_results_class_name(i), &report->results->latency[i], out);
    if (open_loop)
        load_report_row("from sending", &report->results->service, out);
    if (report->uploads != NULL)
        load_report_row("uploads", report->uploads, out);
}

/* A deploy makes an isolate ahead of the first request; who measures starts should know. */
static void load_report_prewarmed(const struct load_report *report, FILE *out)
{
    uint64_t warm = report->results->latency[LOAD_RESULTS_WARM].count;
    if (!report->options->cold || warm == 0)
        return;
    (void)fprintf(out,
                  "\n%llu of these starts were warm: a deploy makes an isolate ahead of the first "
                  "request.\nTo measure cold starts only, start the server with pool.prewarm: 0s\n",
                  (unsigned long long)warm);
}

static void load_report_phases(const struct load_report *report, FILE *out)
{
    const struct load_results *results = report->results;
    struct histogram *all = malloc(sizeof(*all));
    if (results->phase_count > 0 && all != NULL)
        load_report_columns("inside the server, in ms, from its Server-Timing", out);
    for (uint32_t i = 0; all != NULL && i < results->phase_count; i++) {
        const struct load_results_phase *phase = &results->phases[i];
        load_results_phase_all(phase, all);
        load_report_row(phase->name, all, out);
        const struct histogram *cold = phase->by_class[LOAD_RESULTS_COLD];
        if (cold != NULL && cold->count < all->count)
            load_report_row("   cold", cold, out);
    }
    free(all);
    if (results->reason_count > 0)
        (void)fprintf(out, "\ncold starts by reason:");
    for (uint32_t i = 0; i < results->reason_count; i++)
        (void)fprintf(out, "%s %s %llu", i > 0 ? "," : "", results->reasons[i].name,
                      (unsigned long long)results->reasons[i].count);
    if (results->reason_count > 0)
        (void)fprintf(out, "\n");
    if (results->dropped_timing_count > 0)
        (void)fprintf(out, "%llu Server-Timing entries were left out (more than %d names)\n",
                      (unsigned long long)results->dropped_timing_count, LOADTEST_PHASES_MAX);
}

static void load_report_bar(uint64_t from, uint64_t to, uint64_t count, uint64_t largest, FILE *out)
{
    int width = (int)(count * LOAD_REPORT_BAR_WIDTH / largest);
    (void)fprintf(out, "  %8g - %-8g |", load_report_ms(from), load_report_ms(to));
    char least = count > 0 ? '.' : ' ';
    for (int i = 0; i < LOAD_REPORT_BAR_WIDTH; i++)
        (void)fputc(i < width ? '#' : i == 0 ? least : ' ', out);
    (void)fprintf(out, "| %llu\n", (unsigned long long)count);
}

/* Counts of the rows [edge, next edge) of the drawing; returns how many rows there are. */
static uint32_t load_report_fold(const struct histogram *histogram,
                                 uint64_t *ret_edges,
                                 uint64_t *ret_counts,
                                 uint32_t capacity)
{
    uint64_t scale = 1;
    uint32_t rows = 0;
    for (; rows + 1 < capacity; rows++) {
        ret_edges[rows] = scale * load_report_steps[rows % COUNT_OF(load_report_steps)];
        ret_counts[rows] = 0;
        if (ret_edges[rows] > HISTOGRAM_VALUE_MAX)
            break;
        if (rows % COUNT_OF(load_report_steps) == COUNT_OF(load_report_steps) - 1)
            scale *= 10;
    }
    uint32_t row = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        while (row + 1 < rows && histogram_bucket_start(i) >= ret_edges[row + 1])
            row++;
        ret_counts[row] += histogram->buckets[i];
    }
    return rows;
}

static void load_report_draw(const struct histogram *histogram, FILE *out)
{
    uint64_t edges[64];
    uint64_t counts[64];
    uint32_t rows = load_report_fold(histogram, edges, counts, COUNT_OF(edges));
    uint32_t first = 0;
    uint64_t largest = 0;
    while (first < rows && counts[first] == 0)
        first++;
    while (rows > first && counts[rows - 1] == 0)
        rows--;
    for (uint32_t i = first; i < rows; i++)
        largest = MAX(largest, counts[i]);
    for (uint32_t i = first; i < rows; i++)
        load_report_bar(edges[i], edges[i + 1], counts[i], largest, out);
}

void load_report_text(const struct load_report *report, FILE *out)
{
    struct histogram *all = malloc(sizeof(*all));
    load_report_head(report, out);
    load_report_counts(report, out);
    if (all != NULL) {
        load_results_all(report->results, all);
        load_report_latency(report, all, out);
        load_report_prewarmed(report, out);
        load_report_phases(report, out);
        (void)fprintf(out, "\nall latencies, in ms\n");
        load_report_draw(all, out);
    }
    free(all);
}
