/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAGI command that computes for a while, goes on from a checkpoint, and answers with what it
 * knows: of before the checkpoint, and of its own request. Words in the query change that:
 *   twice   calls checkpoint_v1 again        deep   nothing
 * Compiled with DEFECT it does something on the way that must not be frozen, with CALLBACK the call
 * is made by what a table leads to, and with PAGES there is so much memory, all written.
 */
#include "skerry.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
WASI("fd_write") int fd_write(int fd, const void *vectors, int count, uint32_t *sum);
WASI("fd_read") int fd_read(int fd, const void *vectors, int count, uint32_t *sum);
WASI("environ_sizes_get") int environ_sizes_get(uint32_t *count, uint32_t *bytes);
WASI("environ_get") int environ_get(char **rows, char *text);
WASI("args_sizes_get") int args_sizes_get(uint32_t *count, uint32_t *bytes);
WASI("clock_time_get") int clock_time_get(int clock, uint64_t precision, uint64_t *time);
WASI("random_get") int random_get(void *buffer, uint32_t bytes);

#ifndef DEPTH
#define DEPTH 50
#endif
#ifndef ROUNDS
#define ROUNDS 1000000
#endif

struct vector {
    const char *data;
    uint32_t bytes;
};

static char text[4096];
static char *rows[64];
static char body[256];

static void write_out(const char *data, uint32_t bytes)
{
    const struct vector vector = {data, bytes};
    uint32_t sum;
    (void)fd_write(1, &vector, 1, &sum);
}

static uint32_t length_of(const char *line)
{
    uint32_t bytes = 0;
    while (line[bytes] != '\0')
        bytes++;
    return bytes;
}

static void print(const char *line)
{
    write_out(line, length_of(line));
}

static void print_number(const char *name, uint64_t value)
{
    char digits[20];
    uint32_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    print(name);
    print("=");
    write_out(digits + at, sizeof(digits) - at);
    print("\n");
}

/* Whether a frozen frame kept its own is seen in the sum. */
static __attribute__((noinline)) uint64_t go_down(uint64_t depth, int32_t *went_on)
{
    volatile uint64_t kept = depth * depth;
    if (depth == 0)
        *went_on = skerry_checkpoint();
    else
        kept += go_down(depth - 1, went_on);
    return kept;
}

#ifdef CALLBACK
static uint64_t (*volatile callback)(uint64_t depth, int32_t *went_on) = go_down;
#define go_down callback
#endif

#ifdef PAGES
/* Each page has its number; the sum of all, and each request leaves its mark in the last. */
static uint64_t count_pages(void)
{
    uint64_t sum = 0;
    volatile uint64_t *last = (uint64_t *)(__builtin_wasm_memory_size(0) * 65536 - 65536);
    for (uint32_t i = 0; i < PAGES; i++)
        sum += last[-(int64_t)i * 8192];
    *last += 1;
    return sum;
}

static void fill_pages(void)
{
    uint64_t *first = (uint64_t *)(__builtin_wasm_memory_grow(0, PAGES) * 65536);
    for (uint32_t i = 0; i < PAGES * 16; i++) /* each page of the host's */
        first[i * 512] = i % 16 == 0 ? i / 16 + 1 : i;
}
#endif

static uint64_t prepare(void)
{
    uint64_t state = 1;
    for (uint32_t i = 0; i < ROUNDS; i++)
        state = state * 6364136223846793005u + 1442695040888963407u;
    return state;
}

static void print_environment(void)
{
    uint32_t count = 0;
    uint32_t bytes = 0;
    if (environ_sizes_get(&count, &bytes) != 0 || count > 64 || bytes > sizeof(text) ||
        environ_get(rows, text) != 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        print(rows[i]);
        print("\n");
    }
}

SKERRY_EXPORT("_start") void start(void)
{
    uint64_t before[2] = {0, 0};
    uint64_t after[2] = {0, 0};
    uint32_t count = 0;
    uint32_t bytes = 0;
    int32_t went_on = 0;
    struct vector vector = {body, sizeof(body)};
    uint64_t prepared = prepare();
    (void)clock_time_get(0, 0, &before[0]);
    (void)environ_sizes_get(&count, &bytes);
    (void)args_sizes_get(&count, &bytes);
#ifdef RANDOM
    (void)random_get(&before[1], sizeof(before[1]));
#endif
#ifdef DEFECT
    DEFECT;
#endif
#ifdef PAGES
    fill_pages();
#endif
    uint64_t sum = go_down(DEPTH, &went_on);
    (void)clock_time_get(0, 0, &after[0]);
    (void)random_get(&after[1], sizeof(after[1]));
    print("content-type: text/plain\n\n");
    print_number("went_on", (uint64_t)went_on);
    print_number("prepared", prepared);
    print_number("sum", sum);
#ifdef PAGES
    print_number("pages", count_pages());
#endif
    print_number("time_before", before[0]);
    print_number("time_after", after[0]);
    print_number("token_before", before[1]);
    print_number("token_after", after[1]);
    print_environment();
    (void)fd_read(0, &vector, 1, &bytes);
    print("body=");
    write_out(body, bytes);
    print("\n");
#ifdef TWICE
    print_number("again", (uint64_t)skerry_checkpoint());
#endif
}
