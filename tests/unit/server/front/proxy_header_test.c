/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of balancers, whole, cut short anywhere, and wrong.
 */
#include "config/config.h"
#include "server/front/proxy_header.h"
#include "tests/support/unit.h"

#define SIGNATURE  "\r\n\r\n\0\r\nQUIT\n"
#define V4         "\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb"
#define V6         "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xdc\4\1\xbb"
#define TEXT(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct {
    struct bytes bytes;
    const char *client; /* "": none; NULL: it is no header */
} rows[] = {
    {{TEXT("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n")}, "192.0.2.1:56324"},
    {{TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n")}, "[2001:db8::1]:56324"},
    {{TEXT("PROXY UNKNOWN\r\n")}, ""},
    {{TEXT("PROXY UNKNOWN ffff::1 ::1 1 2\r\n")}, ""},
    {{TEXT(SIGNATURE "\x21\x11\0\xc" V4)}, "192.0.2.1:56324"},
    {{TEXT(SIGNATURE "\x21\x21\0\x24" V6)}, "[2001:db8::1]:56324"},
    {{TEXT(SIGNATURE "\x21\x11\0\xf" V4 "\4\0\0")}, "192.0.2.1:56324"},
    {{TEXT(SIGNATURE "\x20\0\0\0")}, ""},
    {{TEXT(SIGNATURE "\x21\x31\0\4abcd")}, ""}, /* a Unix socket's */
    {{TEXT("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n")}, NULL},
    {{TEXT("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n")}, NULL},
    {{TEXT("PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n")}, NULL},
    {{TEXT("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n")}, NULL},
    {{TEXT("PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n")}, NULL},
    {{TEXT("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n")}, NULL},
    {{TEXT("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n")}, NULL},
    {{TEXT("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n")}, NULL},
    {{TEXT("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n")}, NULL},
    {{TEXT("GET / HTTP/1.1\r\n")}, NULL},
    {{TEXT("\x16\x03\x01")}, NULL},
    {{TEXT(SIGNATURE "\x11\x11\0\xc" V4)}, NULL},
    {{TEXT(SIGNATURE "\x22\x11\0\xc" V4)}, NULL},
    {{TEXT(SIGNATURE "\x21\x11\0\4abcd")}, NULL},
    {{TEXT(SIGNATURE "\x21\x11\xff\xff")}, NULL},
};

static enum proxy_outcome parse(struct bytes bytes, char *client, size_t *ret_bytes)
{
    struct sockaddr_storage address;
    socklen_t count;
    enum proxy_outcome outcome = proxy_header_parse(bytes, &address, &count, ret_bytes);
    (void)config_address_print((const struct sockaddr *)&address, client);
    return outcome;
}

static void each_form_is_a_client_nobody_or_no_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char client[CONFIG_ADDRESS_BYTES];
        uint8_t more[256];
        size_t bytes = 0;
        size_t count = rows[i].bytes.count;
        memcpy(more, rows[i].bytes.data, count);
        memcpy(more + count, "GET /", 5);
        enum proxy_outcome outcome = parse(bytes_make(more, count + 5), client, &bytes);
        assert_int_equal(outcome, rows[i].client == NULL ? PROXY_BAD : PROXY_COMPLETE);
        if (rows[i].client == NULL)
            continue;
        assert_string_equal(client, rows[i].client);
        assert_int_equal(bytes, count);
        for (size_t cut = 0; cut < count; cut++)
            assert_int_equal(parse(bytes_make(more, cut), client, &bytes), PROXY_INCOMPLETE);
    }
}

static void a_line_that_does_not_end_is_none(void **state)
{
    (void)state;
    char client[CONFIG_ADDRESS_BYTES];
    char line[200] = "PROXY UNKNOWN ";
    size_t bytes;
    memset(line + 14, 'x', sizeof(line) - 14);
    assert_int_equal(parse(bytes_make(line, 106), client, &bytes), PROXY_INCOMPLETE);
    assert_int_equal(parse(bytes_make(line, 107), client, &bytes), PROXY_BAD);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_a_client_nobody_or_no_header),
        cmocka_unit_test(a_line_that_does_not_end_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
