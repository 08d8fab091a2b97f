/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A family of host calls: a folder, a table and one of these structs.
 *
 *   families.def ---> struct hostapi_family ---> hostcalls tables (one for each import module)
 *                       |  detect: is a module of this kind?
 *                       |  begin, next, exited: lead a request through it
 *                       +--uses--> another family, whose calls its guests may make too
 *
 * Each family of a host has two blocks there, zeroed whole: its *state* is a request's and goes
 * with it, what is *kept* belongs to the instance's memory and goes when that does. Both are
 * handed out by host_state and host_kept alone, which refuse a family that the host is not of.
 */
#ifndef SKERRY_HOSTAPI_FAMILY_H
#define SKERRY_HOSTAPI_FAMILY_H

#include "hostapi/hostapi.h"

struct hostcalls_table;
struct wasi_setting;

/* An export that the host calls. */
struct hostapi_entry {
    const char *name;
    const char *signature; /* as in hostcalls.h */
};
/* Of one family; `begin` needs the first. */
#define HOSTAPI_ENTRIES_MAX 2
/* Import modules of one family. */
#define HOSTAPI_TABLES_MAX 2

struct hostapi_family {
    enum hostapi_kind kind;
    const char *id;                     /* what the API shows */
    const char *text;                   /* how it is recognised; NULL: it never is */
    bool keeps_memory;                  /* hostapi_kind_keeps_memory */
    bool has_checkpoint;                /* its first entry may be frozen on its way */
    const struct hostapi_family *uses;  /* NULL: none */
    const struct wasi_setting *setting; /* what WASI's calls mean there; NULL: nothing */
    const struct hostcalls_table *tables[HOSTAPI_TABLES_MAX]; /* NULL at the end */
    struct hostapi_entry entries[HOSTAPI_ENTRIES_MAX];        /* name NULL at the end */
    /* Exports that initialise an instance once, [] -> []: the first that is there. */
    const char *initialisers[HOSTAPI_ENTRIES_MAX];
    size_t state_bytes;
    size_t kept_bytes;

    /* The exports have the right types: is it of this kind? NULL with `text`. */
    bool (*detect)(const struct engine_module *module);
    /* hostapi_check_config; NULL: it may be anything. */
    enum status (*check_config)(struct bytes config, struct report *report);
    /* Those of a kind; NULL: requests are not led through this one (`skerry run`). */
    enum hostapi_step (*begin)(struct hostapi_host *host, struct report *report);
    enum hostapi_step (*next)(struct hostapi_host *host, struct report *report);
    /* The next handler has answered; NULL: `next` never says HOSTAPI_NEXT. */
    enum hostapi_step (*returned)(struct hostapi_host *host, bool is_error, struct report *report);
    /* The guest called proc_exit in a request; NULL: it must return. */
    enum hostapi_step (*exited)(struct hostapi_host *host, int exit_code, struct report *report);
    /* A deferred initialiser returned; NULL: nothing to note. */
    void (*initialised)(struct hostapi_host *host);
    /* What of the state at a checkpoint the requests that go on from there must have: written, and
     * put into a new state. NULL: nothing. Refused with a report's status; false: damaged. */
    enum status (*freeze)(const struct hostapi_host *host, struct buffer *out);
    bool (*thaw)(struct hostapi_host *host, struct bytes part);
    /* Fills a new state, zeroed, and gives back what one owns; NULL: there is nothing. */
    void (*prepare)(struct hostapi_host *host);
    void (*release)(struct hostapi_host *host);
};

/* Of a kind but UNKNOWN. */
const struct hostapi_family *hostapi_family(enum hostapi_kind kind);

#endif
