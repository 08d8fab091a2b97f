/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and versions: what passes needs no escaping anywhere.
 */
#include "fixture.h"

#include "deploy/name.h"
#include "deploy/store/digest.h"
#include "engine/base/hex.h"

static void dns_labels_are_names_and_nothing_else_is(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",
        "0",
        "hello",
        "hello-world",
        "a--b",
        "x1",
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"};
    static const char *const bad[] = {
        "",         "-",
        "-a",       "a-",
        "A",        "a_b",
        "a.b",      "a/b",
        "a b",      "%20",
        "\xc3\xa9", "a\n",
        "hello!",   "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(deploy_name_valid(bytes_of_text(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(deploy_name_valid(bytes_of_text(bad[i])));
    assert_false(deploy_name_valid(bytes_make("a\0b", 3)));
}

static void versions_read_back_and_refuse_other_spellings(void **state)
{
    (void)state;
    static const uint32_t versions[] = {1, 9, 10, 123456, UINT32_MAX};
    static const char *const bad[] = {"",    "v",   "v0",  "v01",         "1",
                                      "V1",  "v1 ", "v-1", "v4294967296", "v99999999999",
                                      "v1a", "vv1", "v1.0"};
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        char text[NAME_VERSION_BYTES];
        uint32_t version = 0;
        name_format_version(versions[i], text);
        assert_true(name_parse_version(bytes_of_text(text), &version));
        assert_int_equal(version, versions[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint32_t version = 7;
        assert_false(name_parse_version(bytes_of_text(bad[i]), &version));
        assert_int_equal(version, 7);
    }
}

static void digest_is_sha256_and_hexadecimal_reads_back(void **state)
{
    (void)state;
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    uint8_t again[DEPLOY_SHA256_BYTES];
    char text[DIGEST_HEX_BYTES];
    digest_sha256(bytes_of_text("abc"), sha256);
    hex_encode(sha256, sizeof(sha256), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(hex_decode(text, sizeof(again), again));
    assert_memory_equal(again, sha256, sizeof(sha256));
    text[10] = 'G';
    assert_false(hex_decode(text, sizeof(again), again));
    digest_sha256(bytes_make(NULL, 0), sha256);
    assert_int_equal(sha256[0], 0xe3);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dns_labels_are_names_and_nothing_else_is),
        cmocka_unit_test(versions_read_back_and_refuse_other_spellings),
        cmocka_unit_test(digest_is_sha256_and_hexadecimal_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
