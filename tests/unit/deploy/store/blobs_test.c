/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on disk: each its tenant's alone, counted, and gone when nobody has them any more.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/store/blobs.h"
#include "engine/base/io.h"
#include "tests/unit/deploy/fixture.h"

static struct fixture fixture;
static struct blobs *blobs;

static void open_blobs(void)
{
    fixture_open_store(&fixture, 1 << 20);
    blobs = store_blobs(fixture.store);
}

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    open_blobs();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static const uint8_t one[DEPLOY_SHA256_BYTES] = {1};
static const uint8_t two[DEPLOY_SHA256_BYTES] = {2};

static enum status
put(const char *tenant, const uint8_t *sha256, const char *text, uint64_t bytes_max)
{
    struct report report = REPORT_INIT;
    return blobs_put(blobs, bytes_of_text(tenant), sha256, bytes_of_text(text), bytes_max, &report);
}

static void a_blob_is_read_back_and_its_tenants_alone(void **state)
{
    (void)state;
    char text[8] = "";
    struct report report = REPORT_INIT;
    uint64_t bytes = 0;
    int fd = -1;
    assert_false(blobs_touch(blobs, bytes_of_text("acme"), one, NULL));
    assert_int_equal(put("acme", one, "hello", 100), STATUS_OK);
    assert_true(blobs_touch(blobs, bytes_of_text("acme"), one, &bytes));
    assert_int_equal(bytes, 5);
    assert_false(blobs_touch(blobs, bytes_of_text("other"), one, NULL));
    assert_int_equal(deploy_blob_open(fixture.dir, bytes_of_text("acme"), one, &report, &fd),
                     STATUS_OK);
    assert_int_equal(io_read_all(fd, text, 5), STATUS_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(close(fd), 0);
    assert_int_not_equal(deploy_blob_open(fixture.dir, bytes_of_text("other"), one, &report, &fd),
                         STATUS_OK);
}

static void a_tenant_has_so_many_bytes(void **state)
{
    (void)state;
    assert_int_equal(put("acme", one, "12345", 9), STATUS_OK);
    assert_int_equal(put("acme", two, "12345", 9), STATUS_LIMIT);
    assert_int_equal(put("acme", one, "12345", 9), STATUS_OK); /* it is there */
    assert_int_equal(put("other", two, "12345", 9), STATUS_OK);
    fixture_close_store(&fixture);
    open_blobs();
    assert_int_equal(blobs_tenant_bytes(blobs, bytes_of_text("acme")), 5);
    assert_int_equal(put("acme", two, "1234", 9), STATUS_OK);
    blobs_remove(blobs, bytes_of_text("acme"), one);
    blobs_remove(blobs, bytes_of_text("acme"), one);
    assert_int_equal(blobs_tenant_bytes(blobs, bytes_of_text("acme")), 4);
}

static void sweep(void)
{
    while (blobs_sweep_step(blobs, fixture.store))
        ;
}

/* A version that has blob `one`; kept by nothing but its record. */
static void add_version(void)
{
    uint32_t version;
    struct buffer list;
    struct report report = REPORT_INIT;
    struct deploy_file row = {.name = bytes_of_text("f"), .sha256 = one, .size = 1};
    const struct records_content content = {.kind = "wagi", .artifact_key = {1}};
    buffer_init(&list, 4096);
    assert_int_equal(deploy_files_write(&row, 1, &list, &report), STATUS_OK);
    const struct store_upload upload = {.target = fixture_target("acme", "api"),
                                        .content = &content,
                                        .module = bytes_of_text("m"),
                                        .assets = buffer_bytes(&list)};
    assert_int_equal(store_add_version(fixture.store, &upload, &report, &version), STATUS_OK);
    buffer_done(&list);
}

static void what_nobody_has_is_swept_when_it_is_old(void **state)
{
    (void)state;
    struct stat facts;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/blobs/acme", fixture.dir);
    assert_int_equal(put("acme", one, "x", 9), STATUS_OK);
    assert_true(blobs_touch(blobs, bytes_of_text("acme"), one, NULL));
    fixture.now_ns += BLOBS_GRACE_NS;
    sweep();
    assert_true(blobs_touch(blobs, bytes_of_text("acme"), one, NULL)); /* and stays an hour more */
    add_version();
    fixture.now_ns += 2 * BLOBS_GRACE_NS;
    sweep();
    assert_int_equal(blobs_tenant_bytes(blobs, bytes_of_text("acme")), 1);
    const struct store_target target = fixture_target("acme", "api");
    struct report report = REPORT_INIT;
    uint32_t count;
    assert_int_equal(store_delete_function(fixture.store, &target, &report, &count), STATUS_OK);
    sweep();
    assert_false(blobs_touch(blobs, bytes_of_text("acme"), one, NULL));
    assert_int_equal(blobs_tenant_bytes(blobs, bytes_of_text("acme")), 0);
    assert_int_not_equal(stat(path, &facts), 0);
    assert_int_equal(put("acme", one, "x", 9), STATUS_OK);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blob_is_read_back_and_its_tenants_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tenant_has_so_many_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_has_is_swept_when_it_is_old, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
