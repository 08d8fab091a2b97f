/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening, and who is there: peers of the socket, tokens, names.
 *
 * How many connections there may be is bounded for each door. When the address has its number,
 * the longest silent one without a token makes room, so that strangers cannot keep out whoever
 * has one.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "deploy/door/admin_private.h"

#define ADMIN_HTTP_BACKLOG        128
#define ADMIN_HTTP_SOCKET_MAX     1024 /* connections */
#define ADMIN_HTTP_ADDRESS_MAX    64
#define ADMIN_HTTP_ACCEPT_AGAIN_S 1

/* ---- who is there ---------------------------------------------------------------------------- */

static void admin_http_see_user(int fd, struct admin_peer *peer)
{
    struct ucred credentials;
    socklen_t count = sizeof(credentials);
    (void)snprintf(peer->from, sizeof(peer->from), API_FROM_SOCKET);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &count) != 0) {
        peer->stranger = true;
        return;
    }
    peer->uid = credentials.uid;
    peer->stranger = credentials.uid != geteuid() && credentials.uid != 0;
}

static void
admin_http_see_address(const struct sockaddr *address, socklen_t length, struct admin_peer *peer)
{
    peer->address = admin_failures_key(address);
    if (getnameinfo(address, length, peer->from, sizeof(peer->from), NULL, 0, NI_NUMERICHOST) != 0)
        (void)snprintf(peer->from, sizeof(peer->from), "unknown");
}

/* The one token that the server made when it first had an address. */
static bool admin_http_is_first_token(const struct admin_http *http, struct bytes token)
{
    return token.count == ADMIN_HTTP_TOKEN_BYTES - 1 && http->token[0] != '\0' &&
           CRYPTO_memcmp(token.data, http->token, ADMIN_HTTP_TOKEN_BYTES - 1) == 0;
}

static void admin_http_look_at_token(struct admin_http *http,
                                     const struct admin_conn *conn,
                                     struct bytes token,
                                     struct api_caller *caller)
{
    uint64_t now_ns = clock_monotonic_ns(http->options.clock);
    if (admin_failures_are_many(&http->failures, conn->peer.address, now_ns)) {
        caller->stranger = API_STRANGER_TOO_OFTEN;
        return;
    }
    caller->stranger = API_STRANGER_UNKNOWN;
    if (admin_http_is_first_token(http, token)) {
        caller->verbs = API_VERBS_ALL;
        (void)snprintf(caller->who, sizeof(caller->who), "admin.token");
    } else if (http->options.identify != NULL) {
        http->options.identify(http->options.context, token, caller);
    }
    if (caller->verbs == 0)
        admin_failures_count(&http->failures, conn->peer.address, now_ns);
}

void admin_http_identify(struct admin_http *http,
                         const struct admin_conn *conn,
                         const struct http_head *head,
                         struct api_caller *ret_caller)
{
    static const char scheme[] = "Bearer ";
    size_t skip = strlen(scheme);
    struct bytes value = head->fields[HTTP_HEAD_AUTHORIZATION];
    memcpy(ret_caller->from, conn->peer.from, sizeof(ret_caller->from));
    if (conn->door == ADMIN_DOOR_SOCKET) {
        ret_caller->verbs = API_VERBS_ALL;
        (void)snprintf(ret_caller->who, sizeof(ret_caller->who), "uid %u",
                       (unsigned)conn->peer.uid);
    } else if (value.count > skip && strncasecmp((const char *)value.data, scheme, skip) == 0) {
        admin_http_look_at_token(http, conn, bytes_make(value.data + skip, value.count - skip),
                                 ret_caller);
    }
}

void admin_http_tell_refused(struct admin_http *http, const char *peer)
{
    uint64_t now_ns = clock_monotonic_ns(http->options.clock);
    http->refused_count++;
    if (http->options.refused == NULL ||
        (http->refused_ns != 0 && now_ns - http->refused_ns < ADMIN_HTTP_REFUSED_NS))
        return;
    http->options.refused(http->options.context, http->refused_count, peer);
    http->refused_count = 0;
    http->refused_ns = now_ns;
}

