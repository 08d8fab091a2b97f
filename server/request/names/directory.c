/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set-associative cache (SETS x WAYS, the least recently used way is replaced) and a
 * hash table of tenants.
 *
 * Bounds: the cache's size is fixed; tenants are at most those in the cache plus those with
 * requests under way.
 */
#include "server/request/names/directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "server/world/guest_files.h"

#define DIRECTORY_SETS    2048 /* powers of two */
#define DIRECTORY_WAYS    4
#define DIRECTORY_BUCKETS 4096
/* With the guests' view of environment and files. */
#define DIRECTORY_ARENA_BYTES (DEPLOY_ENTRY_ARENA_BYTES + 65536 + 4 * DEPLOY_FILES_BYTES_MAX)

struct directory {
    struct deploy_catalog *catalog;
    const char *data_dir;
    uint32_t cpu_share; /* of a tenant that has none of its own */
    uint64_t seed;
    uint64_t uses;
    struct directory_function *warm_first;  /* with warm starts to tell of */
    struct directory_function *tally_first; /* with answers to tell of */
    struct directory_function *cache[DIRECTORY_SETS][DIRECTORY_WAYS];
    struct directory_tenant *tenants[DIRECTORY_BUCKETS];
};

/* What is looked for, turned into bytes and hashed once. */
struct directory_names {
    struct bytes tenant;
    struct bytes function; /* as it is asked for: "v3--hello", too */
    uint64_t tenant_hash;
    uint64_t hash; /* of both */
};

enum status directory_create(struct deploy_catalog *catalog,
                             const char *data_dir,
                             uint32_t cpu_share,
                             struct directory **ret_directory)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    if (directory == NULL)
        return STATUS_NO_MEMORY;
    directory->catalog = catalog;
    directory->data_dir = data_dir;
    directory->cpu_share = cpu_share;
    directory->seed = hash_seed(&clock_system);
    *ret_directory = directory;
    return STATUS_OK;
}

/* ---- tenants --------------------------------------------------------------------------------- */

static struct directory_tenant *directory_tenant(struct directory *directory,
                                                 const struct directory_names *names)
{
    uint64_t hash = names->tenant_hash;
    struct directory_tenant **bucket = &directory->tenants[hash & (DIRECTORY_BUCKETS - 1)];
    for (struct directory_tenant *tenant = *bucket; tenant != NULL; tenant = tenant->next) {
        if (tenant->hash == hash && bytes_equal(tenant->name, names->tenant))
            return tenant;
    }
    struct directory_tenant *tenant = calloc(1, sizeof(*tenant));
    if (tenant == NULL)
        return NULL;
    tenant->hash = hash;
    memcpy(tenant->name_text, names->tenant.data, names->tenant.count);
    tenant->name = bytes_make(tenant->name_text, names->tenant.count);
    scheduler_tenant_init(&tenant->schedule);
    tenant->next = *bucket;
    *bucket = tenant;
    return tenant;
}

void directory_sweep(struct directory *directory)
{
    for (size_t i = 0; i < DIRECTORY_BUCKETS; i++) {
        struct directory_tenant **link = &directory->tenants[i];
        while (*link != NULL) {
            struct directory_tenant *tenant = *link;
            if (tenant->references > 0) {
                link = &tenant->next;
                continue;
            }
            ASSERT(admission_is_idle(&tenant->admission));
            *link = tenant->next;
            isolate_tenant_unref(tenant->memory);
            free(tenant);
        }
    }
}

/* ---- functions ------------------------------------------------------------------------------- */

void directory_retain(struct directory_function *function)
{
    ASSERT(function->references > 0);
    function->references++;
}

uint64_t directory_generation(const struct directory *directory)
{
    return deploy_catalog_generation(directory->catalog);
}

void directory_release(struct directory_function *function)
{
    if (function == NULL)
        return;
    ASSERT(function->references > 0);
    if (--function->references > 0)
        return;
    isolate_claim_drop(&function->claim);
    function->tenant->references--;
    arena_done(&function->arena);
    free(function);
}

/* ---- warm starts ----------------------------------------------------------------------------- */

void directory_count_warm(struct directory *directory, struct directory_function *function)
{
    if (LIKELY(function->warm_count++ > 0))
        return;
    function->references++;
    function->warm_next = directory->warm_first;
    directory->warm_first = function;
}

