/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See backup_fixture.h.
 */
#include "backup_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

#define SAVED_MAP_BYTES (16ULL << 20)

static void saved_put(struct saved *saved, const char *key, const char *value)
{
    struct report report = REPORT_INIT;
    struct kv_change change = {.verb = KV_PUT,
                               .tenant = bytes_of_text("acme"),
                               .key = bytes_of_text(key),
                               .value = bytes_of_text(value)};
    struct kv_change *const changes[] = {&change};
    assert_int_equal(kv_store_apply(saved->kv, changes, 1, &report), STATUS_OK);
    assert_int_equal(change.status, STATUS_OK);
}

int saved_setup(void **state)
{
    struct saved *saved = calloc(1, sizeof(*saved));
    char dir[96];
    uint32_t number;
    struct report report = REPORT_INIT;
    assert_non_null(saved);
    fixture_init(&saved->fixture);
    fixture_open_store(&saved->fixture, SAVED_MAP_BYTES);
    (void)snprintf(dir, sizeof(dir), "%s/kv", saved->fixture.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    const struct kv_store_options options = {.data_dir = saved->fixture.dir,
                                             .map_bytes = SAVED_MAP_BYTES,
                                             .tenant_bytes_max = 1 << 20,
                                             .clock = &saved->fixture.clock};
    assert_int_equal(kv_store_open(&options, &report, &saved->kv), STATUS_OK);
    assert_int_equal(fixture_add(&saved->fixture, "acme", "f", bytes_of_text("a module"), &number),
                     STATUS_OK);
    saved_put(saved, "k", "v");
    *state = saved;
    return 0;
}

int saved_teardown(void **state)
{
    struct saved *saved = *state;
    kv_store_close(saved->kv);
    fixture_done(&saved->fixture);
    free(saved);
    return 0;
}

static MDB_txn *saved_txn(void *context, enum backup_part part)
{
    const struct saved *saved = context;
    if (saved->gone)
        return NULL;
    return part == BACKUP_STORE ? store_snapshot(saved->fixture.store)
                                : kv_store_snapshot(saved->kv);
}

struct backup_source *saved_begin(struct saved *saved)
{
    struct report report = REPORT_INIT;
    const struct backup_source_options options = {.data_dir = saved->fixture.dir,
                                                  .about = "{}",
                                                  .vault_fd = -1,
                                                  .txn = saved_txn,
                                                  .context = saved};
    assert_int_equal(store_snapshot_begin(saved->fixture.store, &report), STATUS_OK);
    assert_int_equal(kv_store_snapshot_begin(saved->kv, &report), STATUS_OK);
    struct backup_source *source = backup_source_create(&options);
    assert_non_null(source);
    return source;
}

void saved_end(struct saved *saved, struct backup_source *source)
{
    backup_source_free(source);
    store_snapshot_end(saved->fixture.store);
    kv_store_snapshot_end(saved->kv);
}

void saved_run(struct backup_source *source, size_t want, struct buffer *out)
{
    struct report report = REPORT_INIT;
    for (bool done = false; !done;) {
        struct buffer piece;
        buffer_init(&piece, 1 << 20);
        assert_int_equal(backup_source_more(source, want, &piece, &done, &report), STATUS_OK);
        assert_true(done || piece.count > 0);
        assert_int_equal(buffer_append(out, piece.data, piece.count), STATUS_OK);
        buffer_done(&piece);
    }
}

FILE *saved_file(struct bytes bytes)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.count, file), bytes.count);
    rewind(file);
    return file;
}
