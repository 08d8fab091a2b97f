/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/: certificates that skerry.yaml names as files. They go the way of those that
 * come through the API: the key to the process that keeps keys, then the chain into the store, for
 * each of its names. A file that cannot be taken leaves what was there; one that skerry.yaml does
 * not name any more goes.
 *
 *   load --each file--> read, ask for its key to be kept --done(number)--> store, for each name
 *                                                             all done --> remove what has no file
 */
#ifndef SKERRY_DEPLOY_CERTIFICATE_FILES_H
#define SKERRY_DEPLOY_CERTIFICATE_FILES_H

#include "deploy/api/api.h"
#include "deploy/certs/certificate.h"

/* Numbers of orders that are theirs have this bit. */
#define CERTIFICATE_FILES_NUMBER (UINT64_C(1) << 62)

struct certificate_files_row {
    bool is_read; /* `certificate` is valid */
    bool is_waiting;
    struct certificate certificate;
};

struct certificate_files {
    const struct api *api;
    /* As in deploy_control_options. */
    bool (*ask)(void *context, const struct deploy_vault_order *order, uint64_t number);
    /* As there. */
    void (*tell)(void *context, bool failed, const char *text);
    void *context;
    uint64_t run; /* of load */
    uint32_t waiting;
    bool failed;
    struct certificate_files_row rows[CONFIG_CERTIFICATES_MAX];
};

/* All is borrowed; the files are those of the API's configuration. */
void certificate_files_init(struct certificate_files *files,
                            const struct api *api,
                            const struct deploy_control_options *options);
/* Reads them all; nothing happens if it is at it already. */
void certificate_files_load(struct certificate_files *files);
/* Is nothing under way? */
static inline bool certificate_files_are_done(const struct certificate_files *files)
{
    return files->waiting == 0;
}
/* The vault's answer to the order of that number; false: that is not theirs. */
bool certificate_files_done(struct certificate_files *files,
                            uint64_t number,
                            enum status status,
                            struct bytes text);
/* Whoever keeps keys is gone. */
void certificate_files_lost(struct certificate_files *files);
void certificate_files_free(struct certificate_files *files);

#endif
