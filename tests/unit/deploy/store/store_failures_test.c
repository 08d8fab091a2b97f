/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whichever call of LMDB fails: a question is not answered, and of a change nothing happened.
 *
 * Each row is done again and again on one store, and each time the next call fails, until none is
 * left that could. What the store has is compared record by record in between.
 */
#include "fixture.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/manifest/manifest.h"
#include "deploy/store/digest.h"
#include "tests/support/lmdb_fails.h"

#define MAP_BYTES (16ULL << 20)
#define KEY       "0123456789abcdef"

static struct fixture fixture;
static struct report report;
static struct store_target hello;

static struct bytes text(const char *name)
{
    return bytes_of_text(name);
}

static enum status add(const char *function, const char *module)
{
    uint32_t number;
    return fixture_add(&fixture, "acme", function, text(module), &number);
}

/* ---- changes --------------------------------------------------------------------------------- */

static enum status change_version(void)
{
    struct records_content content = {.kind = "wagi", .config_bytes = 2};
    uint32_t number;
    digest_sha256(text("three"), content.sha256);
    const struct digest_made_of made_of = {.sha256 = content.sha256, .config = text("{}")};
    digest_artifact_key(&made_of, content.artifact_key);
    const struct store_upload upload = {.target = hello,
                                        .content = &content,
                                        .module = text("three"),
                                        .config = text("{}"),
                                        .manifest = text("{\"name\":\"hello\"}"),
                                        .activate = true};
    return store_add_version(fixture.store, &upload, &report, &number);
}

static enum status change_active(void)
{
    return store_activate(fixture.store, &hello, 1, &report);
}

static enum status change_back(void)
{
    return store_activate(fixture.store, &hello, 0, &report);
}

static enum status change_shares(void)
{
    return store_promote(fixture.store, &hello,
                         (struct deploy_share){.version = 1, .parts = DEPLOY_PARTS / 4}, &report);
}

static enum status change_alias(void)
{
    return store_set_alias(fixture.store, &hello, text("next"), 2, &report);
}

static enum status change_no_alias(void)
{
    return store_delete_alias(fixture.store, &hello, text("live"), &report);
}

static enum status change_no_function(void)
{
    uint32_t count;
    return store_delete_function(fixture.store, &hello, &report, &count);
}

static enum status change_tenant(void)
{
    return store_create_tenant(fixture.store, text("new"), &report);
}

static enum status change_no_tenant(void)
{
    return store_delete_tenant(fixture.store, text("empty"), &report);
}

static enum status change_suspended(void)
{
    return store_suspend_tenant(fixture.store, text("acme"), true, &report);
}

static enum status change_limits(void)
{
    const struct deploy_tenant_limits limits = {.functions = 7};
    return store_set_limits(fixture.store, text("acme"), &limits, &report);
}

static enum status put_route(const char *id, const char *path)
{
    const struct store_route route = {.target = hello,
                                      .id = text(id),
                                      .route = {.host = text("www.acme.test"), .path = text(path)}};
    return store_set_route(fixture.store, &route, &report);
}

static enum status change_route(void)
{
    return put_route("r2", "/v2");
}

static enum status change_no_route(void)
{
    return store_delete_route(fixture.store, &hello, text("r1"), &report);
}

static enum status put_domain(const char *host, bool by_operator)
{
    const struct store_domain_order order = {.tenant = text("acme"),
                                             .host = text(host),
                                             .function = text("hello"),
                                             .challenge = "challenge",
                                             .tls = DEPLOY_TLS_ACME,
                                             .by_operator = by_operator};
    return store_set_domain(fixture.store, &order, &report);
}

static enum status change_domain(void)
{
    return put_domain("new.test", false);
}

static enum status change_proof(void)
{
    return store_prove_domain(fixture.store, text("acme"), text("pending.test"), &report);
}

static enum status change_no_domain(void)
{
    return store_delete_domain(fixture.store, text("acme"), text("proven.test"), &report);
}

static enum status put_certificate(const char *host)
{
    const struct store_certificate certificate = {.host = text(host),
                                                  .record = {.key = {1}, .tenant = "acme"},
                                                  .chain = text("chain"),
                                                  .ocsp = text("ocsp")};
    return store_set_certificate(fixture.store, &certificate, &report);
}

static enum status change_certificate(void)
{
    return put_certificate("new.test");
}

static enum status change_ocsp(void)
{
    return store_set_ocsp(fixture.store, text("proven.test"), text("other"), &report);
}

static enum status change_no_certificate(void)
{
    return store_delete_certificate(fixture.store, text("acme"), text("proven.test"), &report);
}

