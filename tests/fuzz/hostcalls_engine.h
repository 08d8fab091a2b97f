/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host calls ask of an engine, without the engine: a memory of any size that the fuzzer
 * watches, a module that exports what it likes, and a machine that runs nothing.
 *
 *   watch -> the call: each range that it asks for is noted -> check
 *
 * Between watch and check no byte of the memory may be touched but in those ranges (an address
 * sanitizer, if there is one, ends a call that does), none may be changed but in those that were
 * asked for as to be written, and `check` says whether any was changed.
 */
#ifndef SKERRY_TESTS_FUZZ_HOSTCALLS_ENGINE_H
#define SKERRY_TESTS_FUZZ_HOSTCALLS_ENGINE_H

#include "engine/engine.h"

/* Of one call: a vector for each of fd_read's, and what goes with it. */
#define ENGINE_RANGES_MAX 4096
/* What modules export here, as bits: the others' types are unlike. */
#define ENGINE_EXPORTS_MAX 16

struct engine_range {
    uint64_t address;
    uint64_t count;
};

struct engine_module {
    uint32_t exports; /* bits of engine_export_names */
    bool has_start;
};

struct engine_machine {
    struct engine_trap_info trap;
    char trap_text[256];
    uint64_t fuel_used;
    uint64_t calls; /* of the guest, begun */
    union engine_value results[2];
};

struct engine_instance {
    struct engine_module module;
    struct engine_machine machine;
    uint8_t *memory; /* of exactly its size, so that a sanitizer knows its end */
    uint64_t bytes;
    uint8_t *before; /* the same, as it was when the watch began */
    bool watched;
    uint32_t written_count;
    struct engine_range written[ENGINE_RANGES_MAX];
};

void hostcalls_engine_make(struct engine_instance *instance, uint64_t bytes);
void hostcalls_engine_free(struct engine_instance *instance);
/* The memory is elsewhere afterwards, with the same beginning, as after memory.grow. */
void hostcalls_engine_move(struct engine_instance *instance, uint64_t bytes);
void hostcalls_engine_watch(struct engine_instance *instance);
/* How many bytes are not what they were. */
uint64_t hostcalls_engine_check(struct engine_instance *instance);

#endif
