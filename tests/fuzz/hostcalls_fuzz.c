/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a guest passes to whatever it may import, in any order and at any time of its
 * life, the host answers with a result of the call's family or ends the guest. It touches no byte
 * of memory that it has not asked for, changes none if it answers an error or parks the guest for
 * the first time, and parks only for what can come. What it keeps of a request stays what the
 * other side of HTTP may be sent, and within its limits.
 *
 *   | kind, memory, limits, world | steps: a call, memory.grow, time, the world's turn, the end |
 *
 * The calls are those of the families' own tables: a new one is driven without a line here. A guest
 * that is called back (hostapi_begin, _next) does nothing but make them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hostapi/exchange.h"
#include "hostapi/hostcalls.h"
#include "tests/fuzz/hostcalls_engine.h"
#include "tests/fuzz/hostcalls_world.h"
#include "tests/fuzz/run.h"

#define FUZZ_CALLS_MAX  200 /* of one input */
#define FUZZ_ROUNDS_MAX 200 /* in which a call that parked may be made again */
#define FUZZ_ARGUMENTS  16
#define FUZZ_NOW_NS     UINT64_C(1700000007000000456)
/* A request that has not come back by then is ended, as by its deadline. */
#define FUZZ_DEADLINE_NS    (UINT64_C(10) * CLOCK_NS_PER_S)
#define FUZZ_MEMORY_MAX     (UINT64_C(2) << 20)
#define FUZZ_WASI_ERRNO_MAX 76

struct fuzz {
    struct choices choices;
    struct config_limits limits;
    struct clock clock;
    uint64_t now_ns;
    struct engine_instance *instance;
    struct hostapi_host *host;
    struct fuzz_world world;
    struct http_exchange exchange;
    struct hostapi_variable variables[3];
    uint32_t calls;
    uint64_t result; /* of the last call */
    uint32_t handle; /* of the last that started something */
};

/* Of a call: where it is, and what family's errors it may answer. */
struct fuzz_func {
    const struct hostcalls_table *table;
    const struct hostcalls_row *row;
};

/* ---- the guest's memory ---------------------------------------------------------------------- */

/* What arguments point to, one after the other from 8 on: each is worth something to some call. */
#define FUZZ_POOL_AT 8
static const struct bytes fuzz_pool[] = {
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    TEXT("key"),
    TEXT("GREETING"),
    TEXT("content-length"),
    TEXT("x-a"),
    TEXT("12"),
    TEXT("a value\r\nx: y"),
    TEXT("POST"),
    TEXT("/path?x=%20"),
    TEXT("https://a.example/"),
    TEXT("user\0"
         "7\0"
         "b\0"
         "\xff\xfe\0"),
    TEXT("\xc3\x28\xf0\x9f\x98\0\x1f\x7f"),
    TEXT("Status: 201\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"),
    TEXT("/a/... x\n/b y\n"),
    /* iovecs: of the pool's beginning, of nothing, of the array itself */
    TEXT("\x08\0\0\0\x20\0\0\0"
         "\0\0\0\0\0\0\0\0"
         "\x08\x01\0\0\x18\0\0\0"),
    /* a subscription to a clock, and its twin of the older layout */
    TEXT("\1\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0"
         "\1\0\0\0\0\0\0\0"
         "\xff\xff\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0"),
    /* handles */
    TEXT("\0\0\0\0"
         "\x41\0\0\0"
         "\xff\xff\xff\xff"),
    /* arguments of cryptography */
    TEXT("\7\0\0\0SHA-256"
         "\3\0\0\0key"),
    TEXT("\7\0\0\0AES-GCM"
         "\1\0\0\0"
         "1"
         "\x10\0\0\0sixteen bytes..."
         "\4\0\0\0more"
         "\0\0\0\0"),
    TEXT("\5\0\0\0P-256"
         "\1\0\0\0"
         "0"),
#undef TEXT
};

static uint32_t fuzz_pool_address(uint32_t i)
{
    uint32_t address = FUZZ_POOL_AT;
    for (uint32_t k = 0; k < i; k++)
        address += (uint32_t)fuzz_pool[k].count;
    return address;
}

