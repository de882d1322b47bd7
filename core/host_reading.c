/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts that read the firmware's device tree share. See
 * host_reading.h. No state.
 */
#include "core/host_reading.h"

#include "core/device_tree.h"
#include "core/reason.h"

enum status host_refuse_property(const struct host_reading *reading, int node,
				 const char *property, enum status status)
{
	return refuse(reading->why, status,
		      "the machine's device tree: %s of node '%s' cannot be used",
		      property, device_tree_name(reading->fdt, node));
}

enum status host_optional_cell(const struct host_reading *reading, int node,
			       const char *property, uint32_t *value)
{
	enum status status = device_tree_cell(reading->fdt, node, property, value);

	if (status == STATUS_OK || status == STATUS_NOT_FOUND)
		return STATUS_OK;
	return host_refuse_property(reading, node, property, status);
}

enum status host_optional_string(const struct host_reading *reading, int node,
				 const char *property, const char **value)
{
	enum status status = device_tree_string(reading->fdt, node, property, value);

	if (status == STATUS_OK || status == STATUS_NOT_FOUND)
		return STATUS_OK;
	return host_refuse_property(reading, node, property, status);
}
