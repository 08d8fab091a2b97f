/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool alone: isolates and artifacts are fakes that count, the clock is turned by hand.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "isolate/artifact.h"
#include "tests/support/unit.h"

#define SECOND UINT64_C(1000000000)

static uint64_t now_ns;
static int isolates_alive;
static int artifacts_alive;
static int resets;
static int host_resets;
static int opens;
static bool reset_fails;
static bool create_fails;
static int slots; /* more isolates cannot be made */

/* ---- fakes of the rest of isolate/ ----------------------------------------------------------- */

enum status isolate_create(struct isolate_artifact *artifact,
                           const struct config_limits *limits,
                           const struct isolate_host_ops *ops,
                           const struct clock *clock,
                           struct report *report,
                           struct isolate **ret_isolate)
{
    (void)limits;
    (void)ops;
    (void)clock;
    if (create_fails || isolates_alive >= slots)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "no slot");
    struct isolate *isolate = calloc(1, sizeof(*isolate));
    isolate->artifact = isolate_artifact_ref(artifact);
    isolates_alive++;
    isolate->map_ns = 300;
    now_ns += 1000;
    *ret_isolate = isolate;
    return STATUS_OK;
}

bool isolate_reset(struct isolate *isolate)
{
    resets++;
    isolate->generation++;
    isolate->served = 0;
    return !reset_fails;
}

static int trims;
static bool trim_fails;
static uint64_t trim_takes_ns;

bool isolate_trim(struct isolate *isolate)
{
    assert_int_equal(isolate->served, 0);
    trims++;
    now_ns += trim_takes_ns;
    return !trim_fails;
}

static bool worn;      /* is every isolate? */
static int shed_steps; /* that each takes */

bool isolate_is_worn(const struct isolate *isolate)
{
    (void)isolate;
    return worn;
}

bool isolate_shed(struct isolate *isolate)
{
    return (int)isolate->shed_bytes++ < shed_steps;
}

void isolate_keep(struct isolate *isolate)
{
    (void)isolate;
    host_resets++;
}

void isolate_free(struct isolate *isolate)
{
    isolate_artifact_unref(isolate->artifact);
    isolates_alive--;
    free(isolate);
}

struct isolate_artifact *isolate_artifact_ref(struct isolate_artifact *artifact)
{
    artifact->references++;
    return artifact;
}

void isolate_artifact_unref(struct isolate_artifact *artifact)
{
    if (artifact == NULL || --artifact->references > 0)
        return;
    artifacts_alive--;
    free(artifact);
}

static bool artifacts_are_gone;

bool isolate_artifact_is_gone(const struct isolate_artifact *artifact)
{
    (void)artifact;
    return artifacts_are_gone;
}

static enum status
open_artifact(void *context, struct report *report, struct isolate_artifact **ret_artifact)
{
    const bool *missing = context;
    opens++;
    if (missing != NULL && *missing)
        return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE, "not there");
    *ret_artifact = calloc(1, sizeof(**ret_artifact));
    (*ret_artifact)->references = 1;
    artifacts_alive++;
    now_ns += 100;
    return STATUS_OK;
}

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

/* ---- helpers --------------------------------------------------------------------------------- */

static struct isolate_pool *
make_bounded_pool(uint32_t per_function, uint32_t per_tenant, uint32_t total)
{
    struct isolate_pool *pool;
    struct isolate_pool_options options = {
        .per_function_max = per_function,
        .per_tenant_max = per_tenant,
        .total_max = total,
        .idle_max_ns = 60 * SECOND,
        .trim_ns = SECOND,
        .clock = &fake_clock,
    };
    trims = 0;
    trim_fails = false;
    trim_takes_ns = 0;
    worn = false;
    shed_steps = 0;
    now_ns = SECOND;
    isolates_alive = artifacts_alive = resets = host_resets = opens = 0;
    reset_fails = create_fails = artifacts_are_gone = false;
    slots = INT_MAX;
    assert_int_equal(isolate_pool_create(&options, &pool), STATUS_OK);
    return pool;
}

