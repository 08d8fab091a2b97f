/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row for each question under way; one without an answer makes room for the next after a while.
 */
#include "deploy/proofs.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

#define PROOFS_ROWS      64
#define PROOFS_PATIENCE  (60 * CLOCK_NS_PER_S)
#define PROOFS_SEED      7 /* any: it is only to spread names */
#define PROOFS_NAME_ROOM (DEPLOY_HOST_BYTES + sizeof(DEPLOY_TXT_NAME))

/* How often one is looked for, by its age: the first row that it is younger than. */
static const struct {
    uint64_t younger_s;
    uint64_t turns; /* from one look to the next */
} proofs_pace[] = {{600, 1}, {3600, 4}, {86400, 30}, {604800, 120}};

struct proofs_row {
    uint64_t number; /* 0: free */
    uint64_t until_ns;
    char tenant[DEPLOY_NAME_BYTES];
    char host[DEPLOY_HOST_BYTES];
    char challenge[DEPLOY_CHALLENGE_BYTES];
};

struct proofs {
    struct proofs_options options;
    struct event *timer;
    bool started;
    char looked[DEPLOY_NAME_BYTES]; /* the tenant that has asked; "": none */
    uint64_t turn;
    uint64_t numbers; /* ever */
    struct proofs_row rows[PROOFS_ROWS];
};

/* ---- whose turn it is ------------------------------------------------------------------------ */

static bool proofs_is_due(const struct proofs *proofs, const struct store_domain *domain)
{
    uint64_t now_ns = clock_realtime_ns(proofs->options.clock);
    uint64_t created_ns = domain->record.created_ns;
    uint64_t age_s = (now_ns > created_ns ? now_ns - created_ns : 0) / CLOCK_NS_PER_S;
    uint64_t hash = hash_bytes(PROOFS_SEED, bytes_of_text(domain->host));
    for (size_t i = 0; i < COUNT_OF(proofs_pace); i++) {
        if (age_s < proofs_pace[i].younger_s)
            return (proofs->turn + hash) % proofs_pace[i].turns == 0;
    }
    return false;
}

/* NULL: too many are under way, or this one is. */
static struct proofs_row *
proofs_free_row(struct proofs *proofs, struct bytes tenant, const char *host)
{
    struct proofs_row *found = NULL;
    uint64_t now_ns = clock_monotonic_ns(proofs->options.clock);
    for (size_t i = 0; i < PROOFS_ROWS; i++) {
        struct proofs_row *row = &proofs->rows[i];
        if (row->number != 0 && row->until_ns <= now_ns)
            row->number = 0;
        if (row->number != 0 && strcmp(row->host, host) == 0 &&
            bytes_equal_text(tenant, row->tenant))
            return NULL;
        if (found == NULL && row->number == 0)
            found = row;
    }
    return found;
}

/* A star is proven by the name behind it. */
static void
proofs_ask(struct proofs *proofs, struct bytes tenant, const struct store_domain *domain)
{
    char name[PROOFS_NAME_ROOM];
    const struct proofs_options *options = &proofs->options;
    struct proofs_row *row = proofs_free_row(proofs, tenant, domain->host);
    if (row == NULL || tenant.count >= sizeof(row->tenant))
        return;
    const char *host = domain->host[0] == '*' ? domain->host + 2 : domain->host;
    int count = snprintf(name, sizeof(name), DEPLOY_TXT_NAME "%s", host);
    *row = (struct proofs_row){.number = PROOFS_NUMBER | ++proofs->numbers,
                               .until_ns = clock_monotonic_ns(options->clock) + PROOFS_PATIENCE};
    memcpy(row->tenant, tenant.data, tenant.count);
    memcpy(row->host, domain->host, sizeof(row->host));
    memcpy(row->challenge, domain->record.challenge, sizeof(row->challenge));
    if (count >= DEPLOY_HOST_BYTES ||
        !options->ask(options->context, bytes_make(name, (size_t)count), row->number))
        row->number = 0;
}

static bool proofs_visit(void *context, struct bytes tenant, const struct store_domain *domain)
{
    struct proofs *proofs = context;
    bool is_looked = proofs->looked[0] != '\0' && bytes_equal_text(tenant, proofs->looked);
    if (domain->record.proof == DEPLOY_DOMAIN_PENDING &&
        (is_looked || (proofs->looked[0] == '\0' && proofs_is_due(proofs, domain))))
        proofs_ask(proofs, tenant, domain);
    return true;
}

