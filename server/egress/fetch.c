/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches from their order to their end: checks, names, hops, and the windows of both bodies.
 */
#include "server/egress/fetch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/egress/private.h"

uint64_t egress_fetch_now(const struct egress_fetch *fetch)
{
    return clock_monotonic_ns(fetch->engine->options.clock);
}

/* ---- ends ------------------------------------------------------------------------------------ */

void egress_fetch_note(struct egress_fetch *fetch, enum fetch_end end, const char *format, ...)
{
    va_list arguments;
    if (fetch->result.end != FETCH_END_DONE)
        return;
    fetch->result.end = end;
    va_start(arguments, format);
    (void)vsnprintf(fetch->text, sizeof(fetch->text), format, arguments);
    va_end(arguments);
}

static void fetch_free(struct egress_fetch *fetch)
{
    struct egress_pool *pool = fetch->pool;
    if (fetch->query != NULL)
        resolver_cancel(fetch->query);
    if (fetch->state == FETCH_TRYING)
        egress_pool_remove(fetch);
    egress_hop_end(fetch);
    (void)evtimer_del(&fetch->timer);
    list_remove(&fetch->link);
    fetch->engine->stats.fetches--;
    if (pool != NULL && --pool->fetches == 0)
        pool->idle_since_ns = egress_fetch_now(fetch);
    if (fetch->gone != NULL)
        *fetch->gone = true;
    arena_done(&fetch->arena);
    free(fetch->upload.ring);
    fetch->magic = 0;
    free(fetch);
}

void egress_fetch_end(struct egress_fetch *fetch)
{
    ASSERT(fetch->magic == FETCH_MAGIC);
    fetch->result.text = fetch->text;
    fetch->engine->stats.ended[fetch->result.end]++;
    fetch->ops->done(fetch->context, &fetch->result);
    fetch_free(fetch);
}

void egress_fetch_cancel(struct egress_fetch *fetch)
{
    ASSERT(fetch->magic == FETCH_MAGIC);
    fetch->engine->stats.ended[FETCH_END_CANCELLED]++;
    fetch_free(fetch);
}

/* What curl paused for is here: it goes on, and may be done when this returns. */
static void fetch_resume(struct egress_fetch *fetch)
{
    struct egress_pool *pool = fetch->pool;
    int pauses =
        (fetch->paused_reading ? CURLPAUSE_RECV : 0) | (fetch->paused_writing ? CURLPAUSE_SEND : 0);
    fetch->progress_ns = egress_fetch_now(fetch);
    (void)curl_easy_pause(fetch->easy, pauses);
    egress_pool_kick(pool);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool fetch_is_late(struct egress_fetch *fetch, uint64_t now)
{
    const struct egress_options *options = &fetch->engine->options;
    uint64_t idle_us = fetch->state == FETCH_RESOLVING ? options->connect_us : options->idle_us;
    if (now >= fetch->deadline_ns) {
        egress_fetch_note(fetch, FETCH_END_TIMEOUT, "%s", "");
        return true;
    }
    /* Who waits for us is not idle. */
    if (fetch->paused_reading || fetch->paused_writing)
        fetch->progress_ns = now;
    if (now - fetch->progress_ns < idle_us * CLOCK_NS_PER_US)
        return false;
    if (fetch->state == FETCH_RESOLVING)
        egress_fetch_note(fetch, FETCH_END_RESOLVE, "no name server answered in time");
    else
        egress_fetch_note(fetch, FETCH_END_TIMEOUT, "no byte of it came for %llu ms",
                          (unsigned long long)(idle_us / 1000));
    return true;
}

static void fetch_set_timer(struct egress_fetch *fetch, uint64_t now)
{
    const struct egress_options *options = &fetch->engine->options;
    uint64_t idle_us = MIN(options->idle_us, options->connect_us);
    uint64_t next_ns = MIN(fetch->deadline_ns, now + idle_us * CLOCK_NS_PER_US);
    uint64_t wait_us = (next_ns - now) / CLOCK_NS_PER_US + 1;
    const struct timeval wait = {.tv_sec = (time_t)(wait_us / CLOCK_US_PER_S),
                                 .tv_usec = (suseconds_t)(wait_us % CLOCK_US_PER_S)};
    (void)evtimer_add(&fetch->timer, &wait);
}

static void fetch_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct egress_fetch *fetch = context;
    uint64_t now = egress_fetch_now(fetch);
    if (fetch->complete || fetch_is_late(fetch, now)) {
        egress_fetch_end(fetch);
        return;
    }
    fetch_set_timer(fetch, now);
    if (!fetch->resumes)
        return;
    fetch->resumes = fetch->paused_writing = false;
    fetch_resume(fetch);
}

