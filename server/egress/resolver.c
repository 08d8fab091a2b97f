/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to evdns, and a table of what was answered lately: a name has one place in it.
 */
#include "server/egress/resolver.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "engine/base/hash.h"

#define RESOLVER_CONF "/etc/resolv.conf"

struct resolver_row {
    char host[CONFIG_URL_HOST_BYTES];
    uint64_t until_ns;
    struct resolver_answer answer;
};

struct resolver {
    const struct clock *clock;
    struct evdns_base *dns;
    uint64_t seed;
    struct resolver_row rows[RESOLVER_ROWS];
};

struct resolver_query {
    struct resolver *resolver;
    struct evdns_getaddrinfo_request *request;
    resolver_done *done; /* NULL: nobody wants to know any more */
    void *context;
    bool answered; /* before it was known to be asked */
    struct resolver_answer answer;
    char host[CONFIG_URL_HOST_BYTES];
};

/* ---- what is known --------------------------------------------------------------------------- */

static struct resolver_row *resolver_row(struct resolver *resolver, const char *host)
{
    uint64_t hash = hash_bytes(resolver->seed, bytes_of_text(host));
    return &resolver->rows[hash % RESOLVER_ROWS];
}

static void resolver_remember(struct resolver_query *query)
{
    struct resolver_row *row = resolver_row(query->resolver, query->host);
    memcpy(row->host, query->host, sizeof(row->host));
    row->answer = query->answer;
    row->until_ns = clock_monotonic_ns(query->resolver->clock) + RESOLVER_KEPT_NS;
}

static void resolver_add(struct resolver_answer *answer, const struct sockaddr *address)
{
    size_t bytes = 0;
    if (address->sa_family == AF_INET)
        bytes = sizeof(struct sockaddr_in);
    if (address->sa_family == AF_INET6)
        bytes = sizeof(struct sockaddr_in6);
    if (bytes > 0 && answer->count < RESOLVER_ADDRESSES_MAX)
        memcpy(&answer->rows[answer->count++], address, bytes);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void resolver_on_answer(int error, struct evutil_addrinfo *list, void *context)
{
    struct resolver_query *query = context;
    struct resolver_answer *answer = &query->answer;
    for (struct evutil_addrinfo *row = list; row != NULL; row = row->ai_next)
        resolver_add(answer, row->ai_addr);
    if (list != NULL)
        evutil_freeaddrinfo(list);
    if (answer->count == 0)
        (void)snprintf(answer->text, sizeof(answer->text), "%s",
                       error == 0 ? "it has no address" : evutil_gai_strerror(error));
    else
        resolver_remember(query);
    query->answered = true;
    if (query->request == NULL)
        return; /* resolver_ask has not returned */
    if (query->done != NULL)
        query->done(query->context, answer);
    free(query);
}

bool resolver_ask(struct resolver *resolver,
                  const char *host,
                  resolver_done *done,
                  void *context,
                  struct resolver_answer *ret_answer,
                  struct resolver_query **ret_query)
{
    const struct resolver_row *row = resolver_row(resolver, host);
    *ret_query = NULL;
    if (strcmp(row->host, host) == 0 && row->until_ns > clock_monotonic_ns(resolver->clock)) {
        *ret_answer = row->answer;
        return true;
    }
    struct resolver_query *query = calloc(1, sizeof(*query));
    if (query == NULL) {
        *ret_answer = (struct resolver_answer){.text = "out of memory"};
        return true;
    }
    query->resolver = resolver;
    query->done = done;
    query->context = context;
    (void)snprintf(query->host, sizeof(query->host), "%s", host);
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_ADDRCONFIG};
    query->request =
        evdns_getaddrinfo(resolver->dns, host, NULL, &hints, resolver_on_answer, query);
    if (query->answered || query->request == NULL) {
        *ret_answer = query->answer;
        free(query);
        return true;
    }
    *ret_query = query;
    return false;
}

void resolver_cancel(struct resolver_query *query)
{
    query->done = NULL;
    evdns_getaddrinfo_cancel(query->request);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void resolver_quiet(int severity, const char *text)
{
    (void)severity;
    (void)text;
}

enum status resolver_create(struct event_base *base,
                            const struct clock *clock,
                            const char *nameserver,
                            struct report *report,
                            struct resolver **ret_resolver)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver != NULL)
        resolver->dns = evdns_base_new(base, 0);
    if (resolver == NULL || resolver->dns == NULL) {
        free(resolver);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    evdns_set_log_fn(resolver_quiet);
    resolver->clock = clock;
    resolver->seed = hash_seed(clock);
    (void)evdns_base_load_hosts(resolver->dns, "/etc/hosts");
    struct config_address address;
    if (nameserver[0] == '\0') {
        /* Without one that can be read, the server of this machine is asked. */
        (void)evdns_base_resolv_conf_parse(resolver->dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC,
                                           RESOLVER_CONF);
    } else if (!config_address_parse(nameserver, &address) ||
               evdns_base_nameserver_sockaddr_add(resolver->dns,
                                                  (const struct sockaddr *)&address.storage,
                                                  address.length, 0) != 0) {
        resolver_free(resolver);
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "outbound.nameserver is no address that can be asked");
    }
    *ret_resolver = resolver;
    return STATUS_OK;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    evdns_base_free(resolver->dns, 1);
    free(resolver);
}
