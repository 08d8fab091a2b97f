/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before libc into a program that takes its memory from it: one allocation fails.
 *
 *   ALLOC_FAILS=N   the Nth from main on; 0: none
 *
 * When the program ends it says on stderr: "allocations ASKED left HELD". What libraries ask for
 * before main, and what dlsym itself asks for, is not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EARLY_BYTES 65536

static struct {
    void *(*allocate)(size_t);
    void *(*resize)(void *, size_t);
    void (*release)(void *);
    long fails;
    long asked;
    long held;
    bool counts;
    bool looks_up;
    size_t early_bytes;
} shim;

static _Alignas(16) char early[EARLY_BYTES];

static bool is_early(const void *block)
{
    return (uintptr_t)block - (uintptr_t)early < EARLY_BYTES;
}

/* Of zeros, and never given back. */
static void *take_early(size_t count)
{
    size_t rounded = (count + 15) & ~(size_t)15;
    if (rounded > EARLY_BYTES - shim.early_bytes)
        abort();
    shim.early_bytes += rounded;
    return early + shim.early_bytes - rounded;
}

static bool look_up(void)
{
    if (shim.release == NULL && !shim.looks_up) {
        shim.looks_up = true;
        shim.allocate = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
        shim.resize = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
        shim.release = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    }
    return shim.release != NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *fails = getenv("ALLOC_FAILS");
    shim.fails = fails != NULL ? strtol(fails, NULL, 10) : 0;
    shim.counts = look_up();
}

__attribute__((destructor)) static void end(void)
{
    char text[64];
    int count = snprintf(text, sizeof(text), "allocations %ld left %ld\n", shim.asked, shim.held);
    shim.counts = false;
    if (write(STDERR_FILENO, text, (size_t)count) != count)
        abort();
}

static bool must_fail(void)
{
    if (!shim.counts || ++shim.asked != shim.fails)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t count)
{
    if (!look_up())
        return take_early(count);
    void *block = must_fail() ? NULL : shim.allocate(count);
    shim.held += shim.counts && block != NULL;
    return block;
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *block, size_t count)
{
    if (block == NULL)
        return malloc(count);
    if (is_early(block) || !look_up())
        abort();
    return must_fail() ? NULL : shim.resize(block, count);
}

void free(void *block)
{
    if (block == NULL || is_early(block) || !look_up())
        return;
    shim.held -= shim.counts;
    shim.release(block);
}