void directory_take_warm(struct directory *directory,
                         void (*take)(void *context,
                                      const struct directory_function *function,
                                      uint32_t count),
                         void *context)
{
    while (directory->warm_first != NULL) {
        struct directory_function *function = directory->warm_first;
        directory->warm_first = function->warm_next;
        if (take != NULL)
            take(context, function, function->warm_count);
        function->warm_count = 0;
        directory_release(function);
    }
}

/* ---- what answers came to ----------------------------------------------------------------------
 */

void directory_tally(struct directory *directory,
                     struct directory_function *function,
                     const struct tally *more)
{
    bool is_first = function->tally.answered == 0;
    tally_add(&function->tally, more);
    if (LIKELY(!is_first))
        return;
    function->references++;
    function->tally_next = directory->tally_first;
    directory->tally_first = function;
}

void directory_take_tallies(struct directory *directory,
                            void (*take)(void *context, const struct directory_function *function),
                            void *context)
{
    while (directory->tally_first != NULL) {
        struct directory_function *function = directory->tally_first;
        directory->tally_first = function->tally_next;
        if (take != NULL)
            take(context, function);
        function->tally = (struct tally){0};
        directory_release(function);
    }
}

/* ---- looking up ------------------------------------------------------------------------------ */

/*
 * Versions with the same artifact may share isolates that are reset after each request, unless one
 * may have more memory, or runs no native code. Kept memory belongs to one version alone, and goes
 * with its function.
 */
static void directory_set_pool_version(struct directory_function *function)
{
    const struct deploy_catalog_entry *entry = &function->entry;
    uint8_t *data = function->pool_version_data;
    size_t count = sizeof(entry->artifact_key);
    memcpy(data, entry->artifact_key, count);
    if (entry->reuse_requests > 1) {
        memcpy(data + count, &entry->version, sizeof(entry->version));
        count += sizeof(entry->version);
        memcpy(data + count, &entry->created_ns, sizeof(entry->created_ns));
        count += sizeof(entry->created_ns);
    }
    uint64_t memory_bytes = function->limits.memory_bytes;
    if (memory_bytes > 0) {
        memcpy(data + count, &memory_bytes, sizeof(memory_bytes));
        count += sizeof(memory_bytes);
    }
    if (function->is_threaded)
        data[count++] = 1;
    ASSERT(count <= sizeof(function->pool_version_data));
    function->pool_version = bytes_make(data, count);
}

static void directory_set_texts(struct directory_function *function,
                                const struct directory_names *names)
{
    const struct deploy_catalog_entry *entry = &function->entry;
    size_t tenant_count = names->tenant.count;
    size_t name_count = strlen(entry->function);
    bool is_variant = name_count != names->function.count;
    int count =
        snprintf(function->version_text, sizeof(function->version_text), "v%u", entry->version);
    function->version = bytes_make(function->version_text, (size_t)count);
    count =
        snprintf(function->key_text, sizeof(function->key_text), "%s/%s%s%s", entry->tenant,
                 entry->function, is_variant ? "@" : "", is_variant ? function->version_text : "");
    function->key = bytes_make(function->key_text, (size_t)count);
    function->name = bytes_make(function->key_text + tenant_count + 1, name_count);
    ASSERT(names->function.count <= sizeof(function->label_text));
    memcpy(function->label_text, names->function.data, names->function.count);
    function->label = bytes_make(function->label_text, names->function.count);
}

/* The deploy folder's variables as the guests' interface has them: they do not know one another. */
static bool directory_set_environment(struct directory_function *function)
{
    const struct deploy_variables *variables = &function->entry.environment;
    if (variables->count == 0)
        return true;
    struct hostapi_variable *pairs =
        ARENA_ARRAY(&function->arena, struct hostapi_variable, variables->count);
    if (pairs == NULL)
        return false;
    for (uint32_t i = 0; i < variables->count; i++)
        pairs[i] = (struct hostapi_variable){.text = variables->rows[i].text,
                                             .name_bytes = variables->rows[i].name_bytes};
    function->environment = (struct hostapi_environment){.pairs = pairs, .count = variables->count};
    return true;
}

