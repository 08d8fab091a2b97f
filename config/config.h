/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator decides: one struct, made from built-in defaults, then the file,
 * then the environment, then flags; checked once, then never changed (a reload makes
 * a new one).
 */
#ifndef SKERRY_CONFIG_H
#define SKERRY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "config/limits.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define CONFIG_PATH_BYTES    256 /* the data directory; sockets must fit sun_path (108) */
#define CONFIG_ADDRESS_BYTES 64  /* "[v6]:port" */
#define CONFIG_NODE_BYTES    65  /* a machine's name is as long [gethostname] */
#define CONFIG_LISTEN_MAX    8
#define CONFIG_DOMAIN_BYTES  254
#define CONFIG_WORKERS_MAX   256
/* Places for their processes: a worker's successor starts while it still runs. */
#define CONFIG_WORKER_SLOTS_MAX  (2 * CONFIG_WORKERS_MAX)
#define CONFIG_PROXIES_MAX       16
#define CONFIG_CERTIFICATES_MAX  16
#define CONFIG_CERTIFICATE_BYTES 512 /* a path, or two with a blank between */
#define CONFIG_DIRECTORY_BYTES   512 /* a URL */
#define CONFIG_ISOLATION_BYTES   (64 + CONFIG_ADDRESS_BYTES)

/* What becomes of a process that cannot put up all of its walls (server/walls). */
enum config_walls {
    CONFIG_WALLS_AUTO,    /* it does without, and says so */
    CONFIG_WALLS_REQUIRE, /* it does not start */
    CONFIG_WALLS_OFF,     /* none is put up */
};

struct config_net {
    uint8_t address[16]; /* IPv6, network byte order */
    uint32_t bits;       /* of it that count */
};

struct config {
    char data_dir[CONFIG_PATH_BYTES];
    /* "ADDR:PORT", or "https://ADDR:PORT" [config_listen_address] */
    char listen[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_BYTES];
    uint32_t listen_count;
    char admin_listen[CONFIG_ADDRESS_BYTES]; /* "" for none */
    char admin_host[CONFIG_DOMAIN_BYTES];    /* another name of that address, or "" */
    /* As a row of tls_certificates: TLS is spoken there. "": it is not. */
    char admin_certificate[CONFIG_CERTIFICATE_BYTES];
    char admin_client_ca[CONFIG_PATH_BYTES]; /* who signed its clients' certificates; "": anybody */
    char admin_socket[CONFIG_PATH_BYTES];    /* absolute, or "" for none */
    char domain[CONFIG_DOMAIN_BYTES];
    char node[CONFIG_NODE_BYTES]; /* after config_check never empty */
    /* Whose word on the client's address and scheme is taken [config_trusts]. */
    struct config_net trusted_proxies[CONFIG_PROXIES_MAX];
    uint32_t trusted_proxy_count;
    /* Whose connections begin with a PROXY header [config_speaks_proxy]. */
    struct config_net proxy_protocol[CONFIG_PROXIES_MAX];
    uint32_t proxy_protocol_count;
    /* "CHAIN", with the key in it, or "CHAIN KEY": absolute paths. */
    char tls_certificates[CONFIG_CERTIFICATES_MAX][CONFIG_CERTIFICATE_BYTES];
    uint32_t tls_certificate_count;
    char tls_default_host[CONFIG_DOMAIN_BYTES];  /* whose certificate unnamed hosts get; "": none */
    bool tls_redirect;                           /* http is sent to https */
    uint64_t tls_hsts_us;                        /* Strict-Transport-Security; 0: none */
    char acme_directory[CONFIG_DIRECTORY_BYTES]; /* of the certifying server; "": none is asked */
    char acme_contact[CONFIG_DOMAIN_BYTES];      /* a mail address, or "" */
    char acme_challenge[16];                     /* "auto", or a challenge's name */
    bool acme_terms_agreed;
    /* "https://HOST[:PORT]": what clients reach the domain by; "": http and the first address. */
    char public_url[CONFIG_DOMAIN_BYTES];
    bool h2c;         /* HTTP/2 without TLS is spoken to who begins with it */
    uint32_t walls;   /* enum config_walls */
    bool access_log;  /* a line for each request */
    uint32_t workers; /* 1..; after config_check those of `isolation` too, which are the last */
    /* "TENANT ADDRESS": the tenant has a worker of its own, which alone listens there. */
    char isolation[CONFIG_LISTEN_MAX][CONFIG_ISOLATION_BYTES];
    uint32_t isolation_count;
    uint64_t store_map_bytes;
    uint64_t kv_map_bytes;
    uint64_t logs_size;
    uint32_t logs_files;
    uint64_t logs_age_us;
    bool logs_stdout;
    uint32_t store_versions;    /* newest ones kept, besides those in use */
    uint32_t pool_per_function; /* warm isolates of one function, per worker */
    uint32_t pool_total;        /* warm isolates in all, per worker */
    uint64_t pool_trim_us;      /* a warm isolate unused for so long gives its pages back */
    uint64_t pool_idle_us;      /* an isolate unused for so long is evicted */
    uint64_t pool_prewarm_us;   /* ... one made ahead of a function's first request; 0: none is */
    uint32_t starts_functions;  /* histories of starts that control keeps */
    bool outbound_allow_private;
    char outbound_nameserver[CONFIG_ADDRESS_BYTES]; /* "" for the system's */
    char outbound_ca_file[CONFIG_PATH_BYTES];       /* "" for the system's */
    struct config_limits limits;
};

