/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body of multipart/related [RFC 2387]: a manifest, then its module.
 *
 *   --B CRLF fields CRLF CRLF data CRLF --B CRLF fields CRLF CRLF data CRLF --B--
 *
 * Strict: nothing before the first boundary or behind the last one but a line's end, no other
 * fields than Content-Type. No browser sends this type without being told to by a page that may.
 */
#ifndef SKERRY_DEPLOY_API_MULTIPART_H
#define SKERRY_DEPLOY_API_MULTIPART_H

#include "engine/base/bytes.h"

#define MULTIPART_TYPE "multipart/related"

struct multipart_part {
    struct bytes content_type; /* data NULL: none was given */
    struct bytes data;
};

/* Takes the body apart into its parts, one at least and `max` at most; views. MALFORMED, and a
 * report. */
NODISCARD enum status multipart_parse(struct bytes content_type,
                                      struct bytes body,
                                      struct report *report,
                                      size_t max,
                                      struct multipart_part *ret_parts,
                                      size_t *ret_count);

#endif
