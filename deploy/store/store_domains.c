/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: which hosts a tenant wants, and which of them are proven to be its own.
 *
 *   domain_of   tenant / host    asked for: pending, until the operator or a TXT record says so
 *   domain              host     proven: there is at most one, whose tenant nobody can change
 *
 * Both change together. What is only asked for keeps nobody from anything.
 */
#include <stdio.h>

#include "deploy/store/store_private.h"

static enum status store_put_domain(const struct store_txn *txn,
                                    struct bytes tenant,
                                    struct bytes host,
                                    const struct records_domain_of *record)
{
    struct records_key key = records_domain_key(tenant, host);
    enum status status = store_put_record(txn, RECORDS_DOMAIN_OF, store_val(key.data, key.count),
                                          record, sizeof(*record));
    if (status != STATUS_OK || record->proof == DEPLOY_DOMAIN_PENDING)
        return status;
    struct records_domain domain = {.tls = record->tls, .proof = record->proof};
    memcpy(domain.tenant, tenant.data, tenant.count);
    memcpy(domain.function, record->function, sizeof(domain.function));
    return store_put_record(txn, RECORDS_DOMAIN, store_val(host.data, host.count), &domain,
                            sizeof(domain));
}

static enum status store_get_domain_of(const struct store_txn *txn,
                                       struct bytes tenant,
                                       struct bytes host,
                                       struct records_domain_of *ret_record)
{
    struct records_key key = records_domain_key(tenant, host);
    return store_get_record(txn, RECORDS_DOMAIN_OF, store_val(key.data, key.count), ret_record,
                            sizeof(*ret_record));
}

static enum status
store_no_domain(const struct store_txn *txn, struct bytes tenant, struct bytes host)
{
    return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                       "tenant `%.*s` has no domain %.*s", (int)tenant.count,
                       (const char *)tenant.data, (int)host.count, (const char *)host.data);
}

/* What a star would cover may be proven apart from it, so only the host itself is asked for. */
static enum status
store_check_domain_owner(const struct store_txn *txn, struct bytes tenant, struct bytes host)
{
    char owner[DEPLOY_NAME_BYTES];
    enum status status = store_find_exact_owner(txn, host, owner);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && bytes_equal_text(tenant, owner)))
        return STATUS_OK;
    return status != STATUS_OK ? status
                               : report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                                             "host %.*s is another tenant's", (int)host.count,
                                             (const char *)host.data);
}

enum status store_turn_domain(const struct store_txn *txn,
                              struct bytes tenant,
                              struct bytes host,
                              enum deploy_domain_tls tls)
{
    struct records_domain_of record;
    enum status status = store_get_domain_of(txn, tenant, host, &record);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    record.tls = tls;
    return store_put_domain(txn, tenant, host, &record);
}

/* ---- walks ----------------------------------------------------------------------------------- */

struct store_domains_walk {
    struct bytes tenant;
    struct bytes after; /* empty: from the start */
    bool (*visit)(void *context, const struct store_domain *domain);
    void *context;
};

static enum status store_walk_domains(const struct store_txn *txn,
                                      const struct store_domains_walk *walk)
{
    MDB_cursor *cursor;
    MDB_val value;
    struct store_domain domain;
    struct records_key prefix = records_domain_key(walk->tenant, bytes_make("", 0));
    struct records_key from = records_domain_key(walk->tenant, walk->after);
    MDB_val key = store_val(from.data, from.count);
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_DOMAIN_OF], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; status == STATUS_OK && rc == 0 && key.mv_size > prefix.count &&
           memcmp(key.mv_data, prefix.data, prefix.count) == 0;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct bytes host =
            bytes_make((const uint8_t *)key.mv_data + prefix.count, key.mv_size - prefix.count);
        if (bytes_equal(host, walk->after))
            continue;
        if (value.mv_size != sizeof(domain.record) || host.count >= sizeof(domain.host)) {
            status = report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                                 "the store is damaged: a domain has the wrong form");
            break;
        }
        memcpy(domain.host, host.data, host.count);
        domain.host[host.count] = '\0';
        memcpy(&domain.record, value.mv_data, sizeof(domain.record));
        if (!walk->visit(walk->context, &domain))
            break;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && rc != 0 && rc != MDB_NOTFOUND)
        status = store_status(rc, txn->report);
    return status;
}

static bool store_count_pending(void *context, const struct store_domain *domain)
{
    uint32_t *count = context;
    *count += domain->record.proof == DEPLOY_DOMAIN_PENDING ? 1 : 0;
    return *count < STORE_PENDING_MAX;
}

