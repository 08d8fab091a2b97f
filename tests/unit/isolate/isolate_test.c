/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolates of real modules: whatever the guest did, after a reset every byte of memory, each
 * global, the table and the segments are what the snapshot says. The kernel's record of
 * written pages is the oracle for the dirty map.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "isolate/artifact.h"
#include "isolate/isolate.h"
#include "isolate/parts.h"
#include "tests/support/pagemap_scan.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_objects.h"

#define CYCLES        10000
#define ORACLE_CYCLES 300
#define FUEL          INT64_C(100000000)
#define PAGE_BYTES    ENGINE_DIRTY_PAGE_BYTES
#define PROBE_FRESH   412 /* four entries, one() in the second, two() in the third */

static struct config_limits limits;

/* ---- from text to an isolate ----------------------------------------------------------------- */

static bool resolve_nothing(void *context,
                            const struct engine_import_desc *import,
                            struct engine_extern *ret_extern)
{
    (void)context;
    (void)import;
    (void)ret_extern;
    return false;
}

static int hosts_alive;
static int host_resets;
static bool host_fails;

static enum status create_host(void *context,
                               const struct engine_module *module,
                               struct engine_linker *ret_linker,
                               void **ret_host)
{
    (void)module;
    if (host_fails)
        return STATUS_NO_MEMORY;
    *ret_linker = (struct engine_linker){.resolve = resolve_nothing};
    *ret_host = context;
    hosts_alive++;
    return STATUS_OK;
}

static void reset_host(void *host)
{
    (void)host;
    host_resets++;
}

static void free_host(void *host)
{
    (void)host;
    hosts_alive--;
}

static const struct isolate_host_ops ops = {
    .create = create_host, .reset = reset_host, .free = free_host, .context = &limits};

static struct engine_image snapshot_of(struct bytes wasm)
{
    struct report report = REPORT_INIT;
    struct engine_image plain, image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    const struct engine_linker linker = {.resolve = resolve_nothing};
    assert_int_equal(engine_compile(wasm, &engine_limits_default, &engine_options_default, &report,
                                    NULL, &plain),
                     STATUS_OK);
    assert_int_equal(
        engine_module_open(bytes_make(plain.data, plain.count), true, &report, &module), STATUS_OK);
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &machine), STATUS_OK);
    assert_int_equal(engine_instantiate(machine, module, &linker, &report, &instance), STATUS_OK);
    assert_int_equal(engine_snapshot(instance, &report, &image), STATUS_OK);
    engine_machine_free(machine);
    engine_module_close(module);
    engine_image_free(&plain);
    return image;
}

static int artifact_file(const char *guest)
{
    char path[512];
    struct stat info;
    (void)snprintf(path, sizeof(path), "%s/%s.wasm", ISOLATE_GUESTS, guest);
    int wasm_fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(wasm_fd >= 0);
    assert_int_equal(fstat(wasm_fd, &info), 0);
    void *wasm = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, wasm_fd, 0);
    assert_true(wasm != MAP_FAILED);
    struct engine_image image = snapshot_of(bytes_make(wasm, (size_t)info.st_size));
    int fd = memfd_create("artifact", MFD_CLOEXEC);
    assert_int_equal(write(fd, image.data, image.count), image.count);
    engine_image_free(&image);
    (void)munmap(wasm, (size_t)info.st_size);
    (void)close(wasm_fd);
    return fd;
}

static struct isolate *isolate_of(int fd)
{
    struct report report = REPORT_INIT;
    struct isolate_artifact *artifact;
    struct isolate *isolate;
    assert_int_equal(isolate_artifact_open(fd, true, NULL, &report, &artifact), STATUS_OK);
    (void)close(fd);
    assert_int_equal(isolate_create(artifact, &limits, &ops, &clock_system, &report, &isolate),
                     STATUS_OK);
    isolate_artifact_unref(artifact);
    return isolate;
}

static struct isolate *make_isolate(const char *guest)
{
    return isolate_of(artifact_file(guest));
}

