/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: TXT records of names, which evdns does not ask for; c-ares does, on our
 * loop, with ids and ports that nobody can guess, and by TCP what is too long for UDP.
 */
#ifndef SKERRY_SERVER_EGRESS_TEXTS_H
#define SKERRY_SERVER_EGRESS_TEXTS_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define TEXTS_QUERIES_MAX 64    /* at once */
#define TEXTS_BYTES_MAX   60000 /* of an answer; what is over is left out */

struct event_base;
struct texts;

/* OK: `list` has the records, each with a NUL; those with a NUL in them are left out. NOT_FOUND:
 * there are none; UNREACHABLE: nobody could say. */
typedef void texts_done(void *context, uint64_t number, enum status status, struct bytes list);

/* `nameserver` as of resolver_create. `done` is called once for each question, not from within
 * texts_ask. */
NODISCARD enum status texts_create(struct event_base *base,
                                   const char *nameserver,
                                   texts_done *done,
                                   void *context,
                                   struct report *report,
                                   struct texts **ret_texts);
/* Questions under way are forgotten; accepts NULL. */
void texts_free(struct texts *texts);
/* False: too many are under way, or that is no name. */
NODISCARD bool texts_ask(struct texts *texts, struct bytes name, uint64_t number);

#endif
