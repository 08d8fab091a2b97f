/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: control's line to egress. What control asks of other servers goes over it, a
 * whole request for a whole answer; so does what it wants to know of names. When egress ends, all
 * that was under way has failed.
 */
#ifndef SKERRY_SERVER_CONTROL_LINES_EGRESS_LINE_H
#define SKERRY_SERVER_CONTROL_LINES_EGRESS_LINE_H

#include "deploy/deploy.h"
#include "engine/base/list.h"
#include "server/control/helpers.h"

#define EGRESS_LINE_CALLS_MAX 64

struct egress_line {
    struct helpers *helpers;
    struct deploy_control *deploy; /* hears the answers */
    struct list calls;
    uint32_t count;
};

/* Both are borrowed. */
void egress_line_open(struct egress_line *line,
                      struct helpers *helpers,
                      struct deploy_control *deploy);
void egress_line_close(struct egress_line *line);
/* For deploy_control_options.fetch. */
bool egress_line_fetch(struct egress_line *line, const struct deploy_fetch *fetch, uint64_t number);
/* For deploy_control_options.texts. */
bool egress_line_texts(struct egress_line *line, struct bytes name, uint64_t number);
/* Egress is gone. */
void egress_line_lost(struct egress_line *line);

#endif