/* ---- a hop ----------------------------------------------------------------------------------- */

static bool fetch_is_allowed(struct egress_fetch *fetch)
{
    char origin[CONFIG_URL_ORIGIN_BYTES];
    for (uint32_t i = 0; i < fetch->rule_count; i++) {
        struct config_url_rule rule;
        if (config_url_rule_parse(fetch->rules[i], NULL, &rule) == STATUS_OK &&
            config_url_rule_matches(&rule, &fetch->url))
            return true;
    }
    config_url_origin(&fetch->url, origin);
    egress_fetch_note(fetch, FETCH_END_DENIED, "%s", origin);
    return false;
}

/* Takes those out that may not be connected to; false if none is left. */
static bool fetch_sift_addresses(struct egress_fetch *fetch)
{
    struct resolver_answer *addresses = &fetch->addresses;
    const char *text = "";
    uint32_t kept = 0;
    if (addresses->count == 0) {
        egress_fetch_note(fetch, FETCH_END_RESOLVE, "%s: %s", fetch->url.host, addresses->text);
        return false;
    }
    for (uint32_t i = 0; i < addresses->count; i++) {
        if (address_policy_allows(fetch->policy, &addresses->rows[i].any, &text))
            addresses->rows[kept++] = addresses->rows[i];
    }
    addresses->count = kept;
    if (kept == 0)
        egress_fetch_note(fetch, FETCH_END_ADDRESS, "%s: its address is %s", fetch->url.host, text);
    return kept > 0;
}

/* Its addresses are known. False: nothing was begun, and why is noted. */
static bool fetch_try(struct egress_fetch *fetch)
{
    if (!fetch_sift_addresses(fetch))
        return false;
    fetch->progress_ns = egress_fetch_now(fetch);
    fetch->result.hops++;
    if (!egress_hop_prepare(fetch) || !egress_pool_add(fetch)) {
        egress_fetch_note(fetch, FETCH_END_UNAVAILABLE, "libcurl cannot begin");
        return false;
    }
    fetch->state = FETCH_TRYING;
    return true;
}

static void fetch_on_addresses(void *context, const struct resolver_answer *answer)
{
    struct egress_fetch *fetch = context;
    struct egress_pool *pool = fetch->pool;
    fetch->query = NULL;
    fetch->addresses = *answer;
    if (fetch_try(fetch))
        egress_pool_kick(pool);
    else
        egress_fetch_end(fetch);
}

static void fetch_take_literal(struct egress_fetch *fetch)
{
    const struct config_url *url = &fetch->url;
    struct resolver_answer *addresses = &fetch->addresses;
    memset(addresses, 0, sizeof(*addresses));
    addresses->count = 1;
    if (url->kind == CONFIG_URL_HOST_V4) {
        addresses->rows[0].v4.sin_family = AF_INET;
        memcpy(&addresses->rows[0].v4.sin_addr, url->address, 4);
    } else {
        addresses->rows[0].v6.sin6_family = AF_INET6;
        memcpy(&addresses->rows[0].v6.sin6_addr, url->address, 16);
    }
}

