/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is negotiated of a file's content: its type, by its name, and the coding that a client
 * takes.
 */
#ifndef SKERRY_SERVER_ASSETS_CONTENT_H
#define SKERRY_SERVER_ASSETS_CONTENT_H

#include "engine/base/bytes.h"

struct content_encoding {
    const char *coding;
    const char *ending; /* of the file that has it */
};

extern const struct content_encoding content_encodings[];
extern const size_t content_encoding_count;

/* By the extension; never NULL. */
const char *content_type(struct bytes name);
/* How much a client wants a coding, by its Accept-Encoding: thousandths, 0: not at all [RFC 9110
 * 12.5.3]. An empty header takes none. */
uint32_t content_accepts(struct bytes accept_encoding, const char *coding);

#endif