static enum engine_outcome
call(struct isolate *isolate, const char *name, const union engine_value *arguments, uint32_t count)
{
    struct engine_export_desc export;
    const struct engine_module *module = engine_instance_module(isolate->instance);
    assert_true(engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &export));
    engine_call_begin(isolate->machine, isolate->instance, export.index, arguments, count);
    return engine_run(isolate->machine, FUEL);
}

static void
must(struct isolate *isolate, const char *name, const union engine_value *arguments, uint32_t count)
{
    assert_int_equal(call(isolate, name, arguments, count), ENGINE_DONE);
}

static void must3(struct isolate *isolate, const char *name, uint32_t a, uint32_t b, uint32_t c)
{
    const union engine_value arguments[] = {{.i32 = a}, {.i32 = b}, {.i32 = c}};
    must(isolate, name, arguments, 3);
}

/* ---- what a snapshot looks like -------------------------------------------------------------- */

static const uint8_t *dirty_map(const struct isolate *isolate, uint32_t index)
{
    return isolate->instance->memories[index]->dirty;
}

static void assert_memory_n_is_the_snapshots(struct isolate *isolate, uint32_t index)
{
    struct engine_memory_view view = engine_memory_view(isolate->instance, index);
    const struct isolate_artifact *artifact = isolate->artifact;
    struct engine_memory_image part = engine_module_memory_image(artifact->module, index);
    struct bytes image = bytes_make(artifact->data + part.offset, part.bytes);
    assert_int_equal(view.bytes, view.initial_bytes);
    assert_true(memcmp(view.base, image.data, image.count) == 0);
    for (uint64_t at = image.count; at < view.bytes; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, view.base + at, sizeof(word));
        if (word != 0)
            fail_msg("memory %u: byte %llu is not zero", index, (unsigned long long)at);
    }
    for (uint64_t page = 0; page < view.bytes / PAGE_BYTES; page++)
        assert_int_equal(dirty_map(isolate, index)[page] & MEMORY_PAGE_DIRTY, 0);
}

static void assert_memory_is_the_snapshots(struct isolate *isolate)
{
    for (uint32_t i = 0; i < engine_memory_count(isolate->instance); i++)
        assert_memory_n_is_the_snapshots(isolate, i);
}

static union engine_value global_of(const struct isolate *isolate, const char *name)
{
    struct engine_export_desc export;
    const struct engine_module *module = engine_instance_module(isolate->instance);
    assert_true(engine_module_find_export(module, name, ENGINE_EXTERN_GLOBAL, &export));
    return *engine_global_get(isolate->instance, export.index);
}

static void assert_globals_are_the_snapshots(const struct isolate *isolate)
{
    assert_int_equal(global_of(isolate, "a").i32, 7);
    assert_true(global_of(isolate, "b").i64 == (uint64_t)-9);
    assert_true(global_of(isolate, "c").f64 == 1.5);
}

static void assert_table_and_segments_are_the_snapshots(struct isolate *isolate)
{
    must(isolate, "probe", NULL, 0);
    assert_int_equal(engine_call_results(isolate->machine)[0].i32, PROBE_FRESH);
    assert_true(isolate_reset(isolate));
}

static void reset_and_compare(struct isolate *isolate)
{
    assert_true(isolate_reset(isolate));
    assert_int_equal(engine_machine_fuel_used(isolate->machine), 0);
    assert_memory_is_the_snapshots(isolate);
    assert_globals_are_the_snapshots(isolate);
}

/* Everything at once, differently each time. */
static void do_damage(struct isolate *isolate, uint64_t seed)
{
    const union engine_value scribble[] = {{.i64 = seed}, {.i32 = (uint32_t)(seed % 60)}};
    must(isolate, "scribble", scribble, 2);
    if (seed % 3 == 0) {
        const union engine_value value = {.i64 = seed * 77};
        must(isolate, "globals", &value, 1);
    }
    if (seed % 5 == 0)
        must(isolate, "tables", NULL, 0);
    if (seed % 7 == 0)
        must3(isolate, "fill", (uint32_t)(seed * 7919 % 250000), 0xa5, (uint32_t)(seed % 9000));
    if (seed % 11 == 0)
        must3(isolate, "copy", (uint32_t)(seed * 31 % 200000), 4090, (uint32_t)(seed % 20000));
    if (seed % 13 == 0) {
        const union engine_value at = {.i32 = (uint32_t)(seed * 4099 % 260000)};
        must(isolate, "init", &at, 1);
    }
    if (seed % 17 == 0)
        must(isolate, "drop", NULL, 0);
    if (seed % 19 == 0) {
        const union engine_value pages = {.i32 = 1 + (uint32_t)(seed % 4)};
        must(isolate, "grow", &pages, 1);
    }
}

