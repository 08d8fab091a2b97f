/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub, step by step: real images, one of which went bad with its seal unbroken.
 */
#include "fixture.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/build/scrub.h"
#include "deploy/data_dir.h"
#include "engine/engine.h"

#define RUN   UINT64_C(0xfeed)
#define STEPS 10000

struct bench {
    struct fixture fixture;
    struct data_dir dir;
    struct event_base *base;
    struct scrub *scrub;
    uint32_t damaged_count;
    uint8_t damaged; /* first byte of the last one's key */
    char text[REPORT_TEXT_BYTES];
};

/* Keys whose first byte is odd belong to a version. */
static bool bench_keeps(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)context;
    return key[0] % 2 == 1;
}

static void
bench_damaged(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const struct report *report)
{
    struct bench *bench = context;
    bench->damaged_count++;
    bench->damaged = key[0];
    memcpy(bench->text, report->text, sizeof(bench->text));
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){0};
    fixture_init(&bench->fixture);
    assert_int_equal(data_dir_open(bench->fixture.dir, NULL, &bench->dir), STATUS_OK);
    bench->base = event_base_new();
    const struct scrub_options options = {.base = bench->base,
                                          .artifacts_fd = bench->dir.artifacts_fd,
                                          .run = RUN,
                                          .keeps = bench_keeps,
                                          .damaged = bench_damaged,
                                          .context = bench};
    assert_int_equal(scrub_start(&options, NULL, &bench->scrub), STATUS_OK);
}

static void bench_done(struct bench *bench)
{
    scrub_stop(bench->scrub);
    event_base_free(bench->base);
    data_dir_close(&bench->dir);
    fixture_done(&bench->fixture);
}

/* An image of the empty module. */
static void make_image(struct engine_image *ret_image)
{
    static const uint8_t wasm[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    assert_int_equal(engine_compile(bytes_make(wasm, sizeof(wasm)), &engine_limits_default,
                                    &engine_options_default, NULL, NULL, ret_image),
                     STATUS_OK);
}

static void publish(const struct bench *bench, uint8_t first)
{
    char temp[ARTIFACTS_NAME_BYTES];
    int fd = -1;
    struct engine_image image;
    const uint8_t key[DEPLOY_SHA256_BYTES] = {first};
    make_image(&image);
    assert_int_equal(artifacts_create_temp(bench->dir.artifacts_fd, RUN, first, NULL, temp, &fd),
                     STATUS_OK);
    assert_int_equal(write(fd, image.data, image.count), image.count);
    assert_int_equal(close(fd), 0);
    engine_image_free(&image);
    assert_int_equal(artifacts_publish(bench->dir.artifacts_fd, temp, key, NULL), STATUS_OK);
}

/* As a disk does it: other bytes, and no time of modification. */
static void rot(const struct bench *bench, uint8_t first, off_t at)
{
    char name[ARTIFACTS_NAME_BYTES];
    struct stat facts;
    const uint8_t key[DEPLOY_SHA256_BYTES] = {first};
    artifacts_name(key, name);
    int fd = openat(bench->dir.artifacts_fd, name, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &facts), 0);
    uint8_t byte;
    at = at < 0 ? facts.st_size + at : at;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    const struct timespec times[2] = {facts.st_atim, facts.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(close(fd), 0);
}

static void walk(struct bench *bench)
{
    int steps = 0;
    while (scrub_step(bench->scrub))
        assert_true(++steps < STEPS);
}

static bool is_there(const struct bench *bench, uint8_t first)
{
    const uint8_t key[DEPLOY_SHA256_BYTES] = {first};
    AUTO_CLOSE int fd = -1;
    return deploy_artifact_open(bench->dir.path, key, NULL, &fd) == STATUS_OK;
}

static void it_removes_what_is_unfinished_stale_or_unknown(void **state)
{
    (void)state;
    struct bench bench;
    char path[ARTIFACTS_NAME_BYTES + 16];
    char name[ARTIFACTS_NAME_BYTES];
    const uint8_t kept[DEPLOY_SHA256_BYTES] = {1};
    bench_init(&bench);
    publish(&bench, 1);
    publish(&bench, 2);
    fixture_write_file(&bench.fixture, "artifacts/000000000000abcd-7.tmp", "other run", 0600);
    fixture_write_file(&bench.fixture, "artifacts/000000000000feed-7.tmp", "this run", 0600);
    artifacts_name(kept, name);
    name[70] = name[70] == 'f' ? 'e' : 'f'; /* in the build id */
    (void)snprintf(path, sizeof(path), "artifacts/%s", name);
    fixture_write_file(&bench.fixture, path, "other build", 0600);
    walk(&bench);
    int fd = bench.dir.artifacts_fd;
    assert_int_not_equal(faccessat(fd, name, F_OK, 0), 0);
    assert_int_not_equal(faccessat(fd, "000000000000abcd-7.tmp", F_OK, 0), 0);
    assert_int_equal(faccessat(fd, "000000000000feed-7.tmp", F_OK, 0), 0);
    assert_true(is_there(&bench, 1));
    assert_false(is_there(&bench, 2));
    assert_int_equal(bench.damaged_count, 0);
    bench_done(&bench);
}

static void a_byte_that_went_bad_under_an_unbroken_seal_is_found(void **state)
{
    (void)state;
    static const off_t places[] = {0, 4, 8, 30, 41, 200, -1};
    struct bench bench;
    bench_init(&bench);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        publish(&bench, 1);
        publish(&bench, 3);
        walk(&bench);
        assert_int_equal(bench.damaged_count, i);
        rot(&bench, 3, places[i]);
        assert_true(is_there(&bench, 3)); /* nothing shows it but the walk */
        walk(&bench);
        assert_int_equal(bench.damaged_count, i + 1);
        assert_int_equal(bench.damaged, 3);
        assert_string_not_equal(bench.text, "");
    }
    bench_done(&bench);
}

