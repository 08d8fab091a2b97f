/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts are due, orders from their begin to their end, and when to look again.
 */
#include "deploy/acme/acme.h"

#include <event2/event.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/url.h"
#include "deploy/acme/acme_private.h"
#include "engine/base/hex.h"

#define ACME_AGAIN_S 3600 /* after a certificate, however short its life */
#define ACME_NEVER   UINT64_MAX

uint64_t acme_now_ns(const struct acme *acme)
{
    return clock_monotonic_ns(acme->options.clock);
}

static void acme_arm(struct acme *acme)
{
    struct timeval wait;
    uint64_t now = acme_now_ns(acme);
    uint64_t next = acme->started ? acme->look_ns : ACME_NEVER;
    if (acme->timer == NULL)
        return;
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        next = MIN(next, order->wait == ACME_WAIT_TIME ? order->wake_ns : order->deadline_ns);
    }
    if (next == ACME_NEVER)
        return;
    uint64_t wait_us = next > now ? (next - now) / CLOCK_NS_PER_US + 1 : 0;
    wait = (struct timeval){.tv_sec = (time_t)(wait_us / CLOCK_US_PER_S),
                            .tv_usec = (suseconds_t)(wait_us % CLOCK_US_PER_S)};
    (void)event_add(acme->timer, &wait);
}

static void acme_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    (void)acme_turn(context);
}

/* ---- which are due --------------------------------------------------------------------------- */

struct acme_due {
    struct acme *acme;
    uint64_t now_ns;  /* since 1970 */
    uint64_t next_ns; /* the first that is to come; the same clock */
    uint32_t room;
    uint32_t count;
    struct acme_order orders[ACME_ORDERS_MAX];
};

static bool acme_is_under_way(const struct acme *acme, struct bytes host)
{
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        if (bytes_equal_text(host, order->host))
            return true;
    }
    return false;
}

/* When its next certificate is to be ordered, but for what failed. Somebody else's is left alone as
 * long as it is good. */
static uint64_t acme_due_ns(const struct store_acme_domain *domain)
{
    const struct records_certificate *certificate = &domain->certificate;
    if (!domain->has_certificate)
        return 0;
    uint64_t life_s =
        certificate->not_after_s - MIN(certificate->not_before_s, certificate->not_after_s);
    uint64_t due_s = certificate->origin == DEPLOY_CERTIFICATE_ACME
                         ? certificate->not_after_s - life_s / 3
                         : certificate->not_after_s;
    return MIN(due_s, UINT64_MAX / CLOCK_NS_PER_S) * CLOCK_NS_PER_S;
}

/* With two ways to prove a host they take turns as one fails. */
static bool acme_goes_by_alpn(const struct acme *acme, uint32_t failures)
{
    const struct config *config = acme->options.config;
    bool has_plain = false;
    bool is_tls = false;
    if (strcmp(config->acme_challenge, ACME_CHALLENGE_HTTP) == 0)
        return false;
    if (strcmp(config->acme_challenge, ACME_CHALLENGE_ALPN) == 0)
        return true;
    for (uint32_t i = 0; i < config->listen_count; i++) {
        (void)config_listen_address(config->listen[i], &is_tls);
        has_plain |= !is_tls;
    }
    return !has_plain || (config_speaks_tls(config) && failures % 2 == 1);
}

static bool acme_visit(void *context, const struct store_acme_domain *domain)
{
    struct acme_due *due = context;
    uint64_t at_ns = MAX(acme_due_ns(domain), domain->state.next_ns);
    if (domain->host.data[0] == '*' || acme_is_under_way(due->acme, domain->host))
        return true;
    if (at_ns > due->now_ns) {
        due->next_ns = MIN(due->next_ns, at_ns);
        return true;
    }
    if (due->count == due->room)
        return false; /* when one of them ends */
    struct acme_order *order = &due->orders[due->count++];
    *order = (struct acme_order){.failures = domain->state.failures};
    order->by_alpn = acme_goes_by_alpn(due->acme, order->failures);
    memcpy(order->host, domain->host.data, domain->host.count);
    memcpy(order->tenant, domain->tenant.data, domain->tenant.count);
    return true;
}

static void acme_look_at_all(struct acme *acme, uint64_t now_ns)
{
    struct report report = REPORT_INIT;
    struct acme_due *due = calloc(1, sizeof(*due));
    acme->look_ns = now_ns + ACME_LOOK_NS;
    if (due == NULL)
        return;
    due->acme = acme;
    due->now_ns = clock_realtime_ns(acme->options.clock);
    due->next_ns = ACME_NEVER;
    /* The first order makes the account for all. */
    due->room = (acme->kid[0] == '\0' ? 1 : ACME_ORDERS_MAX);
    due->room -= MIN(due->room, acme->order_count);
    if (store_walk_acme(acme->options.store, acme_visit, due, &report) != STATUS_OK)
        acme->options.tell(acme->options.context, true, "", report.text);
    if (due->next_ns != ACME_NEVER)
        acme->look_ns = MIN(acme->look_ns, now_ns + (due->next_ns - due->now_ns));
    for (uint32_t i = 0; i < due->count; i++) {
        if (!acme_order_begin(acme, &due->orders[i]))
            break;
    }
    free(due);
}

uint64_t acme_turn(struct acme *acme)
{
    uint64_t now = acme_now_ns(acme);
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        acme_order_turn(order, now);
    }
    if (acme->started && now >= acme->look_ns)
        acme_look_at_all(acme, now);
    acme_arm(acme);
    uint64_t next = acme->started ? acme->look_ns : ACME_NEVER;
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        next = MIN(next, order->wait == ACME_WAIT_TIME ? order->wake_ns : order->deadline_ns);
    }
    return next;
}

