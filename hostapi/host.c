/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a host object, and the steps of a request that all kinds have in common; the rest is
 * the family's (family.h).
 *
 *   hostapi_begin --> [deferred initialiser] --> family->begin --> the guest's call
 *   hostapi_next  <-- DONE                       family->next: FINISHED, or another call
 *
 * The invariant: hostapi_host_keep leaves exactly what hostapi_host_create made of a request's
 * part, hostapi_host_reset of the memory's too.
 */
#include "hostapi/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostapi/hostcalls.h"

#define HOST_ARENA_MAX_BYTES ((size_t)16 << 20) /* arguments and environment of a command */
#define HOST_BLOCK_ALIGN     16
#define HOST_NAME_BYTES      256 /* of an export that a guest names */

/* ---- for the other files --------------------------------------------------------------------- */

enum engine_outcome host_trap(struct engine_host_call *call, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return engine_host_trap(call, text);
}

enum hostapi_step host_fail(struct hostapi_host *host,
                            struct report *report,
                            enum hostapi_fault fault,
                            const char *format,
                            ...)
{
    char text[REPORT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)report_fail(report, fault == HOSTAPI_FAULT_TRAP ? STATUS_TRAPPED : STATUS_INVALID,
                      REPORT_OFFSET_NONE, "%s", text);
    host->request.fault = fault;
    return HOSTAPI_FAULT;
}

void host_say(struct hostapi_host *host, struct bytes text)
{
    struct buffer *said = host->options.said;
    size_t room = said == NULL ? 0 : said->max - said->count;
    if (room < 2)
        return;
    if (buffer_append(said, text.data, MIN(text.count, room - 1)) != STATUS_OK ||
        buffer_append(said, "\n", 1) != STATUS_OK)
        said->count = 0; /* memory is used up: nothing was said */
}

void host_say_on(struct hostapi_host *host, struct bytes piece)
{
    struct buffer *said = host->options.said;
    size_t max = said == NULL ? 0 : said->max;
    if (max == 0)
        return;
    if (piece.count > max)
        piece = bytes_make(piece.data + (piece.count - max), max);
    size_t room = max - said->count;
    size_t over = piece.count - MIN(room, piece.count);
    if (over > 0) {
        const uint8_t *end = memchr(said->data + over, '\n', said->count - over);
        over = end == NULL ? said->count : (size_t)(end - said->data) + 1;
        said->count -= over;
        memmove(said->data, said->data + over, said->count);
    }
    if (buffer_append(said, piece.data, piece.count) != STATUS_OK)
        said->count = 0; /* memory is used up: nothing was said */
}

enum engine_outcome host_trap_frozen(struct engine_host_call *call, const char *what)
{
    return host_trap(call,
                     "%s was called while the snapshot is made: its answer would be the same for "
                     "every request; call it while handling one",
                     what);
}

enum engine_outcome
host_park(struct hostapi_host *host, const struct hostapi_wait *waits, uint32_t count)
{
    ASSERT(count > 0 && count <= HOSTAPI_WAITS_MAX);
    host->request.parked = true;
    host->request.waits.count = count;
    memcpy(host->request.waits.rows, waits, count * sizeof(*waits));
    return ENGINE_PENDING;
}

enum engine_outcome host_park_until(struct hostapi_host *host, uint64_t until_ns)
{
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_TIME, .until_ns = until_ns};
    return host_park(host, &wait, 1);
}

enum engine_outcome host_take_turn(struct hostapi_host *host)
{
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_TURN};
    return host_park(host, &wait, 1);
}

enum engine_outcome host_go_on_writing(struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    if (http_exchange_streams(exchange) &&
        exchange->response_body.count >= exchange->limits->stream_buffer)
        return host_park_for_room(host);
    return host_take_turn(host);
}

enum engine_outcome host_park_for_room(struct hostapi_host *host)
{
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_ROOM};
    return host_park(host, &wait, 1);
}

enum engine_outcome host_park_for_body(struct hostapi_host *host)
{
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_BODY};
    return host_park(host, &wait, 1);
}

enum engine_outcome host_flush(struct hostapi_host *host)
{
    struct http_exchange *exchange = host->request.exchange;
    if (host->request.resumed || exchange == NULL || !http_exchange_streams(exchange))
        return ENGINE_DONE;
    exchange->flush_wanted = true;
    return host_park_until(host, 0);
}

static uint32_t
host_entry(const struct engine_module *module, const char *name, const char *signature)
{
    struct engine_export_desc found;
    if (name == NULL || !engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &found) ||
        !hostcalls_signature_matches(signature, &found.type))
        return HOST_NO_ENTRY;
    return found.index;
}

