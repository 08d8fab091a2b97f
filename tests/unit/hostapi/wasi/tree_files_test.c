/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a version: folders that are only what names begin with, and numbers that are none.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostapi/wasi/tree_files.h"
#include "tests/support/unit.h"

static const uint8_t no_hash[32];
static uint32_t opened;

#define ROW(text, bytes)                                                                           \
    {                                                                                              \
        .name = {(const uint8_t *)(text), sizeof(text) - 1}, .sha256 = no_hash, .size = (bytes)    \
    }
static const struct hostapi_file rows[] = {
    ROW("a", 5),     ROW("b/c-d/x", 0), ROW("b/c/d/e", 3), ROW("b/c/d/f", 3),
    ROW("b/c/g", 3), ROW("b/c0", 7),    ROW("z", 1),
};

/* A file of memory with the file's name in it. */
static int open_row(void *context, const struct hostapi_file *file)
{
    (void)context;
    opened++;
    if (file->size == 7)
        return -ENOENT;
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_int_equal(write(fd, file->name.data, file->name.count), file->name.count);
    return fd;
}

static const struct hostapi_files files = {.rows = rows, .count = COUNT_OF(rows), .open = open_row};
static struct wasi_file_tree tree;

static int setup(void **state)
{
    (void)state;
    tree = (struct wasi_file_tree){.files = &files};
    opened = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wasi_files_tree.done(&tree);
    return 0;
}

static enum wasi_errno open_at(uint64_t dir, const char *path, uint64_t *ret_node)
{
    const struct wasi_place place = {.dir = dir, .path = bytes_of_text(path)};
    const struct wasi_open wanted = {.reads = true};
    enum wasi_filetype type;
    return wasi_files_tree.open(&tree, &place, &wanted, ret_node, &type);
}

static void paths_lead_to_files_and_folders(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum wasi_errno error;
        uint64_t size;
    } cases[] = {
        {"a", WASI_SUCCESS, 5},
        {"./b/../a", WASI_SUCCESS, 5},
        {"b/c/d/e", WASI_SUCCESS, 3},
        {"b/c0", WASI_SUCCESS, 7},
        {"b/c/", WASI_SUCCESS, 0},
        {"b//c/./d/../../c-d/x", WASI_SUCCESS, 0},
        {".", WASI_SUCCESS, 0},
        {"b/..", WASI_SUCCESS, 0},
        {"b/c1", WASI_NOENT, 0},
        {"b/x/../c", WASI_NOENT, 0},
        {"a/", WASI_NOTDIR, 0},
        {"a/b", WASI_NOTDIR, 0},
        {"a/..", WASI_NOTDIR, 0},
        {"..", WASI_NOTCAPABLE, 0},
        {"b/../../a", WASI_NOTCAPABLE, 0},
        {"c", WASI_NOENT, 0},
        {"zz", WASI_NOENT, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wasi_stat stat = {0};
        const struct wasi_place place = {.path = bytes_of_text(cases[i].path)};
        enum wasi_errno error = wasi_files_tree.stat_at(&tree, &place, true, &stat);
        if (error != cases[i].error || stat.size != cases[i].size)
            fail_msg("%s: %d", cases[i].path, (int)error);
    }
    uint64_t dir;
    uint64_t node;
    assert_int_equal(open_at(0, "b/c", &dir), WASI_SUCCESS);
    assert_int_equal(open_at(dir, "d/f", &node), WASI_SUCCESS);
    assert_int_equal(open_at(dir, "../../a", &node), WASI_SUCCESS);
    assert_int_equal(open_at(dir, "../../../a", &node), WASI_NOTCAPABLE);
    assert_int_equal(open_at(node, "x", &node), WASI_NOTDIR);
}

struct listing {
    char text[256];
    uint32_t left; /* entries until it stops */
    uint64_t next;
};

static bool list_one(void *context, const struct wasi_entry *entry)
{
    struct listing *listing = context;
    size_t used = strlen(listing->text);
    (void)snprintf(listing->text + used, sizeof(listing->text) - used, "%.*s%s ",
                   (int)entry->name.count, (const char *)entry->name.data,
                   entry->type == WASI_FILETYPE_DIRECTORY ? "/" : "");
    listing->next = entry->next;
    return --listing->left > 0;
}

