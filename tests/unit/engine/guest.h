/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module made with wasm_build.h, compiled, opened and instantiated: everything for one
 * test, and short ways to call it.
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
/* Compiles, opens, makes a machine; instantiates nothing. */
struct guest guest_prepare(struct buffer *wasm);
/* Instantiates too; `linker` may be NULL. Fails the test if that does not work. */
struct guest guest_make(struct buffer *wasm, const struct engine_linker *linker);
void guest_done(struct guest *guest);
/* Calls an exported function with i32 arguments; fails the test unless it returns. The
 * first result, if there is one. */
uint64_t guest_call(struct guest *guest, const char *name, uint32_t argument);
/* Calls an exported function without parameters; fails the test unless it traps. */
struct engine_trap_info guest_trap(struct guest *guest, const char *name);

#endif
