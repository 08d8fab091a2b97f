/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in pairs: read, taken apart, put together and made. An answer is a list: DER, algorithm,
 * then the parts that a JWK has, big-endian and in their full width:
 *
 *   RSA      n, e; private also d, p, q, dp, dq, qi
 *   P-...    x, y; private also d
 *   Ed..., X...   x; private also d
 *
 * What a stranger's key may cost is bounded here: by bits of RSA's modulus, exponents and factors.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "hostapi/crypto/crypto_private.h"

#define KEYS_PARTS_MAX   8
#define KEYS_FIELD_MAX   66 /* bytes of a coordinate of P-521 */
#define KEYS_RAW_MAX     57 /* bytes of a key of Ed448 */
#define KEYS_NUMBER_MAX  (CRYPTO_RSA_BITS_MAX / 8)
#define KEYS_FIRST_PART  2 /* of KEY_MAKE's arguments */
#define KEYS_FACTOR_SLOP 8 /* bits that one of RSA's factors may have more than half */

/* In the order of their parts; a public key has the first two. */
static const char *const keys_rsa_parts[KEYS_PARTS_MAX] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

bool crypto_key_is(const EVP_PKEY *key, const struct crypto_key_kind *kind)
{
    char curve[32] = "";
    if (EVP_PKEY_get_base_id(key) != kind->type)
        return false;
    return kind->curve[0] == '\0' ||
           (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve),
                                           NULL) == 1 &&
            strcmp(curve, kind->curve) == 0);
}

static const struct crypto_key_kind *keys_kind(const EVP_PKEY *key)
{
    static const char *const names[] = {"P-256",  "P-384", "P-521", "Ed25519",
                                        "X25519", "Ed448", "X448",  "RSA"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct crypto_key_kind *kind = crypto_key_kind(bytes_of_text(names[i]));
        if (crypto_key_is(key, kind))
            return kind;
    }
    return NULL;
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Bits of one of RSA's numbers; 0: it is not there. */
static int keys_rsa_bits(const EVP_PKEY *key, uint32_t part)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key, keys_rsa_parts[part], &number) != 1)
        return 0;
    int bits = BN_num_bits(number);
    BN_clear_free(number);
    return bits;
}

static bool keys_rsa_is_bounded(const EVP_PKEY *key, bool is_private)
{
    int bits = keys_rsa_bits(key, 0);
    int bits_max = is_private ? CRYPTO_RSA_PRIVATE_BITS_MAX : CRYPTO_RSA_BITS_MAX;
    if (bits < CRYPTO_RSA_BITS_MIN || bits > bits_max ||
        keys_rsa_bits(key, 1) > CRYPTO_RSA_EXPONENT_BITS_MAX)
        return false;
    if (!is_private)
        return true;
    if (keys_rsa_bits(key, 2) > bits)
        return false;
    for (uint32_t part = 3; part < KEYS_PARTS_MAX; part++) {
        int found = keys_rsa_bits(key, part);
        if (found == 0 || found > bits / 2 + KEYS_FACTOR_SLOP)
            return false;
    }
    return true;
}

static bool keys_are_good(const EVP_PKEY *key, bool is_private)
{
    const struct crypto_key_kind *kind = keys_kind(key);
    return kind != NULL && (kind->type != EVP_PKEY_RSA || keys_rsa_is_bounded(key, is_private));
}

/* What EVP_PKCS82PKEY does, which tries the decoders of all types: that takes three times as long
 * as those of the type that the key says it is of. Moves `*at` behind it. */
static EVP_PKEY *keys_open_private(struct bytes der, const uint8_t **at)
{
    char type[64];
    const ASN1_OBJECT *name = NULL;
    EVP_PKEY *key = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, at, (long)der.count);
    if (info == NULL)
        return NULL;
    int count = PKCS8_pkey_get0(&name, NULL, NULL, NULL, info) != 1
                    ? 0
                    : OBJ_obj2txt(type, sizeof(type), name, 1);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (count <= 0 || count >= (int)sizeof(type))
        return NULL;
    const uint8_t *data = der.data;
    size_t left = der.count;
    OSSL_DECODER_CTX *context = OSSL_DECODER_CTX_new_for_pkey(&key, "DER", "PrivateKeyInfo", type,
                                                              EVP_PKEY_KEYPAIR, NULL, NULL);
    if (context != NULL && OSSL_DECODER_from_data(context, &data, &left) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    OSSL_DECODER_CTX_free(context);
    return key;
}

