/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of hostcalls.def as a linker, and the prices of moving bytes.
 *
 * A call is charged its price once, before it does anything; a call that parked and is made
 * again is not charged again, so that fuel does not depend on how time passed.
 */
#ifndef SKERRY_HOSTAPI_HOSTCALLS_H
#define SKERRY_HOSTAPI_HOSTCALLS_H

#include "hostapi/host.h"

/* Copying between guest and host: one unit of fuel for so many bytes. */
#define HOSTCALLS_BYTES_PER_FUEL 16
/* Random bytes are made, not copied: one unit each. */
#define HOSTCALLS_RANDOM_BYTES_PER_FUEL 1

static inline void hostcalls_charge_bytes(struct engine_host_call *call, uint64_t count)
{
    engine_host_charge(call, count / HOSTCALLS_BYTES_PER_FUEL);
}

struct hostcalls_row {
    uint8_t module; /* enum in hostcalls.c */
    const char *name;
    const char *signature;
    engine_host_func enter;
};

/* The row that provides a function import for this kind; NULL if none does. */
const struct hostcalls_row *hostcalls_find(const struct engine_import_desc *import,
                                           enum hostapi_kind kind);
/* Is `type` what `signature` ("ii:I") says? */
bool hostcalls_signature_matches(const char *signature, const struct engine_functype *type);
/* For struct engine_linker; context is the host. */
bool hostcalls_resolve(void *context,
                       const struct engine_import_desc *import,
                       struct engine_extern *ret_extern);

#endif
