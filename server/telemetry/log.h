/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the process's log, one JSON object a line on stderr; on a terminal a line for
 * whoever looks at it.
 *
 * A line is built in a fixed buffer and written by one write(2), so that lines of several
 * processes do not mix. What does not fit is cut inside its value; a line that cannot be
 * written at once (the pipe is full) is dropped: a slow reader of the log must not stop
 * the requests.
 */
#ifndef SKERRY_SERVER_TELEMETRY_LOG_H
#define SKERRY_SERVER_TELEMETRY_LOG_H

#include "engine/base/bytes.h"
#include "engine/base/clock.h"

#define LOG_LINE_BYTES  4096
#define LOG_STAMP_BYTES 32 /* of them are left to who passes a line on and says whose it is */

struct log_line {
    size_t count;
    bool cut;
    char text[LOG_LINE_BYTES];
};

/* Begins {"ts":...,"level":...,"event":...}. */
void log_begin(struct log_line *line, const char *level, const char *event);
/* The same of what happened at another time (realtime). */
void log_begin_at(struct log_line *line, uint64_t now_ns, const char *level, const char *event);
void log_text(struct log_line *line, const char *key, struct bytes value);
void log_number(struct log_line *line, const char *key, uint64_t value);
/* Writes it; false if it was dropped. */
bool log_end(struct log_line *line);
/* log_end in two: gives the line its end; writes a line of at most LOG_LINE_BYTES, or false. */
void log_close(struct log_line *line);
bool log_write(const char *line, size_t count);
/* For the rest of the process, writing to stdout and stderr loses what would have to wait. */
void log_never_wait(void);
/* Writes a line in another shape: at most `room` bytes; returns how many, 0: as it is. */
typedef size_t log_shape(struct bytes line, char *out, size_t room);
void log_shape_by(log_shape *shape);
/* The three in one: a line with a message. */
void log_message(const char *level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
