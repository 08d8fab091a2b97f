/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the first that an upgrade runs of a new program: it says what it is, reads
 * the server's configuration, and builds its own artifacts, while the old one serves.
 *
 *   control --PREPARE_ORDER_FD: the words that `serve` was given, each with a NUL--> prepare
 *           <--PREPARE_TELL_FD: lines-- "hello FINGERPRINT VERSION"
 *                                       "progress BUILT TOTAL" ...
 *                                       "ready", or "failed TEXT"
 *
 * These lines are what two programs of any age have to agree on: `hello` comes first, and what is
 * not understood ends the upgrade.
 */
#ifndef SKERRY_SERVER_PREPARE_H
#define SKERRY_SERVER_PREPARE_H

#define PREPARE_VERB       "prepare"
#define PREPARE_WORDS_MAX  64
#define PREPARE_BYTES_MAX  65536
#define PREPARE_LINE_BYTES 640

enum prepare_fd {
    PREPARE_ORDER_FD = 3,
    PREPARE_TELL_FD = 4,
    PREPARE_FD_END,
};

/* `skerry prepare`; returns the exit status. */
int prepare_main(void);

#endif
