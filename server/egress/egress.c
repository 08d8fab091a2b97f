/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper that connects to others: an engine of fetches, and the workers' calls.
 */
#include "server/egress/egress.h"

#include <sys/resource.h>

#include "server/egress/calls.h"
#include "server/egress/texts.h"
#include "server/helper/helper.h"

#define EGRESS_FETCHES_MAX            4096
#define EGRESS_FETCHES_PER_TENANT_MAX 512
#define EGRESS_CONNECT_US             UINT64_C(10000000)
#define EGRESS_IDLE_US                UINT64_C(30000000)

struct egress {
    struct helper *helper;
    struct egress_engine *engine;
    struct egress_calls *calls;
    struct texts *texts;
};

static bool egress_send(void *context,
                        const struct helper_caller *caller,
                        const struct channel_message *message)
{
    const struct egress *egress = context;
    return helper_send(egress->helper, caller, message);
}

/* A connection each, and what libcurl wants for itself. */
static void egress_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void egress_texts_are(void *context, uint64_t number, enum status status, struct bytes list)
{
    const struct egress *egress = context;
    uint8_t room[sizeof(uint32_t)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, status);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_TEXTS_ARE,
                                            .id = number,
                                            .head = channel_written(&writer),
                                            .body = list,
                                            .fd = -1};
    bool told = helper_tell(egress->helper, &message);
    (void)told; /* without control we end; without room it asks again */
}

static const char *egress_ca_file(const struct config *config)
{
    return config->outbound_ca_file;
}

static enum status egress_start(void *context, struct helper *helper, struct report *report)
{
    struct egress *egress = context;
    const struct config *config = helper_config(helper);
    const struct egress_options options = {
        .base = helper_base(helper),
        .clock = &clock_system,
        .allow_private = config->outbound_allow_private,
        .nameserver = config->outbound_nameserver,
        .ca_file = config->outbound_ca_file,
        .connect_us = EGRESS_CONNECT_US,
        .idle_us = EGRESS_IDLE_US,
        .fetches_max = EGRESS_FETCHES_MAX,
        .fetches_per_tenant_max = EGRESS_FETCHES_PER_TENANT_MAX,
    };
    egress->helper = helper;
    egress_raise_descriptors();
    enum status status = egress_engine_create(&options, report, &egress->engine);
    if (status != STATUS_OK)
        return status;
    status = texts_create(options.base, options.nameserver, egress_texts_are, egress, report,
                          &egress->texts);
    if (status != STATUS_OK)
        return status;
    const struct egress_calls_options calls = {
        .base = options.base, .engine = egress->engine, .send = egress_send, .context = egress};
    return egress_calls_create(&calls, &egress->calls);
}

static bool
egress_frame(void *context, const struct helper_caller *caller, const struct channel_frame *frame)
{
    const struct egress *egress = context;
    return egress_calls_frame(egress->calls, caller, frame);
}

static void egress_gone(void *context, const struct helper_caller *caller)
{
    const struct egress *egress = context;
    egress_calls_gone(egress->calls, caller);
}

/* Control asks for the operator: there is one of it, and without it we end. */
static bool egress_control(void *context, const struct channel_frame *frame)
{
    static const struct helper_caller control = {.index = HELPER_CONTROL};
    const struct egress *egress = context;
    if (frame->type == CHANNEL_MESSAGE_TEXTS_ASK) {
        if (!texts_ask(egress->texts, frame->payload, frame->id))
            egress_texts_are(context, frame->id, STATUS_BUSY, bytes_make(NULL, 0));
        return true;
    }
    return egress_frame(context, &control, frame);
}

int egress_main(void)
{
    struct egress egress = {.helper = NULL};
    const struct helper_ops ops = {.end = CHANNEL_EGRESS,
                                   .role = WALLS_EGRESS,
                                   .reads = egress_ca_file,
                                   .start = egress_start,
                                   .frame = egress_frame,
                                   .gone = egress_gone,
                                   .control = egress_control,
                                   .context = &egress};
    return helper_main(&ops);
}