static void what_lost_its_seal_is_found_without_being_read(void **state)
{
    (void)state;
    struct bench bench;
    char name[ARTIFACTS_NAME_BYTES];
    const uint8_t key[DEPLOY_SHA256_BYTES] = {5};
    bench_init(&bench);
    artifacts_name(key, name);
    assert_int_equal(mkfifoat(bench.dir.artifacts_fd, name, 0600), 0);
    walk(&bench);
    assert_int_equal(bench.damaged_count, 1);
    assert_int_equal(bench.damaged, 5);
    assert_non_null(strstr(bench.text, "not a regular file"));
    bench_done(&bench);
}

static void an_artifact_that_is_replaced_while_it_is_read_is_read_to_its_end(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    publish(&bench, 1);
    assert_true(scrub_step(bench.scrub)); /* has it open */
    publish(&bench, 1);
    walk(&bench);
    assert_int_equal(bench.damaged_count, 0);
    bench_done(&bench);
}

static void a_damaged_artifact_that_was_replaced_meanwhile_is_nobodys_trouble(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    publish(&bench, 1);
    rot(&bench, 1, 8);
    assert_true(scrub_step(bench.scrub)); /* has it open */
    publish(&bench, 1);
    walk(&bench);
    assert_int_equal(bench.damaged_count, 0);
    assert_true(is_there(&bench, 1));
    bench_done(&bench);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_removes_what_is_unfinished_stale_or_unknown),
        cmocka_unit_test(a_byte_that_went_bad_under_an_unbroken_seal_is_found),
        cmocka_unit_test(what_lost_its_seal_is_found_without_being_read),
        cmocka_unit_test(an_artifact_that_is_replaced_while_it_is_read_is_read_to_its_end),
        cmocka_unit_test(a_damaged_artifact_that_was_replaced_meanwhile_is_nobodys_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
