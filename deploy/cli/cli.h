/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line clients of the admin API: what the verbs share.
 *
 * A verb is one function that sends requests with cli_call and prints. Answers go to
 * stdout, with --json exactly what the server said, or one value of what the verb found itself;
 * nothing is coloured, on a terminal neither; errors are one line on stderr that
 * says what, where, and what to do, and end in the exit status of INTERFACE. A verb that
 * worked ends by naming the next useful one.
 */
#ifndef SKERRY_DEPLOY_CLI_CLI_H
#define SKERRY_DEPLOY_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "config/config.h"
#include "deploy/signature.h"
#include "engine/base/bytes.h"

#define CLI_POSITIONAL_MAX 32
#define CLI_PATH_BYTES     512
#define CLI_TOKEN_BYTES    256

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_MANIFEST = 3,
    CLI_AUTH = 4,
    CLI_NOT_FOUND = 5,
    CLI_CONFLICT = 6,
    CLI_LIMIT = 7,
    CLI_UNREACHABLE = 8,
    CLI_UNHEALTHY = 9,
    CLI_INTERRUPTED = 130,
};

struct cli_options {
    bool json;
    bool quiet;
    bool yes;
    bool help;
    bool dry_run;
    bool no_activate;
    uint32_t choices;        /* enum deploy_choice */
    const char *url;         /* NULL: the socket */
    const char *ca;          /* file of who signed the server's certificate; NULL: the system's */
    const char *client_cert; /* file of our own, with its key; NULL: none */
    const char *tenant;
    const char *name;
    const char *to;
    const char *data;
    const char *config;
    const char *config_file;
    const char *warm; /* paths, with commas between them */
    const char *reuse;
    const char *reuse_for;
    const char *admin_socket;
    const char *ttl;
    const char *if_version;
    const char *file;
    const char *since;
    const char *level;
    const char *limit;
    const char *tls;
    const char *runtime;
    const char *percent;
    const char *health;
    const char *by;
    const char *canary;
    const char *overlap;
    const char *missed;
    bool follow;
    bool all_tenants;
    bool verify;
    const char *verbs;
    const char *functions;
    const char *expires;
    const char *note;
    const char *before;
    bool no_build;
    bool secrets;
    bool no_secrets;
    const char *listen;
    const char *sign;
    const char *positional[CLI_POSITIONAL_MAX];
    uint32_t positional_count;
    bool tenant_is_default;
};

struct cli {
    const char *verb;
    /* Usage and help: a flag that is in neither is not the verb's. NULL: it takes all. */
    const char *takes[3];
    struct cli_options options;
    char base[CLI_PATH_BYTES];   /* "http://localhost" or the URL, without a slash at the end */
    char socket[CLI_PATH_BYTES]; /* Unix socket, or "" */
    char program[64];            /* for messages: "skerry deploy" */
    char token[CLI_TOKEN_BYTES]; /* what to show the server; "" for nothing */
};

/* Parses flags and environment, and finds the server's place if one is wanted; or prints one line.
 */
NODISCARD enum cli_exit
cli_options_parse(struct cli *cli, bool wants_server, int argc, char **argv);

/* A verb that changes nothing of a server's: it has no rehearsal. */
NODISCARD enum cli_exit cli_refuse_rehearsal(const struct cli *cli);

/* Is somebody there? Asked before work that would be for nothing; of a server that is not behind a
 * Unix socket nothing is known before it is called. */
NODISCARD enum cli_exit cli_reach(const struct cli *cli);
/* The server is behind this Unix socket. */
NODISCARD enum cli_exit cli_use_socket(struct cli *cli, const char *path);

struct cli_request {
    const char *method;
    const char *path;      /* may have a query */
    const char *query;     /* more of the query, encoded, with its `?`; NULL for none */
    const char *file;      /* body: a file, streamed; NULL for none */
    struct bytes body;     /* body: bytes */
    const char *if_match;  /* an entity tag; NULL: none */
    const char *signature; /* NULL: none */
    const char *type;      /* of the body; NULL: a file is a module, bytes are JSON */
    bool may_miss;         /* a 404 is no error to print */
    bool any_bytes;        /* the answer is a value, and need not be JSON */
    /* Gets a good answer as it comes, in place of its text. NULL: nobody does. */
    void (*take)(void *context, struct bytes data);
    void *context;
};

struct cli_answer {
    long status;
    struct buffer text; /* NUL-terminated: the last of its bytes */
    json_t *json;       /* NULL if it is none */
};

