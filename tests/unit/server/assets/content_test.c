/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types by names, and what Accept-Encoding takes.
 */
#include "server/assets/content.h"
#include "tests/support/unit.h"

static void a_type_is_told_by_the_last_extension(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/b.CSS", "text/css; charset=utf-8"},
        {"a.tar.gz", "application/octet-stream"},
        {"a", "application/octet-stream"},
        {"a.b/c", "application/octet-stream"},
        {"", "application/octet-stream"},
        {".html", "text/html; charset=utf-8"},
        {"a.", "application/octet-stream"},
        {"x.wasm", "application/wasm"},
        {"x.woff2", "font/woff2"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(content_type(bytes_of_text(rows[i][0])), rows[i][1]);
}

static void a_coding_is_wanted_as_much_as_the_header_says(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *coding;
        uint32_t weight;
    } rows[] = {
        {"", "br", 0},
        {"br", "br", 1000},
        {"BR", "br", 1000},
        {"gzip, deflate, br", "br", 1000},
        {"gzip", "br", 0},
        {"gzip;q=0.5, br;q=0.25", "br", 250},
        {"br;q=0", "br", 0},
        {"br ; q=0.001", "br", 1},
        {"br;q=1.000", "br", 1000},
        {"br;q=2", "br", 1000},
        {"br;q=nonsense", "br", 0},
        {"br;q=", "br", 1000},
        {"br;x=1;q=0.1", "br", 100},
        {"*", "br", 1000},
        {"*;q=0.3, gzip", "br", 300},
        {"br;q=0, *", "br", 0},
        {",,,;;,br", "br", 1000},
        {"bread", "br", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t weight = content_accepts(bytes_of_text(rows[i].header), rows[i].coding);
        if (weight != rows[i].weight)
            fail_msg("`%s` %s: %u", rows[i].header, rows[i].coding, weight);
    }
    assert_int_equal(content_accepts(bytes_make(NULL, 0), "br"), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_told_by_the_last_extension),
        cmocka_unit_test(a_coding_is_wanted_as_much_as_the_header_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
