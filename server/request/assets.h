/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: requests that a version's files answer, without its guest.
 *
 *   request_begin --> assets_take --> a file of one piece  --> answered
 *                         |           a larger one         --> READING, a piece at a time
 *                         +-- no file: the guest's
 *
 * A file is read as far as it is in the page cache. What is not is asked for, and looked for again
 * a moment later: a worker never waits for a disk. A request holds its version from the look-up on,
 * so that what it answers is of one deploy.
 */
#ifndef SKERRY_SERVER_REQUEST_ASSETS_H
#define SKERRY_SERVER_REQUEST_ASSETS_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* Part of each request; all zeros: it reads none. */
struct request_file {
    bool is_open;
    int fd; /* owned */
    uint64_t at;
    uint64_t left;  /* from there on */
    uint32_t tries; /* since the last piece came from the disk */
};

/* False: its guest has to answer. True: it is answered, or on its way. */
bool assets_take(struct request *request);
/* READING: its piece is out. */
void assets_sent(struct request *request);
/* READING: its time has come. */
void assets_on_timer(struct request *request);
/* The request ends. */
void assets_done(struct request *request);

#endif