static bool directory_set_site(struct directory_function *function)
{
    if (function->entry.assets.count == 0)
        return true;
    struct site *site = ARENA_NEW(&function->arena, struct site);
    function->site = site;
    return site != NULL && site_make(&function->entry, &function->arena, site);
}

static int directory_open_file(void *context, const struct hostapi_file *file)
{
    const struct directory_function *function = context;
    int fd = -1;
    enum status status =
        deploy_blob_open(function->data_dir, function->tenant->name, file->sha256, NULL, &fd);
    return status == STATUS_OK ? fd : -EIO;
}

static bool directory_set_files(const struct directory *directory,
                                struct directory_function *function)
{
    if (function->entry.files.count == 0)
        return true;
    if (!guest_files_make(function->entry.files, &function->arena, &function->files))
        return false;
    function->files.open = directory_open_file;
    function->files.context = function;
    function->data_dir = directory->data_dir;
    return true;
}

static void directory_discard(struct directory_function *function)
{
    if (function != NULL)
        arena_done(&function->arena);
    free(function);
}

/* The variant before the first "--" of a label, and the function behind it; false: there is none.
 */
static bool directory_split_label(struct deploy_catalog_name *name)
{
    struct bytes label = name->function;
    size_t at = 1;
    while (at + 2 < label.count && (label.data[at] != '-' || label.data[at + 1] != '-'))
        at++;
    if (at + 2 >= label.count)
        return false;
    name->variant = bytes_make(label.data, at);
    name->function = bytes_make(label.data + at + 2, label.count - at - 2);
    return true;
}

static enum status directory_look_up(struct directory *directory,
                                     const struct directory_names *names,
                                     struct report *report,
                                     struct directory_function *function)
{
    struct deploy_catalog_name name = {.tenant = names->tenant, .function = names->function};
    enum status status = deploy_catalog_lookup(directory->catalog, &name, &function->arena, report,
                                               &function->entry);
    if (status != STATUS_NOT_FOUND || !directory_split_label(&name))
        return status;
    struct report again = REPORT_INIT;
    status = deploy_catalog_lookup(directory->catalog, &name, &function->arena, &again,
                                   &function->entry);
    /* What is not there is told by the name that it was asked for by. */
    if (status != STATUS_OK && status != STATUS_NOT_FOUND && report != NULL)
        *report = again;
    return status;
}

/* What requests have to be counted for, or are refused for. */
static bool directory_is_bounded(const struct deploy_catalog_entry *entry)
{
    const struct deploy_tenant_limits *limits = &entry->limits;
    return entry->suspended || limits->requests_per_s != 0 || limits->fuel_per_s != 0 ||
           limits->connections != 0;
}

