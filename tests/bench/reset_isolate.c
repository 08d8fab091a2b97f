/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a warm isolate costs, for tests/bench/reset.py: taken from the pool, given back and with
 * that reset, with so many pages of its memory written in between; and, in turn with it, memcpy of
 * the same pages from the same source. No server, no guest code: the host writes the pages.
 *
 * Every second page is written, so that the neighbour of each has to be looked at too.
 *
 * usage: reset_isolate; prints "PAGES TAKE_RESET_NS MEMCPY_NS", medians, a line for each count
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "isolate/artifact.h"
#include "isolate/parts.h"

#define ROUNDS       5000
#define PAGE_BYTES   ENGINE_DIRTY_PAGE_BYTES
#define MEMORY_BYTES (32 * 65536)

static const uint32_t dirty_counts[] = {0, 1, 4, 16, 64, 256};

_Static_assert(256 * 2 * PAGE_BYTES <= MEMORY_BYTES, "room for every second page");

/* 32 pages of memory, with bytes at the end: the snapshot's image has all of it. */
static const uint8_t wasm[] = {
    0,    'a',  's', 'm', 1,    0,    0,    0,    /* magic and version */
    5,    3,    1,   0,   32,                     /* memory */
    11,   11,   1,   0,   0x41, 0xf8, 0xff, 0xff, /* data at 2097144 */
    0x00, 0x0b, 2,   'o', 'k',
};

static void must(enum status status, const struct report *report)
{
    if (status == STATUS_OK)
        return;
    (void)fprintf(stderr, "reset_isolate: %s: %s\n", status_text(status), report->text);
    exit(1);
}

/* ---- a host that offers nothing -------------------------------------------------------------- */

static bool resolve_nothing(void *context,
                            const struct engine_import_desc *import,
                            struct engine_extern *ret_extern)
{
    (void)context;
    (void)import;
    (void)ret_extern;
    return false;
}

static enum status create_host(void *context,
                               const struct engine_module *module,
                               struct engine_linker *ret_linker,
                               void **ret_host)
{
    (void)module;
    *ret_linker = (struct engine_linker){.resolve = resolve_nothing};
    *ret_host = context;
    return STATUS_OK;
}

static void leave_host(void *host)
{
    (void)host;
}

/* ---- an artifact in memory ------------------------------------------------------------------- */

static struct engine_image snapshot(void)
{
    struct report report = REPORT_INIT;
    struct engine_image plain, image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    const struct engine_linker linker = {.resolve = resolve_nothing};
    must(engine_compile(bytes_make(wasm, sizeof(wasm)), &engine_limits_default,
                        &engine_options_default, &report, NULL, &plain),
         &report);
    must(engine_module_open(bytes_make(plain.data, plain.count), true, &report, &module), &report);
    must(engine_machine_create(&engine_limits_default, &report, &machine), &report);
    must(engine_instantiate(machine, module, &linker, &report, &instance), &report);
    must(engine_snapshot(instance, &report, &image), &report);
    engine_machine_free(machine);
    engine_module_close(module);
    engine_image_free(&plain);
    return image;
}

static enum status
open_artifact(void *context, struct report *report, struct isolate_artifact **ret_artifact)
{
    (void)context;
    struct engine_image image = snapshot();
    int fd = memfd_create("artifact", MFD_CLOEXEC);
    if (fd < 0 || write(fd, image.data, image.count) != (ssize_t)image.count)
        return report_errno(report, "cannot write an artifact");
    engine_image_free(&image);
    enum status status = isolate_artifact_open(fd, true, NULL, report, ret_artifact);
    (void)close(fd);
    return status;
}

/* ---- the measurement ------------------------------------------------------------------------- */

static struct isolate *take(struct isolate_pool *pool)
{
    struct report report = REPORT_INIT;
    struct isolate_start start;
    struct isolate *isolate;
    const struct isolate_key key = {.function = bytes_make("bench/reset", 11),
                                    .version = bytes_make("1", 1)};
    must(isolate_pool_checkout(pool, &key, (struct isolate_opener){open_artifact, NULL}, &report,
                               &start, &isolate),
         &report);
    return isolate;
}

static void write_pages(struct isolate *isolate, uint32_t count, uint8_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *to;
        if (!engine_memory_write(isolate->instance, (uint64_t)i * 2 * PAGE_BYTES, 1, &to)) {
            (void)fprintf(stderr, "reset_isolate: the memory is too small\n");
            exit(1);
        }
        *to = value;
    }
}

static uint64_t copy_pages(struct isolate *isolate, uint32_t count)
{
    uint8_t *to = engine_memory_view(isolate->instance, 0).base;
    const struct isolate_artifact *artifact = isolate->artifact;
    const uint8_t *from = artifact->data + engine_module_memory_image(artifact->module, 0).offset;
    uint64_t began = clock_monotonic_ns(&clock_system);
    for (uint32_t i = 0; i < count; i++)
        memcpy(to + (size_t)i * 2 * PAGE_BYTES, from + (size_t)i * 2 * PAGE_BYTES, PAGE_BYTES);
    return clock_monotonic_ns(&clock_system) - began;
}

static int compare_times(const void *a, const void *b)
{
    const uint64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static uint64_t median(uint64_t times[ROUNDS])
{
    qsort(times, ROUNDS, sizeof(*times), compare_times);
    return times[ROUNDS / 2];
}

static void measure(struct isolate_pool *pool, uint32_t count)
{
    static uint64_t cycles[ROUNDS], copies[ROUNDS];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t began = clock_monotonic_ns(&clock_system);
        struct isolate *isolate = take(pool);
        cycles[round] = clock_monotonic_ns(&clock_system) - began;
        write_pages(isolate, count, (uint8_t)(round | 1));
        copies[round] = copy_pages(isolate, count);
        write_pages(isolate, count, (uint8_t)(round | 1));
        began = clock_monotonic_ns(&clock_system);
        isolate_pool_return(isolate, ISOLATE_FINISHED, began);
        cycles[round] += clock_monotonic_ns(&clock_system) - began;
    }
    (void)printf("%u %llu %llu\n", count, (unsigned long long)median(cycles),
                 (unsigned long long)median(copies));
}

int main(void)
{
    struct report report = REPORT_INIT;
    struct isolate_pool *pool;
    const struct config_limits limits = {
        .memory = MEMORY_BYTES, .table = 1000, .stack = 256 * 1024};
    const struct isolate_pool_options options = {
        .per_function_max = 1,
        .per_tenant_max = 1,
        .total_max = 1,
        .idle_max_ns = UINT64_MAX,
        .trim_ns = UINT64_MAX,
        .clock = &clock_system,
        .limits = &limits,
        .ops = {.create = create_host, .reset = leave_host, .keep = leave_host, .free = leave_host},
    };
    must(engine_init(&report), &report);
    must(isolate_pool_create(&options, &pool), &report);
    for (size_t i = 0; i < sizeof(dirty_counts) / sizeof(*dirty_counts); i++)
        measure(pool, dirty_counts[i]);
    isolate_pool_free(pool);
    return 0;
}
