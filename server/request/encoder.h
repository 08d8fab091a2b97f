/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings that a worker makes [RFC 9110 8.4.1]: zstd [RFC 8878] and gzip [RFC 1952], each
 * by its library, at the level that costs least. Encoders are dear to make, so that the last one
 * of each is kept; and they are large, so that there are ENCODERS_MAX at once.
 */
#ifndef SKERRY_SERVER_REQUEST_ENCODER_H
#define SKERRY_SERVER_REQUEST_ENCODER_H

#include "engine/base/bytes.h"

#define ENCODERS_MAX 64

/* The one to be preferred first. */
enum encoder_method {
    ENCODER_ZSTD,
    ENCODER_GZIP,
    ENCODER_METHODS,
};

struct encoder;

/* A worker's; all zeros: it has none yet. */
struct encoders {
    struct encoder *idle[ENCODER_METHODS];
    uint32_t in_use;
};

/* As Content-Encoding names it. */
const char *encoder_name(enum encoder_method method);

/* One that begins; NULL: too many are in use, or there is no memory. */
struct encoder *encoders_take(struct encoders *encoders, enum encoder_method method);
/* Wherever it is in what it encodes. */
void encoders_give_back(struct encoders *encoders, struct encoder *encoder);
void encoders_done(struct encoders *encoders);

/* What one holds, about. */
uint64_t encoder_memory_bytes(const struct encoder *encoder);
/* Room that any piece of `count` bytes has enough in. */
size_t encoder_room(size_t count);
/* Encodes a piece so that its receiver can decode all of it; `is_last` ends the coding. `ret_data`
 * has encoder_room(piece.count); how much of it was used is the answer. */
size_t encoder_piece(struct encoder *encoder, struct bytes piece, bool is_last, uint8_t *ret_data);

#endif
