/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with keys in pairs. RSA and ECDSA sign a digest, Ed25519 and Ed448 what was said
 * itself. An ECDSA signature is r and s side by side, as WebCrypto has it, and not DER.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "hostapi/crypto/crypto_private.h"

#define SIGN_BYTES_MAX (CRYPTO_RSA_BITS_MAX / 8)
#define SIGN_SALT_MAX  512
#define SIGN_PURE_MAX  114 /* bytes of a signature of Ed448 */

/* What SIGN and VERIFY have in common. */
struct sign_order {
    const struct crypto_key_kind *kind;
    const EVP_MD *hash; /* NULL: the algorithm has its own */
    EVP_PKEY *key;      /* owned */
    struct bytes data;
    uint32_t salt_bytes;
};

/* Has it a hash of its own, so that data is signed and no digest? */
static bool sign_is_pure(const struct crypto_key_kind *kind)
{
    return kind->type == EVP_PKEY_ED25519 || kind->type == EVP_PKEY_ED448;
}

static bool sign_only_derives(const struct crypto_key_kind *kind)
{
    return kind->type == EVP_PKEY_X25519 || kind->type == EVP_PKEY_X448;
}

static enum status
sign_take(const struct crypto_call *call, bool is_private, struct sign_order *order)
{
    *order = (struct sign_order){.kind = crypto_key_kind(call->arguments[0]),
                                 .hash = crypto_hash(call->arguments[1]),
                                 .data = call->arguments[3]};
    struct bytes salt = call->arguments[4];
    if (order->kind == NULL || sign_only_derives(order->kind))
        return STATUS_UNSUPPORTED;
    bool is_pure = sign_is_pure(order->kind);
    if (!is_pure &&
        (order->hash == NULL || order->data.count != (size_t)EVP_MD_get_size(order->hash)))
        return STATUS_INVALID;
    if (salt.count > 0 && !crypto_number(salt, SIGN_SALT_MAX, &order->salt_bytes))
        return STATUS_INVALID;
    order->key = crypto_key_open(call->arguments[2], is_private);
    bool good = order->key != NULL && crypto_key_is(order->key, order->kind);
    return good ? STATUS_OK : STATUS_INVALID;
}

/* For EVP_PKEY_sign or _verify, after their init. */
static bool sign_prepare(EVP_PKEY_CTX *context, const struct sign_order *order)
{
    if (EVP_PKEY_CTX_set_signature_md(context, order->hash) != 1)
        return false;
    if (order->kind->type != EVP_PKEY_RSA)
        return true;
    if (strcmp(order->kind->text, "RSA-PSS") != 0)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)order->salt_bytes) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, order->hash) == 1;
}

/* DER to r and s, each as wide as the curve's field. */
static enum status sign_give_pair(struct crypto_call *call, const EVP_PKEY *key, struct bytes der)
{
    uint8_t bytes[SIGN_BYTES_MAX];
    int width = (EVP_PKEY_get_bits(key) + 7) / 8;
    const uint8_t *at = der.data;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.count);
    bool good = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, width) == width &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + width, width) == width;
    ECDSA_SIG_free(pair);
    return good ? crypto_give(call, bytes, 2 * (size_t)width) : STATUS_INVALID;
}

/* r and s to DER, which is OPENSSL_free's; 0: they are none. */
static int sign_pair_to_der(const EVP_PKEY *key, struct bytes pair, uint8_t **ret_der)
{
    int width = (EVP_PKEY_get_bits(key) + 7) / 8;
    if (pair.count != 2 * (size_t)width)
        return 0;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair.data, width, NULL);
    BIGNUM *s = BN_bin2bn(pair.data + width, width, NULL);
    int count = 0;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = NULL;
        s = NULL;
        count = i2d_ECDSA_SIG(signature, ret_der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return MAX(count, 0);
}

static enum status sign_pure(struct crypto_call *call, const struct sign_order *order)
{
    uint8_t bytes[SIGN_PURE_MAX];
    size_t count = sizeof(bytes);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, order->key) == 1 &&
                EVP_DigestSign(context, bytes, &count, order->data.data, order->data.count) == 1;
    EVP_MD_CTX_free(context);
    return good ? crypto_give(call, bytes, count) : STATUS_INVALID;
}

static enum status sign_digest(struct crypto_call *call, const struct sign_order *order)
{
    uint8_t bytes[SIGN_BYTES_MAX];
    size_t count = sizeof(bytes);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, order->key, NULL);
    bool good = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
                sign_prepare(context, order) &&
                EVP_PKEY_sign(context, bytes, &count, order->data.data, order->data.count) == 1;
    EVP_PKEY_CTX_free(context);
    if (!good)
        return STATUS_INVALID;
    return order->kind->type == EVP_PKEY_EC
               ? sign_give_pair(call, order->key, bytes_make(bytes, count))
               : crypto_give(call, bytes, count);
}

