/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter to put a client verb's questions to: behind it is a process with a socket, which
 * gives the answers it was told to give, one a request, and keeps what it was asked.
 *
 *   static const struct counter_answer answers[] = {{200, "{}"}};
 *   COUNTER_RUN(counter, answers, "show", "hello");
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_CLI_COUNTER_H
#define SKERRY_TESTS_UNIT_DEPLOY_CLI_COUNTER_H

#include "engine/base/macros.h"
#include "tests/support/capture.h"

#define COUNTER_REQUESTS_MAX 8
#define COUNTER_TEXT_BYTES   8192

struct counter_answer {
    int status; /* 0: it hangs up instead */
    const char *body;
};

struct counter_request {
    char line[COUNTER_TEXT_BYTES]; /* "GET /v1/stats" */
    char head[COUNTER_TEXT_BYTES]; /* all of it, as it came */
    char body[COUNTER_TEXT_BYTES];
};

/* Shared with the process behind. */
struct counter_page {
    uint32_t count; /* requests so far */
    struct counter_request requests[COUNTER_REQUESTS_MAX];
};

struct counter {
    char folder[64];
    char socket[96];
    char module[96]; /* a file called hello.wasm: "module" */
    struct counter_page *page;
    struct capture shown;
};

/* A cmocka fixture. The clients are told of the socket by SKERRY_URL, and of nothing else. */
int counter_setup(void **state);
int counter_teardown(void **state);
/* Forgets what was asked before. */
void counter_run(struct counter *counter,
                 const struct counter_answer *answers,
                 size_t answer_count,
                 const char *const *words);
#define COUNTER_RUN(counter, answers, ...)                                                         \
    counter_run((counter), (answers), COUNT_OF(answers), (const char *const[]){__VA_ARGS__, NULL})
/* Of a verb that asks nothing. */
#define COUNTER_RUN_ALONE(counter, ...)                                                            \
    counter_run((counter), NULL, 0, (const char *const[]){__VA_ARGS__, NULL})
void counter_assert_asked(const struct counter *counter, uint32_t index, const char *line);

#define TEST_COUNTER(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)

#endif