bool admin_http_knows_host(const struct admin_http *http, struct bytes host)
{
    const struct config *config = http->options.config;
    const char *const names[] = {"localhost", "127.0.0.1", "[::1]", config->admin_host};
    if (bytes_equal_text(host, config->admin_listen))
        return true;
    const uint8_t *bracket = memrchr(host.data, ']', host.count);
    const uint8_t *from = bracket == NULL ? host.data : bracket;
    const uint8_t *colon = memchr(from, ':', host.count - (size_t)(from - host.data));
    size_t count = colon == NULL ? host.count : (size_t)(colon - host.data);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (count > 0 && count == strlen(names[i]) &&
            strncasecmp((const char *)host.data, names[i], count) == 0)
            return true;
    }
    /* Over TLS nobody is brought here under a name that the certificate has not got. */
    return admin_tls_covers(http->tls, bytes_make(host.data, count));
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void admin_http_accept(struct evconnlistener *listener,
                              evutil_socket_t fd,
                              struct sockaddr *address,
                              int length,
                              void *context)
{
    (void)listener;
    struct admin_peer peer = {0};
    struct admin_listener *ours = context;
    struct admin_http *http = ours->http;
    enum admin_door door =
        ours == &http->listeners[ADMIN_DOOR_SOCKET] ? ADMIN_DOOR_SOCKET : ADMIN_DOOR_ADDRESS;
    uint32_t max = door == ADMIN_DOOR_SOCKET ? ADMIN_HTTP_SOCKET_MAX : ADMIN_HTTP_ADDRESS_MAX;
    if (ours->connection_count >= max) {
        struct admin_conn *idle = admin_conn_oldest_idle(&ours->connections);
        if (idle == NULL) {
            (void)close(fd);
            return;
        }
        admin_conn_free(idle);
    }
    if (door == ADMIN_DOOR_SOCKET)
        admin_http_see_user(fd, &peer);
    else
        admin_http_see_address(address, (socklen_t)length, &peer);
    admin_conn_start(http, door, fd, &peer);
}

/* No descriptors, most likely: a listener that stays readable would keep the loop busy. */
static void admin_http_cannot_accept(struct evconnlistener *listener, void *context)
{
    static const struct timeval again = {.tv_sec = ADMIN_HTTP_ACCEPT_AGAIN_S};
    struct admin_listener *ours = context;
    if (event_add(ours->retry, &again) == 0)
        (void)evconnlistener_disable(listener);
}

