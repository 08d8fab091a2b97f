/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting permits. A bound that was lowered meanwhile holds for who comes next: what runs, runs.
 */
#include "server/request/turns/admission.h"

struct admission_bounds admission_bounds_of(const struct config_limits *limits,
                                            const struct deploy_tenant_limits *own)
{
    return (struct admission_bounds){
        .running_max = own->concurrency != 0 ? own->concurrency : limits->concurrency,
        .waiting_max = own->queue != 0 ? own->queue : limits->queue,
    };
}

enum admission_answer admission_ask(struct admission_tenant *tenant,
                                    const struct admission_bounds *bounds,
                                    struct list_link *link)
{
    tenant->running_max = bounds->running_max;
    if (tenant->running < bounds->running_max && tenant->waiting == 0) {
        tenant->running++;
        return ADMISSION_PERMIT;
    }
    if (tenant->waiting >= bounds->waiting_max)
        return ADMISSION_FULL;
    list_append(&tenant->queue, link);
    tenant->waiting++;
    return ADMISSION_WAIT;
}

void admission_resume(struct admission_tenant *tenant)
{
    tenant->running++;
}

struct list_link *admission_release(struct admission_tenant *tenant)
{
    ASSERT(tenant->running > 0);
    tenant->running--;
    struct list_link *first = list_first(&tenant->queue);
    if (tenant->waiting == 0 || tenant->running >= tenant->running_max)
        return NULL;
    admission_leave(tenant, first);
    tenant->running++;
    return first;
}

void admission_leave(struct admission_tenant *tenant, struct list_link *link)
{
    ASSERT(tenant->waiting > 0);
    list_remove(link);
    tenant->waiting--;
}

bool admission_is_idle(const struct admission_tenant *tenant)
{
    return tenant->running == 0 && tenant->waiting == 0;
}