static void fuzz_fill_memory(struct engine_instance *instance)
{
    for (uint32_t i = 0; i < COUNT_OF(fuzz_pool); i++) {
        uint64_t address = fuzz_pool_address(i);
        if (instance->bytes >= address + fuzz_pool[i].count)
            memcpy(instance->memory + address, fuzz_pool[i].data, fuzz_pool[i].count);
    }
}

/* ---- arguments ------------------------------------------------------------------------------- */

static uint64_t fuzz_edge(const struct fuzz *fuzz, uint32_t which)
{
    const uint64_t edges[] = {
        fuzz->instance->bytes,
        UINT32_MAX,
        INT32_MAX,
        UINT64_MAX,
        (uint64_t)INT64_MAX,
        64,
        440,
        1024,
        65536,
        UINT64_C(1) << 20,
        UINT32_MAX / 8 + 1, /* times the bytes of an iovec: nothing */
        UINT32_MAX / 48 + 1,
        fuzz->limits.headers,
        fuzz->limits.response,
    };
    return edges[which % COUNT_OF(edges)];
}

static uint64_t fuzz_number(struct fuzz *fuzz)
{
    struct choices *choices = &fuzz->choices;
    switch (choose(choices, 8)) {
    case 0:
    case 1:
        return choose(choices, 8);
    case 2:
        return choose_byte(choices);
    case 3: {
        uint64_t edge = fuzz_edge(fuzz, choose_byte(choices));
        return edge + choose(choices, 4) - 2;
    }
    case 4: /* room at the end */
        return fuzz->instance->bytes - choose_byte(choices);
    case 5:
        return fuzz->result;
    case 6:
        return choose_bits(choices, 4);
    default:
        return choose_bits(choices, 8);
    }
}

/* Arguments that make sense to many calls are often a handle first, and texts and their lengths. */
static void fuzz_arguments(struct fuzz *fuzz, const char *signature, union engine_value *slots)
{
    uint32_t first = signature[0] == 'i' && choose(&fuzz->choices, 4) == 3;
    if (first == 1)
        slots[0].bits = fuzz->handle;
    for (uint32_t i = first; signature[i] != ':'; i++) {
        bool has_two = signature[i] == 'i' && signature[i + 1] == 'i';
        if (has_two && choose(&fuzz->choices, 2) == 0) {
            uint32_t text = choose(&fuzz->choices, COUNT_OF(fuzz_pool));
            slots[i++].bits = fuzz_pool_address(text);
            slots[i].bits = fuzz_pool[text].count;
            continue;
        }
        uint64_t number = fuzz_number(fuzz);
        slots[i].bits = signature[i] == 'i' ? (uint32_t)number : number;
    }
}

/* Numbers where the guest would have put them: arrays of iovecs, of handles, of subscriptions. */
static void fuzz_scribble(struct fuzz *fuzz)
{
    uint64_t address = fuzz_number(fuzz) % FUZZ_MEMORY_MAX;
    uint32_t count = choose(&fuzz->choices, 16);
    for (uint32_t i = 0; i < count; i++, address += sizeof(uint32_t)) {
        uint32_t number = (uint32_t)fuzz_number(fuzz);
        if (address + sizeof(number) <= fuzz->instance->bytes)
            memcpy(fuzz->instance->memory + address, &number, sizeof(number));
    }
}

/* ---- what must hold between calls ------------------------------------------------------------ */

static void fuzz_check_headers(const struct fuzz *fuzz, const struct http_headers *headers)
{
    ASSERT(headers->bytes <= fuzz->limits.headers && headers->count <= headers->capacity);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct http_header *row = &headers->rows[i];
        ASSERT(bytes_is_token(row->name) && bytes_is_field_value(row->value));
        bytes += row->name.count + row->value.count + 32;
    }
    ASSERT(bytes == headers->bytes);
}

static void fuzz_check_log(const struct http_exchange *exchange)
{
    ASSERT(exchange->log.count <= exchange->limits->log);
    for (size_t i = 0; i < exchange->log.count; i++) {
        uint8_t byte = exchange->log.data[i];
        ASSERT((byte >= ' ' && byte != 0x7f) || byte == '\n' || byte == '\t' ||
               byte == HTTP_LOG_FIELD);
    }
}

