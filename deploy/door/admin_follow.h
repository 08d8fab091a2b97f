/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that follow a log: an answer that goes on with each line as it is appended.
 *
 * Whoever reads too slowly is cut off, not waited for; it comes again with the id of the last line
 * that it saw. A sign of life now and then shows a client that is gone, and keeps proxies quiet.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_FOLLOW_H
#define SKERRY_DEPLOY_DOOR_ADMIN_FOLLOW_H

#include "deploy/door/admin_http.h"

/* `response` has a follow that is wanted; takes over the call. */
void admin_follow_start(struct event_base *base,
                        struct log_store *logs,
                        struct admin_http_call *call,
                        const struct api_response *response);

#endif
