/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider for OpenSSL 3 [provider-keymgmt(7), provider-signature(7)], as small as libssl lets it
 * be: keys of three types, made from a pointer to what they are, and signatures in one call. All
 * that is asked of a key is answered by its public half, which is the default provider's; a private
 * half is exported to nobody, so that OpenSSL comes here to sign.
 */
#include "server/tls/remote_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "engine/base/macros.h"

#define REMOTE_PROVIDER   "skerry"
#define REMOTE_PROPERTIES "provider=skerry"
#define REMOTE_PARAMETER  "skerry-key"
#define REMOTE_NAME_BYTES 16

/* What a provider's key is made from. */
struct remote_origin {
    const struct remote_signer *signer;
    EVP_PKEY *public;
    const uint8_t *key;
};

struct remote_key {
    const struct remote_signer *signer;
    EVP_PKEY *public; /* a reference */
    uint8_t key[TLS_KEY_DIGEST_BYTES];
};

/* One signature. */
struct remote_signature {
    const struct remote_key *key; /* borrowed: the EVP_PKEY lives as long */
    char digest[REMOTE_NAME_BYTES];
    bool is_pss;
};

static const struct {
    uint32_t number;
    const char *type;
    const char *digest;
    bool is_pss;
} remote_schemes[] = {
#define SCHEME(NAME, number, type, digest, is_pss) {number, type, digest, is_pss},
#include "server/channel/tls_schemes.def"
};

/* A function as the core takes it: whoever calls it knows its type. */
#define REMOTE_FUNCTION(id, function)                                                              \
    {                                                                                              \
        id, (void (*)(void))(function)                                                             \
    }

/* ---- keys ------------------------------------------------------------------------------------ */

static void *remote_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct remote_key));
}

static void remote_free(void *data)
{
    struct remote_key *key = data;
    if (key != NULL)
        EVP_PKEY_free(key->public);
    free(key);
}

static int remote_has(const void *data, int selection)
{
    (void)selection;
    const struct remote_key *key = data;
    return key != NULL && key->public != NULL;
}

static int remote_import(void *data, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    struct remote_key *key = data;
    const OSSL_PARAM *found = OSSL_PARAM_locate_const(params, REMOTE_PARAMETER);
    const struct remote_origin *origin;
    if (found == NULL || found->data_type != OSSL_PARAM_OCTET_STRING ||
        found->data_size != sizeof(origin))
        return 0;
    memcpy(&origin, found->data, sizeof(origin));
    if (EVP_PKEY_up_ref(origin->public) != 1)
        return 0;
    key->signer = origin->signer;
    key->public = origin->public;
    memcpy(key->key, origin->key, sizeof(key->key));
    return 1;
}

static const OSSL_PARAM *remote_import_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(REMOTE_PARAMETER, NULL, 0),
                                       OSSL_PARAM_END};
    (void)selection;
    return types;
}

/* Of the public half only. */
static int remote_export(void *data, int selection, OSSL_CALLBACK *take, void *context)
{
    const struct remote_key *key = data;
    OSSL_PARAM *params = NULL;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
        EVP_PKEY_todata(key->public, selection, &params) != 1)
        return 0;
    int taken = take(params, context);
    OSSL_PARAM_free(params);
    return taken;
}

static const OSSL_PARAM *remote_export_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                       OSSL_PARAM_END};
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : types;
}

static int remote_get_params(void *data, OSSL_PARAM params[])
{
    const struct remote_key *key = data;
    /* It has no more to say of some of them than that it does not know them. */
    (void)ERR_set_mark();
    (void)EVP_PKEY_get_params(key->public, params);
    (void)ERR_pop_to_mark();
    return 1;
}

static const OSSL_PARAM *remote_gettable_params(void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_END};
    (void)provider;
    return types;
}

static const char *remote_ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define REMOTE_KEY_FUNCTIONS                                                                       \
    REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_NEW, remote_new),                                            \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_FREE, remote_free),                                      \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_HAS, remote_has),                                        \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, remote_import),                                  \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, remote_import_types),                      \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, remote_export),                                  \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, remote_export_types),                      \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, remote_get_params),                          \
        REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, remote_gettable_params)

static const OSSL_DISPATCH remote_key_functions[] = {REMOTE_KEY_FUNCTIONS, {0, NULL}};
static const OSSL_DISPATCH remote_ec_key_functions[] = {
    REMOTE_KEY_FUNCTIONS,
    REMOTE_FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, remote_ec_operation),
    {0, NULL}};

/* ---- signatures ------------------------------------------------------------------------------ */

static void *remote_signature_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return calloc(1, sizeof(struct remote_signature));
}

static void *remote_signature_copy(void *data)
{
    struct remote_signature *copy = malloc(sizeof(*copy));
    if (copy != NULL)
        memcpy(copy, data, sizeof(*copy));
    return copy;
}

static int remote_signature_set(void *data, const OSSL_PARAM params[])
{
    struct remote_signature *signature = data;
    const OSSL_PARAM *mode =
        params == NULL ? NULL : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    int number = 0;
    if (mode == NULL)
        return 1;
    if (mode->data_type == OSSL_PARAM_UTF8_STRING)
        signature->is_pss = strcmp(mode->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
    else
        signature->is_pss =
            OSSL_PARAM_get_int(mode, &number) == 1 && number == RSA_PKCS1_PSS_PADDING;
    return 1;
}

static const OSSL_PARAM *remote_signature_settable(void *data, void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0), OSSL_PARAM_END};
    (void)data;
    (void)provider;
    return types;
}

