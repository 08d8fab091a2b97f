/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a version: what function.yaml says, checked, as one struct.
 *
 *   function.yaml --(yaml.c)--> tree --(read.c, by the rows of manifest.def)--> struct
 *   canonical JSON --(jansson)--^                          struct --(write.c)--> canonical JSON
 *
 * YAML is what people write, and only the command line reads it. The canonical JSON is what
 * travels, what the store keeps and what workers read; both go through the same rows, so that
 * neither can say what the other would refuse. What is canonical: keys in the table's order,
 * nothing that is not set, quantities in their shortest form, environment by name.
 *
 * Everything that a manifest points to lies in the arena that it was read into.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_MANIFEST_H
#define SKERRY_DEPLOY_MANIFEST_MANIFEST_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define DEPLOY_MANIFEST_FILE      "function.yaml"
#define DEPLOY_MANIFEST_BYTES_MAX 65536 /* of the file, and of its canonical JSON */
/* Enough for whatever a text of that size can say. */
#define DEPLOY_MANIFEST_ARENA_BYTES     ((size_t)1 << 20)
#define DEPLOY_ENVIRONMENT_BYTES_MAX    32768 /* of all variables of one list, with their NULs */
#define DEPLOY_ENVIRONMENT_COUNT_MAX    128
#define DEPLOY_VARIABLE_NAME_BYTES_MAX  128
#define DEPLOY_PATTERN_BYTES_MAX        1024 /* one of `files` */
#define DEPLOY_ARGUMENT_BYTES_MAX       1024 /* one of `arguments` */
#define DEPLOY_VARIABLE_VALUE_BYTES_MAX 8192

struct deploy_texts {
    const struct bytes *rows; /* each with a NUL behind it */
    uint32_t count;
};

struct deploy_variable {
    struct bytes text; /* "NAME=value", with a NUL behind it */
    size_t name_bytes; /* of it */
};

struct deploy_variables {
    const struct deploy_variable *rows; /* by name, none twice */
    uint32_t count;
};

enum deploy_method {
#define METHOD(NAME, bit) DEPLOY_METHOD_##NAME = 1u << (bit),
#include "deploy/manifest/methods.def"
};

struct deploy_route {
    struct bytes host; /* lower case, without a port */
    struct bytes path; /* "/v1", "" for all: whole segments, no slash at its end */
    uint32_t methods;  /* enum deploy_method; 0: all, also those without a bit */
};

struct deploy_routes {
    const struct deploy_route *rows;
    uint32_t count;
};

struct deploy_function_limits {
    uint64_t fuel; /* 0: the operator's; so for each */
    uint64_t memory_bytes;
    uint64_t wall_us;
    uint64_t scratch_bytes; /* 0: none */
};

struct deploy_manifest_reuse {
    uint64_t requests; /* 0: not said; so for each */
    uint64_t for_us;
};

/* Files that are served as they are. The server has their list; `dir` is read by who sends them. */
struct deploy_manifest_assets {
    struct bytes dir;            /* empty: there are none, and the rest is too */
    struct bytes fallback;       /* a name below it */
    struct deploy_texts headers; /* as in site.h; so are these */
    struct deploy_texts redirects;
};

/* How often runs of a trigger may be under way at once, and what becomes of those that were due
 * while the server did not run. */
#define DEPLOY_CRON_BYTES_MAX 256 /* of its path */
struct deploy_cron {
    struct bytes schedule; /* as in schedule.h */
    struct bytes path;     /* "" for "/" */
    struct bytes overlap;  /* "" or "skip": the new run is left out; "allow" */
    struct bytes missed;   /* "" or "skip"; "once": one run for all of them */
};
struct deploy_crons {
    const struct deploy_cron *rows;
    uint32_t count;
};

/* Asked of a version before it gets clients. */
struct deploy_manifest_health {
    struct bytes path; /* with its query; empty: nothing is asked */
    uint64_t wall_us;  /* 0: as any request */
};

/* What is not said is empty. */
struct deploy_manifest {
    struct bytes name; /* each text with a NUL behind it */
    struct bytes main;
    struct bytes runtime; /* a name or FILE.wasm: who sends it knows where that is */
    struct deploy_texts arguments;
    struct bytes build;
    struct bytes description;
    struct deploy_routes routes;
    struct deploy_texts steps;
    struct bytes origin; /* "https://host", "http://host:8080", lower case */
    struct deploy_texts
        files; /* patterns; read by who sends them, the server has the files' list */
    struct deploy_manifest_assets assets;
    struct deploy_variables env;
    struct deploy_texts secrets;
    struct deploy_texts outbound; /* for config_url_rule_parse */
    struct deploy_function_limits limits;
    struct deploy_manifest_health health;
    struct deploy_crons cron;
    struct deploy_manifest_reuse reuse;
    struct deploy_texts warm; /* paths; read by who sends the script */
    struct bytes adapter;     /* the same */
    bool checkpoint;
    bool reseeds;
    bool compress;
    uint64_t native; /* enum config_choice; only OFF changes what the server does */
};

/*
 * `name` is what the report calls the text, with line and column. CONFIG for what is wrong with it,
 * NO_MEMORY; then `ret_manifest` is as it was.
 */
NODISCARD enum status deploy_manifest_from_yaml(struct bytes text,
                                                const char *name,
                                                struct arena *arena,
                                                struct report *report,
                                                struct deploy_manifest *ret_manifest);
/* The same for JSON; the report says which member is wrong. */
NODISCARD enum status deploy_manifest_from_json(struct bytes text,
                                                struct arena *arena,
                                                struct report *report,
                                                struct deploy_manifest *ret_manifest);
/* Appends the canonical JSON. */
NODISCARD enum status deploy_manifest_to_json(const struct deploy_manifest *manifest,
                                              struct buffer *out);
/* Appends a function.yaml with every key as a comment: for help. */
NODISCARD enum status deploy_manifest_print_reference(struct buffer *out);

/* A path with its query, as a request's line has it. */
bool deploy_path_valid(struct bytes path);
/* Is it a variable's name: letters, digits and `_`, no digit first? */
bool deploy_variable_name_valid(struct bytes name);
/* One "NAME=value" of such a name: no NUL, no longer than it may be. CONFIG, and a report. */
NODISCARD enum status
deploy_variable_check(struct bytes name, struct bytes value, struct report *report);

/* One route, from what a caller says of it; absent parts have data NULL. CONFIG, and a report. */
NODISCARD enum status deploy_route_from_json(struct bytes text,
                                             struct arena *arena,
                                             struct report *report,
                                             struct deploy_route *ret_route);
/* The same for a cron trigger. */
NODISCARD enum status deploy_cron_from_json(struct bytes text,
                                            struct arena *arena,
                                            struct report *report,
                                            struct deploy_cron *ret_cron);
/* The bit of a method, 0 if it has none. */
uint32_t deploy_method_bit(struct bytes method);
/* Does it take requests with that method? GET takes HEAD. */
bool deploy_route_takes(uint32_t methods, struct bytes method);

#endif
