/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault that makes numbers, and a server of eight answers. Whatever is asked is kept until the
 * test has it answered.
 */
#include "tests/unit/deploy/acme/stage.h"

#include <stdio.h>

struct stage stage;

#define TOKEN "token-1"

static bool stage_ask(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    (void)context;
    if (stage.vault_away)
        return false;
    if (order->verb == DEPLOY_VAULT_KEY_REMOVE) {
        stage.keys_removed++;
        return true;
    }
    assert_int_equal(stage.vault_number, 0);
    stage.vault_number = number;
    stage.verb = order->verb;
    (void)snprintf(stage.name, sizeof(stage.name), "%.*s", (int)order->name.count,
                   order->name.count == 0 ? "" : (const char *)order->name.data);
    return true;
}

static bool stage_fetch(void *context, const struct deploy_fetch *fetch, uint64_t number)
{
    (void)context;
    if (stage.egress_away)
        return false;
    assert_int_equal(stage.fetch_number, 0);
    assert_true(bytes_equal_text(fetch->rule, "https://ca.test"));
    stage.fetch_number = number;
    stage.fetches++;
    (void)snprintf(stage.method, sizeof(stage.method), "%.*s", (int)fetch->method.count,
                   (const char *)fetch->method.data);
    (void)snprintf(stage.url, sizeof(stage.url), "%.*s", (int)fetch->url.count,
                   (const char *)fetch->url.data);
    (void)snprintf(stage.body, sizeof(stage.body), "%.*s", (int)fetch->body.count,
                   fetch->body.count == 0 ? "" : (const char *)fetch->body.data);
    return true;
}

static void stage_tell(void *context, bool failed, const char *host, const char *text)
{
    (void)context;
    (void)host;
    stage.failures += failed;
    stage.successes += !failed;
    (void)snprintf(stage.told, sizeof(stage.told), "%s", text);
}

int stage_setup(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    memset(&stage, 0, sizeof(stage));
    fixture_init(&stage.fixture);
    stage.fixture.now_ns = clock_realtime_ns(&clock_system);
    fixture_open_store(&stage.fixture, 8ULL << 20);
    pem_make(&stage.pem, "EC", "DNS:" STAGE_HOST, 89, NULL);
    (void)snprintf(stage.config.acme_directory, sizeof(stage.config.acme_directory), "%s",
                   STAGE_DIRECTORY);
    (void)snprintf(stage.config.acme_contact, sizeof(stage.config.acme_contact), "a@b.test");
    (void)snprintf(stage.config.acme_challenge, sizeof(stage.config.acme_challenge), "auto");
    (void)snprintf(stage.config.listen[0], sizeof(stage.config.listen[0]), "127.0.0.1:80");
    (void)snprintf(stage.config.listen[1], sizeof(stage.config.listen[1]), "https://127.0.0.1:443");
    stage.config.listen_count = 2;
    stage.config.acme_terms_agreed = true;
    const struct acme_options options = {.clock = &stage.fixture.clock,
                                         .config = &stage.config,
                                         .store = stage.fixture.store,
                                         .ask = stage_ask,
                                         .fetch = stage_fetch,
                                         .tell = stage_tell};
    assert_int_equal(acme_create(&options, &report, &stage.acme), STATUS_OK);
    acme_start(stage.acme);
    return 0;
}

int stage_teardown(void **state)
{
    (void)state;
    acme_free(stage.acme);
    pem_free(&stage.pem);
    fixture_done(&stage.fixture);
    return 0;
}

void stage_add(const char *host)
{
    struct report report = REPORT_INIT;
    uint32_t version;
    assert_int_equal(fixture_add(&stage.fixture, "t", "f", bytes_of_text("m"), &version),
                     STATUS_OK);
    const struct store_domain_order order = {.tenant = bytes_of_text("t"),
                                             .host = bytes_of_text(host),
                                             .function = bytes_of_text("f"),
                                             .challenge = "c",
                                             .tls = DEPLOY_TLS_ACME,
                                             .by_operator = true};
    assert_int_equal(store_set_domain(stage.fixture.store, &order, &report), STATUS_OK);
    acme_look(stage.acme);
    (void)acme_turn(stage.acme);
}

/* ---- the vault ------------------------------------------------------------------------------- */

static void stage_answer_vault(void)
{
    uint8_t made[DEPLOY_SHA256_BYTES + 64];
    uint64_t number = stage.vault_number;
    size_t count = 64;
    memset(made, 7, sizeof(made));
    if (stage.verb == DEPLOY_VAULT_KEY_REQUEST || stage.verb == DEPLOY_VAULT_KEY_PROOF)
        count = sizeof(made);
    if (stage.verb == DEPLOY_VAULT_KEY_REQUEST) {
        uint8_t *der = NULL;
        int bytes = i2d_PUBKEY(stage.pem.key, &der);
        assert_int_equal(EVP_Digest(der, (size_t)bytes, made, NULL, EVP_sha256(), NULL), 1);
        OPENSSL_free(der);
    }
    stage.vault_number = 0;
    bool fails = stage.vault_status != STATUS_OK;
    assert_true(acme_vault_done(stage.acme, number, stage.vault_status,
                                fails ? bytes_of_text("no") : bytes_make(made, count)));
}

/* ---- the server ------------------------------------------------------------------------------ */

