/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of skerry.yaml after the other; orders are told apart by run and row.
 */
#include "deploy/certificate_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/hex.h"

#define FILES_ROW_BITS 8

_Static_assert(CONFIG_CERTIFICATES_MAX < 1 << FILES_ROW_BITS, "a row's number fits");

static void files_tell(const struct certificate_files *files, bool failed, const char *text)
{
    if (files->tell != NULL)
        files->tell(files->context, failed, text);
}

static void files_fail(struct certificate_files *files, uint32_t at, const char *why)
{
    char text[REPORT_TEXT_BYTES];
    files->failed = true;
    (void)snprintf(text, sizeof(text), "%.200s: %.250s", files->api->config->tls_certificates[at],
                   why);
    files_tell(files, true, text);
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum status files_append(const char *path, struct report *report, struct buffer *pem)
{
    uint8_t chunk[4096];
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return report_errno(report, "cannot open %.200s", path);
    ssize_t count;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (count = read(fd, chunk, sizeof(chunk))) != 0) {
        if (count < 0)
            return report_errno(report, "cannot read %.200s", path);
        status = buffer_append(pem, chunk, (size_t)count);
    }
    explicit_bzero(chunk, sizeof(chunk));
    return status == STATUS_OK
               ? STATUS_OK
               : report_fail(report, status, REPORT_OFFSET_NONE, "%.200s is larger than %d bytes",
                             path, CERTIFICATE_PEM_BYTES_MAX);
}

/* Both files of a row, or the one. */
static enum status files_read(const char *row, struct report *report, struct buffer *pem)
{
    char first[CONFIG_CERTIFICATE_BYTES];
    size_t count = strcspn(row, " ");
    memcpy(first, row, count);
    first[count] = '\0';
    enum status status = files_append(first, report, pem);
    if (status == STATUS_OK)
        status = buffer_append(pem, "\n", 1);
    return status == STATUS_OK && row[count] != '\0' ? files_append(row + count + 1, report, pem)
                                                     : status;
}

static bool files_ask(const struct certificate_files *files, uint32_t at)
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    const struct certificate *certificate = &files->rows[at].certificate;
    hex_encode(certificate->key, sizeof(certificate->key), name);
    const struct deploy_vault_order order = {
        .verb = DEPLOY_VAULT_KEY_PUT, .name = bytes_of_text(name), .value = certificate->key_pem};
    return files->ask != NULL &&
           files->ask(files->context, &order,
                      CERTIFICATE_FILES_NUMBER | files->run << FILES_ROW_BITS | at);
}

static void files_begin(struct certificate_files *files, uint32_t at)
{
    struct buffer pem;
    struct report report = REPORT_INIT;
    struct certificate_files_row *row = &files->rows[at];
    buffer_init(&pem, CERTIFICATE_PEM_BYTES_MAX);
    enum status status = buffer_reserve(&pem, CERTIFICATE_PEM_BYTES_MAX); /* it is not copied */
    if (status == STATUS_OK)
        status = files_read(files->api->config->tls_certificates[at], &report, &pem);
    if (status == STATUS_OK)
        status = certificate_read(buffer_bytes(&pem),
                                  clock_realtime_ns(files->api->clock) / CLOCK_NS_PER_S, &report,
                                  &row->certificate);
    row->is_read = status == STATUS_OK;
    if (status != STATUS_OK)
        files_fail(files, at, report.text[0] != '\0' ? report.text : status_text(status));
    else if (row->certificate.key_pem.count == 0)
        files_fail(files, at, "there is no private key with it: name its file behind a blank");
    else if (!files_ask(files, at))
        files_fail(files, at, "the key process is not there now");
    else
        row->is_waiting = true;
    row->certificate.key_pem = (struct bytes){0};
    if (pem.data != NULL)
        explicit_bzero(pem.data, pem.capacity);
    buffer_done(&pem);
    files->waiting += row->is_waiting;
}

/* ---- storing --------------------------------------------------------------------------------- */

struct files_compare {
    const struct certificate *certificate;
    bool is_same;
};

static void files_compare(void *context, const struct store_certificate *stored)
{
    struct files_compare *compare = context;
    compare->is_same = stored->record.origin == DEPLOY_CERTIFICATE_FILE &&
                       bytes_equal(stored->chain, buffer_bytes(&compare->certificate->chain)) &&
                       bytes_equal(stored->ocsp, buffer_bytes(&compare->certificate->ocsp));
}

static void files_store(struct certificate_files *files, uint32_t at)
{
    const struct certificate *certificate = &files->rows[at].certificate;
    struct bytes names = buffer_bytes(&certificate->names);
    struct bytes name;
    while (certificate_next_name(&names, &name)) {
        struct report report = REPORT_INIT;
        struct files_compare compare = {.certificate = certificate};
        enum status status =
            store_use_certificate(files->api->store, name, files_compare, &compare, &report);
        if (status == STATUS_OK && compare.is_same)
            continue;
        report = (struct report)REPORT_INIT;
        const struct api_certified certified = {.host = name, .origin = DEPLOY_CERTIFICATE_FILE};
        if (api_store_certificate(files->api, &certified, certificate, &report) != STATUS_OK)
            files_fail(files, at, report.text);
    }
}

