/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting places. Two tenants cannot both have more than half, so who has is one pointer.
 */
#include "server/world/parking.h"

static bool parking_is_larger(const struct parking *parking, const struct parking_tenant *tenant)
{
    return tenant->count > parking->places / 2;
}

void parking_leave(struct parking *parking, struct parking_tenant *tenant, struct list_link *link)
{
    ASSERT(parking->taken > 0 && tenant->count > 0);
    list_remove(link);
    parking->taken--;
    tenant->count--;
    if (parking->larger == tenant && !parking_is_larger(parking, tenant))
        parking->larger = NULL;
}

enum parking_answer parking_ask(struct parking *parking,
                                struct parking_tenant *tenant,
                                uint32_t places,
                                struct list_link *link,
                                struct list_link **ret_way)
{
    *ret_way = NULL;
    parking->places = places;
    if (parking->taken >= places) {
        struct parking_tenant *larger = parking->larger;
        if (larger == NULL || larger == tenant)
            return PARKING_FULL;
        *ret_way = list_last(&larger->links);
        parking_leave(parking, larger, *ret_way);
    }
    list_append(&tenant->links, link);
    parking->taken++;
    tenant->count++;
    if (parking_is_larger(parking, tenant))
        parking->larger = tenant;
    return PARKING_TAKEN;
}