static enum status put_challenge(const char *host)
{
    const struct store_challenge challenge = {
        .key = {2}, .token = text("token"), .answer = text("answer"), .chain = text("chain")};
    return store_set_challenge(fixture.store, text(host), &challenge, &report);
}

static enum status change_challenge(void)
{
    return put_challenge("pending.test");
}

static enum status change_no_challenge(void)
{
    return store_set_challenge(fixture.store, text("proven.test"), NULL, &report);
}

static enum status change_acme(void)
{
    const struct records_acme record = {.next_ns = 1, .failures = 2};
    return store_set_acme(fixture.store, text("proven.test"), &record, &report);
}

static enum status put_cron(const char *id)
{
    const struct deploy_cron cron = {.schedule = text("* * * * *")};
    return store_set_cron(fixture.store, &hello, text(id), &cron, &report);
}

static enum status change_cron(void)
{
    return put_cron("c2");
}

static enum status change_no_cron(void)
{
    return store_set_cron(fixture.store, &hello, text("c1"), NULL, &report);
}

static enum status change_cron_ran(void)
{
    const struct store_cron_moment ran = {
        .last_ns = 77, .tenant = "acme", .function = "hello", .id = "c1"};
    return store_cron_ran(fixture.store, &ran, 1, &report);
}

static enum status change_variable(void)
{
    return store_set_variable(fixture.store, &hello, text("B"), text("2"), &report);
}

static enum status change_no_variable(void)
{
    return store_set_variable(fixture.store, &hello, text("A"), bytes_make(NULL, 0), &report);
}

static enum status put_token(const char *id)
{
    struct store_token token = {.record = {.tenant = "acme"}, .functions = bytes_make(NULL, 0)};
    (void)snprintf(token.id, sizeof(token.id), "%s", id);
    return store_add_token(fixture.store, &token, &report);
}

static enum status change_token(void)
{
    return put_token("fedcba9876543210");
}

static enum status change_no_token(void)
{
    return store_remove_token(fixture.store, text("acme"), text(KEY), &report);
}

static enum status change_signers(void)
{
    uint8_t keys[64] = {1};
    return store_set_signers(fixture.store, text("acme"), bytes_make(keys, 32), &report);
}

static enum status change_forgot(void)
{
    const struct store_target gone = fixture_target("acme", "gone");
    return store_forgot(fixture.store, &gone, &report);
}

static enum status change_note(void)
{
    return store_note_change(fixture.store, &hello, "secret", text("S"), &report);
}

/* ---- questions ------------------------------------------------------------------------------- */

static struct buffer answer;

static enum status ask_deployments(void)
{
    struct records_deployments found;
    return store_get_deployments(fixture.store, &hello, &report, &found);
}

static bool take_alias(void *context, struct bytes alias, uint32_t version)
{
    (void)context;
    (void)alias;
    return version > 0;
}

static enum status ask_aliases(void)
{
    return store_list_aliases(fixture.store, &hello, take_alias, NULL, &report);
}

#define TAKES(name, type)                                                                          \
    static bool name(void *context, const struct type *found)                                      \
    {                                                                                              \
        (void)context;                                                                             \
        return found != NULL;                                                                      \
    }

TAKES(take_route, store_route)
TAKES(take_domain, store_domain)
TAKES(take_certificate, store_certificate)
TAKES(take_acme, store_acme_domain)
TAKES(take_cron, store_cron)
TAKES(take_token, store_token)
TAKES(take_tenant, store_tenant)
TAKES(take_function, store_function)
TAKES(take_version, store_version)

static enum status ask_routes(void)
{
    return store_list_routes(fixture.store, &hello, take_route, NULL, &report);
}

static enum status ask_host(void)
{
    char tenant[DEPLOY_NAME_BYTES];
    return store_get_host(fixture.store, text("proven.test"), tenant);
}

static enum status ask_domain(void)
{
    struct store_domain found;
    return store_get_domain(fixture.store, text("acme"), text("proven.test"), &report, &found);
}

static enum status ask_domains(void)
{
    return store_list_domains(fixture.store, text("acme"), text(""), take_domain, NULL, &report);
}

static bool take_any_domain(void *context, struct bytes tenant, const struct store_domain *domain)
{
    (void)context;
    return tenant.count > 0 && domain != NULL;
}

static enum status ask_all_domains(void)
{
    return store_walk_all_domains(fixture.store, take_any_domain, NULL, &report);
}

static enum status ask_certificates(void)
{
    return store_list_certificates(fixture.store, text(""), take_certificate, NULL, &report);
}

