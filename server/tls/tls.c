/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context's settings and callbacks.
 */
#include "server/tls/tls.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "deploy/certs/certificate.h"
#include "deploy/certs/tls_floor.h"
#include "server/telemetry/log.h"
#include "server/tls/hello.h"

#define TLS_SESSION_S       14400 /* two of control's rotations are longer */
#define TLS_CHAIN_BYTES_MAX 16384 /* of a message: clients have no certificates to send */

/* What a connection's host is, kept with its SSL. */
struct tls_host {
    bool proves; /* it is a certifying server that wants to see the proof of an order */
    size_t count;
    char name[CONFIG_DOMAIN_BYTES];
};

static struct tls *tls_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* ---- hosts ----------------------------------------------------------------------------------- */

struct bytes tls_host(const SSL *ssl)
{
    const struct tls_host *host = SSL_get_ex_data(ssl, tls_of(ssl)->host_index);
    /* Who came for a proof gets nothing else. */
    return host == NULL || host->proves ? bytes_make(NULL, 0) : bytes_make(host->name, host->count);
}

static void
tls_free_host(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *context)
{
    (void)parent;
    (void)all;
    (void)index;
    (void)number;
    (void)context;
    free(data);
}

/* Empty: the client sent none. */
static struct bytes tls_extension(SSL *ssl, unsigned int type)
{
    const uint8_t *data;
    size_t count;
    return SSL_client_hello_get0_ext(ssl, type, &data, &count) == 1 ? bytes_make(data, count)
                                                                    : bytes_make(NULL, 0);
}

static enum status tls_find(struct tls *tls,
                            const struct tls_host *host,
                            struct report *report,
                            const struct certificates_one **ret_one)
{
    struct bytes name = bytes_make(host->name, host->count);
    return host->proves ? certificates_prove(tls->certificates, name, report, ret_one)
                        : certificates_find(tls->certificates, name, report, ret_one);
}

/* Is there a certificate for it? */
static bool tls_serves(struct tls *tls, struct tls_host *host)
{
    const struct certificates_one *one;
    struct report report = REPORT_INIT;
    host->count = strlen(host->name);
    enum status status = tls_find(tls, host, &report, &one);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_message("error", "certificate_failed", "%s", report.text);
    return status == STATUS_OK;
}

/* Whose connection it is, before any ticket is looked at. */
static int tls_on_hello(SSL *ssl, int *ret_alert, void *context)
{
    struct tls *tls = context;
    uint8_t session[EVP_MAX_MD_SIZE];
    unsigned int session_count = 0;
    struct tls_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return SSL_CLIENT_HELLO_ERROR;
    free(SSL_get_ex_data(ssl, tls->host_index)); /* of a first hello, answered with a retry */
    if (SSL_set_ex_data(ssl, tls->host_index, host) != 1) {
        free(host);
        return SSL_CLIENT_HELLO_ERROR;
    }
    struct bytes name = hello_name(tls_extension(ssl, TLSEXT_TYPE_server_name));
    host->proves =
        hello_proves(tls_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation));
    bool is_host =
        deploy_host_parse(name, host->name) && host->name[0] != '*' && tls_serves(tls, host);
    if (!is_host)
        (void)snprintf(host->name, sizeof(host->name), "%s",
                       host->proves ? "" : tls->config->tls_default_host);
    if (host->name[0] == '\0' || (!is_host && !tls_serves(tls, host))) {
        tls->metrics->tls_unknown_host++;
        *ret_alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (host->proves)
        (void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
    if (EVP_Digest(host->name, host->count, session, &session_count, EVP_sha256(), NULL) != 1 ||
        SSL_set_session_id_context(ssl, session, MIN(session_count, 32U)) != 1)
        return SSL_CLIENT_HELLO_ERROR;
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int tls_on_certificate(SSL *ssl, void *context)
{
    struct tls *tls = context;
    const struct certificates_one *one;
    struct report report = REPORT_INIT;
    const struct tls_host *host = SSL_get_ex_data(ssl, tls->host_index);
    if (host == NULL || tls_find(tls, host, &report, &one) != STATUS_OK ||
        SSL_use_cert_and_key(ssl, one->leaf, one->key, one->chain, 1) != 1)
        return 0;
    if (one->ocsp.count == 0 || one->ocsp_until_s <= clock_realtime_ns(tls->clock) / CLOCK_NS_PER_S)
        return 1;
    uint8_t *copy = OPENSSL_memdup(one->ocsp.data, one->ocsp.count);
    if (copy != NULL)
        (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)one->ocsp.count);
    return 1;
}

static int tls_on_status(SSL *ssl, void *context)
{
    const uint8_t *answer;
    (void)context;
    return SSL_get_tlsext_status_ocsp_resp(ssl, &answer) > 0 ? SSL_TLSEXT_ERR_OK
                                                             : SSL_TLSEXT_ERR_NOACK;
}

bool tls_covers(struct tls *tls, struct bytes of, struct bytes host)
{
    char name[CONFIG_DOMAIN_BYTES];
    const struct certificates_one *one;
    struct report report = REPORT_INIT;
    if (bytes_equal_nocase(of, host))
        return true;
    if (!deploy_host_parse(host, name))
        return false;
    struct bytes plain = bytes_of_text(name);
    return bytes_equal(of, plain) ||
           (certificates_find(tls->certificates, of, &report, &one) == STATUS_OK &&
            certificate_covers(one->names, plain));
}

/* ---- what is spoken -------------------------------------------------------------------------- */

static int tls_on_alpn(SSL *ssl,
                       const unsigned char **ret_name,
                       unsigned char *ret_count,
                       const unsigned char *theirs,
                       unsigned int theirs_count,
                       void *context)
{
    static const unsigned char http[] = "\2h2\10http/1.1";
    const struct tls *tls = context;
    const struct tls_host *host = SSL_get_ex_data(ssl, tls->host_index);
    bool proves = host != NULL && host->proves;
    const unsigned char *ours = proves ? (const unsigned char *)HELLO_PROOF_PROTOCOL : http;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, ret_count, ours,
                              proves ? sizeof(HELLO_PROOF_PROTOCOL) - 1 : sizeof(http) - 1, theirs,
                              theirs_count) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- tickets --------------------------------------------------------------------------------- */

static int tls_set_ticket_key(const struct tls_ticket_key *key,
                              uint8_t *vector,
                              EVP_CIPHER_CTX *cipher,
                              EVP_MAC_CTX *mac,
                              bool seals)
{
    uint8_t mac_key[sizeof(key->mac)];
    char digest[] = "SHA256";
    memcpy(mac_key, key->mac, sizeof(mac_key));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    int set = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, vector, seals) == 1 &&
              EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(mac_key, sizeof(mac_key));
    return set;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) has it: 0: no ticket, or none of ours; 1; 2: good, and
 * to be renewed. */
