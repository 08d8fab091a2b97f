/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what is below a directory of the system, and nothing else: neither `..` nor a symbolic
 * link, neither an absolute path nor somebody who moves folders meanwhile leads out of it.
 */
#ifndef SKERRY_HOSTAPI_WASI_BENEATH_H
#define SKERRY_HOSTAPI_WASI_BENEATH_H

#include "hostapi/wasi/tree.h"

#define BENEATH_LINKS_MAX 40  /* symbolic links on one way, as the system has it */
#define BENEATH_DEPTH_MAX 128 /* folders that are open at once on one way, without openat2 */

/*
 * As openat(2), with O_CLOEXEC; a descriptor, or minus an errno: EXDEV if the way would lead out.
 * `walks` true: openat2(2) is not used. It becomes true where the system lacks it.
 */
int beneath_open(bool *walks, int dir_fd, struct bytes path, int flags, unsigned mode);

#endif