static struct isolate_pool *make_pool(uint32_t per_function, uint32_t total)
{
    return make_bounded_pool(per_function, total, total);
}

static void free_pool(struct isolate_pool *pool)
{
    isolate_pool_free(pool);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(artifacts_alive, 0);
}

/* What the keys say of their tenant's warm isolates; 0: the pool's own bound. */
static uint32_t tenant_warm_max;
/* When the functions of the keys were made. */
static uint64_t function_created_ns;
static uint64_t generation; /* what the keys say of the catalog's */

static struct isolate *take(struct isolate_pool *pool,
                            const char *function,
                            const char *version,
                            enum isolate_start_reason want)
{
    struct isolate_key key = {.function = bytes_of_text(function),
                              .version = bytes_of_text(version),
                              .created_ns = function_created_ns,
                              .tenant_warm_max = tenant_warm_max,
                              .generation = generation};
    struct isolate_start start;
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    assert_int_equal(isolate_pool_checkout(pool, &key, (struct isolate_opener){open_artifact, NULL},
                                           &report, &start, &isolate),
                     STATUS_OK);
    assert_string_equal(isolate_start_reason_text(start.reason), isolate_start_reason_text(want));
    bool cold = want != ISOLATE_START_WARM;
    assert_int_equal(start.map_ns, cold ? 300 : 0);
    assert_int_equal(start.restore_ns, cold ? 700 : 0);
    assert_true(cold || start.load_ns == 0);
    return isolate;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void an_isolate_that_came_back_is_warm_and_was_reset(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *first = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    isolate_pool_return(first, ISOLATE_FINISHED);
    assert_int_equal(resets, 1);
    struct isolate *again = take(pool, "t/f", "v1", ISOLATE_START_WARM);
    assert_ptr_equal(first, again);
    isolate_pool_return(again, ISOLATE_FINISHED);
    assert_int_equal(opens, 1);
    free_pool(pool);
}

static void an_isolate_that_faulted_is_freed_and_never_reset(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(resets, 0);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).discarded, 1);
    free_pool(pool);
}

static void an_isolate_that_wrote_too_much_is_freed_piece_by_piece(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *isolate = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    worn = true;
    shed_steps = 3;
    isolate_pool_return(isolate, ISOLATE_FINISHED);
    assert_int_equal(resets, 0);
    assert_int_equal(isolate_pool_stats(pool).discarded, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(isolates_alive, 1);
        assert_true(isolate_pool_shed(pool));
    }
    assert_int_equal(isolates_alive, 0);
    assert_false(isolate_pool_shed(pool));
    worn = false;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    free_pool(pool);
}

static void so_many_are_freed_piece_by_piece_and_no_more(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    worn = true;
    shed_steps = 1;
    for (int i = 0; i < 100; i++)
        isolate_pool_return(
            take(pool, "t/f", "v1", i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_DISCARDED),
            ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 64);
    while (isolate_pool_shed(pool))
        ;
    assert_int_equal(isolates_alive, 0);
    free_pool(pool);
}

static void a_pool_that_ends_frees_what_is_left_at_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    worn = true;
    shed_steps = 5;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_true(isolate_pool_shed(pool));
    assert_int_equal(isolates_alive, 1);
    free_pool(pool);
    assert_int_equal(isolates_alive, 0);
}

static void an_isolate_that_cannot_be_reset_is_freed(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *isolate = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    reset_fails = true;
    isolate_pool_return(isolate, ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).warm, 0);
    free_pool(pool);
}

