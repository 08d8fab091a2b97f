/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a run that is interrupted at any places is the same run. One instance runs every
 * call in one go and in threaded code, another in slices of fuel, with host functions that wait,
 * and in native code or both mixed; between calls both are frozen now and then, and the other goes
 * on as what was restored, in the other tier. Outcomes, results, fuel and state are equal after
 * each call, also of those that end for lack of fuel.
 *
 *   | where to interrupt: 8 bytes | module, or bytes to generate one from |
 */
#include "tests/fuzz/choices.h"
#include "tests/fuzz/run.h"

enum { ROUNDS = 3 };

/* What of where to interrupt says which code is native. */
enum { TIER_SHIFT = 56, TIER_THREADED_ONCE_IN = 8 };

/* Both collect their heaps; the second goes on in a new machine. False: cannot be frozen. */
static void freeze(const struct run *whole, struct run *sliced)
{
    struct engine_image images[2];
    bool frozen = run_snapshot(whole, &images[0]);
    ASSERT(run_snapshot(sliced, &images[1]) == frozen);
    if (!frozen)
        return;
    ASSERT(images[0].count == images[1].count &&
           memcmp(images[0].data, images[1].data, images[0].count) == 0);
    engine_image_free(&images[0]);
    struct run restored = {.interruptions = sliced->interruptions,
                           .log = sliced->log,
                           .is_threaded = !sliced->is_threaded,
                           .is_mixed = sliced->is_mixed};
    run_close(sliced);
    *sliced = restored;
    run_restore(sliced, images[1]);
}

static void compare(struct run *whole, struct run *sliced)
{
    struct run_records records[2] = {0};
    run_start(whole, &records[0]);
    run_start(sliced, &records[1]);
    records[1].count -= sliced->is_unequal;
    run_compare(&records[0], &records[1]);
    for (int round = 0; round < ROUNDS && !sliced->is_unequal; round++) {
        records[0].count = 0;
        records[1].count = 0;
        run_exports(whole, &records[0]);
        run_exports(sliced, &records[1]);
        ASSERT(sliced->is_unequal || records[0].count == records[1].count);
        records[1].count -= sliced->is_unequal;
        run_compare(&records[0], &records[1]);
        if (!sliced->is_unequal)
            freeze(whole, sliced);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report report = REPORT_INIT;
    ASSERT(engine_init(&report) == STATUS_OK);
    struct choices choices = choices_make(data, size);
    uint64_t state = choose_bits(&choices, 8);
    struct bytes input = bytes_make(choices.at, choices.left);
    struct buffer wasm;
    buffer_init(&wasm, run_limits.module_bytes);
    run_module_bytes(input, &wasm);
    uint8_t tier = (uint8_t)(state >> TIER_SHIFT);
    const struct engine_options options = {.native = tier % TIER_THREADED_ONCE_IN == 0
                                                         ? ENGINE_NATIVE_OFF
                                                     : tier % 2 == 0 ? ENGINE_NATIVE_MIXED
                                                                     : ENGINE_NATIVE_ON,
                                           .native_seed = (uint32_t)state};
    struct run whole = {.is_threaded = true};
    struct run sliced = {.interruptions = {.state = state | 1}};
    bool is_open = run_open(&whole, buffer_bytes(&wasm), &options, NULL);
    ASSERT(run_open(&sliced, buffer_bytes(&wasm), &options, NULL) == is_open);
    ASSERT(whole.module != NULL || !run_is_generated(input));
    if (is_open)
        compare(&whole, &sliced);
    buffer_done(&wasm);
    run_close(&whole);
    run_close(&sliced);
    return 0;
}