static uint64_t seed_of(uint64_t cycle)
{
    return cycle * UINT64_C(0x9e3779b97f4a7c15) % 1000003 + 1;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_fresh_isolate_is_the_snapshot(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    assert_memory_is_the_snapshots(isolate);
    assert_globals_are_the_snapshots(isolate);
    assert_table_and_segments_are_the_snapshots(isolate);
    isolate_free(isolate);
    assert_int_equal(hosts_alive, 0);
}

static void no_byte_survives_ten_thousand_cycles(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    host_resets = 0;
    for (uint64_t cycle = 0; cycle < CYCLES; cycle++) {
        do_damage(isolate, seed_of(cycle));
        reset_and_compare(isolate);
        if (cycle % 10 == 0)
            assert_table_and_segments_are_the_snapshots(isolate);
    }
    assert_int_equal(isolate->reset_count, host_resets);
    isolate_free(isolate);
}

static void a_trap_or_an_unfinished_call_leaves_nothing_behind(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    do_damage(isolate, 3 * 5 * 7 * 11 * 13 * 19);
    assert_int_equal(call(isolate, "trap", NULL, 0), ENGINE_TRAPPED);
    reset_and_compare(isolate);
    const union engine_value scribble[] = {{.i64 = 99}, {.i32 = 1000000}};
    struct engine_export_desc export;
    assert_true(engine_module_find_export(engine_instance_module(isolate->instance), "scribble",
                                          ENGINE_EXTERN_FUNC, &export));
    engine_call_begin(isolate->machine, isolate->instance, export.index, scribble, 2);
    assert_int_equal(engine_run(isolate->machine, 50000), ENGINE_OUT_OF_FUEL);
    reset_and_compare(isolate);
    assert_table_and_segments_are_the_snapshots(isolate);
    isolate_free(isolate);
}

/* A store that begins at the end of a page marks that page alone. */
static void a_store_across_a_page_border_is_undone_on_both_sides(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    for (uint32_t seed = 1; seed < 2000; seed++) {
        const union engine_value scribble[] = {{.i64 = seed}, {.i32 = 1}};
        must(isolate, "scribble", scribble, 2);
        uint64_t marked = 0;
        for (uint64_t page = 0; page < view.bytes / PAGE_BYTES; page++)
            marked += dirty_map(isolate, 0)[page] & MEMORY_PAGE_DIRTY;
        assert_in_range(marked, 1, 2);
        reset_and_compare(isolate);
    }
    isolate_free(isolate);
}

/* The kernel's record of one memory; false if this kernel keeps none. */
struct oracle {
    struct engine_memory_view view;
    const uint8_t *dirty;
    uint64_t pages;
    uint8_t *written;
    uint64_t seen; /* pages written, of all cycles */
};

static bool oracle_begin(struct oracle *oracle, struct isolate *isolate, uint32_t index)
{
    *oracle = (struct oracle){.view = engine_memory_view(isolate->instance, index),
                              .dirty = dirty_map(isolate, index)};
    oracle->pages = oracle->view.initial_bytes / PAGE_BYTES;
    oracle->written = calloc(oracle->pages, 1);
    assert_non_null(oracle->written);
    return pagemap_scan_written(oracle->view.base, oracle->view.initial_bytes, oracle->written);
}

/* Every page that was written since is marked, or its neighbour, from which a store spilled. */
static void oracle_check(struct oracle *oracle)
{
    const struct engine_memory_view *view = &oracle->view;
    assert_true(pagemap_scan_written(view->base, view->initial_bytes, oracle->written));
    for (uint64_t page = 0; page < oracle->pages; page++) {
        oracle->seen += oracle->written[page];
        bool spill = page > 0 && (oracle->dirty[page - 1] & MEMORY_PAGE_DIRTY) != 0;
        bool marked = (oracle->dirty[page] & MEMORY_PAGE_DIRTY) != 0;
        if (oracle->written[page] != 0 && !marked && !spill)
            fail_msg("page %llu was written, and nothing says so", (unsigned long long)page);
    }
}

/* The kernel's record begins anew. */
static void oracle_clear(const struct oracle *oracle)
{
    assert_int_equal(madvise(oracle->view.base, oracle->view.initial_bytes, MADV_DONTNEED), 0);
}

static void the_dirty_map_names_every_page_that_the_kernel_saw_written(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    struct oracle oracle;
    bool has_oracle = oracle_begin(&oracle, isolate, 0);
    for (uint64_t cycle = 0; has_oracle && cycle < ORACLE_CYCLES; cycle++) {
        do_damage(isolate, seed_of(cycle));
        oracle_check(&oracle);
        reset_and_compare(isolate);
        oracle_clear(&oracle);
    }
    if (has_oracle)
        assert_true(oracle.seen > ORACLE_CYCLES);
    free(oracle.written);
    isolate_free(isolate);
    if (!has_oracle) {
        print_message("skip: this kernel has no PAGEMAP_SCAN (Linux 6.7)\n");
        skip();
    }
}

static void damage_memories(struct isolate *isolate, uint64_t seed)
{
    const union engine_value value = {.i64 = seed};
    must(isolate, "damage", &value, 1);
}

static void no_byte_of_several_memories_survives(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_memories");
    assert_int_equal(engine_memory_count(isolate->instance), 3);
    assert_memory_is_the_snapshots(isolate);
    uint32_t grown = 0;
    for (uint64_t cycle = 0; cycle < CYCLES / 5; cycle++) {
        damage_memories(isolate, seed_of(cycle));
        for (uint32_t i = 0; i < 3; i++) {
            struct engine_memory_view view = engine_memory_view(isolate->instance, i);
            grown |= (uint32_t)(view.bytes > view.initial_bytes) << i;
        }
        assert_true(isolate_reset(isolate));
        assert_memory_is_the_snapshots(isolate);
        must(isolate, "sizes", NULL, 0);
        assert_int_equal(engine_call_results(isolate->machine)[0].i32, 20304);
    }
    assert_int_equal(grown, 7);
    isolate_free(isolate);
}

static void the_dirty_map_of_each_memory_names_what_the_kernel_saw_written(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_memories");
    struct oracle oracles[3];
    bool has_oracle = true;
    for (uint32_t i = 0; i < COUNT_OF(oracles); i++)
        has_oracle = oracle_begin(&oracles[i], isolate, i) && has_oracle;
    for (uint64_t cycle = 0; has_oracle && cycle < ORACLE_CYCLES; cycle++) {
        damage_memories(isolate, seed_of(cycle));
        for (uint32_t i = 0; i < COUNT_OF(oracles); i++)
            oracle_check(&oracles[i]);
        assert_true(isolate_reset(isolate));
        assert_memory_is_the_snapshots(isolate);
        for (uint32_t i = 0; i < COUNT_OF(oracles); i++)
            oracle_clear(&oracles[i]);
    }
    for (uint32_t i = 0; i < COUNT_OF(oracles); i++) {
        if (has_oracle)
            assert_true(oracles[i].seen > ORACLE_CYCLES / 2);
        free(oracles[i].written);
    }
    isolate_free(isolate);
    if (!has_oracle)
        skip();
}

static void must1(struct isolate *isolate, const char *name, uint32_t argument)
{
    must(isolate, name, &(union engine_value){.i64 = argument}, 1);
}

static struct isolate *make_object_isolate(void)
{
    struct buffer wasm = wasm_objects();
    int fd = memfd_create("artifact", MFD_CLOEXEC);
    struct engine_image image = snapshot_of(buffer_bytes(&wasm));
    assert_int_equal(write(fd, image.data, image.count), image.count);
    engine_image_free(&image);
    buffer_done(&wasm);
    return isolate_of(fd);
}

/* All of the heap's mapping, whatever was ever used of it. */
static void no_byte_of_the_heap_survives(void **state)
{
    (void)state;
    struct isolate *isolate = make_object_isolate();
    struct heap *heap = &isolate->machine->heap;
    must1(isolate, "keep", 1); /* a first object, so that there is a mapping */
    assert_true(isolate_reset(isolate));
    uint8_t *wanted = malloc(heap->mapped_bytes);
    assert_non_null(wanted);
    memcpy(wanted, heap->base, heap->mapped_bytes);
    uint64_t bytes_max = 0;
    for (uint64_t cycle = 0; cycle < ORACLE_CYCLES; cycle++) {
        uint64_t seed = seed_of(cycle);
        must1(isolate, "keep", 1 + (uint32_t)(seed % 20000));
        must1(isolate, "drop", 1 + (uint32_t)(seed % 3000));
        must1(isolate, "store", (uint32_t)(seed * 7919 % 1000000));
        must(isolate, "spoil", NULL, 0);
        if (seed % 3 == 0)
            assert_int_equal(call(isolate, "keep", &(union engine_value){.i64 = 0}, 1),
                             ENGINE_TRAPPED);
        bytes_max = MAX(bytes_max, engine_machine_heap_bytes(isolate->machine));
        assert_true(isolate_reset(isolate));
        assert_memory_equal(heap->base, wanted, heap->mapped_bytes);
        must(isolate, "sum", NULL, 0);
        assert_int_equal(engine_call_results(isolate->machine)[0].i64, 0);
    }
    assert_in_range(bytes_max, limits.heap, limits.heap / 4 * 5);
    free(wanted);
    isolate_free(isolate);
}

/* What a page of page tables reaches on the machines we know. */
#define TABLE_SPAN ((uintptr_t)2 << 20)

static void a_page_of_page_tables_has_the_dirty_map_and_the_first_pages(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    const uint8_t *dirty = dirty_map(isolate, 0);
    assert_int_equal((uintptr_t)dirty % TABLE_SPAN, 0);
    assert_true((uintptr_t)(view.base - dirty) <= TABLE_SPAN / 2);
    assert_true(view.reserved_bytes > (uint64_t)8 << 30);
    isolate_free(isolate);
}

static void more_dirty_pages_than_are_copied_are_dropped_and_come_back_clean(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_large");
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    assert_true(view.initial_bytes / PAGE_BYTES > ISOLATE_COPY_PAGES_MAX);
    for (uint32_t round = 0; round < 3; round++) {
        must3(isolate, "fill", 0, 0x5a, (uint32_t)view.initial_bytes);
        assert_true(isolate_reset(isolate));
        assert_memory_is_the_snapshots(isolate);
        must3(isolate, "fill", 4096 * round, 0x5a, PAGE_BYTES * ISOLATE_COPY_PAGES_MAX);
        assert_true(isolate_reset(isolate));
        assert_memory_is_the_snapshots(isolate);
    }
    isolate_free(isolate);
}

static void an_isolate_is_worn_by_more_pages_than_are_copied(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_large");
    assert_false(isolate_is_worn(isolate));
    must3(isolate, "fill", 0, 0x5a, PAGE_BYTES * ISOLATE_COPY_PAGES_MAX);
    assert_false(isolate_is_worn(isolate));
    must3(isolate, "fill", PAGE_BYTES * ISOLATE_COPY_PAGES_MAX, 0x5a, 1);
    assert_true(isolate_is_worn(isolate));
    assert_true(isolate_reset(isolate));
    assert_false(isolate_is_worn(isolate));
    isolate_free(isolate);
}

static void objects_wear_an_isolate_like_pages_of_memory(void **state)
{
    (void)state;
    struct isolate *isolate = make_object_isolate();
    assert_false(isolate_is_worn(isolate));
    must1(isolate, "drop", 100000); /* of 1,000 bytes, collected each MiB */
    assert_false(isolate_is_worn(isolate));
    assert_int_equal(call(isolate, "keep", &(union engine_value){.i64 = 0}, 1), ENGINE_TRAPPED);
    assert_true(isolate_is_worn(isolate));
    assert_true(isolate_reset(isolate));
    assert_false(isolate_is_worn(isolate));
    assert_int_equal(engine_machine_heap_bytes(isolate->machine), 0);
    isolate_free(isolate);
}

static uint64_t resident_pages(void)
{
    unsigned long long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &total, &resident), 2);
    (void)fclose(file);
    return resident;
}

