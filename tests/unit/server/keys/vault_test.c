/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault: what is put is got, is not there in the clear, and survives rotations cut short.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keys/key_file.h"
#include "server/keys/vault.h"
#include "tests/support/lmdb_fails.h"
#include "tests/support/unit.h"

#define SECRET "correct horse battery staple"

static char dir[64];
static struct vault *vault;

static struct vault_name name_of(const char *tenant, const char *function, const char *name)
{
    return (struct vault_name){.tenant = bytes_of_text(tenant),
                               .function = bytes_of_text(function),
                               .name = bytes_of_text(name)};
}

static void reopen(void)
{
    vault_close(vault);
    vault = NULL;
    struct report report = REPORT_INIT;
    if (vault_open(dir, &report, &vault) != STATUS_OK)
        fail_msg("%s", report.text);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/skerry-vault-XXXXXX");
    assert_non_null(mkdtemp(dir));
    reopen();
    return 0;
}

static const char *path_of(const char *file)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/vault%s%s", dir, file[0] != '\0' ? "/" : "", file);
    return path;
}

static int teardown(void **state)
{
    (void)state;
    vault_close(vault);
    vault = NULL;
    assert_int_equal(unlink(path_of("key")), 0);
    assert_int_equal(unlink(path_of("data.mdb")), 0);
    assert_int_equal(rmdir(path_of("")), 0);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static enum status put(const char *function, const char *name, const char *value)
{
    struct report report = REPORT_INIT;
    struct vault_name where = name_of("acme", function, name);
    return vault_put(vault, &where, bytes_of_text(value), &report);
}

static enum status get_of(struct vault_name where, const char *want)
{
    struct report report = REPORT_INIT;
    struct buffer value;
    buffer_init(&value, VAULT_VALUE_BYTES_MAX + 1);
    enum status status = vault_get(vault, &where, &report, &value);
    if (status == STATUS_OK)
        assert_true(bytes_equal_text(buffer_bytes(&value), want));
    buffer_done(&value);
    return status;
}

static enum status get(const char *function, const char *name, const char *want)
{
    return get_of(name_of("acme", function, name), want);
}

static void add_name(void *context, struct bytes name)
{
    char *names = context;
    (void)strncat(names, (const char *)name.data, name.count);
    (void)strcat(names, " ");
}

static void expect_names(const char *function, const char *want)
{
    char names[1024] = "";
    struct report report = REPORT_INIT;
    struct vault_name whose = name_of("acme", function, "");
    assert_int_equal(vault_list(vault, &whose, add_name, names, &report), STATUS_OK);
    assert_string_equal(names, want);
}

/* Is it somewhere in that file? */
static bool is_in_file(const char *file, const char *text)
{
    static char bytes[1 << 20];
    FILE *stream = fopen(path_of(file), "rb");
    assert_non_null(stream);
    size_t count = fread(bytes, 1, sizeof(bytes), stream);
    assert_int_equal(fclose(stream), 0);
    return memmem(bytes, count, text, strlen(text)) != NULL;
}

static void what_is_put_is_got_by_its_function_alone(void **state)
{
    (void)state;
    assert_int_equal(put("hello", "API_KEY", SECRET), STATUS_OK);
    assert_int_equal(put("hello", "EMPTY", ""), STATUS_OK);
    assert_int_equal(get("hello", "API_KEY", SECRET), STATUS_OK);
    assert_int_equal(get("hello", "EMPTY", ""), STATUS_OK);
    assert_int_equal(get("hello", "API_KE", ""), STATUS_NOT_FOUND);
    assert_int_equal(get("hell", "API_KEY", ""), STATUS_NOT_FOUND);
    assert_int_equal(get_of(name_of("acm", "hello", "API_KEY"), ""), STATUS_NOT_FOUND);
    assert_int_equal(put("hello", "API_KEY", "another"), STATUS_OK);
    reopen();
    assert_int_equal(get("hello", "API_KEY", "another"), STATUS_OK);
    expect_names("hello", "API_KEY EMPTY ");
    expect_names("hell", "");
}

static void nothing_is_there_in_the_clear_and_the_key_is_its_owners(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(put("hello", "API_KEY", SECRET), STATUS_OK);
    assert_true(is_in_file("data.mdb", "API_KEY"));
    assert_false(is_in_file("data.mdb", SECRET));
    assert_int_equal(stat(path_of("key"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of(""), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void removed_ones_are_gone(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct vault_name one = name_of("acme", "hello", "B");
    assert_int_equal(put("hello", "A", "1"), STATUS_OK);
    assert_int_equal(put("hello", "B", "2"), STATUS_OK);
    assert_int_equal(put("hello2", "C", "3"), STATUS_OK);
    assert_int_equal(vault_remove(vault, &one, &report), STATUS_OK);
    assert_int_equal(vault_remove(vault, &one, &report), STATUS_NOT_FOUND);
    expect_names("hello", "A ");
    struct vault_name function = name_of("acme", "hello", "");
    assert_int_equal(vault_forget(vault, &function, &report), STATUS_OK);
    expect_names("hello", "");
    expect_names("hello2", "C ");
    struct vault_name tenant = name_of("acme", "", "");
    assert_int_equal(vault_forget(vault, &tenant, &report), STATUS_OK);
    assert_int_equal(vault_forget(vault, &tenant, &report), STATUS_OK);
    expect_names("hello2", "");
}

static void after_a_rotation_all_are_there_under_a_new_key(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    char value[32];
    char name[16];
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "N%d", i);
        (void)snprintf(value, sizeof(value), "value %d", i);
        assert_int_equal(put("hello", name, value), STATUS_OK);
    }
    for (int times = 0; times < 10; times++)
        assert_int_equal(vault_rotate(vault, &report), STATUS_OK);
    reopen();
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "N%d", i);
        (void)snprintf(value, sizeof(value), "value %d", i);
        assert_int_equal(get("hello", name, value), STATUS_OK);
    }
}

/* The new key is on disk, the boxes are not made anew. */
static void a_rotation_cut_short_loses_nothing(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct key_file *keys;
    assert_int_equal(put("hello", "A", SECRET), STATUS_OK);
    assert_int_equal(key_file_open(path_of(""), &report, &keys), STATUS_OK);
    assert_int_equal(key_file_add(keys, &report), STATUS_OK);
    key_file_close(keys);
    reopen();
    assert_int_equal(get("hello", "A", SECRET), STATUS_OK);
    assert_int_equal(put("hello", "B", SECRET), STATUS_OK);
    assert_int_equal(vault_rotate(vault, &report), STATUS_OK);
    assert_int_equal(get("hello", "A", SECRET), STATUS_OK);
    assert_int_equal(get("hello", "B", SECRET), STATUS_OK);
}

static void a_box_without_its_key_or_changed_does_not_open(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct key_file *keys;
    assert_int_equal(put("hello", "A", SECRET), STATUS_OK);
    assert_int_equal(key_file_open(path_of(""), &report, &keys), STATUS_OK);
    assert_int_equal(key_file_add(keys, &report), STATUS_OK);
    assert_int_equal(key_file_drop_old(keys, &report), STATUS_OK);
    key_file_close(keys);
    reopen();
    assert_int_equal(get("hello", "A", ""), STATUS_CORRUPT);
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    vault_close(vault);
    vault = NULL;
    assert_int_equal(chmod(path_of("key"), 0640), 0);
    assert_int_equal(vault_open(dir, &report, &vault), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "chmod 600"));
    assert_int_equal(chmod(path_of("key"), 0600), 0);
    int fd = open(path_of("key"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(vault_open(dir, &report, &vault), STATUS_CORRUPT);
}

static void too_many_and_too_long_ones_are_refused(void **state)
{
    (void)state;
    static char value[VAULT_VALUE_BYTES_MAX + 2];
    char name[16];
    memset(value, 'x', sizeof(value) - 1);
    assert_int_equal(put("hello", "A", value), STATUS_LIMIT);
    value[VAULT_VALUE_BYTES_MAX] = '\0';
    assert_int_equal(put("hello", "A", value), STATUS_OK);
    assert_int_equal(get("hello", "A", value), STATUS_OK);
    for (int i = 1; i < VAULT_COUNT_MAX; i++) {
        (void)snprintf(name, sizeof(name), "N%d", i);
        assert_int_equal(put("hello", name, "v"), STATUS_OK);
    }
    assert_int_equal(put("hello", "ONE_MORE", "v"), STATUS_LIMIT);
    assert_int_equal(put("hello", "A", "v"), STATUS_OK); /* it is there already */
    assert_int_equal(put("other", "A", "v"), STATUS_OK);
}

/* ---- whichever call of LMDB fails ------------------------------------------------------------ */

static struct report failure;
static const char other[] = "other";

static enum status do_put(void)
{
    return put("hello", "C", other);
}

static enum status do_put_again(void)
{
    return put("hello", "A", other);
}

static enum status do_get(void)
{
    return get("hello", "A", SECRET);
}

static enum status do_list(void)
{
    char names[64] = "";
    struct vault_name whose = name_of("acme", "hello", "");
    return vault_list(vault, &whose, add_name, names, &failure);
}

static enum status take_box(void *context, struct bytes name, struct bytes box)
{
    (void)context;
    return name.count > 0 && box.count > 0 ? STATUS_OK : STATUS_CORRUPT;
}

static enum status do_each_box(void)
{
    return vault_each_box(vault, take_box, NULL, &failure);
}

static enum status do_remove(void)
{
    struct vault_name one = name_of("acme", "hello", "A");
    return vault_remove(vault, &one, &failure);
}

static enum status do_forget(void)
{
    struct vault_name function = name_of("acme", "hello", "");
    return vault_forget(vault, &function, &failure);
}

static enum status do_rotate(void)
{
    return vault_rotate(vault, &failure);
}

static enum status do_open(void)
{
    vault_close(vault);
    vault = NULL;
    return vault_open(dir, &failure, &vault);
}

static void a_call_that_fails_is_told_and_loses_nothing(void **state)
{
    static enum status (*const acts[])(void) = {
        do_get,    do_list, do_each_box, do_put,    do_put_again,
        do_rotate, do_open, do_remove,   do_forget,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        bool failed = true;
        assert_int_equal(put("hello", "A", SECRET), STATUS_OK);
        assert_int_equal(put("hello", "B", SECRET), STATUS_OK);
        for (uint32_t nth = 1; failed; nth++) {
            failure = (struct report)REPORT_INIT;
            lmdb_fails_at(nth);
            enum status status = acts[i]();
            failed = lmdb_fails_over();
            assert_int_equal(status, failed ? STATUS_IO : STATUS_OK);
            if (!failed)
                break;
            if (vault == NULL)
                reopen();
            assert_int_equal(get("hello", "A", SECRET), STATUS_OK);
            assert_int_equal(get("hello", "B", SECRET), STATUS_OK);
            assert_int_equal(get("hello", "C", ""), STATUS_NOT_FOUND);
        }
        struct vault_name all = name_of("acme", "", "");
        assert_int_equal(vault_forget(vault, &all, &failure), STATUS_OK);
        assert_int_equal(get("hello", "A", ""), STATUS_NOT_FOUND);
    }
}

static void names_are_those_of_variables(void **state)
{
    (void)state;
    char text[VAULT_NAME_BYTES_MAX + 1];
    static const char *const bad[] = {"", "1A", "A-B", "A B", "A=", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(vault_name_valid(bytes_of_text(bad[i])));
    assert_true(vault_name_valid(bytes_of_text("_a1")));
    memset(text, 'A', sizeof(text));
    assert_true(vault_name_valid(bytes_make(text, VAULT_NAME_BYTES_MAX)));
    assert_false(vault_name_valid(bytes_make(text, VAULT_NAME_BYTES_MAX + 1)));
}

#define VAULTED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        VAULTED(what_is_put_is_got_by_its_function_alone),
        VAULTED(nothing_is_there_in_the_clear_and_the_key_is_its_owners),
        VAULTED(removed_ones_are_gone),
        VAULTED(after_a_rotation_all_are_there_under_a_new_key),
        VAULTED(a_rotation_cut_short_loses_nothing),
        VAULTED(a_box_without_its_key_or_changed_does_not_open),
        VAULTED(a_key_file_that_others_may_read_is_refused),
        VAULTED(too_many_and_too_long_ones_are_refused),
        VAULTED(a_call_that_fails_is_told_and_loses_nothing),
        VAULTED(names_are_those_of_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
