/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of families, and what begins with a kind's number. It stands above them all: a family
 * knows the host that it serves, the host knows its family, and neither knows this list.
 */
#include "hostapi/host.h"

#define FAMILY(name, symbol) extern const struct hostapi_family symbol;
#include "hostapi/families.def"

const struct hostapi_family *hostapi_family(enum hostapi_kind kind)
{
    static const struct hostapi_family *const families[HOSTAPI_KIND_COUNT] = {
#define FAMILY(name, symbol) [HOSTAPI_KIND_##name] = &symbol,
#include "hostapi/families.def"
    };
    ASSERT(kind > HOSTAPI_KIND_UNKNOWN && kind < HOSTAPI_KIND_COUNT);
    ASSERT(families[kind]->kind == kind);
    return families[kind];
}

enum status hostapi_host_create(const struct hostapi_options *options,
                                struct hostapi_host **ret_host)
{
    return host_create(hostapi_family(options->kind), options, ret_host);
}

enum status hostapi_check_config(enum hostapi_kind kind, struct bytes config, struct report *report)
{
    const struct hostapi_family *family = hostapi_family(kind);
    return family->check_config == NULL ? STATUS_OK : family->check_config(config, report);
}