static void a_folder_lists_each_name_once_in_pieces_too(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *names;
    } cases[] = {
        {".", "./ ../ a b/ z "},
        {"b", "./ ../ c-d/ c/ c0 "},
        {"b/c", "./ ../ d/ g "},
        {"b/c/d", "./ ../ e f "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t node;
        struct listing whole = {.left = 100};
        struct listing pieces = {.left = 1};
        assert_int_equal(open_at(0, cases[i].path, &node), WASI_SUCCESS);
        assert_int_equal(wasi_files_tree.list(&tree, node, 0, list_one, &whole), WASI_SUCCESS);
        assert_string_equal(whole.text, cases[i].names);
        for (uint64_t before = UINT64_MAX; before != pieces.next; pieces.left = 1) {
            before = pieces.next;
            assert_int_equal(wasi_files_tree.list(&tree, node, before, list_one, &pieces),
                             WASI_SUCCESS);
        }
        assert_string_equal(pieces.text, cases[i].names);
    }
}

static void cookies_and_numbers_of_elsewhere_are_no_harm(void **state)
{
    (void)state;
    static const uint64_t odd[] = {7 + 1,
                                   99,
                                   UINT64_MAX,
                                   (UINT64_C(1) << 63) | 99 << 16,
                                   (UINT64_C(1) << 63) | 5000,
                                   UINT64_C(1) << 62};
    struct wasi_stat stat;
    uint8_t byte;
    size_t count;
    uint64_t node;
    assert_int_equal(open_at(0, "b/c", &node), WASI_SUCCESS);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct listing listing = {.left = 100};
        assert_int_equal(wasi_files_tree.stat(&tree, odd[i], &stat), WASI_BADF);
        assert_int_equal(wasi_files_tree.read(&tree, odd[i], 0, &byte, 1, &count), WASI_BADF);
        assert_int_equal(wasi_files_tree.list(&tree, odd[i], 0, list_one, &listing), WASI_NOTDIR);
        assert_int_equal(wasi_files_tree.list(&tree, node, odd[i], list_one, &listing),
                         WASI_SUCCESS);
        assert_string_equal(listing.text, "");
    }
}

static void a_file_is_opened_when_it_is_read_and_kept_until_another_is(void **state)
{
    (void)state;
    uint8_t space[8];
    size_t count;
    uint64_t a;
    uint64_t e;
    uint64_t gone;
    assert_int_equal(open_at(0, "a", &a), WASI_SUCCESS);
    assert_int_equal(open_at(0, "b/c/d/e", &e), WASI_SUCCESS);
    assert_int_equal(open_at(0, "b/c0", &gone), WASI_SUCCESS);
    assert_int_equal(opened, 0);
    assert_int_equal(wasi_files_tree.read(&tree, e, 1, space, 8, &count), WASI_SUCCESS);
    assert_int_equal(count, 2); /* no more than the list says */
    assert_memory_equal(space, "/c", 2);
    assert_int_equal(wasi_files_tree.read(&tree, e, 3, space, 8, &count), WASI_SUCCESS);
    assert_int_equal(count, 0);
    assert_int_equal(opened, 1);
    assert_int_equal(wasi_files_tree.read(&tree, a, 0, space, 8, &count), WASI_SUCCESS);
    assert_int_equal(count, 1); /* the system's file is shorter */
    assert_int_equal(opened, 2);
    assert_int_equal(wasi_files_tree.read(&tree, gone, 0, space, 8, &count), WASI_NOENT);
    assert_int_equal(wasi_files_tree.read(&tree, e, UINT64_MAX, space, 8, &count), WASI_SUCCESS);
    assert_int_equal(count, 0);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(paths_lead_to_files_and_folders),
        TEST(a_folder_lists_each_name_once_in_pieces_too),
        TEST(cookies_and_numbers_of_elsewhere_are_no_harm),
        TEST(a_file_is_opened_when_it_is_read_and_kept_until_another_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
