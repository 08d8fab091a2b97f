/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a field of HPACK ends, one row a form; what is cut short is no field.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/front/http2_fields.h"
#include "tests/support/unit.h"

#define ROW(bytes, count)                                                                          \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, count                                                            \
    }

static const struct row {
    const char *bytes;
    size_t count;
    size_t field; /* its bytes, 0 for none */
} rows[] = {
    ROW("\x82", 1),
    ROW("\x82\x86", 1),
    ROW("\xff\x00\x82", 2),
    ROW("\xff\x80\x80\x80\x01", 5),
    ROW("\x40\x01"
        "a\x02"
        "bc"
        "\x82",
        6),
    ROW("\x41\x02"
        "bc\x82",
        4),
    ROW("\x7f\x01\x02"
        "bc\x82",
        5),
    ROW("\x00\x01"
        "a\x00",
        4),
    ROW("\x10\x81\xff\x81\xff\x82", 5),
    ROW("\x0f\x0d\x01"
        "5\x82",
        4),
    ROW("\x1f\x0d\x01"
        "5\x82",
        4),
    ROW("\x20\x82\x82", 2),
    ROW("\x3f\x01\x20\x82", 4),
    ROW("\x00\x7f\x00"
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123456"
        "\x00",
        131),
    ROW("", 0),
    ROW("\x20", 0),
    ROW("\x20\x20\x20\x82", 0),
    ROW("\x3f", 0),
    ROW("\xff", 0),
    ROW("\xff\x80\x80\x80\x80\x01", 0),
    ROW("\x40", 0),
    ROW("\x40\x01", 0),
    ROW("\x40\x01"
        "a",
        0),
    ROW("\x40\x01"
        "a\x02"
        "b",
        0),
    ROW("\x41", 0),
    ROW("\x41\x7f\xff\xff\xff\x7f"
        "a",
        0),
    ROW("\x0f\x0d\x02"
        "5",
        0),
};

static void a_field_ends_where_its_numbers_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t count = http2_field_bytes(bytes_make(rows[i].bytes, rows[i].count));
        if (count != rows[i].field)
            print_error("row %zu\n", i);
        assert_int_equal(count, rows[i].field);
        for (size_t cut = 0; cut < rows[i].field; cut++)
            assert_int_equal(http2_field_bytes(bytes_make(rows[i].bytes, cut)), 0);
    }
}

static void nothing_behind_a_block_is_read(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *block = pages + page - rows[i].count;
        memcpy(block, rows[i].bytes, rows[i].count);
        assert_int_equal(http2_field_bytes(bytes_make(block, rows[i].count)), rows[i].field);
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_ends_where_its_numbers_say),
        cmocka_unit_test(nothing_behind_a_block_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