static void proofs_walk(struct proofs *proofs)
{
    struct report report = REPORT_INIT;
    /* A store that cannot be read says so wherever it is asked for something. */
    (void)!store_walk_all_domains(proofs->options.store, proofs_visit, proofs, &report);
}

static void proofs_arm(const struct proofs *proofs, uint64_t seconds)
{
    const struct timeval wait = {.tv_sec = (time_t)seconds};
    if (proofs->timer != NULL)
        (void)event_add(proofs->timer, &wait);
}

void proofs_turn(struct proofs *proofs)
{
    bool was_asked = proofs->looked[0] != '\0';
    if (!proofs->started)
        return;
    proofs->turn += was_asked ? 0 : 1;
    proofs_walk(proofs);
    proofs->looked[0] = '\0';
    proofs_arm(proofs, PROOFS_TURN_S);
}

static void proofs_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    proofs_turn(context);
}

void proofs_look(struct proofs *proofs, struct bytes tenant)
{
    if (tenant.count == 0 || tenant.count >= sizeof(proofs->looked))
        return;
    memcpy(proofs->looked, tenant.data, tenant.count);
    proofs->looked[tenant.count] = '\0';
    if (proofs->started)
        proofs_arm(proofs, 0); /* not from within a change of the store */
}

void proofs_start(struct proofs *proofs)
{
    proofs->started = true;
    proofs_arm(proofs, 0);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool proofs_says(struct bytes list, const char *challenge)
{
    char wanted[sizeof(DEPLOY_TXT_VALUE) + DEPLOY_CHALLENGE_BYTES];
    (void)snprintf(wanted, sizeof(wanted), DEPLOY_TXT_VALUE "%s", challenge);
    while (list.count > 0) {
        const uint8_t *end = memchr(list.data, '\0', list.count);
        size_t count = end == NULL ? list.count : (size_t)(end - list.data);
        if (bytes_equal_text(bytes_make(list.data, count), wanted))
            return true;
        size_t used = MIN(count + 1, list.count);
        list = bytes_make(list.data + used, list.count - used);
    }
    return false;
}

static void proofs_prove(const struct proofs *proofs, const struct proofs_row *row)
{
    static const struct store_actor actor = {.who = "dns", .from = "", .request = ""};
    struct report report = REPORT_INIT;
    struct store_domain now;
    struct store *store = proofs->options.store;
    struct bytes tenant = bytes_of_text(row->tenant);
    struct bytes host = bytes_of_text(row->host);
    /* It may have gone and come again meanwhile, with another challenge. */
    if (store_get_domain(store, tenant, host, &report, &now) != STATUS_OK ||
        now.record.proof != DEPLOY_DOMAIN_PENDING ||
        strcmp(now.record.challenge, row->challenge) != 0)
        return;
    store_act_as(store, &actor);
    /* Another tenant's, or no room: it stays pending, and has its turn again. */
    (void)!store_prove_domain(store, tenant, host, &report);
    store_act_as(store, NULL);
}

void proofs_texts(struct proofs *proofs, uint64_t number, struct bytes list)
{
    for (size_t i = 0; i < PROOFS_ROWS; i++) {
        struct proofs_row row = proofs->rows[i];
        if (row.number != number || number == 0)
            continue;
        proofs->rows[i].number = 0;
        if (proofs_says(list, row.challenge))
            proofs_prove(proofs, &row);
        return;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

enum status proofs_create(const struct proofs_options *options,
                          struct report *report,
                          struct proofs **ret_proofs)
{
    struct proofs *proofs = calloc(1, sizeof(*proofs));
    if (proofs != NULL) {
        proofs->options = *options;
        if (options->base != NULL)
            proofs->timer = event_new(options->base, -1, 0, proofs_on_timer, proofs);
    }
    if (proofs == NULL || (options->base != NULL && proofs->timer == NULL)) {
        proofs_free(proofs);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    *ret_proofs = proofs;
    return STATUS_OK;
}

void proofs_free(struct proofs *proofs)
{
    if (proofs != NULL && proofs->timer != NULL)
        event_free(proofs->timer);
    free(proofs);
}
