/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what workers count of a deployment's versions, taken to the canaries, and
 * what became of one told: in the server's log and in its function's.
 */
#ifndef SKERRY_SERVER_CONTROL_CANARY_WATCH_H
#define SKERRY_SERVER_CONTROL_CANARY_WATCH_H

#include "server/telemetry/answer_record.h"

/* `context` is the struct deploy_control. */
void canary_watch_answers(void *context, const struct answer_record *record);

#endif
