/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a function.yaml or a manifest in JSON says, it is refused with a reason, or it
 * becomes a canonical JSON that says the same once more.
 *
 *   | 0x00: JSON; else the first byte of YAML | text |
 */

#include "deploy/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CANONICAL_BYTES_MAX ((size_t)16 << 20)

static void check_round(const struct deploy_manifest *manifest)
{
    struct arena arena;
    struct buffer first;
    struct buffer second;
    struct deploy_manifest again;
    struct report report = REPORT_INIT;
    arena_init(&arena, DEPLOY_MANIFEST_ARENA_BYTES);
    buffer_init(&first, CANONICAL_BYTES_MAX);
    buffer_init(&second, CANONICAL_BYTES_MAX);
    ASSERT(deploy_manifest_to_json(manifest, &first) == STATUS_OK);
    enum status status = deploy_manifest_from_json(buffer_bytes(&first), &arena, &report, &again);
    /* What was escaped may have grown beyond what is taken. */
    if (first.count <= DEPLOY_MANIFEST_BYTES_MAX) {
        ASSERT(status == STATUS_OK);
        ASSERT(deploy_manifest_to_json(&again, &second) == STATUS_OK);
        ASSERT(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    }
    buffer_done(&first);
    buffer_done(&second);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct deploy_manifest manifest;
    struct report report = REPORT_INIT;
    arena_init(&arena, DEPLOY_MANIFEST_ARENA_BYTES);
    bool json = size > 0 && data[0] == 0;
    struct bytes text = json ? bytes_make(data + 1, size - 1) : bytes_make(data, size);
    enum status status =
        json ? deploy_manifest_from_json(text, &arena, &report, &manifest)
             : deploy_manifest_from_yaml(text, "function.yaml", &arena, &report, &manifest);
    if (status == STATUS_OK) {
        check_round(&manifest);
    } else {
        ASSERT(status == STATUS_CONFIG);
        ASSERT(report.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
