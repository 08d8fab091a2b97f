/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts with a base: it is mapped once for all of them and for as long as they are open, no
 * other file is taken for it, and their isolates are what they would be without it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/artifact.h"
#include "isolate/parts.h"
#include "tests/support/unit.h"

#define FUEL 10000000
#define PAGE ENGINE_DIRTY_PAGE_BYTES

static const uint8_t base_name[ENGINE_BASE_NAME_BYTES] = "the only base";
static struct config_limits limits;

/* ---- making files ---------------------------------------------------------------------------- */

/* A base in a file that has a name, and what its artifacts are made with. */
struct yard {
    char path[32];
    struct engine_image image;
    struct engine_module *module;
    struct isolate_bases bases;
    int opens;
};

static bool resolve_nothing(void *context,
                            const struct engine_import_desc *import,
                            struct engine_extern *ret_extern)
{
    (void)context;
    (void)import;
    (void)ret_extern;
    return false;
}

static const struct engine_linker no_linker = {.resolve = resolve_nothing};

static struct engine_image compiled(void)
{
    char path[512];
    struct stat info;
    struct report report = REPORT_INIT;
    struct engine_image image;
    (void)snprintf(path, sizeof(path), "%s/isolate_scribble.wasm", ISOLATE_GUESTS);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    void *wasm = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(wasm != MAP_FAILED);
    assert_int_equal(engine_compile(bytes_make(wasm, (size_t)info.st_size), &engine_limits_default,
                                    &engine_options_default, &report, NULL, &image),
                     STATUS_OK);
    (void)munmap(wasm, (size_t)info.st_size);
    (void)close(fd);
    return image;
}

static void call3(struct engine_machine *machine,
                  struct engine_instance *instance,
                  const char *name,
                  const uint32_t arguments[3])
{
    struct engine_export_desc export;
    union engine_value values[3];
    for (int i = 0; i < 3; i++)
        values[i].i64 = arguments[i];
    assert_true(engine_module_find_export(engine_instance_module(instance), name,
                                          ENGINE_EXTERN_FUNC, &export));
    engine_call_begin(machine, instance, export.index, values, 3);
    assert_int_equal(engine_run(machine, FUEL), ENGINE_DONE);
}

static struct engine_machine *make_machine(void)
{
    struct report report = REPORT_INIT;
    struct engine_machine *machine;
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &machine), STATUS_OK);
    return machine;
}

/* A snapshot of the module after its memory was filled with `byte`, which makes bases differ. */
static struct engine_image base_image(uint8_t byte)
{
    struct report report = REPORT_INIT;
    struct engine_image plain = compiled();
    struct engine_image image;
    struct engine_module *module;
    struct engine_instance *instance;
    struct engine_machine *machine = make_machine();
    assert_int_equal(
        engine_module_open(bytes_make(plain.data, plain.count), true, &report, &module), STATUS_OK);
    assert_int_equal(engine_instantiate(machine, module, &no_linker, &report, &instance),
                     STATUS_OK);
    call3(machine, instance, "fill", (const uint32_t[]){9 * PAGE, byte, 20 * PAGE});
    assert_int_equal(engine_snapshot(instance, &report, &image), STATUS_OK);
    engine_machine_free(machine);
    engine_module_close(module);
    engine_image_free(&plain);
    return image;
}

static int file_of(const struct engine_image *image)
{
    int fd = memfd_create("artifact", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->data, image->count), image->count);
    return fd;
}

/* A file of its own in the place of what was there. */
static void yard_put(const struct yard *yard, const struct engine_image *image)
{
    (void)unlink(yard->path);
    int fd = open(yard->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->data, image->count), image->count);
    (void)close(fd);
}

static enum status yard_open_base(void *context,
                                  const uint8_t name[ENGINE_BASE_NAME_BYTES],
                                  struct report *report,
                                  int *ret_fd)
{
    struct yard *yard = context;
    yard->opens++;
    assert_memory_equal(name, base_name, sizeof(base_name));
    int fd = open(yard->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE, "the base is not there");
    *ret_fd = fd;
    return STATUS_OK;
}