void cli_answer_done(struct cli_answer *answer);
/*
 * Sends and waits. Any answer but a 2xx is printed as an error, with `json` raw on stdout;
 * then the exit status says which kind it was. CLI_OK: `ret_answer` is filled, to be done
 * with cli_answer_done.
 */
NODISCARD enum cli_exit
cli_call(const struct cli *cli, const struct cli_request *request, struct cli_answer *ret_answer);
/* "/v1/tenants/{t}{rest}" */
void cli_tenant_path(const struct cli *cli, const char *rest, char ret_path[CLI_PATH_BYTES]);
/* "/v1/tenants/{t}/functions[/{f}{rest}]"; function NULL: the list. */
void cli_function_path(const struct cli *cli,
                       const char *function,
                       const char *rest,
                       char ret_path[CLI_PATH_BYTES]);

/* ---- tokens that are kept (login.c) ---------------------------------------------------------- */

/* What was kept for this server; "" for nothing. False, and said: the file cannot be read. */
NODISCARD bool cli_find_token(const struct cli *cli, char ret_token[CLI_TOKEN_BYTES]);

/* One line of a file or of a terminal, which does not show what is typed; NULL: there is none. */
char *cli_read_line(FILE *file, const char *prompt, char ret_text[CLI_TOKEN_BYTES]);

/* ---- passphrases (passphrase.c) -------------------------------------------------------------- */

/* Of --file or stdin, whose terminal is asked twice for a new one. The caller wipes it. */
NODISCARD enum cli_exit
cli_ask_passphrase(const struct cli *cli, bool is_new, char ret_text[CLI_TOKEN_BYTES]);

/* ---- signatures (key.c) ---------------------------------------------------------------------- */

#define CLI_SIGNATURE_BYTES (2 * SIGNATURE_BYTES + 1)

/* With the key in the file of --sign. */
NODISCARD enum cli_exit cli_sign(const struct cli *cli,
                                 const struct signature_upload *upload,
                                 char ret_text[CLI_SIGNATURE_BYTES]);

/* ---- printing -------------------------------------------------------------------------------- */

/* "skerry VERB: ..." on stderr, one line. */
enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A member's text; "-" for null or none. */
const char *cli_text(const json_t *object, const char *name);
json_int_t cli_number(const json_t *object, const char *name);
/* With --json prints the answer as it came and returns true: nothing else is printed. */
bool cli_print_json(const struct cli *cli, const struct cli_answer *answer);
/* What a verb found itself, on a line; takes the reference. */
void cli_print_value(json_t *value);
/* "next: ..." unless --quiet: commands that can be pasted as they are, with "   or   " between. */
void cli_next(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* The flags that a hint has to repeat to mean the same tenant and server, each with a blank
 * before it; "" without any. */
#define CLI_FLAGS_BYTES (4 * CLI_PATH_BYTES)
const char *cli_flags(const struct cli *cli, char ret_text[CLI_FLAGS_BYTES]);
/* A word as a shell has to be given it. */
const char *cli_quote(const char *word, char ret_text[CLI_PATH_BYTES]);
/* A guest's text: nothing of it may steer a terminal, C1 neither. */
void cli_print_plain(const char *text);
/* " user=ann": what a guest logged beside a line's text. */
void cli_print_fields(const json_t *line);
/* "frame0", "frame1", ... of a fault in a log, a line each. */
void cli_print_frames(const json_t *line);
/* "12.3 KiB" */
void cli_format_bytes(uint64_t bytes, char ret_text[32]);

/* ---- verbs ----------------------------------------------------------------------------------- */

typedef enum cli_exit cli_verb(struct cli *cli);

cli_verb cli_deploy;
cli_verb cli_list;
cli_verb cli_show;
cli_verb cli_rm;
cli_verb cli_versions;
cli_verb cli_diff;
cli_verb cli_rollback;
cli_verb cli_activate;
cli_verb cli_tenant;
cli_verb cli_starts;
cli_verb cli_stats;
cli_verb cli_limits;
cli_verb cli_env;
cli_verb cli_reload;
cli_verb cli_drain;
cli_verb cli_upgrade;
cli_verb cli_split;
cli_verb cli_promote;
cli_verb cli_alias;
cli_verb cli_route;
cli_verb cli_cron;
cli_verb cli_domain;
cli_verb cli_key;
cli_verb cli_kv;
cli_verb cli_secret;
cli_verb cli_cert;
cli_verb cli_logs;
cli_verb cli_token;
cli_verb cli_login;
cli_verb cli_logout;
cli_verb cli_audit;
cli_verb cli_backup;
cli_verb cli_restore;
/* verbs_project.def */
cli_verb cli_new;
cli_verb cli_build;
cli_verb cli_dev;

#endif
