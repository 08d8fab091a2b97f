/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper that keeps secrets: there are none yet, so nothing that a worker says makes sense.
 */
#include "server/keys/keys.h"

#include "server/helper/helper.h"

static enum status keys_start(void *context, struct helper *helper, struct report *report)
{
    (void)context;
    (void)helper;
    (void)report;
    return STATUS_OK;
}

static bool
keys_frame(void *context, const struct helper_caller *caller, const struct channel_frame *frame)
{
    (void)context;
    (void)caller;
    (void)frame;
    return false;
}

static void keys_gone(void *context, const struct helper_caller *caller)
{
    (void)context;
    (void)caller;
}

int keys_main(void)
{
    const struct helper_ops ops = {
        .end = CHANNEL_KEYS, .start = keys_start, .frame = keys_frame, .gone = keys_gone};
    return helper_main(&ops);
}