void host_learn(struct hostapi_host *host, struct engine_instance *instance)
{
    const struct engine_module *module = engine_instance_module(instance);
    if (host->entries.module != NULL) {
        ASSERT(host->entries.module == module);
        return;
    }
    const struct hostapi_family *family = host->family;
    struct host_entries entries = {
        .module = module,
        .base = host_entry(module, "skerry_base", ":"),
        .initialise = HOST_NO_ENTRY,
        .preinitialise = host_entry(module, "wizer.initialize", ":"),
        .own_initialise = host_entry(module, "skerry_init", ":"),
    };
    for (uint32_t i = 0; i < HOSTAPI_ENTRIES_MAX; i++) {
        entries.of_family[i] =
            host_entry(module, family->entries[i].name, family->entries[i].signature);
        if (entries.initialise == HOST_NO_ENTRY)
            entries.initialise = host_entry(module, family->initialisers[i], ":");
    }
    host->entries = entries;
}

bool host_defers_initialise(const struct hostapi_host *host)
{
    return (host->linked & HOSTCALLS_WORLD) != 0 && host->entries.initialise != HOST_NO_ENTRY &&
           host->entries.preinitialise == HOST_NO_ENTRY &&
           host->entries.own_initialise == HOST_NO_ENTRY;
}

static void host_call(struct hostapi_host *host,
                      uint32_t func_index,
                      const union engine_value *arguments,
                      uint32_t slots)
{
    struct engine_instance *instance = host->request.instance;
    ASSERT(func_index != HOST_NO_ENTRY);
    engine_call_begin(engine_instance_machine(instance), instance, func_index, arguments, slots);
}

void host_call_entry(struct hostapi_host *host,
                     uint32_t i,
                     const union engine_value *arguments,
                     uint32_t slots)
{
    ASSERT(i < HOSTAPI_ENTRIES_MAX);
    host_call(host, host->entries.of_family[i], arguments, slots);
}

bool host_call_export(struct hostapi_host *host, struct bytes name)
{
    char text[HOST_NAME_BYTES];
    if (name.count >= sizeof(text) || memchr(name.data, '\0', name.count) != NULL)
        return false;
    memcpy(text, name.data, name.count);
    text[name.count] = '\0';
    uint32_t entry = host_entry(host->entries.module, text, ":");
    if (entry == HOST_NO_ENTRY)
        return false;
    host_call(host, entry, NULL, 0);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Makes a new request's part of one that is zero. */
static void host_prepare(struct hostapi_host *host)
{
    for (const struct hostapi_family *f = host->family; f != NULL; f = f->uses) {
        if (f->prepare != NULL)
            f->prepare(host);
    }
}

/* Where each family's blocks lie; returns their bytes together. */
static size_t host_lay_out(const struct hostapi_family *family, struct hostapi_host *host)
{
    size_t state_bytes = 0;
    size_t kept_bytes = 0;
    for (const struct hostapi_family *f = family; f != NULL; f = f->uses) {
        state_bytes += ALIGN_UP(f->state_bytes, HOST_BLOCK_ALIGN);
        kept_bytes += ALIGN_UP(f->kept_bytes, HOST_BLOCK_ALIGN);
    }
    if (host == NULL)
        return state_bytes + kept_bytes;
    host->state_bytes = state_bytes;
    host->kept_bytes = kept_bytes;
    uint8_t *state = host->blocks;
    uint8_t *kept = host->blocks + state_bytes;
    for (const struct hostapi_family *f = family; f != NULL; f = f->uses) {
        host->parts[f->kind] = (struct host_part){.state = state, .kept = kept};
        state += ALIGN_UP(f->state_bytes, HOST_BLOCK_ALIGN);
        kept += ALIGN_UP(f->kept_bytes, HOST_BLOCK_ALIGN);
    }
    return state_bytes + kept_bytes;
}

enum status host_create(const struct hostapi_family *family,
                        const struct hostapi_options *options,
                        struct hostapi_host **ret_host)
{
    ASSERT(options->kind == family->kind);
    struct hostapi_host *host = calloc(1, sizeof(*host) + host_lay_out(family, NULL));
    if (host == NULL)
        return STATUS_NO_MEMORY;
    host->magic = HOST_MAGIC;
    host->family = family;
    host->options = *options;
    arena_init(&host->arena, HOST_ARENA_MAX_BYTES);
    (void)host_lay_out(family, host);
    host_prepare(host);
    *ret_host = host;
    return STATUS_OK;
}

void hostapi_host_free(struct hostapi_host *host)
{
    if (host == NULL)
        return;
    ASSERT(host->magic == HOST_MAGIC);
    hostapi_host_reset(host);
    arena_done(&host->arena);
    host->magic = 0;
    free(host);
}

struct engine_linker hostapi_linker(struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return (struct engine_linker){
        .resolve = hostcalls_resolve,
        .context = host,
        .missing_funcs_trap = true,
    };
}

/* A new request's part, and zeros in the first of the blocks. */
static void host_renew(struct hostapi_host *host, size_t block_bytes)
{
    ASSERT(host->magic == HOST_MAGIC);
    for (const struct hostapi_family *f = host->family; f != NULL; f = f->uses) {
        if (f->release != NULL)
            f->release(host);
    }
    memset(&host->request, 0, sizeof(host->request));
    memset(host->blocks, 0, block_bytes);
    host_prepare(host);
}

void hostapi_host_keep(struct hostapi_host *host)
{
    host_renew(host, host->state_bytes);
}

void hostapi_host_reset(struct hostapi_host *host)
{
    host_renew(host, host->state_bytes + host->kept_bytes);
    host->initialised = false;
}

/* ---- a request ------------------------------------------------------------------------------- */

bool hostapi_has_base_step(struct hostapi_host *host, struct engine_instance *instance)
{
    ASSERT(host->magic == HOST_MAGIC);
    host_learn(host, instance);
    return host->entries.base != HOST_NO_ENTRY;
}

void hostapi_begin_base_step(struct hostapi_host *host, struct engine_instance *instance)
{
    ASSERT(hostapi_has_base_step(host, instance));
    host->request.instance = instance;
    host_call(host, host->entries.base, NULL, 0);
}

bool hostapi_begin_initialise(struct hostapi_host *host, struct engine_instance *instance)
{
    ASSERT(host->magic == HOST_MAGIC);
    host_learn(host, instance);
    host->request.instance = instance;
    const uint32_t steps[] = {
        host->options.on_base ? HOST_NO_ENTRY : host->entries.base,
        host_defers_initialise(host) ? HOST_NO_ENTRY : host->entries.initialise,
        host->entries.preinitialise,
        host->entries.own_initialise,
    };
    while (host->initialise_steps < COUNT_OF(steps)) {
        uint32_t entry = steps[host->initialise_steps++];
        if (entry == HOST_NO_ENTRY)
            continue;
        host_call(host, entry, NULL, 0);
        return true;
    }
    return false;
}

enum hostapi_step hostapi_begin(struct hostapi_host *host,
                                struct engine_instance *instance,
                                struct http_exchange *exchange,
                                struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->family->begin != NULL);
    ASSERT(host->request.exchange == NULL);
    host_learn(host, instance);
    struct host_request *request = &host->request;
    request->instance = instance;
    request->exchange = exchange;
    if (host->entries.of_family[0] == HOST_NO_ENTRY) {
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "the module does not export %s with the type of a %s function",
                          host->family->entries[0].name, host->family->id);
        return HOSTAPI_FAULT;
    }
    request->begun = true;
    request->initialising = !host->initialised && host_defers_initialise(host);
    if (!request->initialising)
        return host->family->begin(host, report);
    host_call(host, host->entries.initialise, NULL, 0);
    return HOSTAPI_RUN;
}

