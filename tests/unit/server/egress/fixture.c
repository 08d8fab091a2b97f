/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: see fixture.h.
 */
#include "tests/unit/server/egress/fixture.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEEN_BYTES_MAX (64u << 20)

/* ---- origin ---------------------------------------------------------------------------------- */

struct origin_conn {
    struct origin *origin;
    struct bufferevent *stream;
};

static void conn_free(struct origin_conn *conn)
{
    conn->origin->open--;
    bufferevent_free(conn->stream);
    free(conn);
}

static void conn_reset(struct origin_conn *conn)
{
    const struct linger linger = {.l_onoff = 1};
    (void)setsockopt(bufferevent_getfd(conn->stream), SOL_SOCKET, SO_LINGER, &linger,
                     sizeof(linger));
    conn_free(conn);
}

static void conn_on_written(struct bufferevent *stream, void *context)
{
    (void)stream;
    conn_free(context);
}

static void conn_answer(struct origin_conn *conn)
{
    struct origin *origin = conn->origin;
    assert_true(origin->answered < ORIGIN_ANSWERS_MAX);
    const struct origin_answer *answer = &origin->answers[origin->answered++];
    struct evbuffer *out = bufferevent_get_output(conn->stream);
    if (answer->bytes != NULL)
        (void)evbuffer_add(out, answer->bytes,
                           answer->count > 0 ? answer->count : strlen(answer->bytes));
    for (uint32_t i = 0; i < answer->repeat; i++)
        (void)evbuffer_add(out, answer->again, strlen(answer->again));
    if (answer->rest != NULL)
        (void)evbuffer_add(out, answer->rest, strlen(answer->rest));
    if (answer->reset) {
        (void)evbuffer_write(out, bufferevent_getfd(conn->stream));
        conn_reset(conn);
    } else if (answer->close && evbuffer_get_length(out) == 0) {
        conn_free(conn);
    } else if (answer->close) {
        bufferevent_setcb(conn->stream, NULL, conn_on_written, NULL, conn);
    }
}

/* How many bytes the next request has that is here whole; 0: none is. */
static size_t conn_request_bytes(const struct origin_conn *conn, struct evbuffer *in)
{
    const struct origin_answer *answer = &conn->origin->answers[conn->origin->answered];
    size_t count = evbuffer_get_length(in);
    const char *data = (const char *)evbuffer_pullup(in, -1);
    const char *head = count < 4 ? NULL : memmem(data, count, "\r\n\r\n", 4);
    if (head == NULL)
        return 0;
    size_t bytes = (size_t)(head - data) + 4;
    if (answer->until != NULL) {
        const char *end = memmem(data + bytes, count - bytes, answer->until, strlen(answer->until));
        return end == NULL ? 0 : (size_t)(end - data) + strlen(answer->until);
    }
    bytes += answer->request_bytes;
    return bytes <= count ? bytes : 0;
}

static void conn_on_read(struct bufferevent *stream, void *context)
{
    struct origin_conn *conn = context;
    struct origin *origin = conn->origin;
    struct evbuffer *in = bufferevent_get_input(stream);
    size_t bytes = conn_request_bytes(conn, in);
    if (bytes == 0)
        return;
    assert_int_equal(buffer_append(&origin->seen, evbuffer_pullup(in, -1), bytes), STATUS_OK);
    (void)evbuffer_drain(in, bytes);
    conn_answer(conn);
}

static void conn_on_event(struct bufferevent *stream, short events, void *context)
{
    (void)stream;
    (void)events;
    conn_free(context);
}

static void origin_on_connection(struct evconnlistener *listener,
                                 evutil_socket_t fd,
                                 struct sockaddr *address,
                                 int length,
                                 void *context)
{
    (void)listener;
    (void)address;
    (void)length;
    struct origin *origin = context;
    struct origin_conn *conn = calloc(1, sizeof(*conn));
    assert_non_null(conn);
    conn->origin = origin;
    conn->stream = bufferevent_socket_new(origin->base, fd, BEV_OPT_CLOSE_ON_FREE);
    assert_non_null(conn->stream);
    origin->connections++;
    origin->open++;
    bufferevent_setcb(conn->stream, conn_on_read, NULL, conn_on_event, conn);
    (void)bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
    if (origin->answers[origin->answered].at_once)
        conn_answer(conn);
}

static void origin_open(struct origin *origin, struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    origin->base = base;
    buffer_init(&origin->seen, SEEN_BYTES_MAX);
    origin->listener = evconnlistener_new_bind(base, origin_on_connection, origin,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 64,
                                               (const struct sockaddr *)&address, sizeof(address));
    assert_non_null(origin->listener);
    assert_int_equal(
        getsockname(evconnlistener_get_fd(origin->listener), (struct sockaddr *)&address, &length),
        0);
    origin->port = ntohs(address.sin_port);
}

/* ---- probe -------------------------------------------------------------------------------------
 */

static void probe_head(void *context, const struct fetch_head *head)
{
    struct probe *probe = context;
    size_t used = 0;
    probe->heads++;
    probe->status = head->status;
    (void)snprintf(probe->url, sizeof(probe->url), "%.*s", (int)head->url.count,
                   (const char *)head->url.data);
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct fetch_field *field = &head->fields[i];
        used +=
            (size_t)snprintf(probe->headers + used, sizeof(probe->headers) - used, "%.*s: %.*s\n",
                             (int)field->name.count, (const char *)field->name.data,
                             (int)field->value.count, (const char *)field->value.data);
        assert_true(used < sizeof(probe->headers));
    }
}

