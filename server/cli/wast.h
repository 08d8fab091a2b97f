/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the official test suite's scripts, in their converted form (a JSON
 * list of commands beside binary modules).
 *
 *   verb_wast.c     options, folders, the closing line
 *   wast.c          one script: its commands, what passes and what fails
 *   wast_modules.c  the script's modules, their names, the spectest host module
 *   wast_values.c   values and patterns of values in JSON
 *   wast_skips.c    the list of what is not expected to pass yet, with reasons
 */
#ifndef SKERRY_SERVER_CLI_WAST_H
#define SKERRY_SERVER_CLI_WAST_H

#include <jansson.h>

#include "engine/base/arena.h"
#include "engine/engine.h"

/* ---- skips ----------------------------------------------------------------------------------- */

/* A folder ("core/simd/"), a script ("core/x.json") or lines of one ("core/x.json:7-9"). */
struct wast_skip {
    const char *path;
    size_t path_bytes;
    uint32_t first_line; /* 0: all */
    uint32_t last_line;
    const char *reason;
    uint32_t used_count; /* assertions skipped because of it */
};

struct wast_skips {
    struct arena arena;
    struct wast_skip *rows;
    uint32_t count;
};

NODISCARD enum status
wast_skips_load(const char *path, struct report *report, struct wast_skips *ret_skips);
void wast_skips_done(struct wast_skips *skips);
/* The row that holds for this line of this script, or NULL. */
struct wast_skip *wast_skips_find(struct wast_skips *skips, const char *script, uint32_t line);

/* ---- values ---------------------------------------------------------------------------------- */

/* What one result must look like. */
struct wast_pattern {
    enum {
        WAST_EXACT,
        WAST_NAN_CANONICAL,
        WAST_NAN_ARITHMETIC,
        WAST_ANY_REFERENCE, /* not null */
        WAST_UNKNOWN,       /* of a type this runner does not know */
    } kind;
    uint32_t type; /* 0: a null of any reference type */
    union engine_value slots[2];
    uint32_t lane_type;    /* of a vector of floats: ENGINE_F32 or ENGINE_F64, else 0 */
    uint8_t lane_kinds[4]; /* of its lanes: WAST_EXACT or a class of NaN */
    const char *text;      /* of a type that is unknown */
};

struct wast_pattern wast_pattern_read(const json_t *json);
/* `slots` are as many as the type takes. */
bool wast_pattern_matches(const struct wast_pattern *pattern,
                          uint32_t type,
                          const union engine_value *slots);
/* For messages. */
void wast_pattern_print(const struct wast_pattern *pattern, char *text, size_t bytes);

/* ---- modules --------------------------------------------------------------------------------- */

/* A module of a script. */
struct wast_unit {
    char *name;                /* "$x", or NULL */
    char *as;                  /* registered under, or NULL */
    bool skipped;              /* it was to be skipped, and so is all that uses it */
    struct engine_image image; /* empty if shared with another unit */
    struct engine_module *module;
    struct engine_instance *instance; /* NULL: a definition, or it failed */
};

#define WAST_UNITS_MAX 4096

struct wast_modules {
    struct arena arena; /* names */
    struct engine_options options;
    struct engine_machine *machine;
    struct wast_unit *units;
    uint32_t count;
    struct wast_unit *current; /* the last one that was instantiated or skipped */
    bool missed_skipped;       /* the last instantiation asked a skipped module for an import */
};

NODISCARD enum status wast_modules_init(struct wast_modules *modules,
                                        const struct engine_options *options,
                                        struct report *report);
void wast_modules_done(struct wast_modules *modules);
/* A unit with this name (may be NULL); NULL when there are too many. */
struct wast_unit *wast_modules_add(struct wast_modules *modules, const char *name);
/* The newest unit of that name; the current one if `name` is NULL. */
struct wast_unit *wast_modules_find(struct wast_modules *modules, const char *name);
NODISCARD enum status wast_unit_compile(const struct wast_modules *modules,
                                        struct wast_unit *unit,
                                        const char *path,
                                        struct report *report);
/* TRAPPED also if the start function trapped. */
NODISCARD enum status wast_unit_instantiate(struct wast_modules *modules,
                                            struct wast_unit *unit,
                                            int64_t slice,
                                            struct report *report);
bool wast_unit_register(struct wast_modules *modules, struct wast_unit *unit, const char *as);
/* Runs the call under way to its end, `slice` fuel at a time. */
enum engine_outcome wast_run_call(struct engine_machine *machine, int64_t slice);

/* ---- scripts --------------------------------------------------------------------------------- */

struct wast_settings {
    int64_t slice; /* fuel at a time */
    struct engine_options options;
};

struct wast_totals {
    uint64_t passed;
    uint64_t failed;
    uint64_t skipped;
    uint64_t skipped_text; /* of those: the text format's own tests */
    uint64_t fuel;         /* that its calls used */
    uint64_t
        outcome_hash; /* of how they ended: bits of numbers, which references are null, traps */
};

/* Runs one script; failures go to stdout as "path:line: ...". */
void wast_script_run(const char *path,
                     struct wast_skips *skips,
                     const struct wast_settings *settings,
                     struct wast_totals *totals);

#endif
