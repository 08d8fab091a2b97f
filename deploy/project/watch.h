/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a project's files changed, and who changed them: the user, or the build.
 *
 *   scan --> begin_build --- the build runs --- is_stale? ---> end_build --> scan ...
 *
 * inotify only says that it is time to look; what counts is the comparison of two looks, so that
 * nothing is lost between them. Hidden files, what editors leave (`x~`, `#x#`), `target` and
 * `node_modules` are no sources. Of the rest:
 *   - what the first build writes is its output, and so is what any build makes that was not there;
 *   - what else changes while a build runs makes that build stale; a file that does so three times
 *     in a row is an output;
 *   - an output that changes while no build runs is a source after all.
 */
#ifndef SKERRY_DEPLOY_PROJECT_WATCH_H
#define SKERRY_DEPLOY_PROJECT_WATCH_H

#include "engine/base/bytes.h"

#define PROJECT_FILES_MAX    20000
#define PROJECT_STALE_ROUNDS 3

struct watch_file;

struct watch_list {
    struct watch_file *rows; /* by path */
    size_t count;
    size_t room;
};

struct project_watch {
    const char *root; /* borrowed: a folder, or one file */
    int fd;           /* inotify: readable when it is time to look; -1: nothing tells */
    bool built;       /* the first build is over */
    struct watch_list files;
    struct watch_list before; /* as the build found them */
    char changed[256];        /* the first path that the last look found, for people */
};

/* Fails if there is no such folder or file, or more files than may be. */
NODISCARD enum status
project_watch_init(struct project_watch *watch, const char *root, struct report *report);
void project_watch_done(struct project_watch *watch);
/* Looks. True: a source changed since the last look. Files that cannot be looked at are not there.
 */
bool project_watch_scan(struct project_watch *watch);
void project_watch_begin_build(struct project_watch *watch);
/* Looks while a build runs. True: what it builds is out of date. */
bool project_watch_is_stale(struct project_watch *watch);
/* `whole`: it was not ended before its time. True: what it built is out of date. */
bool project_watch_end_build(struct project_watch *watch, bool whole);
/* Takes what inotify has to say. True: `name` (a file's, without folders) is open and half written;
 * `was` is what the last call answered. */
bool project_watch_drain(struct project_watch *watch, const char *name, bool was);

#endif