enum hostapi_step hostapi_next(struct hostapi_host *host, struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->request.begun);
    if (!host->request.initialising)
        return host->family->next(host, report);
    host->request.initialising = false;
    host->initialised = true;
    if (host->family->initialised != NULL)
        host->family->initialised(host);
    return host->family->begin(host, report);
}

enum hostapi_step hostapi_returned(struct hostapi_host *host, bool is_error, struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->request.begun && host->family->returned != NULL);
    return host->family->returned(host, is_error, report);
}

enum hostapi_step hostapi_trapped(struct hostapi_host *host, struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    struct host_request *request = &host->request;
    ASSERT(request->instance != NULL);
    struct engine_trap_info info = engine_machine_trap(engine_instance_machine(request->instance));
    if (info.trap != TRAP_EXIT)
        return host_fail(host, report, HOSTAPI_FAULT_TRAP, "%s", info.text);
    if (request->begun && !request->initialising && host->family->exited != NULL)
        return host->family->exited(host, info.exit_code, report);
    return host_fail(host, report, HOSTAPI_FAULT_TRAP,
                     "the guest called proc_exit(%d) where it must return", info.exit_code);
}

void hostapi_run_begins(struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    host->runs++;
}

enum hostapi_fault hostapi_fault(const struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return host->request.fault;
}

const char *hostapi_fault_code(enum hostapi_fault fault)
{
    static const char *const codes[HOSTAPI_FAULT_COUNT] = {
#define FAULT(name, code) [HOSTAPI_FAULT_##name] = code,
        HOSTAPI_FAULTS(FAULT)
#undef FAULT
    };
    ASSERT(fault < HOSTAPI_FAULT_COUNT);
    return codes[fault];
}

const struct hostapi_waits *hostapi_waits(const struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return &host->request.waits;
}

uint64_t hostapi_waits_until_ns(const struct hostapi_waits *waits)
{
    uint64_t until_ns = UINT64_MAX;
    for (uint32_t i = 0; i < waits->count; i++) {
        if (waits->rows[i].kind == HOSTAPI_WAIT_TIME || waits->rows[i].kind == HOSTAPI_WAIT_TURN)
            until_ns = MIN(until_ns, waits->rows[i].until_ns);
    }
    return until_ns;
}

bool hostapi_waits_for(const struct hostapi_waits *waits, enum hostapi_wait_kind kind)
{
    for (uint32_t i = 0; i < waits->count; i++) {
        if (waits->rows[i].kind == kind)
            return true;
    }
    return false;
}