static void shedding_gives_the_heap_back_a_piece_at_a_time(void **state)
{
    (void)state;
    struct isolate *isolate = make_object_isolate();
    assert_int_equal(call(isolate, "keep", &(union engine_value){.i64 = 0}, 1), ENGINE_TRAPPED);
    uint64_t bytes = engine_machine_heap_bytes(isolate->machine);
    assert_true(bytes >= limits.heap);
    uint64_t before = resident_pages();
    uint32_t steps = 0;
    while (isolate_shed(isolate))
        steps++;
    assert_true(steps >= 3);
    /* Other pages of the process come and go; nearly all of these are gone. */
    assert_in_range(before - resident_pages(), limits.heap / PAGE_BYTES / 4 * 3, before);
    isolate_free(isolate);
}

static void a_trimmed_isolate_has_no_heap_and_makes_objects_again(void **state)
{
    (void)state;
    struct isolate *isolate = make_object_isolate();
    for (int round = 0; round < 3; round++) {
        must1(isolate, "keep", 1000);
        must(isolate, "sum", NULL, 0);
        assert_int_equal(engine_call_results(isolate->machine)[0].i64, 500500);
        assert_true(isolate_reset(isolate));
        assert_non_null(isolate->machine->heap.base);
        assert_true(isolate_trim(isolate));
        assert_null(isolate->machine->heap.base);
        assert_true(isolate_reset(isolate));
    }
    isolate_free(isolate);
}

