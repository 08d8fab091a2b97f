/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may ask its host for, and how one request is led through a guest.
 *
 *   kind = hostapi_detect(module)                 http-wasm handler, WAGI command, ...
 *   host = hostapi_host_create(kind)              once per isolate; hostapi_linker(host)
 *   hostapi_begin(host, instance, exchange)       begins the first guest call
 *   loop: hostapi_run_begins(host), outcome = engine_run(machine, slice)
 *         DONE      -> hostapi_next(host): RUN (another call was begun: go on), FINISHED, or NEXT
 *                      (another handler's turn, and then hostapi_returned(host))
 *         TRAPPED   -> hostapi_trapped(host): FINISHED (an exit is a normal end) or FAULT
 *         PENDING   -> hostapi_waits(host) says for what
 *   hostapi_host_reset(host)
 *
 * The exchange is a plain struct that `server` fills and reads; hostapi knows no h2o and
 * no isolate. A guest number becomes a host pointer only in guest_mem.c.
 */
#ifndef SKERRY_HOSTAPI_H
#define SKERRY_HOSTAPI_H

#include "config/limits.h"
#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/engine.h"
#include "hostapi/environment.h"
#include "hostapi/files.h"
#include "hostapi/world.h"

/* ---- kinds ----------------------------------------------------------------------------------- */

/* One for each family of families.def, in its order; WASI is the kind of `skerry run`'s
 * commands, and never recognised in what a tenant sends. */
enum hostapi_kind {
    HOSTAPI_KIND_UNKNOWN,
#define FAMILY(name, symbol) HOSTAPI_KIND_##name,
#include "hostapi/families.def"
    HOSTAPI_KIND_COUNT
};

/* What the API shows. */
const char *hostapi_kind_id(enum hostapi_kind kind);
/* May the memory of one request be kept for the next? Where a request is a call and not a
 * program's whole run. */
bool hostapi_kind_keeps_memory(enum hostapi_kind kind);
enum hostapi_kind hostapi_kind_from_id(const char *id); /* UNKNOWN if there is none */
/*
 * Recognises a module. When UNKNOWN, the report says what was seen, whose it seems to be, and what
 * to do: FOREIGN_IMPORT if all is right but that a func import is not of the kind's families, or
 * of another type; otherwise UNSUPPORTED. `allow_missing`: such imports do not matter (they link
 * as traps); so for what a version was once deployed with.
 */
enum hostapi_kind
hostapi_detect(const struct engine_module *module, bool allow_missing, struct report *report);
/* Does a guest of this kind understand that configuration? Otherwise CONFIG, and a report. */
NODISCARD enum status
hostapi_check_config(enum hostapi_kind kind, struct bytes config, struct report *report);
/* Calls `missing` for each function import that nothing here provides for this kind. */
void hostapi_missing_imports(const struct engine_module *module,
                             enum hostapi_kind kind,
                             void (*missing)(void *context, const struct engine_import_desc *),
                             void *context);

/* ---- exchange: one HTTP request and its response --------------------------------------------- */

struct http_header {
    struct bytes name; /* lower case in requests */
    struct bytes value;
};

/* A list of headers that guests may edit; text lives in the exchange's arena. */
struct http_headers {
    struct http_header *rows;
    uint32_t count;
    uint32_t capacity;
    uint64_t bytes; /* names, values and 32 for each row, held against limits.headers */
};

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/* What guests count; control adds it up for the metrics. */
#define HTTP_COUNTERS_MAX       16
#define HTTP_COUNTER_NAME_BYTES 32
struct http_counter {
    struct bytes name; /* in the exchange's arena */
    uint64_t amount;
};
struct http_counters {
    uint32_t count;
    struct http_counter rows[HTTP_COUNTERS_MAX];
};
/* 1 to 32 of a-z, 0-9 and _, beginning with a letter. */
bool http_counter_is_name(struct bytes name);

struct http_exchange {
    struct arena arena; /* of this request; capped */
    /* request; filled by server before hostapi_begin, guests may edit */
    struct bytes method;      /* "GET" */
    struct bytes uri;         /* path and query, encoded, starts with "/", prefix stripped */
    struct bytes protocol;    /* "HTTP/1.1", "HTTP/2.0" */
    struct bytes source_addr; /* "ip:port", "[v6]:port" */
    bool is_https;            /* what the client speaks to whoever is in front */
    struct bytes tls_version; /* of its connection, "TLSv1.3"; empty: it has none, or a proxy's */
    struct bytes node;        /* what this server is called [struct config] */
    struct bytes authority;   /* Host header, with port if there was one */
    struct bytes matched;     /* prefix that was stripped: "" or "/f/tenant/function" */
    bool matched_whole;       /* the route is `matched` alone, and nothing below it */
    struct bytes tenant;
    struct bytes function;
    struct bytes config; /* what http_handler.get_config answers, and WAGI's environment */
    struct hostapi_environment environment; /* of the function; what it points to is borrowed */
    const struct hostapi_files *files;      /* of the version; borrowed; NULL: none */
    uint64_t scratch_bytes;                 /* memory for files that vanish with it; 0: none */
    uint64_t scratch_used_bytes;            /* of it, by all guests that answer it */
    const struct bytes *outbound;           /* whom the function may ask: config/url.h; borrowed */
    uint32_t outbound_count;
    const struct bytes *secrets; /* names of those that its manifest lists; borrowed */
    uint32_t secret_count;
    bool has_device;         /* its function finds /dev/skerry */
    struct bytes cdn_loop;   /* the request's CDN-Loop [RFC 8586] as it came */
    bool has_next;           /* there is a next handler: a guest that asks for it gets it */
    bool debug_log;          /* what the guest logs at level debug is kept */
    bool pass_authorization; /* CGI may show the Authorization header [RFC 3875 9.2] */
    struct http_headers request_headers;
    struct bytes request_body;   /* as far as it has come */
    bool request_body_is_coming; /* there is more to come: who wants it waits for BODY */
    /* response; read by server after FINISHED */
    uint32_t status; /* 200 unless the guest sets it */
    struct http_headers response_headers;
    struct buffer response_body; /* max = limits.response; of a stream: what is still to be sent */
    /* Without a body, or of a stream, the Content-Length that the guest gave. */
    uint64_t head_length;
    /* the same in pieces */
    bool may_stream;     /* somebody takes the body piece by piece while the guest runs */
    bool response_begun; /* the head is out: nothing but the body may change */
    bool flush_wanted;   /* what there is shall go out, be it only the head */
    uint32_t
        response_holds;     /* guests that must see it whole, or have not written all of its head */
    uint64_t response_sent; /* bytes of the body that were taken out of response_body */
    /* what the guest wrote to its log: lines, level first */
    struct buffer log; /* max = limits.log; what does not fit is dropped and counted */
    uint64_t log_dropped_bytes;
    struct http_counters *counters; /* in the arena; NULL: nothing was counted */
    const struct config_limits *limits;
    const struct hostapi_world *world; /* borrowed; NULL: there is nothing outside (world.h) */
    void *owner;                       /* for its functions; borrowed */
};

/* Initialises an empty exchange; limits must outlive it. */
void http_exchange_init(struct http_exchange *exchange, const struct config_limits *limits);
void http_exchange_done(struct http_exchange *exchange);
/* Adds a copy without the blanks around the value; STATUS_LIMIT over limits->headers,
 * STATUS_INVALID for a name that is no token or a value with control bytes. */
NODISCARD enum status http_headers_add(struct http_exchange *exchange,
                                       struct http_headers *headers,
                                       struct bytes name,
                                       struct bytes value);
/* Replaces all values of `name` by one. */
NODISCARD enum status http_headers_set(struct http_exchange *exchange,
                                       struct http_headers *headers,
                                       struct bytes name,
                                       struct bytes value);
void http_headers_remove(struct http_headers *headers, struct bytes name);
/* First value of `name`, case-insensitive; NULL if there is none. */
const struct http_header *http_headers_find(const struct http_headers *headers, struct bytes name);
/* That value; empty if there is none. */
static inline struct bytes http_headers_value(const struct http_headers *headers, const char *name)
{
    const struct http_header *header = http_headers_find(headers, bytes_of_text(name));
    return header == NULL ? bytes_make(NULL, 0) : header->value;
}
/* Ends a line's text and each of its fields, "name=value", that follow; guests cannot write it. */
#define HTTP_LOG_FIELD      '\x1f'
#define HTTP_LOG_FIELDS_MAX 16
/* May pieces of the body go out before it is complete? */
static inline bool http_exchange_streams(const struct http_exchange *exchange)
{
    return exchange->may_stream && (exchange->response_holds == 0 || exchange->response_begun);
}
/* The head goes out now: takes out what only the server may set, and keeps the length that the
 * guest promised in head_length. False: there is more of the body already. */
NODISCARD bool http_exchange_begin_response(struct http_exchange *exchange);
/* From here on the function may ask whom `rules` name, which are borrowed: keeps what CDN-Loop
 * says, which guests may edit. False: no room in the arena. */
NODISCARD bool http_exchange_open_outbound(struct http_exchange *exchange,
                                           const struct bytes *rules,
                                           uint32_t rule_count);
/* A piece of the response's body that no guest writes: as much as there is room for is taken from
 * its beginning. LIMIT: it is more than limits->response, INVALID: than the length that has gone
 * out; nothing was taken. */
NODISCARD enum status http_exchange_write(struct http_exchange *exchange, struct bytes *piece);
/* One log line; cut at limits->log. */
void http_exchange_log(struct http_exchange *exchange, const char *level, struct bytes text);

/* ---- host: one isolate's host state ---------------------------------------------------------- */

struct hostapi_host;

/* Directories of the system that a guest sees, and may write to. */
#define HOSTAPI_DIRS_MAX 16
struct hostapi_dir {
    int fd; /* of the directory; stays the caller's, open as long as the host */
    const char *name;
};
struct hostapi_dirs {
    const struct hostapi_dir *rows;
    uint32_t count; /* at most HOSTAPI_DIRS_MAX */
};

struct hostapi_options {
    enum hostapi_kind kind;
    const struct clock *clock;
    /* Building a snapshot: clock, random numbers, sockets and a command's arguments and environment
     * trap with a reason, because their values must not be frozen into every isolate. A
     * handler finds both of them empty there. */
    bool snapshotting;
    /* ... of a command that is to be run to its checkpoint whatever it imports: it finds
     * /dev/skerry. */
    bool wants_checkpoint;
    /* ... of an instance that comes from a base, in which its base step has run. */
    bool on_base;
    /* What http_handler.get_config answers in the builder, where there is no exchange; borrowed,
     * outlives the host. A start function or initialiser that reads it freezes it into the
     * snapshot: another config, another build. */
    struct bytes config;
    /* Where no request has a log: what the guest logs as an error is appended, a line each, as far
     * as there is room. Borrowed; NULL: nobody listens. */
    struct buffer *said;
    /* The files that a start function or initialiser may read, as config; NULL: none. */
    const struct hostapi_files *files;
    struct hostapi_dirs dirs; /* `skerry run`'s; a server has none */
};

NODISCARD enum status hostapi_host_create(const struct hostapi_options *options,
                                          struct hostapi_host **ret_host);
void hostapi_host_free(struct hostapi_host *host);
struct engine_linker hostapi_linker(struct hostapi_host *host);
/* Forgets the last request wholly: descriptors, buffers, positions. The instance is put back
 * to its snapshot at the same time. */
void hostapi_host_reset(struct hostapi_host *host);
/* The same for an instance whose memory is kept for the next request: what a deferred
 * initialiser did there stays known, so that it does not run again. */
void hostapi_host_keep(struct hostapi_host *host);

/*
 * What a module runs in the builder, before the snapshot: for http-wasm handlers
 * `_initialize` or `_start`, and for any kind `wizer.initialize`, then `skerry_init`, the same
 * without another tool's name. False: nothing (left). Call again after DONE until then.
 *
 * Deferred initialisation: the `_start` of TinyGo and Go modules reads the clock or random
 * bytes, which must not be frozen into a snapshot. So for an http-wasm handler that imports
 * clock_time_get, random_get or poll_oneoff this returns false, and every hostapi_begin runs
 * the initialiser first, before handle_request, on the request's fuel. Builder and worker
 * decide alike, from the imports alone. A module that exports one of the other two
 * asks to be initialised in the builder and is never deferred.
 *
 * The base step: a module that exports `skerry_base` has that run before all of these, without
 * configuration and files. In a base (engine.h) it and the start function have run, and what
 * they left is shared by all functions on it; in the base of another module nothing has.
 */
bool hostapi_begin_initialise(struct hostapi_host *host, struct engine_instance *instance);
bool hostapi_has_base_step(struct hostapi_host *host, struct engine_instance *instance);
/* Begins that alone; it is there (ASSERTed). */
void hostapi_begin_base_step(struct hostapi_host *host, struct engine_instance *instance);

/* How far a command came to its checkpoint, what it asked for that requests will find as it was. */
struct hostapi_checkpoint {
    uint64_t clock_reads;
    uint64_t random_bytes;
    uint64_t argument_reads; /* it found none; so of the next */
    uint64_t environment_reads;
};

enum hostapi_step {
    HOSTAPI_RUN,      /* a guest call was begun: engine_run */
    HOSTAPI_FINISHED, /* the response in the exchange is complete */
    HOSTAPI_NEXT,     /* it asked for the next handler, which exchange->has_next promised: lead the
                         exchange through that, then hostapi_returned */
    HOSTAPI_FAULT,    /* the guest broke the rules of its ABI; report says how: answer 500 */
};

/* What kind of fault the last HOSTAPI_FAULT was; `code` is what a problem calls it.
 * FAULT(name, code) */
#define HOSTAPI_FAULTS(FAULT)                                                                      \
    FAULT(TRAP, "trap")                                                                            \
    FAULT(BAD_OUTPUT, "bad_output")   /* what it wrote is no response */                           \
    FAULT(EXIT_STATUS, "exit_status") /* a response, but the command says that it failed */

enum hostapi_fault {
#define FAULT(name, code) HOSTAPI_FAULT_##name,
    HOSTAPI_FAULTS(FAULT)
#undef FAULT
        HOSTAPI_FAULT_COUNT
};
enum hostapi_fault hostapi_fault(const struct hostapi_host *host);
const char *hostapi_fault_code(enum hostapi_fault fault);

/*
 * In the builder, when everything is initialised: begins the command that wants a checkpoint
 * (RUN: engine_run until hostapi_at_checkpoint, or its end). FINISHED: it wants none.
 */
enum hostapi_step hostapi_begin_checkpoint(struct hostapi_host *host,
                                           struct engine_instance *instance,
                                           struct report *report);
/* After ENGINE_PENDING: is it there? Then engine_checkpoint may freeze it, with the note. */
bool hostapi_at_checkpoint(const struct hostapi_host *host);
struct hostapi_checkpoint hostapi_checkpoint(const struct hostapi_host *host);
/* Appends to an empty buffer what hostapi_begin finds again in the image. */
NODISCARD enum status hostapi_checkpoint_note(const struct hostapi_host *host, struct buffer *out);

/* Begins a request, or goes on from the module's checkpoint. The exchange is borrowed until
 * hostapi_host_reset. */
enum hostapi_step hostapi_begin(struct hostapi_host *host,
                                struct engine_instance *instance,
                                struct http_exchange *exchange,
                                struct report *report);
/* Before each engine_run: the clocks that the guest reads move now, and then stand still until the
 * next time. */
void hostapi_run_begins(struct hostapi_host *host);
/* After ENGINE_DONE. */
enum hostapi_step hostapi_next(struct hostapi_host *host, struct report *report);
/* After HOSTAPI_NEXT, when the next handler's response is in the exchange; `is_error`: it is the
 * server's own, because that handler failed. */
enum hostapi_step hostapi_returned(struct hostapi_host *host, bool is_error, struct report *report);
/* After ENGINE_TRAPPED, in a request or an initialiser: FINISHED if this was proc_exit and the
 * kind accepts it. */
enum hostapi_step hostapi_trapped(struct hostapi_host *host, struct report *report);

/* What a call may move before others have a turn: some 100 us, if all of its pages are new. */
#define HOSTAPI_TURN_BYTES 131072u
/* One thing that a pending call waits for. */
enum hostapi_wait_kind {
    HOSTAPI_WAIT_TIME,  /* a moment: monotonic `until_ns`; 0: what it wrote may go out */
    HOSTAPI_WAIT_TURN,  /* nothing: the call is long, and goes on when others had their turn */
    HOSTAPI_WAIT_ROOM,  /* room in the exchange's response_body: a piece of it was taken */
    HOSTAPI_WAIT_BODY,  /* a piece of the exchange's request_body has come, or its end */
    HOSTAPI_WAIT_EVENT, /* any operation of the request has an answer: operations.h */
};
struct hostapi_wait {
    enum hostapi_wait_kind kind;
    uint64_t until_ns; /* TIME */
};
/* Any one of them ends the wait: then run again, and the call looks for itself. */
#define HOSTAPI_WAITS_MAX 8
struct hostapi_waits {
    uint32_t count; /* at least 1 after ENGINE_PENDING */
    struct hostapi_wait rows[HOSTAPI_WAITS_MAX];
};
/* After ENGINE_PENDING; valid until the next engine_run. */
const struct hostapi_waits *hostapi_waits(const struct hostapi_host *host);
/* The earliest moment among them; UINT64_MAX if there is none. */
uint64_t hostapi_waits_until_ns(const struct hostapi_waits *waits);
/* Is there one of that kind among them? */
bool hostapi_waits_for(const struct hostapi_waits *waits, enum hostapi_wait_kind kind);

/* ---- a WASI command without a server: `skerry run` ------------------------------------------- */

struct hostapi_command {
    const char *const *arguments; /* argv, argv[0] first */
    uint32_t argument_count;
    const char *const *environment; /* "K=V" */
    uint32_t environment_count;
    struct hostapi_dirs dirs;
    const struct clock *clock;
};
/* A host whose stdio is this process's. Everything in `command` is borrowed. */
NODISCARD enum status hostapi_command_create(const struct hostapi_command *command,
                                             struct hostapi_host **ret_host);

#endif