static void fuzz_check_exchange(const struct fuzz *fuzz)
{
    const struct http_exchange *exchange = &fuzz->exchange;
    fuzz_check_headers(fuzz, &exchange->request_headers);
    fuzz_check_headers(fuzz, &exchange->response_headers);
    fuzz_check_log(exchange);
    ASSERT(bytes_is_token(exchange->method));
    ASSERT(exchange->uri.count > 0 && exchange->uri.data[0] == '/');
    for (size_t i = 0; i < exchange->uri.count; i++)
        ASSERT(exchange->uri.data[i] > ' ' && exchange->uri.data[i] < 0x7f);
    ASSERT(exchange->request_body.count <= fuzz->limits.body);
    ASSERT(exchange->response_sent + exchange->response_body.count <= fuzz->limits.response);
    ASSERT(!exchange->response_begun || exchange->head_length == HTTP_LENGTH_UNKNOWN ||
           exchange->response_sent + exchange->response_body.count <= exchange->head_length);
}

/* Whose error is that? Those who have none answer false: they end the guest. */
static bool fuzz_is_error(const struct fuzz_func *func, uint64_t result)
{
    const char *module = func->table->module;
    const char *results = strchr(func->row->signature, ':') + 1;
    if (*results == '\0' || strcmp(module, "http_handler") == 0)
        return false;
    ASSERT(*results == 'I' || result <= UINT32_MAX);
    if (strcmp(module, "skerry") != 0) {
        ASSERT(result <= FUZZ_WASI_ERRNO_MAX);
        return result != 0;
    }
    int64_t number = *results == 'I' ? (int64_t)result : (int32_t)result;
#define ERROR(NAME, number_, text_)                                                                \
    if (number == (number_))                                                                       \
        return true;
#include "hostapi/skerry/errors.def"
    ASSERT(number >= 0);
    return false;
}

/* ---- the other side -------------------------------------------------------------------------- */

/* The server sends what there is of a response in pieces, or a part of it. */
static void fuzz_take_response(struct fuzz *fuzz)
{
    struct http_exchange *exchange = &fuzz->exchange;
    if (!http_exchange_streams(exchange))
        return;
    if (!exchange->response_begun) {
        bool fits = http_exchange_begin_response(exchange);
        if (!fits)
            exchange->response_body.count = 0;
    }
    exchange->flush_wanted = false;
    exchange->response_sent += exchange->response_body.count;
    exchange->response_body.count = 0;
}

static void fuzz_move_on(struct fuzz *fuzz)
{
    struct choices *choices = &fuzz->choices;
    fuzz_world_step(&fuzz->world);
    if (choose(choices, 2) == 0)
        fuzz_take_response(fuzz);
    fuzz->now_ns += choose(choices, 4) * choose_bits(choices, 4);
    hostapi_run_begins(fuzz->host);
}

/* All that a guest may wait for has come; false: it waits for more than its deadline. */
static bool fuzz_bring(struct fuzz *fuzz, const struct hostapi_waits *waits)
{
    ASSERT(waits->count > 0 && waits->count <= HOSTAPI_WAITS_MAX);
    bool is_event = hostapi_waits_for(waits, HOSTAPI_WAIT_EVENT);
    bool is_room = hostapi_waits_for(waits, HOSTAPI_WAIT_ROOM);
    uint64_t until_ns = hostapi_waits_until_ns(waits);
    if (is_event)
        ASSERT(fuzz_world_under_way(&fuzz->world) > 0);
    if (is_room)
        ASSERT(http_exchange_streams(&fuzz->exchange) && fuzz->exchange.response_body.count > 0);
    if (is_event || is_room) {
        fuzz_world_finish(&fuzz->world);
        fuzz_take_response(fuzz);
    } else {
        if (until_ns > fuzz->now_ns + FUZZ_DEADLINE_NS)
            return false;
        fuzz->now_ns = MAX(fuzz->now_ns, until_ns);
    }
    if (fuzz->exchange.flush_wanted)
        fuzz_take_response(fuzz);
    hostapi_run_begins(fuzz->host);
    return true;
}

/* ---- one call -------------------------------------------------------------------------------- */

