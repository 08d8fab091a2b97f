/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever is valid runs, traps or runs out of fuel, and then
 *   - the same module on another machine does the same, call by call, in threaded code, in native
 *     code or in both mixed;
 *   - so does an instance restored from a snapshot, before and after it was rewound, and what is
 *     rewound is the snapshot again, byte for byte;
 *   - a second instance on the same machine, which shares tables, memories, globals and tags with
 *     the first, breaks nothing.
 *
 *   | options | module, or bytes to generate one from |
 */
#include "tests/fuzz/generate.h"
#include "tests/fuzz/run.h"

enum {
    OPTION_DETERMINISTIC = 1,
    OPTION_ALL_MARKS = 2,
    OPTION_NATIVE = 4,
    OPTION_MIXED = 8,
    OPTION_FIRST = 16
};

/* Freezes the fresh instance and lives its life three times. */
static void
check_snapshot(struct engine_image image, const struct run *of, const struct run_records *expected)
{
    struct run run = {.is_mixed = of->is_mixed};
    run_restore(&run, image);
    uint64_t state = run_state(&run);
    for (int life = 0; life < 3; life++) {
        struct run_records records = {0};
        run_exports(&run, &records);
        run_compare(expected, &records);
        run_rewind(&run);
        ASSERT(run_state(&run) == state);
        if (life == 1)
            run_vacate(&run);
        ASSERT(run_state(&run) == state);
    }
    run_close(&run);
}

/* On the machine of `first`, which is to be closed before this one. */
static void run_linked(struct run *run,
                       const struct run *first,
                       struct bytes input,
                       const struct engine_options *options)
{
    struct choices choices = choices_make(input.data, input.count);
    struct buffer wasm;
    buffer_init(&wasm, run_limits.module_bytes);
    generate_module(&choices, GENERATE_LINKED, &wasm);
    if (run_open(run, buffer_bytes(&wasm), options, first)) {
        struct run_records records = {0};
        run_start(run, &records);
        run_exports(run, &records);
    }
    ASSERT(run->module != NULL);
    buffer_done(&wasm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report report = REPORT_INIT;
    ASSERT(engine_init(&report) == STATUS_OK);
    if (size == 0)
        return 0;
    struct engine_options options = {.deterministic = (data[0] & OPTION_DETERMINISTIC) != 0,
                                     .all_marks = (data[0] & OPTION_ALL_MARKS) != 0,
                                     .native = (data[0] & OPTION_NATIVE) == 0  ? ENGINE_NATIVE_OFF
                                               : (data[0] & OPTION_MIXED) != 0 ? ENGINE_NATIVE_MIXED
                                                                               : ENGINE_NATIVE_ON,
                                     .native_seed = data[0]};
    struct bytes input = bytes_make(data + 1, size - 1);
    struct buffer wasm;
    buffer_init(&wasm, run_limits.module_bytes);
    run_module_bytes(input, &wasm);
    /* What is restored from its snapshot, and who is linked to it, run what native code there is.
     */
    struct run run = {.is_threaded = (data[0] & OPTION_FIRST) == 0};
    struct run linked = {0};
    bool is_open = run_open(&run, buffer_bytes(&wasm), &options, NULL);
    ASSERT(run.module != NULL || !run_is_generated(input));
    if (is_open) {
        struct run_records records = {0};
        run_start(&run, &records);
        struct engine_image image;
        bool is_frozen = run_snapshot(&run, &image);
        run.log = 0;
        records.count = 0;
        run_exports(&run, &records);
        if (is_frozen)
            check_snapshot(image, &run, &records);
        if (run_is_generated(input))
            run_linked(&linked, &run, input, &options);
    }
    buffer_done(&wasm);
    run_close(&run);
    run_close(&linked);
    return 0;
}
