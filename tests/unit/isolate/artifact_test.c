/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts: what is none is refused with a reason; one lives as long as it is referred to, and
 * knows when its file is no longer the one of its name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isolate/artifact.h"
#include "tests/support/unit.h"

/* A page of memory, with bytes at its beginning. */
static const uint8_t wasm[] = {
    0,  'a', 's', 'm', 1,    0, 0,    0,           /* magic and version */
    5,  3,   1,   0,   1,                          /* memory */
    11, 8,   1,   0,   0x41, 0, 0x0b, 2, 'o', 'k', /* data */
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

/* `frozen`: with a snapshot. */
static struct engine_image make_image(bool frozen)
{
    struct report report = REPORT_INIT;
    struct engine_image plain, image;
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    const struct engine_linker linker = {.resolve = resolve_nothing};
    assert_int_equal(engine_compile(bytes_make(wasm, sizeof(wasm)), &engine_limits_default,
                                    &engine_options_default, &report, NULL, &plain),
                     STATUS_OK);
    if (!frozen)
        return plain;
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

static int file_of(const uint8_t *data, size_t count)
{
    int fd = memfd_create("artifact", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, count), count);
    return fd;
}

static void expect_refused(int fd, bool verify)
{
    struct report report = REPORT_INIT;
    struct isolate_artifact *artifact;
    enum status status = isolate_artifact_open(fd, verify, NULL, &report, &artifact);
    assert_true(status == STATUS_CORRUPT || status == STATUS_STALE);
    assert_true(report.text[0] != '\0');
    (void)close(fd);
}

static void what_is_no_artifact_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const uint8_t zeros[65536];
    expect_refused(file_of(zeros, 0), true);
    expect_refused(file_of(zeros, sizeof(zeros)), true);
    expect_refused(file_of(zeros, sizeof(zeros)), false);
    expect_refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), true);
}

static void an_image_without_a_snapshot_is_no_artifact(void **state)
{
    (void)state;
    struct engine_image image = make_image(false);
    expect_refused(file_of(image.data, image.count), true);
    engine_image_free(&image);
}

static void a_damaged_artifact_is_refused_when_it_is_read_against_its_checksum(void **state)
{
    (void)state;
    struct engine_image image = make_image(true);
    image.data[image.count - 1] ^= 1;
    expect_refused(file_of(image.data, image.count), true);
    image.data[image.count - 1] ^= 1;
    expect_refused(file_of(image.data, image.count / 2), false); /* cut off */
    engine_image_free(&image);
}

static void an_artifact_lives_as_long_as_it_is_referred_to(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_image image = make_image(true);
    struct isolate_artifact *artifact;
    int fd = file_of(image.data, image.count);
    assert_int_equal(isolate_artifact_open(fd, true, NULL, &report, &artifact), STATUS_OK);
    (void)close(fd);
    engine_image_free(&image);
    assert_ptr_equal(isolate_artifact_ref(artifact), artifact);
    int kept = artifact->fd;
    isolate_artifact_unref(artifact);
    assert_true(fcntl(kept, F_GETFD) >= 0);
    assert_int_equal(engine_module_memory_count(isolate_artifact_module(artifact)), 1);
    isolate_artifact_unref(artifact);
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    isolate_artifact_unref(NULL);
}

static void an_artifact_knows_that_its_file_was_removed(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_image image = make_image(true);
    struct isolate_artifact *artifact;
    char path[] = "/tmp/skerry_artifact_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image.data, image.count), image.count);
    engine_image_free(&image);
    assert_int_equal(isolate_artifact_open(fd, true, NULL, &report, &artifact), STATUS_OK);
    (void)close(fd);
    assert_false(isolate_artifact_is_gone(artifact));
    assert_int_equal(unlink(path), 0);
    assert_true(isolate_artifact_is_gone(artifact));
    isolate_artifact_unref(artifact);
}

/* cmocka would put its own SIGSEGV handler over the engine's: this tells it not to. */
static int prepare(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    return engine_init(&report) != STATUS_OK ? 1 : setenv("CMOCKA_TEST_ABORT", "1", 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_artifact_is_refused_with_a_reason),
        cmocka_unit_test(an_image_without_a_snapshot_is_no_artifact),
        cmocka_unit_test(a_damaged_artifact_is_refused_when_it_is_read_against_its_checksum),
        cmocka_unit_test(an_artifact_lives_as_long_as_it_is_referred_to),
        cmocka_unit_test(an_artifact_knows_that_its_file_was_removed),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