static struct fuzz_func fuzz_choose_func(struct fuzz *fuzz)
{
    struct fuzz_func funcs[256];
    uint32_t count = 0;
    for (const struct hostapi_family *f = fuzz->host->family; f != NULL; f = f->uses) {
        for (uint32_t i = 0; i < HOSTAPI_TABLES_MAX && f->tables[i] != NULL; i++) {
            for (uint32_t k = 0; k < f->tables[i]->count; k++) {
                ASSERT(count < COUNT_OF(funcs));
                funcs[count++] = (struct fuzz_func){f->tables[i], &f->tables[i]->rows[k]};
            }
        }
    }
    return funcs[choose_bits(&fuzz->choices, 2) % count];
}

static enum engine_outcome fuzz_enter(struct fuzz *fuzz,
                                      const struct fuzz_func *func,
                                      union engine_value *slots,
                                      bool is_again)
{
    struct engine_host_call call = {
        .instance = fuzz->instance, .context = fuzz->host, .slots = slots};
    uint64_t fuel = fuzz->instance->machine.fuel_used;
    hostcalls_engine_watch(fuzz->instance);
    enum engine_outcome outcome = func->row->enter(&call);
    uint64_t changed = hostcalls_engine_check(fuzz->instance);
    ASSERT(is_again || fuzz->instance->machine.fuel_used > fuel);
    bool is_error =
        outcome == ENGINE_TRAPPED || (outcome == ENGINE_DONE && fuzz_is_error(func, slots[0].bits));
    /* Random bytes of many turns are written in each: nobody knows a half of them. */
    if (is_error && changed > 0)
        (void)fprintf(stderr, "%s changed %llu bytes\n", func->row->name,
                      (unsigned long long)changed);
    ASSERT(!is_error || changed == 0);
    fuzz_check_exchange(fuzz);
    return outcome;
}

/* What it answers in the end; PENDING: it waits for more than there is time. */
static enum engine_outcome
fuzz_call(struct fuzz *fuzz, const struct fuzz_func *func, union engine_value *slots)
{
    union engine_value asked[FUZZ_ARGUMENTS];
    size_t count = (size_t)(strchr(func->row->signature, ':') - func->row->signature);
    memcpy(asked, slots, count * sizeof(*slots));
    enum engine_outcome outcome = fuzz_enter(fuzz, func, slots, false);
    uint32_t round = 0;
    while (outcome == ENGINE_PENDING) {
        ASSERT(memcmp(asked, slots, count * sizeof(*slots)) == 0);
        /* What takes turns is bounded by what it moves. */
        round += !hostapi_waits_for(hostapi_waits(fuzz->host), HOSTAPI_WAIT_TURN);
        ASSERT(round < FUZZ_ROUNDS_MAX);
        /* Woken by what it did not wait for, it looks and parks again. */
        if (choose_once_in(&fuzz->choices, 4))
            fuzz_move_on(fuzz);
        else if (!fuzz_bring(fuzz, hostapi_waits(fuzz->host)))
            return ENGINE_PENDING;
        hostcalls_engine_move(fuzz->instance, fuzz->instance->bytes);
        outcome = fuzz_enter(fuzz, func, slots, true);
    }
    ASSERT(outcome == ENGINE_DONE || outcome == ENGINE_TRAPPED);
    return outcome;
}

/* Leaves the slots to be of exactly as many as the func has. */
static enum engine_outcome fuzz_make_call(struct fuzz *fuzz)
{
    struct fuzz_func func = fuzz_choose_func(fuzz);
    const char *colon = strchr(func.row->signature, ':');
    size_t count = MAX((size_t)(colon - func.row->signature), strlen(colon + 1));
    union engine_value *slots = calloc(MAX(count, (size_t)1), sizeof(*slots));
    ASSERT(slots != NULL && count <= FUZZ_ARGUMENTS);
    fuzz_arguments(fuzz, func.row->signature, slots);
    enum engine_outcome outcome = fuzz_call(fuzz, &func, slots);
    if (outcome == ENGINE_DONE && colon[1] != '\0')
        fuzz->result = slots[0].bits;
    bool starts =
        strstr(func.row->name, "start_v1") != NULL || strcmp(func.row->name, "fetch_v1") == 0;
    if (outcome == ENGINE_DONE && starts && slots[0].bits <= INT32_MAX)
        fuzz->handle = slots[0].i32;
    free(slots);
    fuzz->calls++;
    return outcome;
}