struct files_leftover {
    const struct certificate_files *files;
    char host[CONFIG_DOMAIN_BYTES]; /* "": none */
};

static bool files_has_name(const struct certificate_files *files, struct bytes host)
{
    for (uint32_t i = 0; i < CONFIG_CERTIFICATES_MAX; i++) {
        const struct certificate_files_row *row = &files->rows[i];
        struct bytes names =
            row->is_read ? buffer_bytes(&row->certificate.names) : bytes_make(NULL, 0);
        struct bytes name;
        while (certificate_next_name(&names, &name)) {
            if (bytes_equal(name, host))
                return true;
        }
    }
    return false;
}

static bool files_find_leftover(void *context, const struct store_certificate *stored)
{
    struct files_leftover *leftover = context;
    if (stored->record.origin != DEPLOY_CERTIFICATE_FILE ||
        files_has_name(leftover->files, stored->host))
        return true;
    (void)snprintf(leftover->host, sizeof(leftover->host), "%.*s", (int)stored->host.count,
                   (const char *)stored->host.data);
    return false;
}

/* One by one: a removal ends what a walk shows. */
static void files_remove_leftovers(struct certificate_files *files)
{
    struct files_leftover leftover = {.files = files};
    do {
        struct report report = REPORT_INIT;
        leftover.host[0] = '\0';
        enum status status = store_list_certificates(files->api->store, bytes_make(NULL, 0),
                                                     files_find_leftover, &leftover, &report);
        if (status == STATUS_OK && leftover.host[0] != '\0')
            status = store_delete_certificate(files->api->store, bytes_make(NULL, 0),
                                              bytes_of_text(leftover.host), &report);
        if (status != STATUS_OK) {
            files_tell(files, true, report.text);
            return;
        }
    } while (leftover.host[0] != '\0');
}

static void files_finish(struct certificate_files *files)
{
    if (files->waiting > 0)
        return;
    if (!files->failed)
        files_remove_leftovers(files);
    if (!files->failed && files->api->config->tls_certificate_count > 0)
        files_tell(files, false, "the certificates of tls.certificates are in force");
    files_tell(files, files->failed, NULL);
    certificate_files_free(files);
}

/* ---- what others call ------------------------------------------------------------------------ */

void certificate_files_init(struct certificate_files *files,
                            const struct api *api,
                            const struct deploy_control_options *options)
{
    *files = (struct certificate_files){.api = api,
                                        .ask = options->vault,
                                        .tell = options->certificates_told,
                                        .context = options->context};
}

void certificate_files_load(struct certificate_files *files)
{
    if (files->waiting > 0)
        return;
    files->run++;
    files->failed = false;
    for (uint32_t i = 0; i < files->api->config->tls_certificate_count; i++)
        files_begin(files, i);
    files_finish(files);
}

static void
files_end(struct certificate_files *files, uint32_t at, enum status status, const char *text)
{
    files->rows[at].is_waiting = false;
    files->waiting--;
    if (status == STATUS_OK)
        files_store(files, at);
    else
        files_fail(files, at, text[0] != '\0' ? text : status_text(status));
}

bool certificate_files_done(struct certificate_files *files,
                            uint64_t number,
                            enum status status,
                            struct bytes text)
{
    char why[256];
    uint32_t at = number & ((1 << FILES_ROW_BITS) - 1);
    uint64_t run = (number & ~CERTIFICATE_FILES_NUMBER) >> FILES_ROW_BITS;
    if ((number & CERTIFICATE_FILES_NUMBER) == 0)
        return false;
    if (run != files->run || at >= CONFIG_CERTIFICATES_MAX || !files->rows[at].is_waiting)
        return true;
    (void)snprintf(why, sizeof(why), "%.*s", (int)MIN(text.count, sizeof(why) - 1),
                   (const char *)text.data);
    files_end(files, at, status, why);
    files_finish(files);
    return true;
}

void certificate_files_lost(struct certificate_files *files)
{
    bool was_waiting = files->waiting > 0;
    for (uint32_t i = 0; i < CONFIG_CERTIFICATES_MAX; i++) {
        if (files->rows[i].is_waiting)
            files_end(files, i, STATUS_UNREACHABLE, "the key process ended");
    }
    if (was_waiting)
        files_finish(files);
}

void certificate_files_free(struct certificate_files *files)
{
    for (uint32_t i = 0; i < CONFIG_CERTIFICATES_MAX; i++) {
        if (files->rows[i].is_read)
            certificate_done(&files->rows[i].certificate);
        files->rows[i] = (struct certificate_files_row){0};
    }
    files->waiting = 0;
}
