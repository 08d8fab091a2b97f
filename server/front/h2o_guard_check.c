/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof by effect that libh2o asks the guard: a loop and a server of its own, a few connections
 * over socket pairs, and on each a request that libh2o alone would let through.
 *
 * Another build of the library could have its own functions bound inside it; then nothing here
 * would be refused, and the process must not serve.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/front/h2o_guard.h"

#define CHECK_TURNS      64
#define CHECK_BODY_BYTES 1000
#define CHECK_HEAD_BYTES 4096
#define CHECK_HEAD       "POST / HTTP/1.1\r\nHost: a\r\n"

/* HTTP/2: its beginning, with empty settings; and a POST, a number of bytes after its length. */
#define CHECK_HTTP2      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define CHECK_POST(more) CHECK_HTTP2 "\0\0" more "\1\4\0\0\0\1\x83\x86\x84\1\1x"

struct check_server {
    struct h2o_front front;
    struct request_service service;
    struct metrics metrics;
    enum refusal_reason refusal; /* of the last request */
    uint32_t requests;
};

struct check_handler {
    h2o_handler_t super;
    struct check_server *server;
};

#define CHECK_TEXT(text) text, sizeof(text) - 1

static const struct check_row {
    const char *door; /* the function that must be ours */
    const char *input;
    size_t input_count;
    enum refusal_reason refusal; /* of the request that must come of it */
    size_t counter;              /* that must count something; no request comes of it */
} check_rows[] = {
    {"h2o_socket_read_start", CHECK_TEXT(CHECK_HEAD "\r\n"), REFUSAL_NONE, 0},
    {"phr_parse_request", CHECK_TEXT(CHECK_HEAD "Host: b\r\n\r\n"), REFUSAL_HOST_TWICE, 0},
    {"phr_decode_chunked",
     CHECK_TEXT(CHECK_HEAD "Transfer-Encoding: chunked\r\n\r\n3zz\r\nabc\r\n0\r\n\r\n"),
     REFUSAL_CHUNK, 0},
    /* content-length: 9999 */
    {"h2o_hpack_parse_headers",
     CHECK_TEXT(CHECK_POST("\x0d") "\x0f\x0d\4"
                                   "9999"),
     REFUSAL_BODY_LARGE, 0},
    {"h2o_http2_decode_frame", CHECK_TEXT(CHECK_POST("\6") "\0\0\4\3\0\0\0\0\1\0\0\0\x8"),
     REFUSAL_NONE, offsetof(struct metrics, reset_received_cancel)},
    /* content-length: 5, twice */
    {"h2o_http2__encode_rst_stream_frame",
     CHECK_TEXT(CHECK_POST("\x0e") "\x0f\x0d\1"
                                   "5"
                                   "\x0f\x0d\1"
                                   "5"),
     REFUSAL_NONE, offsetof(struct metrics, reset_sent_protocol_error)},
    {"h2o_http2_encode_goaway_frame", CHECK_TEXT(CHECK_HTTP2 "\0\0\0\0\0\0\0\0\0"), REFUSAL_NONE,
     offsetof(struct metrics, goaway_protocol_error)},
};

static int check_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct check_server *server = ((struct check_handler *)handler)->server;
    server->requests++;
    server->refusal = h2o_guard_take_refusal(h2o_connection_of(req->conn), req);
    req->http1_is_persistent = 0;
    req->res.status = 200;
    h2o_send_inline(req, H2O_STRLIT("-"));
    return 0;
}

static void check_open(struct check_server *server)
{
    struct h2o_front *front = &server->front;
    front->service = &server->service;
    server->service.metrics = &server->metrics;
    front->connection_max = 1;
    front->coming_max = UINT64_MAX;
    front->rules = (struct http1_rules){.head_bytes_max = CHECK_HEAD_BYTES,
                                        .body_bytes_max = CHECK_BODY_BYTES};
    h2o_linklist_init_anchor(&front->connections);
    h2o_linklist_init_anchor(&front->idle);
    h2o_linklist_init_anchor(&front->signed_ones);
    h2o_config_init(&front->config);
    h2o_hostconf_t *host =
        h2o_config_register_host(&front->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct check_handler *handler =
        (struct check_handler *)h2o_create_handler(path, sizeof(struct check_handler));
    handler->super.on_req = check_on_req;
    handler->server = server;
    front->loop = h2o_evloop_create();
    h2o_context_init(&front->context, front->loop, &front->config);
    /* this is nobody's connection: nothing to be told */
    front->log_count = UINT32_MAX / 2;
    front->linger_count = UINT32_MAX / 2;
    front->accept = (h2o_accept_ctx_t){.ctx = &front->context, .hosts = front->config.hosts};
}

static void check_turn(struct check_server *server)
{
    (void)h2o_evloop_run(server->front.loop, 0);
}

static uint64_t check_counter(const struct check_server *server, size_t counter)
{
    uint64_t count;
    memcpy(&count, (const uint8_t *)&server->metrics + counter, sizeof(count));
    return count;
}

/* Until its connection is closed; the socket pair needs no waiting. */
static bool check_ask(struct check_server *server, const struct check_row *row)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    uint32_t requests = server->requests;
    uint64_t counted = check_counter(server, row->counter);
    bool sent = write(ends[1], row->input, row->input_count) == (ssize_t)row->input_count;
    h2o_socket_t *socket = h2o_evloop_socket_create(server->front.loop, ends[0], 0);
    if (h2o_connection_adopt(&server->front, socket))
        h2o_accept(&server->front.accept, socket);
    for (int i = 0; i < CHECK_TURNS && server->front.connection_count > 0; i++)
        check_turn(server);
    (void)close(ends[1]);
    for (int i = 0; i < CHECK_TURNS && server->front.connection_count > 0; i++)
        check_turn(server);
    if (row->counter != 0)
        return sent && server->requests == requests &&
               check_counter(server, row->counter) == counted + 1;
    return sent && server->requests == requests + 1 && server->refusal == row->refusal;
}

/* Made once and kept: libh2o has no way to free all that belongs to a context. */
static struct check_server *check_get(void)
{
    if (h2o_guard.check != NULL)
        return h2o_guard.check;
    struct check_server *server = calloc(1, sizeof(*server));
    if (server != NULL)
        check_open(server);
    h2o_guard.check = server;
    return server;
}

enum status h2o_listen_check(struct report *report)
{
    h2o_guard_init();
    struct check_server *server = check_get();
    if (server == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    const char *broken = NULL;
    for (size_t i = 0; i < COUNT_OF(check_rows) && broken == NULL; i++) {
        if (!check_ask(server, &check_rows[i]))
            broken = check_rows[i].door;
    }
    if (broken == NULL)
        return STATUS_OK;
    return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                       "libh2o does not call our %s: requests could be smuggled past it; install "
                       "Debian's libh2o-evloop0.13 2.2.5",
                       broken);
}
