/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host object of one isolate, as the files of this folder see it.
 *
 *   options, entries, linked   the module's: as long as the host
 *   initialised, kept blocks   the instance's memory's: until hostapi_host_reset
 *   request, state blocks      one request's: until hostapi_host_keep
 *
 * What ends is zeroed whole, so that nothing can be forgotten there by name.
 */
#ifndef SKERRY_HOSTAPI_HOST_H
#define SKERRY_HOSTAPI_HOST_H

#include "hostapi/family.h"

#define HOST_MAGIC 0x54534f48534b5259u

struct wasi_command;

/* Exports that the host calls; looked up once, since a host serves one module. */
struct host_entries {
    const struct engine_module *module;      /* NULL: not looked up yet */
    uint32_t base;                           /* `skerry_base` */
    uint32_t initialise;                     /* the first of the family's initialisers */
    uint32_t preinitialise;                  /* `wizer.initialize` */
    uint32_t own_initialise;                 /* `skerry_init` */
    uint32_t of_family[HOSTAPI_ENTRIES_MAX]; /* its `entries`, in order */
};
#define HOST_NO_ENTRY UINT32_MAX

/* What all kinds need of a request; the rest is in the families' states. */
struct host_request {
    struct engine_instance *instance; /* borrowed */
    struct http_exchange *exchange;   /* borrowed; NULL in the builder and in a command */
    bool begun;                       /* by hostapi_begin */
    bool initialising;        /* a deferred initialiser runs; the family's begin comes next */
    enum hostapi_fault fault; /* of a HOSTAPI_FAULT */
    /* A call that answered PENDING will be made again with the same arguments: */
    bool parked;                /* the next call is that one */
    bool resumed;               /* the call under way is that one */
    bool checkpoint_passed;     /* the guest has called checkpoint_v1 */
    bool went_on;               /* ... and the request had gone on from there */
    struct hostapi_waits waits; /* of the call that parked last */
};

/* The builder's way to a checkpoint (checkpoint.c). */
struct host_checkpoint {
    bool on_the_way;
    bool reached;
    struct hostapi_checkpoint asked;
};

/* One family's blocks; NULL if the host is not of it. */
struct host_part {
    void *state;
    void *kept;
};

struct hostapi_host {
    uint64_t magic;
    const struct hostapi_family *family;
    struct hostapi_options options;
    struct host_entries entries;
    uint32_t linked;           /* traits (hostcalls.h) of what the module imports */
    uint32_t initialise_steps; /* how far hostapi_begin_initialise has come */
    uint64_t runs;             /* engine_runs begun; 0: nobody tells of them */
    bool initialised;          /* a deferred initialiser ran in the instance's present memory */
    struct host_checkpoint checkpoint;
    struct arena arena;                 /* as long as the host */
    const struct wasi_command *command; /* in the arena; NULL but for hostapi_command_create's */
    struct host_request request;
    struct host_part parts[HOSTAPI_KIND_COUNT];
    size_t state_bytes; /* of all its families: blocks[0 .. state_bytes) */
    size_t kept_bytes;  /* after them */
    _Alignas(16) uint8_t blocks[];
};

/* A family's blocks. The host must be of that family: by its kind, or used by it (ASSERTed). */
static inline void *host_state(const struct hostapi_host *host, enum hostapi_kind family)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->parts[family].state != NULL);
    return host->parts[family].state;
}

static inline void *host_kept(const struct hostapi_host *host, enum hostapi_kind family)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->parts[family].kept != NULL);
    return host->parts[family].kept;
}

/* hostapi_host_create, of a family that the caller has: options->kind must be its own. */
NODISCARD enum status host_create(const struct hostapi_family *family,
                                  const struct hostapi_options *options,
                                  struct hostapi_host **ret_host);
/* Looks the module's exports up, once. */
void host_learn(struct hostapi_host *host, struct engine_instance *instance);
/* Is the initialiser run by every request? (hostapi.h) */
bool host_defers_initialise(const struct hostapi_host *host);
/* Begins a call of the family's entry number `i`, which is there. */
void host_call_entry(struct hostapi_host *host,
                     uint32_t i,
                     const union engine_value *arguments,
                     uint32_t slots);
/* The step of a request whose guest broke the rules: notes the fault, and what to say of it. */
enum hostapi_step host_fail(struct hostapi_host *host,
                            struct report *report,
                            enum hostapi_fault fault,
                            const char *format,
                            ...) PRINTF_LIKE(4, 5);
/* Begins a call of an export [] -> [] by its name; false: there is none. */
NODISCARD bool host_call_export(struct hostapi_host *host, struct bytes name);
/* Must what the guest asks for not be frozen? Not in the builder either, on the way to a
 * checkpoint: then whoever answers counts it. */
static inline bool host_is_frozen(const struct hostapi_host *host)
{
    return host->options.snapshotting && !host->checkpoint.on_the_way;
}
/* Begins the call that the module's checkpoint froze; false: the image is damaged. */
NODISCARD bool host_resume(struct hostapi_host *host);
/* The guest says that it is at its checkpoint. DONE: was it frozen here? PENDING: it will be. */
enum engine_outcome
host_checkpoint(struct hostapi_host *host, struct engine_host_call *call, bool *ret_went_on);
/* Ends the guest with a reason; 255 bytes of text at most. */
enum engine_outcome host_trap(struct engine_host_call *call, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* Where no request has a log: a line for hostapi_options.said. */
void host_say(struct hostapi_host *host, struct bytes text);
/* The same of bytes as they come, in any pieces; the last lines of them stay, since programs say at
 * the end what ended them. */
void host_say_on(struct hostapi_host *host, struct bytes piece);
/* In the builder: ends the guest, because `what` must not be frozen. */
enum engine_outcome host_trap_frozen(struct engine_host_call *call, const char *what);
/* Parks the call until any of the waits, at least 1, is over: then it is made again. */
enum engine_outcome
host_park(struct hostapi_host *host, const struct hostapi_wait *waits, uint32_t count);
/* A long call, after HOSTAPI_TURN_BYTES of its work: it is made again when others had their turn,
 * and does not count as parked. */
enum engine_outcome host_take_turn(struct hostapi_host *host);
/* The same, or until a piece of the response was taken if there is no room for more of it. */
enum engine_outcome host_go_on_writing(struct hostapi_host *host);
/* The same until a piece of the response was taken. */
enum engine_outcome host_park_for_room(struct hostapi_host *host);
/* The same until more of the request's body has come. */
enum engine_outcome host_park_for_body(struct hostapi_host *host);
/* Lets the response go out as far as it is written, if it may; made again, the call is done. */
enum engine_outcome host_flush(struct hostapi_host *host);
/* The same for a moment: monotonic; 0: when others have had their turn. */
enum engine_outcome host_park_until(struct hostapi_host *host, uint64_t until_ns);

#endif
