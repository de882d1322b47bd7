/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading device trees that come from outside: what libfdt leaves open.
 *
 * libfdt keeps every access inside a tree that passed device_tree_check();
 * these functions add what a property must look like to be believed, and the
 * translation of bus addresses. Nothing is cached and nothing is written; all
 * may be called on any hart. `fdt` is always a checked tree, `node` an offset
 * libfdt gave out.
 */
#ifndef CORE_DEVICE_TREE_H
#define CORE_DEVICE_TREE_H

#include "core/types.h"

#include <libfdt.h>

/* A piece of an address space, in bytes. */
struct device_range {
	uint64_t base;
	uint64_t size;
};

/*
 * Is there a sound flattened tree in [tree, tree + size)? Reads nothing outside
 * of it. `what` names the tree in *why. The time it takes grows with the number
 * of nodes and properties, not with their size. STATUS_CORRUPT if not.
 */
enum status device_tree_check(const void *tree, uint64_t size, const char *what,
			      const char **why);

/*
 * A number of one or two cells. STATUS_NOT_FOUND without the property,
 * STATUS_CORRUPT when it has another length.
 */
enum status device_tree_number(const void *fdt, int node, const char *property,
			       uint64_t *value);

/* As device_tree_number(), for exactly one cell. */
enum status device_tree_cell(const void *fdt, int node, const char *property,
			     uint32_t *value);

/*
 * A property that is exactly one string, pointing into the tree.
 * STATUS_NOT_FOUND without the property, STATUS_CORRUPT when it is anything
 * else (no NUL, several strings).
 */
enum status device_tree_string(const void *fdt, int node, const char *property,
			       const char **value);

/* The node's name for messages; never NULL. */
const char *device_tree_name(const void *fdt, int node);

/* False where the node's status is there and neither "okay" nor "ok". */
bool device_tree_available(const void *fdt, int node);

/* True if the node has a device_type and it is this one. */
bool device_tree_has_type(const void *fdt, int node, const char *type);

/*
 * The index-th entry of the node's reg as the CPU sees it: translated through
 * the ranges of all parents. STATUS_NOT_FOUND when there is no such entry,
 * STATUS_CORRUPT when reg is no whole number of entries or the range wraps,
 * STATUS_UNSUPPORTED when an address has more than two cells or a bus on the
 * way does not map it.
 */
enum status device_tree_reg(const void *fdt, int node, unsigned index,
			    struct device_range *range);

/*
 * The node's first interrupt: the controller's node and the first cell of the
 * specifier. Understands interrupts with an inherited interrupt-parent, and
 * interrupts-extended. STATUS_NOT_FOUND when there is none, STATUS_CORRUPT when
 * it leads nowhere.
 */
enum status device_tree_interrupt(const void *fdt, int node, int *controller,
				  uint32_t *number);

#endif
