/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reading of the firmware's device tree under way: private to host_*.c.
 *
 * Each part fills its share of host_fdt and complains through these functions,
 * which name the node and the property. On the boot hart only.
 */
#ifndef CORE_HOST_READING_H
#define CORE_HOST_READING_H

#include "core/host_fdt.h"

struct host_reading {
	struct host_fdt *host;
	const void *fdt;
	uint64_t boot_hart;
	const char **why;
};

/* Returns status, having said in words that this property is no good. */
enum status host_refuse_property(const struct host_reading *reading, int node,
				 const char *property, enum status status);

/*
 * A cell, a string that may be missing: *value then stays what it was. Any
 * other length is refused.
 */
enum status host_optional_cell(const struct host_reading *reading, int node,
			       const char *property, uint32_t *value);
enum status host_optional_string(const struct host_reading *reading, int node,
				 const char *property, const char **value);

/*
 * An early step, which never fails: where the console's UART is, so that what is wrong
 * elsewhere can be told on it.
 */
enum status host_console_look(const struct host_reading *reading);

/* The step for PLIC and console; needs the harts. */
enum status host_devices_read(const struct host_reading *reading);

#endif
