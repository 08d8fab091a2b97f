/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/skerry as a tree: what is in it, what is not, and the environment in pieces of any size.
 */
#include "hostapi/wasi/tree_device.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static const struct wasi_tree *const tree = &wasi_device_tree;

static enum wasi_errno open_at(uint64_t dir, const char *path, uint32_t oflags, uint64_t *ret_node)
{
    const struct wasi_place place = {.dir = dir, .path = bytes_of_text(path)};
    const struct wasi_open wanted = {.oflags = oflags, .reads = true};
    enum wasi_filetype type;
    return tree->open(fixture.host, &place, &wanted, ret_node, &type);
}

static void paths_lead_to_its_files_and_never_out(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint32_t oflags;
        enum wasi_errno error;
    } rows[] = {
        {"checkpoint", 0, WASI_SUCCESS},
        {"./environ", 0, WASI_SUCCESS},
        {"stdin", 0, WASI_SUCCESS},
        {"exit", 0, WASI_SUCCESS},
        {".", WASI_OFLAG_DIRECTORY, WASI_SUCCESS},
        {"checkpoint", WASI_OFLAG_DIRECTORY, WASI_NOTDIR},
        {"checkpoint/..", 0, WASI_NOTDIR},
        {"checkpoint/.", 0, WASI_NOTDIR},
        {"..", 0, WASI_NOTCAPABLE},
        {"environment", 0, WASI_NOENT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t node;
        assert_int_equal(open_at(0, rows[i].path, rows[i].oflags, &node), rows[i].error);
    }
}

static bool count_entry(void *context, const struct wasi_entry *entry)
{
    uint32_t *left = context;
    struct wasi_stat stat;
    struct wasi_stat again;
    const struct wasi_place place = {.path = entry->name};
    assert_int_equal(tree->stat_at(fixture.host, &place, true, &stat), WASI_SUCCESS);
    assert_int_equal(tree->stat(fixture.host, entry->next - 1, &again), WASI_SUCCESS);
    assert_int_equal(stat.type, entry->type);
    assert_int_equal(stat.ino, entry->ino);
    assert_int_equal(again.ino, entry->ino);
    return --*left > 0;
}

static void a_list_goes_on_from_any_cookie(void **state)
{
    (void)state;
    for (uint64_t cookie = 0; cookie < 6; cookie++) {
        uint32_t left = 6;
        assert_int_equal(tree->list(fixture.host, 0, cookie, count_entry, &left), WASI_SUCCESS);
        assert_int_equal(left, 6 - (5 - cookie));
    }
    uint32_t left = 1;
    assert_int_equal(tree->list(fixture.host, 0, 0, count_entry, &left), WASI_SUCCESS);
    assert_int_equal(left, 0);
    assert_int_equal(tree->list(fixture.host, 1, 0, count_entry, &left), WASI_NOTDIR);
}

static size_t read_in(uint64_t node, size_t piece, uint8_t *space, size_t room)
{
    size_t used = 0;
    size_t got;
    do {
        size_t count = MIN(piece, room - used);
        assert_int_equal(tree->read(fixture.host, node, used, space + used, count, &got),
                         WASI_SUCCESS);
        assert_true(got <= count);
        used += got;
    } while (got > 0);
    return used;
}

static void the_environment_is_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    uint64_t node;
    uint8_t whole[4096];
    uint8_t pieces[4096];
    assert_int_equal(open_at(0, "environ", 0, &node), WASI_SUCCESS);
    size_t count = read_in(node, sizeof(whole), whole, sizeof(whole));
    assert_true(count > 100 && count < sizeof(whole));
    assert_non_null(memmem(whole, count, "REQUEST_METHOD=GET\0", 19));
    assert_int_equal(whole[count - 1], '\0');
    for (size_t piece = 1; piece < 70; piece += 3) {
        assert_int_equal(read_in(node, piece, pieces, sizeof(pieces)), count);
        assert_memory_equal(pieces, whole, count);
    }
}

static void the_body_is_read_in_its_order_only(void **state)
{
    (void)state;
    uint64_t node;
    uint8_t byte;
    size_t count;
    assert_int_equal(open_at(0, "stdin", 0, &node), WASI_SUCCESS);
    assert_int_equal(tree->read(fixture.host, node, 0, &byte, 1, &count), WASI_SPIPE);
}

static void the_other_says_whether_the_request_went_on(void **state)
{
    (void)state;
    uint8_t text[8];
    for (int went_on = 0; went_on < 2; went_on++) {
        fixture.host->request.went_on = went_on;
        assert_int_equal(read_in(1, 1, text, sizeof(text)), 2);
        assert_memory_equal(text, went_on ? "1\n" : "0\n", 2);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths_lead_to_its_files_and_never_out, calls_setup,
                                        calls_teardown),
        cmocka_unit_test_setup_teardown(a_list_goes_on_from_any_cookie, calls_setup,
                                        calls_teardown),
        cmocka_unit_test_setup_teardown(the_environment_is_the_same_in_pieces_of_any_size,
                                        calls_setup, calls_teardown),
        cmocka_unit_test_setup_teardown(the_body_is_read_in_its_order_only, calls_setup,
                                        calls_teardown),
        cmocka_unit_test_setup_teardown(the_other_says_whether_the_request_went_on, calls_setup,
                                        calls_teardown),
    };
    return cmocka_run_group_tests_name("hostapi/wasi/tree_device", tests, NULL, NULL);
}