/* Also no page of zeros, which is no memory but takes a page of page tables. */
static void assert_nothing_is_mapped(int pagemap, const void *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
        uint64_t entry;
        off_t place = (off_t)(((uintptr_t)from + at) / PAGE_BYTES * sizeof(entry));
        assert_int_equal(pread(pagemap, &entry, sizeof(entry), place), sizeof(entry));
        assert_int_equal(entry >> 63, 0);
    }
}

static void a_trimmed_isolate_needs_no_page_tables(void **state)
{
    (void)state;
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        skip();
    struct isolate *isolate = make_isolate("isolate_large");
    must3(isolate, "fill", 0, 0x5a, 10 * PAGE_BYTES);
    (void)isolate_measure(isolate);
    assert_true(isolate_reset(isolate));
    assert_true(isolate_trim(isolate));
    const struct isolate_artifact *artifact = isolate->artifact;
    assert_nothing_is_mapped(pagemap, artifact->data, artifact->count);
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    const uint8_t *dirty = dirty_map(isolate, 0);
    assert_nothing_is_mapped(pagemap, dirty, (uint64_t)(view.base - dirty) + view.initial_bytes);
    assert_nothing_is_mapped(pagemap, isolate->machine->stack,
                             isolate->machine->stack_mapped_bytes);
    (void)close(pagemap);
    isolate_free(isolate);
}