static void probe_data(void *context, struct bytes data)
{
    struct probe *probe = context;
    assert_true(data.count <= probe->grant);
    probe->grant -= data.count;
    assert_int_equal(buffer_append(&probe->data, data.data, data.count), STATUS_OK);
}

static void probe_room(void *context, uint32_t count)
{
    ((struct probe *)context)->room += count;
}

static void probe_on_done(void *context, const struct fetch_result *result)
{
    struct probe *probe = context;
    assert_false(probe->done);
    probe->done = true;
    probe->result = *result;
    (void)snprintf(probe->text, sizeof(probe->text), "%s", result->text);
    probe->fetch = NULL;
}

const struct egress_ops probe_ops = {
    .head = probe_head, .data = probe_data, .room = probe_room, .done = probe_on_done};

void probe_init(struct probe *probe)
{
    memset(probe, 0, sizeof(*probe));
    buffer_init(&probe->data, SEEN_BYTES_MAX);
    probe->grants = true;
}

void probe_done(struct probe *probe)
{
    buffer_done(&probe->data);
}

/* ---- stage -------------------------------------------------------------------------------------
 */

struct egress_options stage_options(struct stage *stage)
{
    return (struct egress_options){.base = stage->base,
                                   .clock = &clock_system,
                                   .allow_private = true,
                                   .nameserver = "127.0.0.1:9",
                                   .ca_file = "",
                                   .connect_us = 20000000,
                                   .idle_us = 5000000,
                                   .fetches_max = 100,
                                   .fetches_per_tenant_max = 50};
}

void stage_open(struct stage *stage)
{
    stage_open_with(stage, NULL);
}

void stage_open_with(struct stage *stage, const struct egress_options *options)
{
    struct report report = REPORT_INIT;
    memset(stage, 0, sizeof(*stage));
    stage->base = event_base_new();
    assert_non_null(stage->base);
    struct egress_options chosen = stage_options(stage);
    if (options != NULL) {
        chosen = *options;
        chosen.base = stage->base;
    }
    assert_int_equal(egress_engine_create(&chosen, &report, &stage->engine), STATUS_OK);
    origin_open(&stage->origin, stage->base);
    probe_init(&stage->probe);
}

void stage_turn(struct stage *stage)
{
    (void)event_base_loop(stage->base, EVLOOP_ONCE);
}

void stage_close(struct stage *stage)
{
    egress_engine_free(stage->engine);
    while (stage->origin.open > 0)
        stage_turn(stage);
    evconnlistener_free(stage->origin.listener);
    buffer_done(&stage->origin.seen);
    probe_done(&stage->probe);
    event_base_free(stage->base);
}

const char *stage_url(struct stage *stage, const char *path)
{
    (void)snprintf(stage->url, sizeof(stage->url), "http://127.0.0.1:%u%s", stage->origin.port,
                   path);
    return stage->url;
}

struct fetch_order stage_order(struct stage *stage, const char *path)
{
    static struct bytes rule;
    (void)snprintf(stage->rule, sizeof(stage->rule), "%s", stage_url(stage, ""));
    rule = bytes_of_text(stage->rule);
    return (struct fetch_order){.tenant = bytes_of_text("acme"),
                                .method = bytes_of_text("GET"),
                                .url = bytes_of_text(stage_url(stage, path)),
                                .rules = &rule,
                                .rule_count = 1,
                                .deadline_us = 20000000,
                                .answer_bytes_max = 32u << 20};
}

void stage_start(struct stage *stage, const struct fetch_order *order)
{
    struct probe *probe = &stage->probe;
    probe_done(probe);
    probe_init(probe);
    probe->grant = EGRESS_WINDOW;
    egress_fetch_start(stage->engine, order, &probe_ops, probe, &probe->fetch);
    if (probe->done)
        probe->fetch = NULL;
    if (probe->fetch != NULL)
        egress_fetch_grant(probe->fetch, EGRESS_WINDOW);
}

void stage_finish(struct stage *stage)
{
    struct probe *probe = &stage->probe;
    while (!probe->done) {
        stage_turn(stage);
        if (probe->done || !probe->grants || probe->grant == EGRESS_WINDOW)
            continue;
        uint32_t taken = EGRESS_WINDOW - (uint32_t)probe->grant;
        probe->grant = EGRESS_WINDOW;
        egress_fetch_grant(probe->fetch, taken);
    }
}

void stage_fetch(struct stage *stage, const struct fetch_order *order)
{
    stage_start(stage, order);
    stage_finish(stage);
}

void stage_answer(struct stage *stage, const char *bytes)
{
    for (uint32_t i = 0; i < ORIGIN_ANSWERS_MAX; i++) {
        if (stage->origin.answers[i].bytes == NULL) {
            stage->origin.answers[i].bytes = bytes;
            return;
        }
    }
    fail();
}

bool stage_saw(const struct stage *stage, const char *text)
{
    const struct buffer *seen = &stage->origin.seen;
    return seen->count > 0 && memmem(seen->data, seen->count, text, strlen(text)) != NULL;
}

void assert_end(const struct stage *stage, enum fetch_end end)
{
    const struct probe *probe = &stage->probe;
    assert_true(probe->done);
    if (probe->result.end != end)
        fail_msg("%s: %s", fetch_end_name(probe->result.end), probe->text);
}
