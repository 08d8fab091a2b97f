/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two keys, the present one first.
 */
#include "server/control/tickets.h"

#include <event2/event.h>
#include <string.h>
#include <sys/random.h>

#include "server/telemetry/log.h"

void tickets_welcome(const struct tickets *tickets, const struct workers_caller *worker)
{
    if (!config_speaks_tls(tickets->config))
        return; /* they would not know what it is */
    const struct channel_message message = {.type = CHANNEL_MESSAGE_TLS_TICKETS,
                                            .head =
                                                bytes_make(tickets->keys, sizeof(tickets->keys))};
    if (!workers_send(tickets->workers, worker, &message))
        log_message("warn", "tickets_lost", "worker %u has old keys for tickets", worker->index);
}

void tickets_rotate(struct tickets *tickets)
{
    struct tls_ticket_key fresh;
    struct workers_caller worker;
    if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
        return;
    tickets->keys[1] = tickets->keys[0];
    tickets->keys[0] = fresh;
    explicit_bzero(&fresh, sizeof(fresh));
    for (uint32_t i = 0; i < 2 * tickets->config->workers; i++) {
        if (workers_find(tickets->workers, i, &worker))
            tickets_welcome(tickets, &worker);
    }
}

static void tickets_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    tickets_rotate(context);
}

enum status tickets_open(struct tickets *tickets,
                         struct event_base *base,
                         const struct config *config,
                         struct workers *workers,
                         struct report *report)
{
    const struct timeval interval = {.tv_sec = TICKETS_ROTATION_S};
    *tickets = (struct tickets){.workers = workers, .config = config};
    if (getrandom(tickets->keys, sizeof(tickets->keys), 0) != (ssize_t)sizeof(tickets->keys))
        return report_errno(report, "cannot make keys for tickets");
    tickets->timer = event_new(base, -1, EV_PERSIST, tickets_on_timer, tickets);
    if (tickets->timer == NULL || event_add(tickets->timer, &interval) != 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

void tickets_resume(struct tickets *tickets, const struct tls_ticket_key keys[TLS_TICKET_KEYS])
{
    memcpy(tickets->keys, keys, sizeof(tickets->keys));
}

void tickets_close(struct tickets *tickets)
{
    if (tickets->timer != NULL)
        event_free(tickets->timer);
    explicit_bzero(tickets, sizeof(*tickets));
}