/* ---- a request ------------------------------------------------------------------------------- */

static void fuzz_fill_exchange(struct fuzz *fuzz)
{
    struct http_exchange *exchange = &fuzz->exchange;
    struct choices *choices = &fuzz->choices;
    uint32_t how = choose_byte(choices);
    http_exchange_init(exchange, &fuzz->limits);
    exchange->method = bytes_of_text("GET");
    exchange->uri = bytes_of_text("/a/b?c");
    exchange->protocol = bytes_of_text("HTTP/1.1");
    exchange->source_addr = bytes_of_text("[::1]:5151");
    exchange->authority = bytes_of_text("hello.acme.localhost:8080");
    exchange->tenant = bytes_of_text("acme");
    exchange->function = bytes_of_text("hello");
    exchange->config = bytes_of_text("A=b\n");
    exchange->request_body = bytes_of_text(how & 1 ? "a body of some bytes" : "");
    exchange->environment = (struct hostapi_environment){fuzz->variables, how >> 1 & 3};
    static const struct bytes secrets[] = {{(const uint8_t *)"TOKEN", 5},
                                           {(const uint8_t *)"KEY", 3}};
    exchange->secrets = secrets;
    exchange->secret_count = choose(choices, COUNT_OF(secrets) + 1);
    exchange->may_stream = (how & 8) == 0;
    exchange->has_next = (how & 16) != 0;
    exchange->debug_log = (how & 32) != 0;
    exchange->world = (how & 64) == 0 ? &fuzz->world.calls : NULL;
    exchange->owner = &fuzz->world;
    for (uint32_t i = choose(choices, 8); i > 0; i--) {
        if (http_headers_add(exchange, &exchange->request_headers, bytes_of_text("X-a"),
                             bytes_of_text("b")) != STATUS_OK)
            break;
    }
}

/* The next handler has the exchange; true: it failed. */
static bool fuzz_next_handler(struct fuzz *fuzz)
{
    struct bytes piece = bytes_of_text("of the next one");
    (void)!exchange_write(&fuzz->exchange, &piece);
    fuzz->exchange.status = 200 + choose(&fuzz->choices, 256);
    return choose(&fuzz->choices, 2) == 1;
}

/* The guest's call returned: another of its own begins, or the request is over. */
static bool fuzz_return(struct fuzz *fuzz)
{
    struct report report = REPORT_INIT;
    union engine_value *results = fuzz->instance->machine.results;
    uint64_t calls = fuzz->instance->machine.calls;
    results[0].bits = choose(&fuzz->choices, 2) | choose_bits(&fuzz->choices, 2) << 32;
    enum hostapi_step step = hostapi_next(fuzz->host, &report);
    while (step == HOSTAPI_NEXT) {
        ASSERT(fuzz->exchange.has_next);
        step = hostapi_returned(fuzz->host, fuzz_next_handler(fuzz), &report);
    }
    ASSERT((step == HOSTAPI_RUN) == (fuzz->instance->machine.calls > calls));
    ASSERT(step != HOSTAPI_FAULT || report.text[0] != '\0');
    fuzz_check_exchange(fuzz);
    return step == HOSTAPI_RUN;
}

static void fuzz_grow(struct fuzz *fuzz)
{
    uint64_t bytes = fuzz->instance->bytes;
    uint64_t more = choose(&fuzz->choices, 3) * UINT64_C(65536);
    if (bytes + more <= FUZZ_MEMORY_MAX)
        hostcalls_engine_move(fuzz->instance, bytes + more);
}

/* What the guest does until its request ends. */
static void fuzz_guest(struct fuzz *fuzz, bool is_builder)
{
    bool runs = true;
    while (runs && fuzz->choices.left > 0 && fuzz->calls < FUZZ_CALLS_MAX) {
        switch (choose(&fuzz->choices, 16)) {
        case 11:
            fuzz_grow(fuzz);
            break;
        case 12:
            fuzz_scribble(fuzz);
            break;
        case 13:
            fuzz_move_on(fuzz);
            break;
        case 14:
            runs = !is_builder && fuzz_return(fuzz);
            break;
        default:
            runs = fuzz_make_call(fuzz) == ENGINE_DONE;
        }
    }
}

