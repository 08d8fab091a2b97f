/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of calls, found by their numbers.
 */
#include "deploy/errand_desk.h"

bool errand_desk_send(struct errand_desk *desk,
                      const struct deploy_errand *errand,
                      struct errand_call *call)
{
    call->number = ++desk->number;
    if (desk->ask == NULL || !desk->ask(desk->context, errand, call->number))
        return false;
    list_append(&desk->calls, &call->link);
    return true;
}

void errand_desk_done(struct errand_desk *desk,
                      uint64_t number,
                      const struct deploy_errand_end *end)
{
    LIST_FOREACH(call, &desk->calls, struct errand_call, link) {
        if (call->number != number)
            continue;
        list_remove(&call->link);
        call->done(call, end);
        return;
    }
}

void errand_desk_close(struct errand_desk *desk)
{
    static const struct deploy_errand_end nobody = {.status = 0};
    struct errand_call *call;
    desk->ask = NULL;
    while ((call = LIST_FIRST(&desk->calls, struct errand_call, link)) != NULL) {
        list_remove(&call->link);
        call->done(call, &nobody);
    }
}
