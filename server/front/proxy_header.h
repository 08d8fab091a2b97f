/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/front/: the header with which a balancer begins a connection, to say whose it
 * is: PROXY protocol, version 1 (a line) or 2 (bytes).
 *
 *   1   "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "PROXY UNKNOWN ...\r\n"
 *   2   signature(12) | version, command | family, transport | length(2) | addresses | more
 */
#ifndef SKERRY_SERVER_FRONT_PROXY_HEADER_H
#define SKERRY_SERVER_FRONT_PROXY_HEADER_H

#include <sys/socket.h>

#include "engine/base/bytes.h"

#define PROXY_HEADER_BYTES_MAX 528 /* of version 2 with what may follow its addresses */

enum proxy_outcome { PROXY_INCOMPLETE, PROXY_COMPLETE, PROXY_BAD };

/* Reads the beginning of `bytes`. COMPLETE: the header has *ret_bytes, and the client is
 * *ret_client; AF_UNSPEC: the balancer speaks for itself, or does not know. */
enum proxy_outcome proxy_header_parse(struct bytes bytes,
                                      struct sockaddr_storage *ret_client,
                                      socklen_t *ret_client_bytes,
                                      size_t *ret_bytes);

#endif