EVP_PKEY *crypto_key_open(struct bytes der, bool is_private)
{
    const uint8_t *at = der.data;
    if (der.count == 0 || der.count > CRYPTO_DER_MAX)
        return NULL;
    EVP_PKEY *key =
        is_private ? keys_open_private(der, &at) : d2i_PUBKEY(NULL, &at, (long)der.count);
    if (key != NULL && at == der.data + der.count && keys_are_good(key, is_private))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* A number in `width` bytes, or in as many as it needs if that is 0. */
static enum status
keys_give_number(struct crypto_call *call, const EVP_PKEY *key, const char *name, int width)
{
    uint8_t bytes[KEYS_NUMBER_MAX];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
        return STATUS_INVALID;
    if (width == 0)
        width = BN_num_bytes(number);
    int count = width > KEYS_NUMBER_MAX ? -1 : BN_bn2binpad(number, bytes, width);
    BN_clear_free(number);
    return count < 0 ? STATUS_INVALID : crypto_give_row(call, bytes, (size_t)count);
}

static enum status keys_give_rsa(struct crypto_call *call, const EVP_PKEY *key, bool is_private)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < (is_private ? KEYS_PARTS_MAX : 2u) && status == STATUS_OK; i++)
        status = keys_give_number(call, key, keys_rsa_parts[i], 0);
    return status;
}

static enum status keys_give_curve(struct crypto_call *call, const EVP_PKEY *key, bool is_private)
{
    int width = (EVP_PKEY_get_bits(key) + 7) / 8;
    enum status status = keys_give_number(call, key, OSSL_PKEY_PARAM_EC_PUB_X, width);
    if (status == STATUS_OK)
        status = keys_give_number(call, key, OSSL_PKEY_PARAM_EC_PUB_Y, width);
    if (status == STATUS_OK && is_private)
        status = keys_give_number(call, key, OSSL_PKEY_PARAM_PRIV_KEY, width);
    return status;
}

static enum status keys_give_raw(struct crypto_call *call, const EVP_PKEY *key, bool is_private)
{
    uint8_t bytes[KEYS_RAW_MAX];
    size_t count = sizeof(bytes);
    if (EVP_PKEY_get_raw_public_key(key, bytes, &count) != 1)
        return STATUS_INVALID;
    enum status status = crypto_give_row(call, bytes, count);
    count = sizeof(bytes);
    if (status != STATUS_OK || !is_private)
        return status;
    if (EVP_PKEY_get_raw_private_key(key, bytes, &count) != 1)
        return STATUS_INVALID;
    return crypto_give_row(call, bytes, count);
}

static enum status keys_give_der(struct crypto_call *call, const EVP_PKEY *key, bool is_private)
{
    uint8_t *der = NULL;
    int count;
    if (is_private) {
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        count = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
        PKCS8_PRIV_KEY_INFO_free(info);
    } else {
        count = i2d_PUBKEY(key, &der);
    }
    enum status status = count < 0 ? STATUS_INVALID : crypto_give_row(call, der, (size_t)count);
    OPENSSL_clear_free(der, count < 0 ? 0 : (size_t)count);
    return status;
}

static enum status keys_give(struct crypto_call *call, const EVP_PKEY *key, bool is_private)
{
    const struct crypto_key_kind *kind = keys_kind(key);
    enum status status = keys_give_der(call, key, is_private);
    if (status == STATUS_OK)
        status = crypto_give_row(call, kind->text, strlen(kind->text));
    if (status != STATUS_OK)
        return status;
    return kind->type == EVP_PKEY_RSA  ? keys_give_rsa(call, key, is_private)
           : kind->type == EVP_PKEY_EC ? keys_give_curve(call, key, is_private)
                                       : keys_give_raw(call, key, is_private);
}

/* ---- operations ------------------------------------------------------------------------------ */

enum status crypto_key_read(struct crypto_call *call)
{
    bool is_private = bytes_equal_text(call->arguments[0], "1");
    EVP_PKEY *key = crypto_key_open(call->arguments[1], is_private);
    enum status status = key == NULL ? STATUS_INVALID : keys_give(call, key, is_private);
    EVP_PKEY_free(key);
    return status;
}

