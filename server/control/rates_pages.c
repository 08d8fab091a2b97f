/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One memory file for each worker, opened twice: whoever has it to read cannot write.
 */
#include "server/control/rates_pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "server/telemetry/log.h"
#include "server/world/rates.h"

/* Its size is sealed: a worker that cut it would end the others by SIGBUS. */
static bool rates_pages_make_one(int *ret_fd, int *ret_read_fd)
{
    char path[32];
    *ret_fd = memfd_create("skerry-rates", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*ret_fd < 0 || ftruncate(*ret_fd, sizeof(struct rates_page)) != 0 ||
        fcntl(*ret_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return false;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *ret_fd);
    *ret_read_fd = open(path, O_RDONLY | O_CLOEXEC);
    return *ret_read_fd >= 0;
}

enum status rates_pages_make(struct rates_pages *pages, uint32_t count, struct report *report)
{
    ASSERT(count <= CONFIG_WORKER_SLOTS_MAX);
    *pages = (struct rates_pages){.seed = hash_seed(&clock_system)};
    for (; pages->count < count; pages->count++) {
        int *fd = &pages->fds[pages->count];
        int *read_fd = &pages->read_fds[pages->count];
        *read_fd = -1;
        if (rates_pages_make_one(fd, read_fd))
            continue;
        enum status status = report_errno(report, "cannot make a page for rate limits");
        base_auto_close(fd);
        base_auto_close(read_fd);
        rates_pages_done(pages);
        return status;
    }
    return STATUS_OK;
}

void rates_pages_done(struct rates_pages *pages)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        (void)close(pages->fds[i]);
        (void)close(pages->read_fds[i]);
    }
    pages->count = 0;
}

void rates_pages_welcome(const struct rates_pages *pages,
                         struct workers *workers,
                         const struct workers_caller *worker)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        uint8_t payload[16];
        bool own = i == worker->index;
        struct channel_writer writer = channel_writer(payload, sizeof(payload));
        channel_put_u32(&writer, i);
        channel_put_u32(&writer, own);
        channel_put_u64(&writer, pages->seed);
        const struct channel_message message = {.type = CHANNEL_MESSAGE_RATES_PAGE,
                                                .head = channel_written(&writer),
                                                .fd = own ? pages->fds[i] : pages->read_fds[i]};
        if (!workers_send(workers, worker, &message))
            log_message("error", "rates_page", "worker %u cannot be given the page of worker %u",
                        worker->index, i);
    }
}
