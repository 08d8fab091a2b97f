/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuickJS with a bound on its stack. Where __wasi__ is defined it has none, as embedders could not
 * know their stack's size; ours lies below all data and is as large as the linker was told, so too
 * deep a recursion is a RangeError that a script can catch, and not a trap. And with a quicker
 * JSON.
 */
#include <cutils.h> /* what else asks for __wasi__ */

#undef __wasi__
#define __STDC_NO_ATOMICS__ 1 /* no threads: nobody would wake who waits */
/* In this order. */
/* clang-format off */
#include <quickjs.c>
#include "hostapi/javascript/guest/quickjs_json.c"
#include "hostapi/javascript/guest/quickjs_json_read.c"
/* clang-format on */
