// SPDX-License-Identifier: Apache-2.0
/* Stands in for the setjmp that Debian's wasi-libc lacks, for libraries that leave by longjmp when
 * something goes wrong. In the benchmark's programs nothing does: a longjmp is a trap, and so a
 * failed run. */
#ifndef BENCH_SETJMP_H
#define BENCH_SETJMP_H

#include <stdlib.h>

typedef int jmp_buf[1];

#define setjmp(environment)         ((void)(environment), 0)
#define longjmp(environment, value) ((void)(environment), (void)(value), abort())
#define _setjmp                     setjmp
#define _longjmp                    longjmp

#endif
