/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of TLS share: a store with certificates, a catalog over it, and a key process
 * whose part the test plays, with the keys at hand.
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_TLS_BENCH_H
#define SKERRY_TESTS_UNIT_SERVER_TLS_BENCH_H

#include "deploy/lmdb/lmdb_reading.h"
#include "deploy/store/store.h"
#include "server/tls/tls.h"
#include "tests/support/pem.h"

#define BENCH_KEYS 8

struct bench {
    char dir[64];
    struct generation *generation;
    struct lmdb_reading reading;
    struct deploy_catalog *catalog;
    struct config config;
    struct metrics metrics;
    struct peers peers;
    struct tls *tls; /* if bench_serve was called */
    uint32_t signatures;
    bool refuses;
    uint32_t key_count;
    struct pem keys[BENCH_KEYS];
};

void bench_init(struct bench *bench);
void bench_done(struct bench *bench);
/* Makes and stores a certificate of `host`'s, for `names`; returns its key's. */
const struct pem *
bench_add(struct bench *bench, const char *host, const char *type, const char *names);
void bench_remove(struct bench *bench, const char *host);
/* Signs with those keys. */
bool bench_sign(void *context,
                const uint8_t key[TLS_KEY_DIGEST_BYTES],
                uint32_t scheme,
                struct bytes message,
                uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                size_t *ret_count);
/* Makes `tls`, whose signatures are the bench's. */
void bench_serve(struct bench *bench);

#endif
