/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control when another program is about to take its place in this process.
 *
 *   hold artifacts --> pause --> quiet? --> hand over: all is closed but the lock and the sockets
 */
#include <errno.h>
#include <fcntl.h>

#include "deploy/build/rebuild.h"
#include "deploy/build/scrub.h"
#include "deploy/control_private.h"
#include "deploy/door/admin_http.h"
#include "deploy/kv/kv_queue.h"

_Static_assert(DEPLOY_ADMIN_DOORS == ADMIN_HTTP_DOORS, "each is handed over");

void deploy_control_hold_artifacts(struct deploy_control *control, bool held)
{
    scrub_hold(control->scrub, held);
}

void deploy_control_pause(struct deploy_control *control, bool paused)
{
    control->is_paused = paused;
    admin_http_pause(control->http, paused);
}

bool deploy_control_is_quiet(struct deploy_control *control)
{
    kv_queue_flush(control->kv_queue);
    return admin_http_is_quiet(control->http) && list_is_empty(&control->errands.calls);
}

void deploy_control_hand_over(struct deploy_control *control, struct deploy_handover *ret_handover)
{
    admin_http_hand_over(control->http, ret_handover->admin_fds);
    ret_handover->lock_fd = fcntl(control->dir.lock_fd, F_DUPFD_CLOEXEC, 0);
    deploy_control_stop(control);
}

void deploy_control_rebuild(struct deploy_control *control, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    rebuild_request(control->rebuild, key);
}
