/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared mapping of one page. The page is written out when it is made, so that a full
 * disk is an error at start and never a SIGBUS later.
 */
#include "deploy/generation.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GENERATION_PAGE_BYTES 4096

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share the number without a lock");

static bool generation_fill(int fd)
{
    static const uint8_t zero[GENERATION_PAGE_BYTES];
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return false;
    if (facts.st_size == GENERATION_PAGE_BYTES)
        return true;
    return ftruncate(fd, 0) == 0 && pwrite(fd, zero, sizeof(zero), 0) == (ssize_t)sizeof(zero) &&
           fsync(fd) == 0;
}

static enum status generation_map(const char *data_dir,
                                  bool control,
                                  struct report *report,
                                  struct generation *ret_generation)
{
    char path[CONFIG_PATH_BYTES + 16];
    (void)snprintf(path, sizeof(path), "%s/generation", data_dir);
    int flags = control ? O_RDWR | O_CREAT : O_RDONLY;
    AUTO_CLOSE int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return report_errno(report, "cannot open %s", path);
    if (control && !generation_fill(fd))
        return report_errno(report, "cannot write %s", path);
    int access = control ? PROT_READ | PROT_WRITE : PROT_READ;
    void *page = mmap(NULL, GENERATION_PAGE_BYTES, access, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return report_errno(report, "cannot map %s", path);
    ret_generation->number = page;
    return STATUS_OK;
}

enum status
generation_create(const char *data_dir, struct report *report, struct generation *ret_generation)
{
    return generation_map(data_dir, true, report, ret_generation);
}

enum status
generation_open(const char *data_dir, struct report *report, struct generation *ret_generation)
{
    return generation_map(data_dir, false, report, ret_generation);
}

void generation_close(struct generation *generation)
{
    if (generation->number != NULL)
        (void)munmap((void *)(uintptr_t)generation->number, GENERATION_PAGE_BYTES);
    generation->number = NULL;
}

void generation_increase(struct generation *generation)
{
    (void)atomic_fetch_add_explicit(generation->number, 1, memory_order_release);
}

uint64_t generation_read(const struct generation *generation)
{
    return atomic_load_explicit(generation->number, memory_order_acquire);
}
