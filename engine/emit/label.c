/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels that branches lead to before it is known where they are.
 *
 * The fields of branches to a label are a list, from one fixup to the next; until the label is
 * bound, a field's fuel is what had been executed at the branch.
 */
#include "engine/emit/label.h"

#include "engine/emit/emit.h"
#include "engine/emit/hold.h"

void label_branch(struct translator *t, struct control *target, uint32_t cell, uint32_t field)
{
    if (target->opcode == OPCODE_LOOP) {
        emit_patch(t, cell, field, target->loop_target, t->executed - target->loop_executed);
        return;
    }
    if (!emit_grow(t, &t->output.fixups, t->output.fixup_count, &t->output.fixups_capacity,
                   sizeof(*t->output.fixups)))
        return;
    /* Until the label is bound the fuel field holds `executed` here. */
    emit_patch(t, cell, field, cell, t->executed);
    t->output.fixups[t->output.fixup_count] =
        (struct fixup){.field = field, .cell = cell, .next = target->fixups};
    target->fixups = t->output.fixup_count++;
}

void label_bind(struct translator *t, uint32_t fixups)
{
    hold_flush(t);
    t->output.has_last = false;
    if (t->status != STATUS_OK)
        return;
    for (uint32_t i = fixups; i != NO_INDEX; i = t->output.fixups[i].next) {
        int32_t executed;
        memcpy(&executed, t->output.code->cells.data + t->output.fixups[i].field + 4,
               sizeof(executed));
        emit_patch(t, t->output.fixups[i].cell, t->output.fixups[i].field, emit_here(t),
                   executed - t->executed);
    }
}
