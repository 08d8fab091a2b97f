/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions on structures, arrays and i31; casts.
 */
#ifndef SKERRY_ENGINE_VALIDATE_OBJECT_H
#define SKERRY_ENGINE_VALIDATE_OBJECT_H

#include "engine/validate/body.h"

void validate_check_object(struct validator *v, uint32_t code);

#endif
