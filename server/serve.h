/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the verb `skerry serve`, and the checks of `skerry doctor`.
 */
#ifndef SKERRY_SERVER_SERVE_H
#define SKERRY_SERVER_SERVE_H

/* argv[0] is the verb; both return the exit status. */
int serve_main(int argc, char **argv);
int doctor_main(int argc, char **argv);

#endif