static enum status store_check_pending(const struct store_txn *txn, struct bytes tenant)
{
    uint32_t count = 0;
    const struct store_domains_walk walk = {
        .tenant = tenant, .visit = store_count_pending, .context = &count};
    enum status status = store_walk_domains(txn, &walk);
    if (status != STATUS_OK || count < STORE_PENDING_MAX)
        return status;
    return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                       "a tenant can have %d domains that are not proven: prove or remove one",
                       STORE_PENDING_MAX);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Is there what the order names? */
static enum status store_check_domain_order(const struct store_txn *txn,
                                            const struct store_domain_order *order)
{
    struct records_function function;
    struct records_tenant tenant;
    const struct store_target target = {.tenant = order->tenant, .function = order->function};
    if (order->function.count > 0)
        return store_find_function(txn, &target, &function);
    enum status status =
        store_get_record(txn, RECORDS_TENANT, store_val(order->tenant.data, order->tenant.count),
                         &tenant, sizeof(tenant));
    return status != STATUS_NOT_FOUND
               ? status
               : report_fail(txn->report, status, REPORT_OFFSET_NONE, "there is no tenant `%.*s`",
                             (int)order->tenant.count, (const char *)order->tenant.data);
}

static enum status store_change_set_domain(struct store_txn *txn, void *context)
{
    const struct store_domain_order *order = context;
    struct records_domain_of record = {.created_ns = txn->now_ns};
    enum status status = store_check_domain_order(txn, order);
    if (status == STATUS_OK)
        status = store_check_domain_owner(txn, order->tenant, order->host);
    if (status != STATUS_OK)
        return status;
    status = store_get_domain_of(txn, order->tenant, order->host, &record);
    if (status == STATUS_NOT_FOUND) {
        (void)snprintf(record.challenge, sizeof(record.challenge), "%s", order->challenge);
        status = order->by_operator ? STATUS_OK : store_check_pending(txn, order->tenant);
    }
    if (order->by_operator && record.proof == DEPLOY_DOMAIN_PENDING) {
        record.proof = DEPLOY_DOMAIN_OPERATOR;
        record.proven_ns = txn->now_ns;
    }
    record.tls = order->tls;
    memset(record.function, 0, sizeof(record.function));
    if (order->function.count > 0)
        memcpy(record.function, order->function.data, order->function.count);
    if (status == STATUS_OK)
        status = store_put_domain(txn, order->tenant, order->host, &record);
    /* Perhaps what was wrong with it is mended: its certificate is ordered anew. */
    if (status == STATUS_OK && record.proof != DEPLOY_DOMAIN_PENDING)
        status =
            store_delete_record(txn, RECORDS_ACME, store_val(order->host.data, order->host.count));
    const struct store_target target = {.tenant = order->tenant, .function = order->function};
    const struct store_logged logged = {.action = "domain", .target = &target, .name = order->host};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status
store_set_domain(struct store *store, const struct store_domain_order *order, struct report *report)
{
    struct store_domain_order copy = *order;
    const struct store_target target = {.tenant = order->tenant, .function = order->function};
    return store_write(store, &target, store_change_set_domain, &copy, false, report);
}

struct store_domain_name {
    struct bytes tenant;
    struct bytes host;
};

static enum status store_change_prove_domain(struct store_txn *txn, void *context)
{
    const struct store_domain_name *name = context;
    struct records_domain_of record;
    enum status status = store_get_domain_of(txn, name->tenant, name->host, &record);
    if (status == STATUS_NOT_FOUND)
        return store_no_domain(txn, name->tenant, name->host);
    if (status == STATUS_OK)
        status = store_check_domain_owner(txn, name->tenant, name->host);
    if (status != STATUS_OK)
        return status;
    record.proof = DEPLOY_DOMAIN_DNS;
    record.proven_ns = txn->now_ns;
    status = store_put_domain(txn, name->tenant, name->host, &record);
    const struct store_target target = {.tenant = name->tenant};
    const struct store_logged logged = {
        .action = "domain_proven", .target = &target, .name = name->host};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_prove_domain(struct store *store,
                               struct bytes tenant,
                               struct bytes host,
                               struct report *report)
{
    struct store_domain_name name = {.tenant = tenant, .host = host};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_prove_domain, &name, false, report);
}

/* NOT_FOUND, without a report, if there is none. */
static enum status
store_remove_domain(const struct store_txn *txn, struct bytes tenant, struct bytes host)
{
    struct records_domain_of record;
    struct records_key key = records_domain_key(tenant, host);
    enum status status = store_get_domain_of(txn, tenant, host, &record);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_DOMAIN_OF, store_val(key.data, key.count));
    if (status != STATUS_OK || record.proof == DEPLOY_DOMAIN_PENDING)
        return status;
    status = store_delete_record(txn, RECORDS_DOMAIN, store_val(host.data, host.count));
    if (status == STATUS_OK)
        status = store_drop_acme(txn, host);
    return status == STATUS_OK ? store_drop_certificate_of(txn, tenant, host) : status;
}

