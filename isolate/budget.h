/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `struct isolate_budget`: how much memory an owner's things really use, and how much they may.
 * Owners form a chain; what is used of one is used of all above it:
 *
 *   claim (an isolate's, a request's) --> tenant --> worker
 *
 * Nothing is asked for before it is used: a holder sets its claim to what it holds, now and then,
 * and whoever decides looks whether a budget is spent. Between two looks at one holder lies at
 * most a slice of its guest.
 *
 * Invariant: what a budget uses of a kind is the sum of the claims below it.
 */
#ifndef SKERRY_ISOLATE_BUDGET_H
#define SKERRY_ISOLATE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* KIND(name, label): what memory is used for; the label is the metrics'. */
#define ISOLATE_BUDGET_KINDS(KIND)                                                                 \
    KIND(ISOLATE, "isolate")   /* machines, host state, page tables: a flat amount each */         \
    KIND(MEMORY, "memory")     /* pages of linear memories that are no longer the artifact's */    \
    KIND(HEAP, "heap")         /* collected objects */                                             \
    KIND(STACK, "stack")       /* guest stacks, as far as they were touched */                     \
    KIND(EXCHANGE, "exchange") /* requests and answers: bodies, headers, logs */                   \
    KIND(FUNCTION, "function") /* what is known of functions: manifests, variables */

enum isolate_budget_kind {
#define KIND(name, label) ISOLATE_BUDGET_##name,
    ISOLATE_BUDGET_KINDS(KIND)
#undef KIND
        ISOLATE_BUDGET_KIND_COUNT
};

const char *isolate_budget_label(enum isolate_budget_kind kind);

struct isolate_budget {
    struct isolate_budget *owner; /* borrowed; NULL: the last of the chain */
    uint64_t bytes_max;           /* 0: no bound */
    uint64_t used_bytes;          /* of all kinds */
    uint64_t kind_bytes[ISOLATE_BUDGET_KIND_COUNT];
};

/* What one holder uses of a budget, and so of its owners. All zeros is a claim on nothing. */
struct isolate_claim {
    struct isolate_budget *budget; /* borrowed; NULL: counted nowhere */
    uint64_t bytes[ISOLATE_BUDGET_KIND_COUNT];
};

static inline bool isolate_budget_is_spent(const struct isolate_budget *budget)
{
    return budget->bytes_max != 0 && budget->used_bytes > budget->bytes_max;
}

/* In all kinds. */
uint64_t isolate_claim_bytes(const struct isolate_claim *claim);
bool isolate_claim_change(struct isolate_claim *claim,
                          enum isolate_budget_kind kind,
                          uint64_t bytes);

/* The holder now uses so much of a kind. True: that is more than before. */
static inline bool
isolate_claim_set(struct isolate_claim *claim, enum isolate_budget_kind kind, uint64_t bytes)
{
    return claim->bytes[kind] != bytes && isolate_claim_change(claim, kind, bytes);
}

/* The same use, from now on of another budget; NULL: of none. */
void isolate_claim_move(struct isolate_claim *claim, struct isolate_budget *budget);
/* The holder is no more. */
void isolate_claim_drop(struct isolate_claim *claim);

#endif
