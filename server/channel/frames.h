/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: frames, as bytes. All numbers are little-endian.
 *
 *   +-------+------+-------+---------+--- ... ---+
 *   | bytes | type | flags | call id |  payload  |       bytes: of all that follows it
 *   +-------+------+-------+---------+--- ... ---+
 *      u32    u16     u16      u64
 *
 * A reader gives nothing that is not there: past the end, or with a length that is too large, it is
 * bad from then on, gives zeros, and says so once, at its end. A writer is the same the other way.
 */
#ifndef SKERRY_SERVER_CHANNEL_FRAMES_H
#define SKERRY_SERVER_CHANNEL_FRAMES_H

#include "engine/base/bytes.h"

enum channel_end {
#define END(NAME, name) CHANNEL_##NAME,
#include "server/channel/ends.def"
    CHANNEL_END_COUNT,
    CHANNEL_ANY = CHANNEL_END_COUNT
};
const char *channel_end_name(enum channel_end end);

enum channel_type {
#define MESSAGE(NAME, FROM, TO, min_bytes, max_bytes, fds, text) CHANNEL_MESSAGE_##NAME,
#include "server/channel/messages.def"
    CHANNEL_TYPE_COUNT
};

#define CHANNEL_HEAD_BYTES 16

struct channel_frame {
    enum channel_type type;
    uint16_t flags;
    uint64_t id;          /* which call it is of; 0: none */
    struct bytes payload; /* borrowed: valid while it is handled */
    int fd;               /* that came with it: the handler's; -1: none */
};

/* The most that a frame from `peer` to `own` can be, with its head. */
size_t channel_frame_max_bytes(enum channel_end own, enum channel_end peer);

enum channel_parse {
    CHANNEL_PARSE_MORE,  /* there is no whole frame yet; *ret_bytes: it will be so long, or 0 */
    CHANNEL_PARSE_FRAME, /* there is one, of *ret_bytes */
    CHANNEL_PARSE_BROKEN /* what is there is none that `peer` may send to `own` */
};
/* Looks at the beginning of `bytes`; `ret_frame` is written with FRAME, without a descriptor. */
enum channel_parse channel_parse(struct bytes bytes,
                                 enum channel_end own,
                                 enum channel_end peer,
                                 struct channel_frame *ret_frame,
                                 size_t *ret_bytes);
/* Does a message of this type bring a descriptor? */
bool channel_type_has_fd(enum channel_type type);
/* May `own` send it to `peer`, with so many bytes? */
bool channel_may_send(enum channel_type type,
                      enum channel_end own,
                      enum channel_end peer,
                      size_t payload_bytes);
void channel_write_head(uint8_t ret_head[CHANNEL_HEAD_BYTES],
                        enum channel_type type,
                        uint16_t flags,
                        uint64_t id,
                        size_t payload_bytes);

/* ---- payloads -------------------------------------------------------------------------------- */

struct channel_reader {
    struct bytes left;
    bool bad;
};
static inline struct channel_reader channel_reader(struct bytes payload)
{
    return (struct channel_reader){.left = payload};
}
uint8_t channel_get_u8(struct channel_reader *reader);
uint16_t channel_get_u16(struct channel_reader *reader);
uint32_t channel_get_u32(struct channel_reader *reader);
uint64_t channel_get_u64(struct channel_reader *reader);
/* A view of bytes that have their length before them; more than `max`: bad. */
struct bytes channel_get_bytes(struct channel_reader *reader, size_t max);
/* A view of so many bytes. */
struct bytes channel_get_raw(struct channel_reader *reader, size_t count);
/* All that is left. */
struct bytes channel_get_rest(struct channel_reader *reader);
/* Was all there, and is nothing left? */
bool channel_reader_ends(const struct channel_reader *reader);

struct channel_writer {
    uint8_t *data;
    size_t count;
    size_t max;
    bool bad;
};
static inline struct channel_writer channel_writer(uint8_t *data, size_t max)
{
    return (struct channel_writer){.data = data, .max = max};
}
void channel_put_u8(struct channel_writer *writer, uint8_t value);
void channel_put_u16(struct channel_writer *writer, uint16_t value);
void channel_put_u32(struct channel_writer *writer, uint32_t value);
void channel_put_u64(struct channel_writer *writer, uint64_t value);
void channel_put_bytes(struct channel_writer *writer, struct bytes bytes);
/* What was written; it must have had room for all (ASSERTed). */
struct bytes channel_written(const struct channel_writer *writer);

#endif