enum status crypto_sign(struct crypto_call *call)
{
    struct sign_order order;
    enum status status = sign_take(call, true, &order);
    if (status == STATUS_OK)
        status = sign_is_pure(order.kind) ? sign_pure(call, &order) : sign_digest(call, &order);
    EVP_PKEY_free(order.key);
    return status;
}

static bool verify_pure(const struct sign_order *order, struct bytes signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL &&
                EVP_DigestVerifyInit(context, NULL, NULL, NULL, order->key) == 1 &&
                EVP_DigestVerify(context, signature.data, signature.count, order->data.data,
                                 order->data.count) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool verify_digest(const struct sign_order *order, struct bytes signature)
{
    uint8_t *der = NULL;
    if (order->kind->type == EVP_PKEY_EC)
        signature.count = (size_t)sign_pair_to_der(order->key, signature, &der);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, order->key, NULL);
    bool good = signature.count > 0 && context != NULL && EVP_PKEY_verify_init(context) == 1 &&
                sign_prepare(context, order) &&
                EVP_PKEY_verify(context, der == NULL ? signature.data : der, signature.count,
                                order->data.data, order->data.count) == 1;
    EVP_PKEY_CTX_free(context);
    OPENSSL_free(der);
    return good;
}

/* One byte: 1 if the signature is good. */
enum status crypto_verify(struct crypto_call *call)
{
    struct sign_order order;
    struct bytes signature = call->arguments[5];
    enum status status = sign_take(call, false, &order);
    if (status == STATUS_OK) {
        uint8_t is_good = sign_is_pure(order.kind) ? verify_pure(&order, signature)
                                                   : verify_digest(&order, signature);
        status = crypto_give(call, &is_good, 1);
    }
    EVP_PKEY_free(order.key);
    return status;
}

/* ---- what two keys have in common ------------------------------------------------------------ */

/* A point of one of the curves, of which all have a prime order: that it is one is all there is to
 * check. The usual way multiplies it by the order as well, which takes longer than what is asked
 * for. */
static bool sign_set_peer(EVP_PKEY_CTX *context, EVP_PKEY *peer, const struct crypto_key_kind *kind)
{
    if (kind->type != EVP_PKEY_EC)
        return EVP_PKEY_derive_set_peer(context, peer) == 1;
    EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    bool good = check != NULL && EVP_PKEY_public_check_quick(check) == 1 &&
                EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1;
    EVP_PKEY_CTX_free(check);
    return good;
}

enum status crypto_derive(struct crypto_call *call)
{
    const struct crypto_key_kind *kind = crypto_key_kind(call->arguments[0]);
    uint8_t bytes[80];
    size_t count = sizeof(bytes);
    if (kind == NULL || kind->type == EVP_PKEY_RSA || sign_is_pure(kind))
        return STATUS_UNSUPPORTED;
    EVP_PKEY *mine = crypto_key_open(call->arguments[1], true);
    EVP_PKEY *theirs = crypto_key_open(call->arguments[2], false);
    bool good =
        mine != NULL && theirs != NULL && crypto_key_is(mine, kind) && crypto_key_is(theirs, kind);
    EVP_PKEY_CTX *context = good ? EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL) : NULL;
    good = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
           sign_set_peer(context, theirs, kind) && EVP_PKEY_derive(context, bytes, &count) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    enum status status = good ? crypto_give(call, bytes, count) : STATUS_INVALID;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return status;
}

/* ---- RSA-OAEP -------------------------------------------------------------------------------- */

static bool oaep_prepare(EVP_PKEY_CTX *context, const EVP_MD *hash, struct bytes label)
{
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) != 1)
        return false;
    if (label.count == 0)
        return true;
    uint8_t *copy = OPENSSL_memdup(label.data, label.count); /* the context's, once it has it */
    if (copy != NULL && EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, (int)label.count) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

static enum status oaep_run(struct crypto_call *call, bool decrypts)
{
    const EVP_MD *hash = crypto_hash(call->arguments[0]);
    struct bytes data = call->arguments[2];
    uint8_t bytes[SIGN_BYTES_MAX];
    size_t count = sizeof(bytes);
    if (hash == NULL)
        return STATUS_UNSUPPORTED;
    EVP_PKEY *key = crypto_key_open(call->arguments[1], decrypts);
    EVP_PKEY_CTX *context = key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA
                                ? NULL
                                : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = context != NULL &&
                (decrypts ? EVP_PKEY_decrypt_init(context) : EVP_PKEY_encrypt_init(context)) == 1 &&
                oaep_prepare(context, hash, call->arguments[3]) &&
                (decrypts ? EVP_PKEY_decrypt(context, bytes, &count, data.data, data.count)
                          : EVP_PKEY_encrypt(context, bytes, &count, data.data, data.count)) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    enum status status = good ? crypto_give(call, bytes, count) : STATUS_DENIED;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return status;
}

enum status crypto_encrypt(struct crypto_call *call)
{
    return oaep_run(call, false);
}

enum status crypto_decrypt(struct crypto_call *call)
{
    return oaep_run(call, true);
}