static void use_certificate(void *context, const struct store_certificate *found)
{
    (void)context;
    assert_non_null(found);
}

static enum status ask_certificate(void)
{
    return store_use_certificate(fixture.store, text("proven.test"), use_certificate, NULL,
                                 &report);
}

static enum status ask_acme(void)
{
    return store_walk_acme(fixture.store, take_acme, NULL, &report);
}

static enum status ask_crons(void)
{
    return store_list_crons(fixture.store, &hello, take_cron, NULL, &report);
}

static enum status ask_all_crons(void)
{
    return store_list_crons(fixture.store, NULL, take_cron, NULL, &report);
}

static enum status ask_environment(void)
{
    return store_get_environment(fixture.store, &hello, &report, &answer);
}

static enum status ask_token(void)
{
    struct store_token found;
    return store_get_token(fixture.store, text(KEY), &report, &answer, &found);
}

static enum status ask_tokens(void)
{
    return store_list_tokens(fixture.store, text(""), take_token, NULL, &report);
}

static enum status ask_signers(void)
{
    return store_get_signers(fixture.store, text("acme"), &report, &answer);
}

static void take_forgotten(void *context, struct bytes tenant, struct bytes function)
{
    (void)context;
    (void)function;
    assert_true(tenant.count > 0);
}

static enum status ask_forgotten(void)
{
    return store_list_forgotten(fixture.store, take_forgotten, NULL, &report);
}

static enum status ask_tenant(void)
{
    struct store_tenant found;
    return store_get_tenant(fixture.store, text("acme"), &report, &found);
}

static enum status ask_function(void)
{
    struct store_function found;
    return store_get_function(fixture.store, &hello, &report, &found);
}

static enum status ask_version(void)
{
    struct store_version found;
    return store_get_version(fixture.store, &hello, 1, &report, &found);
}

static enum status ask_manifest(void)
{
    return store_get_manifest(fixture.store, &hello, 1, &report, &answer);
}

static enum status ask_assets(void)
{
    return store_get_assets(fixture.store, &hello, 1, &report, &answer);
}

static enum status ask_tenants(void)
{
    return store_list_tenants(fixture.store, text(""), take_tenant, NULL, &report);
}

static enum status ask_functions(void)
{
    const struct store_target first = fixture_target("acme", "");
    return store_list_functions(fixture.store, &first, take_function, NULL, &report);
}

static enum status ask_versions(void)
{
    return store_list_versions(fixture.store, &hello, take_version, NULL, &report);
}

static bool take_change(void *context, struct bytes json)
{
    (void)context;
    return json.count > 0;
}

static enum status ask_changes(void)
{
    return store_list_changes(fixture.store, 0, take_change, NULL, &report);
}

static enum status ask_audit(void)
{
    struct store_audit audit;
    return store_check_audit(fixture.store, &report, &audit);
}

/* ---- the rows -------------------------------------------------------------------------------- */

struct row {
    const char *name;
    enum status (*act)(void);
};
#define ROW(name)                                                                                  \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct row changes[] = {
    ROW(change_version),     ROW(change_active),         ROW(change_back),
    ROW(change_shares),      ROW(change_alias),          ROW(change_no_alias),
    ROW(change_no_function), ROW(change_tenant),         ROW(change_no_tenant),
    ROW(change_suspended),   ROW(change_limits),         ROW(change_route),
    ROW(change_no_route),    ROW(change_domain),         ROW(change_proof),
    ROW(change_no_domain),   ROW(change_certificate),    ROW(change_ocsp),
    ROW(change_challenge),   ROW(change_no_certificate), ROW(change_no_challenge),
    ROW(change_acme),        ROW(change_cron),           ROW(change_no_cron),
    ROW(change_cron_ran),    ROW(change_variable),       ROW(change_no_variable),
    ROW(change_token),       ROW(change_no_token),       ROW(change_signers),
    ROW(change_forgot),      ROW(change_note),
};

static const struct row questions[] = {
    ROW(ask_deployments), ROW(ask_aliases), ROW(ask_routes),      ROW(ask_host),
    ROW(ask_domain),      ROW(ask_domains), ROW(ask_all_domains), ROW(ask_certificates),
    ROW(ask_certificate), ROW(ask_acme),    ROW(ask_crons),       ROW(ask_all_crons),
    ROW(ask_environment), ROW(ask_token),   ROW(ask_tokens),      ROW(ask_signers),
    ROW(ask_forgotten),   ROW(ask_tenant),  ROW(ask_function),    ROW(ask_version),
    ROW(ask_manifest),    ROW(ask_assets),  ROW(ask_tenants),     ROW(ask_functions),
    ROW(ask_versions),    ROW(ask_changes), ROW(ask_audit),
};

