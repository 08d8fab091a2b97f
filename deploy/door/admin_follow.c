/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One follower: its call, its watch of the log, its signs of life. It ends with the client.
 */
#include "deploy/door/admin_follow.h"

#include <event2/event.h>
#include <stdlib.h>

#define FOLLOW_LIFE_S     15
#define FOLLOW_LINE_BYTES 16384

struct admin_follow {
    struct admin_http_call *call;
    struct log_watch watch;
    struct api_follow what;
    struct event *timer;
};

static void follow_end(void *context)
{
    struct admin_follow *follow = context;
    log_store_unwatch(&follow->watch);
    if (follow->timer != NULL)
        event_free(follow->timer);
    admin_http_stream_end(follow->call);
    free(follow);
}

static void follow_send(struct admin_follow *follow, struct bytes data)
{
    if (!admin_http_stream_write(follow->call, data))
        follow_end(follow);
}

static void follow_take(void *context, uint64_t id, struct bytes line)
{
    struct admin_follow *follow = context;
    struct buffer text;
    buffer_init(&text, FOLLOW_LINE_BYTES);
    if (api_log_write(follow->what.events, id, line, &text) == STATUS_OK)
        follow_send(follow, buffer_bytes(&text));
    buffer_done(&text);
}

static void follow_on_life(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct admin_follow *follow = context;
    follow_send(follow, bytes_of_text(follow->what.events ? ":\n\n" : "\n"));
}

void admin_follow_start(struct event_base *base,
                        struct log_store *logs,
                        struct admin_http_call *call,
                        const struct api_response *response)
{
    const struct timeval interval = {.tv_sec = FOLLOW_LIFE_S};
    struct admin_follow *follow = calloc(1, sizeof(*follow));
    if (follow == NULL) {
        /* The lines that there are, and no more. */
        admin_http_reply(call, response);
        return;
    }
    follow->call = call;
    follow->what = response->follow;
    follow->watch = (struct log_watch){.tenant = follow->what.tenant,
                                       .function = follow->what.function,
                                       .level = follow->what.level,
                                       .take = follow_take,
                                       .context = follow};
    log_store_watch(logs, &follow->watch);
    follow->timer = event_new(base, -1, EV_PERSIST, follow_on_life, follow);
    if (follow->timer != NULL)
        (void)event_add(follow->timer, &interval);
    admin_http_on_gone(call, follow_end, follow);
    admin_http_stream_begin(call, response);
}