static void shedding_drops_all_pages_some_at_a_time(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_large");
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    must3(isolate, "fill", 0, 0x5a, (uint32_t)view.initial_bytes);
    uint64_t last = view.initial_bytes - 1;
    assert_true(isolate_shed(isolate));
    assert_int_not_equal(view.base[0], 0x5a); /* the artifact's byte again */
    assert_int_equal(view.base[last], 0x5a);
    uint32_t steps = 1;
    while (isolate_shed(isolate))
        steps++;
    assert_true(steps > 1 && steps <= view.initial_bytes / PAGE_BYTES);
    assert_int_not_equal(view.base[last], 0x5a);
    isolate_free(isolate);
}

static uint64_t measured_pages(struct isolate *isolate)
{
    (void)isolate_measure(isolate);
    return isolate->claim.bytes[ISOLATE_BUDGET_MEMORY] / PAGE_BYTES;
}

static void own_pages_are_counted_until_they_are_given_back(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_large");
    struct isolate_budget tenant = {0};
    isolate_claim_move(&isolate->claim, &tenant);
    assert_int_equal(measured_pages(isolate), 0);
    must3(isolate, "fill", 0, 0x5a, 10 * PAGE_BYTES);
    assert_true(isolate_measure(isolate));
    assert_false(isolate_measure(isolate));
    assert_int_equal(tenant.kind_bytes[ISOLATE_BUDGET_MEMORY], 10 * PAGE_BYTES);
    assert_true(isolate_reset(isolate)); /* copied: they stay its own */
    assert_int_equal(tenant.kind_bytes[ISOLATE_BUDGET_MEMORY], 10 * PAGE_BYTES);
    must3(isolate, "fill", 5 * PAGE_BYTES, 0x5a, 10 * PAGE_BYTES);
    assert_int_equal(measured_pages(isolate), 15);
    assert_true(isolate_reset(isolate));
    assert_int_equal(measured_pages(isolate), 15);
    assert_true(isolate_trim(isolate));
    assert_int_equal(tenant.kind_bytes[ISOLATE_BUDGET_MEMORY], 0);
    assert_int_equal(tenant.used_bytes, ISOLATE_TRIMMED_BYTES);
    must3(isolate, "fill", 0, 0x5a, PAGE_BYTES * (ISOLATE_COPY_PAGES_MAX + 1));
    assert_int_equal(measured_pages(isolate), ISOLATE_COPY_PAGES_MAX + 1);
    assert_true(isolate_reset(isolate)); /* dropped */
    assert_int_equal(tenant.kind_bytes[ISOLATE_BUDGET_MEMORY], 0);
    isolate_free(isolate);
    assert_int_equal(tenant.used_bytes, 0);
}

