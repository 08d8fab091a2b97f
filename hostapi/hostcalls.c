/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry function per row of hostcalls.def, made by the table, so that a host costs no
 * memory per import: the link context is the host itself, the row is the function.
 */
#include "hostapi/hostcalls.h"

#include "hostapi/http_wasm/http_wasm.h"
#include "hostapi/wasi/wasi.h"

enum hostcalls_module {
    HOSTCALLS_HTTP_HANDLER,
    HOSTCALLS_WASI,
    HOSTCALLS_WASI_P1,
    HOSTCALLS_WASI_P0,
};

static struct hostapi_host *hostcalls_enter(struct engine_host_call *call, uint64_t fuel)
{
    struct hostapi_host *host = call->context;
    ASSERT(host->magic == HOST_MAGIC);
    if (!host->request.parked)
        engine_host_charge(call, fuel);
    return host;
}

#define HOSTCALL(module_, name_, signature_, handler_, fuel_)                                      \
    static enum engine_outcome hostcalls_##module_##_##name_(struct engine_host_call *call)        \
    {                                                                                              \
        return handler_(hostcalls_enter(call, fuel_), call);                                       \
    }
#define HOSTCALL_REFUSED(module_, name_, signature_, descriptor_, errno_, fuel_)                   \
    static enum engine_outcome hostcalls_##module_##_##name_(struct engine_host_call *call)        \
    {                                                                                              \
        return wasi_refuse(hostcalls_enter(call, fuel_), call, descriptor_, WASI_##errno_);        \
    }
#include "hostapi/hostcalls.def"

static const struct hostcalls_row hostcalls_rows[] = {
#define HOSTCALL(module_, name_, signature_, handler_, fuel_)                                      \
    {HOSTCALLS_##module_, #name_, signature_, hostcalls_##module_##_##name_},
#define HOSTCALL_REFUSED(module_, name_, signature_, descriptor_, errno_, fuel_)                   \
    {HOSTCALLS_##module_, #name_, signature_, hostcalls_##module_##_##name_},
#include "hostapi/hostcalls.def"
};

static bool hostcalls_module_matches(enum hostcalls_module module, struct bytes name)
{
    switch (module) {
    case HOSTCALLS_HTTP_HANDLER:
        return bytes_equal_text(name, "http_handler");
    case HOSTCALLS_WASI_P1:
        return bytes_equal_text(name, "wasi_snapshot_preview1");
    case HOSTCALLS_WASI_P0:
        return bytes_equal_text(name, "wasi_unstable");
    case HOSTCALLS_WASI:
        return bytes_equal_text(name, "wasi_snapshot_preview1") ||
               bytes_equal_text(name, "wasi_unstable");
    }
    return false;
}

static bool hostcalls_types_match(const char **signature, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, (*signature)++) {
        char letter = **signature;
        if (letter != 'i' && letter != 'I')
            return false;
        if (types[i] != (letter == 'i' ? ENGINE_I32 : ENGINE_I64))
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

const struct hostcalls_row *hostcalls_find(const struct engine_import_desc *import,
                                           enum hostapi_kind kind)
{
    if (import->kind != ENGINE_EXTERN_FUNC)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(hostcalls_rows); i++) {
        const struct hostcalls_row *row = &hostcalls_rows[i];
        if (row->module == HOSTCALLS_HTTP_HANDLER && kind != HOSTAPI_KIND_HTTP_WASM)
            continue;
        if (bytes_equal_text(import->name, row->name) &&
            hostcalls_module_matches(row->module, import->module_name))
            return hostcalls_signature_matches(row->signature, &import->type) ? row : NULL;
    }
    return NULL;
}

bool hostcalls_resolve(void *context,
                       const struct engine_import_desc *import,
                       struct engine_extern *ret_extern)
{
    struct hostapi_host *host = context;
    ASSERT(host->magic == HOST_MAGIC);
    const struct hostcalls_row *row = hostcalls_find(import, host->options.kind);
    if (row == NULL)
        return false;
    if (row->module == HOSTCALLS_HTTP_HANDLER)
        host->imports_features |= bytes_equal_text(import->name, "enable_features");
    else
        host->imports_world |= bytes_equal_text(import->name, "clock_time_get") ||
                               bytes_equal_text(import->name, "random_get") ||
                               bytes_equal_text(import->name, "poll_oneoff");
    *ret_extern = (struct engine_extern){
        .kind = ENGINE_EXTERN_FUNC,
        .host = row->enter,
        .host_context = host,
    };
    return true;
}

void hostapi_missing_imports(const struct engine_module *module,
                             enum hostapi_kind kind,
                             void (*missing)(void *context, const struct engine_import_desc *),
                             void *context)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        if (import.kind == ENGINE_EXTERN_FUNC && hostcalls_find(&import, kind) == NULL)
            missing(context, &import);
    }
}
