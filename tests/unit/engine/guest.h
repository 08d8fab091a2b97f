/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module made with wasm_build.h or assembled from tests/guests, compiled, opened and
 * instantiated: everything for one test, and short ways to call it.
 */
#ifndef SKERRY_TESTS_UNIT_ENGINE_GUEST_H
#define SKERRY_TESTS_UNIT_ENGINE_GUEST_H

#include "engine/engine.h"

struct guest {
    struct engine_image image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
};

/* Compiles, frees `wasm`, opens. Fails the test if that does not work. */
struct engine_module *guest_open(struct buffer *wasm, struct engine_image *ret_image);
/* The same, compiled with options. */
struct engine_module *guest_open_for(struct buffer *wasm,
                                     const struct engine_options *options,
                                     struct engine_image *ret_image);
/* Compiles, opens, makes a machine; instantiates nothing. */
struct guest guest_prepare(struct buffer *wasm);
/* Instantiates too; `linker` may be NULL. Fails the test if that does not work. */
struct guest guest_make(struct buffer *wasm, const struct engine_linker *linker);
/* The same without a linker, compiled with options. */
struct guest guest_make_for(struct buffer *wasm, const struct engine_options *options);
/* The same on a machine with limits of its own. */
struct guest guest_make_within(struct buffer *wasm, const struct engine_limits *limits);
/* Maps memory `index` of the image privately over the instance's, as an isolate does. */
void guest_map_image(const struct guest *guest, uint32_t index);
void guest_done(struct guest *guest);
/* The bytes of tests/guests/<name>.wat, assembled. */
struct buffer guest_read(const char *name);
/* guest_make of these. */
struct guest guest_load(const char *name, const struct engine_linker *linker);
/* A second instance on the machine of `main`, which is to be freed last. */
struct guest
guest_load_beside(const struct guest *main, const char *name, const struct engine_linker *linker);
void guest_done_beside(struct guest *guest);

/* Begins a call of an exported function; as many arguments as it has parameters. */
void guest_begin(struct guest *guest, const char *name, const union engine_value *arguments);
/* engine_run in slices of `fuel` until it does something else than run out of fuel. */
enum engine_outcome guest_run(struct guest *guest, int64_t fuel);
/* Begins and runs in one go. */
enum engine_outcome
guest_go(struct guest *guest, const char *name, const union engine_value *arguments);

/* One call, what it returns and what it executes, counted by hand. */
#define GUEST_ROW_ARGUMENTS 3
struct guest_row {
    const char *name;
    union engine_value arguments[GUEST_ROW_ARGUMENTS];
    union engine_value result; /* zero if there is none */
    uint64_t instructions;     /* GUEST_UNCOUNTED: only the same for all slices */
};
#define GUEST_UNCOUNTED UINT64_MAX
/* Arguments and results of rows. */
#define I32(value)                                                                                 \
    {                                                                                              \
        .i64 = (uint32_t)(value)                                                                   \
    }
#define I64(value)                                                                                 \
    {                                                                                              \
        .i64 = (uint64_t)(value)                                                                   \
    }
#define F32(value)                                                                                 \
    {                                                                                              \
        .f32 = (value)                                                                             \
    }
#define F64(value)                                                                                 \
    {                                                                                              \
        .f64 = (value)                                                                             \
    }
/* Runs all rows on one instance, in slices from 1 to very many units of fuel. */
void guest_check_rows(struct guest *guest, const struct guest_row *rows, size_t count);

/* Calls an exported function with i32 arguments; fails the test unless it returns. The
 * first result, if there is one. */
uint64_t guest_call(struct guest *guest, const char *name, uint32_t argument);
/* Calls an exported function without parameters; fails the test unless it traps. */
struct engine_trap_info guest_trap(struct guest *guest, const char *name);

#endif
