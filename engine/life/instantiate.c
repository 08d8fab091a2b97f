/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instantiation: what a module's initialisers and active segments say, in their order.
 * [Wasm core 4.5.4]
 *
 * Once the instance is on its machine others may see its parts, so it stays there whatever
 * happens next.
 */
#include "engine/image/image.h"
#include "engine/life/constant.h"
#include "engine/life/create.h"
#include "engine/read/module.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

static enum status init_globals(struct engine_instance *instance, struct report *report)
{
    const struct image_header *image = instance->image;
    const struct image_global *rows = image_at(image, image->globals);
    for (uint32_t i = image->imported_global_count; i < image->globals.count; i++) {
        union engine_value *global = instance_global(instance, i);
        enum status status = constant_evaluate(instance, rows[i].init, report, global);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status
init_trapped(struct engine_instance *instance, enum engine_trap trap, struct report *report)
{
    struct engine_machine *machine = instance->machine;
    machine->trap = trap;
    machine->trap_reason = NULL;
    return report_fail(report, STATUS_TRAPPED, REPORT_OFFSET_NONE, "%s", engine_trap_text(trap));
}

static enum status init_tables(struct engine_instance *instance, struct report *report)
{
    for (uint32_t i = 0; i < instance_own_tables(instance); i++) {
        struct image_span init = image_own_tables(instance->image)[i].init;
        struct table *table = &instance->own_tables[i];
        union engine_value value;
        if (init.count == 0)
            continue;
        enum status status = constant_evaluate(instance, init, report, &value);
        if (status != STATUS_OK)
            return status;
        for (uint32_t entry = 0; entry < table->count; entry++)
            table->entries[entry] = value.ref;
    }
    return STATUS_OK;
}

static enum status init_elems(struct engine_instance *instance, struct report *report)
{
    const struct image_header *image = instance->image;
    const struct image_elem *rows = image_at(image, image->elems);
    for (uint32_t i = 0; i < image->elems.count; i++) {
        if (rows[i].mode == MODULE_SEGMENT_PASSIVE)
            continue;
        if (rows[i].mode == MODULE_SEGMENT_ACTIVE) {
            union engine_value offset;
            enum status status = constant_evaluate(instance, rows[i].offset, report, &offset);
            if (status != STATUS_OK)
                return status;
            enum engine_trap trap =
                table_init(instance, rows[i].table, i, offset.bits, 0, rows[i].items.count);
            if (trap != TRAP_NONE)
                return init_trapped(instance, trap, report);
        }
        instance->dropped_elems[i] = 1;
    }
    return STATUS_OK;
}

static enum status init_datas(struct engine_instance *instance, struct report *report)
{
    const struct image_header *image = instance->image;
    const struct image_data *rows = image_at(image, image->datas);
    for (uint32_t i = 0; i < image->datas.count; i++) {
        if (rows[i].mode != MODULE_SEGMENT_ACTIVE)
            continue;
        union engine_value offset;
        enum status status = constant_evaluate(instance, rows[i].offset, report, &offset);
        if (status != STATUS_OK)
            return status;
        enum engine_trap trap =
            memory_init(instance, rows[i].memory, i, offset.bits, 0, rows[i].content.count);
        if (trap != TRAP_NONE)
            return init_trapped(instance, trap, report);
        instance->dropped_datas[i] = 1;
    }
    return STATUS_OK;
}

enum status engine_instantiate(struct engine_machine *machine,
                               const struct engine_module *module,
                               const struct engine_linker *linker,
                               struct report *report,
                               struct engine_instance **ret_instance)
{
    struct engine_instance *instance;
    enum status status = create_instance(machine, module, linker, false, report, &instance);
    if (status != STATUS_OK)
        return status;
    /* From here on others may see its parts, so it stays alive whatever happens. */
    machine_adopt(machine, instance);
    status = init_globals(instance, report);
    if (status == STATUS_OK)
        status = init_tables(instance, report);
    if (status == STATUS_OK)
        status = init_elems(instance, report);
    if (status == STATUS_OK)
        status = init_datas(instance, report);
    if (status == STATUS_OK)
        *ret_instance = instance;
    return status;
}
