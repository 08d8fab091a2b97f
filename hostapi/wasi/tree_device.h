/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `/dev/skerry`: what a program that cannot import functions of its own has of Skerry, as files.
 */
#ifndef SKERRY_HOSTAPI_WASI_TREE_DEVICE_H
#define SKERRY_HOSTAPI_WASI_TREE_DEVICE_H

#include "hostapi/wasi/wasi.h"

/* Its context is the host. */
extern const struct wasi_tree wasi_device_tree;

/* Did the function ask for it? */
bool wasi_has_device(const struct hostapi_host *host);
/* Adds it to the mounts, if the function asked for it. */
void wasi_device_mount(struct hostapi_host *host, struct wasi_mounts *mounts);
/* Is it the request's body, which is read as descriptor 0 is? */
bool wasi_device_is_stdin(struct hostapi_host *host, const struct wasi_fd *row);
/* Before a row is read: DONE if it may be; else what the call answers. */
enum engine_outcome wasi_device_before_read(struct hostapi_host *host,
                                            struct engine_host_call *call,
                                            const struct wasi_fd *row);

#endif