static bool store_first_domain(void *context, const struct store_domain *domain)
{
    struct store_domain *first = context;
    *first = *domain;
    return false;
}

/* One by one: each removal ends what a walk shows. */
enum status store_drop_domains(const struct store_txn *txn, struct bytes tenant)
{
    for (;;) {
        struct store_domain first = {0};
        const struct store_domains_walk walk = {
            .tenant = tenant, .visit = store_first_domain, .context = &first};
        enum status status = store_walk_domains(txn, &walk);
        if (status != STATUS_OK || first.host[0] == '\0')
            return status;
        status = store_remove_domain(txn, tenant, bytes_of_text(first.host));
        if (status != STATUS_OK)
            return status;
    }
}

static enum status store_change_delete_domain(struct store_txn *txn, void *context)
{
    const struct store_domain_name *name = context;
    enum status status = store_remove_domain(txn, name->tenant, name->host);
    if (status == STATUS_NOT_FOUND)
        return store_no_domain(txn, name->tenant, name->host);
    const struct store_target target = {.tenant = name->tenant};
    const struct store_logged logged = {
        .action = "undomain", .target = &target, .name = name->host};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_delete_domain(struct store *store,
                                struct bytes tenant,
                                struct bytes host,
                                struct report *report)
{
    struct store_domain_name name = {.tenant = tenant, .host = host};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_delete_domain, &name, true, report);
}

/* ---- questions ------------------------------------------------------------------------------- */

enum status store_get_domain(struct store *store,
                             struct bytes tenant,
                             struct bytes host,
                             struct report *report,
                             struct store_domain *ret_domain)
{
    struct store_txn txn;
    struct store_domain found = {0};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    ASSERT(host.count < sizeof(found.host));
    memcpy(found.host, host.data, host.count);
    status = store_get_domain_of(&txn, tenant, host, &found.record);
    if (status == STATUS_NOT_FOUND)
        (void)store_no_domain(&txn, tenant, host);
    if (status == STATUS_OK)
        *ret_domain = found;
    store_end_read(&txn);
    return status;
}

enum status store_list_domains(struct store *store,
                               struct bytes tenant,
                               struct bytes after,
                               bool (*visit)(void *context, const struct store_domain *),
                               void *context,
                               struct report *report)
{
    struct store_txn txn;
    const struct store_domains_walk walk = {
        .tenant = tenant, .after = after, .visit = visit, .context = context};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_walk_domains(&txn, &walk);
    store_end_read(&txn);
    return status;
}

/* False: it is none. */
static bool store_read_domain(MDB_val key, MDB_val value, struct store_domain *ret_domain)
{
    const uint8_t *slash = memchr(key.mv_data, '/', key.mv_size);
    if (slash == NULL || value.mv_size != sizeof(ret_domain->record))
        return false;
    size_t tenant = (size_t)(slash - (const uint8_t *)key.mv_data);
    size_t host = key.mv_size - tenant - 1;
    if (tenant >= DEPLOY_NAME_BYTES || host >= sizeof(ret_domain->host))
        return false;
    memcpy(ret_domain->host, slash + 1, host);
    ret_domain->host[host] = '\0';
    memcpy(&ret_domain->record, value.mv_data, sizeof(ret_domain->record));
    return true;
}

enum status store_walk_all_domains(struct store *store,
                                   bool (*visit)(void *context,
                                                 struct bytes tenant,
                                                 const struct store_domain *domain),
                                   void *context,
                                   struct report *report)
{
    struct store_txn txn;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    struct store_domain domain;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_open(txn.mdb, store->dbi[RECORDS_DOMAIN_OF], &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (!store_read_domain(key, value, &domain))
            continue; /* damage, which whoever uses it says */
        struct bytes tenant = bytes_make(key.mv_data, key.mv_size - strlen(domain.host) - 1);
        if (!visit(context, tenant, &domain))
            break;
    }
    mdb_cursor_close(cursor);
    status = rc == 0 || rc == MDB_NOTFOUND ? STATUS_OK : store_status(rc, report);
    store_end_read(&txn);
    return status;
}
