/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a function that ends at an origin. What its guest asks `next` for is another
 * server's answer: a reverse proxy whose rules are a program.
 *
 *   handle_request --next--> origin_begin --> origin_turn ... --> handle_response
 *                              the request, as the guest left it      the answer, in pieces as they
 *                              goes out by egress                     come, unless a guest buffers
 * it
 *
 * The isolate stays with the request meanwhile, which is parked like one whose guest waits.
 */
#ifndef SKERRY_SERVER_REQUEST_ORIGIN_H
#define SKERRY_SERVER_REQUEST_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "server/request/guest.h"

struct request;

/* Part of each request; all zeros: nothing is asked of an origin now. */
struct request_origin {
    uint64_t ticket; /* of the fetch; HOSTAPI_TICKET_NONE: there is none */
    size_t body_at;  /* so much of the request's body was sent */
    bool has_head;   /* the answer's head is the response's */
    bool is_small;   /* the answer: it is taken when all of it is here */
    bool body_ended;
};

/* The guest asked for the next handler, which is the origin. Then it is origin_turn's. */
enum guest_step origin_begin(struct request *request, struct guest_result *ret_result);
/* Instead of a run of the guest, while there is a ticket. */
enum guest_step origin_turn(struct request *request, struct guest_result *ret_result);

#endif