static void fuzz_request(struct fuzz *fuzz)
{
    struct report report = REPORT_INIT;
    fuzz_fill_exchange(fuzz);
    if (hostapi_begin(fuzz->host, fuzz->instance, &fuzz->exchange, &report) == HOSTAPI_RUN)
        fuzz_guest(fuzz, false);
    if (fuzz->instance->machine.trap.text != NULL)
        (void)hostapi_trapped(fuzz->host, &report);
    fuzz->instance->machine.trap.text = NULL;
    bool keeps = choose(&fuzz->choices, 2) == 1;
    (keeps ? hostapi_host_keep : hostapi_host_reset)(fuzz->host);
    fuzz_world_forget(&fuzz->world);
    http_exchange_done(&fuzz->exchange);
}

/* ---- a host ---------------------------------------------------------------------------------- */

static uint64_t fuzz_now_ns(void *context)
{
    return ((const struct fuzz *)context)->now_ns;
}

static void fuzz_fill(struct fuzz *fuzz)
{
    static const uint64_t memories[] = {65536, 0, 65536 * 2, 1, 500, FUZZ_MEMORY_MAX};
    struct choices *choices = &fuzz->choices;
    config_limits_default(&fuzz->limits);
    if (choose(choices, 2) == 1) {
        fuzz->limits.headers = 1024;
        fuzz->limits.response = 1024 + choose_byte(choices);
        fuzz->limits.stream_buffer = 1 + choose_byte(choices);
        fuzz->limits.log = 64;
        fuzz->limits.body = 100;
    }
    fuzz->now_ns = FUZZ_NOW_NS;
    fuzz->clock = (struct clock){fuzz_now_ns, fuzz_now_ns, fuzz};
    static const char *const variables[] = {"GREETING=hello", "EMPTY=", "A=1"};
    for (uint32_t i = 0; i < COUNT_OF(variables); i++)
        fuzz->variables[i] = (struct hostapi_variable){
            bytes_of_text(variables[i]), (size_t)(strchr(variables[i], '=') - variables[i])};
    hostcalls_engine_make(fuzz->instance, memories[choose(choices, COUNT_OF(memories))]);
    fuzz->instance->module.exports = choose_byte(choices) | 3;
    fuzz->instance->module.has_start = choose(choices, 2) == 1;
    fuzz_fill_memory(fuzz->instance);
    fuzz_world_make(&fuzz->world, choices);
}

/* As the module's imports would be: what it imports says when it is initialised. */
static void fuzz_link(struct fuzz *fuzz)
{
    fuzz->host->linked = choose(&fuzz->choices, 4); /* traits */
}

static void fuzz_run(struct fuzz *fuzz)
{
    static const enum hostapi_kind kinds[] = {HOSTAPI_KIND_HTTP_WASM, HOSTAPI_KIND_WAGI};
    struct choices *choices = &fuzz->choices;
    bool is_builder = choose_once_in(choices, 8);
    const struct hostapi_options options = {.kind = kinds[choose(choices, COUNT_OF(kinds))],
                                            .clock = &fuzz->clock,
                                            .snapshotting = is_builder,
                                            .config = bytes_of_text("A=b\n")};
    ASSERT(hostapi_host_create(&options, &fuzz->host) == STATUS_OK);
    fuzz_fill(fuzz);
    fuzz_link(fuzz);
    if (is_builder) {
        http_exchange_init(&fuzz->exchange, &fuzz->limits);
        fuzz->exchange.method = bytes_of_text("GET");
        fuzz->exchange.uri = bytes_of_text("/");
        while (choices->left > 0 && hostapi_begin_initialise(fuzz->host, fuzz->instance))
            fuzz_guest(fuzz, true);
        http_exchange_done(&fuzz->exchange);
    } else {
        while (choices->left > 0 && fuzz->calls < FUZZ_CALLS_MAX)
            fuzz_request(fuzz);
    }
    hostapi_host_free(fuzz->host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine_instance instance;
    static struct fuzz fuzz;
    fuzz = (struct fuzz){.choices = choices_make(data, size), .instance = &instance};
    fuzz_run(&fuzz);
    hostcalls_engine_free(&instance);
    return 0;
}
