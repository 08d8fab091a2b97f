/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to isolate/: puts an isolate's linear memories back to the snapshot's bytes.
 */
#ifndef SKERRY_ISOLATE_RESET_H
#define SKERRY_ISOLATE_RESET_H

#include "isolate/isolate.h"

/* More dirty pages than this are dropped by the kernel instead of copied: it costs page
 * faults in the next request, but gives a warm isolate's private memory back (4 MiB). */
#define RESET_COPY_PAGES_MAX 1024

/* Restores the contents of what the snapshot has and clears the dirty maps; engine_rewind must
 * follow: it takes away what was grown. False: the kernel refused; the isolate must not be
 * used again. */
NODISCARD bool reset_memories(const struct isolate *isolate);

/* Are more than `pages` pages of its memories dirty, grown ones included? */
bool reset_dirty_pages_exceed(const struct isolate *isolate, uint64_t pages);

#endif
