/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's turns: what is done in them, and whether the loop may wait after one. The pool and
 * the news are fakes; what they are asked is noted.
 */
#include "server/request/request.h"
#include "tests/unit/server/request/stage.h"

static struct {
    bool more;  /* the pool has more to do */
    bool quiet; /* as it was told last */
    uint32_t idles;
    uint32_t news;
} asked;

/* ---- fakes ----------------------------------------------------------------------------------- */

bool isolate_pool_idle(struct isolate_pool *pool, uint64_t now_ns, bool quiet)
{
    (void)pool;
    (void)now_ns;
    asked.quiet = quiet;
    asked.idles++;
    return asked.more;
}

void isolates_take_news(struct isolates_queue *queue, const struct isolates_owner *owner)
{
    (void)owner;
    queue->count--;
    asked.news++;
}

enum status isolates_open_base(void *data_dir,
                               const uint8_t name[ENGINE_BASE_NAME_BYTES],
                               struct report *report,
                               int *ret_fd)
{
    (void)data_dir;
    (void)name;
    (void)report;
    (void)ret_fd;
    return STATUS_NOT_FOUND;
}

enum status isolates_checkout(struct isolates_owner *owner,
                              const struct directory_function *function,
                              struct report *report,
                              struct isolate_start *ret_start,
                              struct isolate **ret_isolate)
{
    (void)owner;
    (void)function;
    (void)report;
    (void)ret_start;
    (void)ret_isolate;
    return STATUS_NO_MEMORY;
}

void isolates_ask_rebuild(struct isolates_owner *owner,
                          const struct directory_function *function,
                          enum status why,
                          const struct report *report)
{
    (void)owner;
    (void)function;
    (void)why;
    (void)report;
}

enum status isolate_pool_create(const struct isolate_pool_options *options,
                                struct isolate_pool **ret_pool)
{
    (void)options;
    (void)ret_pool;
    return STATUS_NO_MEMORY;
}

void isolate_pool_free(struct isolate_pool *pool)
{
    (void)pool;
}

void isolate_pool_return(struct isolate *isolate, enum isolate_end end, uint64_t now_ns)
{
    (void)now_ns;
    (void)isolate;
    (void)end;
}

/* Lives with the pool. */
const char *isolate_start_reason_text(enum isolate_start_reason reason)
{
    return reason == ISOLATE_START_WARM ? "warm" : "cold";
}

struct isolate_pool_stats isolate_pool_stats(const struct isolate_pool *pool)
{
    (void)pool;
    return (struct isolate_pool_stats){.warm = 7, .evicted = 8};
}

const struct isolate_budget *isolate_pool_budget(const struct isolate_pool *pool)
{
    static const struct isolate_budget budget = {.kind_bytes = {[ISOLATE_BUDGET_HEAP] = 9}};
    (void)pool;
    return &budget;
}

struct isolate_tenant *isolate_pool_tenant(struct isolate_pool *pool, struct bytes name)
{
    (void)pool;
    (void)name;
    return NULL;
}

void isolate_tenant_unref(struct isolate_tenant *tenant)
{
    assert_null(tenant);
}

struct isolate_budget *isolate_tenant_budget(struct isolate_tenant *tenant)
{
    (void)tenant;
    return NULL;
}

bool isolate_tenant_must_yield(struct isolate_tenant *tenant)
{
    (void)tenant;
    return false;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void without_anything_to_do_the_loop_may_wait(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    assert_int_equal(request_service_turn(&stage->service), CLOCK_US_PER_S);
    assert_true(asked.quiet);
}

static void it_waits_for_the_next_timer_to_the_microsecond(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns + 7 * CLOCK_NS_PER_MS + STAGE_RUN_NS + 1;
    stage_begin(stage, 0);
    assert_int_equal(request_service_turn(&stage->service), 7001);
}

static void work_of_the_pool_keeps_the_loop_awake(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    asked.more = true;
    assert_int_equal(request_service_turn(&stage->service), 0);
}

static void while_something_runs_the_turn_is_not_quiet(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    stage->config.limits.fuel = UINT64_MAX / 2;
    stage->steps[0] = GUEST_RUNS;
    stage_begin(stage, 0);
    stage->service.news.count = 1;
    assert_int_equal(request_service_turn(&stage->service), 0);
    assert_false(asked.quiet);
    assert_int_equal(asked.idles, 1);
    assert_int_equal(asked.news, 0);
}

static void news_is_taken_in_the_first_turn_without_a_new_request(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    stage_begin(stage, 0);
    stage->service.news.count = 2;
    assert_int_equal(request_service_turn(&stage->service), 0);
    assert_int_equal(asked.news, 0);
    assert_int_equal(request_service_turn(&stage->service), 0);
    assert_int_equal(asked.news, 1);
    assert_int_equal(request_service_turn(&stage->service), 0);
    assert_int_equal(asked.news, 2);
    assert_int_equal(request_service_turn(&stage->service), CLOCK_US_PER_S);
}

static void what_the_pool_counts_is_shown_at_each_sweep(void **state)
{
    struct stage *stage = *state;
    stage->service.bases.native_refused = 2;
    request_service_sweep(&stage->service);
    assert_int_equal(stage->metrics.native_refused, 2);
    assert_int_equal(stage->metrics.pool_warm, 7);
    assert_int_equal(stage->metrics.pool_evicted, 8);
    assert_int_equal(stage->metrics.memory_heap_bytes, 9);
}

static void a_service_without_memory_is_none(void **state)
{
    struct stage *stage = *state;
    struct report report = REPORT_INIT;
    assert_int_equal(request_service_init(&stage->service, &report), STATUS_NO_MEMORY);
    assert_string_equal(report.text, "out of memory");
}

static void an_answer_is_followed_by_a_look_at_its_connection(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    stage->result.until_ns = stage->now_ns;
    stage_begin(stage, 0);
    assert_int_equal(request_service_turn(&stage->service), 0);
    assert_int_equal(stage->requests[0].state, REQUEST_ANSWERED);
    assert_int_equal(request_service_turn(&stage->service), CLOCK_US_PER_S);
}

static void lines_of_guests_keep_the_loop_awake_until_they_are_written(void **state)
{
    struct stage *stage = *state;
    memset(&asked, 0, sizeof(asked));
    stage->config.limits.log = stage->config.limits.log_rate = 1 << 20;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    struct request *request = stage_begin(stage, 0);
    for (int i = 0; i < 100; i++)
        http_exchange_log(&request->http, "info", bytes_of_text("a line"));
    stage_end(stage, 0);
    stage_log_begin();
    assert_int_equal(request_service_turn(&stage->service), 0);
    uint32_t turns = 1;
    while (request_service_turn(&stage->service) == 0)
        turns++;
    assert_int_equal(stage_log_count(stage_log_take(), "\"a line\""), 100);
    assert_true(turns >= 2 && turns < 10);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(without_anything_to_do_the_loop_may_wait),
        STAGED(it_waits_for_the_next_timer_to_the_microsecond),
        STAGED(work_of_the_pool_keeps_the_loop_awake),
        STAGED(while_something_runs_the_turn_is_not_quiet),
        STAGED(news_is_taken_in_the_first_turn_without_a_new_request),
        STAGED(what_the_pool_counts_is_shown_at_each_sweep),
        STAGED(a_service_without_memory_is_none),
        STAGED(an_answer_is_followed_by_a_look_at_its_connection),
        STAGED(lines_of_guests_keep_the_loop_awake_until_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
