/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler facts and the assertion that stays on in release builds.
 *
 * ASSERT is for our own bugs only: it aborts, in all builds, because a process
 * that has lost an invariant must not go on touching tenants' memory. What the
 * world or a guest gets wrong is an `enum status` or an outcome, never an ASSERT.
 * This is one of the few files where `#if` is allowed.
 */
#ifndef SKERRY_ENGINE_BASE_MACROS_H
#define SKERRY_ENGINE_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define NODISCARD            __attribute__((warn_unused_result))
#define NORETURN             __attribute__((noreturn))
#define PRINTF_LIKE(fmt, at) __attribute__((format(printf, fmt, at)))
#define LIKELY(x)            __builtin_expect(!!(x), 1)
#define UNLIKELY(x)          __builtin_expect(!!(x), 0)

#define COUNT_OF(array)      (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)            ((a) < (b) ? (a) : (b))
#define MAX(a, b)            ((a) > (b) ? (a) : (b))
#define ALIGN_UP(n, align)   (((n) + ((align)-1)) & ~((align)-1))

/* The structure whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

NORETURN void base_assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression)                                                                         \
    do {                                                                                           \
        if (UNLIKELY(!(expression)))                                                               \
            base_assert_failed(#expression, __FILE__, __LINE__);                                   \
    } while (0)

/* For checks too dear for release: on when meson's buildtype is debug. */
#ifdef SKERRY_DEBUG
#define ASSERT_SLOW(expression) ASSERT(expression)
#else
#define ASSERT_SLOW(expression) ((void)sizeof(!(expression)))
#endif

/* Plain locals that clean up after themselves at the end of their scope. */
void base_auto_free(void *pointer_to_pointer);
void base_auto_close(const int *fd);
#define AUTO_FREE  __attribute__((cleanup(base_auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(base_auto_close)))

#endif