static void yard_make(struct yard *yard)
{
    struct report report = REPORT_INIT;
    *yard = (struct yard){.path = "/tmp/skerry_base_XXXXXX",
                          .image = base_image(5),
                          .bases = {.open = yard_open_base, .context = yard}};
    int fd = mkstemp(yard->path);
    assert_true(fd >= 0);
    (void)close(fd);
    yard_put(yard, &yard->image);
    assert_int_equal(engine_module_open(bytes_make(yard->image.data, yard->image.count), true,
                                        &report, &yard->module),
                     STATUS_OK);
    engine_module_name_base(yard->module, base_name);
}

static void yard_done(struct yard *yard)
{
    assert_true(list_is_empty(&yard->bases.in_use));
    (void)unlink(yard->path);
    engine_module_close(yard->module);
    engine_image_free(&yard->image);
}

/* The file of an artifact on the base, in which the memory has `byte` in some pages. */
static int yard_artifact(const struct yard *yard, uint8_t byte)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    struct engine_instance *instance;
    struct engine_machine *machine = make_machine();
    assert_int_equal(engine_restore(machine, yard->module, &no_linker, false, &report, &instance),
                     STATUS_OK);
    call3(machine, instance, "fill", (const uint32_t[]){12 * PAGE, byte, PAGE});
    call3(machine, instance, "fill", (const uint32_t[]){26 * PAGE, byte, 34 * PAGE});
    assert_int_equal(engine_snapshot(instance, &report, &image), STATUS_OK);
    engine_machine_free(machine);
    int fd = file_of(&image);
    engine_image_free(&image);
    return fd;
}

static struct isolate_artifact *yard_open(struct yard *yard, uint8_t byte)
{
    struct report report = REPORT_INIT;
    struct isolate_artifact *artifact;
    int fd = yard_artifact(yard, byte);
    assert_int_equal(isolate_artifact_open(fd, true, &yard->bases, &report, &artifact), STATUS_OK);
    (void)close(fd);
    return artifact;
}

