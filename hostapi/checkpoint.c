/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: a command is run by the builder up to a call of its own, and frozen inside it.
 *
 *   builder   hostapi_begin_checkpoint -> `_start` ... checkpoint_v1 PENDING -> engine_checkpoint,
 *             hostapi_checkpoint_note
 *   request   hostapi_begin -> the family's begin -> host_resume: checkpoint_v1 again, answered
 *
 * On the way there is no request: arguments, environment and stdin are empty, time and random
 * bytes are real, and counted. What would be lost or shared by what comes after is refused: output,
 * reading stdin, and all that host_trap_frozen refuses while any snapshot is made.
 *
 * The note has what a family's state must not forget: a length and bytes for each that keeps any.
 */
#include "hostapi/host.h"
#include "hostapi/hostcalls.h"

enum hostapi_step hostapi_begin_checkpoint(struct hostapi_host *host,
                                           struct engine_instance *instance,
                                           struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC && host->options.snapshotting);
    host_learn(host, instance);
    bool wants = host->options.wants_checkpoint || (host->linked & HOSTCALLS_CHECKPOINT) != 0;
    if (!wants || !host->family->has_checkpoint)
        return HOSTAPI_FINISHED;
    for (uint32_t i = 1; i < HOSTAPI_ENTRIES_MAX; i++) {
        if (host->entries.of_family[i] == HOST_NO_ENTRY)
            continue;
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "a command that exports %s may begin in several places, and cannot be "
                          "frozen on the way from one: remove that, or the call of checkpoint_v1",
                          host->family->entries[i].name);
        return HOSTAPI_FAULT;
    }
    hostapi_host_reset(host);
    host->request.instance = instance;
    host->checkpoint = (struct host_checkpoint){.on_the_way = true};
    host_call_entry(host, 0, NULL, 0);
    return HOSTAPI_RUN;
}

bool hostapi_at_checkpoint(const struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return host->checkpoint.reached;
}

struct hostapi_checkpoint hostapi_checkpoint(const struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return host->checkpoint.asked;
}

enum status hostapi_checkpoint_note(const struct hostapi_host *host, struct buffer *out)
{
    ASSERT(host->magic == HOST_MAGIC && host->checkpoint.reached);
    enum status status = STATUS_OK;
    for (const struct hostapi_family *f = host->family; f != NULL && status == STATUS_OK;
         f = f->uses) {
        if (f->freeze == NULL)
            continue;
        uint32_t count = 0;
        size_t at = out->count;
        status = buffer_append(out, &count, sizeof(count));
        if (status == STATUS_OK)
            status = f->freeze(host, out);
        if (status != STATUS_OK)
            break;
        count = (uint32_t)(out->count - at - sizeof(count));
        memcpy(out->data + at, &count, sizeof(count));
    }
    return status;
}

/* Takes one family's part off the note's beginning; false: it has none. */
static bool checkpoint_part(struct bytes *note, struct bytes *ret_part)
{
    uint32_t count;
    if (note->count < sizeof(count))
        return false;
    memcpy(&count, note->data, sizeof(count));
    if (count > note->count - sizeof(count))
        return false;
    *ret_part = bytes_make(note->data + sizeof(count), count);
    *note = bytes_make(ret_part->data + count, note->count - sizeof(count) - count);
    return true;
}

bool host_resume(struct hostapi_host *host)
{
    struct engine_instance *instance = host->request.instance;
    struct bytes note = engine_module_checkpoint_note(engine_instance_module(instance));
    for (const struct hostapi_family *f = host->family; f != NULL; f = f->uses) {
        struct bytes part;
        if (f->thaw != NULL && (!checkpoint_part(&note, &part) || !f->thaw(host, part)))
            return false;
    }
    engine_call_resume(engine_instance_machine(instance), instance);
    host->request.parked = true;
    return true;
}

enum engine_outcome
host_checkpoint(struct hostapi_host *host, struct engine_host_call *call, bool *ret_went_on)
{
    struct host_request *request = &host->request;
    if (host->checkpoint.on_the_way) {
        host->checkpoint.reached = true;
        return ENGINE_PENDING;
    }
    if (host->options.snapshotting)
        return host_trap(call, "checkpoint_v1 was called by a start function or an initialiser: "
                               "only a command's `_start` can be frozen in it");
    if (request->exchange != NULL && !host->family->has_checkpoint)
        return host_trap(call, "checkpoint_v1 was called by a handler, which has no start of its "
                               "own to be frozen: use skerry_init or a start function");
    if (request->checkpoint_passed)
        return host_trap(call, "checkpoint_v1 was called twice: a request goes on from the first "
                               "time, and there is no other");
    *ret_went_on = request->resumed;
    request->checkpoint_passed = true;
    return ENGINE_DONE;
}
