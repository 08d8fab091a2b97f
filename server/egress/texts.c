/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares says which sockets it waits for, and how long; what it calls back is kept until it has
 * returned.
 */
#include "server/egress/texts.h"

#include <ares.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define TEXTS_NAME_BYTES 254
#define TEXTS_TIMEOUT_MS 3000
#define TEXTS_TRIES      3
#define TEXTS_SOCKETS    16
#define TEXTS_CLASS_IN   1
#define TEXTS_TYPE_TXT   16

struct texts_query {
    struct texts *texts;
    bool is_used;
    bool is_answered;
    uint64_t number;
    enum status status;
    struct buffer list;
};

struct texts_socket {
    struct texts *texts;
    struct event *event;
    ares_socket_t fd;
};

struct texts {
    struct event_base *base;
    ares_channel channel;
    bool has_channel;
    texts_done *done;
    void *context;
    struct event *timer;
    struct texts_socket sockets[TEXTS_SOCKETS];
    struct texts_query queries[TEXTS_QUERIES_MAX];
};

/* ---- what is called back --------------------------------------------------------------------- */

static void texts_close_query(struct texts_query *query)
{
    buffer_done(&query->list);
    *query = (struct texts_query){0};
}

/* Tells what was answered, and waits for the rest. */
static void texts_settle(struct texts *texts)
{
    struct timeval room;
    for (size_t i = 0; i < TEXTS_QUERIES_MAX; i++) {
        struct texts_query *query = &texts->queries[i];
        if (!query->is_answered)
            continue;
        query->is_answered = false;
        texts->done(texts->context, query->number, query->status, buffer_bytes(&query->list));
        texts_close_query(query);
    }
    const struct timeval *wait = ares_timeout(texts->channel, NULL, &room);
    if (wait != NULL)
        (void)event_add(texts->timer, wait);
    else
        (void)event_del(texts->timer);
}

/* A record can come in parts [RFC 1035 3.3.14]. */
static void texts_take(struct texts_query *query, const struct ares_txt_ext *row)
{
    struct buffer *list = &query->list;
    bool has_nul = false;
    size_t begin = list->count;
    enum status status = STATUS_OK;
    do {
        has_nul |= memchr(row->txt, '\0', row->length) != NULL;
        if (status == STATUS_OK && row->length > 0)
            status = buffer_append(list, row->txt, row->length);
        row = row->next;
    } while (row != NULL && row->record_start == 0);
    if (status == STATUS_OK)
        status = buffer_append(list, "", 1);
    if (status != STATUS_OK || has_nul)
        list->count = begin;
}

static void texts_on_answer(void *context, int code, int timeouts, unsigned char *data, int count)
{
    (void)timeouts;
    struct texts_query *query = context;
    struct ares_txt_ext *rows = NULL;
    if (code == ARES_SUCCESS)
        code = ares_parse_txt_reply_ext(data, count, &rows);
    for (const struct ares_txt_ext *row = rows; row != NULL; row = row->next) {
        if (row->record_start != 0)
            texts_take(query, row);
    }
    ares_free_data(rows);
    query->status = code == ARES_SUCCESS                             ? STATUS_OK
                    : code == ARES_ENOTFOUND || code == ARES_ENODATA ? STATUS_NOT_FOUND
                                                                     : STATUS_UNREACHABLE;
    query->is_answered = true;
}

