/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a child: what it can still open, make and reach.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/macros.h"
#include "server/walls/landlock.h"
#include "tests/support/unit.h"

struct yard {
    char dir[64];
    char open[96];   /* a folder that is read */
    char closed[96]; /* one that is not */
    char kept[96];   /* one that is written to */
};

static void yard_make(const char *path)
{
    char file[128];
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(file, sizeof(file), "%s/file", path);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static void yard_init(struct yard *yard)
{
    (void)snprintf(yard->dir, sizeof(yard->dir), "/tmp/skerry-walls-XXXXXX");
    assert_non_null(mkdtemp(yard->dir));
    (void)snprintf(yard->open, sizeof(yard->open), "%s/open", yard->dir);
    (void)snprintf(yard->closed, sizeof(yard->closed), "%s/closed", yard->dir);
    (void)snprintf(yard->kept, sizeof(yard->kept), "%s/kept", yard->dir);
    yard_make(yard->open);
    yard_make(yard->closed);
    yard_make(yard->kept);
}

static void yard_remove(const char *path)
{
    char file[128];
    (void)snprintf(file, sizeof(file), "%s/file", path);
    (void)unlink(file);
    (void)snprintf(file, sizeof(file), "%s/new", path);
    (void)unlink(file);
    assert_int_equal(rmdir(path), 0);
}

static void yard_done(const struct yard *yard)
{
    yard_remove(yard->open);
    yard_remove(yard->closed);
    yard_remove(yard->kept);
    assert_int_equal(rmdir(yard->dir), 0);
}

/* Can it be opened so? */
static bool opens(const char *folder, const char *name, int flags)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* In a child: the number of the first thing that is not as it should be; 0: none. */
static int look_around(const struct yard *yard)
{
    struct report report = REPORT_INIT;
    const struct landlock_place places[] = {
        {.path = yard->open}, {.path = yard->kept, .writes = true}, {.path = "/nowhere/at/all"}};
    const struct landlock_order order = {.places = places, .place_count = COUNT_OF(places)};
    if (landlock_raise(&order, &report) != STATUS_OK)
        return 1;
    if (!opens(yard->open, "file", O_RDONLY) || opens(yard->open, "file", O_RDWR) ||
        opens(yard->open, "new", O_WRONLY | O_CREAT))
        return 2;
    if (opens(yard->closed, "file", O_RDONLY) || opens(yard->closed, "", O_RDONLY))
        return 3;
    if (!opens(yard->kept, "file", O_RDWR) || !opens(yard->kept, "new", O_WRONLY | O_CREAT))
        return 4;
    if (opens("/etc", "passwd", O_RDONLY) || opens("/proc/self", "maps", O_RDONLY))
        return 5;
    return 0;
}

static void nothing_but_the_places_can_be_opened(void **state)
{
    (void)state;
    struct yard yard;
    int wait_status;
    if (landlock_version() == 0)
        skip();
    yard_init(&yard);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_around(&yard));
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_int_equal(wait_status, 0);
    yard_done(&yard);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_the_places_can_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