/* Built-in values, with paths resolved from the environment (XDG, SKERRY_DATA_DIR). */
NODISCARD enum status config_defaults(struct config *ret_config, struct report *report);
/* Reads skerry.yaml over `config`: an unknown key is an error that names the nearest one;
 * the report's text says file:line:column. `config` is unchanged on failure. */
NODISCARD enum status
config_load_file(struct config *config, const char *path, struct report *report);
/* Where the file is looked for when no flag names it; "" if there is none. */
void config_default_file(char ret_path[CONFIG_PATH_BYTES]);
/* Checks what depends on several fields; makes admin_socket absolute. Call last. */
NODISCARD enum status config_check(struct config *config, struct report *report);
/* "100us", "1G", "32KiB", "64Ki" to a number; false if the text or its unit is wrong. */
bool config_parse_quantity(const char *text, enum config_unit unit, uint64_t *ret_value);
/* The units that it reads, "KiB, MiB, GiB"; "" for a plain count. */
const char *config_unit_words(enum config_unit unit);
#define CONFIG_QUANTITY_BYTES 32
/* The shortest text that config_parse_quantity reads back as the same value. */
void config_format_quantity(uint64_t value,
                            enum config_unit unit,
                            char ret_text[CONFIG_QUANTITY_BYTES]);

/* By how many letters two names differ: to guess what was meant. */
size_t config_name_distance(const char *a, const char *b);
/* Are they so much alike that one may have been meant by the other? */
bool config_name_is_near(const char *a, const char *b);

/* A numeric "ADDR:PORT" or "[v6]:PORT", ready for bind(). */
struct config_address {
    struct sockaddr_storage storage;
    socklen_t length;
    uint16_t port;
    bool loopback; /* reachable from this machine only */
};
bool config_address_parse(const char *text, struct config_address *ret_address);
/* The same way back, its count returned; 0 and "" of an address of another family. */
size_t config_address_print(const struct sockaddr *address, char ret_text[CONFIG_ADDRESS_BYTES]);
/* Takes "http://ADDR:PORT/" as well and gives "ADDR:PORT"; false if it is no address. */
bool config_address_normalise(const char *text, char ret_address[CONFIG_ADDRESS_BYTES]);

/* The same, or "https://ADDR:PORT", which stays: what `listen` has. */
bool config_listen_normalise(const char *text, char ret_listen[CONFIG_ADDRESS_BYTES]);
/* The address in it; is TLS spoken there? */
const char *config_listen_address(const char *listen, bool *ret_is_tls);
/* "TENANT ADDRESS" as the file has it; false: it is not. */
bool config_isolation_normalise(const char *text, char ret_row[CONFIG_ISOLATION_BYTES]);
/* Whose worker it is alone; empty: everybody's. */
struct bytes config_worker_tenant(const struct config *config, uint32_t worker);
/* The same of an address of `listen`. */
struct bytes config_listen_tenant(const struct config *config, uint32_t listen);
/* The first address at which the tenant is served. */
uint32_t config_tenant_listen(const struct config *config, struct bytes tenant);
/* Does that worker listen at address number `listen`? */
bool config_worker_listens(const struct config *config, uint32_t worker, uint32_t listen);
/* May that worker run functions of the tenant? */
bool config_worker_serves(const struct config *config, uint32_t worker, struct bytes tenant);
/* "CHAIN" or "CHAIN KEY", each an absolute path? */
bool config_certificate_valid(const char *text);
/* Is it spoken at any of them? */
bool config_speaks_tls(const struct config *config);

/* Takes over the values of all keys that can change while a server runs. */
void config_take_live(const struct config *from, struct config *config);
/* "section.key, key" of all keys whose values differ; "..." at the end if there is no room. */
void config_list_changes(const struct config *a,
                         const struct config *b,
                         char *ret_names,
                         size_t names_bytes);

/* "10.0.0.0/8", "::1"; false if it is none, or has bits behind its prefix. */
bool config_net_parse(const char *text, struct config_net *ret_net);
bool config_net_contains(const struct config_net *net, const struct sockaddr *address);
/* Is it one of the trusted proxies? */
bool config_trusts(const struct config *config, const struct sockaddr *address);
/* Does what it sends begin with a PROXY header? */
bool config_speaks_proxy(const struct config *config, const struct sockaddr *address);

/* Writes a skerry.yaml with every key: text and range as a comment, then its default. */
NODISCARD enum status config_print_reference(struct buffer *out);

/* What limits.worker_memory and limits.tenant_memory come to, with `auto` read from the machine
 * and its cgroup. Never 0. */
uint64_t config_worker_memory_bytes(const struct config *config);
uint64_t config_tenant_memory_bytes(const struct config *config);

/* What a worker's descriptors are for, if it may have `limit`; what is left is for all else. */
struct config_descriptors {
    uint32_t artifacts; /* each function at work, and each warm one, has one */
    uint32_t connections;
};
struct config_descriptors config_share_descriptors(const struct config *config, uint64_t limit);

#endif