/* To fetch->url. False: the fetch is to be ended. */
static bool fetch_begin_hop(struct egress_fetch *fetch)
{
    fetch->state = FETCH_RESOLVING;
    fetch->progress_ns = egress_fetch_now(fetch);
    if (!fetch_is_allowed(fetch))
        return false;
    if (fetch->url.kind != CONFIG_URL_HOST_NAME)
        fetch_take_literal(fetch);
    else if (!resolver_ask(fetch->engine->resolver, fetch->url.host, fetch_on_addresses, fetch,
                           &fetch->addresses, &fetch->query))
        return true;
    return fetch_try(fetch);
}

/* ---- redirects [RFC 9110 15.4] -----------------------------------------------------------------
 */

/* What was sent is thrown away, and what still comes. */
static void fetch_drop_body(struct egress_fetch *fetch)
{
    uint32_t count = fetch->upload.count;
    fetch->body = bytes_make(NULL, 0);
    fetch->upload.count = fetch->upload.at = 0;
    fetch->deaf = fetch->streams;
    fetch->streams = false;
    egress_fields_drop_body(fetch);
    if (count > 0)
        fetch->ops->room(fetch->context, count);
}

static bool fetch_turn_method(struct egress_fetch *fetch)
{
    bool is_head = bytes_equal_text(fetch->method, "HEAD");
    bool to_get = fetch->status == 303 && !is_head && !bytes_equal_text(fetch->method, "GET");
    to_get |=
        (fetch->status == 301 || fetch->status == 302) && bytes_equal_text(fetch->method, "POST");
    if (to_get) {
        fetch->method = bytes_of_text("GET");
        fetch_drop_body(fetch);
    }
    if (!fetch->streams)
        return true;
    egress_fetch_note(fetch, FETCH_END_REDIRECTS,
                      "a body that came in pieces cannot be sent a second time");
    return false;
}

/* Servers write what no URL has as it is, and browsers have taught them so: it becomes %XX, but in
 * a host it makes none. */
static enum status fetch_escape(struct bytes location, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < location.count && status == STATUS_OK; i++) {
        uint8_t byte = location.data[i];
        bool is_odd = byte >= 0x80 || (byte != '\0' && strchr(" \"<>^`{}", byte) != NULL);
        status =
            is_odd ? buffer_printf(out, "%%%02X", byte) : buffer_append(out, location.data + i, 1);
    }
    return status;
}

static bool fetch_redirect(struct egress_fetch *fetch)
{
    struct config_url before = fetch->url;
    struct report report = REPORT_INIT;
    struct buffer place;
    struct buffer out;
    buffer_init(&place, CONFIG_URL_BYTES_MAX);
    buffer_init(&out, CONFIG_URL_BYTES_MAX);
    bool read = fetch_escape(fetch->location, &place) == STATUS_OK &&
                config_url_resolve(&before, buffer_bytes(&place), &out) == STATUS_OK;
    const char *text = read ? arena_copy_text(&fetch->arena, buffer_bytes(&out)) : NULL;
    read = text != NULL &&
           config_url_parse(bytes_make(text, out.count), &report, &fetch->url) == STATUS_OK;
    buffer_done(&place);
    buffer_done(&out);
    if (!read) {
        egress_fetch_note(fetch, FETCH_END_PROTOCOL, "it redirects to what is no URL: %s",
                          report.text);
        return false;
    }
    fetch->redirects_left--;
    if (!config_url_same_origin(&before, &fetch->url))
        egress_fields_drop_secrets(fetch);
    return fetch_turn_method(fetch) && fetch_begin_hop(fetch);
}