static void a_second_request_at_once_finds_the_pool_empty(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *a = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    assert_int_equal(isolate_pool_stats(pool).in_use, 2);
    isolate_pool_return(a, ISOLATE_FINISHED);
    isolate_pool_return(b, ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    free_pool(pool);
}

static void a_new_version_drops_the_old_and_what_is_in_use_follows(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *used = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *warm = take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    isolate_pool_return(warm, ISOLATE_FINISHED);
    struct isolate *fresh = take(pool, "t/f", "v2", ISOLATE_START_NEW_VERSION);
    assert_int_equal(isolates_alive, 2);
    assert_int_equal(artifacts_alive, 2);
    isolate_pool_return(used, ISOLATE_FINISHED); /* of v1: must not become warm */
    assert_int_equal(isolates_alive, 1);
    assert_int_equal(artifacts_alive, 1);
    isolate_pool_return(fresh, ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    free_pool(pool);
}

static void an_artifact_whose_file_is_gone_is_dropped_at_the_next_generation(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 100);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    artifacts_are_gone = true;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    generation++;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    assert_int_equal(opens, 2);
    assert_int_equal(artifacts_alive, 1);
    artifacts_are_gone = false;
    generation++;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    free_pool(pool);
}

static void a_function_older_than_the_pool_starts_after_a_restart(void **state)
{
    (void)state;
    struct isolate_pool *pool;
    struct isolate_pool_options options = {.per_function_max = 1,
                                           .per_tenant_max = 1,
                                           .total_max = 1,
                                           .idle_max_ns = SECOND,
                                           .began_ns = 5 * SECOND,
                                           .clock = &fake_clock};
    assert_int_equal(isolate_pool_create(&options, &pool), STATUS_OK);
    function_created_ns = 5 * SECOND - 1;
    isolate_pool_return(take(pool, "t/old", "v1", ISOLATE_START_RESTART), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/old", "v2", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    function_created_ns = 5 * SECOND;
    isolate_pool_return(take(pool, "t/new", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    function_created_ns = 0;
    isolate_pool_free(pool);
}

static void the_warm_list_of_a_function_is_bounded(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(2, 16);
    struct isolate *taken[5];
    for (int i = 0; i < 5; i++)
        taken[i] = take(pool, "t/f", "v1",
                        i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 5; i++)
        isolate_pool_return(taken[i], ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    assert_int_equal(isolates_alive, 2);
    free_pool(pool);
}

static void the_least_recently_used_function_is_evicted_when_the_pool_is_full(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 3);
    char name[16];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        isolate_pool_return(take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(isolates_alive, 3);
    assert_int_equal(artifacts_alive, 3); /* the evicted ones are unmapped as well */
    assert_int_equal(isolate_pool_stats(pool).evicted, 2);
    isolate_pool_return(take(pool, "t/f4", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/f0", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/f2", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/f4", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    free_pool(pool);
}

static void functions_in_use_are_passed_over_by_eviction(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 1);
    struct isolate *used = take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST);
    isolate_pool_return(take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/c", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 2);
    isolate_pool_return(used, ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 1);
    free_pool(pool);
}

static void what_is_idle_too_long_is_swept(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *a = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    isolate_pool_return(a, ISOLATE_FINISHED);
    now_ns += 30 * SECOND;
    isolate_pool_return(b, ISOLATE_FINISHED);
    now_ns += 31 * SECOND;
    isolate_pool_sweep(pool);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    now_ns += 30 * SECOND;
    isolate_pool_sweep(pool);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(artifacts_alive, 0);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    free_pool(pool);
}

static void surplus_of_a_busy_function_is_trimmed_without_a_sweep(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *taken[3];
    for (int i = 0; i < 3; i++)
        taken[i] = take(pool, "t/f", "v1",
                        i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 3; i++)
        isolate_pool_return(taken[i], ISOLATE_FINISHED);
    now_ns += 61 * SECOND;
    for (int i = 0; i < 5; i++)
        isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    free_pool(pool);
}

static void a_missing_artifact_changes_nothing(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate_key key = {bytes_of_text("t/f"), bytes_of_text("v1")};
    struct isolate_start start;
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    bool missing = true;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){open_artifact, &missing},
                                           &report, &start, &isolate),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "not there");
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    free_pool(pool);
}

static void an_isolate_that_cannot_be_made_leaves_nothing_mapped(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate_key key = {bytes_of_text("t/f"), bytes_of_text("v1")};
    struct isolate_start start;
    struct isolate *isolate;
    create_fails = true;
    assert_int_equal(isolate_pool_checkout(pool, &key, (struct isolate_opener){open_artifact, NULL},
                                           NULL, &start, &isolate),
                     STATUS_NO_MEMORY);
    assert_int_equal(artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).in_use, 0);
    free_pool(pool);
}

static void a_forgotten_function_goes_when_its_last_isolate_comes_back(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    struct isolate *used = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    isolate_pool_forget(pool, bytes_of_text("t/f"));
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    isolate_pool_return(used, ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 0);
    isolate_pool_forget(pool, bytes_of_text("t/none"));
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    free_pool(pool);
}

/* ---- memory that is kept by choice ----------------------------------------------------------- */

static struct isolate *
take_reusing(struct isolate_pool *pool, const char *version, struct isolate_reuse reuse)
{
    struct isolate_key key = {
        .function = bytes_of_text("t/f"), .version = bytes_of_text(version), .reuse = reuse};
    struct isolate_start start;
    struct isolate *isolate;
    assert_int_equal(isolate_pool_checkout(pool, &key, (struct isolate_opener){open_artifact, NULL},
                                           NULL, &start, &isolate),
                     STATUS_OK);
    return isolate;
}

static void memory_is_kept_for_as_many_requests_as_the_function_chose(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    const struct isolate_reuse reuse = {.requests_max = 3};
    for (int i = 1; i <= 9; i++) {
        isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
        assert_int_equal(resets, i / 3);
        assert_int_equal(host_resets, i - i / 3); /* the host forgets every request */
    }
    free_pool(pool);
}

static void memory_is_kept_for_as_long_as_the_function_chose(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    const struct isolate_reuse reuse = {.age_max_ns = 10 * SECOND};
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    now_ns += 9 * SECOND;
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    assert_int_equal(resets, 0);
    now_ns += 2 * SECOND; /* passes while the isolate waits: no request may find it */
    struct isolate *isolate = take_reusing(pool, "v1", reuse);
    assert_int_equal(resets, 1);
    now_ns += 11 * SECOND; /* passes while it works */
    isolate_pool_return(isolate, ISOLATE_GOES_ON);
    assert_int_equal(resets, 2);
    free_pool(pool);
}

static void memory_is_pristine_without_that_choice_and_when_it_is_taken_back(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    const struct isolate_reuse pristine[] = {{0, 0}, {1, 0}};
    const struct isolate_reuse reuse = {.requests_max = 100};
    isolate_pool_return(take_reusing(pool, "v1", pristine[0]), ISOLATE_GOES_ON);
    isolate_pool_return(take_reusing(pool, "v1", pristine[1]), ISOLATE_GOES_ON);
    assert_int_equal(resets, 2);
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    assert_int_equal(resets, 2);
    struct isolate *isolate = take_reusing(pool, "v1", pristine[0]);
    assert_int_equal(resets, 3);
    isolate_pool_return(isolate, ISOLATE_GOES_ON);
    free_pool(pool);
}

static void memory_is_never_kept_after_a_fault_an_exit_or_a_deploy(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    const struct isolate_reuse reuse = {.requests_max = 100};
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_DISCARDED);
    assert_int_equal(isolates_alive, 0);
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_FINISHED);
    assert_int_equal(resets, 1);
    struct isolate *old = take_reusing(pool, "v1", reuse);
    struct isolate *new = take_reusing(pool, "v2", reuse);
    isolate_pool_return(old, ISOLATE_GOES_ON);
    assert_int_equal(isolates_alive, 1);
    isolate_pool_return(new, ISOLATE_GOES_ON);
    free_pool(pool);
}

