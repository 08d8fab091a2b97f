/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See door.h.
 */
#include "door.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void door_reply(struct admin_http_call *call, const char *text)
{
    struct api_response response;
    api_response_init(&response);
    response.status = 200;
    assert_int_equal(buffer_append(&response.body, text, strlen(text)), STATUS_OK);
    admin_http_reply(call, &response);
    api_response_done(&response);
}

/* A path that begins with "/open" is public; a body may have 1000 bytes, below "/large" more. */
static bool door_admit(void *context,
                       const struct api_request *request,
                       uint64_t body_bytes,
                       struct api_response *response,
                       uint64_t *ret_body_max)
{
    (void)context;
    struct problem problem = {.status = 0, .code = "x", .detail = "y", .offset = 0};
    *ret_body_max = strncmp(request->path, "/large", 6) == 0 ? 1 << 20 : 1000;
    if (request->caller->verbs == 0 && strncmp(request->path, "/open", 5) != 0)
        problem.status = 401;
    else if (body_bytes > *ret_body_max)
        problem.status = 413;
    if (problem.status != 0)
        api_answer_problem(response, &problem);
    return problem.status == 0;
}

static void door_gone(void *context)
{
    struct door *door = context;
    door->gone_count++;
    if (door->held != NULL)
        door_reply(door->held, "nobody");
    door->held = NULL;
}

static void door_handle(void *context, struct admin_http_call *call)
{
    struct door *door = context;
    const struct api_request *request = admin_http_request(call);
    door->call_count++;
    door->body_count = request->body.count;
    memcpy(door->body, request->body.count == 0 ? (const uint8_t *)"" : request->body.data,
           MIN(request->body.count, sizeof(door->body)));
    (void)snprintf(door->path, sizeof(door->path), "%s", request->path);
    if (!door->holds) {
        door_reply(call, "{}\n");
        return;
    }
    door->held = call;
    admin_http_on_gone(call, door_gone, door);
}

static void door_refused(void *context, uint32_t count, const char *peer)
{
    struct door *door = context;
    door->refused_calls++;
    door->refused_count += count;
    assert_string_equal(peer, "127.0.0.1");
}

void door_init(struct door *door)
{
    struct report report = REPORT_INIT;
    *door = (struct door){0};
    (void)signal(SIGPIPE, SIG_IGN); /* as in control: clients leave */
    fixture_init(&door->fixture);
    config_limits_default(&door->config.limits);
    door->config.limits.module = 1 << 20;
    (void)snprintf(door->config.admin_socket, sizeof(door->config.admin_socket), "%s/admin.sock",
                   door->fixture.dir);
    (void)snprintf(door->config.admin_listen, sizeof(door->config.admin_listen), "127.0.0.1:0");
    (void)snprintf(door->config.admin_host, sizeof(door->config.admin_host), "admin.example");
    door->base = event_base_new();
    const struct admin_http_options options = {.base = door->base,
                                               .config = &door->config,
                                               .clock = &door->fixture.clock,
                                               .token = TOKEN,
                                               .admit = door_admit,
                                               .handle = door_handle,
                                               .refused = door_refused,
                                               .context = door};
    if (admin_http_start(&options, &report, &door->http) != STATUS_OK)
        fail_msg("%s", report.text);
}

void door_done(struct door *door)
{
    admin_http_stop(door->http);
    event_base_free(door->base);
    fixture_done(&door->fixture);
}

int door_connect(const struct door *door, enum admin_door which)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    const struct sockaddr *to = (const struct sockaddr *)&path;
    (void)snprintf(path.sun_path, sizeof(path.sun_path), "%.100s", door->config.admin_socket);
    if (which == ADMIN_DOOR_ADDRESS) {
        int listening = evconnlistener_get_fd(door->http->listeners[ADMIN_DOOR_ADDRESS].listener);
        assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
        to = (const struct sockaddr *)&address;
    } else {
        length = sizeof(path);
    }
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, to, length), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void door_turn(const struct door *door)
{
    assert_true(event_base_loop(door->base, EVLOOP_NONBLOCK) >= 0);
}

void door_send(const struct door *door, int fd, const char *text, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t step = send(fd, text + done, count - done, MSG_NOSIGNAL);
        if (step < 0 && errno != EAGAIN)
            return;
        done += step > 0 ? (size_t)step : 0;
        door_turn(door);
    }
}

bool door_receive(const struct door *door, int fd, const char *text, char ret_answer[8192])
{
    size_t count = 0;
    ret_answer[0] = '\0';
    for (;;) {
        ssize_t step = recv(fd, ret_answer + count, 8191 - count, 0);
        if (step > 0)
            count += (size_t)step;
        ret_answer[count] = '\0';
        if (text != NULL && strstr(ret_answer, text) != NULL)
            return true;
        if (step == 0 || (step < 0 && errno != EAGAIN))
            return false;
        door_turn(door);
    }
}

int door_ask(struct door *door, enum admin_door which, const char *request)
{
    char answer[8192];
    int status = 0;
    int fd = door_connect(door, which);
    door_send(door, fd, request, strlen(request));
    if (door_receive(door, fd, "}\n", answer)) {
        assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &status), 1);
        assert_non_null(strstr(answer, "\r\nX-Request-Id: "));
        assert_non_null(strstr(answer, "\r\nDate: "));
        bool problem = strstr(answer, "\r\nContent-Type: application/problem+json\r\n") != NULL;
        assert_int_equal(problem, status >= 400);
    }
    assert_int_equal(close(fd), 0);
    door_turn(door);
    return status;
}

uint32_t door_connections(const struct door *door)
{
    return door->http->listeners[ADMIN_DOOR_ADDRESS].connection_count +
           door->http->listeners[ADMIN_DOOR_SOCKET].connection_count;
}
