/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scratch space: files and folders in memory, of bounded size.
 */
#include <stdio.h>

#include "hostapi/wasi/tree_files.h"
#include "tests/support/unit.h"

#define SPACE 65536

static struct wasi_scratch scratch;
static uint64_t used_bytes; /* by others too */
static const struct wasi_tree *tree = &wasi_scratch_tree;

static int setup(void **state)
{
    (void)state;
    used_bytes = 5;
    scratch = (struct wasi_scratch){.bytes_max = SPACE, .born_ns = 7, .used_bytes = &used_bytes};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(used_bytes, 5 + scratch.bytes);
    tree->done(&scratch);
    assert_int_equal(scratch.bytes, 0);
    assert_int_equal(used_bytes, 5);
    return 0;
}

static struct wasi_place at(const char *path)
{
    return (struct wasi_place){.path = bytes_of_text(path)};
}

static enum wasi_errno open_as(const char *path, uint32_t oflags, uint64_t *ret_node)
{
    const struct wasi_place place = at(path);
    enum wasi_filetype type;
    const struct wasi_open wanted = {
        .oflags = oflags, .reads = true, .writes = (oflags & WASI_OFLAG_DIRECTORY) == 0};
    return tree->open(&scratch, &place, &wanted, ret_node, &type);
}

static enum wasi_errno write_at(uint64_t node, uint64_t offset, const char *text)
{
    size_t count;
    return tree->write(&scratch, node, false, &offset, bytes_of_text(text), &count);
}

static void assert_reads(uint64_t node, uint64_t offset, const char *text)
{
    uint8_t space[64];
    size_t count;
    assert_int_equal(tree->read(&scratch, node, offset, space, sizeof(space), &count),
                     WASI_SUCCESS);
    assert_int_equal(count, strlen(text));
    assert_memory_equal(space, text, count);
}

static enum wasi_errno one(enum wasi_errno (*call)(void *, const struct wasi_place *),
                           const char *path)
{
    const struct wasi_place place = at(path);
    return call(&scratch, &place);
}

static enum wasi_errno rename_to(const char *from, const char *to)
{
    const struct wasi_place a = at(from);
    const struct wasi_place b = at(to);
    return tree->rename(&scratch, &a, &b);
}

static enum wasi_errno look(const char *path)
{
    struct wasi_stat stat;
    const struct wasi_place place = at(path);
    return tree->stat_at(&scratch, &place, true, &stat);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint64_t node;
    struct wasi_stat stat;
    assert_int_equal(open_as("x", 0, &node), WASI_NOENT);
    assert_int_equal(open_as("x", WASI_OFLAG_CREAT, &node), WASI_SUCCESS);
    assert_int_equal(write_at(node, 3, "abc"), WASI_SUCCESS);
    assert_int_equal(tree->stat(&scratch, node, &stat), WASI_SUCCESS);
    assert_int_equal(stat.size, 6);
    assert_int_equal(stat.mtim_ns, 7);
    uint8_t space[8] = {1, 1, 1};
    size_t count;
    assert_int_equal(tree->read(&scratch, node, 0, space, 8, &count), WASI_SUCCESS);
    assert_memory_equal(space, "\0\0\0abc", 6);
    assert_int_equal(tree->resize(&scratch, node, 4), WASI_SUCCESS);
    assert_int_equal(tree->resize(&scratch, node, 6), WASI_SUCCESS);
    assert_int_equal(tree->read(&scratch, node, 3, space, 8, &count), WASI_SUCCESS);
    assert_memory_equal(space, "a\0\0", 3);
    uint64_t offset = 0;
    assert_int_equal(tree->write(&scratch, node, true, &offset, bytes_of_text("!"), &count),
                     WASI_SUCCESS);
    assert_int_equal(offset, 6);
    assert_int_equal(open_as("x", WASI_OFLAG_CREAT | WASI_OFLAG_EXCL, &node), WASI_EXIST);
    assert_int_equal(open_as("x", WASI_OFLAG_TRUNC, &node), WASI_SUCCESS);
    assert_reads(node, 0, "");
}

