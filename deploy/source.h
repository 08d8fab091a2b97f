/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of sources.def an upload is.
 */
#ifndef SKERRY_DEPLOY_SOURCE_H
#define SKERRY_DEPLOY_SOURCE_H

#include "deploy/deploy.h"

/* Is it this media type, whatever its parameters [RFC 9110 8.3.1]? */
bool source_type_is(struct bytes content_type, const char *name);
/* Is it the type of a source, or one that leaves it to the first bytes (octet-stream, none)? */
bool source_type_is_known(struct bytes content_type);
/* By its type; without one by its first bytes; if those are of none, it is WASM, whose front end
 * says best what is wrong with it. */
enum deploy_source source_of(struct bytes content_type, struct bytes body);
/* The media type of a file of that name, and how much of the name is not its ending; a file whose
 * name says nothing is taken for a module. */
const char *source_type_of_file(const char *path, size_t *ret_stem_bytes);

#endif
