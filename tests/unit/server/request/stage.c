/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The others, as simple as they can be.
 */
#include "tests/unit/server/request/stage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

bool stage_seen[REQUEST_STATE_COUNT][REQUEST_STATE_COUNT];

static struct stage *stage_of(const struct request *request)
{
    return CONTAINER_OF(request->service, struct stage, service);
}

static struct stage *stage_of_isolate(const struct isolate *isolate)
{
    return (struct stage *)(uintptr_t)isolate;
}

void stage_look(struct stage *stage)
{
    for (uint32_t i = 0; i < STAGE_REQUESTS; i++) {
        enum request_state state = stage->requests[i].state;
        if (stage->looked[i] != state)
            stage_seen[stage->looked[i]][state] = true;
        stage->looked[i] = state;
        bool has_isolate = request_state_rows[state].isolate;
        assert_true(has_isolate == (stage->requests[i].isolate != NULL));
    }
}

static struct {
    int pipe[2];
    int stderr_fd;
    char text[STAGE_LOG_BYTES];
    struct record_ring *ring; /* of the stage that is set up */
    struct record_reader reader;
} stage_log = {.pipe = {-1, -1}, .stderr_fd = -1};

/* ---- names ----------------------------------------------------------------------------------- */

static struct stage *stage_of_other; /* its function is in no stage */

static enum status stage_find(void *context,
                              const struct route_target *target,
                              struct report *report,
                              struct directory_function **ret_function)
{
    struct stage *stage = context;
    assert_string_equal(target->tenant.text, "acme");
    bool is_other = stage->is_other || strcmp(target->function.text, "other") == 0;
    if (!is_other)
        assert_string_equal(target->function.text, "hello");
    enum status status = stage->finds++ == 0 || stage->find_status != STATUS_OK
                             ? stage->find_status
                             : stage->find_status_later;
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "said the stage");
    stage->found++;
    stage->now_ns += stage->find_takes_ns;
    *ret_function = is_other ? stage->other : &stage->function;
    return STATUS_OK;
}

/* Hosts have no routes here, but `stage->host`. */
static enum status stage_find_host(void *context,
                                   struct bytes authority,
                                   struct report *report,
                                   const struct deploy_host **ret_host)
{
    const struct stage *stage = context;
    if (stage->host == NULL || !bytes_equal_text(authority, "routed.example"))
        return STATUS_NOT_FOUND;
    *ret_host = stage->host;
    return stage->find_status == STATUS_OK
               ? STATUS_OK
               : report_fail(report, stage->find_status, REPORT_OFFSET_NONE, "said the stage");
}

/* Whoever is found and whoever is kept is to be released as often. */
static void stage_retain(struct directory_function *function)
{
    CONTAINER_OF(function, struct stage, function)->found++;
}

static void stage_release(struct directory_function *function)
{
    if (function == NULL)
        return;
    if (stage_of_other != NULL && function == stage_of_other->other)
        stage_of_other->released++;
    else
        CONTAINER_OF(function, struct stage, function)->released++;
}

static uint64_t stage_generation(void *context)
{
    return ((const struct stage *)context)->generation;
}

/* ---- isolates -------------------------------------------------------------------------------- */

static enum status stage_checkout(void *context,
                                  const struct directory_function *function,
                                  struct report *report,
                                  struct isolate_start *ret_start,
                                  struct isolate **ret_isolate)
{
    struct stage *stage = context;
    assert_true(function == &stage->function || function == stage->other);
    stage_look(stage);
    stage->checkouts++;
    if (stage->checkout_status != STATUS_OK)
        return report_fail(report, stage->checkout_status, REPORT_OFFSET_NONE, "said the stage");
    stage->in_use++;
    *ret_start = (struct isolate_start){.reason = stage->reason};
    *ret_isolate = (struct isolate *)(void *)stage;
    return STATUS_OK;
}

static void stage_give_back(struct isolate *isolate, enum isolate_end end, uint64_t now_ns)
{
    struct stage *stage = stage_of_isolate(isolate);
    assert_int_equal(now_ns, stage->now_ns);
    assert_true(stage->in_use > 0);
    stage->in_use--;
    stage->last_end = end;
}

