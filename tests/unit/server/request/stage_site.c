/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as control would have written them.
 */
#include "tests/unit/server/request/stage_site.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/hex.h"

static const uint8_t small_sha256[DEPLOY_FILE_SHA256_BYTES] = {0xab, 1};
static const uint8_t big_sha256[DEPLOY_FILE_SHA256_BYTES] = {2};
static const uint8_t gone_sha256[DEPLOY_FILE_SHA256_BYTES] = {3};

static struct {
    char folder[64];
    struct arena arena;
    struct buffer list;
    struct deploy_manifest manifest;
    struct site site;
} stand;

static void blob_path(const uint8_t *sha256, char ret_path[256])
{
    char hex[2 * DEPLOY_FILE_SHA256_BYTES + 1];
    hex_encode(sha256, DEPLOY_FILE_SHA256_BYTES, hex);
    (void)snprintf(ret_path, 256, "%s/blobs/acme/%s", stand.folder, hex);
}

static void make_blob(const uint8_t *sha256, size_t count)
{
    char path[256];
    blob_path(sha256, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
    assert_true(fd >= 0);
    uint8_t *data = calloc(1, count);
    for (size_t i = 0; i < count; i++)
        data[i] = (uint8_t)('a' + i % 26);
    assert_int_equal(write(fd, data, count), count);
    free(data);
    (void)close(fd);
}

static void make_folder(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s%s", stand.folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

void stage_site_make(struct stage *stage)
{
    static const struct bytes headers[] = {{(const uint8_t *)"/* X-A: 1", 9},
                                           {(const uint8_t *)"/small X-A: 2", 13},
                                           {(const uint8_t *)"/small ! Cache-Control", 22}};
    static const struct bytes redirects[] = {{(const uint8_t *)"/old /small 301", 15}};
    struct deploy_file rows[] = {
        {.name = bytes_of_text("big"), .sha256 = big_sha256, .size = STAGE_BIG_BYTES},
        {.name = bytes_of_text("gone"), .sha256 = gone_sha256, .size = 1},
        {.name = bytes_of_text("small"), .sha256 = small_sha256, .size = STAGE_SMALL_BYTES},
        {.name = bytes_of_text("wrong"), .sha256 = small_sha256, .size = STAGE_SMALL_BYTES + 1}};
    (void)snprintf(stand.folder, sizeof(stand.folder), "/tmp/skerry-assets-XXXXXX");
    assert_non_null(mkdtemp(stand.folder));
    make_folder("/blobs");
    make_folder("/blobs/acme");
    make_blob(small_sha256, STAGE_SMALL_BYTES);
    make_blob(big_sha256, STAGE_BIG_BYTES);
    arena_init(&stand.arena, 65536);
    buffer_init(&stand.list, 65536);
    assert_int_equal(deploy_files_write(rows, COUNT_OF(rows), &stand.list, NULL), STATUS_OK);
    stand.manifest = (struct deploy_manifest){
        .assets = {.dir = bytes_of_text("public"),
                   .headers = {.rows = headers, .count = COUNT_OF(headers)},
                   .redirects = {.rows = redirects, .count = COUNT_OF(redirects)}}};
    stage->function.entry.assets = buffer_bytes(&stand.list);
    stage->function.entry.manifest = &stand.manifest;
    assert_true(site_make(&stage->function.entry, &stand.arena, &stand.site));
    stage->function.site = &stand.site;
    stage->config.limits.response = 4 * STAGE_PIECE_BYTES;
    (void)snprintf(stage->config.data_dir, sizeof(stage->config.data_dir), "%s", stand.folder);
}

void stage_site_done(void)
{
    static const uint8_t *const blobs[] = {small_sha256, big_sha256};
    static const char *const folders[] = {"/blobs/acme", "/blobs", ""};
    char path[256];
    for (size_t i = 0; i < COUNT_OF(blobs); i++) {
        blob_path(blobs[i], path);
        (void)unlink(path);
    }
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", stand.folder, folders[i]);
        (void)rmdir(path);
    }
    arena_done(&stand.arena);
    buffer_done(&stand.list);
}

void stage_site_has_module(void)
{
    stand.site.is_alone = false;
}