static void heap_and_stack_are_measured(void **state)
{
    (void)state;
    struct isolate *isolate = make_object_isolate();
    must1(isolate, "keep", 5000);
    assert_true(isolate_measure(isolate));
    assert_int_equal(isolate->claim.bytes[ISOLATE_BUDGET_HEAP],
                     engine_machine_heap_bytes(isolate->machine));
    assert_true(isolate->claim.bytes[ISOLATE_BUDGET_HEAP] > 0);
    assert_in_range(isolate->claim.bytes[ISOLATE_BUDGET_STACK], PAGE_BYTES, limits.stack / 2);
    assert_true(isolate_reset(isolate));
    assert_true(isolate_trim(isolate));
    assert_int_equal(isolate->claim.bytes[ISOLATE_BUDGET_HEAP], 0);
    assert_int_equal(isolate->claim.bytes[ISOLATE_BUDGET_STACK], 0);
    isolate_free(isolate);
}

/* Of the image's range: a page that is there and not of a file is the isolate's own. */
static void assert_own_pages_are_named(const struct isolate *isolate, int pagemap)
{
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    const uint8_t *dirty = dirty_map(isolate, 0);
    uint64_t count = engine_module_memory_image(isolate->artifact->module, 0).bytes / PAGE_BYTES;
    for (uint64_t page = 0; page < count; page++) {
        uint64_t entry;
        off_t at = (off_t)(((uintptr_t)view.base / PAGE_BYTES + page) * sizeof(entry));
        assert_int_equal(pread(pagemap, &entry, sizeof(entry), at), sizeof(entry));
        bool own = (entry >> 63 & 1) != 0 && (entry >> 61 & 1) == 0;
        bool spill = page > 0 && dirty[page - 1] != 0;
        if (own && dirty[page] == 0 && !spill)
            fail_msg("page %llu is its own, and nothing says so", (unsigned long long)page);
    }
}

static void the_map_names_every_page_that_the_kernel_made_the_isolates_own(void **state)
{
    (void)state;
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        skip();
    struct isolate *isolate = make_isolate("isolate_scribble");
    for (uint64_t cycle = 0; cycle < ORACLE_CYCLES; cycle++) {
        do_damage(isolate, seed_of(cycle));
        assert_own_pages_are_named(isolate, pagemap);
        reset_and_compare(isolate);
        assert_own_pages_are_named(isolate, pagemap);
    }
    (void)close(pagemap);
    isolate_free(isolate);
}

