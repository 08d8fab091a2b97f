/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run measured: counts, and histograms by class, by phase and by reason.
 *
 * A class is what a person wants to see apart: warm and cold starts as the server told
 * them in Server-Timing, answers that did not say, and error statuses (400 and up), which
 * are often fast and would flatter the rest. Requests due during the warm-up are counted
 * and otherwise forgotten.
 */
#ifndef SKERRY_LOADTEST_LOAD_RESULTS_H
#define SKERRY_LOADTEST_LOAD_RESULTS_H

#include "loadtest/histogram.h"
#include "loadtest/load_run.h"

#define LOAD_RESULTS_STATUS_END  600
#define LOAD_RESULTS_DETAIL_SIZE 160

enum load_results_class {
    LOAD_RESULTS_WARM,
    LOAD_RESULTS_COLD,
    LOAD_RESULTS_UNTOLD, /* no Server-Timing, or one that does not say */
    LOAD_RESULTS_ERROR,
    LOAD_RESULTS_CLASS_COUNT
};

struct load_results_phase {
    char name[LOADTEST_TIMING_NAME_BYTES];
    struct histogram *by_class[LOAD_RESULTS_CLASS_COUNT]; /* owned; NULL until needed */
};

struct load_results_reason {
    char name[LOADTEST_REASON_BYTES];
    uint64_t count;
};

struct load_results {
    uint64_t warmup_count;
    uint64_t answered_count;  /* with any status */
    uint64_t succeeded_count; /* with 2xx or 3xx */
    uint64_t failed_count;    /* without an answer */
    uint64_t body_bytes;
    uint64_t dropped_timing_count; /* phases or reasons past their cap */
    uint64_t statuses[LOAD_RESULTS_STATUS_END];
    uint64_t failures[FAILURE_COUNT];
    /* The first of each kind of failure, for people; "" if there is none. */
    char details[FAILURE_COUNT][LOAD_RESULTS_DETAIL_SIZE];
    struct histogram latency[LOAD_RESULTS_CLASS_COUNT]; /* from due to done */
    struct histogram service;                           /* all answers, from sent to done */
    uint32_t phase_count;
    struct load_results_phase phases[LOADTEST_PHASES_MAX];
    uint32_t reason_count;
    struct load_results_reason reasons[LOADTEST_REASONS_MAX]; /* of cold starts */
};

/* NULL if memory is out. */
struct load_results *load_results_create(void);
void load_results_free(struct load_results *results);
/* Counts one request. */
void load_results_add(struct load_results *results, const struct load_run_sample *sample);
/* Latency of all answers, or of one phase over all classes. */
void load_results_all(const struct load_results *results, struct histogram *ret_all);
void load_results_phase_all(const struct load_results_phase *phase, struct histogram *ret_all);
const char *load_results_class_name(enum load_results_class class);

#endif
