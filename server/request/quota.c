/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See quota.h.
 */
#include "server/request/quota.h"

#include "server/request/request.h"
#include "server/request/service.h"
#include "server/world/rates.h"

#define QUOTA_MS_PER_S 1000

static bool quota_has(const struct request *request, enum rates_quota quota, uint64_t max_per_s)
{
    const struct rates *rates = request->service->world.rates;
    if (max_per_s == 0 || rates == NULL)
        return true;
    return rates_quota_used(rates, request->function->tenant->name, quota) <
           max_per_s * rates_quota_window_ms[quota] / QUOTA_MS_PER_S;
}

static bool quota_is_open(const struct directory_tenant *tenant, uint64_t max)
{
    const struct admission_tenant *admission = &tenant->admission;
    return max == 0 ||
           (uint64_t)admission->running + admission->waiting + tenant->parking.count < max;
}

bool quota_admit(struct request *request)
{
    const struct directory_function *function = request->function;
    const struct deploy_tenant_limits *limits = &function->entry.limits;
    /* Less than a unit of fuel in the window is none. */
    uint64_t fuel_max = limits->fuel_per_s == 0 ? 0 : MAX(limits->fuel_per_s / RATES_FUEL_UNIT, 1);
    if (function->entry.suspended)
        request_refuse(request, FAULT_SUSPENDED, NULL);
    else if (!quota_is_open(function->tenant, limits->connections))
        request_refuse(request, FAULT_CONNECTIONS, NULL);
    else if (!quota_has(request, RATES_QUOTA_FUEL, fuel_max))
        request_refuse(request, FAULT_FUEL_RATE, NULL);
    else if (!quota_has(request, RATES_QUOTA_REQUESTS, limits->requests_per_s))
        request_refuse(request, FAULT_REQUEST_RATE, NULL);
    else {
        if (limits->requests_per_s != 0 && request->service->world.rates != NULL)
            rates_quota_use(request->service->world.rates, function->tenant->name,
                            RATES_QUOTA_REQUESTS, 1);
        return true;
    }
    return false;
}

void quota_spend(struct request *request, uint64_t fuel)
{
    struct directory_function *function = request->function;
    struct rates *rates = request->service->world.rates;
    if (function->entry.limits.fuel_per_s == 0 || rates == NULL)
        return;
    function->tenant->fuel_owed += fuel;
    uint64_t units = function->tenant->fuel_owed / RATES_FUEL_UNIT;
    if (units == 0)
        return;
    function->tenant->fuel_owed %= RATES_FUEL_UNIT;
    rates_quota_use(rates, function->tenant->name, RATES_QUOTA_FUEL,
                    (uint32_t)MIN(units, (uint64_t)UINT32_MAX));
}