static void fill(void)
{
    uint8_t keys[32] = {9};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    report = (struct report)REPORT_INIT;
    hello = fixture_target("acme", "hello");
    buffer_init(&answer, 1 << 20);
    assert_int_equal(add("hello", "one"), STATUS_OK);
    assert_int_equal(add("hello", "two"), STATUS_OK);
    assert_int_equal(add("other", "one"), STATUS_OK);
    assert_int_equal(add("gone", "four"), STATUS_OK);
    const struct store_target gone = fixture_target("acme", "gone");
    uint32_t count;
    assert_int_equal(store_delete_function(fixture.store, &gone, &report, &count), STATUS_OK);
    assert_int_equal(store_create_tenant(fixture.store, text("empty"), &report), STATUS_OK);
    assert_int_equal(store_set_alias(fixture.store, &hello, text("live"), 1, &report), STATUS_OK);
    assert_int_equal(put_domain("proven.test", true), STATUS_OK);
    assert_int_equal(put_domain("pending.test", false), STATUS_OK);
    assert_int_equal(put_domain("www.acme.test", true), STATUS_OK);
    assert_int_equal(put_route("r1", "/v1"), STATUS_OK);
    assert_int_equal(put_certificate("proven.test"), STATUS_OK);
    assert_int_equal(put_challenge("proven.test"), STATUS_OK);
    assert_int_equal(put_cron("c1"), STATUS_OK);
    assert_int_equal(store_set_variable(fixture.store, &hello, text("A"), text("1"), &report),
                     STATUS_OK);
    assert_int_equal(put_token(KEY), STATUS_OK);
    assert_int_equal(
        store_set_signers(fixture.store, text("acme"), bytes_make(keys, sizeof(keys)), &report),
        STATUS_OK);
}

static void empty(void)
{
    buffer_done(&answer);
    fixture_done(&fixture);
}

/* ---- what the store has ---------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const MDB_val *value)
{
    const uint8_t *bytes = value->mv_data;
    for (size_t i = 0; i < value->mv_size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return (hash ^ value->mv_size) * 0x100000001b3;
}

static uint64_t mix_all(MDB_txn *txn, MDB_dbi dbi, uint64_t hash)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
        hash = mix(mix(hash, &key), &value);
    mdb_cursor_close(cursor);
    return hash;
}

/* Of every record, in all databases. */
static uint64_t contents(void)
{
    uint64_t hash = 0xcbf29ce484222325;
    assert_int_equal(store_snapshot_begin(fixture.store, &report), STATUS_OK);
    MDB_txn *txn = store_snapshot(fixture.store);
    for (size_t i = 0; i < RECORDS_DB_COUNT; i++) {
        MDB_dbi dbi;
        assert_int_equal(mdb_dbi_open(txn, records_db_names()[i], 0, &dbi), 0);
        hash = mix_all(txn, dbi, hash);
    }
    store_snapshot_end(fixture.store);
    return hash;
}

/* Does it until no call is left that could fail, and answers how often that was. Whatever fails
 * once the change is made (what is not needed any more is removed then) makes it no less done:
 * nothing is left out of `after`. */
static uint32_t fail_each_call(const struct row *row, uint64_t after)
{
    uint64_t before = contents();
    for (uint32_t nth = 1;; nth++) {
        answer.count = 0;
        report = (struct report)REPORT_INIT;
        lmdb_fails_at(nth);
        enum status status = row->act();
        bool failed = lmdb_fails_over();
        uint64_t now = contents();
        if (now != (status == STATUS_OK ? after : before))
            fail_msg("%s: call %u: %s, but %s", row->name, nth, status_text(status),
                     now == before ? "nothing changed" : "something changed");
        if (status == STATUS_OK && (!failed || before != after))
            return nth;
        if (status == STATUS_OK || !failed)
            fail_msg("%s: call %u %s: %s", row->name, nth, failed ? "failed" : "went well",
                     status_text(status));
    }
}

static void a_change_whose_calls_fail_did_not_happen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        fill();
        uint64_t before = contents();
        assert_int_equal(changes[i].act(), STATUS_OK);
        uint64_t after = contents();
        assert_true(after != before);
        empty();
        fill();
        assert_true(fail_each_call(&changes[i], after) > 2);
        empty();
    }
}

static void a_question_whose_calls_fail_is_not_answered(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        assert_true(fail_each_call(&questions[i], contents()) > 1);
    empty();
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_whose_calls_fail_did_not_happen),
        cmocka_unit_test(a_question_whose_calls_fail_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
