/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: make a key that signs uploads, show its public half, and sign with it. The file is a PEM as
 * other tools have it, mode 0600; one that others can read is not used.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "engine/base/hex.h"
#include "engine/base/io.h"

#define CLI_KEY_BYTES_MAX 4096

/* Of a key: nobody is asked for a passphrase. */
static int cli_no_passphrase(char *text, int bytes, int writes, void *context)
{
    (void)text;
    (void)bytes;
    (void)writes;
    (void)context;
    return -1;
}

/* NULL, and said. */
static EVP_PKEY *cli_read_key(const struct cli *cli, const char *path, enum cli_exit *ret_code)
{
    char text[CLI_KEY_BYTES_MAX];
    struct stat facts;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_code = fd < 0 && errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        (void)cli_fail(cli, *ret_code, "cannot read the key %s: %s", path, strerrordesc_np(errno));
        return NULL;
    }
    if (!S_ISREG(facts.st_mode) || facts.st_uid != geteuid() || (facts.st_mode & 077) != 0) {
        (void)cli_fail(cli, CLI_FAILED,
                       "others can read or write the key %s: make another one, or chmod 600 it if "
                       "nobody did",
                       path);
        return NULL;
    }
    ssize_t count = read(fd, text, sizeof(text));
    BIO *bio = count > 0 ? BIO_new_mem_buf(text, (int)count) : NULL;
    EVP_PKEY *key =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, cli_no_passphrase, NULL);
    BIO_free(bio);
    explicit_bzero(text, sizeof(text));
    if (key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
        return key;
    EVP_PKEY_free(key);
    (void)cli_fail(cli, CLI_FAILED,
                   "%s is no Ed25519 private key in PEM: make one with `skerry key create FILE`",
                   path);
    return NULL;
}

enum cli_exit cli_sign(const struct cli *cli,
                       const struct signature_upload *upload,
                       char ret_text[CLI_SIGNATURE_BYTES])
{
    char text[SIGNATURE_STATEMENT_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    size_t bytes = sizeof(signature);
    enum cli_exit code;
    EVP_PKEY *key = cli_read_key(cli, cli->options.sign, &code);
    if (key == NULL)
        return code;
    size_t count = signature_statement(upload, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, signature, &bytes, (const uint8_t *)text, count) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!done || bytes != sizeof(signature))
        return cli_fail(cli, CLI_FAILED, "the key does not sign: out of memory");
    hex_encode(signature, sizeof(signature), ret_text);
    return CLI_OK;
}

/* Alone on its line, so that it can be given to `skerry tenant signers`. */
static enum cli_exit cli_print_key(const struct cli *cli, const EVP_PKEY *key)
{
    uint8_t public[SIGNATURE_KEY_BYTES];
    char text[2 * SIGNATURE_KEY_BYTES + 1];
    size_t count = sizeof(public);
    if (EVP_PKEY_get_raw_public_key(key, public, &count) != 1 || count != sizeof(public))
        return cli_fail(cli, CLI_FAILED, "out of memory");
    hex_encode(public, count, text);
    if (cli->options.json) {
        cli_print_value(json_pack("{s:s}", "key", text));
        return CLI_OK;
    }
    (void)printf("%s\n", text);
    cli_next(cli, "skerry tenant signers TENANT %s", text);
    return CLI_OK;
}

static enum cli_exit cli_show_key(const struct cli *cli, const char *path)
{
    enum cli_exit code;
    EVP_PKEY *key = cli_read_key(cli, path, &code);
    if (key != NULL)
        code = cli_print_key(cli, key);
    EVP_PKEY_free(key);
    return code;
}

/* What is there already is not written over. */
static enum cli_exit cli_write_key(const struct cli *cli, const char *path, const EVP_PKEY *key)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_secmem());
    bool made = bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    long count = made ? BIO_get_mem_data(bio, &text) : 0;
    AUTO_CLOSE int fd =
        made ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    enum cli_exit code = CLI_OK;
    if (fd < 0)
        code = cli_fail(cli, errno == EEXIST ? CLI_CONFLICT : CLI_FAILED, "cannot make %s: %s",
                        path, made ? strerrordesc_np(errno) : "out of memory");
    else if (io_write_all(fd, bytes_make(text, (size_t)count)) != STATUS_OK || fsync(fd) != 0)
        code = cli_fail(cli, CLI_FAILED, "cannot write %s: %s", path, strerrordesc_np(errno));
    if (fd >= 0 && code != CLI_OK)
        (void)unlink(path);
    BIO_free(bio);
    return code;
}

static enum cli_exit cli_create_key(const struct cli *cli, const char *path)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    enum cli_exit code = key == NULL ? cli_fail(cli, CLI_FAILED, "no key could be made")
                                     : cli_write_key(cli, path, key);
    if (code == CLI_OK)
        code = cli_print_key(cli, key);
    EVP_PKEY_free(key);
    return code;
}

enum cli_exit cli_key(struct cli *cli)
{
    const char *action = cli->options.positional[0];
    if (strcmp(action, "create") == 0)
        return cli_create_key(cli, cli->options.positional[1]);
    if (strcmp(action, "show") == 0)
        return cli_show_key(cli, cli->options.positional[1]);
    return cli_fail(cli, CLI_USAGE, "usage: skerry key create FILE   or   skerry key show FILE");
}