void egress_fetch_hop_over(struct egress_fetch *fetch, CURLcode code)
{
    ASSERT(fetch->magic == FETCH_MAGIC && fetch->state == FETCH_TRYING);
    bool redirects = fetch->redirecting && fetch->result.end == FETCH_END_DONE;
    if (!redirects)
        egress_hop_judge(fetch, code);
    if (!fetch->head_done) /* curl takes half a line of a head for nothing */
        egress_fetch_note(fetch, FETCH_END_CLOSED, "its head has no end");
    egress_pool_remove(fetch);
    egress_hop_end(fetch);
    fetch->state = FETCH_ENDED;
    if (!redirects || !fetch_redirect(fetch))
        egress_fetch_end(fetch);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

/* False if the arena is full. */
static bool fetch_copy(struct egress_fetch *fetch, struct bytes *bytes)
{
    const char *copy = arena_copy_text(&fetch->arena, *bytes);
    bytes->data = (const uint8_t *)copy;
    return copy != NULL;
}

static bool fetch_copy_rules(struct egress_fetch *fetch, const struct fetch_order *order)
{
    struct bytes *rules = ARENA_ARRAY(&fetch->arena, struct bytes, order->rule_count);
    if (rules == NULL)
        return false;
    fetch->rules = rules;
    for (; fetch->rule_count < order->rule_count; fetch->rule_count++) {
        rules[fetch->rule_count] = order->rules[fetch->rule_count];
        if (!fetch_copy(fetch, &rules[fetch->rule_count]))
            return false;
    }
    return true;
}

static bool fetch_copy_body(struct egress_fetch *fetch, const struct fetch_order *order)
{
    fetch->body = order->body;
    fetch->streams = order->body_follows;
    fetch->upload.follows = order->body_follows;
    if (!order->body_follows)
        return fetch_copy(fetch, &fetch->body);
    fetch->upload.ring = malloc(EGRESS_WINDOW);
    if (fetch->upload.ring == NULL)
        return false;
    if (order->body.count > 0)
        memcpy(fetch->upload.ring, order->body.data, order->body.count);
    fetch->upload.count = (uint32_t)order->body.count;
    return true;
}

/* Is it something that can be asked for? Otherwise why not is noted. */
static bool fetch_check(struct egress_fetch *fetch, const struct fetch_order *order)
{
    struct report report = REPORT_INIT;
    const char *text;
    struct bytes url = order->url;
    if (!egress_fields_check(order, &text)) {
        egress_fetch_note(fetch, FETCH_END_INVALID, "%s", text);
        return false;
    }
    if (order->body.count > EGRESS_WINDOW || order->rule_count > EGRESS_RULES_MAX) {
        egress_fetch_note(fetch, FETCH_END_INVALID, "%s", "");
        return false;
    }
    if (!fetch_copy(fetch, &url) || !fetch_copy(fetch, &fetch->method) ||
        !fetch_copy_rules(fetch, order) || !egress_fields_copy(fetch, order) ||
        !fetch_copy_body(fetch, order)) {
        egress_fetch_note(fetch, FETCH_END_UNAVAILABLE, "out of memory");
        return false;
    }
    if (config_url_parse(url, &report, &fetch->url) != STATUS_OK) {
        egress_fetch_note(fetch, FETCH_END_INVALID, "%s", report.text);
        return false;
    }
    return true;
}

static bool fetch_take_place(struct egress_fetch *fetch, const struct fetch_order *order)
{
    struct egress_engine *engine = fetch->engine;
    const struct egress_options *options = &engine->options;
    if (engine->stats.fetches > options->fetches_max) {
        egress_fetch_note(fetch, FETCH_END_LIMIT, "%s", "");
        return false;
    }
    struct egress_pool *pool = egress_pool_of(engine, order->tenant);
    if (pool == NULL) {
        egress_fetch_note(fetch, FETCH_END_UNAVAILABLE, "too many tenants ask");
        return false;
    }
    if (pool->fetches >= options->fetches_per_tenant_max) {
        egress_fetch_note(fetch, FETCH_END_LIMIT, "%s has %u", pool->tenant, pool->fetches);
        return false;
    }
    fetch->pool = pool;
    pool->fetches++;
    return true;
}

static struct egress_fetch *fetch_create(struct egress_engine *engine,
                                         const struct fetch_order *order,
                                         const struct egress_ops *ops,
                                         void *context)
{
    struct egress_fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return NULL;
    fetch->magic = FETCH_MAGIC;
    fetch->engine = engine;
    fetch->policy = order->is_operators ? &engine->operators : &engine->policy;
    fetch->ops = ops;
    fetch->context = context;
    fetch->method = order->method;
    fetch->redirects_left = MIN(order->redirects_max, EGRESS_REDIRECTS_MAX);
    fetch->follows = order->redirects_max > 0;
    fetch->answer_bytes_max = order->answer_bytes_max;
    fetch->granted = MIN(order->granted, EGRESS_WINDOW);
    fetch->progress_ns = egress_fetch_now(fetch);
    fetch->deadline_ns =
        fetch->progress_ns + MIN(order->deadline_us, EGRESS_DEADLINE_US) * CLOCK_NS_PER_US;
    arena_init(&fetch->arena, FETCH_ARENA_BYTES);
    (void)evtimer_assign(&fetch->timer, engine->options.base, fetch_on_timer, fetch);
    list_append(&engine->fetches, &fetch->link);
    engine->stats.fetches++;
    engine->stats.started++;
    return fetch;
}

void egress_fetch_start(struct egress_engine *engine,
                        const struct fetch_order *order,
                        const struct egress_ops *ops,
                        void *context,
                        struct egress_fetch **ret_fetch)
{
    bool gone = false;
    struct egress_fetch *fetch = fetch_create(engine, order, ops, context);
    *ret_fetch = NULL;
    if (fetch == NULL) {
        const struct fetch_result none = {.end = FETCH_END_UNAVAILABLE, .text = "out of memory"};
        ops->done(context, &none);
        return;
    }
    if (!fetch_take_place(fetch, order) || !fetch_check(fetch, order) || !fetch_begin_hop(fetch)) {
        egress_fetch_end(fetch);
        return;
    }
    fetch_set_timer(fetch, fetch->progress_ns);
    fetch->gone = &gone;
    if (fetch->state == FETCH_TRYING)
        egress_pool_kick(fetch->pool);
    if (gone)
        return;
    fetch->gone = NULL;
    *ret_fetch = fetch;
}

/* ---- windows -----------------------------------------------------------------------------------
 */

bool egress_fetch_write(struct egress_fetch *fetch, struct bytes data)
{
    struct fetch_body *upload = &fetch->upload;
    ASSERT(fetch->magic == FETCH_MAGIC);
    if (!upload->follows || data.count > EGRESS_WINDOW - upload->count)
        return false;
    if (fetch->deaf) {
        fetch->ops->room(fetch->context, (uint32_t)data.count);
        return true;
    }
    uint32_t at = (upload->at + upload->count) % EGRESS_WINDOW;
    size_t first = MIN(data.count, (size_t)(EGRESS_WINDOW - at));
    if (data.count > 0)
        memcpy(upload->ring + at, data.data, first);
    if (data.count > first)
        memcpy(upload->ring, data.data + first, data.count - first);
    upload->count += (uint32_t)data.count;
    if (!fetch->paused_writing)
        return true;
    fetch->paused_writing = false;
    fetch_resume(fetch);
    return true;
}

void egress_fetch_finish(struct egress_fetch *fetch)
{
    ASSERT(fetch->magic == FETCH_MAGIC);
    fetch->upload.follows = false;
    if (!fetch->paused_writing)
        return;
    fetch->paused_writing = false;
    fetch_resume(fetch);
}

void egress_fetch_grant(struct egress_fetch *fetch, uint32_t count)
{
    ASSERT(fetch->magic == FETCH_MAGIC);
    fetch->granted = MIN(EGRESS_WINDOW, fetch->granted + MIN(count, EGRESS_WINDOW));
    if (!fetch->paused_reading)
        return;
    fetch->paused_reading = false;
    fetch_resume(fetch);
}
