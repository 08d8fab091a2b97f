/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that knows evhttp.
 *
 * Who may speak: on the Unix socket (mode 0600) the server's own user and root, by the
 * kernel's word; on TCP whoever has the token, except for health and metrics. A client
 * that goes away while its request is held changes nothing: the request outlives its
 * connection, and the reply goes nowhere.
 */
#include "deploy/api/admin_http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/hex.h"

/* A body that is a little too large gets a proper answer; a huge one gets libevent's. */
#define ADMIN_HTTP_BODY_SLACK_BYTES (64ULL << 20)
#define ADMIN_HTTP_BACKLOG          128
#define ADMIN_HTTP_IDLE_S           60

struct admin_http {
    struct admin_http_options options;
    char token[ADMIN_HTTP_TOKEN_BYTES];
    struct evhttp *on_socket;
    struct evhttp *on_address;
};

struct admin_http_call {
    struct api_request request;
    struct evhttp_request *http_request;
};

/* ---- replies --------------------------------------------------------------------------------- */

static void admin_http_send(struct evhttp_request *http_request,
                            const char *request_id,
                            const struct api_response *response)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(http_request);
    char retry_after[16];
    (void)snprintf(retry_after, sizeof(retry_after), "%u", response->retry_after_s);
    (void)evhttp_add_header(headers, "Content-Type", response->content_type);
    (void)evhttp_add_header(headers, "X-Request-Id", request_id);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    if (response->etag[0] != '\0')
        (void)evhttp_add_header(headers, "ETag", response->etag);
    if (response->allow[0] != '\0')
        (void)evhttp_add_header(headers, "Allow", response->allow);
    if (response->retry_after_s != 0)
        (void)evhttp_add_header(headers, "Retry-After", retry_after);
    if (response->status == 401)
        (void)evhttp_add_header(headers, "WWW-Authenticate", "Bearer realm=\"skerry\"");
    struct evbuffer *body = evbuffer_new();
    if (body != NULL && response->body.count > 0)
        (void)evbuffer_add(body, response->body.data, response->body.count);
    evhttp_send_reply(http_request, response->status, NULL, body);
    if (body != NULL)
        evbuffer_free(body);
}

void admin_http_reply(struct admin_http_call *call, const struct api_response *response)
{
    admin_http_send(call->http_request, call->request.id, response);
    free(call);
}

const struct api_request *admin_http_request(const struct admin_http_call *call)
{
    return &call->request;
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum api_method admin_http_method(const struct evhttp_request *http_request)
{
    switch (evhttp_request_get_command(http_request)) {
    case EVHTTP_REQ_GET:
        return API_GET;
    case EVHTTP_REQ_PUT:
        return API_PUT;
    case EVHTTP_REQ_POST:
        return API_POST;
    case EVHTTP_REQ_DELETE:
        return API_DELETE;
    default:
        return API_OTHER;
    }
}

static void admin_http_make_id(char ret_id[API_REQUEST_ID_BYTES])
{
    uint8_t random[(API_REQUEST_ID_BYTES - 1) / 2] = {0};
    /* An id that is not unique does no harm. */
    (void)!getrandom(random, sizeof(random), GRND_NONBLOCK);
    hex_encode(random, sizeof(random), ret_id);
}

static bool admin_http_peer_is_owner(struct evhttp_request *http_request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(http_request);
    struct ucred peer;
    socklen_t count = sizeof(peer);
    int fd =
        connection == NULL ? -1 : bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &count) != 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static bool admin_http_has_token(const struct admin_http *http, struct evhttp_request *http_request)
{
    static const char scheme[] = "Bearer ";
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(http_request), "Authorization");
    if (header == NULL || strncasecmp(header, scheme, strlen(scheme)) != 0)
        return false;
    const char *token = header + strlen(scheme);
    return strlen(token) == ADMIN_HTTP_TOKEN_BYTES - 1 &&
           CRYPTO_memcmp(token, http->token, ADMIN_HTTP_TOKEN_BYTES - 1) == 0;
}

