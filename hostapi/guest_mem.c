/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest numbers become host pointers here, by engine_memory_read and engine_memory_write
 * alone. Wasm is little-endian; loads and stores go through memcpy, because guests may use
 * any address.
 */
#include "hostapi/guest_mem.h"

#include <endian.h>

bool guest_mem_view(struct engine_instance *instance,
                    uint32_t address,
                    uint32_t count,
                    struct bytes *ret_view)
{
    const uint8_t *data;
    if (!engine_memory_read(instance, address, count, &data))
        return false;
    *ret_view = bytes_make(data, count);
    return true;
}

bool guest_mem_space(struct engine_instance *instance,
                     uint32_t address,
                     uint64_t count,
                     uint8_t **ret_space)
{
    return engine_memory_write(instance, address, count, ret_space);
}

bool guest_mem_put_u32(struct engine_instance *instance, uint32_t address, uint32_t value)
{
    uint8_t *space;
    if (!engine_memory_write(instance, address, sizeof(value), &space))
        return false;
    guest_mem_store_u32(space, value);
    return true;
}

bool guest_mem_put_u64(struct engine_instance *instance, uint32_t address, uint64_t value)
{
    uint8_t *space;
    if (!engine_memory_write(instance, address, sizeof(value), &space))
        return false;
    guest_mem_store_u64(space, value);
    return true;
}

uint16_t guest_mem_load_u16(const uint8_t *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof(value));
    return le16toh(value);
}

uint32_t guest_mem_load_u32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

uint64_t guest_mem_load_u64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

void guest_mem_store_u16(uint8_t *to, uint16_t value)
{
    value = htole16(value);
    memcpy(to, &value, sizeof(value));
}

void guest_mem_store_u32(uint8_t *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof(value));
}

void guest_mem_store_u64(uint8_t *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof(value));
}

#define GUEST_MEM_IOVEC_BYTES 8

enum guest_mem_result guest_mem_iovecs(struct engine_instance *instance,
                                       uint32_t address,
                                       uint32_t count,
                                       struct guest_mem_iovecs *ret_iovecs)
{
    if (count > GUEST_MEM_IOVECS_MAX)
        return GUEST_MEM_TOO_MANY;
    const uint8_t *array;
    if (!engine_memory_read(instance, address, (uint64_t)count * GUEST_MEM_IOVEC_BYTES, &array))
        return GUEST_MEM_OUTSIDE;
    ret_iovecs->count = count;
    ret_iovecs->bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = array + (size_t)i * GUEST_MEM_IOVEC_BYTES;
        ret_iovecs->rows[i].address = guest_mem_load_u32(row);
        ret_iovecs->rows[i].count = guest_mem_load_u32(row + 4);
        const uint8_t *data;
        if (!engine_memory_read(instance, ret_iovecs->rows[i].address, ret_iovecs->rows[i].count,
                                &data))
            return GUEST_MEM_OUTSIDE;
        ret_iovecs->bytes += ret_iovecs->rows[i].count;
    }
    return GUEST_MEM_OK;
}
