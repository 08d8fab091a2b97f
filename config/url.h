/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs of http and https that somebody wants to be fetched, and the list of who may be asked.
 *
 *   scheme://host[:port][/path][?query][#fragment]     `#fragment` is forgotten
 *
 * One parser, and it is strict: what it takes apart is checked, and what is connected to is put
 * together of the same parts, so that no two readers can differ about where a URL leads. There is
 * one spelling of an address (four decimal numbers, or IPv6 in brackets): what another
 * parser might take for a number (0x7f.1, 127.1, 017700000001) is no host. No user or password, no
 * backslash, no dot at the end of a host, no escapes in it, nothing but ASCII.
 */
#ifndef SKERRY_CONFIG_URL_H
#define SKERRY_CONFIG_URL_H

#include "engine/base/bytes.h"

#define CONFIG_URL_BYTES_MAX    8192
#define CONFIG_URL_HOST_BYTES   254 /* of a name, with its NUL [RFC 1035 2.3.4] */
#define CONFIG_URL_ORIGIN_BYTES (CONFIG_URL_HOST_BYTES + 16)

enum config_url_host { CONFIG_URL_HOST_NAME, CONFIG_URL_HOST_V4, CONFIG_URL_HOST_V6 };

struct config_url {
    bool is_https;
    enum config_url_host kind;
    uint16_t port;                    /* never 0: the scheme's own if none was given */
    char host[CONFIG_URL_HOST_BYTES]; /* lower case; IPv6 without brackets, in its canonical form */
    uint8_t address[16];              /* of V4 the first four bytes */
    struct bytes target; /* path and query; borrowed; may lack the slash it begins with */
};

/* INVALID, and a report that says what is wrong with it and where. */
NODISCARD enum status
config_url_parse(struct bytes text, struct report *report, struct config_url *ret_url);
/* "https://host" or "https://host:port", as it is written everywhere. */
void config_url_origin(const struct config_url *url, char ret_text[CONFIG_URL_ORIGIN_BYTES]);
/* "host" or "host:port": the Host header [RFC 9110 7.2]. */
void config_url_authority(const struct config_url *url, char ret_text[CONFIG_URL_ORIGIN_BYTES]);
/* Do they have scheme, host and port in common? */
bool config_url_same_origin(const struct config_url *a, const struct config_url *b);
/* The whole of it, without a fragment; STATUS_LIMIT over the buffer's cap. */
NODISCARD enum status config_url_print(const struct config_url *url, struct buffer *out);
/* What `reference` means to who read it in `base` [RFC 3986 5.2], a Location header say: text for
 * config_url_parse. */
NODISCARD enum status
config_url_resolve(const struct config_url *base, struct bytes reference, struct buffer *out);

/* ---- rules: whom a function may ask ---------------------------------------------------------- */

/*
 * As a manifest's `outbound` has it: "https://api.example.com", "http://10.0.0.7:8080", with
 * one label left open, "https://" "*.example.com", or any name at all, "https://" "*".
 */
struct config_url_rule {
    struct config_url
        origin; /* of an open one, the host that follows the star's dot; "" after "*" */
    bool is_open;
};

NODISCARD enum status
config_url_rule_parse(struct bytes text, struct report *report, struct config_url_rule *ret_rule);
/* A star stands for one label of a name, never for an address. */
bool config_url_rule_matches(const struct config_url_rule *rule, const struct config_url *url);

#endif