/* A number that the builder of parameters points to until it is used. */
static bool
keys_put_number(OSSL_PARAM_BLD *build, BIGNUM **slot, const char *name, struct bytes bytes)
{
    if (bytes.count == 0 || bytes.count > KEYS_NUMBER_MAX)
        return false;
    *slot = BN_bin2bn(bytes.data, (int)bytes.count, NULL);
    return *slot != NULL && OSSL_PARAM_BLD_push_BN(build, name, *slot) == 1;
}

static EVP_PKEY *keys_build(OSSL_PARAM_BLD *build, const char *name, bool is_private)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *keys_make_rsa(const struct bytes *parts, bool is_private)
{
    BIGNUM *numbers[KEYS_PARTS_MAX] = {NULL};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool good = build != NULL;
    for (uint32_t i = 0; i < (is_private ? KEYS_PARTS_MAX : 2u) && good; i++)
        good = keys_put_number(build, &numbers[i], keys_rsa_parts[i], parts[i]);
    EVP_PKEY *key = good ? keys_build(build, "RSA", is_private) : NULL;
    for (uint32_t i = 0; i < KEYS_PARTS_MAX; i++)
        BN_clear_free(numbers[i]);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *keys_make_curve(const struct bytes *parts, const char *curve, bool is_private)
{
    uint8_t point[1 + 2 * KEYS_FIELD_MAX] = {4};
    size_t width = parts[0].count;
    BIGNUM *number = NULL;
    if (width == 0 || width > KEYS_FIELD_MAX || parts[1].count != width)
        return NULL;
    memcpy(point + 1, parts[0].data, width);
    memcpy(point + 1 + width, parts[1].data, width);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool good =
        build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * width) == 1;
    if (good && is_private)
        good = keys_put_number(build, &number, OSSL_PKEY_PARAM_PRIV_KEY, parts[2]);
    EVP_PKEY *key = good ? keys_build(build, "EC", is_private) : NULL;
    BN_clear_free(number);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* The public part is what the private one says, or it is refused. */
static EVP_PKEY *keys_make_raw(const struct bytes *parts, int type, bool is_private)
{
    uint8_t found[KEYS_RAW_MAX];
    size_t count = sizeof(found);
    EVP_PKEY *key = is_private
                        ? EVP_PKEY_new_raw_private_key(type, NULL, parts[1].data, parts[1].count)
                        : EVP_PKEY_new_raw_public_key(type, NULL, parts[0].data, parts[0].count);
    if (key == NULL || !is_private || parts[0].count == 0)
        return key;
    if (EVP_PKEY_get_raw_public_key(key, found, &count) == 1 &&
        bytes_equal(bytes_make(found, count), parts[0]))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* Of the kind, with a public part that is a point of its curve, and of this private part. */
static bool keys_fit(EVP_PKEY *key, const struct crypto_key_kind *kind, bool is_private)
{
    if (!crypto_key_is(key, kind) || !keys_are_good(key, is_private))
        return false;
    if (kind->type != EVP_PKEY_EC || !is_private)
        return true;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = context != NULL && EVP_PKEY_pairwise_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

enum status crypto_key_make(struct crypto_call *call)
{
    const struct crypto_key_kind *kind = crypto_key_kind(call->arguments[0]);
    bool is_private = bytes_equal_text(call->arguments[1], "1");
    const struct bytes *parts = call->arguments + KEYS_FIRST_PART;
    if (kind == NULL)
        return STATUS_UNSUPPORTED;
    EVP_PKEY *key = kind->type == EVP_PKEY_RSA  ? keys_make_rsa(parts, is_private)
                    : kind->type == EVP_PKEY_EC ? keys_make_curve(parts, kind->curve, is_private)
                                                : keys_make_raw(parts, kind->type, is_private);
    enum status status = key == NULL || !keys_fit(key, kind, is_private)
                             ? STATUS_INVALID
                             : keys_give(call, key, is_private);
    EVP_PKEY_free(key);
    return status;
}

/* RSA's would take a tenth of a second. */
enum status crypto_key_generate(struct crypto_call *call)
{
    const struct crypto_key_kind *kind = crypto_key_kind(call->arguments[0]);
    if (kind == NULL || kind->type == EVP_PKEY_RSA)
        return STATUS_UNSUPPORTED;
    EVP_PKEY *key = kind->type == EVP_PKEY_EC ? EVP_EC_gen(kind->curve)
                                              : EVP_PKEY_Q_keygen(NULL, NULL, kind->text);
    enum status status = key == NULL ? STATUS_NO_MEMORY : keys_give(call, key, true);
    EVP_PKEY_free(key);
    return status;
}
