/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka, with the headers that it wants before itself in the order that it wants them;
 * the formatter would sort them away from it.
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

#endif
