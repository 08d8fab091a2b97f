/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host object of one isolate, as the files of this folder see it.
 *
 * Three lifetimes, kept apart: options (the host's), what was learnt while linking and at
 * the first begin (the module's), and `request`, which hostapi_host_reset zeroes whole, so
 * that nothing of one request can be forgotten there by name.
 */
#ifndef SKERRY_HOSTAPI_HOST_H
#define SKERRY_HOSTAPI_HOST_H

#include "hostapi/hostapi.h"

#define HOST_MAGIC 0x54534f48534b5259u

enum host_phase {
    HOST_IDLE,
    HOST_INITIALISING, /* a deferred initialiser; handle_request comes next */
    HOST_REQUEST,      /* handle_request, or the WAGI command */
    HOST_RESPONSE,     /* handle_response */
};

/* The guest's descriptors are streams; HOST_FD_CLOSED if the guest closed one. */
enum host_stream { HOST_STDIN, HOST_STDOUT, HOST_STDERR, HOST_STREAM_COUNT };
#define HOST_FD_CLOSED UINT32_MAX

/* Arguments or environment as the guest will read them; each gets a NUL there. */
struct host_texts {
    struct bytes *rows; /* borrowed: text and rows live in an arena */
    uint32_t count;
    uint32_t capacity;
    bool ready; /* built on first use */
};

/* Exports that the host calls; looked up once, since a host serves one module. */
struct host_entries {
    const struct engine_module *module; /* NULL: not looked up yet */
    uint32_t command;                   /* `_start` of a command */
    uint32_t initialise;                /* `_initialize`, or a handler's `_start` */
    uint32_t preinitialise;             /* `wizer.initialize` */
    uint32_t own_initialise;            /* `skerry_init` */
    uint32_t request;                   /* handle_request */
    uint32_t response;                  /* handle_response */
};
#define HOST_NO_ENTRY UINT32_MAX

struct host_request {
    struct engine_instance *instance; /* borrowed */
    struct http_exchange *exchange;   /* borrowed; NULL in the builder and in a command */
    enum host_phase phase;
    bool handled;               /* the kind's begin prepared this request */
    uint64_t body_read[2];      /* read_body's position: request, response */
    bool body_written[2];       /* write_body was called in this phase */
    uint32_t features;          /* http-wasm, enabled so far */
    struct buffer request_body; /* what a guest wrote in its place; owned */
    struct buffer head;         /* WAGI: stdout up to the empty line; owned */
    bool head_complete;
    enum host_stream log_stream; /* whose line the log's end is, if it is not complete */
    struct host_texts arguments;
    struct host_texts environment;
    uint32_t fds[HOST_STREAM_COUNT]; /* number the guest knows the stream by */
    uint16_t fd_flags[HOST_STREAM_COUNT];
    /* A call that answered PENDING and will be made again with the same arguments. */
    bool parked;
    uint64_t wait_until_ns; /* monotonic */
    uint64_t poll_base_ns;  /* poll_oneoff: monotonic time of the first call */
    uint64_t random_done;   /* random_get: bytes filled so far */
};

struct hostapi_host {
    uint64_t magic;
    struct hostapi_options options;
    bool is_command;    /* made by hostapi_command_create: stdio is this process's */
    struct arena texts; /* a command's arguments and environment */
    struct host_texts command_arguments;
    struct host_texts command_environment;
    /* learnt while linking */
    bool imports_features;     /* enable_features */
    bool imports_world;        /* clock_time_get, random_get or poll_oneoff */
    uint32_t initialise_steps; /* how far hostapi_begin_initialise has come */
    struct host_entries entries;
    /* of the instance's present memory: a deferred initialiser ran, and enabled these */
    bool initialised;
    uint32_t initialised_features;
    struct host_request request;
};

/* Looks the module's exports up, once. */
void host_learn(struct hostapi_host *host, struct engine_instance *instance);
/* Is the initialiser run by every request? (hostapi.h) */
bool host_defers_initialise(const struct hostapi_host *host);
/* Ends the guest with a reason; 255 bytes of text at most. */
enum engine_outcome host_trap(struct engine_host_call *call, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* In the builder: ends the guest, because `what` must not be frozen. */
enum engine_outcome host_trap_frozen(struct engine_host_call *call, const char *what);
/* Parks the call: it is made again at `until_ns` (monotonic; 0: as soon as possible). */
enum engine_outcome host_park(struct hostapi_host *host, uint64_t until_ns);

#endif