static enum status directory_load(struct directory *directory,
                                  const struct directory_names *names,
                                  struct report *report,
                                  struct directory_function **ret_function)
{
    uint64_t generation = deploy_catalog_generation(directory->catalog);
    struct directory_function *function = calloc(1, sizeof(*function));
    if (function == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    arena_init(&function->arena, DIRECTORY_ARENA_BYTES);
    enum status status = directory_look_up(directory, names, report, function);
    struct directory_tenant *tenant =
        status == STATUS_OK ? directory_tenant(directory, names) : NULL;
    if (status == STATUS_OK &&
        (tenant == NULL || !directory_set_environment(function) || !directory_set_site(function) ||
         !directory_set_files(directory, function)))
        status = report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (status != STATUS_OK) {
        directory_discard(function);
        return status;
    }
    function->references = 1;
    function->generation = generation;
    function->limits = function->entry.manifest->limits;
    function->is_threaded = function->entry.manifest->native == CONFIG_CHOICE_OFF ||
                            function->entry.limits.native == CONFIG_CHOICE_OFF;
    function->steps = function->entry.manifest->steps;
    function->outbound = function->entry.manifest->outbound;
    function->secrets = function->entry.manifest->secrets;
    function->origin = function->entry.manifest->origin;
    function->tenant = tenant;
    function->bounded = directory_is_bounded(&function->entry);
    tenant->references++;
    uint32_t share = function->entry.limits.cpu_share;
    scheduler_tenant_set_weight(&tenant->schedule, share != 0 ? share : directory->cpu_share);
    function->hash = names->hash;
    directory_set_texts(function, names);
    directory_set_pool_version(function);
    *ret_function = function;
    return STATUS_OK;
}

static bool directory_is_it(const struct directory_function *function,
                            const struct directory_names *names)
{
    return function->hash == names->hash && bytes_equal(function->tenant->name, names->tenant) &&
           bytes_equal(function->label, names->function);
}

/* The way that holds the name, or else the one to replace. */
static struct directory_function **
directory_way(struct directory *directory, const struct directory_names *names, bool *ret_holds)
{
    *ret_holds = false;
    struct directory_function **ways = directory->cache[names->hash & (DIRECTORY_SETS - 1)];
    struct directory_function **oldest = &ways[0];
    for (size_t i = 0; i < DIRECTORY_WAYS; i++) {
        if (ways[i] == NULL) {
            oldest = &ways[i];
            continue;
        }
        if (directory_is_it(ways[i], names)) {
            *ret_holds = true;
            return &ways[i];
        }
        if (*oldest != NULL && ways[i]->used < (*oldest)->used)
            oldest = &ways[i];
    }
    return oldest;
}

static enum status directory_get(struct directory *directory,
                                 const struct directory_names *names,
                                 struct report *report,
                                 struct directory_function **ret_function)
{
    bool holds;
    struct directory_function **way = directory_way(directory, names, &holds);
    struct directory_function *function = *way;
    bool is_new = !holds || function->generation != deploy_catalog_generation(directory->catalog);
    if (is_new) {
        enum status status = directory_load(directory, names, report, &function);
        if (status != STATUS_OK)
            return status;
        directory_release(*way);
        *way = function;
    }
    function->is_new = is_new;
    function->used = ++directory->uses;
    function->references++;
    *ret_function = function;
    return STATUS_OK;
}

enum status directory_find(struct directory *directory,
                           const struct route_target *target,
                           struct report *report,
                           struct directory_function **ret_function)
{
    struct directory_names names = {.tenant = route_name_bytes(&target->tenant),
                                    .function = route_name_bytes(&target->function)};
    names.tenant_hash = hash_bytes(directory->seed, names.tenant);
    names.hash = hash_bytes(names.tenant_hash, names.function);
    return directory_get(directory, &names, report, ret_function);
}

enum status directory_find_version(struct directory *directory,
                                   const struct directory_function *of,
                                   uint32_t version,
                                   struct directory_function **ret_function)
{
    char label[sizeof(of->label_text)];
    int count = snprintf(label, sizeof(label), "v%u--%s", version, of->entry.function);
    ASSERT(count > 0 && (size_t)count < sizeof(label));
    const struct directory_names names = {
        .tenant = of->tenant->name,
        .function = bytes_make(label, (size_t)count),
        .tenant_hash = of->tenant->hash,
        .hash = hash_bytes(of->tenant->hash, bytes_make(label, (size_t)count))};
    return directory_get(directory, &names, NULL, ret_function);
}

void directory_count(struct directory_function *function)
{
    struct isolate_tenant *memory = function->tenant->memory;
    if (LIKELY(function->arena.used_bytes == 0 || function->claim.budget != NULL) || memory == NULL)
        return;
    function->claim.budget = isolate_tenant_budget(memory);
    (void)isolate_claim_set(&function->claim, ISOLATE_BUDGET_FUNCTION, function->arena.used_bytes);
}

void directory_shed(struct directory *directory, const struct directory_tenant *tenant)
{
    struct directory_function **ways = &directory->cache[0][0];
    for (size_t i = 0; i < (size_t)DIRECTORY_SETS * DIRECTORY_WAYS; i++) {
        if (ways[i] == NULL || ways[i]->tenant != tenant || ways[i]->references > 1)
            continue;
        directory_release(ways[i]);
        ways[i] = NULL;
    }
}

void directory_free(struct directory *directory)
{
    if (directory == NULL)
        return;
    directory_take_warm(directory, NULL, NULL);
    directory_take_tallies(directory, NULL, NULL);
    for (size_t set = 0; set < DIRECTORY_SETS; set++) {
        for (size_t i = 0; i < DIRECTORY_WAYS; i++)
            directory_release(directory->cache[set][i]);
    }
    directory_sweep(directory);
    free(directory);
}
