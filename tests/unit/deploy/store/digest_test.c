/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of artifacts: each part of what one is made of makes another key, and keys that are on
 * disks already stay what they are.
 */
#include "deploy/store/digest.h"
#include "engine/base/hex.h"
#include "tests/support/unit.h"

static void assert_key(const struct digest_made_of *made_of, const char *expected)
{
    uint8_t key[DEPLOY_SHA256_BYTES];
    char text[DIGEST_HEX_BYTES];
    digest_artifact_key(made_of, key);
    hex_encode(key, sizeof(key), text);
    assert_string_equal(text, expected);
}

static void a_digest_is_sha_256(void **state)
{
    (void)state;
    uint8_t digest[DEPLOY_SHA256_BYTES];
    char text[DIGEST_HEX_BYTES];
    digest_sha256(bytes_make(NULL, 0), digest);
    hex_encode(digest, sizeof(digest), text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void keys_on_disk_stay_what_they_are(void **state)
{
    (void)state;
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    uint8_t base[DEPLOY_SHA256_BYTES];
    digest_sha256(bytes_of_text("module"), sha256);
    digest_sha256(bytes_of_text("base"), base);
    struct digest_made_of made_of = {.sha256 = sha256};
    assert_key(&made_of, "120970d812836f19888625587a4606a5ad23cef31c8684e601771552548fc6b9");
    made_of.config = bytes_of_text("x=1");
    assert_key(&made_of, "577626786d0fa78c55ec5d28969441e04eaa3e4b60e95c17c78c619e6e410d47");
    made_of.choices = DEPLOY_DETERMINISTIC | DEPLOY_DEBUG_LOG;
    assert_key(&made_of, "eb21fd40cb5f513bf96db60d666d0599be3aaa0041071391bf3628f1ae53df1d");
    made_of.base = base;
    assert_key(&made_of, "606abe1e5d84cf95fea48ab2571f785064666cbe41a0ea02d6c9773ca7b0d63a");
}

static void a_bases_key_is_no_functions_and_goes_with_what_its_code_is_made_by(void **state)
{
    (void)state;
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    uint8_t keys[3][DEPLOY_SHA256_BYTES];
    digest_sha256(bytes_of_text("module"), sha256);
    digest_base_key(sha256, 0, keys[0]);
    digest_base_key(sha256, DEPLOY_DETERMINISTIC, keys[1]);
    digest_base_key(sha256, DEPLOY_DEBUG_LOG | DEPLOY_CHECKPOINT, keys[2]);
    assert_memory_not_equal(keys[0], keys[1], sizeof(sha256));
    assert_memory_equal(keys[0], keys[2], sizeof(sha256));
    assert_memory_not_equal(keys[0], sha256, sizeof(sha256));
}

static void a_key_may_take_the_place_of_its_digest(void **state)
{
    (void)state;
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    uint8_t key[DEPLOY_SHA256_BYTES];
    digest_sha256(bytes_of_text("module"), sha256);
    const struct digest_made_of made_of = {.sha256 = sha256, .config = bytes_of_text("x=1")};
    digest_artifact_key(&made_of, key);
    digest_artifact_key(&made_of, sha256);
    assert_memory_equal(sha256, key, sizeof(key));
}

static void a_content_digest_holds_or_says_nothing(void **state)
{
    (void)state;
#define HELLO_BASE64 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    static const struct {
        const char *field;
        bool holds;
    } rows[] = {
        {"sha-256=:" HELLO_BASE64 ":", true},
        {"SHA-256=:" HELLO_BASE64 ":", false}, /* names of a dictionary are in lower case */
        {"sha-512=:AAAA:, sha-256=:" HELLO_BASE64 ":", true},
        {"sha-512=:AAAA:", true},
        {"", true},
        {"sha-256=:AAAA:", false},
        {"sha-256=" HELLO_BASE64, false},
        {"sha-256", false},
        {",,sha-256=::", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (digest_holds(bytes_of_text(rows[i].field), bytes_of_text("hello")) != rows[i].holds)
            fail_msg("%s", rows[i].field);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_sha_256),
        cmocka_unit_test(a_content_digest_holds_or_says_nothing),
        cmocka_unit_test(keys_on_disk_stay_what_they_are),
        cmocka_unit_test(a_bases_key_is_no_functions_and_goes_with_what_its_code_is_made_by),
        cmocka_unit_test(a_key_may_take_the_place_of_its_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
