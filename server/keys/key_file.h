/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the file of keys that the vault's boxes are made with, and those keys in
 * memory that is locked.
 *
 *   "skerrykey1" NUL NUL | u32 count | count times: u32 id, 32 bytes       mode 0600, present one
 * first
 *
 * It is written anew and renamed, so that it is always whole. A file that others may read is
 * refused.
 */
#ifndef SKERRY_SERVER_KEYS_KEY_FILE_H
#define SKERRY_SERVER_KEYS_KEY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* Present, and those of rotations that were cut short: one, but older servers left more. */
#define KEY_FILE_KEYS_MAX 8

struct key_file;

/* `dir`/key; made if it is not there. */
NODISCARD enum status
key_file_open(const char *dir, struct report *report, struct key_file **ret_file);
void key_file_close(struct key_file *file);
/* 32 bytes. */
const uint8_t *key_file_present(const struct key_file *file, uint32_t *ret_id);
/* All that the file has, lent. */
struct bytes key_file_bytes_of(const struct key_file *file);
/* NULL: there is none of that id. */
const uint8_t *key_file_find(const struct key_file *file, uint32_t id);
/* Is there another than the present one? */
bool key_file_has_old(const struct key_file *file);
/* A new one becomes the present one, on disk first. */
NODISCARD enum status key_file_add(struct key_file *file, struct report *report);
/* Only the present one is left. */
NODISCARD enum status key_file_drop_old(struct key_file *file, struct report *report);

#endif