static int
remote_signature_begin(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct remote_signature *signature = data;
    size_t count = digest == NULL ? 0 : strlen(digest);
    if (key != NULL)
        signature->key = key;
    if (signature->key == NULL || count >= sizeof(signature->digest))
        return 0;
    if (count > 0)
        memcpy(signature->digest, digest, count);
    signature->digest[count] = '\0';
    return remote_signature_set(signature, params);
}

/* "SHA256" and "SHA2-256" are the same. */
static bool remote_is_digest(const char *known, const char *name)
{
    if (known == NULL || name[0] == '\0')
        return known == NULL && name[0] == '\0';
    EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
    bool is = digest != NULL && EVP_MD_is_a(digest, known) == 1;
    EVP_MD_free(digest);
    return is;
}

/* 0: there is none. */
static uint32_t remote_scheme(const struct remote_signature *signature)
{
    for (size_t i = 0; i < COUNT_OF(remote_schemes); i++) {
        if (remote_schemes[i].is_pss == signature->is_pss &&
            EVP_PKEY_is_a(signature->key->public, remote_schemes[i].type) == 1 &&
            remote_is_digest(remote_schemes[i].digest, signature->digest))
            return remote_schemes[i].number;
    }
    return 0;
}

static int remote_sign(void *data,
                       unsigned char *ret_signature,
                       size_t *ret_count,
                       size_t room,
                       const unsigned char *message,
                       size_t message_count)
{
    const struct remote_signature *signature = data;
    const struct remote_key *key = signature->key;
    uint8_t made[TLS_SIGNATURE_BYTES_MAX];
    size_t count = 0;
    if (ret_signature == NULL) {
        *ret_count = (size_t)EVP_PKEY_get_size(key->public);
        return 1;
    }
    uint32_t scheme = remote_scheme(signature);
    if (scheme == 0 || message_count == 0 || message_count > TLS_SIGNED_BYTES_MAX ||
        !key->signer->sign(key->signer->context, key->key, scheme,
                           bytes_make(message, message_count), made, &count) ||
        count > room)
        return 0;
    memcpy(ret_signature, made, count);
    *ret_count = count;
    return 1;
}

static const OSSL_DISPATCH remote_signature_functions[] = {
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, remote_signature_new),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, free),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, remote_signature_copy),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, remote_signature_begin),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, remote_sign),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, remote_signature_set),
    REMOTE_FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, remote_signature_settable),
    {0, NULL}};

/* ---- the provider ---------------------------------------------------------------------------- */

static const OSSL_ALGORITHM *remote_query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM keys[] = {
        {"RSA:rsaEncryption", REMOTE_PROPERTIES, remote_key_functions, NULL},
        {"EC:id-ecPublicKey", REMOTE_PROPERTIES, remote_ec_key_functions, NULL},
        {"ED25519", REMOTE_PROPERTIES, remote_key_functions, NULL},
        {NULL, NULL, NULL, NULL}};
    static const OSSL_ALGORITHM signatures[] = {
        {"RSA:rsaEncryption", REMOTE_PROPERTIES, remote_signature_functions, NULL},
        {"ECDSA", REMOTE_PROPERTIES, remote_signature_functions, NULL},
        {"ED25519", REMOTE_PROPERTIES, remote_signature_functions, NULL},
        {NULL, NULL, NULL, NULL}};
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int remote_provider_init(const OSSL_CORE_HANDLE *handle,
                                const OSSL_DISPATCH *in,
                                const OSSL_DISPATCH **ret_out,
                                void **ret_provider)
{
    static const OSSL_DISPATCH functions[] = {
        REMOTE_FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, remote_query), {0, NULL}};
    (void)in;
    *ret_out = functions;
    *ret_provider = (void *)(uintptr_t)handle;
    return 1;
}

/* Loaded once, for as long as the process lives. */
static const OSSL_PROVIDER *remote_default;
static const OSSL_PROVIDER *remote_ours;

enum status remote_key_init(struct report *report)
{
    /* One that is loaded by name would else be the only one. */
    if (remote_default != NULL && remote_ours != NULL)
        return STATUS_OK;
    remote_default = OSSL_PROVIDER_load(NULL, "default");
    if (OSSL_PROVIDER_add_builtin(NULL, REMOTE_PROVIDER, remote_provider_init) == 1)
        remote_ours = OSSL_PROVIDER_load(NULL, REMOTE_PROVIDER);
    if (remote_default == NULL || remote_ours == NULL)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "OpenSSL does not take a provider for keys that are elsewhere");
    return STATUS_OK;
}

EVP_PKEY *remote_key_make(const struct remote_signer *signer,
                          EVP_PKEY *public,
                          const uint8_t key[TLS_KEY_DIGEST_BYTES])
{
    const struct remote_origin origin = {.signer = signer, .public = public, .key = key};
    const struct remote_origin *at = &origin;
    EVP_PKEY *made = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(REMOTE_PARAMETER, &at, sizeof(at)),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, EVP_PKEY_get0_type_name(public), REMOTE_PROPERTIES);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params) != 1)
        made = NULL;
    EVP_PKEY_CTX_free(context);
    return made;
}
