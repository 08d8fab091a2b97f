/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record to the deployment that it may undo.
 */
#include "server/control/canary_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/telemetry/log.h"

static void canary_watch_tell(struct deploy_control *control,
                              const struct deploy_answers *answers,
                              const struct deploy_undone *undone)
{
    struct log_line line;
    char text[192];
    (void)snprintf(text, sizeof(text),
                   "v%" PRIu32 " failed %" PRIu64 " of %" PRIu64 " times, the others %" PRIu64
                   " of %" PRIu64 ": its clients get those again",
                   undone->version, undone->failed, undone->answered, undone->others_failed,
                   undone->others_answered);
    log_begin(&line, "error", "canary_undone");
    log_text(&line, "tenant", answers->tenant);
    log_text(&line, "function", answers->function);
    log_text(&line, "text", bytes_of_text(text));
    log_close(&line);
    /* Without its newline. */
    deploy_control_log(control, answers->tenant, answers->function, DEPLOY_LOG_ERROR,
                       bytes_make(line.text, line.count - 1));
    (void)log_write(line.text, line.count);
}

void canary_watch_answers(void *context, const struct answer_record *record)
{
    struct deploy_control *control = context;
    struct deploy_undone undone;
    const struct deploy_answers answers = {.tenant = bytes_of_text(record->tenant),
                                           .function = bytes_of_text(record->function),
                                           .created_ns = record->created_ns,
                                           .version = record->version,
                                           .answered = record->answered,
                                           .failed = record->failed};
    if (deploy_control_answers(control, &answers, &undone))
        canary_watch_tell(control, &answers, &undone);
}
