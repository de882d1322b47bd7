/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the registers of the host's own devices: the only place where a
 * number becomes a volatile pointer. No state, so nothing to lock; who may use
 * a device at what time is its driver's business.
 */
#include "drivers/host_mmio.h"

#include "core/arch.h"

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	uint32_t value;

	switch (width) {
	case 1:
		value = *(const volatile uint8_t *)address;
		break;
	case 2:
		value = *(const volatile uint16_t *)address;
		break;
	default:
		value = *(const volatile uint32_t *)address;
		break;
	}
	arch_io_barrier();
	return value;
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	arch_io_barrier();
	switch (width) {
	case 1:
		*(volatile uint8_t *)address = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)address = (uint16_t)value;
		break;
	default:
		*(volatile uint32_t *)address = value;
		break;
	}
}
