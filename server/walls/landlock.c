/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ruleset is made of all rights that this kernel's landlock knows of, so that all are forbidden,
 * and then a rule for each place that has some.
 */
#include "server/walls/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/macros.h"

#define LANDLOCK_VERSION_FLAG 1u
#define LANDLOCK_PATH_BENEATH 1

/* RIGHT(name, bit, since): of files and folders, and the version that brought it. */
#define LANDLOCK_RIGHTS(RIGHT)                                                                     \
    RIGHT(EXECUTE, 0, 1)                                                                           \
    RIGHT(WRITE_FILE, 1, 1)                                                                        \
    RIGHT(READ_FILE, 2, 1)                                                                         \
    RIGHT(READ_DIR, 3, 1)                                                                          \
    RIGHT(REMOVE_DIR, 4, 1)                                                                        \
    RIGHT(REMOVE_FILE, 5, 1)                                                                       \
    RIGHT(MAKE_CHAR, 6, 1)                                                                         \
    RIGHT(MAKE_DIR, 7, 1)                                                                          \
    RIGHT(MAKE_REG, 8, 1)                                                                          \
    RIGHT(MAKE_SOCK, 9, 1)                                                                         \
    RIGHT(MAKE_FIFO, 10, 1)                                                                        \
    RIGHT(MAKE_BLOCK, 11, 1)                                                                       \
    RIGHT(MAKE_SYM, 12, 1)                                                                         \
    RIGHT(REFER, 13, 2)                                                                            \
    RIGHT(TRUNCATE, 14, 3)                                                                         \
    RIGHT(IOCTL_DEV, 15, 5)

enum landlock_right {
#define RIGHT(name, bit, since) LANDLOCK_##name = 1 << (bit),
    LANDLOCK_RIGHTS(RIGHT)
#undef RIGHT
};

#define LANDLOCK_OF_FILES                                                                          \
    (LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE |             \
     LANDLOCK_IOCTL_DEV)
#define LANDLOCK_READS (LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)
#define LANDLOCK_WRITES                                                                            \
    (LANDLOCK_WRITE_FILE | LANDLOCK_REMOVE_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_MAKE_DIR |        \
     LANDLOCK_MAKE_REG | LANDLOCK_MAKE_SOCK | LANDLOCK_REFER | LANDLOCK_TRUNCATE)

#define LANDLOCK_TCP_SINCE   4
#define LANDLOCK_TCP_BIND    UINT64_C(1)
#define LANDLOCK_TCP_CONNECT UINT64_C(2)
#define LANDLOCK_SCOPE_SINCE 6
#define LANDLOCK_SCOPE_ALL   UINT64_C(3) /* abstract sockets, signals */

struct landlock_ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

struct landlock_beneath {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

uint32_t landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
    return version > 0 ? (uint32_t)version : 0;
}

static uint64_t landlock_known(uint32_t version)
{
    uint64_t known = 0;
#define RIGHT(name, bit, since) known |= (since) <= version ? LANDLOCK_##name : 0;
    LANDLOCK_RIGHTS(RIGHT)
#undef RIGHT
    return known;
}

/* What is not there cannot be opened anyway. */
static bool landlock_add(int ruleset, const char *path, uint64_t rights)
{
    AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat facts;
    if (fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
    if (fstat(fd, &facts) != 0)
        return false;
    const struct landlock_beneath beneath = {
        .rights = S_ISDIR(facts.st_mode) ? rights : rights & LANDLOCK_OF_FILES, .fd = fd};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &beneath, 0) == 0;
}

static bool landlock_fill(int ruleset, const struct landlock_order *order, uint64_t known)
{
    bool filled = true;
    for (uint32_t i = 0; filled && i < order->place_count; i++) {
        const struct landlock_place *place = &order->places[i];
        uint64_t rights = LANDLOCK_READS | (place->writes ? LANDLOCK_WRITES : 0);
        filled = landlock_add(ruleset, place->path, rights & known);
    }
    return filled;
}

enum status landlock_raise(const struct landlock_order *order, struct report *report)
{
    uint32_t version = landlock_version();
    if (version == 0)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "this kernel has no landlock (5.13 and later, with `landlock` in lsm=)");
    struct landlock_ruleset rules = {.files = landlock_known(version)};
    if (version >= LANDLOCK_TCP_SINCE)
        rules.network = LANDLOCK_TCP_BIND | (order->connects ? 0 : LANDLOCK_TCP_CONNECT);
    if (version >= LANDLOCK_SCOPE_SINCE)
        rules.scoped = LANDLOCK_SCOPE_ALL;
    AUTO_CLOSE int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (ruleset < 0 || !landlock_fill(ruleset, order, rules.files) ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return report_errno(report, "landlock cannot be put up");
    return STATUS_OK;
}