static void admin_http_accept_again(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct admin_listener *ours = context;
    (void)evconnlistener_enable(ours->listener);
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

/* Takes over `fd`. */
static enum status
admin_http_listen(struct admin_http *http, enum admin_door door, int fd, struct report *report)
{
    struct admin_listener *ours = &http->listeners[door];
    ours->http = http;
    ours->retry = evtimer_new(http->options.base, admin_http_accept_again, ours);
    ours->listener = evconnlistener_new(http->options.base, admin_http_accept, ours,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (ours->listener == NULL)
        (void)close(fd);
    if (ours->listener == NULL || ours->retry == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    evconnlistener_set_error_cb(ours->listener, admin_http_cannot_accept);
    return STATUS_OK;
}

static enum status
admin_http_adopt(struct admin_http *http, enum admin_door door, struct report *report)
{
    int fd = http->options.adopted[door];
    return fd < 0 ? STATUS_OK : admin_http_listen(http, door, fd, report);
}

static enum status admin_http_open_socket(struct admin_http *http, struct report *report)
{
    const char *path = http->options.config->admin_socket;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (http->options.adopted != NULL)
        return admin_http_adopt(http, ADMIN_DOOR_SOCKET, report);
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
    return admin_http_listen(http, ADMIN_DOOR_SOCKET, fd, report);
}

static enum status admin_http_open_address(struct admin_http *http, struct report *report)
{
    const char *text = http->options.config->admin_listen;
    struct config_address address;
    if (text[0] == '\0')
        return STATUS_OK;
    /* config_check let nothing else through, but it does not know an address of before. */
    if (!config_address_parse(text, &address) || (!address.loopback && http->tls == NULL))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.listen: %s is no loopback address, and without "
                           "admin.certificate it has to be one",
                           text);
    if (http->options.adopted != NULL)
        return admin_http_adopt(http, ADMIN_DOOR_ADDRESS, report);
    int fd = admin_http_bind(address.storage.ss_family, (const struct sockaddr *)&address.storage,
                             address.length);
    if (fd < 0)
        return report_errno(report, "cannot listen on %s for the admin API", text);
    return admin_http_listen(http, ADMIN_DOOR_ADDRESS, fd, report);
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
    http->body_bytes_max = 2 * options->config->limits.module;
    ASSERT(strlen(options->token) < sizeof(http->token));
    memcpy(http->token, options->token, strlen(options->token) + 1);
    enum status status = admin_tls_load(options->config, report, &http->tls);
    if (status == STATUS_OK)
        status = admin_http_open_socket(http, report);
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
    for (int door = 0; door < ADMIN_DOOR_COUNT; door++) {
        struct admin_listener *ours = &http->listeners[door];
        for (struct admin_conn *conn; (conn = admin_conn_first(&ours->connections)) != NULL;) {
            admin_conn_flush(conn);
            admin_conn_free(conn);
        }
        if (ours->retry != NULL)
            event_free(ours->retry);
        if (ours->listener == NULL)
            continue;
        evconnlistener_free(ours->listener);
        if (door == ADMIN_DOOR_SOCKET && !http->handed_over)
            (void)unlink(http->options.config->admin_socket);
    }
    admin_repeats_done(&http->repeats);
    SSL_CTX_free(http->tls);
    free(http);
}

enum status admin_http_renew_tls(struct admin_http *http, struct report *report)
{
    SSL_CTX *renewed;
    if (http->tls == NULL)
        return STATUS_OK;
    enum status status = admin_tls_load(http->options.config, report, &renewed);
    if (status != STATUS_OK)
        return status;
    SSL_CTX_free(http->tls); /* open connections have references of their own */
    http->tls = renewed;
    return STATUS_OK;
}

void admin_http_end_streams(struct admin_http *http,
                            bool (*holds)(void *context, const struct api_caller *caller))
{
    for (int door = 0; door < ADMIN_DOOR_COUNT; door++) {
        LIST_FOREACH(conn, &http->listeners[door].connections, struct admin_conn, link) {
            if (conn->state == ADMIN_CONN_STREAM &&
                !holds(http->options.context, &conn->call->caller))
                admin_conn_free(conn);
        }
    }
}

/* ---- handing over ---------------------------------------------------------------------------- */

void admin_http_pause(struct admin_http *http, bool paused)
{
    http->paused = paused;
    for (int door = 0; door < ADMIN_DOOR_COUNT; door++) {
        struct evconnlistener *listener = http->listeners[door].listener;
        if (listener != NULL)
            (void)(paused ? evconnlistener_disable(listener) : evconnlistener_enable(listener));
    }
}

bool admin_http_is_quiet(const struct admin_http *http)
{
    bool quiet = true;
    for (int door = 0; door < ADMIN_DOOR_COUNT; door++) {
        LIST_FOREACH(conn, &http->listeners[door].connections, struct admin_conn, link) {
            /* Who follows goes on after the last line that it saw. */
            bool follows = conn->state == ADMIN_CONN_STREAM && conn->call->drained == NULL;
            /* Nothing of a request has come on it, here or in the kernel. */
            bool idle = conn->state == ADMIN_CONN_HEAD && admin_tls_is_silent(conn->stream);
            if (follows || conn->state == ADMIN_CONN_LINGER || idle)
                admin_conn_free(conn);
            else
                quiet = false;
        }
    }
    return quiet;
}

void admin_http_hand_over(struct admin_http *http, int ret_fds[ADMIN_HTTP_DOORS])
{
    _Static_assert(ADMIN_DOOR_COUNT == ADMIN_HTTP_DOORS, "one each");
    http->handed_over = true;
    for (int door = 0; door < ADMIN_DOOR_COUNT; door++) {
        struct evconnlistener *listener = http->listeners[door].listener;
        ret_fds[door] =
            listener == NULL ? -1 : fcntl(evconnlistener_get_fd(listener), F_DUPFD_CLOEXEC, 0);
    }
}

bool admin_http_stream_write(struct admin_http_call *call, struct bytes data)
{
    struct evbuffer *out = call->conn == NULL ? NULL : bufferevent_get_output(call->conn->stream);
    if (out == NULL || evbuffer_get_length(out) + data.count > ADMIN_HTTP_STREAM_BYTES)
        return false;
    return evbuffer_add(out, data.data, data.count) == 0;
}
