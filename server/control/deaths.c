/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of the last deaths: with fewer places than deaths in a minute the oldest are forgotten,
 * which lets somebody off, and never accuses anybody.
 */
#include "server/control/deaths.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEATHS_REMEMBERED 256

struct deaths_one {
    uint64_t at_ns;
    struct vitals_key key; /* version 0: nobody's, or made good for */
};

struct deaths {
    const struct clock *clock;
    struct quarantine_page *page;
    int fd;
    uint32_t next;
    uint64_t quarantined;
    struct deaths_one ring[DEATHS_REMEMBERED];
};

enum status
deaths_create(const struct clock *clock, struct report *report, struct deaths **ret_deaths)
{
    struct deaths *deaths = calloc(1, sizeof(*deaths));
    if (deaths == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    deaths->clock = clock;
    void *page = MAP_FAILED;
    deaths->fd = memfd_create("skerry-quarantine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (deaths->fd >= 0 && ftruncate(deaths->fd, sizeof(*deaths->page)) == 0)
        page = mmap(NULL, sizeof(*deaths->page), PROT_READ | PROT_WRITE, MAP_SHARED, deaths->fd, 0);
    if (page != MAP_FAILED)
        deaths->page = page;
    /* Our mapping may write, no later one may. */
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    if (deaths->page == NULL || fcntl(deaths->fd, F_ADD_SEALS, seals) != 0) {
        enum status status = report_errno(report, "cannot make the page of quarantines");
        deaths_free(deaths);
        return status;
    }
    *ret_deaths = deaths;
    return STATUS_OK;
}

void deaths_free(struct deaths *deaths)
{
    if (deaths == NULL)
        return;
    if (deaths->page != NULL)
        (void)munmap(deaths->page, sizeof(*deaths->page));
    base_auto_close(&deaths->fd);
    free(deaths);
}

bool deaths_add(struct deaths *deaths, const struct vitals_key *key)
{
    uint64_t now_ns = clock_monotonic_ns(deaths->clock);
    deaths->ring[deaths->next] = (struct deaths_one){.at_ns = now_ns, .key = *key};
    deaths->next = (deaths->next + 1) % DEATHS_REMEMBERED;
    uint32_t count = 0;
    for (uint32_t i = 0; i < DEATHS_REMEMBERED; i++)
        count += vitals_key_equal(&deaths->ring[i].key, key) &&
                 now_ns - deaths->ring[i].at_ns <= DEATHS_WITHIN_NS;
    if (count < DEATHS_MAX)
        return false;
    /* Afterwards it begins anew. */
    for (uint32_t i = 0; i < DEATHS_REMEMBERED; i++) {
        if (vitals_key_equal(&deaths->ring[i].key, key))
            deaths->ring[i] = (struct deaths_one){0};
    }
    quarantine_put(deaths->page, key, now_ns + DEATHS_QUARANTINE_NS);
    deaths->quarantined++;
    return true;
}

int deaths_fd(const struct deaths *deaths)
{
    return deaths->fd;
}

const struct quarantine_page *deaths_page(const struct deaths *deaths)
{
    return deaths->page;
}

uint64_t deaths_quarantined(const struct deaths *deaths)
{
    return deaths->quarantined;
}