static void kept_memory_that_cannot_be_reset_in_time_is_freed(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    const struct isolate_reuse reuse = {.age_max_ns = SECOND};
    isolate_pool_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    now_ns += 2 * SECOND;
    reset_fails = true;
    struct isolate *isolate = take_reusing(pool, "v1", reuse);
    assert_int_equal(isolates_alive, 1);
    assert_int_equal(isolate->served, 0);
    isolate_pool_return(isolate, ISOLATE_DISCARDED);
    free_pool(pool);
}

/* ---- tenants --------------------------------------------------------------------------------- */

static void a_tenant_over_its_bound_loses_its_own_oldest_and_nobody_elses(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_bounded_pool(4, 3, 100);
    char name[16];
    isolate_pool_return(take(pool, "quiet/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "loud/f%d", i);
        isolate_pool_return(take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(isolate_pool_stats(pool).warm, 4);
    assert_int_equal(isolate_pool_stats(pool).evicted, 7);
    isolate_pool_return(take(pool, "quiet/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "loud/f7", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "loud/f6", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "loud/f7", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_forget(pool, bytes_of_text("loud/f7"));
    free_pool(pool);
}

static void a_tenants_own_bound_holds_from_its_next_request_on(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_bounded_pool(4, 3, 100);
    tenant_warm_max = 5;
    char name[16];
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "loud/f%d", i);
        isolate_pool_return(take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(isolate_pool_stats(pool).warm, 5);
    tenant_warm_max = 1;
    isolate_pool_return(take(pool, "loud/f5", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    tenant_warm_max = 0;
    isolate_pool_return(take(pool, "loud/f5", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "loud/f4", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    free_pool(pool);
}

/* ---- ahead of requests ----------------------------------------------------------------------- */

static void what_a_fault_took_is_replaced_in_an_idle_turn(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    assert_false(isolate_pool_prepare(pool)); /* nothing for functions that nobody called */
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_true(isolate_pool_prepare(pool));
    assert_false(isolate_pool_prepare(pool));
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).prepared, 1);
    free_pool(pool);
}

static void no_more_is_prepared_than_was_in_use_at_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 16);
    struct isolate *taken[3];
    for (int i = 0; i < 3; i++)
        taken[i] = take(pool, "t/f", "v1",
                        i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    assert_false(isolate_pool_prepare(pool)); /* all that is wanted is there */
    for (int i = 0; i < 3; i++)
        isolate_pool_return(taken[i], ISOLATE_DISCARDED);
    while (isolate_pool_prepare(pool))
        ;
    assert_int_equal(isolate_pool_stats(pool).warm, 3);
    free_pool(pool);
}

static void a_peak_is_forgotten_after_a_while(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 16);
    struct isolate *taken[8];
    for (int i = 0; i < 8; i++)
        taken[i] = take(pool, "t/f", "v1",
                        i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 8; i++)
        isolate_pool_return(taken[i], ISOLATE_DISCARDED);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    for (int i = 0; i < 2; i++) {
        now_ns += 11 * SECOND;
        isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    }
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_DISCARDED);
    while (isolate_pool_prepare(pool))
        ;
    assert_int_equal(isolate_pool_stats(pool).warm, 2); /* eight, halved twice */
    free_pool(pool);
}

static void nothing_is_prepared_beyond_the_bounds_or_for_what_is_gone(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 1);
    struct isolate *a = take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST);
    isolate_pool_return(a, ISOLATE_DISCARDED); /* wanted, while there is room */
    isolate_pool_return(b, ISOLATE_FINISHED);
    assert_false(isolate_pool_prepare(pool));
    isolate_pool_return(take(pool, "t/b", "v1", ISOLATE_START_WARM), ISOLATE_DISCARDED);
    isolate_pool_forget(pool, bytes_of_text("t/b"));
    assert_false(isolate_pool_prepare(pool));
    assert_int_equal(isolates_alive, 0);
    free_pool(pool);
}

static void many_functions_keep_their_isolates_apart(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 100000);
    static struct isolate *owners[3000];
    char name[16];
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "t%d/f", i);
        owners[i] = take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST);
        isolate_pool_return(owners[i], ISOLATE_FINISHED);
    }
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "t%d/f", i);
        struct isolate *isolate = take(pool, name, "v1", ISOLATE_START_WARM);
        assert_ptr_equal(isolate, owners[i]);
        isolate_pool_return(isolate, ISOLATE_FINISHED);
    }
    free_pool(pool);
}

