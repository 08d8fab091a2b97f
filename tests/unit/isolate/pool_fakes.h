/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of isolate/ as the pool's tests see it: isolates and artifacts that count, a clock that
 * is turned by hand. fake_make_* begins anew; fake_free_pool checks that nothing is left.
 */
#ifndef SKERRY_TESTS_UNIT_ISOLATE_POOL_FAKES_H
#define SKERRY_TESTS_UNIT_ISOLATE_POOL_FAKES_H

#include "isolate/artifact.h"
#include "isolate/parts.h"

#define SECOND            UINT64_C(1000000000)

#define FAKE_MEMORY_BYTES (UINT64_C(1) << 30) /* limits.memory */

struct pool_fakes {
    uint64_t memory_bytes; /* that the last isolate may have */
    uint64_t now_ns;
    int isolates_alive;
    int isolates_max; /* more cannot be made */
    int artifacts_alive;
    int opens;
    int resets;
    int host_resets;
    int trims;
    int wakes;
    int shed_steps; /* that each isolate takes */
    bool worn;      /* is every isolate? */
    bool reset_fails;
    bool create_fails;
    bool trim_fails;
    bool artifacts_are_gone;
    uint64_t trim_takes_ns;
    /* What keys say: */
    uint32_t tenant_warm_max; /* of their tenant's warm isolates; 0: the pool's own bound */
    uint64_t function_created_ns;
    uint64_t generation;
};

extern struct pool_fakes fake;
extern const struct clock fake_clock;

/* With `context` a bool that is true, it is not there. */
enum status
fake_open_artifact(void *context, struct report *report, struct isolate_artifact **ret_artifact);

struct isolate_pool *
fake_make_bounded_pool(uint32_t per_function, uint32_t per_tenant, uint32_t total);
struct isolate_pool *fake_make_pool(uint32_t per_function, uint32_t total);
struct isolate_pool *fake_make_pool_with_ahead(uint32_t total);
/* With so many artifacts mapped at once. */
struct isolate_pool *fake_make_narrow_pool(uint32_t artifacts);
struct isolate_pool *fake_make_memory_pool(uint64_t worker_bytes, uint64_t tenant_bytes);
void fake_free_pool(struct isolate_pool *pool);

struct isolate_key fake_key(const char *function, const char *version);
/* Checks out, which must go well and for that reason. */
struct isolate *fake_take(struct isolate_pool *pool,
                          const char *function,
                          const char *version,
                          enum isolate_start_reason want);
void fake_return(struct isolate *isolate, enum isolate_end end);
bool fake_renew(struct isolate_pool *pool, const char *function, const char *version);
bool fake_quiet_turn(struct isolate_pool *pool);
bool fake_busy_turn(struct isolate_pool *pool);

#endif
