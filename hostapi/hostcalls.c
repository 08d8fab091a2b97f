/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the func for an import: the tables of a family, then of those it uses, each
 * searched by halves; and the door that every call goes through.
 */
#include "hostapi/hostcalls.h"

struct hostapi_host *
hostcalls_enter(struct engine_host_call *call, enum hostapi_kind family, uint64_t fuel)
{
    struct hostapi_host *host = call->context;
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->parts[family].state != NULL);
    struct host_request *request = &host->request;
    request->resumed = request->parked;
    request->parked = false;
    if (!request->resumed && call->step == 0)
        engine_host_charge(call, fuel);
    return host;
}

/* ---- types ----------------------------------------------------------------------------------- */

uint32_t hostcalls_letter_type(char letter)
{
    switch (letter) {
    case 'i':
        return ENGINE_I32;
    case 'I':
        return ENGINE_I64;
    case 'f':
        return ENGINE_F32;
    case 'F':
        return ENGINE_F64;
    case 'v':
        return ENGINE_V128;
    default:
        return 0;
    }
}

static bool hostcalls_types_match(const char **signature, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, (*signature)++) {
        uint32_t wanted = hostcalls_letter_type(**signature);
        if (wanted == 0 || types[i] != wanted)
            return false;
    }
    return true;
}

bool hostcalls_signature_matches(const char *signature, const struct engine_functype *type)
{
    const char *at = signature;
    return hostcalls_types_match(&at, type->params, type->param_count) && *at++ == ':' &&
           hostcalls_types_match(&at, type->results, type->result_count) && *at == '\0';
}

/* ---- finding --------------------------------------------------------------------------------- */

/* As strcmp. */
static int hostcalls_compare(struct bytes name, const char *text)
{
    size_t count = strlen(text);
    int order = name.count == 0 ? 0 : memcmp(name.data, text, MIN(name.count, count));
    if (order != 0)
        return order;
    return name.count < count ? -1 : name.count > count ? 1 : 0;
}

const struct hostcalls_row *hostcalls_search(const struct hostcalls_table *table, struct bytes name)
{
    uint32_t low = 0;
    uint32_t high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = hostcalls_compare(name, table->rows[middle].name);
        if (order == 0)
            return &table->rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct hostcalls_table *hostcalls_table_of(const struct hostapi_family *family,
                                                        struct bytes module_name)
{
    for (; family != NULL; family = family->uses) {
        for (uint32_t i = 0; i < HOSTAPI_TABLES_MAX && family->tables[i] != NULL; i++) {
            if (bytes_equal_text(module_name, family->tables[i]->module))
                return family->tables[i];
        }
    }
    return NULL;
}

enum hostcalls_answer hostcalls_look(const struct engine_import_desc *import,
                                     const struct hostapi_family *family,
                                     const struct hostcalls_row **ret_row)
{
    ASSERT(import->kind == ENGINE_EXTERN_FUNC);
    const struct hostcalls_table *table = hostcalls_table_of(family, import->module_name);
    if (table == NULL)
        return HOSTCALLS_FOREIGN;
    const struct hostcalls_row *row = hostcalls_search(table, import->name);
    if (row == NULL)
        return HOSTCALLS_UNKNOWN;
    *ret_row = row;
    return hostcalls_signature_matches(row->signature, &import->type) ? HOSTCALLS_FOUND
                                                                      : HOSTCALLS_OTHER_TYPE;
}

const struct hostcalls_row *hostcalls_find(const struct engine_import_desc *import,
                                           const struct hostapi_family *family)
{
    const struct hostcalls_row *row;
    if (import->kind != ENGINE_EXTERN_FUNC ||
        hostcalls_look(import, family, &row) != HOSTCALLS_FOUND)
        return NULL;
    return row;
}

bool hostcalls_resolve(void *context,
                       const struct engine_import_desc *import,
                       struct engine_extern *ret_extern)
{
    struct hostapi_host *host = context;
    ASSERT(host->magic == HOST_MAGIC);
    const struct hostcalls_row *row = hostcalls_find(import, host->family);
    if (row == NULL)
        return false;
    host->linked |= row->trait;
    *ret_extern = (struct engine_extern){
        .kind = ENGINE_EXTERN_FUNC,
        .host = row->enter,
        .host_context = host,
    };
    return true;
}
