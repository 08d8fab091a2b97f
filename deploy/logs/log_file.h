/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/logs: the files of one function's log.
 */
#ifndef SKERRY_DEPLOY_LOGS_LOG_FILE_H
#define SKERRY_DEPLOY_LOGS_LOG_FILE_H

#include "deploy/logs/log_store.h"

#define LOG_FILE_PATH_BYTES (2 * DEPLOY_NAME_BYTES + 32) /* below the folder of logs */
#define LOG_ID_DIGITS       20

/* Of generation `index`: 0 is the newest. */
void log_file_path(const struct log_name *name, uint32_t index, char ret_path[LOG_FILE_PATH_BYTES]);
/* A regular file below the folder of logs, by a way without symbolic links: -1, with errno, for
 * anything else, so that nobody can have lines written elsewhere. */
int log_file_open(int dir_fd, const char *path, uint64_t flags);
/* Its last `tail` bytes, or all there are; an empty buffer if there is no such file. LIMIT if that
 * is more than the buffer may have. */
NODISCARD enum status
log_file_load(int dir_fd, const char *path, uint64_t tail, struct buffer *text);
/* Each becomes the next older one; the oldest of `files_max` goes. */
void log_file_rotate(int dir_fd, const struct log_name *name, uint32_t files_max);
/* The id that a line begins with; 0: it is none of ours. */
uint64_t log_line_id(struct bytes line);
/* What it says its level is; ERROR if it does not. */
enum deploy_log_level log_line_level(struct bytes line);
/* Takes the last line, with its newline, off `text`; false if there is none. What has no newline at
 * the end was cut when the disk or the power failed, and is left out. */
bool log_text_last(struct bytes *text, struct bytes *ret_line);

#endif