static void stage_rebuild(void *context,
                          const struct directory_function *function,
                          enum status why,
                          const struct report *report)
{
    struct stage *stage = context;
    assert_ptr_equal(function, &stage->function);
    assert_int_equal(why, stage->checkout_status);
    assert_string_equal(report->text, "said the stage");
    stage->rebuilds++;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct stage *stage_of_yield; /* who has to give way is asked of a tenant that is nobody */

static struct isolate_tenant *stage_find_memory(void *context, struct bytes tenant)
{
    assert_true(bytes_equal_text(tenant, "acme"));
    stage_of_yield = context;
    return NULL;
}

static bool stage_must_yield(struct isolate_tenant *tenant)
{
    assert_null(tenant);
    return stage_of_yield->must_yield;
}

static bool stage_measure(struct isolate *isolate)
{
    struct stage *stage = stage_of_isolate(isolate);
    stage->measures++;
    return stage->grows;
}

/* ---- guests ---------------------------------------------------------------------------------- */

static enum guest_step stage_guest_begin(struct isolate *isolate,
                                         struct http_exchange *http,
                                         struct guest_result *ret_result)
{
    struct stage *stage = stage_of_isolate(isolate);
    assert_true(bytes_equal_text(http->tenant, "acme"));
    assert_true(bytes_equal_text(http->function, "hello"));
    assert_true(bytes_equal_text(http->uri, "/"));
    stage_look(stage);
    stage->http = http;
    *ret_result = stage->result;
    return stage->begin_step;
}

static enum guest_step
stage_guest_run(struct isolate *isolate, int64_t fuel, struct guest_result *ret_result)
{
    struct stage *stage = stage_of_isolate(isolate);
    assert_true(fuel > 0);
    stage_look(stage);
    stage->now_ns += STAGE_RUN_NS;
    stage->fuel_used += MIN((uint64_t)fuel, (uint64_t)STAGE_RUN_FUEL);
    *ret_result = stage->result;
    static const uint8_t zeros[STAGE_WRITE_MAX];
    assert_int_equal(buffer_append(&stage->http->response_body, zeros, stage->write_bytes),
                     STATUS_OK);
    uint32_t step = stage->steps_taken++;
    return stage->steps[MIN(step, stage->step_count - 1)];
}

static uint64_t stage_guest_fuel_used(const struct isolate *isolate)
{
    return stage_of_isolate(isolate)->fuel_used;
}

static uint32_t stage_guest_backtrace(const struct isolate *isolate,
                                      struct engine_frame_info *ret_frames,
                                      uint32_t max)
{
    (void)isolate;
    assert_true(max >= 2);
    ret_frames[0] = (struct engine_frame_info){.func_index = 7, .offset = 0x1f};
    ret_frames[1] = (struct engine_frame_info){
        .func_name = bytes_of_text("_ZN5hello4main17h0123456789abcdefE")};
    return 2;
}

static enum guest_step
stage_guest_returned(struct isolate *isolate, bool is_error, struct guest_result *ret_result)
{
    struct stage *stage = stage_of_isolate(isolate);
    stage->returns++;
    stage->errors += is_error;
    *ret_result = stage->result;
    return stage->return_step;
}

static const struct guest_ops stage_guests = {
    .returned = stage_guest_returned,
    .begin = stage_guest_begin,
    .run = stage_guest_run,
    .fuel_used = stage_guest_fuel_used,
    .backtrace = stage_guest_backtrace,
};

/* ---- the carrier and the clock --------------------------------------------------------------- */

static void stage_send(struct request *request)
{
    struct stage *stage = stage_of(request);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    stage_look(stage);
    stage->sent++;
}

static bool stage_has_room(const struct request *request, uint64_t body_bytes)
{
    (void)body_bytes;
    return !stage_of(request)->is_full;
}

static bool stage_client_gone(const struct request *request)
{
    struct stage *stage = stage_of(request);
    stage->gone_checks++;
    return stage->client_gone;
}

static bool stage_watch(struct request *request)
{
    struct stage *stage = stage_of(request);
    stage->watches++;
    return !stage->is_unwatchable;
}

static void stage_write(struct request *request, struct bytes piece, bool is_last)
{
    struct stage *stage = stage_of(request);
    uint32_t index = (uint32_t)(request - stage->requests);
    stage_look(stage);
    assert_true(request->stream.begun);
    assert_int_equal(is_last, request->state == REQUEST_ANSWERED);
    assert_false(stage->in_flight[index]);
    stage->in_flight[index] = !is_last;
    stage->pieces++;
    stage->piece_bytes = piece.count;
    stage->taken_bytes += piece.count;
    if (is_last)
        stage->sent++;
}

static void stage_cut(struct request *request, bool at_once)
{
    struct stage *stage = stage_of(request);
    stage->cut_at_once = at_once;
    assert_int_equal(request->state, REQUEST_ANSWERED);
    stage_look(stage);
    stage->cuts++;
}

static uint64_t stage_taken_bytes(const struct request *request)
{
    return stage_of(request)->taken_bytes;
}

void stage_take(struct stage *stage, uint32_t index)
{
    assert_true(stage->in_flight[index]);
    stage->in_flight[index] = false;
    request_sent(&stage->requests[index]);
    stage_look(stage);
}

static const struct request_carrier stage_carrier = {
    .send = stage_send,
    .write = stage_write,
    .cut = stage_cut,
    .taken_bytes = stage_taken_bytes,
    .has_room = stage_has_room,
    .client_gone = stage_client_gone,
    .watch = stage_watch,
};

static uint64_t stage_now(void *context)
{
    return ((struct stage *)context)->now_ns;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void stage_set_limits(struct config_limits *limits)
{
    *limits = (struct config_limits){
        .fuel = STAGE_FUEL,
        .slice = STAGE_SLICE_US,
        .wall = STAGE_WALL_US,
        .headers = 4096,
        .response = 2 * REQUEST_SMALL_BYTES,
        .log = 4096,
        .log_rate = 16384,
        .concurrency = 1,
        .parked = STAGE_PLACES,
        .queue = 2,
        .queue_wait = STAGE_WAIT_US,
        .stream_buffer = STAGE_WRITE_MAX,
        .stream_wall = STAGE_STREAM_US,
        .stream_idle = STAGE_IDLE_US,
        .drain_grace = STAGE_GRACE_US,
    };
}

int stage_setup(void **state)
{
    static struct clock clock;
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->records = calloc(1, sizeof(*stage->records));
    assert_non_null(stage->records);
    stage_log.ring = stage->records;
    stage_log.reader = (struct record_reader){0};
    clock = (struct clock){.monotonic_ns = stage_now, .realtime_ns = stage_now, .context = stage};
    stage->now_ns = CLOCK_NS_PER_S;
    stage_set_limits(&stage->config.limits);
    stage->path = "/";
    stage->reason = ISOLATE_START_FIRST_REQUEST;
    stage->steps[0] = GUEST_FINISHED;
    stage->step_count = 1;
    stage->result.end = ISOLATE_GOES_ON;
    stage->tenant.name = bytes_of_text("acme");
    scheduler_tenant_init(&stage->tenant.schedule);
    stage->function = (struct directory_function){.references = 1,
                                                  .tenant = &stage->tenant,
                                                  .name = bytes_of_text("hello"),
                                                  .version = bytes_of_text("v3"),
                                                  .entry = {.tenant = "acme", .function = "hello"}};
    stage->other = calloc(1, sizeof(*stage->other));
    assert_non_null(stage->other);
    stage->other_tenant.name = stage->tenant.name;
    scheduler_tenant_init(&stage->other_tenant.schedule);
    *stage->other = (struct directory_function){.references = 1,
                                                .tenant = &stage->other_tenant,
                                                .name = bytes_of_text("hello"),
                                                .version = bytes_of_text("v1"),
                                                .entry = {.tenant = "acme", .function = "hello"}};
    stage_of_other = stage;
    stage->service = (struct request_service){
        .config = &stage->config,
        .clock = &clock,
        .metrics = &stage->metrics,
        .records = stage->records,
        .vitals = &stage->vitals,
        .quarantine = &stage->quarantine,
        .domain = bytes_of_text("test"),
        .guests = &stage_guests,
        .names = {.find = stage_find,
                  .find_host = stage_find_host,
                  .retain = stage_retain,
                  .release = stage_release,
                  .generation = stage_generation,
                  .context = stage},
        .isolates = {.checkout = stage_checkout,
                     .give_back = stage_give_back,
                     .rebuild = stage_rebuild,
                     .context = stage},
        .memory = {.find = stage_find_memory,
                   .must_yield = stage_must_yield,
                   .measure = stage_measure,
                   .context = stage},
    };
    assert_int_equal(directory_create(NULL, NULL, 1, &stage->service.directory), STATUS_OK);
    struct scheduler_options scheduling = {
        .clock = &clock, .slice_ns = STAGE_SLICE_US * CLOCK_NS_PER_US, .run = request_slice};
    scheduler_init(&stage->service.scheduler, &scheduling);
    world_init(&stage->service.world, request_wake, &stage->service.loop);
    stage->service.world.operations.gauges[OPERATION_FETCH] = &stage->metrics.operations_fetch;
    *state = stage;
    return 0;
}

/* Whatever a test did, nothing is left: no permit, no isolate, no timer, nobody in a queue. */
int stage_teardown(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < STAGE_REQUESTS; i++) {
        if (stage->requests[i].magic != 0)
            stage_end(stage, i);
    }
    directory_free(stage->service.directory);
    encoders_done(&stage->service.encoders);
    assert_int_equal(stage->function.references, 1);
    assert_int_equal(stage->other->references, 1);
    while (guest_log_turn(&stage->service))
        ;
    assert_int_equal(stage->service.guest_log.held_bytes, 0);
    assert_true(admission_is_idle(&stage->tenant.admission));
    assert_true(admission_is_idle(&stage->other_tenant.admission));
    assert_int_equal(stage->service.parking.taken, 0);
    assert_null(stage->service.parking.larger);
    assert_int_equal(stage->metrics.parked, 0);
    assert_int_equal(stage->metrics.operations_fetch, 0);
    assert_true(scheduler_idle(&stage->service.scheduler));
    assert_int_equal(timers_next_ns(&stage->service.timers), UINT64_MAX);
    assert_int_equal(stage->in_use, 0);
    assert_int_equal(stage->service.in_flight, 0);
    assert_int_equal(stage->metrics.in_flight, 0);
    assert_int_equal(stage->found, stage->released);
    timers_done(&stage->service.timers);
    world_done(&stage->service.world);
    stage_of_other = NULL;
    free(stage->other);
    free(stage->records);
    stage_log.ring = NULL;
    free(stage);
    return 0;
}

struct request *stage_begin(struct stage *stage, uint32_t index)
{
    struct request *request = &stage->requests[index];
    assert_true(request_init(request, &stage->service, &stage_carrier));
    stage->looked[index] = REQUEST_NEW;
    stage->finds = 0;
    request->http.method = bytes_of_text(stage->method != NULL ? stage->method : "GET");
    request->http.authority =
        bytes_of_text(stage->authority != NULL ? stage->authority : "hello.acme.test");
    request->path = bytes_of_text(stage->path);
    request_begin(request);
    stage_look(stage);
    return request;
}

void stage_end(struct stage *stage, uint32_t index)
{
    request_end(&stage->requests[index]);
    stage_look(stage);
}

void stage_turn(struct stage *stage, uint64_t at_ns)
{
    stage->now_ns = MAX(stage->now_ns, at_ns);
    timers_run(&stage->service.timers, stage->now_ns, 256);
    stage_look(stage);
    scheduler_turn(&stage->service.scheduler, 64);
    stage_look(stage);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* What guests log goes to control: lines of the ring, after those before. */
static size_t stage_log_read_ring(size_t count)
{
    struct record record;
    struct log_record head;
    struct bytes line;
    uint64_t budget = UINT64_MAX;
    if (stage_log.ring == NULL)
        return count;
    while (record_ring_read(stage_log.ring, &stage_log.reader, &budget, &record)) {
        if (record.type != RECORD_LINE)
            continue;
        assert_true(log_record_read(&record, "id", &head, &line));
        assert_true(line.count + 1 < STAGE_LOG_BYTES - count);
        memcpy(stage_log.text + count, line.data, line.count);
        count += line.count;
        stage_log.text[count++] = '\n';
    }
    return count;
}

void stage_log_begin(void)
{
    (void)stage_log_read_ring(0);
    assert_int_equal(pipe2(stage_log.pipe, O_CLOEXEC | O_NONBLOCK), 0);
    stage_log.stderr_fd = dup(STDERR_FILENO);
    assert_true(stage_log.stderr_fd >= 0);
    assert_true(dup2(stage_log.pipe[1], STDERR_FILENO) >= 0);
}

const char *stage_log_take(void)
{
    assert_true(dup2(stage_log.stderr_fd, STDERR_FILENO) >= 0);
    size_t count = 0;
    ssize_t got;
    while ((got = read(stage_log.pipe[0], stage_log.text + count, STAGE_LOG_BYTES - 1 - count)) > 0)
        count += (size_t)got;
    count = stage_log_read_ring(count);
    stage_log.text[count] = '\0';
    assert_int_equal(close(stage_log.pipe[0]), 0);
    assert_int_equal(close(stage_log.pipe[1]), 0);
    assert_int_equal(close(stage_log.stderr_fd), 0);
    return stage_log.text;
}

uint32_t stage_log_count(const char *log, const char *word)
{
    uint32_t count = 0;
    for (const char *line = log; *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *found = strstr(line, word);
        assert_non_null(end); /* lines are whole */
        if (found != NULL && found < end)
            count++;
        line = end + 1;
    }
    return count;
}
