/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JOSE's parts, with examples of its own documents.
 */
#include <stdio.h>
#include <string.h>

#include "deploy/acme/jose.h"
#include "tests/support/unit.h"

static const char *encoded(const char *text, size_t count)
{
    static char room[256];
    struct buffer out;
    buffer_init(&out, sizeof(room));
    assert_int_equal(jose_encode(bytes_make(text, count), &out), STATUS_OK);
    (void)snprintf(room, sizeof(room), "%.*s", (int)out.count,
                   out.count == 0 ? "" : (const char *)out.data);
    buffer_done(&out);
    return room;
}

static void base64url_has_no_padding(void **state)
{
    (void)state;
    static const char octets[] = {3, (char)236, (char)255, (char)224, (char)193};
    assert_string_equal(encoded(octets, sizeof(octets)), "A-z_4ME"); /* [RFC 7515 C] */
    assert_string_equal(encoded("", 0), "");
    assert_string_equal(encoded("f", 1), "Zg");
    assert_string_equal(encoded("fo", 2), "Zm8");
    assert_string_equal(encoded("foo", 3), "Zm9v");
    assert_true(jose_is_encoded(bytes_of_text("A-z_4ME")));
    assert_false(jose_is_encoded(bytes_of_text("Zg==")));
    assert_false(jose_is_encoded(bytes_of_text("")));
    assert_false(jose_is_encoded(bytes_make("a\0b", 3)));
}

static void a_key_has_its_members_in_the_order_of_a_thumbprint(void **state)
{
    (void)state;
    uint8_t point[JOSE_POINT_BYTES] = {0};
    char jwk[JOSE_JWK_BYTES];
    char thumbprint[JOSE_THUMBPRINT_BYTES];
    point[31] = 1;
    assert_true(jose_jwk(bytes_make(point, sizeof(point)), jwk));
    assert_string_equal(jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":"
                             "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\",\"y\":"
                             "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    assert_true(jose_thumbprint(jwk, thumbprint));
    assert_int_equal(strlen(thumbprint), JOSE_THUMBPRINT_BYTES - 1);
    assert_false(jose_jwk(bytes_make(point, sizeof(point) - 1), jwk));
}

static void a_signature_is_put_to_what_was_signed(void **state)
{
    (void)state;
    struct buffer input;
    struct buffer body;
    buffer_init(&input, 256);
    buffer_init(&body, 256);
    assert_int_equal(jose_input(bytes_of_text("{}"), bytes_of_text(""), &input), STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&input), "e30."));
    assert_int_equal(jose_body(buffer_bytes(&input), bytes_of_text("foo"), &body), STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&body), "{\"protected\":\"e30\",\"payload\":\"\","
                                                      "\"signature\":\"Zm9v\"}"));
    assert_int_equal(jose_body(bytes_of_text("e30"), bytes_of_text("foo"), &body), STATUS_INVALID);
    buffer_done(&input);
    buffer_done(&body);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_has_no_padding),
        cmocka_unit_test(a_key_has_its_members_in_the_order_of_a_thumbprint),
        cmocka_unit_test(a_signature_is_put_to_what_was_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
