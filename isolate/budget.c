/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums along the chain of owners. A budget that would fall below zero was given back what was
 * never taken: our bug.
 */
#include "isolate/budget.h"

#include "engine/base/macros.h"

static const char *const budget_labels[ISOLATE_BUDGET_KIND_COUNT] = {
#define KIND(name, label) [ISOLATE_BUDGET_##name] = (label),
    ISOLATE_BUDGET_KINDS(KIND)
#undef KIND
};

const char *isolate_budget_label(enum isolate_budget_kind kind)
{
    ASSERT(kind < ISOLATE_BUDGET_KIND_COUNT);
    return budget_labels[kind];
}

uint64_t isolate_claim_bytes(const struct isolate_claim *claim)
{
    uint64_t bytes = 0;
    for (enum isolate_budget_kind kind = 0; kind < ISOLATE_BUDGET_KIND_COUNT; kind++)
        bytes += claim->bytes[kind];
    return bytes;
}

static inline void budget_count(struct isolate_budget *budget,
                                enum isolate_budget_kind kind,
                                uint64_t more,
                                uint64_t less)
{
    for (; budget != NULL; budget = budget->owner) {
        ASSERT(budget->kind_bytes[kind] + more >= less);
        budget->kind_bytes[kind] += more - less;
        budget->used_bytes += more - less;
    }
}

bool isolate_claim_change(struct isolate_claim *claim,
                          enum isolate_budget_kind kind,
                          uint64_t bytes)
{
    uint64_t before = claim->bytes[kind];
    claim->bytes[kind] = bytes;
    budget_count(claim->budget, kind, bytes, before);
    return bytes > before;
}

void isolate_claim_move(struct isolate_claim *claim, struct isolate_budget *budget)
{
    if (LIKELY(claim->budget == budget))
        return;
    for (enum isolate_budget_kind kind = 0; kind < ISOLATE_BUDGET_KIND_COUNT; kind++) {
        if (claim->bytes[kind] == 0) /* a request's claim is of one kind */
            continue;
        budget_count(claim->budget, kind, 0, claim->bytes[kind]);
        budget_count(budget, kind, claim->bytes[kind], 0);
    }
    claim->budget = budget;
}

void isolate_claim_drop(struct isolate_claim *claim)
{
    isolate_claim_move(claim, NULL);
    *claim = (struct isolate_claim){0};
}
