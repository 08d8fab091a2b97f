/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/front/h2o_*.c: what libh2o 2.2.5 lacks, added from outside.
 *
 * libh2o calls its own exported functions through its linkage table, so a function of the same
 * name in this program is called in their place: without a patch, and for the whole process. The
 * guard is the parser of heads and chunks, and it watches every read:
 *
 *   readable --> guard_on_read (notes whose bytes they are) --> libh2o's callback
 *                                      |
 *                 phr_parse_request, phr_decode_chunked: ours, by the rules of the front
 *                                      |
 *                 a request to be refused goes on as an empty one, and meets its answer in the
 *                 handler of all requests: so there is one way to answer
 *
 * h2o_guard_check proves, on the library that is loaded, that all this is in force.
 */
#ifndef SKERRY_SERVER_FRONT_H2O_GUARD_H
#define SKERRY_SERVER_FRONT_H2O_GUARD_H

#include "server/front/h2o_front.h"

/* Finds the functions that ours stand before; call once before the first connection. */
void h2o_guard_init(void);
/* The connection is gone: nothing may be done in its name any more. */
void h2o_guard_forget(const struct h2o_connection *connection);
/* Why the request must be refused, if it must; asked once. `connection` is the request's. */
enum refusal_reason h2o_guard_take_refusal(struct h2o_connection *connection);

#endif