static void admin_http_refuse(struct evhttp_request *http_request,
                              const char *request_id,
                              const struct problem *problem)
{
    struct problem told = *problem;
    struct api_response response;
    told.request_id = request_id;
    api_response_init(&response);
    api_answer_problem(&response, &told);
    admin_http_send(http_request, request_id, &response);
    api_response_done(&response);
}

/* The body in one piece; false if memory ran out. */
static bool admin_http_body(struct evhttp_request *http_request, struct bytes *ret_body)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(http_request);
    size_t count = evbuffer_get_length(input);
    const uint8_t *data = count == 0 ? NULL : evbuffer_pullup(input, -1);
    *ret_body = bytes_make(data, count);
    return count == 0 || data != NULL;
}

static void admin_http_accept(struct admin_http *http,
                              struct evhttp_request *http_request,
                              const char *path,
                              enum api_scope granted,
                              const char *request_id)
{
    struct admin_http_call *call = calloc(1, sizeof(*call));
    if (call == NULL || !admin_http_body(http_request, &call->request.body)) {
        free(call);
        const struct problem problem = {.status = 503,
                                        .code = "no_memory",
                                        .detail = "the server is out of memory",
                                        .offset = REPORT_OFFSET_NONE};
        admin_http_refuse(http_request, request_id, &problem);
        return;
    }
    call->http_request = http_request;
    call->request.method = admin_http_method(http_request);
    call->request.granted = granted;
    call->request.path = path;
    call->request.query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http_request));
    memcpy(call->request.id, request_id, sizeof(call->request.id));
    http->options.handle(http->options.context, call);
}

static const char *admin_http_path(struct evhttp_request *http_request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http_request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    return path == NULL || path[0] == '\0' ? "/" : path;
}

static void admin_http_on_socket(struct evhttp_request *http_request, void *context)
{
    static const struct problem stranger = {
        .status = 403,
        .code = "forbidden",
        .detail = "the socket belongs to the server's own user and root",
        .hint = "run the command as the server's user, or ask for a token",
        .offset = REPORT_OFFSET_NONE};
    char request_id[API_REQUEST_ID_BYTES];
    admin_http_make_id(request_id);
    if (admin_http_peer_is_owner(http_request))
        admin_http_accept(context, http_request, admin_http_path(http_request), API_SCOPE_ADMIN,
                          request_id);
    else
        admin_http_refuse(http_request, request_id, &stranger);
}

static void admin_http_on_address(struct evhttp_request *http_request, void *context)
{
    static const struct problem stranger = {
        .status = 401,
        .code = "unauthorized",
        .detail = "this address wants a token",
        .hint = "send `Authorization: Bearer` and what is in admin.token in the data directory",
        .offset = REPORT_OFFSET_NONE};
    struct admin_http *http = context;
    char request_id[API_REQUEST_ID_BYTES];
    const char *path = admin_http_path(http_request);
    enum api_scope granted =
        admin_http_has_token(http, http_request) ? API_SCOPE_ADMIN : API_SCOPE_PUBLIC;
    admin_http_make_id(request_id);
    if (api_scope(admin_http_method(http_request), path) <= granted)
        admin_http_accept(http, http_request, path, granted, request_id);
    else
        admin_http_refuse(http_request, request_id, &stranger);
}

/* ---- listening ------------------------------------------------------------------------------- */

static bool admin_http_answers(int fd, const struct sockaddr_un *address)
{
    return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* A socket file that nobody listens on is left over from a server that was killed. */
static enum status
admin_http_remove_stale(const char *path, const struct sockaddr_un *address, struct report *report)
{
    struct stat facts;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (lstat(path, &facts) != 0)
        return errno == ENOENT ? STATUS_OK : report_errno(report, "cannot look at %s", path);
    if (!S_ISSOCK(facts.st_mode))
        return report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "%s is there and is no socket: choose another with --admin-socket",
                           path);
    if (fd < 0 || admin_http_answers(fd, address))
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "%s is in use by another server: choose another with --admin-socket",
                           path);
    if (unlink(path) != 0)
        return report_errno(report, "cannot remove the old socket %s", path);
    return STATUS_OK;
}

