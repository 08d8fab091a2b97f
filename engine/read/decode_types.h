/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types in the binary.
 */
#ifndef SKERRY_ENGINE_READ_DECODE_TYPES_H
#define SKERRY_ENGINE_READ_DECODE_TYPES_H

#include "engine/read/module.h"

/* First byte of a reference that names its heap type: nullable, or not. */
#define DECODE_REF_NULL 0x63
#define DECODE_REF      0x64

/* One value type; 0 on failure. Type indices become canonical ones of `module`, or positions
 * in the group that is being decoded. */
uint32_t decode_value_type(struct reader *reader, const struct module *module);
uint32_t decode_reference_type(struct reader *reader, const struct module *module);
/* A heap type, as the nullable reference to it. */
uint32_t decode_heap_type(struct reader *reader, const struct module *module);

/* Index of a type that is one of functions, structures or arrays. */
uint32_t
decode_type_index(struct reader *reader, const struct module *module, enum types_kind kind);

#endif
