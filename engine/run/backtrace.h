/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking the guest stack from callee to caller (backtrace.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_BACKTRACE_H
#define SKERRY_ENGINE_RUN_BACKTRACE_H

#include "engine/image/image.h"
#include "engine/run/frames.h"

/* The function whose code holds `offset`; entries ascend with the index. */
uint32_t backtrace_func(const struct image_header *header, uint32_t offset);
/* Is `at` inside a function? Leaves the frames between instances and of host calls first. */
bool backtrace_in_func(const struct engine_machine *machine, struct frame_place *at);
/* From function `func` to its caller; false: the stack makes no sense. */
bool backtrace_leave(const struct engine_machine *machine, struct frame_place *at, uint32_t func);

#endif