static void folders_are_made_moved_and_removed(void **state)
{
    (void)state;
    uint64_t node;
    assert_int_equal(one(tree->make_directory, "a"), WASI_SUCCESS);
    assert_int_equal(one(tree->make_directory, "a"), WASI_EXIST);
    assert_int_equal(one(tree->make_directory, "a/b/"), WASI_SUCCESS);
    assert_int_equal(one(tree->make_directory, "n/b"), WASI_NOENT);
    assert_int_equal(one(tree->make_directory, ".."), WASI_NOTCAPABLE);
    assert_int_equal(one(tree->make_directory, "a/../.."), WASI_NOTCAPABLE);
    assert_int_equal(open_as("a/b/f", WASI_OFLAG_CREAT, &node), WASI_SUCCESS);
    assert_int_equal(open_as("a/b/f/", 0, &node), WASI_NOTDIR);
    assert_int_equal(open_as("a/b/g/", WASI_OFLAG_CREAT, &node), WASI_ISDIR);
    assert_int_equal(rename_to("a", "a/b/c"), WASI_INVAL);
    assert_int_equal(rename_to("a/b", "c"), WASI_SUCCESS);
    assert_int_equal(look("c/f"), WASI_SUCCESS);
    assert_int_equal(look("a/b"), WASI_NOENT);
    assert_int_equal(rename_to("c", "a"), WASI_SUCCESS);
    assert_int_equal(rename_to("a/f", "."), WASI_BUSY);
    assert_int_equal(rename_to("nothing", "x"), WASI_NOENT);
    assert_int_equal(one(tree->make_directory, "d"), WASI_SUCCESS);
    assert_int_equal(rename_to("a/f", "d"), WASI_ISDIR);
    assert_int_equal(rename_to("d", "a/f"), WASI_NOTDIR);
    assert_int_equal(rename_to("d", "a"), WASI_NOTEMPTY);
    assert_int_equal(rename_to("a", "a"), WASI_SUCCESS);
    assert_int_equal(rename_to("a/f", "a/f"), WASI_SUCCESS);
    assert_int_equal(one(tree->remove_directory, "a"), WASI_NOTEMPTY);
    assert_int_equal(one(tree->unlink, "a"), WASI_ISDIR);
    assert_int_equal(one(tree->remove_directory, "a/f"), WASI_NOTDIR);
    assert_int_equal(one(tree->unlink, "a/f"), WASI_SUCCESS);
    assert_int_equal(one(tree->remove_directory, "a"), WASI_SUCCESS);
    assert_int_equal(one(tree->remove_directory, "."), WASI_INVAL);
}

static void what_is_open_stays_until_it_is_closed(void **state)
{
    (void)state;
    uint64_t node;
    uint64_t other;
    assert_int_equal(open_as("x", WASI_OFLAG_CREAT, &node), WASI_SUCCESS);
    assert_int_equal(write_at(node, 0, "kept"), WASI_SUCCESS);
    assert_int_equal(one(tree->unlink, "x"), WASI_SUCCESS);
    assert_int_equal(look("x"), WASI_NOENT);
    assert_reads(node, 0, "kept");
    uint64_t bytes = scratch.bytes;
    assert_int_equal(open_as("x", WASI_OFLAG_CREAT, &other), WASI_SUCCESS);
    assert_int_not_equal(node, other);
    tree->close(&scratch, node);
    assert_true(scratch.bytes < bytes);
    assert_int_equal(look("x"), WASI_SUCCESS);
}

static void there_is_so_much_space(void **state)
{
    (void)state;
    char name[16];
    char text[4097];
    uint64_t node;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(open_as("big", WASI_OFLAG_CREAT, &node), WASI_SUCCESS);
    assert_int_equal(write_at(node, SPACE, "x"), WASI_NOSPC);
    assert_int_equal(write_at(node, UINT64_MAX / 2 - 1, "x"), WASI_NOSPC);
    assert_int_equal(tree->allocate(&scratch, node, 0, INT64_MAX), WASI_NOSPC);
    uint64_t at_offset = 0;
    while (write_at(node, at_offset, text) == WASI_SUCCESS)
        at_offset += sizeof(text) - 1;
    assert_in_range(at_offset, SPACE / 2, SPACE);
    assert_true(scratch.bytes <= SPACE);
    assert_int_equal(one(tree->unlink, "big"), WASI_SUCCESS);
    tree->close(&scratch, node);
    assert_int_equal(scratch.bytes, 0);
    enum wasi_errno error = WASI_SUCCESS;
    uint32_t made = 0;
    for (; error == WASI_SUCCESS; made++) {
        (void)snprintf(name, sizeof(name), "d%u", made);
        error = one(tree->make_directory, name);
    }
    assert_int_equal(error, WASI_NOSPC);
    assert_true(made > 100 && scratch.bytes <= SPACE);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(folders_are_made_moved_and_removed),
        TEST(what_is_open_stays_until_it_is_closed),
        TEST(there_is_so_much_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
