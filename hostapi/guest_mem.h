/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door from guest pointers to host pointers.
 *
 * Every function checks the whole range first and touches nothing if it does not fit.
 * Views die with the next guest instruction; nobody keeps one across a call.
 */
#ifndef SKERRY_HOSTAPI_GUEST_MEM_H
#define SKERRY_HOSTAPI_GUEST_MEM_H

#include "engine/engine.h"

/* A borrowed view of guest memory; false if it is not all there. */
NODISCARD bool guest_mem_view(struct engine_instance *instance,
                              uint32_t address,
                              uint32_t count,
                              struct bytes *ret_view);
/* A range that the host is about to write. */
NODISCARD bool guest_mem_space(struct engine_instance *instance,
                               uint32_t address,
                               uint64_t count,
                               uint8_t **ret_space);
NODISCARD bool
guest_mem_put_u32(struct engine_instance *instance, uint32_t address, uint32_t value);
NODISCARD bool
guest_mem_put_u64(struct engine_instance *instance, uint32_t address, uint64_t value);

/* Little-endian numbers in a range that was checked as a whole. */
uint16_t guest_mem_load_u16(const uint8_t *from);
uint32_t guest_mem_load_u32(const uint8_t *from);
uint64_t guest_mem_load_u64(const uint8_t *from);
void guest_mem_store_u16(uint8_t *to, uint16_t value);
void guest_mem_store_u32(uint8_t *to, uint32_t value);
void guest_mem_store_u64(uint8_t *to, uint64_t value);

/* Vectors of one call; POSIX's own bound. */
#define GUEST_MEM_IOVECS_MAX 1024

/*
 * A checked copy of an array of iovec {u32 address, u32 count}: a copy, because a read may
 * land on the array itself.
 */
struct guest_mem_iovecs {
    uint32_t count;
    uint64_t bytes; /* sum; at most GUEST_MEM_IOVECS_MAX * 4 GiB */
    struct {
        uint32_t address;
        uint32_t count;
    } rows[GUEST_MEM_IOVECS_MAX];
};

enum guest_mem_result {
    GUEST_MEM_OK,
    GUEST_MEM_OUTSIDE,  /* the array or one of the ranges is not inside memory */
    GUEST_MEM_TOO_MANY, /* more than GUEST_MEM_IOVECS_MAX */
};
NODISCARD enum guest_mem_result guest_mem_iovecs(struct engine_instance *instance,
                                                 uint32_t address,
                                                 uint32_t count,
                                                 struct guest_mem_iovecs *ret_iovecs);

#endif
