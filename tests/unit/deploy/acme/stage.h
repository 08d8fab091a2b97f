/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders with a store, a clock that is turned by hand, and a vault and a certifying server that are
 * fakes: the server is honest, but for one answer that a test may replace.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_ACME_STAGE_H
#define SKERRY_TESTS_UNIT_DEPLOY_ACME_STAGE_H

#include "deploy/acme/acme.h"
#include "tests/support/pem.h"
#include "tests/unit/deploy/fixture.h"

#define STAGE_HOST      "www.a.test"
#define STAGE_DIRECTORY "https://ca.test/directory"
/* Of the answers: /nonce, /account, /order, /order/1, /authorization, /challenge, /finalize,
 * /certificate, /directory. */
#define STAGE_URL(path) "https://ca.test" path

struct stage {
    struct fixture fixture;
    struct config config;
    struct acme *acme;
    struct pem pem; /* what is certified */
    /* what is asked and not answered yet; 0: nothing */
    uint64_t vault_number;
    enum deploy_vault_verb verb;
    char name[128];
    uint64_t fetch_number;
    char method[8];
    char url[256];
    char body[8192];
    bool vault_away;
    bool egress_away;
    enum status vault_status;
    /* the lie: at the count-th request for that URL, or, 0, at all */
    const char *lie_url;
    uint32_t lie_at;
    uint32_t lied;
    uint32_t lie_status;
    const char *lie_fields; /* NULL: the honest ones; ends with two NULs */
    const char *lie_body;
    const char *lie_failure;
    bool lie_is_lost;
    bool authorized; /* the challenge is done */
    uint32_t fetches;
    uint32_t nonces;
    uint32_t keys_removed;
    uint32_t failures; /* told */
    uint32_t successes;
    char told[512];
};

extern struct stage stage;

int stage_setup(void **state);
int stage_teardown(void **state);
/* A proven domain that wants its certificate by ACME. */
void stage_add(const char *host);
/* Answers until nothing is asked; the clock stands still. */
void stage_answer(void);
/* The same for one answer. */
void stage_answer_one(void);
/* Turns the clock and then the orders. */
void stage_pass(uint64_t ms);
/* Answers and lets time pass until a certificate came or something failed. */
void stage_finish(void);
struct records_acme stage_state(const char *host);

#endif