/* ---- ends ------------------------------------------------------------------------------------ */

void acme_remove_key(struct acme *acme, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    hex_encode(key, DEPLOY_SHA256_BYTES, name);
    const struct deploy_vault_order wanted = {.verb = DEPLOY_VAULT_KEY_REMOVE,
                                              .name = bytes_of_text(name)};
    /* Nobody waits for the answer; what is left then is named by nothing. */
    (void)acme->options.ask(acme->options.context, &wanted, ACME_NUMBER | ++acme->numbers);
}

static uint64_t acme_back_off_s(uint32_t failures, uint64_t retry_s)
{
    uint64_t wait_s = (uint64_t)ACME_BACKOFF_S << MIN(failures, 16U);
    return MAX(MIN(wait_s, (uint64_t)ACME_BACKOFF_S_MAX), retry_s);
}

/* What is remembered of the host. */
static void
acme_remember(const struct acme_order *order, const char *failure, uint64_t retry_s, bool counts)
{
    const struct acme_options *options = &order->acme->options;
    struct report report = REPORT_INIT;
    uint64_t wait_s = failure == NULL ? ACME_AGAIN_S
                      : counts        ? acme_back_off_s(order->failures, retry_s)
                                      : ACME_SOON_S;
    struct records_acme record = {
        .next_ns = clock_realtime_ns(options->clock) + wait_s * CLOCK_NS_PER_S,
        .failures = failure == NULL ? 0 : order->failures + (counts ? 1 : 0)};
    if (failure != NULL)
        (void)snprintf(record.error, sizeof(record.error), "%s", failure);
    if (store_set_acme(options->store, bytes_of_text(order->host), &record, &report) != STATUS_OK)
        options->tell(options->context, true, order->host, report.text);
}

void acme_ended(struct acme_order *order, const char *failure, uint64_t retry_s, bool counts)
{
    struct acme *acme = order->acme;
    const struct acme_options *options = &acme->options;
    struct report report = REPORT_INIT;
    if (order->has_challenge &&
        store_set_challenge(options->store, bytes_of_text(order->host), NULL, &report) != STATUS_OK)
        options->tell(options->context, true, order->host, report.text);
    if (order->has_proof_key)
        acme_remove_key(acme, order->proof_key);
    if (order->has_key)
        acme_remove_key(acme, order->key);
    acme_remember(order, failure, retry_s, counts);
    options->tell(options->context, failure != NULL, order->host,
                  failure != NULL ? failure : "a certificate came by ACME");
    acme_order_free(order);
    acme->look_ns = acme_now_ns(acme);
    acme_arm(acme);
}

/* ---- what others call ------------------------------------------------------------------------ */

static struct acme_order *acme_find(const struct acme *acme, uint64_t number)
{
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        if (order->number == number)
            return order;
    }
    return NULL;
}

bool acme_vault_done(struct acme *acme, uint64_t number, enum status status, struct bytes text)
{
    if ((number & ACME_NUMBER) == 0)
        return false;
    struct acme_order *order = acme_find(acme, number);
    if (order == NULL)
        return true;
    acme_order_vault(order, status, text);
    acme_arm(acme);
    return true;
}

bool acme_fetched(struct acme *acme, uint64_t number, const struct deploy_fetched *fetched)
{
    if ((number & ACME_NUMBER) == 0)
        return false;
    struct acme_order *order = acme_find(acme, number);
    if (order == NULL)
        return true;
    acme_order_fetched(order, fetched);
    acme_arm(acme);
    return true;
}

void acme_vault_lost(struct acme *acme)
{
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        if (order->wait == ACME_WAIT_VAULT || order->wait == ACME_WAIT_SIGNATURE)
            acme_order_vault(order, STATUS_UNREACHABLE, bytes_of_text("it has ended"));
    }
}

void acme_start(struct acme *acme)
{
    if (acme->options.config->acme_directory[0] == '\0')
        return;
    acme->started = true;
    acme_look(acme);
}

void acme_look(struct acme *acme)
{
    acme->look_ns = acme_now_ns(acme);
    acme_arm(acme);
}

static enum status acme_set_up(struct acme *acme, struct report *report)
{
    struct config_url url;
    const char *directory = acme->options.config->acme_directory;
    if (directory[0] == '\0')
        return STATUS_OK;
    enum status status = config_url_parse(bytes_of_text(directory), report, &url);
    if (status != STATUS_OK)
        return status;
    char origin[CONFIG_URL_ORIGIN_BYTES];
    config_url_origin(&url, origin);
    (void)snprintf(acme->rule, sizeof(acme->rule), "%s", origin);
    if (EVP_Digest(directory, strlen(directory), acme->account, NULL, EVP_sha256(), NULL) != 1)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

enum status
acme_create(const struct acme_options *options, struct report *report, struct acme **ret_acme)
{
    struct acme *acme = calloc(1, sizeof(*acme));
    if (acme == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    acme->options = *options;
    enum status status = acme_set_up(acme, report);
    if (status == STATUS_OK && options->base != NULL) {
        acme->timer = event_new(options->base, -1, 0, acme_on_timer, acme);
        if (acme->timer == NULL)
            status = report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    if (status == STATUS_OK)
        *ret_acme = acme;
    else
        acme_free(acme);
    return status;
}

void acme_free(struct acme *acme)
{
    if (acme == NULL)
        return;
    LIST_FOREACH(order, &acme->orders, struct acme_order, link) {
        acme_order_free(order);
    }
    if (acme->timer != NULL)
        event_free(acme->timer);
    free(acme);
}
