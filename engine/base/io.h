/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole reads and writes of a blocking descriptor: short ones go on, and so do those that a
 * signal broke off.
 *
 * errno is the system's after a failure that was the system's: report_errno may follow.
 */
#ifndef SKERRY_ENGINE_BASE_IO_H
#define SKERRY_ENGINE_BASE_IO_H

#include "engine/base/bytes.h"

/* Bytes read before the end, at most `count`; less means that the end was there. IO. */
NODISCARD enum status io_read(int fd, void *data, size_t count, size_t *ret_count);
/* Exactly `count` bytes; an end before them is STATUS_IO too, with errno 0. */
NODISCARD enum status io_read_all(int fd, void *data, size_t count);
/* Appends all up to the end. IO; LIMIT, when there is more than the buffer may have; NO_MEMORY. */
NODISCARD enum status io_read_to_end(int fd, struct buffer *out);
NODISCARD enum status io_write_all(int fd, struct bytes data);

#endif
