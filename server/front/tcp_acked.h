/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how far a client has read. In a file of its own, because the kernel's header
 * for it and the C library's do not go together.
 */
#ifndef SKERRY_SERVER_FRONT_TCP_ACKED_H
#define SKERRY_SERVER_FRONT_TCP_ACKED_H

#include <stdint.h>

/* Bytes of this connection that the other side has acknowledged, ever; 0 if it is no TCP. */
uint64_t tcp_acked_bytes(int fd);

#endif
