/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the verb `skerry serve`, and the checks of `skerry doctor`.
 */
#ifndef SKERRY_SERVER_SERVE_H
#define SKERRY_SERVER_SERVE_H

#include "config/config.h"

/* The configuration that `serve` with these words runs with; words[0] is the verb. USAGE, CONFIG.
 */
NODISCARD enum status
serve_read(int count, char **words, struct config *ret_config, struct report *report);
/* argv[0] is the verb; both return the exit status. */
int serve_main(int argc, char **argv);
int doctor_main(int argc, char **argv);

#endif
