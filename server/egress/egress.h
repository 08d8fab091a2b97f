/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: egress, the one process that may connect to others. It asks them for what
 * guests want, by libcurl, and knows nothing else: no store, no guests.
 */
#ifndef SKERRY_SERVER_EGRESS_EGRESS_H
#define SKERRY_SERVER_EGRESS_EGRESS_H

#define EGRESS_VERB "egress"

/* `skerry egress`; returns the exit status. */
int egress_main(void);

#endif
