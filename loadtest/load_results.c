/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting samples into their places.
 */
#include "loadtest/load_results.h"

#include <stdio.h>
#include <stdlib.h>

const char *load_results_class_name(enum load_results_class class)
{
    static const char *const names[LOAD_RESULTS_CLASS_COUNT] = {
        [LOAD_RESULTS_WARM] = "warm",
        [LOAD_RESULTS_COLD] = "cold",
        [LOAD_RESULTS_UNTOLD] = "untold",
        [LOAD_RESULTS_ERROR] = "error",
    };
    ASSERT(class < LOAD_RESULTS_CLASS_COUNT);
    return names[class];
}

struct load_results *load_results_create(void)
{
    struct load_results *results = calloc(1, sizeof(*results));
    if (results == NULL)
        return NULL;
    for (int i = 0; i < LOAD_RESULTS_CLASS_COUNT; i++)
        histogram_init(&results->latency[i]);
    histogram_init(&results->service);
    return results;
}

void load_results_free(struct load_results *results)
{
    if (results == NULL)
        return;
    for (uint32_t i = 0; i < results->phase_count; i++) {
        for (int class = 0; class < LOAD_RESULTS_CLASS_COUNT; class ++)
            free(results->phases[i].by_class[class]);
    }
    free(results);
}

static enum load_results_class load_results_classify(const struct answer *answer)
{
    static const enum load_results_class classes[SERVER_TIMING_START_COUNT] = {
        [SERVER_TIMING_UNKNOWN] = LOAD_RESULTS_UNTOLD,
        [SERVER_TIMING_WARM] = LOAD_RESULTS_WARM,
        [SERVER_TIMING_COLD] = LOAD_RESULTS_COLD,
    };
    return answer->http_status >= 400 ? LOAD_RESULTS_ERROR : classes[answer->timing.start];
}

static struct load_results_phase *load_results_find_phase(struct load_results *results,
                                                          const char *name)
{
    for (uint32_t i = 0; i < results->phase_count; i++) {
        if (strcmp(results->phases[i].name, name) == 0)
            return &results->phases[i];
    }
    if (results->phase_count == LOADTEST_PHASES_MAX)
        return NULL;
    struct load_results_phase *phase = &results->phases[results->phase_count++];
    (void)snprintf(phase->name, sizeof(phase->name), "%s", name);
    return phase;
}

static void load_results_add_phase(struct load_results *results,
                                   enum load_results_class class,
                                   const struct server_timing_entry *entry)
{
    struct load_results_phase *phase = load_results_find_phase(results, entry->name);
    if (phase != NULL && phase->by_class[class] == NULL) {
        phase->by_class[class] = malloc(sizeof(struct histogram));
        if (phase->by_class[class] != NULL)
            histogram_init(phase->by_class[class]);
    }
    if (phase == NULL || phase->by_class[class] == NULL)
        results->dropped_timing_count++;
    else
        histogram_record(phase->by_class[class], entry->duration_ns);
}

static void load_results_add_reason(struct load_results *results, const char *name)
{
    for (uint32_t i = 0; i < results->reason_count; i++) {
        if (strcmp(results->reasons[i].name, name) == 0) {
            results->reasons[i].count++;
            return;
        }
    }
    if (results->reason_count == LOADTEST_REASONS_MAX) {
        results->dropped_timing_count++;
        return;
    }
    struct load_results_reason *reason = &results->reasons[results->reason_count++];
    (void)snprintf(reason->name, sizeof(reason->name), "%s", name);
    reason->count = 1;
}

static void load_results_add_failure(struct load_results *results,
                                     const struct connection_result *result)
{
    results->failed_count++;
    results->failures[result->failure]++;
    char *detail = results->details[result->failure];
    if (detail[0] != '\0')
        return;
    char reason[128];
    if (result->failure == FAILURE_MALFORMED && result->detail != NULL)
        (void)snprintf(detail, LOAD_RESULTS_DETAIL_SIZE, "%s", result->detail);
    else if (result->error_number != 0)
        (void)snprintf(detail, LOAD_RESULTS_DETAIL_SIZE, "%s",
                       strerror_r(result->error_number, reason, sizeof(reason)));
}

static uint64_t load_results_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

void load_results_add(struct load_results *results, const struct load_run_sample *sample)
{
    const struct connection_result *result = sample->result;
    if (sample->warmup) {
        results->warmup_count++;
        return;
    }
    if (result->failure != FAILURE_NONE) {
        load_results_add_failure(results, result);
        return;
    }
    const struct answer *answer = result->answer;
    enum load_results_class class = load_results_classify(answer);
    ASSERT(answer->http_status < LOAD_RESULTS_STATUS_END);
    results->answered_count++;
    results->succeeded_count += class != LOAD_RESULTS_ERROR;
    results->statuses[answer->http_status]++;
    results->body_bytes += answer->body_bytes;
    results->dropped_timing_count += answer->timing.dropped_count;
    histogram_record(&results->latency[class],
                     load_results_between(sample->due_ns, result->done_ns));
    histogram_record(&results->service, load_results_between(result->sent_ns, result->done_ns));
    for (uint32_t i = 0; i < answer->timing.entry_count; i++)
        load_results_add_phase(results, class, &answer->timing.entries[i]);
    if (answer->timing.start == SERVER_TIMING_COLD)
        load_results_add_reason(results, answer->timing.reason[0] != '\0' ? answer->timing.reason
                                                                          : "unnamed");
}

void load_results_all(const struct load_results *results, struct histogram *ret_all)
{
    histogram_init(ret_all);
    for (int i = 0; i < LOAD_RESULTS_CLASS_COUNT; i++)
        histogram_merge(ret_all, &results->latency[i]);
}

void load_results_phase_all(const struct load_results_phase *phase, struct histogram *ret_all)
{
    histogram_init(ret_all);
    for (int i = 0; i < LOAD_RESULTS_CLASS_COUNT; i++) {
        if (phase->by_class[i] != NULL)
            histogram_merge(ret_all, phase->by_class[i]);
    }
}
