/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving and adopting one worker after the other.
 */
#include "server/control/life/adoption.h"

#include <stdio.h>
#include <unistd.h>

#include "server/control/life/workers_private.h"

/* ---- leaving --------------------------------------------------------------------------------- */

bool workers_are_whole(const struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct workers_one *one = &workers->each[i];
        bool serves = workers_half_of(one) == workers->half;
        if (serves ? !one->child.ready : one->child.pid != 0)
            return false;
    }
    return !workers->rolling;
}

bool workers_settle(struct workers *workers)
{
    bool settled = true;
    for (uint32_t i = 0; i < workers->count; i++) {
        struct channel *channel = &workers->each[i].wire.channel;
        struct report report = REPORT_INIT;
        if (!channel_is_open(channel))
            continue;
        channel_flush(channel);
        /* One that breaks is found so again by who adopts it. */
        if (channel->in.count > 0 && channel_receive(channel, &report) != STATUS_OK)
            continue;
        settled = settled && channel->in.count == 0 && !channel_has_unsent(channel);
    }
    return settled;
}

void workers_leave(const struct workers *workers, struct handover *handover)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct workers_one *one = &workers->each[i];
        if (workers_half_of(one) != workers->half)
            continue;
        struct handover_worker *left = &handover->worker[one->child.index];
        *left =
            (struct handover_worker){.pid = one->child.pid,
                                     .shared_fd = one->shared_fd,
                                     .news_fd = one->news_fd,
                                     .lent_fd = one->lent_fd,
                                     .channel_fd = one->wire.channel.options.fd,
                                     .reader = records_reader(workers->options.records, one->slot)};
        log_drain_flush(one->log);
        log_drain_ends(one->log, left->log_fds);
    }
}

/* ---- adopting -------------------------------------------------------------------------------- */

static enum status workers_adopt_one(struct workers_one *one,
                                     const struct handover_worker *left,
                                     struct report *report)
{
    struct workers *workers = one->workers;
    const struct handover *handover = workers->options.handover;
    char who[32];
    int log_fds[2] = {handover_copy(left->log_fds[0]), handover_copy(left->log_fds[1])};
    one->shared_fd = handover_copy(left->shared_fd);
    one->news_fd = handover_copy(left->news_fd);
    one->lent_fd = handover_copy(left->lent_fd);
    int channel_fd = handover_copy(left->channel_fd);
    if (log_fds[0] < 0 || log_fds[1] < 0 || one->shared_fd < 0 || one->news_fd < 0 ||
        one->lent_fd < 0 || channel_fd < 0)
        return report_errno(report, "cannot adopt worker %u", one->child.index);
    one->is_adopted = true;
    one->is_foreign = handover->metrics != handover_metrics();
    (void)snprintf(who, sizeof(who), "worker %u", one->child.index);
    enum status status = log_drain_adopt(workers->options.log, who, log_fds, report, &one->log);
    if (status == STATUS_OK)
        status = workers_map(one, report);
    if (status == STATUS_OK)
        status = child_init(&one->child, report);
    if (status == STATUS_OK)
        status = workers_open_wire(one, channel_fd, report);
    if (status != STATUS_OK)
        return status;
    records_resume(workers->options.records, one->slot, &left->reader);
    one->child.pid = left->pid;
    one->child.ready = true;
    one->child.started_ns = clock_monotonic_ns(workers->options.clock);
    return STATUS_OK;
}

enum status workers_adopt(struct workers *workers, struct report *report)
{
    enum status status = STATUS_OK;
    const struct handover *handover = workers->options.handover;
    ASSERT(handover->workers == workers->count / 2);
    for (uint32_t i = 0; i < handover->workers && status == STATUS_OK; i++)
        status = workers_adopt_one(&workers->each[i], &handover->worker[i], report);
    return status;
}

bool workers_have_adopted(const struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers->each[i].is_adopted)
            return true;
    }
    return false;
}