#define ORDER(status, more)                                                                        \
    "{\"status\":\"" status "\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"" STAGE_HOST        \
    "\"}],\"authorizations\":[\"" STAGE_URL("/authorization") "\"],\"finalize\":\"" STAGE_URL(     \
        "/finalize") "\"" more "}"
#define AUTHORIZATION(status)                                                                      \
    "{\"status\":\"" status "\",\"identifier\":{\"type\":\"dns\",\"value\":\"" STAGE_HOST          \
    "\"},\"challenges\":[{\"type\":\"http-01\",\"token\":\"" TOKEN                                 \
    "\",\"url\":\"" STAGE_URL("/challenge") "\"},{\"type\":\"tls-alpn-01\",\"token\":\"" TOKEN     \
                                            "\",\"url\":\"" STAGE_URL("/challenge") "\"}]}"

static const struct {
    const char *url;
    uint32_t status;
    const char *location;
    const char *body;
} stage_answers[] = {
    {STAGE_DIRECTORY, 200, "",
     "{\"newNonce\":\"" STAGE_URL("/nonce") "\",\"newAccount\":\"" STAGE_URL(
         "/account") "\",\"newOrder\":\"" STAGE_URL("/order") "\",\"meta\":{\"termsOfService\":"
                                                              "\"https://ca.test/terms\"}}"},
    {STAGE_URL("/nonce"), 200, "", ""},
    {STAGE_URL("/account"), 201, STAGE_URL("/account/1"), "{}"},
    {STAGE_URL("/order"), 201, STAGE_URL("/order/1"), ORDER("pending", "")},
    {STAGE_URL("/challenge"), 200, "", "{}"},
    {STAGE_URL("/finalize"), 200, "", ORDER("processing", "")},
    {STAGE_URL("/order/1"), 200, "",
     ORDER("valid", ",\"certificate\":\"" STAGE_URL("/certificate") "\"")},
};

static const char *stage_body(uint32_t *ret_status, const char **ret_location)
{
    *ret_status = 200;
    *ret_location = "";
    if (strcmp(stage.url, STAGE_URL("/certificate")) == 0)
        return stage.pem.text;
    if (strcmp(stage.url, STAGE_URL("/authorization")) == 0)
        return stage.authorized ? AUTHORIZATION("valid") : AUTHORIZATION("pending");
    for (size_t i = 0; i < COUNT_OF(stage_answers); i++) {
        if (strcmp(stage_answers[i].url, stage.url) != 0)
            continue;
        *ret_status = stage_answers[i].status;
        *ret_location = stage_answers[i].location;
        return stage_answers[i].body;
    }
    fail_msg("nobody has %s", stage.url);
    return "";
}

static size_t stage_fields(char *out, size_t room, const char *location)
{
    if (strcmp(stage.url, STAGE_DIRECTORY) == 0)
        return 0;
    size_t count = (size_t)snprintf(out, room, "replay-nonce%cnonce-%u", 0, ++stage.nonces) + 1;
    if (location[0] != '\0')
        count += (size_t)snprintf(out + count, room - count, "location%c%s", 0, location) + 1;
    return count;
}

static void stage_answer_fetch(void)
{
    char fields[512];
    const char *location;
    struct deploy_fetched fetched = {0};
    uint64_t number = stage.fetch_number;
    const char *body = stage_body(&fetched.status, &location);
    if (strcmp(stage.url, STAGE_URL("/challenge")) == 0)
        stage.authorized = true;
    bool lies = stage.lie_url != NULL && strcmp(stage.lie_url, stage.url) == 0 &&
                (++stage.lied == stage.lie_at || stage.lie_at == 0);
    fetched.fields = bytes_make(fields, stage_fields(fields, sizeof(fields), location));
    if (lies) {
        fetched.failure = stage.lie_failure;
        fetched.is_lost = stage.lie_is_lost;
        fetched.status = stage.lie_status == 0 ? fetched.status : stage.lie_status;
        body = stage.lie_body == NULL ? body : stage.lie_body;
        size_t count = 0;
        while (stage.lie_fields != NULL && stage.lie_fields[count] != '\0')
            count += strlen(stage.lie_fields + count) + 1;
        if (stage.lie_fields != NULL)
            fetched.fields = bytes_make(stage.lie_fields, count);
    }
    fetched.body = bytes_of_text(body);
    stage.fetch_number = 0;
    assert_true(acme_fetched(stage.acme, number, &fetched));
}

/* ---- on and on ------------------------------------------------------------------------------- */

void stage_answer_one(void)
{
    if (stage.vault_number != 0)
        stage_answer_vault();
    else if (stage.fetch_number != 0)
        stage_answer_fetch();
}

void stage_answer(void)
{
    while (stage.vault_number != 0 || stage.fetch_number != 0)
        stage_answer_one();
}

void stage_pass(uint64_t ms)
{
    stage.fixture.now_ns += ms * (CLOCK_NS_PER_S / 1000);
    (void)acme_turn(stage.acme);
}

void stage_finish(void)
{
    uint32_t ends = stage.failures + stage.successes;
    for (uint32_t i = 0; i < 100 && stage.failures + stage.successes == ends; i++) {
        stage_answer();
        if (stage.failures + stage.successes == ends)
            stage_pass(1000);
    }
    assert_int_equal(stage.failures + stage.successes, ends + 1);
}

struct records_acme stage_state(const char *host)
{
    struct report report = REPORT_INIT;
    struct records_acme state = {0};
    enum status status = store_get_acme(stage.fixture.store, bytes_of_text(host), &state, &report);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return state;
}
