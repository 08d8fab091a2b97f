/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as a struct, checked: every number is within limits.h, every text that
 * goes into a request is legal there. The texts are borrowed from argv or static.
 */
#ifndef SKERRY_LOADTEST_LOAD_OPTIONS_H
#define SKERRY_LOADTEST_LOAD_OPTIONS_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "loadtest/limits.h"

struct load_options {
    const char *url;      /* NULL only with `help` */
    uint64_t rate_millis; /* requests in 1,000 seconds; 0: closed loop */
    uint64_t duration_us;
    uint64_t warmup_us;
    uint64_t timeout_us;
    uint64_t connections;
    uint64_t seed;
    uint64_t functions;
    const char *method;
    const char *body_file; /* NULL for none */
    const char *tenant;
    const char *wasm_file;    /* NULL: the built-in module */
    const char *data_dir;     /* NULL: the configuration's */
    const char *admin_socket; /* NULL: the data directory's */
    const char *headers[LOADTEST_HEADERS_MAX];
    uint32_t header_count;
    bool poisson;
    bool json;
    bool cold;
    bool url_is_default; /* none was given: what a deploy answers is better */
    bool keep;
    bool help;
};

/* argv[0] is the verb. USAGE with one line in `report` if something is wrong. */
NODISCARD enum status
load_options_parse(int argc, char **argv, struct report *report, struct load_options *ret_options);
/* The help text. */
NODISCARD enum status load_options_print_help(const char *verb, struct buffer *out);

#endif
