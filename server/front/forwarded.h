/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: whose a request is that a trusted proxy brings.
 *
 *   X-Forwarded-For: made up by anybody, client, proxy of ours <-- the peer, a proxy of ours
 *                    read from its end: the first that is not in trusted_proxies
 *
 * `Forwarded` is not read: a proxy that writes one of the two passes the other on as the client
 * made it up, and X-Forwarded-For is what they all write.
 */
#ifndef SKERRY_SERVER_FRONT_FORWARDED_H
#define SKERRY_SERVER_FRONT_FORWARDED_H

#include "config/config.h"
#include "hostapi/hostapi.h"

/* "ip:port", port 0 if it is not known; returns its count, 0: the proxy says nothing to be used. */
size_t forwarded_client(const struct config *config,
                        const struct http_headers *headers,
                        char ret_client[CONFIG_ADDRESS_BYTES]);
/* Did the client speak TLS to the proxy? Without a word of the proxy: as public_url says, or if the
 * proxy speaks it to us. */
bool forwarded_is_https(const struct config *config,
                        const struct http_headers *headers,
                        bool is_tls);
/* The same where no proxy is trusted. */
bool forwarded_public_is_https(const struct config *config);

#endif
