/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/manifest/: where a walk through a manifest's tree is, and how it says what is
 * wrong there.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_READ_PRIVATE_H
#define SKERRY_DEPLOY_MANIFEST_READ_PRIVATE_H

#include "deploy/manifest/read.h"
#include "deploy/manifest/rows.h"

#define READ_NONE UINT32_MAX

struct manifest_reader {
    const struct manifest_marks *marks; /* NULL: none */
    struct arena *arena;
    struct report *report;
    /* Where it is. */
    const char *section;
    const char *key; /* "" in between */
    uint32_t row;    /* in a list of sections; READ_NONE outside */
    uint32_t item;   /* in a list or a mapping of values; READ_NONE outside */
};

/* At the beginning of a manifest, or of a row that comes alone. `marks` may be NULL. */
struct manifest_reader manifest_reader_make(const struct manifest_marks *marks,
                                            struct arena *arena,
                                            struct report *report);
/* The JSON of a row that comes alone, through the API; the caller's to free. */
NODISCARD enum status
manifest_read_row(struct bytes text, struct report *report, json_t **ret_tree);
/* Of the value `node`, or of its member's name `key`. */
enum status manifest_read_fail(const struct manifest_reader *reader,
                               const json_t *node,
                               const char *key,
                               const char *format,
                               ...) PRINTF_LIKE(4, 5);
/* A value's own report, told with what it was. */
enum status manifest_read_refused(const struct manifest_reader *reader,
                                  const json_t *node,
                                  struct bytes text,
                                  const struct report *why);
enum status manifest_read_no_memory(const struct manifest_reader *reader);
/* Not OK, and told, if it is no list or too long. */
NODISCARD enum status manifest_read_list(const struct manifest_reader *reader,
                                         const struct manifest_row *row,
                                         const json_t *node);
/* A mapping whose keys are the section's rows, into the struct at `base`. */
NODISCARD enum status manifest_read_mapping(struct manifest_reader *reader,
                                            const char *section,
                                            json_t *node,
                                            void *base);
/* A list of cron triggers (read_cron.c). */
NODISCARD enum status manifest_read_crons(struct manifest_reader *reader,
                                          const struct manifest_row *row,
                                          json_t *node,
                                          struct deploy_crons *ret_crons);

#endif
