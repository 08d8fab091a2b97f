/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a function: what its manifest and its operator's calls give it, and secrets
 * when there are any. Views into memory that outlives the request (the worker's directory), so that
 * handing it to a guest costs nothing until the guest asks.
 *
 * Each variable is kept as WASI wants it, "NAME=value" in one piece; the name is its beginning. A
 * name has no `=`, and neither part a NUL.
 */
#ifndef SKERRY_HOSTAPI_ENVIRONMENT_H
#define SKERRY_HOSTAPI_ENVIRONMENT_H

#include "engine/base/bytes.h"

struct hostapi_variable {
    struct bytes text; /* "NAME=value" */
    size_t name_bytes; /* of it: less than text.count */
};

struct hostapi_environment {
    const struct hostapi_variable *pairs; /* no name twice */
    uint32_t count;
};

static inline struct bytes hostapi_variable_name(const struct hostapi_variable *variable)
{
    return bytes_make(variable->text.data, variable->name_bytes);
}

static inline struct bytes hostapi_variable_value(const struct hostapi_variable *variable)
{
    return bytes_make(variable->text.data + variable->name_bytes + 1,
                      variable->text.count - variable->name_bytes - 1);
}

#endif
