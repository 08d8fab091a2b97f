/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's directory as a tree, without openat2 too, and while somebody moves what is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/folder.h"

static struct wasi_place at(const char *path)
{
    return (struct wasi_place){.path = bytes_of_text(path)};
}

static void all_is_the_same_without_openat2(void **state)
{
    (void)state;
    struct wasi_real real = {.root_fd = folder.fd, .walks = true};
    const struct wasi_tree *tree = &wasi_real_tree;
    struct wasi_stat stat;
    struct wasi_place place = at("dir/up_up");
    struct wasi_place other = at("dir/new");
    assert_int_equal(tree->stat_at(&real, &place, true, &stat), WASI_NOTCAPABLE);
    assert_int_equal(tree->stat_at(&real, &place, false, &stat), WASI_SUCCESS);
    assert_int_equal(stat.type, WASI_FILETYPE_SYMBOLIC_LINK);
    place = at("dir/..");
    assert_int_equal(tree->make_directory(&real, &place), WASI_EXIST);
    assert_int_equal(tree->remove_directory(&real, &place), WASI_INVAL);
    place = at("..");
    assert_int_equal(tree->make_directory(&real, &place), WASI_NOTCAPABLE);
    place = at("file");
    assert_int_equal(tree->rename(&real, &place, &other), WASI_SUCCESS);
    assert_int_equal(tree->unlink(&real, &other), WASI_SUCCESS);
    assert_true(real.walks);
}

/* A child swaps a folder and a link that leads out, while the parent opens below that name. */
static void a_swap_leads_nobody_out(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(folder.fd, "swap", 0700), 0);
    int made = openat(folder.fd, "swap/outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(made >= 0);
    assert_int_equal(close(made), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 2000; i++)
            (void)renameat2(folder.fd, "swap", folder.fd, "up", RENAME_EXCHANGE);
        _exit(0);
    }
    struct stat inside;
    int status = 0;
    for (int i = 0; waitpid(child, &status, WNOHANG) == 0; i++) {
        struct wasi_real real = {.root_fd = folder.fd, .walks = i % 2 == 0};
        struct wasi_stat stat;
        const struct wasi_place place = at("swap/outside");
        enum wasi_errno error = wasi_real_tree.stat_at(&real, &place, true, &stat);
        if (error == WASI_SUCCESS)
            assert_int_equal(stat.size, 0); /* not the one outside */
        else
            assert_true(error == WASI_NOTCAPABLE || error == WASI_AGAIN || error == WASI_NOENT);
    }
    assert_int_equal(status, 0);
    assert_int_equal(fstatat(folder.fd, "file", &inside, 0), 0);
}

#define MANY 100000

/* What has been seen of a folder that is read in pieces. */
struct listing {
    uint64_t cookie;
    uint32_t piece; /* names of this one */
    uint32_t count;
    uint64_t sum; /* of the numbers in them */
};

static bool count_entry(void *context, const struct wasi_entry *entry)
{
    struct listing *listing = context;
    if (listing->piece == 1000)
        return false;
    if (entry->name.data[0] != '.')
        listing->sum += strtoul((const char *)entry->name.data, NULL, 10);
    listing->cookie = entry->next;
    listing->piece++;
    listing->count++;
    return true;
}

/* Where there is memory for files the folder is there: a disk would be at it for long. */
static void a_folder_of_a_hundred_thousand_names_is_listed_in_pieces(void **state)
{
    (void)state;
    struct listing listing = {.piece = 1};
    char path[sizeof(folder.path) + 16];
    char name[16];
    (void)snprintf(path, sizeof(path), "/dev/shm/skerry-many-XXXXXX");
    if (mkdtemp(path) == NULL)
        (void)snprintf(path, sizeof(path), "%s/root/dir", folder.path);
    struct wasi_real real = {.root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    assert_true(real.root_fd >= 0);
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(mknodat(real.root_fd, name, S_IFREG | 0600, 0), 0);
    }
    while (listing.piece > 0) {
        listing.piece = 0;
        assert_int_equal(wasi_real_tree.list(&real, 0, listing.cookie, count_entry, &listing),
                         WASI_SUCCESS);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(unlinkat(real.root_fd, name, 0), 0);
    }
    assert_int_equal(close(real.root_fd), 0);
    if (strncmp(path, "/dev/", 5) == 0)
        assert_int_equal(rmdir(path), 0);
    assert_true(listing.count >= MANY + 2);
    assert_int_equal(listing.sum, (uint64_t)MANY * (MANY - 1) / 2);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_is_the_same_without_openat2),
        TEST(a_swap_leads_nobody_out),
        TEST(a_folder_of_a_hundred_thousand_names_is_listed_in_pieces),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
