/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module, its machine and a host for it, for fuzz targets: everything that can be called is
 * called, and what came of it is a row of numbers that can be compared with another run's.
 *
 *   bytes --fuzz_module--> wasm --run_open--> run --run_start, run_exports--> struct run_record[]
 *                                              |
 *                                  run_snapshot, run_restore, run_rewind
 *
 * The host's functions answer from what they are asked alone, so that every run of a module is
 * the same run: but for where it is interrupted, which is what `interruptions` is for.
 */
#ifndef SKERRY_TESTS_FUZZ_RUN_H
#define SKERRY_TESTS_FUZZ_RUN_H

#include "engine/engine.h"

/* libFuzzer's interface: what a target defines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUN_CALLS_MAX 40    /* of one instance */
#define RUN_FUEL      20000 /* of one call */

/* Pseudo-random numbers that say where a run stops and which host calls wait. */
struct run_interruptions {
    uint64_t state; /* 0: nothing is interrupted */
};

struct run_host; /* a function of the host's */

struct run {
    struct engine_image image;
    struct engine_module *module;
    struct engine_machine *machine; /* NULL: not made, or another's */
    struct engine_instance *instance;
    struct run_host *hosts;
    struct engine_instance *first; /* whose exports are imported; NULL: nobody's */
    struct run_interruptions interruptions;
    uint64_t log;     /* of what the host was called with */
    int64_t owed;     /* fuel that the last call took beyond what it was given */
    bool is_threaded; /* although its image may have native code */
    bool is_mixed;    /* of its image some cells have native code and some have not */
    bool is_unequal;  /* a call was left at a place where another run cannot be left */
};

/* One call. Equal runs have equal records. */
struct run_record {
    uint64_t outcome; /* enum engine_outcome << 32 | enum engine_trap */
    uint64_t fuel;
    uint64_t results;
    uint64_t log;
    uint64_t state; /* after it: run_state */
};

struct run_records {
    struct run_record rows[RUN_CALLS_MAX + 1];
    uint32_t count;
};

extern const struct engine_limits run_limits;

/* The input itself if it begins like a module, else one generated from it. `wasm` is empty. */
void run_module_bytes(struct bytes input, struct buffer *wasm);
/* Is it a generated one, which must be valid? */
bool run_is_generated(struct bytes input);

/*
 * Compiles, opens and instantiates, to run native code if the options have some made; `first` may
 * be NULL, else it is instantiated on its machine with its exports. False: it is not valid, or
 * cannot be instantiated.
 */
bool run_open(struct run *run,
              struct bytes wasm,
              const struct engine_options *options,
              const struct run *first);
/* Asks all that engine.h lets anyone ask an open module, and reads every byte of the answers. */
void run_ask(const struct engine_module *module);
/* Calls the start function and appends a record; without one appends nothing. */
void run_start(struct run *run, struct run_records *records);
/* Calls the exported functions, each with arguments of its own; a record for each. */
void run_exports(struct run *run, struct run_records *records);
/* A hash of globals, tables, segments, memories and heap. */
uint64_t run_state(const struct run *run);
/* Aborts with both rows where they differ. */
void run_compare(const struct run_records *a, const struct run_records *b);

/* A snapshot of the idle run as an image of its own; false if it cannot be frozen. */
bool run_snapshot(const struct run *run, struct engine_image *ret_image);
/* A snapshot in the middle of some call that waits in a host function; false: none could be made.
 */
bool run_checkpoint(struct run *run, struct engine_image *ret_image);
/* A run of this snapshot, which it owns; in which tier, `run` says. */
void run_restore(struct run *run, struct engine_image image);
/* Back to the snapshot: of each memory a few pages by copying, more by dropping all. */
void run_rewind(struct run *run);
/* The same behind engine_vacate, which a run that was just rewound may be given to. */
void run_vacate(struct run *run);
void run_close(struct run *run);

#endif
