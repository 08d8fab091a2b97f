/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb in a child of the test: what it wrote, and how it ended. What it does to its process,
 * like handlers of signals, ends with it.
 *
 *   struct capture shown;
 *   CAPTURE(&shown, verb_inspect, "x.wasm", "--stats");
 */
#ifndef SKERRY_TESTS_SUPPORT_CAPTURE_H
#define SKERRY_TESTS_SUPPORT_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

enum { CAPTURE_WORDS_MAX = 16 };

struct capture {
    int exit_status; /* -1: a signal */
    char out[65536]; /* what is longer is cut */
    char err[16384];
};

static inline void capture_read(int fd, char *ret_text, size_t bytes)
{
    ssize_t count = pread(fd, ret_text, bytes - 1, 0);
    assert_true(count >= 0);
    ret_text[count] = '\0';
    assert_int_equal(close(fd), 0);
}

/* `words` end with NULL. Standard input is empty. */
static inline void
capture_run(struct capture *ret_capture, int (*run)(int, char **), const char *const *words)
{
    int wait_status = 0;
    int out = memfd_create("out", MFD_CLOEXEC);
    int err = memfd_create("err", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[CAPTURE_WORDS_MAX] = {NULL};
        int argc = 0;
        for (; argc < CAPTURE_WORDS_MAX - 1 && words[argc] != NULL; argc++)
            argv[argc] = strdup(words[argc]);
        if (freopen("/dev/null", "re", stdin) == NULL || dup2(out, STDOUT_FILENO) < 0 ||
            dup2(err, STDERR_FILENO) < 0)
            _exit(125);
        int status = run(argc, argv);
        (void)fflush(NULL);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    ret_capture->exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    capture_read(out, ret_capture->out, sizeof(ret_capture->out));
    capture_read(err, ret_capture->err, sizeof(ret_capture->err));
}

#define CAPTURE(ret_capture, run, ...)                                                             \
    capture_run((ret_capture), (run), (const char *const[]){__VA_ARGS__, NULL})

/* With all that was said, if it is not there. */
static inline void assert_says(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, wanted);
}

#endif
