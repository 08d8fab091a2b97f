/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linking: each import of a module gets something of the kind and type it asks for, or the
 * instantiation fails and names it. [Wasm core 3.2.21, 4.5.4]
 *
 * Invariant: after link_imports every slot of the instance's import arrays is filled, so
 * that nothing later asks whether an import is there.
 */
#include "engine/life/link.h"

#include <stdio.h>

#include "engine/image/image.h"
#include "engine/read/types.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

#define LINK_NAME_BYTES 160

static bool
link_types_equal(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

static bool link_functypes_equal(const struct engine_functype *a, const struct engine_functype *b)
{
    return link_types_equal(a->params, a->param_count, b->params, b->param_count) &&
           link_types_equal(a->results, a->result_count, b->results, b->result_count);
}

static bool link_has_loose_results(const struct engine_functype *type)
{
    bool has = false;
    for (uint32_t i = 0; i < type->result_count; i++)
        has = has || engine_type_is_reference(type->results[i]) ||
              (type->result_count > 1 && types_is_half_slot(type->results[i]));
    return has;
}

/* "module.name" for people: cut, and with nothing in it that could break a line. */
static void link_name(char text[LINK_NAME_BYTES], struct bytes module_name, struct bytes name)
{
    int count = snprintf(text, LINK_NAME_BYTES, "%.*s.%.*s", (int)MIN(module_name.count, 64u),
                         (const char *)module_name.data, (int)MIN(name.count, 64u),
                         (const char *)name.data);
    for (int i = 0; i < count; i++) {
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
}

static enum status unlinkable(const struct engine_import_desc *import,
                              struct report *report,
                              const char *what,
                              const char *why)
{
    char name[LINK_NAME_BYTES];
    link_name(name, import->module_name, import->name);
    return report_fail(report, STATUS_UNLINKABLE, REPORT_OFFSET_NONE, "%s: %s%s", what, name, why);
}

static enum status unknown(const struct engine_import_desc *import, struct report *report)
{
    static const char *const why[] = {
        [ENGINE_EXTERN_FUNC] = ": nothing provides this function",
        [ENGINE_EXTERN_TABLE] = ": nothing provides this table",
        [ENGINE_EXTERN_MEMORY] = ": nothing provides this memory",
        [ENGINE_EXTERN_GLOBAL] = ": nothing provides this global",
        [ENGINE_EXTERN_TAG] = ": nothing provides this tag",
    };
    return unlinkable(import, report, "unknown import", why[import->kind]);
}

static enum status
incompatible(const struct engine_import_desc *import, struct report *report, const char *why)
{
    return unlinkable(import, report, "incompatible import type", why);
}

/* Stands in for a function that nothing provides; its context is the import's row. */
static enum engine_outcome missing_func(struct engine_host_call *call)
{
    const struct image_import *row = call->context;
    const struct image_header *image = call->instance->image;
    struct engine_machine *machine = call->instance->machine;
    char name[LINK_NAME_BYTES];
    link_name(name, image_text(image, row->module_name), image_text(image, row->name));
    (void)snprintf(machine->trap_text, sizeof(machine->trap_text), "%s: %s",
                   engine_trap_text(TRAP_UNLINKED_IMPORT), name);
    machine->trap_reason = machine->trap_text;
    machine->trap = TRAP_UNLINKED_IMPORT;
    return ENGINE_TRAPPED;
}

static void bind_missing_func(struct engine_instance *instance,
                              uint32_t import_index,
                              const struct engine_import_desc *import)
{
    const struct image_import *rows = image_at(instance->image, instance->image->imports);
    instance->imports[import->index] = (struct import_binding){
        .host = missing_func, .context = (void *)(uintptr_t)&rows[import_index]};
}

static enum status bind_func(struct engine_instance *instance,
                             const struct engine_import_desc *import,
                             const struct engine_extern *provided,
                             struct report *report)
{
    struct import_binding *binding = &instance->imports[import->index];
    if (provided->host != NULL) {
        if (provided->check_type && !link_functypes_equal(&provided->host_type, &import->type))
            return incompatible(import, report, " (function type)");
        *binding = (struct import_binding){
            .host = provided->host,
            .context = provided->host_context,
            .has_loose_results = link_has_loose_results(&import->type),
        };
        return STATUS_OK;
    }
    const struct engine_instance *target = provided->instance;
    ASSERT(provided->index < target->image->funcs.count);
    if (!identity_is_below(instance->machine,
                           identity_of(target, target->funcs[provided->index].type),
                           identity_of(instance, instance->funcs[import->index].type)))
        return incompatible(import, report, " (function type)");
    *binding =
        (struct import_binding){.instance = provided->instance, .func_index = provided->index};
    /* What the other one imports itself is taken from where it is at home. */
    if (provided->index < target->image->imported_func_count &&
        target->imports[provided->index].host == NULL)
        *binding = target->imports[provided->index];
    return STATUS_OK;
}

static enum status bind_table(struct engine_instance *instance,
                              const struct engine_import_desc *import,
                              const struct engine_extern *provided,
                              struct report *report)
{
    const struct image_table *rows = image_at(instance->image, instance->image->tables);
    const struct image_table *wanted = &rows[import->index];
    ASSERT(provided->index < provided->instance->image->tables.count);
    struct table *table = provided->instance->tables[provided->index];
    if (identity_value_type(table->owner, table->type) !=
        identity_value_type(instance, wanted->type))
        return incompatible(import, report, " (table's element type)");
    if (table->is_64 != wanted->is_64)
        return incompatible(import, report, " (table's index type)");
    if (table->count < wanted->minimum)
        return incompatible(import, report, " (table is too small)");
    if (table->declared_max > wanted->maximum)
        return incompatible(import, report, " (table may grow too far)");
    instance->tables[import->index] = table;
    return STATUS_OK;
}

static enum status bind_memory(struct engine_instance *instance,
                               const struct engine_import_desc *import,
                               const struct engine_extern *provided,
                               struct report *report)
{
    const struct image_memory *rows = image_at(instance->image, instance->image->memories);
    const struct image_memory *wanted = &rows[import->index];
    ASSERT(provided->index < provided->instance->image->memories.count);
    struct memory *memory = provided->instance->memories[provided->index];
    if (memory->is_64 != wanted->is_64)
        return incompatible(import, report, " (memory's address type)");
    if (memory->page_shift != wanted->page_shift)
        return incompatible(import, report, " (memory's page size)");
    if (memory_pages(memory) < wanted->minimum)
        return incompatible(import, report, " (memory is too small)");
    if (memory->declared_max > wanted->maximum)
        return incompatible(import, report, " (memory may grow too far)");
    instance->memories[import->index] = memory;
    if (import->index == 0 && image_memory_is_plain(wanted))
        return memory_guard(memory, report);
    return STATUS_OK;
}

static enum status bind_global(struct engine_instance *instance,
                               const struct engine_import_desc *import,
                               const struct engine_extern *provided,
                               struct report *report)
{
    const struct image_global *rows = image_at(instance->image, instance->image->globals);
    const struct image_global *wanted = &rows[import->index];
    const struct image_header *image = provided->instance->image;
    ASSERT(provided->index < image->globals.count);
    const struct image_global *given = image_at(image, image->globals);
    given += provided->index;
    uint32_t given_type = identity_value_type(provided->instance, given->type);
    uint32_t wanted_type = identity_value_type(instance, wanted->type);
    bool fits = given_type == wanted_type ||
                (!wanted->is_mutable && identity_match(instance->machine, given_type, wanted_type));
    if (!fits || given->is_mutable != wanted->is_mutable)
        return incompatible(import, report, " (global type)");
    instance->imported_globals[import->index] =
        instance_global(provided->instance, provided->index);
    return STATUS_OK;
}

static enum status bind_tag(struct engine_instance *instance,
                            const struct engine_import_desc *import,
                            const struct engine_extern *provided,
                            struct report *report)
{
    const uint32_t *wanted = image_at(instance->image, instance->image->tags);
    const struct image_header *image = provided->instance->image;
    const uint32_t *given = image_at(image, image->tags);
    ASSERT(provided->index < image->tags.count);
    if (identity_of(provided->instance, given[provided->index]) !=
        identity_of(instance, wanted[import->index]))
        return incompatible(import, report, " (tag type)");
    instance->tags[import->index] = provided->instance->tags[provided->index];
    return STATUS_OK;
}

static enum status bind(struct engine_instance *instance,
                        const struct engine_import_desc *import,
                        const struct engine_extern *provided,
                        struct report *report)
{
    if (provided->kind != import->kind)
        return incompatible(import, report, " (another kind of thing)");
    if (provided->instance != NULL)
        ASSERT(provided->instance->machine == instance->machine);
    switch (import->kind) {
    case ENGINE_EXTERN_FUNC:
        return bind_func(instance, import, provided, report);
    case ENGINE_EXTERN_TABLE:
        return bind_table(instance, import, provided, report);
    case ENGINE_EXTERN_MEMORY:
        return bind_memory(instance, import, provided, report);
    case ENGINE_EXTERN_TAG:
        return bind_tag(instance, import, provided, report);
    default:
        return bind_global(instance, import, provided, report);
    }
}

enum status link_imports(struct engine_instance *instance,
                         const struct engine_linker *linker,
                         struct report *report)
{
    uint32_t count = engine_module_import_count(instance->module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(instance->module, i);
        struct engine_extern provided = {0};
        bool found = linker != NULL && linker->resolve != NULL &&
                     linker->resolve(linker->context, &import, &provided);
        enum status status = STATUS_OK;
        if (found)
            status = bind(instance, &import, &provided, report);
        else if (linker != NULL && linker->missing_funcs_trap && import.kind == ENGINE_EXTERN_FUNC)
            bind_missing_func(instance, i, &import);
        else
            status = unknown(&import, report);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
