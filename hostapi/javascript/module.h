/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JavaScript engine: QuickJS and the web API as a module, an http-wasm handler whose
 * configuration is a script. It is made at build time, from guest/ and api/, where the tools for it
 * are.
 */
#ifndef SKERRY_HOSTAPI_JAVASCRIPT_MODULE_H
#define SKERRY_HOSTAPI_JAVASCRIPT_MODULE_H

#include "engine/base/bytes.h"

/* Lives as long as the program; of no bytes: this build is one without JavaScript. */
struct bytes javascript_module(void);

#endif
