/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kv_fixture.h.
 */
#include "kv_fixture.h"

#include <stdio.h>
#include <sys/stat.h>

static uint64_t kv_fixture_oldest(void *context, enum lmdb_store store)
{
    assert_int_equal(store, LMDB_STORE_KV);
    const struct kv_fixture *fixture = context;
    return fixture->oldest;
}

void kv_fixture_init(struct kv_fixture *fixture, uint64_t tenant_bytes_max)
{
    char dir[96];
    struct report report = REPORT_INIT;
    *fixture = (struct kv_fixture){.oldest = UINT64_MAX};
    fixture_init(&fixture->base);
    (void)snprintf(dir, sizeof(dir), "%s/kv", fixture->base.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    const struct kv_store_options options = {
        .data_dir = fixture->base.dir,
        .map_bytes = KV_FIXTURE_MAP,
        .tenant_bytes_max = tenant_bytes_max,
        .clock = &fixture->base.clock,
        .readers = {.oldest = kv_fixture_oldest, .context = fixture}};
    if (kv_store_open(&options, &report, &fixture->store) != STATUS_OK)
        fail_msg("%s", report.text);
}

void kv_fixture_done(struct kv_fixture *fixture)
{
    kv_store_close(fixture->store);
    fixture_done(&fixture->base);
}

struct kv_change kv_put_of(const char *key, const char *value)
{
    return (struct kv_change){.verb = KV_PUT,
                              .tenant = bytes_of_text("acme"),
                              .key = bytes_of_text(key),
                              .value = bytes_of_text(value)};
}

enum status kv_fixture_apply(struct kv_fixture *fixture, struct kv_change *change)
{
    struct report report = REPORT_INIT;
    enum status status = kv_store_apply(fixture->store, &change, 1, &report);
    return status == STATUS_OK ? change->status : status;
}

uint64_t kv_fixture_put(struct kv_fixture *fixture, const char *key, const char *value)
{
    struct kv_change change = kv_put_of(key, value);
    assert_int_equal(kv_fixture_apply(fixture, &change), STATUS_OK);
    assert_int_not_equal(change.version, 0);
    return change.version;
}

const char *kv_fixture_get(struct kv_fixture *fixture, const char *key)
{
    static char text[128];
    struct kv_item item;
    struct report report = REPORT_INIT;
    assert_int_equal(kv_store_begin(fixture->store, &report), STATUS_OK);
    enum status status =
        kv_store_get(fixture->store, bytes_of_text("acme"), bytes_of_text(key), &item);
    if (status == STATUS_OK) {
        assert_true(item.value.count < sizeof(text));
        memcpy(text, item.value.data, item.value.count);
        text[item.value.count] = '\0';
    }
    kv_store_end(fixture->store);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK ? text : NULL;
}
