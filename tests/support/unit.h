/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka, with the headers that it wants before itself in the order that it wants them (the
 * formatter would sort them away from it), and UNIT, which stands where main would.
 *
 * The test files of a room are units of one program, as linking costs more than compiling most
 * of them. Each unit is a test of its own to meson:
 *
 *     tests/unit/engine/run/call_test.c         engine_units engine/run/call
 *       UNIT                                       runs this; without a name, all of them
 *       {
 *           const struct CMUnitTest tests[] = {...};
 *           return cmocka_run_group_tests(tests, NULL, NULL);
 *       }
 *
 * A file whose fakes have names of what others are linked with is a program of its own, with a
 * main.
 */
#ifndef SKERRY_TESTS_SUPPORT_UNIT_H
#define SKERRY_TESTS_SUPPORT_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

struct unit {
    const char *file;
    int (*run)(void); /* returns how many tests failed */
    struct unit *next;
};

/* Before main: `unit` is one of the program's. */
void unit_enter(struct unit *unit);

#define UNIT                                                                                       \
    static int unit_run(void);                                                                     \
    __attribute__((constructor)) static void unit_enter_this(void)                                 \
    {                                                                                              \
        static struct unit unit = {.file = __FILE__, .run = unit_run};                             \
        unit_enter(&unit);                                                                         \
    }                                                                                              \
    static int unit_run(void)

#endif