static void an_idle_isolate_makes_room_for_one_that_cannot_be_made(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 100);
    slots = 2;
    isolate_pool_return(take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    struct isolate *c = take(pool, "t/c", "v1", ISOLATE_START_FIRST_REQUEST);
    assert_int_equal(isolate_pool_stats(pool).evicted, 1);
    struct isolate *b = take(pool, "t/b", "v1", ISOLATE_START_WARM);
    /* Both are in use: there is nothing to give up. */
    struct isolate_key key = {.function = bytes_of_text("t/d"), .version = bytes_of_text("v1")};
    struct report report = REPORT_INIT;
    struct isolate_start start;
    struct isolate *d;
    assert_int_equal(isolate_pool_checkout(pool, &key, (struct isolate_opener){open_artifact, NULL},
                                           &report, &start, &d),
                     STATUS_NO_MEMORY);
    assert_string_equal(report.text, "no slot");
    isolate_pool_return(b, ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/d", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    isolate_pool_return(c, ISOLATE_FINISHED);
    free_pool(pool);
}

/* ---- ahead of first requests ----------------------------------------------------------------- */

static bool renew(struct isolate_pool *pool, const char *function, const char *version)
{
    struct isolate_key key = {.function = bytes_of_text(function),
                              .version = bytes_of_text(version),
                              .created_ns = function_created_ns,
                              .tenant_warm_max = tenant_warm_max,
                              .generation = generation};
    return isolate_pool_renew(pool, &key, (struct isolate_opener){open_artifact, NULL});
}

static struct isolate_pool *make_pool_with_ahead(uint32_t total)
{
    struct isolate_pool *pool;
    struct isolate_pool_options options = {
        .per_function_max = 8,
        .per_tenant_max = total,
        .total_max = total,
        .idle_max_ns = 60 * SECOND,
        .ahead_max_ns = 10 * SECOND,
        .clock = &fake_clock,
    };
    free_pool(make_pool(1, 1)); /* counters to zero */
    assert_int_equal(isolate_pool_create(&options, &pool), STATUS_OK);
    return pool;
}

static void the_first_request_after_a_deploy_is_warm(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(100);
    assert_true(renew(pool, "t/f", "v1"));
    assert_int_equal(isolates_alive, 1);
    assert_false(renew(pool, "t/f", "v1")); /* it is there already */
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_true(renew(pool, "t/f", "v2"));
    assert_int_equal(isolates_alive, 1);
    assert_int_equal(artifacts_alive, 1);
    isolate_pool_return(take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).prepared, 2);
    /* It was used: it stays as long as any other. */
    now_ns += 11 * SECOND;
    isolate_pool_sweep(pool);
    isolate_pool_return(take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    free_pool(pool);
}

static void what_was_made_ahead_and_nobody_called_leaves_nothing(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(100);
    assert_true(renew(pool, "t/f", "v1"));
    now_ns += 9 * SECOND;
    isolate_pool_sweep(pool);
    assert_int_equal(isolates_alive, 1);
    now_ns += 2 * SECOND;
    isolate_pool_sweep(pool);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    free_pool(pool);
}

static void a_known_functions_start_is_explained_as_if_nothing_had_been_made_ahead(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(100);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    assert_true(renew(pool, "t/f", "v2"));
    now_ns += 11 * SECOND;
    isolate_pool_sweep(pool);
    assert_int_equal(isolates_alive, 0);
    assert_int_equal(artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).functions, 1);
    isolate_pool_return(take(pool, "t/f", "v2", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    free_pool(pool);
}

static void a_mass_deploy_holds_few_isolates_and_evicts_nobodys(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(70);
    for (int i = 0; i < 70; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "u/f%d", i);
        isolate_pool_return(take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_false(renew(pool, "t/new", "v1")); /* the pool is full */
    assert_int_equal(isolate_pool_stats(pool).functions, 70);
    free_pool(pool);
    pool = make_pool_with_ahead(1000);
    for (int i = 0; i < 500; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        assert_true(renew(pool, name, "v1"));
    }
    assert_int_equal(isolates_alive, 64);
    assert_int_equal(isolate_pool_stats(pool).functions, 64);
    isolate_pool_return(take(pool, "t/f499", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_return(take(pool, "t/f0", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    free_pool(pool);
}

static void a_busy_function_gets_as_many_of_its_new_version_as_it_used(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(100);
    struct isolate *first = take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *second = take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    struct isolate *third = take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    isolate_pool_return(second, ISOLATE_FINISHED);
    isolate_pool_return(third, ISOLATE_FINISHED);
    assert_true(renew(pool, "t/f", "v2")); /* with one of v1 still at work */
    assert_true(isolate_pool_prepare(pool));
    assert_false(isolate_pool_prepare(pool));
    isolate_pool_return(first, ISOLATE_FINISHED);
    assert_int_equal(isolates_alive, 2);
    first = take(pool, "t/f", "v2", ISOLATE_START_WARM);
    second = take(pool, "t/f", "v2", ISOLATE_START_WARM);
    isolate_pool_return(first, ISOLATE_FINISHED);
    isolate_pool_return(second, ISOLATE_FINISHED);
    free_pool(pool);
}

static void what_cannot_be_made_ahead_is_left_to_the_first_request(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool_with_ahead(100);
    create_fails = true;
    assert_false(renew(pool, "t/f", "v1"));
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    assert_int_equal(artifacts_alive, 0);
    create_fails = false;
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    free_pool(pool);
    pool = make_pool(8, 100); /* ahead_max_ns 0: nothing is */
    assert_false(renew(pool, "t/f", "v1"));
    assert_int_equal(isolates_alive, 0);
    free_pool(pool);
}

static void an_isolate_that_waits_gives_its_pages_back_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 16);
    struct isolate *isolates[6];
    for (int i = 0; i < 6; i++)
        isolates[i] = take(pool, "t/f", "v1",
                           i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 6; i++)
        isolate_pool_return(isolates[i], ISOLATE_FINISHED);
    assert_false(isolate_pool_trim(pool)); /* too early */
    now_ns += 2 * SECOND;
    while (isolate_pool_trim(pool))
        ;
    assert_int_equal(trims, 6);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    now_ns += 2 * SECOND;
    while (isolate_pool_trim(pool))
        ;
    assert_int_equal(trims, 7); /* only the one that was used since */
    assert_int_equal(isolate_pool_stats(pool).trimmed, 7);
    free_pool(pool);
}

static void trimming_stops_for_the_turn_when_one_took_long(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(8, 16);
    struct isolate *isolates[3];
    for (int i = 0; i < 3; i++)
        isolates[i] = take(pool, "t/f", "v1",
                           i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 3; i++)
        isolate_pool_return(isolates[i], ISOLATE_FINISHED);
    now_ns += 2 * SECOND;
    trim_takes_ns = SECOND / 1000;
    for (int turn = 1; turn <= 3; turn++) {
        assert_true(isolate_pool_trim(pool));
        assert_int_equal(trims, turn);
    }
    assert_false(isolate_pool_trim(pool));
    free_pool(pool);
}

static void an_isolate_that_cannot_be_mapped_again_is_given_up(void **state)
{
    (void)state;
    struct isolate_pool *pool = make_pool(4, 16);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    now_ns += 2 * SECOND;
    trim_fails = true;
    assert_true(isolate_pool_trim(pool));
    assert_int_equal(isolates_alive, 0);
    isolate_pool_return(take(pool, "t/f", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    free_pool(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isolate_that_came_back_is_warm_and_was_reset),
        cmocka_unit_test(an_isolate_that_faulted_is_freed_and_never_reset),
        cmocka_unit_test(an_isolate_that_wrote_too_much_is_freed_piece_by_piece),
        cmocka_unit_test(so_many_are_freed_piece_by_piece_and_no_more),
        cmocka_unit_test(a_pool_that_ends_frees_what_is_left_at_once),
        cmocka_unit_test(an_isolate_that_cannot_be_reset_is_freed),
        cmocka_unit_test(a_second_request_at_once_finds_the_pool_empty),
        cmocka_unit_test(a_new_version_drops_the_old_and_what_is_in_use_follows),
        cmocka_unit_test(a_function_older_than_the_pool_starts_after_a_restart),
        cmocka_unit_test(an_artifact_whose_file_is_gone_is_dropped_at_the_next_generation),
        cmocka_unit_test(the_warm_list_of_a_function_is_bounded),
        cmocka_unit_test(the_least_recently_used_function_is_evicted_when_the_pool_is_full),
        cmocka_unit_test(functions_in_use_are_passed_over_by_eviction),
        cmocka_unit_test(what_is_idle_too_long_is_swept),
        cmocka_unit_test(surplus_of_a_busy_function_is_trimmed_without_a_sweep),
        cmocka_unit_test(a_missing_artifact_changes_nothing),
        cmocka_unit_test(an_isolate_that_cannot_be_made_leaves_nothing_mapped),
        cmocka_unit_test(a_forgotten_function_goes_when_its_last_isolate_comes_back),
        cmocka_unit_test(memory_is_kept_for_as_many_requests_as_the_function_chose),
        cmocka_unit_test(memory_is_kept_for_as_long_as_the_function_chose),
        cmocka_unit_test(memory_is_pristine_without_that_choice_and_when_it_is_taken_back),
        cmocka_unit_test(memory_is_never_kept_after_a_fault_an_exit_or_a_deploy),
        cmocka_unit_test(kept_memory_that_cannot_be_reset_in_time_is_freed),
        cmocka_unit_test(a_tenant_over_its_bound_loses_its_own_oldest_and_nobody_elses),
        cmocka_unit_test(a_tenants_own_bound_holds_from_its_next_request_on),
        cmocka_unit_test(what_a_fault_took_is_replaced_in_an_idle_turn),
        cmocka_unit_test(no_more_is_prepared_than_was_in_use_at_once),
        cmocka_unit_test(a_peak_is_forgotten_after_a_while),
        cmocka_unit_test(nothing_is_prepared_beyond_the_bounds_or_for_what_is_gone),
        cmocka_unit_test(many_functions_keep_their_isolates_apart),
        cmocka_unit_test(an_idle_isolate_makes_room_for_one_that_cannot_be_made),
        cmocka_unit_test(the_first_request_after_a_deploy_is_warm),
        cmocka_unit_test(what_was_made_ahead_and_nobody_called_leaves_nothing),
        cmocka_unit_test(a_known_functions_start_is_explained_as_if_nothing_had_been_made_ahead),
        cmocka_unit_test(a_mass_deploy_holds_few_isolates_and_evicts_nobodys),
        cmocka_unit_test(a_busy_function_gets_as_many_of_its_new_version_as_it_used),
        cmocka_unit_test(an_isolate_that_waits_gives_its_pages_back_once),
        cmocka_unit_test(trimming_stops_for_the_turn_when_one_took_long),
        cmocka_unit_test(an_isolate_that_cannot_be_mapped_again_is_given_up),
        cmocka_unit_test(what_cannot_be_made_ahead_is_left_to_the_first_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