static enum status yard_refused(struct yard *yard)
{
    struct report report = REPORT_INIT;
    struct isolate_artifact *artifact;
    int fd = yard_artifact(yard, 1);
    enum status status = isolate_artifact_open(fd, true, &yard->bases, &report, &artifact);
    (void)close(fd);
    assert_int_not_equal(status, STATUS_OK);
    assert_true(report.text[0] != '\0');
    assert_true(list_is_empty(&yard->bases.in_use));
    return status;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void a_base_is_mapped_once_and_lives_as_long_as_it_is_used(void **state)
{
    (void)state;
    struct yard yard;
    yard_make(&yard);
    struct isolate_artifact *one = yard_open(&yard, 1);
    struct isolate_artifact *two = yard_open(&yard, 2);
    assert_int_equal(yard.opens, 1);
    assert_ptr_equal(one->base, two->base);
    assert_non_null(engine_image_base(bytes_make(one->data, one->count)));
    int kept = one->base->fd;
    isolate_artifact_unref(one);
    assert_true(fcntl(kept, F_GETFD) >= 0);
    isolate_artifact_unref(two);
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    isolate_artifact_unref(yard_open(&yard, 3));
    assert_int_equal(yard.opens, 2);
    yard_done(&yard);
}

static void an_artifact_is_gone_with_its_base(void **state)
{
    (void)state;
    struct yard yard;
    yard_make(&yard);
    struct isolate_artifact *old = yard_open(&yard, 1);
    assert_true(isolate_artifact_is_gone(old)); /* a memfd has no name */
    assert_false(isolate_artifact_is_gone(old->base));
    yard_put(&yard, &yard.image);
    assert_true(isolate_artifact_is_gone(old->base));
    struct isolate_artifact *new = yard_open(&yard, 1);
    assert_ptr_not_equal(new->base, old->base);
    isolate_artifact_unref(old);
    isolate_artifact_unref(new);
    yard_done(&yard);
}

static void no_artifact_opens_without_its_very_base(void **state)
{
    (void)state;
    struct yard yard;
    yard_make(&yard);
    struct engine_image other = base_image(6);
    yard_put(&yard, &other);
    assert_int_equal(yard_refused(&yard), STATUS_STALE);
    other.data[0] ^= 1;
    yard_put(&yard, &other);
    assert_int_equal(yard_refused(&yard), STATUS_CORRUPT);
    engine_image_free(&other);
    struct engine_image plain = compiled(); /* of the same module, not frozen */
    yard_put(&yard, &plain);
    assert_int_equal(yard_refused(&yard), STATUS_CORRUPT);
    engine_image_free(&plain);
    (void)unlink(yard.path);
    assert_int_equal(yard_refused(&yard), STATUS_NOT_FOUND);
    yard_put(&yard, &yard.image);
    isolate_artifact_unref(yard_open(&yard, 1));
    yard_done(&yard);
}

/* ---- isolates -------------------------------------------------------------------------------- */

static enum status create_host(void *context,
                               const struct engine_module *module,
                               struct engine_linker *ret_linker,
                               void **ret_host)
{
    (void)module;
    *ret_linker = no_linker;
    *ret_host = context;
    return STATUS_OK;
}

static void do_nothing(void *host)
{
    (void)host;
}

static const struct isolate_host_ops ops = {
    .create = create_host, .reset = do_nothing, .free = do_nothing, .context = &limits};

/* What yard_artifact put there: pages 12 and 26 to 59 have `byte`, the base's others 5. */
static void assert_is_fresh(const struct isolate *isolate, uint8_t byte)
{
    struct engine_memory_view view = engine_memory_view(isolate->instance, 0);
    for (uint64_t page = 9; page < 60; page++) {
        uint8_t wanted = page == 12 || page >= 26 ? byte : page < 29 ? 5 : 0;
        assert_int_equal(view.base[page * PAGE], wanted);
        assert_int_equal(view.base[page * PAGE + PAGE - 1], wanted);
    }
    assert_int_equal(memcmp(view.base + 16, "snapshot", 8), 0);
}

static void isolates_on_a_base_start_rewind_and_wake_as_others_do(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct yard yard;
    yard_make(&yard);
    for (int byte = 0; byte < 3; byte++) {
        struct isolate *isolate;
        struct isolate_artifact *artifact = yard_open(&yard, (uint8_t)byte);
        assert_int_equal(isolate_create(artifact, &limits, &ops, &clock_system, &report, &isolate),
                         STATUS_OK);
        isolate_artifact_unref(artifact);
        assert_is_fresh(isolate, (uint8_t)byte);
        for (uint32_t round = 0; round < 20; round++) {
            call3(isolate->machine, isolate->instance, "fill",
                  (const uint32_t[]){round * PAGE + 4000, 77, round * 2 * PAGE});
            assert_true(isolate_reset(isolate));
            assert_is_fresh(isolate, (uint8_t)byte);
            if (round % 5 != 0)
                continue;
            assert_true(isolate_trim(isolate));
            isolate_wake(isolate);
            assert_is_fresh(isolate, (uint8_t)byte);
        }
        isolate_free(isolate);
    }
    yard_done(&yard);
}

static int prepare(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    config_limits_default(&limits);
    return engine_init(&report) != STATUS_OK ? 1 : setenv("CMOCKA_TEST_ABORT", "1", 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_is_mapped_once_and_lives_as_long_as_it_is_used),
        cmocka_unit_test(an_artifact_is_gone_with_its_base),
        cmocka_unit_test(no_artifact_opens_without_its_very_base),
        cmocka_unit_test(isolates_on_a_base_start_rewind_and_wake_as_others_do),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
