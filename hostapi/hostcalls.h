/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of host calls as a linker, and the prices of moving bytes.
 *
 * A family's .def has a row for each func that a guest may import:
 *
 *   HOSTCALL(name, signature, handler, fuel, trait)
 *     signature  "params:results" with i for i32, I for i64, f for f32, F for f64, v for v128;
 *                an import of another type is not this func
 *     handler    enum engine_outcome handler(struct hostapi_host *, struct engine_host_call *)
 *     fuel       price of a call; what moves bytes charges for them on top
 *     trait      what importing it says of a module: a name of enum hostcalls_trait
 *
 * Rows are sorted by name. Each becomes a func of its own, so that a host costs no memory for
 * an import: the link context is the host itself, the row is the func.
 *
 * A call is charged its price once, before it does anything; a call that parked and is made
 * again is not charged again, so that fuel does not depend on how time passed.
 */
#ifndef SKERRY_HOSTAPI_HOSTCALLS_H
#define SKERRY_HOSTAPI_HOSTCALLS_H

#include "hostapi/host.h"

/* Copying between guest and host: one unit of fuel for so many bytes. */
#define HOSTCALLS_BYTES_PER_FUEL 16
/* Looking at one row of a list: a header, a vector of fd_write, a subscription. */
#define HOSTCALLS_FUEL_PER_ROW 4
/* Random bytes are made, not copied: one unit each. */
#define HOSTCALLS_RANDOM_BYTES_PER_FUEL 1

static inline void hostcalls_charge_bytes(struct engine_host_call *call, uint64_t count)
{
    engine_host_charge(call, count / HOSTCALLS_BYTES_PER_FUEL);
}

static inline void hostcalls_charge_rows(struct engine_host_call *call, uint64_t count)
{
    engine_host_charge(call, count * HOSTCALLS_FUEL_PER_ROW);
}

enum hostcalls_trait {
    HOSTCALLS_PLAIN = 0,
    HOSTCALLS_WORLD = 1,    /* reads what must not be frozen: clock, random bytes */
    HOSTCALLS_FEATURES = 2, /* http-wasm: turns features on */
    HOSTCALLS_CHECKPOINT = 4,
};

struct hostcalls_row {
    const char *name;
    const char *signature;
    engine_host_func enter;
    uint32_t trait;
};

/* All funcs of one import module. */
struct hostcalls_table {
    const char *module;
    const struct hostcalls_row *rows; /* sorted by name */
    uint32_t count;
};

/* The way into every handler: whose host this is, and the price. The host must be of `family`
 * (ASSERTed). */
struct hostapi_host *
hostcalls_enter(struct engine_host_call *call, enum hostapi_kind family, uint64_t fuel);

/* A row's func, and the row. `prefix` makes them the family's own. */
#define HOSTCALLS_FUNC(family_, prefix_, name_, handler_, fuel_)                                   \
    static enum engine_outcome prefix_##_enter_##name_(struct engine_host_call *call)              \
    {                                                                                              \
        return handler_(hostcalls_enter(call, HOSTAPI_KIND_##family_, fuel_), call);               \
    }
#define HOSTCALLS_ROW(prefix_, name_, signature_, trait_)                                          \
    {#name_, signature_, prefix_##_enter_##name_, HOSTCALLS_##trait_},

/* NULL: it has no such func. */
const struct hostcalls_row *hostcalls_search(const struct hostcalls_table *table,
                                             struct bytes name);
enum hostcalls_answer {
    HOSTCALLS_FOUND,
    HOSTCALLS_OTHER_TYPE, /* there is one of that name */
    HOSTCALLS_UNKNOWN,    /* nothing of that name, in a module of this family's */
    HOSTCALLS_FOREIGN,    /* the module is none of this family's */
};
/* What a func import finds in the tables of a family and of those it uses; the row too if FOUND or
 * OTHER_TYPE. */
enum hostcalls_answer hostcalls_look(const struct engine_import_desc *import,
                                     const struct hostapi_family *family,
                                     const struct hostcalls_row **ret_row);
/* The row that provides a func import; NULL if none does. */
const struct hostcalls_row *hostcalls_find(const struct engine_import_desc *import,
                                           const struct hostapi_family *family);
/* The type of a signature's letter; 0: it is none. */
uint32_t hostcalls_letter_type(char letter);
/* Is `type` what `signature` ("ii:I") says? */
bool hostcalls_signature_matches(const char *signature, const struct engine_functype *type);
/* For struct engine_linker; context is the host. */
bool hostcalls_resolve(void *context,
                       const struct engine_import_desc *import,
                       struct engine_extern *ret_extern);

#endif
