/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a backup: whole or not at all.
 */
#include "backup_fixture.h"

static void make(struct saved *saved, struct buffer *out)
{
    struct backup_source *source = saved_begin(saved);
    buffer_init(out, 1 << 20);
    saved_run(source, 1 << 16, out);
    saved_end(saved, source);
}

static enum status read_bytes(struct bytes bytes, struct backup_counts *counts)
{
    struct report report = REPORT_INIT;
    FILE *file = saved_file(bytes);
    enum status status = backup_read(file, NULL, NULL, &report, counts);
    assert_int_equal(fclose(file), 0);
    return status;
}

struct seen {
    bool module;
    bool key;
    uint32_t dbs;
};

static enum status see(void *context, const struct backup_frame *frame)
{
    struct seen *seen = context;
    seen->dbs += frame->kind == BACKUP_DB;
    seen->module |= frame->kind == BACKUP_RECORD && bytes_equal_text(frame->value, "a module");
    seen->key |= frame->kind == BACKUP_DB && bytes_equal_text(frame->key, "kv/item");
    return STATUS_OK;
}

static void all_of_both_stores_is_in_it(void **state)
{
    struct buffer whole;
    struct seen seen = {0};
    struct backup_counts counts = {0};
    struct report report = REPORT_INIT;
    make(*state, &whole);
    FILE *file = saved_file(buffer_bytes(&whole));
    assert_int_equal(backup_read(file, see, &seen, &report, &counts), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_true(seen.module && seen.key && seen.dbs > RECORDS_DB_COUNT);
    assert_true(counts.records > 5);
    /* All but the last frame. */
    assert_int_equal(counts.bytes + BACKUP_HEAD_BYTES + DEPLOY_SHA256_BYTES, whole.count);
    buffer_done(&whole);
}

static void any_byte_that_is_missing_or_another_is_noticed(void **state)
{
    struct buffer whole;
    struct backup_counts counts = {0};
    make(*state, &whole);
    for (size_t i = 0; i < whole.count; i += 1 + i / 40) {
        assert_int_equal(read_bytes(bytes_make(whole.data, i), &counts), STATUS_CORRUPT);
        whole.data[i] ^= 0x10;
        assert_int_equal(read_bytes(buffer_bytes(&whole), &counts), STATUS_CORRUPT);
        whole.data[i] ^= 0x10;
    }
    assert_int_equal(counts.bytes, 0);
    assert_int_equal(read_bytes(buffer_bytes(&whole), &counts), STATUS_OK);
    assert_int_equal(buffer_append(&whole, "x", 1), STATUS_OK);
    assert_int_equal(read_bytes(buffer_bytes(&whole), &counts), STATUS_CORRUPT);
    buffer_done(&whole);
}

#define SAVED(test) cmocka_unit_test_setup_teardown(test, saved_setup, saved_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SAVED(all_of_both_stores_is_in_it),
        SAVED(any_byte_that_is_missing_or_another_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
