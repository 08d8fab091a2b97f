/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are loaded when they are wanted, and not when the program starts.
 *
 * Linking those of TLS, HTTP and cryptography takes more than half of the time in which a process
 * of ours starts, and `skerry run`, the builder of each deploy and most verbs have no use for them.
 * So the program is linked with a stand-in for each of their functions that it calls (late.py): the
 * first call loads the library. A process that puts up walls, behind which no library can be
 * opened, has them loaded before.
 *
 * Where there are no stand-ins (other machines than x86-64, sanitizers), the linker did all that
 * already.
 */
#ifndef SKERRY_SERVER_LATE_LATE_H
#define SKERRY_SERVER_LATE_LATE_H

/* A library that cannot be loaded ends the process, with its name on stderr. */
void late_load_all(void);
/* That of cryptography alone. */
void late_load_crypto(void);

#endif