static int admin_http_bind(int family, const struct sockaddr *address, socklen_t length)
{
    static const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ready = fd >= 0;
    if (ready && family != AF_UNIX)
        ready = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    if (ready && bind(fd, address, length) == 0 && listen(fd, ADMIN_HTTP_BACKLOG) == 0)
        return fd;
    int error = errno;
    base_auto_close(&fd);
    errno = error;
    return -1;
}

static struct evhttp *
admin_http_server(struct admin_http *http, int fd, void (*handle)(struct evhttp_request *, void *))
{
    const struct config_limits *limits = &http->options.config->limits;
    struct evhttp *server = evhttp_new(http->options.base);
    if (server == NULL || evhttp_accept_socket_with_handle(server, fd) == NULL) {
        (void)close(fd);
        if (server != NULL)
            evhttp_free(server);
        return NULL;
    }
    evhttp_set_gencb(server, handle, http);
    evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                           EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                           EVHTTP_REQ_PATCH);
    /* The query carries a configuration, each byte of it as three. */
    evhttp_set_max_headers_size(server,
                                (ev_ssize_t)(limits->headers + 3 * DEPLOY_CONFIG_BYTES_MAX));
    evhttp_set_max_body_size(server, (ev_ssize_t)(limits->module + ADMIN_HTTP_BODY_SLACK_BYTES));
    /* A connection is silent while its build runs. */
    evhttp_set_timeout(server, ADMIN_HTTP_IDLE_S + (int)(limits->build_wall / CLOCK_US_PER_S));
    return server;
}

static enum status admin_http_open_socket(struct admin_http *http, struct report *report)
{
    const char *path = http->options.config->admin_socket;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] == '\0')
        return STATUS_OK;
    ASSERT(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    enum status status = admin_http_remove_stale(path, &address, report);
    if (status != STATUS_OK)
        return status;
    mode_t before = umask(0177);
    int fd = admin_http_bind(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(before);
    if (fd < 0)
        return report_errno(report, "cannot listen on %s", path);
    http->on_socket = admin_http_server(http, fd, admin_http_on_socket);
    if (http->on_socket == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

static enum status admin_http_open_address(struct admin_http *http, struct report *report)
{
    const char *text = http->options.config->admin_listen;
    struct config_address address;
    if (text[0] == '\0')
        return STATUS_OK;
    /* config_check let nothing else through. */
    ASSERT(config_address_parse(text, &address) && address.loopback);
    int fd = admin_http_bind(address.storage.ss_family, (const struct sockaddr *)&address.storage,
                             address.length);
    if (fd < 0)
        return report_errno(report, "cannot listen on %s for the admin API", text);
    http->on_address = admin_http_server(http, fd, admin_http_on_address);
    if (http->on_address == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

enum status admin_http_start(const struct admin_http_options *options,
                             struct report *report,
                             struct admin_http **ret_http)
{
    struct admin_http *http = calloc(1, sizeof(*http));
    if (http == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    http->options = *options;
    http->options.token = NULL;
    ASSERT(strlen(options->token) < sizeof(http->token));
    memcpy(http->token, options->token, strlen(options->token) + 1);
    enum status status = admin_http_open_socket(http, report);
    if (status == STATUS_OK)
        status = admin_http_open_address(http, report);
    if (status == STATUS_OK)
        *ret_http = http;
    else
        admin_http_stop(http);
    return status;
}

void admin_http_stop(struct admin_http *http)
{
    if (http == NULL)
        return;
    if (http->on_socket != NULL) {
        evhttp_free(http->on_socket);
        (void)unlink(http->options.config->admin_socket);
    }
    if (http->on_address != NULL)
        evhttp_free(http->on_address);
    free(http);
}
