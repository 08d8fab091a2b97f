/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module in a folder of its own, for the verbs that need no server. It exports
 *
 *   one  () -> i32       1                boom  () -> ()   traps
 *   add  (i32 i32) -> i32                 spin  () -> ()   never ends
 *   mem  a memory of one page
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_CLI_BENCH_H
#define SKERRY_TESTS_UNIT_SERVER_CLI_BENCH_H

#include "tests/support/capture.h"

struct bench {
    char folder[64];
    char module[96];
    char broken[96]; /* ends in the middle of a section */
    char absent[96]; /* is not there */
    char script[96]; /* a script of one good and one wrong assertion about the module */
    struct capture shown;
};

/* A cmocka fixture. */
int bench_setup(void **state);
int bench_teardown(void **state);

#define TEST_BENCH(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
