/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's surface: the names of what it imports and exports, as text for people, so that nobody
 * but a builder has to read a module to tell them.
 *
 *   import http_handler.get_config
 *   export memory
 *   export handle_request
 *   more 12                            what there was no room for, if anything
 */
#ifndef SKERRY_SERVER_SURFACE_H
#define SKERRY_SERVER_SURFACE_H

#include "engine/engine.h"

#define SURFACE_NAME_BYTES 200 /* of one line; the rest of a longer name is left out */

/* NUL-terminated, of whole lines; what is not plain in a name becomes '?'. */
void server_surface_write(const struct engine_module *module, size_t bytes, char *ret_text);

#endif
