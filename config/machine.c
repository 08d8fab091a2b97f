/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine has for us: the memory of the smallest cgroup that this process is in, or the
 * machine's own if that is less. A limit on any cgroup between ours and the root binds.
 *
 *   /proc/self/cgroup   0::/a/b          /sys/fs/cgroup/a/b/memory.max                     (v2)
 *                       4:memory:/a/b    /sys/fs/cgroup/memory/a/b/memory.limit_in_bytes   (v1)
 *
 * In a container the path may be one of the host's, which is not there: its own root is then what
 * is looked at last.
 *
 * And descriptors, shared out so that neither many functions nor many clients take them all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#define MACHINE_PATH_BYTES  4096
#define MACHINE_PART        4 /* of the memory is left to everything else */
#define MACHINE_TENANT_PART 2 /* of a worker's may be one tenant's */

#define DESCRIPTORS_PART    4   /* of them is for artifacts, and for what is neither */
#define DESCRIPTORS_OTHER   512 /* the store, listeners, channels, connections that end; at most */
#define CONNECTIONS_MAX     100000

/* UINT64_MAX for "max", for what is not there, and for what is no number. */
static uint64_t machine_read(const char *path)
{
    char text[32];
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (count <= 0 || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    text[count] = '\0';
    return strtoull(text, NULL, 10);
}

/* The smallest limit from `path`, below `root`, upwards; changes `path`. */
static uint64_t machine_limit(const char *root, char *path, const char *file)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char name[MACHINE_PATH_BYTES + 64];
        (void)snprintf(name, sizeof(name), "%s%s/%s", root, path, file);
        uint64_t limit = machine_read(name);
        least = MIN(least, limit);
        char *last = strrchr(path, '/');
        if (last == NULL)
            return least;
        *last = '\0';
    }
}

/* Of a line of /proc/self/cgroup. */
static uint64_t machine_cgroup_bytes(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *path = strstr(line, ":/");
    if (path == NULL)
        return UINT64_MAX;
    path++;
    if (strncmp(line, "0::", 3) == 0)
        return machine_limit("/sys/fs/cgroup", path, "memory.max");
    if (strstr(line, ":memory:") != NULL)
        return machine_limit("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
    return UINT64_MAX;
}

static uint64_t machine_memory_bytes(void)
{
    uint64_t pages = (uint64_t)MAX(sysconf(_SC_PHYS_PAGES), 0);
    uint64_t least = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return least;
    char line[MACHINE_PATH_BYTES];
    while (fgets(line, sizeof(line), file) != NULL) {
        uint64_t limit = machine_cgroup_bytes(line);
        least = MIN(least, limit);
    }
    (void)fclose(file);
    return least;
}

uint64_t config_worker_memory_bytes(const struct config *config)
{
    if (config->limits.worker_memory != 0)
        return config->limits.worker_memory;
    uint64_t memory = machine_memory_bytes();
    return MAX((memory - memory / MACHINE_PART) / MAX(config->workers, 1U), UINT64_C(1));
}

uint64_t config_tenant_memory_bytes(const struct config *config)
{
    if (config->limits.tenant_memory != 0)
        return config->limits.tenant_memory;
    return MAX(config_worker_memory_bytes(config) / MACHINE_TENANT_PART, UINT64_C(1));
}

struct config_descriptors config_share_descriptors(const struct config *config, uint64_t limit)
{
    uint64_t functions = config->pool_total + config->limits.concurrency + config->limits.parked;
    uint64_t artifacts = MIN(limit / DESCRIPTORS_PART, functions);
    uint64_t other = MIN(limit / DESCRIPTORS_PART, (uint64_t)DESCRIPTORS_OTHER);
    return (struct config_descriptors){
        .artifacts = (uint32_t)artifacts,
        .connections = (uint32_t)MIN(limit - artifacts - other, (uint64_t)CONNECTIONS_MAX),
    };
}
