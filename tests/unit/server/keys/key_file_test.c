/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of keys: made, added to, shortened, and read again the same.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/keys/key_file.h"
#include "tests/support/unit.h"

#define KEY_BYTES 32

static void keys_come_and_go_and_are_the_same_when_read_again(void **state)
{
    (void)state;
    char dir[] = "/tmp/skerry-key-file-XXXXXX";
    char path[64];
    struct report report = REPORT_INIT;
    struct key_file *file;
    uint32_t id;
    uint8_t first[KEY_BYTES];
    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    assert_int_equal(key_file_open(dir, &report, &file), STATUS_OK);
    memcpy(first, key_file_present(file, &id), KEY_BYTES);
    assert_int_equal(id, 1);
    for (uint32_t i = 2; i <= KEY_FILE_KEYS_MAX; i++)
        assert_int_equal(key_file_add(file, &report), STATUS_OK);
    assert_int_equal(key_file_add(file, &report), STATUS_LIMIT);
    key_file_close(file);
    assert_int_equal(key_file_open(dir, &report, &file), STATUS_OK);
    assert_memory_equal(key_file_find(file, 1), first, KEY_BYTES);
    assert_memory_not_equal(key_file_present(file, &id), first, KEY_BYTES);
    assert_int_equal(id, KEY_FILE_KEYS_MAX);
    assert_int_equal(key_file_drop_old(file, &report), STATUS_OK);
    assert_null(key_file_find(file, 1));
    key_file_close(file);
    assert_int_equal(key_file_open(dir, &report, &file), STATUS_OK);
    assert_null(key_file_find(file, 1));
    assert_ptr_equal(key_file_find(file, id), key_file_present(file, &id));
    key_file_close(file);
    key_file_close(NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(key_file_open("/nonexistent/vault", &report, &file), STATUS_IO);
    assert_int_equal(rmdir(dir), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_and_go_and_are_the_same_when_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
