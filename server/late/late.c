/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stand-ins for functions of libraries that are not loaded yet.
 *
 *   call --> stand-in: jmp *slot --+--> the library's function
 *                                  |
 *               at first:          +--> late_first: late_bind loads the library, fills the slots
 *                                       of all its functions, goes on where the call went
 *
 * Slots are in pages of their own, which nobody can write to but while they are filled: what leads
 * to code stays as the linker's own tables do (relro). A process has one thread.
 */
#include "server/late/late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LATE_EXIT 127
#define LATE_DOOR __attribute__((visibility("default")))

struct late_library {
    const char *soname;
    size_t first; /* of its functions, which have slots side by side */
    size_t count;
    void (*fill)(void *library); /* copies its data to where the program has them */
};

/* Whole pages. */
extern void *late_slots[];
extern void *late_slots_end[];
void *late_bind(size_t index) __attribute__((used));
static void *late_symbol(void *library, const char *name);

/* What late.py wrote: late_libraries, late_names, stand-ins and slots. Tests have another. */
#include LATE_TABLE

/* Arguments are in registers [System V ABI, x86-64], al has how many of them are vectors. */
__asm__(".text\n"
        "late_first:\n"
        "pushq %rdi; pushq %rsi; pushq %rdx; pushq %rcx; pushq %r8; pushq %r9; pushq %rax\n"
        "subq $136, %rsp\n"
        "movaps %xmm0, (%rsp); movaps %xmm1, 16(%rsp); movaps %xmm2, 32(%rsp)\n"
        "movaps %xmm3, 48(%rsp); movaps %xmm4, 64(%rsp); movaps %xmm5, 80(%rsp)\n"
        "movaps %xmm6, 96(%rsp); movaps %xmm7, 112(%rsp)\n"
        "movq 192(%rsp), %rdi\n"
        "call late_bind\n"
        "movq %rax, %r11\n"
        "movaps (%rsp), %xmm0; movaps 16(%rsp), %xmm1; movaps 32(%rsp), %xmm2\n"
        "movaps 48(%rsp), %xmm3; movaps 64(%rsp), %xmm4; movaps 80(%rsp), %xmm5\n"
        "movaps 96(%rsp), %xmm6; movaps 112(%rsp), %xmm7\n"
        "addq $136, %rsp\n"
        "popq %rax; popq %r9; popq %r8; popq %rcx; popq %rdx; popq %rsi; popq %rdi\n"
        "addq $8, %rsp\n"
        "jmp *%r11\n");

static void late_fail(void)
{
    (void)fprintf(stderr, "skerry: %s; is its package installed?\n", dlerror());
    exit(LATE_EXIT);
}

static void *late_symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        late_fail();
    return found;
}

static void late_guard(int protection)
{
    if (mprotect(late_slots, (size_t)(late_slots_end - late_slots) * sizeof(void *), protection) !=
        0) {
        perror("skerry: mprotect");
        exit(LATE_EXIT);
    }
}

/* Global, so that its functions find doors of ours before what they stand for, and those find it
 * [RTLD_NEXT]. One that is loaded already is filled in once more, with the same. */
static void late_load(const struct late_library *library)
{
    void *loaded = dlopen(library->soname, RTLD_NOW | RTLD_GLOBAL);
    if (loaded == NULL)
        late_fail();
    const char *name = late_names;
    for (size_t i = 0; i < library->first; i++)
        name += strlen(name) + 1;
    late_guard(PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < library->count; i++) {
        late_slots[library->first + i] = late_symbol(loaded, name);
        name += strlen(name) + 1;
    }
    late_guard(PROT_READ);
    library->fill(loaded);
}

void *late_bind(size_t index)
{
    const struct late_library *library = late_libraries;
    while (index - library->first >= library->count)
        library++;
    late_load(library);
    return late_slots[index];
}

void late_load_all(void)
{
    for (size_t i = 0; i < sizeof(late_libraries) / sizeof(late_libraries[0]); i++)
        late_load(&late_libraries[i]);
}

void late_load_crypto(void)
{
    late_load(&late_libraries[0]);
}
