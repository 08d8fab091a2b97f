/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native code of modules: whether this build makes any, and mapping it so that it is run.
 * docs/native.md explains the tier; engine_options asks for it.
 */
#ifndef SKERRY_ENGINE_NATIVE_H
#define SKERRY_ENGINE_NATIVE_H

#include "engine/engine.h"

/* Without, modules compile to threaded code whatever is asked for. */
bool engine_has_native(void);

/*
 * Has instances made from now on run the module's native code, if it has any: maps its pages,
 * readable and executable, never writable, until the module is closed: of the file that the image
 * is from its beginning, or, with `fd` -1, of a nameless copy. An image on a base runs what is
 * mapped of the base. The image must be one that was just compiled, or that somebody verified whom
 * guests cannot reach.
 */
NODISCARD enum status
engine_module_map_native(struct engine_module *module, int fd, struct report *report);
/* Gives this process's view of those pages back, for a module that waits; they come again when they
 * are run. */
void engine_module_vacate_native(const struct engine_module *module);
/* Instances made from now on run threaded, also where what is mapped is the base's. */
void engine_module_stay_threaded(struct engine_module *module);
uint64_t engine_module_native_bytes(const struct engine_module *module);

/* Of engine_machine_fuel_used, what was used in native code: what it charged, less what it gave
 * back. Where code of both kinds takes turns in one loop, one may give back what the other charged.
 */
uint64_t engine_machine_native_fuel(const struct engine_machine *machine);

/* A function's native code where it is mapped, and its name, which may be empty; both borrowed. */
struct engine_native_func {
    struct bytes code;
    struct bytes name;
};
/* False: it has none, or none is mapped. */
bool engine_module_native_func(const struct engine_module *module,
                               uint32_t func,
                               struct engine_native_func *ret_func);

#endif
