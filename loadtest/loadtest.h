/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator and cold-start measurement: `skerry loadtest` and `skerry bench`.
 *
 *   options -> run ------------------------> results -> report_text, report_json
 *              |  pacer: when to send           ^
 *              |  queue: what waits             | one sample per answer
 *              +- connections: raw HTTP/1.1 ----+
 *   cold    -> three runs: upload N functions, request each once, delete them
 *
 * It shares no code with the server, so that it shares no mistakes with it: its HTTP
 * client, parser and histogram are its own. One process, one thread, one event loop.
 */
#ifndef SKERRY_LOADTEST_H
#define SKERRY_LOADTEST_H

/*
 * Runs the verb; argv[0] is `loadtest` or `bench` (the same program). Returns the exit
 * status: 0 ok; 1 no request succeeded, or a function could not be deployed; 2 usage;
 * 8 unreachable; 130 interrupted (after printing what was measured so far).
 */
int loadtest_main(int argc, char **argv);

#endif
