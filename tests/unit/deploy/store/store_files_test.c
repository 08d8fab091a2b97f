/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of files with versions: kept with them, and a blob's record as long as a list has it.
 */
#include <stdio.h>

#include "deploy/store/digest.h"
#include "deploy/store/store.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct blobs *blobs;

static void committed(void *context, const struct store_changed *changed)
{
    (void)context;
    (void)changed;
}

static void artifact_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)context;
    (void)key;
}

static int setup(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    fixture_init(&fixture);
    const struct store_options options = {.dir = fixture.dir,
                                          .map_bytes = MAP_BYTES,
                                          .versions = 1,
                                          .clock = &fixture.clock,
                                          .committed = committed,
                                          .artifact_gone = artifact_gone,
                                          .data_dir = fixture.dir};
    assert_int_equal(store_open(&options, &report, &fixture.store), STATUS_OK);
    blobs = store_blobs(fixture.store);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static void make_list(const uint8_t *letters, struct buffer *list)
{
    uint8_t hashes[4][DEPLOY_SHA256_BYTES] = {{0}};
    char names[4][8];
    struct deploy_file rows[4];
    size_t count = 0;
    for (; letters[count] != 0; count++) {
        hashes[count][0] = letters[count];
        assert_int_equal(
            blobs_put(blobs, bytes_of_text("acme"), hashes[count], bytes_of_text("x"), 99, NULL),
            STATUS_OK);
        (void)snprintf(names[count], sizeof(names[count]), "f%zu", count);
        rows[count] = (struct deploy_file){
            .name = bytes_of_text(names[count]), .sha256 = hashes[count], .size = count};
    }
    buffer_init(list, 4096);
    assert_int_equal(deploy_files_write(rows, count, list, NULL), STATUS_OK);
}

/* Each letter of the texts is a blob. */
static void add(const char *module, const char *files, const char *assets)
{
    struct records_content content = {.kind = "wagi"};
    struct buffer lists[2];
    struct report report = REPORT_INIT;
    uint32_t version;
    make_list((const uint8_t *)files, &lists[0]);
    make_list((const uint8_t *)assets, &lists[1]);
    digest_sha256(bytes_of_text(module), content.sha256);
    const struct digest_made_of made_of = {.sha256 = content.sha256,
                                           .tenant = bytes_of_text("acme"),
                                           .files = buffer_bytes(&lists[0])};
    digest_artifact_key(&made_of, content.artifact_key);
    const struct store_upload upload = {.target = fixture_target("acme", "api"),
                                        .content = &content,
                                        .module = bytes_of_text(module),
                                        .files = buffer_bytes(&lists[0]),
                                        .assets = buffer_bytes(&lists[1]),
                                        .activate = true};
    if (store_add_version(fixture.store, &upload, &report, &version) != STATUS_OK)
        fail_msg("%s", report.text);
    buffer_done(&lists[0]);
    buffer_done(&lists[1]);
}

/* Its record; with it goes its file. */
static bool has(char blob)
{
    const uint8_t sha256[DEPLOY_SHA256_BYTES] = {(uint8_t)blob};
    bool has = store_has_blob(fixture.store, bytes_of_text("acme"), sha256);
    assert_int_equal(blobs_touch(blobs, bytes_of_text("acme"), sha256, NULL), has);
    return has;
}

static void a_blob_stays_as_long_as_a_version_has_it(void **state)
{
    (void)state;
    const struct store_target target = fixture_target("acme", "api");
    struct report report = REPORT_INIT;
    uint32_t version_count;
    const uint8_t other[DEPLOY_SHA256_BYTES] = {'a'};
    add("m1", "ab", "b");
    assert_true(has('a') && has('b'));
    assert_false(store_has_blob(fixture.store, bytes_of_text("acme2"), other));
    add("m2", "bb", "c");
    add("m3", "", "c"); /* one is kept besides the active one: v1 goes */
    assert_false(has('a'));
    assert_true(has('b') && has('c'));
    assert_int_equal(store_delete_function(fixture.store, &target, &report, &version_count),
                     STATUS_OK);
    assert_false(has('b') || has('c'));
}

static void what_a_change_brings_back_is_not_gone(void **state)
{
    (void)state;
    add("m1", "a", "");
    add("m2", "", "");
    add("m3", "a", ""); /* v1 goes with the same blob */
    assert_true(has('a'));
}

static enum status take_source(void *context, const struct store_source *source)
{
    struct deploy_file file;
    struct bytes rest = source->files;
    (void)context;
    assert_true(bytes_equal_text(source->tenant, "acme"));
    assert_true(deploy_files_next(&rest, &file));
    assert_int_equal(file.sha256[0], 'x');
    assert_int_equal(rest.count, 0);
    return STATUS_OK;
}

static void an_artifact_is_made_of_its_files(void **state)
{
    (void)state;
    struct store_version version;
    struct buffer assets;
    struct report report = REPORT_INIT;
    const struct store_target target = fixture_target("acme", "api");
    add("m1", "x", "yz");
    assert_int_equal(store_get_version(fixture.store, &target, 1, &report, &version), STATUS_OK);
    assert_int_equal(store_use_source(fixture.store, version.record.content.artifact_key,
                                      take_source, NULL, &report),
                     STATUS_OK);
    buffer_init(&assets, 4096);
    assert_int_equal(store_get_assets(fixture.store, &target, 1, &report, &assets), STATUS_OK);
    uint64_t count;
    uint64_t bytes;
    assert_true(deploy_files_measure(buffer_bytes(&assets), &count, &bytes));
    assert_int_equal(count, 2);
    buffer_done(&assets);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blob_stays_as_long_as_a_version_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_change_brings_back_is_not_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(an_artifact_is_made_of_its_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
