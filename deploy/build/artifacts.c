/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, birth and death of artifact files; and a worker's two questions about them.
 */
#include "deploy/build/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/hex.h"
#include "engine/engine.h"

#define ARTIFACTS_SUFFIX      ".art"
#define ARTIFACTS_TEMP_SUFFIX ".tmp"
/* Seals are even seconds from 1980 to 1997: every file system can keep them, no clock shows them.
 */
#define ARTIFACTS_SEAL_FIRST 315619200
#define ARTIFACTS_SEAL_BITS  28

_Static_assert(ARTIFACTS_NAME_BYTES > 2 * DEPLOY_SHA256_BYTES + 1 + 2 * ENGINE_BUILD_ID_BYTES + 5,
               "an artifact's name fits");

void artifacts_name(const uint8_t key[DEPLOY_SHA256_BYTES], char ret_name[ARTIFACTS_NAME_BYTES])
{
    char *at = ret_name;
    hex_encode(key, DEPLOY_SHA256_BYTES, at);
    at += 2 * DEPLOY_SHA256_BYTES;
    *at++ = '-';
    hex_encode(engine_build_id(), ENGINE_BUILD_ID_BYTES, at);
    at += 2 * ENGINE_BUILD_ID_BYTES;
    memcpy(at, ARTIFACTS_SUFFIX, sizeof(ARTIFACTS_SUFFIX));
}

/* ---- birth and death ------------------------------------------------------------------------- */

enum status artifacts_create_temp(int dir_fd,
                                  uint64_t run,
                                  uint64_t serial,
                                  struct report *report,
                                  char ret_name[ARTIFACTS_NAME_BYTES],
                                  int *ret_fd)
{
    char name[ARTIFACTS_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%016" PRIx64 "-%" PRIu64 ARTIFACTS_TEMP_SUFFIX, run,
                   serial);
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return report_errno(report, "cannot make the artifact file %s", name);
    memcpy(ret_name, name, sizeof(name));
    *ret_fd = fd;
    return STATUS_OK;
}

void artifacts_remove_temp(int dir_fd, const char *name)
{
    /* Left over ones are litter to the next run. */
    (void)unlinkat(dir_fd, name, 0);
}

static time_t artifacts_seal(const uint8_t key[DEPLOY_SHA256_BYTES])
{
    uint32_t of_key;
    uint32_t of_build;
    memcpy(&of_key, key, sizeof(of_key));
    memcpy(&of_build, engine_build_id(), sizeof(of_build));
    uint32_t bits = (of_key ^ of_build) & ((1u << ARTIFACTS_SEAL_BITS) - 1);
    return (time_t)ARTIFACTS_SEAL_FIRST + 2 * (time_t)bits;
}

static bool artifacts_is_sealed(const struct stat *facts, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    return S_ISREG(facts->st_mode) && facts->st_mtim.tv_sec == artifacts_seal(key) &&
           facts->st_mtim.tv_nsec == 0;
}

static enum status artifacts_put_seal(int dir_fd,
                                      const char *name,
                                      const uint8_t key[DEPLOY_SHA256_BYTES],
                                      struct report *report)
{
    struct stat facts;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = artifacts_seal(key)}};
    if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0 ||
        fstatat(dir_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return report_errno(report, "cannot seal the artifact %s", name);
    if (!artifacts_is_sealed(&facts, key))
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "the data directory's file system does not keep times of "
                           "modification: choose another with --data");
    return STATUS_OK;
}

enum status artifacts_publish(int dir_fd,
                              const char *temp_name,
                              const uint8_t key[DEPLOY_SHA256_BYTES],
                              struct report *report)
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(key, name);
    enum status status = artifacts_put_seal(dir_fd, temp_name, key, report);
    if (status != STATUS_OK)
        return status;
    int failed = renameat(dir_fd, temp_name, dir_fd, name);
    /* A file cannot take a folder's place. */
    if (failed != 0 && errno == EISDIR && unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
        failed = renameat(dir_fd, temp_name, dir_fd, name);
    if (failed != 0 || fsync(dir_fd) != 0)
        return report_errno(report, "cannot name the artifact %s", name);
    return STATUS_OK;
}

void artifacts_remove(int dir_fd, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(key, name);
    (void)unlinkat(dir_fd, name, 0);
}

/* ---- what is there --------------------------------------------------------------------------- */

enum artifacts_sort
artifacts_sort_name(const char *name, uint64_t run, uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    char expected[ARTIFACTS_NAME_BYTES];
    char prefix[24];
    (void)snprintf(prefix, sizeof(prefix), "%016" PRIx64 "-", run);
    if (strncmp(name, prefix, strlen(prefix)) == 0)
        return ARTIFACTS_TEMPORARY;
    if (strlen(name) < 2 * DEPLOY_SHA256_BYTES || !hex_decode(name, DEPLOY_SHA256_BYTES, ret_key))
        return ARTIFACTS_LITTER;
    artifacts_name(ret_key, expected);
    return strcmp(name, expected) == 0 ? ARTIFACTS_ARTIFACT : ARTIFACTS_LITTER;
}

static enum status artifacts_cannot_open(struct report *report)
{
    if (errno == ENOENT || errno == ENOMEM || errno == EMFILE || errno == ENFILE)
        return report_errno(report, "cannot open the artifact");
    char reason[128];
    return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the artifact cannot be opened: %s",
                       strerror_r(errno, reason, sizeof(reason)));
}

enum status artifacts_open(int dir_fd,
                           const char *path,
                           const uint8_t key[DEPLOY_SHA256_BYTES],
                           struct report *report,
                           int *ret_fd)
{
    struct stat facts;
    /* Not to wait for the other end of a FIFO. */
    AUTO_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return artifacts_cannot_open(report);
    if (fstat(fd, &facts) != 0)
        return report_errno(report, "cannot look at the artifact");
    if (!S_ISREG(facts.st_mode))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the artifact is not a regular file");
    if (!artifacts_is_sealed(&facts, key))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the artifact was changed after it was built, or is not this one's");
    *ret_fd = fd;
    fd = -1;
    return STATUS_OK;
}

bool artifacts_is_fresh(int dir_fd,
                        const uint8_t key[DEPLOY_SHA256_BYTES],
                        uint64_t now_ns,
                        uint64_t age_ns)
{
    char name[ARTIFACTS_NAME_BYTES];
    struct stat facts;
    artifacts_name(key, name);
    if (fstatat(dir_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
        !artifacts_is_sealed(&facts, key))
        return false;
    uint64_t made_ns =
        (uint64_t)facts.st_ctim.tv_sec * CLOCK_NS_PER_S + (uint64_t)facts.st_ctim.tv_nsec;
    return now_ns >= made_ns ? now_ns - made_ns < age_ns : false;
}

/* ---- a worker's side ------------------------------------------------------------------------- */

enum status deploy_artifact_open(const char *data_dir,
                                 const uint8_t key[DEPLOY_SHA256_BYTES],
                                 struct report *report,
                                 int *ret_fd)
{
    char name[ARTIFACTS_NAME_BYTES];
    char path[CONFIG_PATH_BYTES + ARTIFACTS_NAME_BYTES + 16];
    artifacts_name(key, name);
    (void)snprintf(path, sizeof(path), "%s/artifacts/%s", data_dir, name);
    return artifacts_open(AT_FDCWD, path, key, report, ret_fd);
}
