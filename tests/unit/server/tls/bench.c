/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's part is control's own code.
 */
#include "tests/unit/server/tls/bench.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/certs/certificate.h"
#include "deploy/generation.h"
#include "engine/base/macros.h"

#define BENCH_MAP_BYTES (4ULL << 20)

static void bench_committed(void *context, const struct store_changed *changed)
{
    (void)changed;
    struct bench *bench = context;
    generation_increase(bench->generation);
}

static void bench_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)context;
    (void)key;
}

static int bench_control(struct bench *bench,
                         const char *dir,
                         const struct store_certificate *put,
                         const char *drop)
{
    struct store *store = NULL;
    struct report report = REPORT_INIT;
    const struct store_options options = {.dir = dir,
                                          .data_dir = bench->dir,
                                          .map_bytes = BENCH_MAP_BYTES,
                                          .versions = 10,
                                          .clock = &clock_system,
                                          .committed = bench_committed,
                                          .artifact_gone = bench_gone,
                                          .context = bench};
    enum status status = store_open(&options, &report, &store);
    if (status == STATUS_OK && put != NULL)
        status = store_set_certificate(store, put, &report);
    if (status == STATUS_OK && drop != NULL)
        status = store_delete_certificate(store, bytes_make(NULL, 0), bytes_of_text(drop), &report);
    if (status != STATUS_OK)
        print_error("%s: %s\n", status_text(status), report.text);
    store_close(store);
    return (int)status;
}

/* In control's place, which is another process: LMDB is opened once in each. */
static void bench_change(struct bench *bench, const struct store_certificate *put, const char *drop)
{
    char dir[128];
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    (void)snprintf(dir, sizeof(dir), "%s/store", bench->dir);
    if (pid == 0)
        _exit(bench_control(bench, dir, put, drop));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const char *bench_path(const struct bench *bench, const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", bench->dir, name);
    return path;
}

void bench_init(struct bench *bench)
{
    struct report report = REPORT_INIT;
    *bench = (struct bench){.generation = calloc(1, sizeof(*bench->generation))};
    (void)snprintf(bench->dir, sizeof(bench->dir), "/tmp/skerry-tls-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    assert_int_equal(mkdir(bench_path(bench, "store"), 0700), 0);
    assert_int_equal(generation_create(bench->dir, &report, bench->generation), STATUS_OK);
    bench_change(bench, NULL, NULL);
    assert_int_equal(
        deploy_catalog_open(bench->dir, BENCH_MAP_BYTES, &bench->reading, &report, &bench->catalog),
        STATUS_OK);
}

void bench_done(struct bench *bench)
{
    static const char *const names[] = {"store/data.mdb", "store/lock.mdb", "store/ballast",
                                        "store",          "generation",     "blobs"};
    tls_free(bench->tls);
    deploy_catalog_close(bench->catalog);
    generation_close(bench->generation);
    free(bench->generation);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)remove(bench_path(bench, names[i]));
    assert_int_equal(rmdir(bench->dir), 0);
    for (uint32_t i = 0; i < bench->key_count; i++)
        pem_free(&bench->keys[i]);
}

const struct pem *
bench_add(struct bench *bench, const char *host, const char *type, const char *names)
{
    struct certificate certificate;
    struct report report = REPORT_INIT;
    uint8_t ocsp[4096];
    assert_true(bench->key_count < BENCH_KEYS);
    struct pem *pem = &bench->keys[bench->key_count++];
    pem_make(pem, type, names, 30, NULL);
    assert_int_equal(certificate_read(bytes_of_text(pem->text), 0, &report, &certificate),
                     STATUS_OK);
    const struct pem_staple staple = {
        .of = pem, .issuer = pem, .signer = pem, .until_s = PEM_DAY_S};
    size_t ocsp_count = pem_staple(&staple, ocsp, sizeof(ocsp));
    struct store_certificate stored = {.host = bytes_of_text(host),
                                       .chain = buffer_bytes(&certificate.chain),
                                       .ocsp = bytes_make(ocsp, ocsp_count)};
    memcpy(stored.record.key, certificate.key, sizeof(stored.record.key));
    bench_change(bench, &stored, NULL);
    certificate_done(&certificate);
    return pem;
}

void bench_remove(struct bench *bench, const char *host)
{
    bench_change(bench, NULL, host);
}

static EVP_PKEY *bench_find(const struct bench *bench, const uint8_t key[TLS_KEY_DIGEST_BYTES])
{
    uint8_t digest[TLS_KEY_DIGEST_BYTES];
    for (uint32_t i = 0; i < bench->key_count; i++) {
        assert_true(certificate_key_digest(bench->keys[i].certificate, digest));
        if (memcmp(digest, key, sizeof(digest)) == 0)
            return bench->keys[i].key;
    }
    return NULL;
}

bool bench_sign(void *context,
                const uint8_t key[TLS_KEY_DIGEST_BYTES],
                uint32_t scheme,
                struct bytes message,
                uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                size_t *ret_count)
{
    struct bench *bench = context;
    static const struct {
        uint32_t number;
        const char *type;
        const char *digest;
        bool is_pss;
    } schemes[] = {
#define SCHEME(NAME, number, type, digest, is_pss) {number, type, digest, is_pss},
#include "server/channel/tls_schemes.def"
    };
    EVP_PKEY *private = bench_find(bench, key);
    size_t at = 0;
    while (at < COUNT_OF(schemes) && schemes[at].number != scheme)
        at++;
    assert_true(private != NULL && at < COUNT_OF(schemes));
    assert_true(tls_is_handshake(message.data, message.count));
    assert_int_equal(EVP_PKEY_is_a(private, schemes[at].type), 1);
    bench->signatures++;
    if (bench->refuses)
        return false;
    EVP_PKEY_CTX *of = NULL;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    *ret_count = TLS_SIGNATURE_BYTES_MAX;
    assert_int_equal(
        EVP_DigestSignInit_ex(digest, &of, schemes[at].digest, NULL, NULL, private, NULL), 1);
    if (schemes[at].is_pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(of, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(of, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_DigestSign(digest, ret_signature, ret_count, message.data, message.count),
                     1);
    EVP_MD_CTX_free(digest);
    return true;
}

void bench_serve(struct bench *bench)
{
    struct report report = REPORT_INIT;
    const struct peers_loop loop = {0};
    peers_init(&bench->peers, &loop);
    const struct tls_options options = {.config = &bench->config,
                                        .clock = &clock_system,
                                        .metrics = &bench->metrics,
                                        .catalog = bench->catalog,
                                        .peers = &bench->peers};
    assert_int_equal(tls_create(&options, &report, &bench->tls), STATUS_OK);
    bench->tls->signing.signer = (struct remote_signer){.sign = bench_sign, .context = bench};
}
