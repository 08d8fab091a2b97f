/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what the files of `skerry run` share.
 */
#ifndef SKERRY_SERVER_CLI_RUN_H
#define SKERRY_SERVER_CLI_RUN_H

#include "hostapi/hostapi.h"

#define RUN_EXIT_TRAP       134
#define RUN_ENVIRONMENT_MAX 256
#define RUN_HEADERS_MAX     64
#define RUN_SAID_BYTES      65536

/* --request, -H and -d as they were given. */
struct run_request {
    const char *line; /* "GET /path", or a path alone; NULL: there is none */
    const char *headers[RUN_HEADERS_MAX];
    uint32_t header_count;
    bool allow_missing;
    const char *body;    /* NULL: empty; "@FILE": from there */
    struct bytes config; /* of the guest: a script */
    struct buffer said;  /* by the guest, before the request */
};

struct run {
    const char *file;    /* in the end that of a module or script */
    struct arena folder; /* texts of its manifest */
    const char *invoke;  /* NULL: _start */
    int64_t fuel;
    bool stats;
    bool perf; /* a map of native code is wanted */
    struct engine_options options;
    struct engine_limits limits;
    const char *environment[RUN_ENVIRONMENT_MAX];
    uint32_t environment_count;
    const char *dirs[HOSTAPI_DIRS_MAX]; /* HOST or HOST::GUEST */
    struct hostapi_dir open_dirs[HOSTAPI_DIRS_MAX];
    uint32_t dir_count;
    uint32_t open_dir_count;
    const char **arguments; /* argv of the guest, its name first */
    uint32_t argument_count;
    struct run_request request;

    struct buffer file_data;
    struct engine_image image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    struct hostapi_host *host;

    uint64_t load_ns;
    struct engine_timings timings;
    uint64_t instantiate_ns;
    uint64_t run_ns;
    uint64_t run_cpu_ns; /* of this process: what others take on its core is not in it */
};

/* Where `file` is a function's folder: its module, and its variables. */
NODISCARD enum status run_open_folder(struct run *run, struct report *report);
/* Runs the call under way to its end or until all fuel is used. */
enum engine_outcome run_finish_call(struct run *run);
/* Tells of a call that did not return; the exit status. */
int run_ended_early(const struct run *run, enum engine_outcome outcome);

/* Where the module's native code is, for perf: /tmp/perf-PID.map. */
NODISCARD enum status run_write_perf_map(const struct engine_module *module, struct report *report);

/* Recognises the kind and makes its host. */
NODISCARD enum status run_request_prepare(struct run *run, struct report *report);
/* Initialises, sends the request, prints the answer; the exit status. */
int run_request_execute(struct run *run);

#endif
