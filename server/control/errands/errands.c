/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of who was asked what.
 */
#include "server/control/errands/errands.h"

#include <stdlib.h>

#include "server/channel/errand_messages.h"

/* Beyond what a request may take in a worker. */
#define ERRANDS_MARGIN_NS (5 * CLOCK_NS_PER_S)

_Static_assert(DEPLOY_ERRAND_PATH_BYTES == ERRAND_PATH_MAX, "what is asked for can be said");

struct errands_one {
    struct list_link link;
    uint64_t number;
    struct workers_caller worker;
    uint64_t until_ns;
};

/* Any answer but a worker's. */
static void
errands_end(struct errands *errands, struct errands_one *one, const struct deploy_errand_end *end)
{
    uint64_t number = one->number;
    list_remove(&one->link);
    errands->waiting_count--;
    free(one);
    deploy_control_errand_done(errands->deploy, number, end);
}

static bool errands_on_done(void *context,
                            const struct workers_caller *worker,
                            const struct channel_frame *frame)
{
    struct errands *errands = context;
    struct errand_answer answer;
    if (!errand_answer_read(frame->payload, &answer))
        return false;
    LIST_FOREACH(one, &errands->waiting, struct errands_one, link) {
        if (one->number != frame->id || one->worker.run != worker->run)
            continue;
        const struct deploy_errand_end end = {.status = answer.status,
                                              .version = answer.version,
                                              .elapsed_us = answer.elapsed_us,
                                              .fuel = answer.fuel,
                                              .code = answer.code};
        errands_end(errands, one, &end);
        return true;
    }
    return true; /* it came too late */
}

void errands_open(struct errands *errands)
{
    workers_on(errands->workers, CHANNEL_MESSAGE_ERRAND_DONE, errands_on_done, errands);
}

void errands_close(struct errands *errands)
{
    LIST_FOREACH(one, &errands->waiting, struct errands_one, link) {
        list_remove(&one->link);
        free(one);
    }
    errands->waiting_count = 0;
}

/* To a worker that serves the tenant, one after the other. */
static bool errands_send(struct errands *errands,
                         struct bytes tenant,
                         const struct channel_message *message,
                         struct workers_caller *ret_worker)
{
    uint32_t workers = errands->config->workers;
    for (uint32_t i = 0; i < 2 * workers; i++) {
        uint32_t slot = errands->next++ % (2 * workers);
        if (config_worker_serves(errands->config, slot % workers, tenant) &&
            workers_serving(errands->workers, slot, ret_worker) &&
            workers_send(errands->workers, ret_worker, message))
            return true;
    }
    return false;
}

bool errands_ask(struct errands *errands, const struct deploy_errand *errand, uint64_t number)
{
    uint8_t head[ERRAND_HEAD_BYTES];
    const struct errand_message said = {.wall_ms = errand->wall_ms,
                                        .tenant = errand->tenant,
                                        .function = errand->function,
                                        .method = errand->method,
                                        .path = errand->path,
                                        .fields = errand->fields};
    if (!errand_message_fits(&said))
        return false;
    const struct channel_message message = {.type = CHANNEL_MESSAGE_ERRAND,
                                            .id = number,
                                            .head = errand_message_write(&said, head),
                                            .fd = -1};
    struct errands_one *one =
        errands->waiting_count < ERRANDS_WAITING_MAX ? calloc(1, sizeof(*one)) : NULL;
    if (one == NULL || !errands_send(errands, errand->tenant, &message, &one->worker)) {
        free(one);
        return false;
    }
    one->number = number;
    one->until_ns = clock_monotonic_ns(errands->clock) +
                    errands->config->limits.wall * CLOCK_NS_PER_US + ERRANDS_MARGIN_NS;
    list_append(&errands->waiting, &one->link);
    errands->waiting_count++;
    return true;
}

static const struct deploy_errand_end errands_nobody = {.status = 0};

void errands_lost(struct errands *errands, const struct workers_caller *worker)
{
    LIST_FOREACH(one, &errands->waiting, struct errands_one, link) {
        if (one->worker.run == worker->run)
            errands_end(errands, one, &errands_nobody);
    }
}

void errands_tick(struct errands *errands)
{
    uint64_t now_ns = clock_monotonic_ns(errands->clock);
    LIST_FOREACH(one, &errands->waiting, struct errands_one, link) {
        if (now_ns >= one->until_ns)
            errands_end(errands, one, &errands_nobody);
    }
}