static void isolates_of_one_artifact_do_not_see_each_other(void **state)
{
    (void)state;
    struct isolate *first = make_isolate("isolate_scribble");
    struct report report = REPORT_INIT;
    struct isolate *second;
    assert_int_equal(
        isolate_create(first->artifact, &limits, &ops, &clock_system, &report, &second), STATUS_OK);
    do_damage(first, 3 * 5 * 7 * 11 * 13 * 19);
    assert_memory_is_the_snapshots(second);
    assert_globals_are_the_snapshots(second);
    reset_and_compare(first);
    isolate_free(first);
    assert_memory_is_the_snapshots(second); /* the artifact lives as long as it is used */
    isolate_free(second);
    assert_int_equal(hosts_alive, 0);
}

static void an_isolate_whose_host_cannot_be_made_is_not_made(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    struct report report = REPORT_INIT;
    struct isolate *second;
    host_fails = true;
    assert_int_equal(
        isolate_create(isolate->artifact, &limits, &ops, &clock_system, &report, &second),
        STATUS_NO_MEMORY);
    host_fails = false;
    assert_int_equal(isolate->artifact->references, 1);
    isolate_free(isolate);
    assert_int_equal(hosts_alive, 0);
}

/* cmocka would put its own SIGSEGV handler over the engine's: this tells it not to. */
static int prepare(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    limits = (struct config_limits){
        .memory = 16 << 20, .table = 1000, .stack = 1 << 20, .heap = 5 << 20};
    if (engine_init(&report) != STATUS_OK)
        return 1;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static void a_trimmed_isolate_is_the_snapshot_and_serves_on(void **state)
{
    (void)state;
    struct isolate *isolate = make_isolate("isolate_scribble");
    for (uint64_t seed = 1; seed < 200; seed++) {
        do_damage(isolate, seed);
        reset_and_compare(isolate);
        assert_true(isolate_trim(isolate));
        assert_memory_is_the_snapshots(isolate);
        assert_globals_are_the_snapshots(isolate);
        assert_table_and_segments_are_the_snapshots(isolate);
    }
    isolate_free(isolate);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_isolate_is_the_snapshot),
        cmocka_unit_test(no_byte_survives_ten_thousand_cycles),
        cmocka_unit_test(a_trap_or_an_unfinished_call_leaves_nothing_behind),
        cmocka_unit_test(a_store_across_a_page_border_is_undone_on_both_sides),
        cmocka_unit_test(the_dirty_map_names_every_page_that_the_kernel_saw_written),
        cmocka_unit_test(no_byte_of_several_memories_survives),
        cmocka_unit_test(the_dirty_map_of_each_memory_names_what_the_kernel_saw_written),
        cmocka_unit_test(no_byte_of_the_heap_survives),
        cmocka_unit_test(a_page_of_page_tables_has_the_dirty_map_and_the_first_pages),
        cmocka_unit_test(more_dirty_pages_than_are_copied_are_dropped_and_come_back_clean),
        cmocka_unit_test(an_isolate_is_worn_by_more_pages_than_are_copied),
        cmocka_unit_test(objects_wear_an_isolate_like_pages_of_memory),
        cmocka_unit_test(shedding_gives_the_heap_back_a_piece_at_a_time),
        cmocka_unit_test(a_trimmed_isolate_has_no_heap_and_makes_objects_again),
        cmocka_unit_test(a_trimmed_isolate_needs_no_page_tables),
        cmocka_unit_test(shedding_drops_all_pages_some_at_a_time),
        cmocka_unit_test(a_trimmed_isolate_is_the_snapshot_and_serves_on),
        cmocka_unit_test(own_pages_are_counted_until_they_are_given_back),
        cmocka_unit_test(heap_and_stack_are_measured),
        cmocka_unit_test(the_map_names_every_page_that_the_kernel_made_the_isolates_own),
        cmocka_unit_test(isolates_of_one_artifact_do_not_see_each_other),
        cmocka_unit_test(an_isolate_whose_host_cannot_be_made_is_not_made),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
