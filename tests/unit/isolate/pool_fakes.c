/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fakes that pool_fakes.h tells of.
 */
#include "tests/unit/isolate/pool_fakes.h"

#include <limits.h>
#include <stdlib.h>

#include "tests/support/unit.h"

struct pool_fakes fake;

static uint64_t fake_now(void *context)
{
    (void)context;
    return fake.now_ns;
}

const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

/* ---- isolates -------------------------------------------------------------------------------- */

enum status isolate_create(struct isolate_artifact *artifact,
                           const struct config_limits *limits,
                           const struct isolate_host_ops *ops,
                           const struct clock *clock,
                           struct report *report,
                           struct isolate **ret_isolate)
{
    (void)ops;
    fake.memory_bytes = limits->memory;
    (void)clock;
    if (fake.create_fails || fake.isolates_alive >= fake.isolates_max)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "no slot");
    struct isolate *isolate = calloc(1, sizeof(*isolate));
    isolate->artifact = isolate_artifact_ref(artifact);
    fake.isolates_alive++;
    isolate->map_ns = 300;
    fake.now_ns += 1000;
    *ret_isolate = isolate;
    return STATUS_OK;
}

bool isolate_reset(struct isolate *isolate)
{
    fake.resets++;
    isolate->served = 0;
    return !fake.reset_fails;
}

bool isolate_trim(struct isolate *isolate)
{
    assert_int_equal(isolate->served, 0);
    fake.trims++;
    fake.now_ns += fake.trim_takes_ns;
    return !fake.trim_fails;
}

void isolate_wake(struct isolate *isolate)
{
    (void)isolate;
    fake.wakes++;
}

bool isolate_is_worn(const struct isolate *isolate)
{
    (void)isolate;
    return fake.worn;
}

bool isolate_shed(struct isolate *isolate)
{
    return (int)isolate->shed_bytes++ < fake.shed_steps;
}

void isolate_keep(struct isolate *isolate)
{
    (void)isolate;
    fake.host_resets++;
}

void isolate_free(struct isolate *isolate)
{
    isolate_claim_drop(&isolate->claim);
    isolate_artifact_unref(isolate->artifact);
    fake.isolates_alive--;
    free(isolate);
}

/* ---- artifacts ------------------------------------------------------------------------------- */

struct isolate_artifact *isolate_artifact_ref(struct isolate_artifact *artifact)
{
    artifact->references++;
    return artifact;
}

void isolate_artifact_unref(struct isolate_artifact *artifact)
{
    if (artifact == NULL || --artifact->references > 0)
        return;
    fake.artifacts_alive--;
    free(artifact);
}

bool isolate_artifact_is_gone(const struct isolate_artifact *artifact)
{
    (void)artifact;
    return fake.artifacts_are_gone;
}

enum status
fake_open_artifact(void *context, struct report *report, struct isolate_artifact **ret_artifact)
{
    const bool *missing = context;
    fake.opens++;
    if (missing != NULL && *missing)
        return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE, "not there");
    *ret_artifact = calloc(1, sizeof(**ret_artifact));
    (*ret_artifact)->references = 1;
    fake.artifacts_alive++;
    fake.now_ns += 100;
    return STATUS_OK;
}

/* ---- a pool ---------------------------------------------------------------------------------- */

static struct isolate_pool *fake_make(const struct isolate_pool_options *options)
{
    static const struct config_limits limits = {.memory = FAKE_MEMORY_BYTES};
    struct isolate_pool *pool;
    struct isolate_pool_options with_limits = *options;
    fake = (struct pool_fakes){.now_ns = SECOND, .isolates_max = INT_MAX};
    with_limits.limits = &limits;
    assert_int_equal(isolate_pool_create(&with_limits, &pool), STATUS_OK);
    return pool;
}

struct isolate_pool *
fake_make_bounded_pool(uint32_t per_function, uint32_t per_tenant, uint32_t total)
{
    const struct isolate_pool_options options = {
        .per_function_max = per_function,
        .per_tenant_max = per_tenant,
        .total_max = total,
        .idle_max_ns = 60 * SECOND,
        .trim_ns = SECOND,
        .clock = &fake_clock,
    };
    return fake_make(&options);
}

struct isolate_pool *fake_make_pool(uint32_t per_function, uint32_t total)
{
    return fake_make_bounded_pool(per_function, total, total);
}

struct isolate_pool *fake_make_pool_with_ahead(uint32_t total)
{
    const struct isolate_pool_options options = {
        .per_function_max = 8,
        .per_tenant_max = total,
        .total_max = total,
        .idle_max_ns = 60 * SECOND,
        .trim_ns = 3600 * SECOND,
        .ahead_max_ns = 10 * SECOND,
        .clock = &fake_clock,
    };
    return fake_make(&options);
}

struct isolate_pool *fake_make_narrow_pool(uint32_t artifacts)
{
    const struct isolate_pool_options options = {
        .per_function_max = 8,
        .per_tenant_max = 64,
        .total_max = 64,
        .artifacts_max = artifacts,
        .idle_max_ns = 60 * SECOND,
        .trim_ns = SECOND,
        .ahead_max_ns = 10 * SECOND,
        .clock = &fake_clock,
    };
    return fake_make(&options);
}

struct isolate_pool *fake_make_memory_pool(uint64_t worker_bytes, uint64_t tenant_bytes)
{
    const struct isolate_pool_options options = {
        .memory_max_bytes = worker_bytes,
        .tenant_memory_max_bytes = tenant_bytes,
        .per_function_max = 8,
        .per_tenant_max = 16,
        .total_max = 16,
        .idle_max_ns = 60 * SECOND,
        .trim_ns = SECOND,
        .clock = &fake_clock,
    };
    return fake_make(&options);
}

void fake_free_pool(struct isolate_pool *pool)
{
    isolate_pool_free(pool);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(fake.artifacts_alive, 0);
}

/* ---- what is done with it -------------------------------------------------------------------- */

struct isolate_key fake_key(const char *function, const char *version)
{
    return (struct isolate_key){.function = bytes_of_text(function),
                                .version = bytes_of_text(version),
                                .created_ns = fake.function_created_ns,
                                .tenant_warm_max = fake.tenant_warm_max,
                                .generation = fake.generation};
}

struct isolate *fake_take(struct isolate_pool *pool,
                          const char *function,
                          const char *version,
                          enum isolate_start_reason want)
{
    struct isolate_key key = fake_key(function, version);
    struct isolate_start start;
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){fake_open_artifact, NULL},
                                           &report, &start, &isolate),
                     STATUS_OK);
    assert_string_equal(isolate_start_reason_text(start.reason), isolate_start_reason_text(want));
    bool cold = want != ISOLATE_START_WARM;
    assert_int_equal(start.map_ns, cold ? 300 : 0);
    assert_int_equal(start.restore_ns, cold ? 700 : 0);
    assert_true(cold || start.load_ns == 0);
    return isolate;
}

void fake_return(struct isolate *isolate, enum isolate_end end)
{
    isolate_pool_return(isolate, end, fake.now_ns);
}

bool fake_renew(struct isolate_pool *pool, const char *function, const char *version)
{
    struct isolate_key key = fake_key(function, version);
    return isolate_pool_renew(pool, &key, (struct isolate_opener){fake_open_artifact, NULL});
}

bool fake_quiet_turn(struct isolate_pool *pool)
{
    return isolate_pool_idle(pool, fake.now_ns, true);
}

bool fake_busy_turn(struct isolate_pool *pool)
{
    return isolate_pool_idle(pool, fake.now_ns, false);
}
