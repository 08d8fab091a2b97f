/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a worker's signatures, made by the key process.
 *
 *   OpenSSL wants one --TLS_SIGN--> key process --TLS_SIGNED--> signing_on_signed
 *        |                                                            |
 *        +-- in an ASYNC job: the handshake is left and taken up again by `wake` (h2o_tls.c)
 *        +-- outside of one: waits here, for SIGNING_WAIT_MS at most
 */
#ifndef SKERRY_SERVER_TLS_SIGNING_H
#define SKERRY_SERVER_TLS_SIGNING_H

#include "engine/base/clock.h"
#include "server/telemetry/metrics.h"
#include "server/tls/remote_key.h"
#include "server/world/peers.h"

#define SIGNING_WAIT_MS 1000

/* A handshake that may be left while its signature is made. */
struct signing_job {
    bool waits; /* for a signature */
    /* There it is, or it will never be: SSL_accept is to be called again. */
    void (*wake)(struct signing_job *job);
};

struct signing {
    struct remote_signer signer; /* for remote_key_make */
    struct peers *peers;
    const struct clock *clock;
    struct metrics *metrics;
    struct signing_job *job; /* whose handshake runs now; NULL: nobody's that may be left */
    uint64_t last_id;
    struct list calls; /* that wait */
};

/* All of it is borrowed. */
void signing_open(struct signing *signing,
                  struct peers *peers,
                  const struct clock *clock,
                  struct metrics *metrics);
/* The handshake's connection ends: its signature, if it waits for one, failed. SSL_accept is to be
 * called once more, so that its job comes to an end. */
void signing_give_up(struct signing *signing, struct signing_job *job);

#endif
