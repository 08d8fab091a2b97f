/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fixture.h.
 */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/store/digest.h"

static uint64_t fixture_now(void *context)
{
    struct fixture *fixture = context;
    return fixture->now_ns;
}

void fixture_init(struct fixture *fixture)
{
    /* In memory where that exists: a thousand fsyncs would show nothing here. */
    *fixture = (struct fixture){.dir = "/dev/shm/skerry-unit-XXXXXX",
                                .now_ns = 1700000000000000000,
                                .versions = STORE_VERSIONS_MAX};
    if (mkdtemp(fixture->dir) == NULL) {
        (void)strcpy(fixture->dir, "/tmp/skerry-unit-XXXXXX");
        assert_non_null(mkdtemp(fixture->dir));
    }
    fixture->clock =
        (struct clock){.monotonic_ns = fixture_now, .realtime_ns = fixture_now, .context = fixture};
}

static int fixture_remove(const char *path, const struct stat *facts, int type, struct FTW *walk)
{
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_done(struct fixture *fixture)
{
    fixture_close_store(fixture);
    assert_int_equal(nftw(fixture->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void fixture_committed(void *context, const struct store_changed *changed)
{
    assert_true(changed->target.tenant.count > 0 || changed->target.function.count == 0);
    assert_non_null(changed->action);
    struct fixture *fixture = context;
    fixture->committed_count++;
}

static void fixture_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct fixture *fixture = context;
    fixture->gone_count++;
    memcpy(fixture->gone, key, DEPLOY_SHA256_BYTES);
}

static void fixture_key_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct fixture *fixture = context;
    fixture->keys_gone++;
    fixture->key_gone = key[0];
}

void fixture_open_store(struct fixture *fixture, uint64_t map_bytes)
{
    char dir[96];
    struct report report = REPORT_INIT;
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    (void)mkdir(dir, 0700);
    const struct store_options options = {.dir = dir,
                                          .data_dir = fixture->dir,
                                          .map_bytes = map_bytes,
                                          .versions = fixture->versions,
                                          .clock = &fixture->clock,
                                          .committed = fixture_committed,
                                          .artifact_gone = fixture_gone,
                                          .key_gone = fixture_key_gone,
                                          .context = fixture};
    if (store_open(&options, &report, &fixture->store) != STATUS_OK)
        fail_msg("%s", report.text);
}

void fixture_close_store(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

struct store_target fixture_target(const char *tenant, const char *function)
{
    return (struct store_target){.tenant = bytes_of_text(tenant),
                                 .function = bytes_of_text(function)};
}

enum status fixture_add(struct fixture *fixture,
                        const char *tenant,
                        const char *function,
                        struct bytes module,
                        uint32_t *ret_version)
{
    const struct store_target target = fixture_target(tenant, function);
    return fixture_add_configured(fixture, &target, module, bytes_make(NULL, 0), ret_version);
}

enum status fixture_add_configured(struct fixture *fixture,
                                   const struct store_target *target,
                                   struct bytes module,
                                   struct bytes config,
                                   uint32_t *ret_version)
{
    struct records_content content = {.kind = "wagi", .config_bytes = (uint32_t)config.count};
    digest_sha256(module, content.sha256);
    const struct digest_made_of made_of = {.sha256 = content.sha256, .config = config};
    digest_artifact_key(&made_of, content.artifact_key);
    const struct store_upload upload = {.target = *target,
                                        .content = &content,
                                        .module = module,
                                        .config = config,
                                        .activate = true};
    struct report report = REPORT_INIT;
    enum status status = store_add_version(fixture->store, &upload, &report, ret_version);
    assert_int_equal(status, report.status);
    return status;
}

void fixture_write_file(const struct fixture *fixture,
                        const char *name,
                        const char *text,
                        unsigned mode)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* value.data NULL removes the key. */
static void
fixture_change_raw(struct fixture *fixture, const char *db, struct bytes key, struct bytes value)
{
    char dir[96];
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    MDB_val raw_key = {.mv_size = key.count, .mv_data = (void *)(uintptr_t)key.data};
    MDB_val raw_value = {.mv_size = value.count, .mv_data = (void *)(uintptr_t)value.data};
    fixture_close_store(fixture);
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, RECORDS_DB_COUNT), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, 0, &dbi), 0);
    assert_int_equal(value.data == NULL ? mdb_del(txn, dbi, &raw_key, NULL)
                                        : mdb_put(txn, dbi, &raw_key, &raw_value, 0),
                     0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

void fixture_put_raw(struct fixture *fixture, const char *db, struct bytes key, struct bytes value)
{
    fixture_change_raw(fixture, db, key, value);
}

void fixture_delete_raw(struct fixture *fixture, const char *db, struct bytes key)
{
    fixture_change_raw(fixture, db, key, bytes_make(NULL, 0));
}
