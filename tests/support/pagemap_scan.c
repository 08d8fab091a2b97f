/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAGEMAP_SCAN on /proc/self/pagemap, for private mappings.
 */
#include "tests/support/pagemap_scan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE_BYTES      4096
#define CATEGORY_FILE   (UINT64_C(1) << 2)
#define CATEGORY_THERE  (UINT64_C(1) << 3) /* PRESENT */
#define CATEGORY_SWAP   (UINT64_C(1) << 4) /* SWAPPED */
#define CATEGORY_ZERO   (UINT64_C(1) << 5) /* the shared zero page */
#define REGIONS_AT_ONCE 256

struct scan_region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct scan_argument {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end; /* out: where the scan stopped */
    uint64_t regions;
    uint64_t region_count;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};

#define SCAN_CALL _IOWR('f', 16, struct scan_argument)

bool pagemap_scan_written(const void *start, size_t bytes, uint8_t *ret_written)
{
    uint64_t base = (uint64_t)(uintptr_t)start;
    struct scan_region regions[REGIONS_AT_ONCE];
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    memset(ret_written, 0, bytes / PAGE_BYTES);
    for (uint64_t at = base; fd >= 0 && at < base + bytes;) {
        struct scan_argument argument = {
            .size = sizeof(argument),
            .start = at,
            .end = base + bytes,
            .regions = (uint64_t)(uintptr_t)regions,
            .region_count = REGIONS_AT_ONCE,
            .category_inverted = CATEGORY_FILE | CATEGORY_ZERO,
            .category_mask = CATEGORY_FILE | CATEGORY_ZERO,
            .category_anyof_mask = CATEGORY_THERE | CATEGORY_SWAP,
            .return_mask = CATEGORY_THERE | CATEGORY_SWAP,
        };
        int count = ioctl(fd, SCAN_CALL, &argument);
        if (count < 0) {
            (void)close(fd);
            return false;
        }
        for (int i = 0; i < count; i++)
            memset(ret_written + (regions[i].start - base) / PAGE_BYTES, 1,
                   (regions[i].end - regions[i].start) / PAGE_BYTES);
        at = argument.walk_end;
    }
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}
