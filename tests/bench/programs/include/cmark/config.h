// SPDX-License-Identifier: Apache-2.0
/* Stands in for a header that cmark's build makes: what it would have found out about clang, the
 * only compiler the benchmark's programs are made with.
 */
#ifndef BENCH_CMARK_CONFIG_H
#define BENCH_CMARK_CONFIG_H

#include <stdbool.h>

#define HAVE___BUILTIN_EXPECT 1
#define CMARK_ATTRIBUTE(list) __attribute__(list)

#endif
