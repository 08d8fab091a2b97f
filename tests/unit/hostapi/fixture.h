/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest on a real machine with a host and an exchange, for tests of this folder: what
 * server does for a request, with a clock that only the test moves.
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_FIXTURE_H
#define SKERRY_TESTS_UNIT_HOSTAPI_FIXTURE_H

#include "hostapi/hostapi.h"

#define FIXTURE_MONOTONIC_NS UINT64_C(5000000000123)
#define FIXTURE_REALTIME_NS  UINT64_C(1700000007000000456)

struct fixture {
    struct config_limits limits;
    struct clock clock;
    uint64_t now_ns; /* added to both clocks' beginnings */
    struct engine_image image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    struct hostapi_host *host;
    struct http_exchange exchange;
    struct report report;
    uint64_t waits; /* times a call was PENDING */
    /* The next handler, if the exchange has one; true: it failed. */
    bool (*next)(struct fixture *fixture);
    uint32_t nexts; /* times it was asked for */
};

/* Group setup. cmocka would put its own SIGSEGV handler over the engine's, whose traps come
 * as SIGSEGV: this tells it not to. */
int fixture_prepare(void **state);

/* tests/guests/<name>.wat, as built. Fails the test if it is not there. */
struct bytes fixture_guest(const char *name);
/* A file below shared/; an empty view, and a line saying so, if that is absent. */
struct bytes fixture_shared(const char *path);
void fixture_unload(struct bytes file);
/* A module that imports funcs [] -> [], "module|name" each and NULL at the end, and exports one;
 * the same bytes each time: not to be unloaded. */
struct bytes fixture_module(const char *const *imports, const char *export_name);

/* Setup and teardown of tests that need an exchange alone: little room for headers and log. */
int fixture_setup_exchange(void **state);
int fixture_teardown_exchange(void **state);
/* A func import whose result is an i32. */
struct engine_import_desc
fixture_import(const char *module, const char *name, const uint32_t *params, uint32_t param_count);

/* Gives the fixture its clock. */
void fixture_start_clock(struct fixture *fixture);
/* Compiles and opens; leaves the module in fixture->module. */
void fixture_open(struct fixture *fixture, struct bytes wasm);
/* Makes host and instance (runs the start function), with an exchange for "GET /". The kind
 * is detected unless given. ENGINE_TRAPPED if the start function trapped. */
enum engine_outcome
fixture_begin(struct fixture *fixture, struct bytes wasm, const struct hostapi_options *options);
/* The worker's side: host and instance from the snapshot in fixture->image. */
void fixture_restore(struct fixture *fixture);
/* Runs hostapi_begin_initialise until there is nothing left. */
enum engine_outcome fixture_initialise(struct fixture *fixture);
/* Leads one request to its end; time jumps to what PENDING waits for. */
enum hostapi_step fixture_request(struct fixture *fixture);
/* A new exchange for the same guest, after a reset of the host. */
void fixture_next_exchange(struct fixture *fixture, const char *method, const char *uri);
/* A new exchange for "GET /", with the guest's memory kept. */
void fixture_keep_exchange(struct fixture *fixture);
void fixture_end(struct fixture *fixture);

/* Runs until it ends, in small slices. */
enum engine_outcome fixture_run(struct fixture *fixture);

void fixture_add_header(struct fixture *fixture, const char *name, const char *value);
void fixture_assert_header(const struct fixture *fixture, const char *name, const char *value);
void fixture_assert_body(const struct fixture *fixture, const char *text);
void fixture_assert_log(const struct fixture *fixture, const char *text);

#endif
