/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: where one header field ends and the next begins in a block of HPACK, without
 * decoding it. [RFC 7541 6] So a decoder can be stopped between two.
 */
#ifndef SKERRY_SERVER_FRONT_HTTP2_FIELDS_H
#define SKERRY_SERVER_FRONT_HTTP2_FIELDS_H

#include "engine/base/bytes.h"

/* How many bytes at the front of `block` are its first field, changes of the table's size before it
 * included; 0 if they make no whole field. */
size_t http2_field_bytes(struct bytes block);

#endif
