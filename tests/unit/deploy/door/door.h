/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API's door on real sockets, on one loop with its clients: nobody waits for anybody,
 * each turn of the loop is the test's. What is behind it answers 200 or, if told so, later.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_API_DOOR_H
#define SKERRY_TESTS_UNIT_DEPLOY_API_DOOR_H

#include "../fixture.h"

#include "deploy/door/admin_private.h"

#define TOKEN  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define HOST   "Host: localhost\r\n"

struct door {
    struct fixture fixture;
    struct config config;
    struct event_base *base;
    struct admin_http *http;
    struct admin_http_call *held; /* the last that was handed over; answered by the test */
    bool holds;                   /* calls wait for the test, else they get 200 at once */
    uint32_t call_count;
    uint32_t gone_count;
    uint32_t refused_calls;
    uint32_t refused_count;
    char body[64]; /* of the last call */
    size_t body_count;
    char path[64];
};

void door_init(struct door *door);
void door_done(struct door *door);
int door_connect(const struct door *door, enum admin_door which);
void door_turn(const struct door *door);
/* Sends all, giving the door its turns; stops where the door has closed. */
void door_send(const struct door *door, int fd, const char *text, size_t count);
/* Reads until `text` is in what came, or the end; what came is in `ret_answer`. */
bool door_receive(const struct door *door, int fd, const char *text, char ret_answer[8192]);
/* One request on one connection; the status, 0 if there was no answer. */
int door_ask(struct door *door, enum admin_door which, const char *request);
/* Of both doors. */
uint32_t door_connections(const struct door *door);
/* 200, with this body. */
void door_reply(struct admin_http_call *call, const char *text);

#endif
