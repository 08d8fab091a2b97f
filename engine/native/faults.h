/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the table of faults. Private to the tier.
 */
#ifndef SKERRY_ENGINE_NATIVE_FAULTS_H
#define SKERRY_ENGINE_NATIVE_FAULTS_H

#include "engine/native/native.h"

/* Native code of a cell begins so much further on than that of the one put before, or than the
 * function's, and so does the cell. */
NODISCARD enum status
native_fault_put(struct buffer *faults, uint32_t native_further, uint32_t cell_further);

#endif