static void texts_on_socket(evutil_socket_t fd, short events, void *context)
{
    struct texts_socket *one = context;
    struct texts *texts = one->texts;
    ares_process_fd(texts->channel, (events & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    texts_settle(texts);
}

static void texts_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct texts *texts = context;
    ares_process_fd(texts->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    texts_settle(texts);
}

static void texts_forget_socket(struct texts_socket *one)
{
    event_free(one->event);
    one->event = NULL;
}

static void texts_on_state(void *context, ares_socket_t fd, int reads, int writes)
{
    struct texts *texts = context;
    struct texts_socket *room = NULL;
    for (size_t i = 0; i < TEXTS_SOCKETS; i++) {
        struct texts_socket *one = &texts->sockets[i];
        if (one->event != NULL && one->fd == fd)
            texts_forget_socket(one);
        if (room == NULL && one->event == NULL)
            room = one;
    }
    if ((reads == 0 && writes == 0) || room == NULL)
        return; /* without a place it has its timeout */
    short events = (short)((reads != 0 ? EV_READ : 0) | (writes != 0 ? EV_WRITE : 0) | EV_PERSIST);
    *room = (struct texts_socket){.texts = texts, .fd = fd};
    room->event = event_new(texts->base, fd, events, texts_on_socket, room);
    if (room->event != NULL && event_add(room->event, NULL) != 0)
        texts_forget_socket(room);
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool texts_ask(struct texts *texts, struct bytes name, uint64_t number)
{
    static const struct timeval now = {0};
    char text[TEXTS_NAME_BYTES];
    struct texts_query *query = NULL;
    for (size_t i = 0; i < TEXTS_QUERIES_MAX && query == NULL; i++)
        query = texts->queries[i].is_used ? NULL : &texts->queries[i];
    if (query == NULL || name.count == 0 || name.count >= sizeof(text) ||
        memchr(name.data, '\0', name.count) != NULL)
        return false;
    memcpy(text, name.data, name.count);
    text[name.count] = '\0';
    *query = (struct texts_query){.texts = texts, .is_used = true, .number = number};
    buffer_init(&query->list, TEXTS_BYTES_MAX);
    ares_query(texts->channel, text, TEXTS_CLASS_IN, TEXTS_TYPE_TXT, texts_on_answer, query);
    (void)event_add(texts->timer, &now); /* it may be answered already */
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum status texts_open_channel(struct texts *texts, const char *nameserver)
{
    struct ares_options options = {.timeout = TEXTS_TIMEOUT_MS,
                                   .tries = TEXTS_TRIES,
                                   .sock_state_cb = texts_on_state,
                                   .sock_state_cb_data = texts,
                                   .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES};
    int given = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_FLAGS;
    texts->has_channel = ares_init_options(&texts->channel, &options, given) == ARES_SUCCESS;
    if (!texts->has_channel)
        return STATUS_NO_MEMORY;
    return nameserver[0] == '\0' ||
                   ares_set_servers_ports_csv(texts->channel, nameserver) == ARES_SUCCESS
               ? STATUS_OK
               : STATUS_CONFIG;
}

enum status texts_create(struct event_base *base,
                         const char *nameserver,
                         texts_done *done,
                         void *context,
                         struct report *report,
                         struct texts **ret_texts)
{
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "c-ares cannot begin");
    struct texts *texts = calloc(1, sizeof(*texts));
    enum status status = STATUS_NO_MEMORY;
    if (texts != NULL) {
        texts->base = base;
        texts->done = done;
        texts->context = context;
        texts->timer = evtimer_new(base, texts_on_timer, texts);
        status = texts->timer == NULL ? status : texts_open_channel(texts, nameserver);
    } else {
        ares_library_cleanup();
    }
    if (status == STATUS_OK) {
        *ret_texts = texts;
        return STATUS_OK;
    }
    texts_free(texts);
    return report_fail(report, status, REPORT_OFFSET_NONE, "%s",
                       status == STATUS_CONFIG
                           ? "outbound.nameserver is no address that can be asked"
                           : "out of memory");
}

void texts_free(struct texts *texts)
{
    if (texts == NULL)
        return;
    if (texts->has_channel)
        ares_destroy(texts->channel);
    for (size_t i = 0; i < TEXTS_SOCKETS; i++) {
        if (texts->sockets[i].event != NULL)
            texts_forget_socket(&texts->sockets[i]);
    }
    for (size_t i = 0; i < TEXTS_QUERIES_MAX; i++)
        texts_close_query(&texts->queries[i]);
    if (texts->timer != NULL)
        event_free(texts->timer);
    free(texts);
    ares_library_cleanup();
}