static int tls_on_ticket(SSL *ssl,
                         unsigned char *name,
                         unsigned char *vector,
                         EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac,
                         int seals)
{
    const struct tls *tls = tls_of(ssl);
    const struct tls_ticket_key *keys = tls->ticket_keys;
    if (tls->ticket_key_count == 0)
        return 0;
    if (seals) {
        memcpy(name, keys[0].name, sizeof(keys[0].name));
        return RAND_bytes(vector, EVP_MAX_IV_LENGTH) == 1 &&
                       tls_set_ticket_key(&keys[0], vector, cipher, mac, true)
                   ? 1
                   : -1;
    }
    for (uint32_t i = 0; i < tls->ticket_key_count; i++) {
        if (memcmp(name, keys[i].name, sizeof(keys[i].name)) != 0)
            continue;
        if (!tls_set_ticket_key(&keys[i], vector, cipher, mac, false))
            return -1;
        return i == 0 ? 1 : 2;
    }
    return 0;
}

static bool tls_on_tickets(void *context, const struct channel_frame *frame)
{
    struct tls *tls = context;
    _Static_assert(sizeof(tls->ticket_keys) == 160, "as messages.def has it");
    memcpy(tls->ticket_keys, frame->payload.data, sizeof(tls->ticket_keys));
    tls->ticket_key_count = TLS_TICKET_KEYS;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool tls_configure(struct tls *tls)
{
    SSL_CTX *context = tls->context;
    (void)SSL_CTX_set_app_data(context, tls);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_timeout(context, TLS_SESSION_S);
    (void)SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_max_cert_list(context, TLS_CHAIN_BYTES_MAX);
    SSL_CTX_set_client_hello_cb(context, tls_on_hello, tls);
    SSL_CTX_set_cert_cb(context, tls_on_certificate, tls);
    (void)SSL_CTX_set_tlsext_status_cb(context, tls_on_status);
    SSL_CTX_set_alpn_select_cb(context, tls_on_alpn, tls);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tls_on_ticket) == 1 &&
           tls_floor_set(context);
}

enum status
tls_create(const struct tls_options *options, struct report *report, struct tls **ret_tls)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    tls->config = options->config;
    tls->metrics = options->metrics;
    tls->clock = options->clock;
    signing_open(&tls->signing, options->peers, options->clock, options->metrics);
    peers_on(options->peers, CHANNEL_MESSAGE_TLS_TICKETS, tls_on_tickets, tls);
    enum status status = remote_key_init(report);
    if (status == STATUS_OK)
        status = certificates_create(options->catalog, &tls->signing.signer, &tls->certificates);
    if (status == STATUS_OK) {
        tls->host_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, tls_free_host);
        tls->context = SSL_CTX_new(TLS_server_method());
        if (tls->host_index < 0 || tls->context == NULL || !tls_configure(tls))
            status = report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                                 "OpenSSL does not take the settings for TLS");
    }
    if (status == STATUS_OK)
        *ret_tls = tls;
    else
        tls_free(tls);
    return status;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    certificates_free(tls->certificates);
    OPENSSL_cleanse(tls->ticket_keys, sizeof(tls->ticket_keys));
    free(tls);
}
