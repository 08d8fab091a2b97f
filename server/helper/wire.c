/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two events for each channel.
 */
#include "server/helper/wire.h"

#include <event2/event.h>

#include "engine/base/macros.h"

static void wire_watch_unsent(struct wire *wire)
{
    if (channel_has_unsent(&wire->channel))
        (void)event_add(wire->writable, NULL);
}

static void wire_on_readable(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct wire *wire = context;
    struct report report = REPORT_INIT;
    enum status status = channel_receive(&wire->channel, &report);
    if (status != STATUS_OK)
        wire->broken(wire->channel.options.context, status, &report);
}

static void wire_on_writable(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct wire *wire = context;
    channel_flush(&wire->channel);
    wire_watch_unsent(wire);
}

enum status wire_open(struct wire *wire,
                      struct event_base *base,
                      const struct channel_options *options,
                      void (*broken)(void *context, enum status, const struct report *))
{
    *wire = (struct wire){.broken = broken};
    channel_init(&wire->channel, options);
    wire->readable = event_new(base, options->fd, EV_READ | EV_PERSIST, wire_on_readable, wire);
    wire->writable = event_new(base, options->fd, EV_WRITE, wire_on_writable, wire);
    if (wire->readable != NULL && wire->writable != NULL && event_add(wire->readable, NULL) == 0)
        return STATUS_OK;
    wire_close(wire);
    return STATUS_NO_MEMORY;
}

void wire_close(struct wire *wire)
{
    if (wire->readable != NULL)
        event_free(wire->readable);
    if (wire->writable != NULL)
        event_free(wire->writable);
    wire->readable = wire->writable = NULL;
    channel_done(&wire->channel);
}

bool wire_send(struct wire *wire, const struct channel_message *message)
{
    if (!channel_send(&wire->channel, message))
        return false;
    if (wire->channel.options.gathers)
        event_active(wire->writable, EV_WRITE, 0); /* after what is to be done in this turn */
    else
        wire_watch_unsent(wire);
    return true;
}
