/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one JSON object. Keys are stable; a histogram is a list of
 * [from_ms, count] of its non-empty buckets, from_ms being the bucket's lower edge.
 */
#include <jansson.h>
#include <stdlib.h>

#include "loadtest/load_report.h"

#define LOAD_REPORT_JSON_DIGITS 12

static json_t *load_report_json_count(uint64_t count)
{
    return json_integer((json_int_t)MIN(count, (uint64_t)INT64_MAX));
}

/* Sets `key`, taking over `value`; false if either is out of memory. */
static bool load_report_json_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *load_report_json_buckets(const struct histogram *histogram)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] == 0)
            continue;
        json_t *pair = json_pack("[f, o]", load_report_ms(histogram_bucket_start(i)),
                                 load_report_json_count(histogram->buckets[i]));
        if (json_array_append_new(list, pair) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *load_report_json_histogram(const struct histogram *histogram)
{
    json_t *object = json_object();
    uint64_t minimum = histogram->count > 0 ? histogram->minimum : 0;
    bool ok = load_report_json_set(object, "count", load_report_json_count(histogram->count)) &&
              load_report_json_set(object, "mean_ms", json_real(histogram_mean(histogram) / 1e6)) &&
              load_report_json_set(object, "min_ms", json_real(load_report_ms(minimum)));
    for (int i = 0; i < LOAD_REPORT_QUANTILES; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%s_ms", load_report_quantiles[i].name);
        uint64_t value = histogram_quantile(histogram, load_report_quantiles[i].quantile);
        ok = ok && load_report_json_set(object, key, json_real(load_report_ms(value)));
    }
    ok = ok &&
         load_report_json_set(object, "max_ms", json_real(load_report_ms(histogram->maximum))) &&
         load_report_json_set(object, "histogram", load_report_json_buckets(histogram));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *load_report_json_latency(const struct load_report *report, struct histogram *all)
{
    const struct load_results *results = report->results;
    json_t *object = json_object();
    load_results_all(results, all);
    bool ok = load_report_json_set(object, "all", load_report_json_histogram(all));
    for (int i = 0; ok && i < LOAD_RESULTS_CLASS_COUNT; i++) {
        if (results->latency[i].count > 0)
            ok = load_report_json_set(object, load_results_class_name(i),
                                      load_report_json_histogram(&results->latency[i]));
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* {"start": {"all": {...}, "cold": {...}}, ...} */
static json_t *load_report_json_phase(const struct load_results_phase *phase, struct histogram *all)
{
    json_t *object = json_object();
    load_results_phase_all(phase, all);
    bool ok = load_report_json_set(object, "all", load_report_json_histogram(all));
    for (int i = 0; ok && i < LOAD_RESULTS_CLASS_COUNT; i++) {
        if (phase->by_class[i] != NULL)
            ok = load_report_json_set(object, load_results_class_name(i),
                                      load_report_json_histogram(phase->by_class[i]));
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static bool
load_report_json_timings(const struct load_report *report, struct histogram *all, json_t *root)
{
    const struct load_results *results = report->results;
    json_t *phases = json_object();
    json_t *reasons = json_object();
    bool ok = true;
    for (uint32_t i = 0; ok && i < results->phase_count; i++)
        ok = load_report_json_set(phases, results->phases[i].name,
                                  load_report_json_phase(&results->phases[i], all));
    for (uint32_t i = 0; ok && i < results->reason_count; i++)
        ok = load_report_json_set(reasons, results->reasons[i].name,
                                  load_report_json_count(results->reasons[i].count));
    ok = load_report_json_set(root, "phases", phases) && ok;
    return load_report_json_set(root, "reasons", reasons) && ok;
}

static bool load_report_json_outcomes(const struct load_results *results, json_t *root)
{
    json_t *statuses = json_object();
    json_t *failures = json_object();
    bool ok = true;
    for (int i = 0; ok && i < LOAD_RESULTS_STATUS_END; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        if (results->statuses[i] > 0)
            ok = load_report_json_set(statuses, key, load_report_json_count(results->statuses[i]));
    }
    for (int i = FAILURE_NONE + 1; ok && i < FAILURE_COUNT; i++)
        ok = load_report_json_set(failures, failure_code(i),
                                  load_report_json_count(results->failures[i]));
    ok = load_report_json_set(root, "statuses", statuses) && ok;
    return load_report_json_set(root, "failures", failures) && ok;
}

static json_t *load_report_json_head(const struct load_report *report)
{
    const struct load_options *options = report->options;
    const struct load_results *results = report->results;
    const struct load_run_result *run = report->run;
    char url[LOAD_REPORT_URL_BYTES];
    load_report_url(report, url);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:b, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:f}", "url", url,
        "method", options->method, "mode",
        options->cold               ? "cold"
        : options->rate_millis == 0 ? "closed"
                                    : "open",
        "address", report->target->place, "connections", (json_int_t)options->connections,
        "interrupted", run->interrupted, "rate_asked", (double)options->rate_millis / 1000,
        "rate_achieved", load_report_rate(report), "duration_s", (double)run->measured_ns / 1e9,
        "answered", (json_int_t)results->answered_count, "succeeded",
        (json_int_t)results->succeeded_count, "failed", (json_int_t)results->failed_count, "warmup",
        (json_int_t)results->warmup_count, "body_bytes", (json_int_t)results->body_bytes,
        "client_cpu_percent", (double)run->cpu_ns * 100 / (double)MAX(run->wall_ns, (uint64_t)1));
    if (options->cold && root != NULL)
        (void)json_object_set_new(root, "functions", json_integer((json_int_t)options->functions));
    return root;
}

enum status load_report_json(const struct load_report *report, FILE *out)
{
    struct histogram *all = malloc(sizeof(*all));
    json_t *root = load_report_json_head(report);
    bool ok =
        all != NULL && root != NULL && load_report_json_outcomes(report->results, root) &&
        load_report_json_set(root, "latency", load_report_json_latency(report, all)) &&
        load_report_json_set(root, "service",
                             load_report_json_histogram(&report->results->service)) &&
        load_report_json_set(root, "client_lag", load_report_json_histogram(&report->run->lag)) &&
        load_report_json_timings(report, all, root);
    if (ok && report->uploads != NULL)
        ok = load_report_json_set(root, "uploads", load_report_json_histogram(report->uploads));
    free(all);
    enum status status = ok ? STATUS_OK : STATUS_NO_MEMORY;
    if (ok && (json_dumpf(root, out, JSON_REAL_PRECISION(LOAD_REPORT_JSON_DIGITS)) != 0 ||
               fputc('\n', out) == EOF))
        status = STATUS_IO;
    json_decref(root);
    return status;
}
