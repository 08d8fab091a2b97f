/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from bytes to image, with the clock beside it. Bodies are most of it, and none needs
 * another: those of a large module are taken in parts, each by a thread.
 *
 *   decode | declarations | prove part 0 | translate part 0 | join | native | image
 *                         | prove part 1 | translate part 1 |
 *
 * Nothing is translated before everything is proven valid.
 */
#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/engine.h"
#include "engine/image/image_build.h"
#include "engine/read/module.h"
#include "engine/translate/translate.h"
#include "engine/validate/func.h"
#include "engine/validate/validate.h"

#define COMPILE_PART_BYTES ((size_t)384 << 10) /* of fewer a thread is not worth its start */
#define COMPILE_PARTS_MAX  8u

struct compile_part {
    const struct module *module;
    const struct engine_options *options;
    const struct module_range *range;
    struct code *code;
    enum status (*work)(struct compile_part *part);
    enum status status;
    struct report report;
};

struct compiling {
    struct module module;
    const struct engine_options *options;
    size_t body_bytes;
    uint32_t count; /* of parts */
    struct compile_part parts[COMPILE_PARTS_MAX];
    struct module_range ranges[COMPILE_PARTS_MAX];
    struct code codes[COMPILE_PARTS_MAX]; /* the first becomes that of all */
};

/* ---- parts ----------------------------------------------------------------------------------- */

/* Into parts of about as many bytes. */
static void compile_cut(struct compiling *c)
{
    const struct module *module = &c->module;
    for (uint32_t i = 0; i < module->func_count; i++)
        c->body_bytes += module->funcs[i].body_bytes;
    size_t threads = MIN(MAX(c->options->threads, 1u), COMPILE_PARTS_MAX);
    c->count = (uint32_t)MIN(MAX(c->body_bytes / COMPILE_PART_BYTES, (size_t)1), threads);
    size_t taken = 0;
    uint32_t func = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        bool is_last = i + 1 == c->count;
        size_t until = taken + (c->body_bytes - taken) / (c->count - i);
        c->ranges[i].first = func;
        for (; func < module->func_count && (is_last || taken < until); func++)
            taken += module->funcs[func].body_bytes;
        c->ranges[i].end = func;
        c->parts[i] = (struct compile_part){
            .module = module, .options = c->options, .range = &c->ranges[i], .code = &c->codes[i]};
    }
}

static void *compile_run(void *part_of)
{
    struct compile_part *part = part_of;
    part->report = (struct report)REPORT_INIT;
    part->status = part->work(part);
    return NULL;
}

/* All parts at once; what the first of them to fail in the module says. */
static enum status compile_each(struct compiling *c,
                                enum status (*work)(struct compile_part *part),
                                struct report *report)
{
    pthread_t threads[COMPILE_PARTS_MAX];
    bool has_thread[COMPILE_PARTS_MAX] = {false};
    for (uint32_t i = 0; i < c->count; i++) {
        c->parts[i].work = work;
        has_thread[i] = i > 0 && pthread_create(&threads[i], NULL, compile_run, &c->parts[i]) == 0;
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < c->count; i++) {
        if (has_thread[i])
            (void)pthread_join(threads[i], NULL);
        else
            (void)compile_run(&c->parts[i]);
        if (status != STATUS_OK || c->parts[i].status == STATUS_OK)
            continue;
        status = c->parts[i].status;
        if (report != NULL)
            *report = c->parts[i].report;
    }
    return status;
}

static enum status compile_prove(struct compile_part *part)
{
    return validate_funcs(part->module, *part->range, &part->report);
}

static enum status compile_translate(struct compile_part *part)
{
    return translate_funcs(part->module, *part->range, part->options, &part->report, part->code);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum status compile_validate(struct compiling *c, struct report *report)
{
    enum status status = validate_declarations(&c->module, report);
    if (status != STATUS_OK)
        return status;
    compile_cut(c);
    return compile_each(c, compile_prove, report);
}

static enum status compile_make_code(struct compiling *c, struct report *report)
{
    uint32_t *entries = ARENA_ARRAY(&c->module.arena, uint32_t, MAX(c->module.func_count, 1u));
    if (entries == NULL)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "too many functions for the memory allowed");
    for (uint32_t i = 0; i < c->count; i++)
        c->codes[i].entries = entries;
    enum status status = compile_each(c, compile_translate, report);
    if (status == STATUS_OK)
        status = translate_join(&c->module, c->ranges, c->codes, c->count, c->options, report);
    return status;
}

enum status engine_compile(struct bytes wasm,
                           const struct engine_limits *limits,
                           const struct engine_options *options,
                           struct report *report,
                           struct engine_timings *ret_timings,
                           struct engine_image *ret_image)
{
    struct compiling c = {.options = options};
    struct engine_timings timings = {0};
    uint64_t start_ns = clock_monotonic_ns(&clock_system);
    enum status status = decode_module(wasm, limits, report, &c.module);
    if (status == STATUS_OK)
        status = compile_validate(&c, report);
    uint64_t proven_ns = clock_monotonic_ns(&clock_system);
    timings.validate_ns = proven_ns - start_ns;
    if (status == STATUS_OK)
        status = compile_make_code(&c, report);
    if (status == STATUS_OK)
        status = image_build(&c.module, &c.codes[0], engine_build_id(), report, ret_image);
    timings.translate_ns = clock_monotonic_ns(&clock_system) - proven_ns;
    timings.body_bytes = c.body_bytes;
    timings.code_bytes = c.codes[0].cells.count;
    if (status == STATUS_OK && ret_timings != NULL)
        *ret_timings = timings;
    for (uint32_t i = 0; i < c.count; i++)
        code_done(&c.codes[i]);
    module_done(&c.module);
    return status;
}
