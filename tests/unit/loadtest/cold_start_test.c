/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The custom section that makes equal modules differ, read back as the binary format
 * defines it [Wasm core 5.5.3].
 */
#include "loadtest/cold_start.h"
#include "tests/support/unit.h"

static const uint8_t nonce[COLD_START_NONCE_BYTES] = {1, 2, 3};
static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

static void make_module(struct buffer *module, uint64_t index)
{
    buffer_init(module, 1024);
    assert_int_equal(buffer_append(module, magic, sizeof(magic)), STATUS_OK);
    assert_int_equal(cold_start_append_nonce(module, nonce, index), STATUS_OK);
}

static void the_nonce_is_one_well_formed_custom_section(void **state)
{
    (void)state;
    struct buffer module;
    make_module(&module, 0x1234);
    const uint8_t *section = module.data + sizeof(magic);
    size_t section_bytes = module.count - sizeof(magic);
    assert_int_equal(section[0], 0);
    assert_true(section[1] < 0x80);
    assert_int_equal(section[1], section_bytes - 2);
    assert_int_equal(section[2], strlen("skerry.loadtest"));
    assert_memory_equal(section + 3, "skerry.loadtest", section[2]);
    assert_memory_equal(section + 3 + section[2], nonce, sizeof(nonce));
    buffer_done(&module);
}

static void every_index_makes_another_module_of_the_same_size(void **state)
{
    (void)state;
    struct buffer first;
    struct buffer second;
    make_module(&first, 1);
    make_module(&second, 2);
    assert_int_equal(first.count, second.count);
    assert_memory_not_equal(first.data, second.data, first.count);
    buffer_done(&first);
    buffer_done(&second);
}

static void a_module_that_does_not_fit_its_cap_is_refused(void **state)
{
    (void)state;
    struct buffer module;
    buffer_init(&module, 10);
    assert_int_equal(cold_start_append_nonce(&module, nonce, 1), STATUS_LIMIT);
    assert_int_equal(module.count, 0);
}

static void requests_go_where_the_deploy_says(void **state)
{
    (void)state;
    struct target target;
    static const char answer[] =
        "{\"function\":\"cold-0001\",\"url\":\"http://cold-0001.default.localhost:18123/\"}";
    assert_int_equal(target_from_url("http://127.0.0.1:8080/p?q", NULL, &target), STATUS_OK);
    assert_true(cold_start_follow(bytes_of_text(answer), &target));
    assert_string_equal(target.place, "127.0.0.1:18123");
    assert_string_equal(target.authority, "127.0.0.1:18123");
    assert_string_equal(target.path, "/p?q");
}

static void an_answer_that_says_nothing_changes_nothing(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "[]", "{\"url\":1}", "{\"url\":\"ftp://x\"}", "{"};
    struct target target;
    assert_int_equal(target_from_url("http://127.0.0.1:8080/", NULL, &target), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        assert_false(cold_start_follow(bytes_of_text(answers[i]), &target));
        assert_string_equal(target.place, "127.0.0.1:8080");
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nonce_is_one_well_formed_custom_section),
        cmocka_unit_test(every_index_makes_another_module_of_the_same_size),
        cmocka_unit_test(requests_go_where_the_deploy_says),
        cmocka_unit_test(an_answer_that_says_nothing_changes_nothing),
        cmocka_unit_test(a_module_that_does_not_fit_its_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
