/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's results for people (text) and for programs (JSON). Both say the same; times are
 * milliseconds with microsecond digits.
 */
#ifndef SKERRY_LOADTEST_LOAD_REPORT_H
#define SKERRY_LOADTEST_LOAD_REPORT_H

#include <stdio.h>

#include "loadtest/load_options.h"
#include "loadtest/load_results.h"

#define LOAD_REPORT_URL_BYTES (2 * LOADTEST_URL_BYTES + LOADTEST_PATH_BYTES)

struct load_report {
    const struct load_options *options;
    const struct target *target;
    const struct load_results *results;
    const struct load_run_result *run;
    const struct histogram *uploads; /* with --cold: each upload as the client saw it */
};

/* The quantiles that are reported, with their names. */
struct load_report_quantile {
    const char *name;
    double quantile;
};
#define LOAD_REPORT_QUANTILES 4
extern const struct load_report_quantile load_report_quantiles[LOAD_REPORT_QUANTILES];

/* Answers per second in the measured time; 0 if there was none. */
double load_report_rate(const struct load_report *report);
/* What was asked for: of a cold run the functions of that name, wherever the server has them. */
void load_report_url(const struct load_report *report, char ret_url[LOAD_REPORT_URL_BYTES]);
double load_report_ms(uint64_t ns);

void load_report_text(const struct load_report *report, FILE *out);
/* One object and a newline. NO_MEMORY or IO. */
NODISCARD enum status load_report_json(const struct load_report *report, FILE *out);

#endif
