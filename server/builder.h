/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the builder process, which is where an upload is touched first.
 * What it reads and writes is said in deploy/deploy.h.
 */
#ifndef SKERRY_SERVER_BUILDER_H
#define SKERRY_SERVER_BUILDER_H

/* `skerry builder`; returns the exit status. */
int server_builder_main(void);

#endif
