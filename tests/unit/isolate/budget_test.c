/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: what is claimed of one is claimed of its owners, kind by kind, and given back.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/budget.h"
#include "tests/support/unit.h"

struct chain {
    struct isolate_budget worker;
    struct isolate_budget tenants[2];
};

static struct chain *make_chain(struct chain *chain)
{
    *chain = (struct chain){.worker = {.bytes_max = 100},
                            .tenants = {{.bytes_max = 60}, {.bytes_max = 60}}};
    chain->tenants[0].owner = chain->tenants[1].owner = &chain->worker;
    return chain;
}

static void what_a_tenant_uses_its_worker_uses(void **state)
{
    (void)state;
    struct chain chain;
    make_chain(&chain);
    struct isolate_claim a = {.budget = &chain.tenants[0]};
    struct isolate_claim b = {.budget = &chain.tenants[1]};
    assert_true(isolate_claim_set(&a, ISOLATE_BUDGET_MEMORY, 50));
    assert_true(isolate_claim_set(&a, ISOLATE_BUDGET_HEAP, 5));
    assert_true(isolate_claim_set(&b, ISOLATE_BUDGET_MEMORY, 20));
    assert_int_equal(chain.tenants[0].used_bytes, 55);
    assert_int_equal(chain.tenants[1].used_bytes, 20);
    assert_int_equal(chain.worker.used_bytes, 75);
    assert_int_equal(chain.worker.kind_bytes[ISOLATE_BUDGET_MEMORY], 70);
    assert_int_equal(chain.worker.kind_bytes[ISOLATE_BUDGET_HEAP], 5);
    assert_int_equal(isolate_claim_bytes(&a), 55);
    isolate_claim_drop(&a);
    isolate_claim_drop(&b);
    assert_int_equal(chain.worker.used_bytes, 0);
    assert_int_equal(chain.worker.kind_bytes[ISOLATE_BUDGET_MEMORY], 0);
    isolate_claim_drop(&b); /* of nothing, again */
}

static void setting_a_claim_says_whether_it_grew(void **state)
{
    (void)state;
    struct chain chain;
    make_chain(&chain);
    struct isolate_claim claim = {.budget = &chain.tenants[0]};
    assert_true(isolate_claim_set(&claim, ISOLATE_BUDGET_STACK, 8));
    assert_false(isolate_claim_set(&claim, ISOLATE_BUDGET_STACK, 8));
    assert_false(isolate_claim_set(&claim, ISOLATE_BUDGET_STACK, 4));
    assert_true(isolate_claim_set(&claim, ISOLATE_BUDGET_STACK, 5));
    assert_int_equal(chain.worker.used_bytes, 5);
    isolate_claim_drop(&claim);
}

static void a_budget_is_spent_above_its_bound_and_without_one_never(void **state)
{
    (void)state;
    struct chain chain;
    make_chain(&chain);
    struct isolate_claim a = {.budget = &chain.tenants[0]};
    struct isolate_claim b = {.budget = &chain.tenants[1]};
    (void)isolate_claim_set(&a, ISOLATE_BUDGET_MEMORY, 60);
    assert_false(isolate_budget_is_spent(&chain.tenants[0]));
    (void)isolate_claim_set(&a, ISOLATE_BUDGET_MEMORY, 61);
    assert_true(isolate_budget_is_spent(&chain.tenants[0]));
    assert_false(isolate_budget_is_spent(&chain.worker));
    (void)isolate_claim_set(&b, ISOLATE_BUDGET_MEMORY, 40);
    assert_false(isolate_budget_is_spent(&chain.tenants[1]));
    assert_true(isolate_budget_is_spent(&chain.worker));
    chain.worker.bytes_max = 0;
    assert_false(isolate_budget_is_spent(&chain.worker));
    isolate_claim_drop(&a);
    isolate_claim_drop(&b);
}

static void a_claim_moves_with_all_its_kinds(void **state)
{
    (void)state;
    struct chain chain;
    make_chain(&chain);
    struct isolate_claim claim = {0};
    (void)isolate_claim_set(&claim, ISOLATE_BUDGET_MEMORY, 7); /* counted nowhere yet */
    (void)isolate_claim_set(&claim, ISOLATE_BUDGET_STACK, 2);
    isolate_claim_move(&claim, &chain.tenants[0]);
    assert_int_equal(chain.tenants[0].used_bytes, 9);
    isolate_claim_move(&claim, &chain.worker);
    assert_int_equal(chain.tenants[0].used_bytes, 0);
    assert_int_equal(chain.worker.used_bytes, 9);
    assert_int_equal(chain.worker.kind_bytes[ISOLATE_BUDGET_STACK], 2);
    isolate_claim_drop(&claim);
    assert_int_equal(chain.worker.used_bytes, 0);
}

static void giving_back_what_was_not_taken_is_our_bug(void **state)
{
    (void)state;
    struct isolate_budget budget = {0};
    struct isolate_claim claim = {.budget = &budget, .bytes = {[ISOLATE_BUDGET_MEMORY] = 1}};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        isolate_claim_drop(&claim);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGABRT);
}

static void each_kind_has_a_label(void **state)
{
    (void)state;
    assert_string_equal(isolate_budget_label(ISOLATE_BUDGET_MEMORY), "memory");
    assert_string_equal(isolate_budget_label(ISOLATE_BUDGET_EXCHANGE), "exchange");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_tenant_uses_its_worker_uses),
        cmocka_unit_test(setting_a_claim_says_whether_it_grew),
        cmocka_unit_test(a_budget_is_spent_above_its_bound_and_without_one_never),
        cmocka_unit_test(a_claim_moves_with_all_its_kinds),
        cmocka_unit_test(giving_back_what_was_not_taken_is_our_bug),
        cmocka_unit_test(each_kind_has_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
