/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies on the guest stack besides values. The stack grows up, in slots of 8 bytes; there
 * is one for a machine.
 *
 *     fp -> | parameters, locals | frame_link | operands ... | callee's frame ...
 *
 * A callee's parameters are the caller's topmost operands, in place. The 32 bits before a
 * function's first cell hold its number of locals (in slots), so that its link can be found.
 * The outermost frame returns to one of machine->cells.
 *
 * Two more things are between frames, where a function was entered that does not return to
 * plain code. What returns to them finds them as its caller's fp:
 *
 *     into another instance:   frame -> | cross_frame | callee's frame ...
 *         the callee returns to cells.cross_return
 *     a host function calls back:   stub's locals | frame_link | host_frame | callee's frame ...
 *         the callee returns to cells.host_return
 *
 * Only handlers write these, and who resumes a frozen call (call.c); whoever reads them from a
 * machine that trapped (backtrace.c) holds every pointer against its range first.
 */
#ifndef SKERRY_ENGINE_RUN_FRAMES_H
#define SKERRY_ENGINE_RUN_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/image/code.h"

struct engine_instance;

/* A position on the guest stack. */
struct frame_place {
    const uint8_t *pc;
    uint64_t *fp;
    struct engine_instance *instance;
};

/* The way back to the caller. */
struct frame_link {
    const uint8_t *return_pc;
    uint64_t *caller_fp;
};

/* How both kinds of crossings begin: the way back to the instance that was left. */
struct frame_crossing {
    const uint8_t *return_pc;
    struct engine_instance *instance;
    uint64_t *fp;
};

struct cross_frame {
    struct frame_crossing back;
    uint64_t result_slots; /* to copy down */
};

struct host_frame {
    struct frame_crossing back; /* return_pc: behind the stub's cell that called the host */
    uint32_t step;              /* what the host function is told when it is called again */
    uint32_t func;              /* that it called, of the same instance */
};

#define FRAME_LINK_SLOTS  (sizeof(struct frame_link) / sizeof(uint64_t))
#define CROSS_FRAME_SLOTS (sizeof(struct cross_frame) / sizeof(uint64_t))
#define HOST_FRAME_SLOTS  (sizeof(struct host_frame) / sizeof(uint64_t))

/* Translated code counts on these. */
_Static_assert(sizeof(struct frame_link) == 2 * sizeof(uint64_t), "a link is two slots");
_Static_assert(sizeof(struct cross_frame) == 4 * sizeof(uint64_t), "whole slots");
_Static_assert(sizeof(struct host_frame) == 4 * sizeof(uint64_t), "whole slots");
/* Who walks the stack does not know which of the two it met. */
_Static_assert(offsetof(struct cross_frame, back) == 0, "a crossing is found at its frame");
_Static_assert(offsetof(struct host_frame, back) == 0, "a crossing is found at its frame");

static inline uint32_t frame_local_count(const uint8_t *entry)
{
    uint32_t count;
    memcpy(&count, entry - CODE_LOCALS_BYTES, sizeof(count));
    return count;
}

/* The link in the frame at `fp` of the function whose first cell is `entry`. */
static inline struct frame_link *frame_link_of(uint64_t *fp, const uint8_t *entry)
{
    return (struct frame_link *)(void *)(fp + frame_local_count(entry));
}

/* What is at a slot that is known to begin one. */
static inline struct frame_link *frame_link_at(uint64_t *slot)
{
    return (struct frame_link *)(void *)slot;
}

static inline struct cross_frame *frame_cross_at(uint64_t *slot)
{
    return (struct cross_frame *)(void *)slot;
}

static inline struct host_frame *frame_host_at(uint64_t *slot)
{
    return (struct host_frame *)(void *)slot;
}

#endif
