/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the verbs that use the engine without a server (run, wast, validate,
 * inspect), and what their files share.
 */
#ifndef SKERRY_SERVER_CLI_VERBS_ENGINE_H
#define SKERRY_SERVER_CLI_VERBS_ENGINE_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/engine.h"

/* Runs the verb argv[1] if it is one of these; `ret_exit` is the process's exit status. */
bool server_engine_verb(int argc, char **argv, int *ret_exit);
/* One line of help for each verb. */
void server_engine_help(struct buffer *out);

/* Each verb gets what follows its name and returns the exit status. */
int verb_run(int argc, char **argv);
int verb_wast(int argc, char **argv);
int verb_validate(int argc, char **argv);
int verb_inspect(int argc, char **argv);

/* Prints "skerry VERB: ..." on stderr; returns the status's exit code. */
int verb_fail(const char *verb, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same for a wrong command line: ends with how `verb` is used. */
int verb_usage(const char *verb, const char *format, ...) PRINTF_LIKE(2, 3);
/* As verb_fail for a report, with its offset. `file` names what was read. */
int verb_fail_report(const char *verb, const char *file, const struct report *report);

/* Prints a name that a guest chose; control characters, which a terminal would obey, as '?'. */
void verb_print_name(FILE *file, struct bytes name);

/* "100MiB" */
bool verb_read_size(const char *text, uint64_t *ret_bytes);
/* `option` is --native=off, =on, =mixed or =mixed:SEED? Then `options` has it. */
bool verb_read_native(const char *option, struct engine_options *options);
/* Reads a whole file of at most `max_bytes`; free `ret_file->data`. */
NODISCARD enum status verb_read_file(const char *path,
                                     uint64_t max_bytes,
                                     struct report *report,
                                     struct buffer *ret_file);

#endif
