/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from bytes to image: decode, validate, translate, lay out; with the clock beside
 * it. Nothing is translated before everything is proven valid.
 */
#include "engine/base/clock.h"
#include "engine/engine.h"
#include "engine/image/image_build.h"
#include "engine/read/module.h"
#include "engine/translate/translate.h"
#include "engine/validate/validate.h"

enum status engine_compile(struct bytes wasm,
                           const struct engine_limits *limits,
                           const struct engine_options *options,
                           struct report *report,
                           struct engine_timings *ret_timings,
                           struct engine_image *ret_image)
{
    struct module module = {0};
    struct code code = {0};
    struct engine_timings timings = {0};
    uint64_t start_ns = clock_monotonic_ns(&clock_system);
    enum status status = decode_module(wasm, limits, report, &module);
    if (status == STATUS_OK)
        status = validate_module(&module, report);
    uint64_t proven_ns = clock_monotonic_ns(&clock_system);
    timings.validate_ns = proven_ns - start_ns;
    if (status == STATUS_OK)
        status = translate_module(&module, options, report, &code);
    if (status == STATUS_OK)
        status = image_build(&module, &code, engine_build_id(), report, ret_image);
    timings.translate_ns = clock_monotonic_ns(&clock_system) - proven_ns;
    for (uint32_t i = 0; i < module.func_count; i++)
        timings.body_bytes += module.funcs[i].body_bytes;
    timings.code_bytes = code.cells.count;
    if (status == STATUS_OK && ret_timings != NULL)
        *ret_timings = timings;
    code_done(&code);
    module_done(&module);
    return status;
}
