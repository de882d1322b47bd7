/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the registers of the host's own devices.
 *
 * Addresses are host physical, which Gnomon maps at identity. Each access is
 * one load or store of exactly the width asked for, ordered against all others
 * and against memory: what was written before a host_mmio_write() is visible to
 * the device, what a host_mmio_read() saw happened before what follows.
 * Unit tests put a model of the device behind these two functions instead.
 */
#ifndef DRIVERS_HOST_MMIO_H
#define DRIVERS_HOST_MMIO_H

#include "core/types.h"

/* width: 1, 2 or 4 bytes; address: naturally aligned. */
uint32_t host_mmio_read(uintptr_t address, unsigned width);
void host_mmio_write(uintptr_t address, unsigned width, uint32_t value);

#endif
