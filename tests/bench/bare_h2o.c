/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference for tests/bench/http.py, stream.py and tls.py: a libh2o server with one handler
 * that answers "hello" and does nothing else. One thread, the same loop, the same socket options as
 * a worker of Skerry: what a request costs before any of ours is in its way.
 *
 *   /large   100 MiB, in pieces of 64 KiB of the same bytes
 *   /events  an event a second, for ever
 *
 * usage: bare_h2o PORT [CHAIN KEY], with TLS if it has a certificate, whose key it keeps itself
 */
#include <arpa/inet.h>
#include <h2o.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG          4096
#define ACCEPTS_PER_TURN 32
#define WAIT_MS          1000
#define PIECE_BYTES      65536
#define PIECES           1600
#define EVENT            "data: tick\n\n"

struct bare_stream {
    h2o_generator_t generator;
    h2o_req_t *req;
    h2o_timeout_entry_t timer;
    unsigned left; /* pieces */
};

static h2o_timeout_t bare_second;

static void bare_send_piece(h2o_generator_t *generator, h2o_req_t *req)
{
    static char piece[PIECE_BYTES];
    struct bare_stream *stream = (struct bare_stream *)generator;
    h2o_iovec_t buffer = h2o_iovec_init(piece, sizeof(piece));
    stream->left--;
    h2o_send(req, &buffer, 1,
             stream->left == 0 ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void bare_sleep(h2o_generator_t *generator, h2o_req_t *req)
{
    struct bare_stream *stream = (struct bare_stream *)generator;
    h2o_timeout_link(req->conn->ctx->loop, &bare_second, &stream->timer);
}

static void bare_send_event(h2o_timeout_entry_t *timer)
{
    struct bare_stream *stream = H2O_STRUCT_FROM_MEMBER(struct bare_stream, timer, timer);
    h2o_iovec_t buffer = h2o_iovec_init(H2O_STRLIT(EVENT));
    h2o_send(stream->req, &buffer, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void bare_on_dispose(void *data)
{
    h2o_timeout_unlink(&((struct bare_stream *)data)->timer);
}

static int bare_stream(h2o_req_t *req, bool events)
{
    struct bare_stream *stream = h2o_mem_alloc_shared(&req->pool, sizeof(*stream), bare_on_dispose);
    *stream = (struct bare_stream){
        .generator = {events ? bare_sleep : bare_send_piece, NULL},
        .req = req,
        .timer = {.cb = bare_send_event},
        .left = PIECES,
    };
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = events ? SIZE_MAX : (size_t)PIECES * PIECE_BYTES;
    h2o_start_response(req, &stream->generator);
    if (events)
        bare_send_event(&stream->timer);
    else
        bare_send_piece(&stream->generator, req);
    return 0;
}

static int bare_on_req(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    (void)self;
    if (h2o_memis(req->path.base, req->path.len, H2O_STRLIT("/large")))
        return bare_stream(req, false);
    if (h2o_memis(req->path.base, req->path.len, H2O_STRLIT("/events")))
        return bare_stream(req, true);
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = sizeof("hello\n") - 1;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("text/plain"));
    h2o_iovec_t body = h2o_iovec_init(H2O_STRLIT("hello\n"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void bare_on_accept(h2o_socket_t *listener, const char *err)
{
    if (err != NULL)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket == NULL)
            return;
        h2o_accept(listener->data, socket);
    }
}

static int bare_listen(uint16_t port)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    return fd;
}

static SSL_CTX *bare_tls(const char *chain, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        exit(2);
    (void)SSL_CTX_set_num_tickets(tls, 1);
    h2o_ssl_register_alpn_protocols(tls, h2o_http2_alpn_protocols);
    return tls;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 || argc == 4 ? bare_listen((uint16_t)atoi(argv[1])) : -1;
    if (fd < 0) {
        perror("usage: bare_h2o PORT [CHAIN KEY]");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_config_init(&config);
    config.server_name = h2o_iovec_init(NULL, 0);
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = bare_on_req;
    h2o_evloop_t *loop = h2o_evloop_create();
    h2o_context_init(&context, loop, &config);
    h2o_timeout_init(loop, &bare_second, 1000);
    h2o_accept_ctx_t accept = {.ctx = &context, .hosts = config.hosts};
    if (argc == 4)
        accept.ssl_ctx = bare_tls(argv[2], argv[3]);
    h2o_socket_t *listener = h2o_evloop_socket_create(loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->data = &accept;
    h2o_socket_read_start(listener, bare_on_accept);
    for (;;)
        (void)h2o_evloop_run(loop, WAIT_MS);
}
