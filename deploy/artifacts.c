/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, birth and death of artifact files; and a worker's two questions about them.
 */
#include "deploy/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine.h"

#define ARTIFACTS_SUFFIX      ".art"
#define ARTIFACTS_TEMP_SUFFIX ".tmp"

_Static_assert(ARTIFACTS_NAME_BYTES > 2 * DEPLOY_SHA256_BYTES + 1 + 2 * ENGINE_BUILD_ID_BYTES + 5,
               "an artifact's name fits");

void artifacts_name(const uint8_t key[DEPLOY_SHA256_BYTES], char ret_name[ARTIFACTS_NAME_BYTES])
{
    char *at = ret_name;
    digest_hex(key, DEPLOY_SHA256_BYTES, at);
    at += 2 * DEPLOY_SHA256_BYTES;
    *at++ = '-';
    digest_hex(engine_build_id(), ENGINE_BUILD_ID_BYTES, at);
    at += 2 * ENGINE_BUILD_ID_BYTES;
    memcpy(at, ARTIFACTS_SUFFIX, sizeof(ARTIFACTS_SUFFIX));
}

enum status artifacts_create_temp(int dir_fd,
                                  uint64_t serial,
                                  struct report *report,
                                  char ret_name[ARTIFACTS_NAME_BYTES],
                                  int *ret_fd)
{
    char name[ARTIFACTS_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%" PRIu64 ARTIFACTS_TEMP_SUFFIX, serial);
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return report_errno(report, "cannot make the artifact file %s", name);
    memcpy(ret_name, name, sizeof(name));
    *ret_fd = fd;
    return STATUS_OK;
}

void artifacts_remove_temp(int dir_fd, const char *name)
{
    /* Left over ones are swept at the next start. */
    (void)unlinkat(dir_fd, name, 0);
}

enum status artifacts_publish(int dir_fd,
                              const char *temp_name,
                              const uint8_t key[DEPLOY_SHA256_BYTES],
                              struct report *report)
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(key, name);
    if (renameat(dir_fd, temp_name, dir_fd, name) != 0 || fsync(dir_fd) != 0)
        return report_errno(report, "cannot name the artifact %s", name);
    return STATUS_OK;
}

void artifacts_remove(int dir_fd, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char name[ARTIFACTS_NAME_BYTES];
    artifacts_name(key, name);
    (void)unlinkat(dir_fd, name, 0);
}

bool artifacts_is_fresh(int dir_fd,
                        const uint8_t key[DEPLOY_SHA256_BYTES],
                        uint64_t now_ns,
                        uint64_t age_ns)
{
    char name[ARTIFACTS_NAME_BYTES];
    struct stat facts;
    artifacts_name(key, name);
    if (fstatat(dir_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    uint64_t made_ns =
        (uint64_t)facts.st_mtim.tv_sec * 1000000000ULL + (uint64_t)facts.st_mtim.tv_nsec;
    return now_ns >= made_ns ? now_ns - made_ns < age_ns : false;
}

static bool artifacts_is_kept(const char *name,
                              bool (*keep)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]),
                              void *context)
{
    uint8_t key[DEPLOY_SHA256_BYTES];
    char expected[ARTIFACTS_NAME_BYTES];
    if (strlen(name) < 2 * sizeof(key) || !digest_parse_hex(name, sizeof(key), key))
        return false;
    artifacts_name(key, expected);
    return strcmp(name, expected) == 0 && keep(context, key);
}

enum status artifacts_sweep(int dir_fd,
                            bool (*keep)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]),
                            void *context,
                            struct report *report)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        enum status status = report_errno(report, "cannot list the artifacts");
        base_auto_close(&fd);
        return status;
    }
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(stream)) != NULL;) {
        if (entry->d_name[0] == '.' || artifacts_is_kept(entry->d_name, keep, context))
            continue;
        if (unlinkat(dir_fd, entry->d_name, 0) != 0 && errno != ENOENT)
            status = report_errno(report, "cannot remove the artifact %.128s", entry->d_name);
    }
    (void)closedir(stream);
    return status;
}

int deploy_artifact_open(const char *data_dir, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char name[ARTIFACTS_NAME_BYTES];
    char path[CONFIG_PATH_BYTES + ARTIFACTS_NAME_BYTES + 16];
    artifacts_name(key, name);
    (void)snprintf(path, sizeof(path), "%s/artifacts/%s", data_dir, name);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void deploy_artifact_request(const char *data_dir, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int count =
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/" ARTIFACTS_BUILD_SOCK, data_dir);
    if (count < 0 || (size_t)count >= sizeof(address.sun_path))
        return;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    /* A request that gets lost is sent again by the next visitor of the function. */
    (void)sendto(fd, key, DEPLOY_SHA256_BYTES, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 sizeof(address));
}
