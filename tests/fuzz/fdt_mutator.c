/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutation of device trees. See fdt_mutator.h. */
#include "tests/fuzz/fdt_mutator.h"

#include <libfdt.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/host_ram.h"

/* Largest tree that is mutated as one; and of one within it. */
#define TREE_LIMIT  65536
#define VALUE_LIMIT 4096
#define DEPTH_LIMIT 2

struct mutation {
	uint64_t random;
	unsigned depth;
	void *fdt;
};

static bool mutate_tree(struct mutation *mutation, uint8_t *data, size_t *size,
			size_t max_size);

static unsigned below(struct mutation *mutation, unsigned limit)
{
	return random_below(&mutation->random, limit);
}

static const char *some_word(struct mutation *mutation)
{
	unsigned count = 0;

	while (fdt_words[count])
		count++;
	require(count > 0);
	return fdt_words[below(mutation, count)];
}

static int some_node(struct mutation *mutation)
{
	int count = 0, node;

	for (node = 0; node >= 0; node = fdt_next_node(mutation->fdt, node, NULL))
		count++;
	count = (int)below(mutation, (unsigned)count);
	for (node = 0; count > 0; count--)
		node = fdt_next_node(mutation->fdt, node, NULL);
	return node;
}

/* Some property of some node; NULL if the node has none. */
static const char *some_property(struct mutation *mutation, int *node, int *length)
{
	const char *name = NULL;
	unsigned seen = 0;
	int at, chosen = -1;

	*node = some_node(mutation);
	fdt_for_each_property_offset(at, mutation->fdt, *node)
	{
		if (below(mutation, ++seen) == 0)
			chosen = at;
	}
	if (chosen < 0 || !fdt_getprop_by_offset(mutation->fdt, chosen, &name, length))
		return NULL;
	/* Of two with one name, the first is the one that is found by it. */
	return fdt_getprop(mutation->fdt, *node, name, length) ? name : NULL;
}

/* The longest of some: what has structure is long. */
static const char *some_long_property(struct mutation *mutation, int *node, int *length)
{
	const char *longest = some_property(mutation, node, length);

	for (unsigned i = 0; i < 3; i++) {
		int other_node, other_length;
		const char *other = some_property(mutation, &other_node, &other_length);

		if (!other || (longest && other_length <= *length))
			continue;
		longest = other;
		*node = other_node;
		*length = other_length;
	}
	return longest;
}

/* ---- values ---- */

static uint64_t some_number(struct mutation *mutation)
{
	static const uint64_t numbers[] = {
		0,	    1,		2,	     3,		 4,	     8,
		9,	    0xfff,	0x1000,	     0x10000,	 0x200000,   0x400000,
		0x10000000, 0x7fffffff, 0x80000000,  0x80200000, 0x80400000, 0x88000000,
		0xfffff000, 0xffffffff, 0x100000000, INT64_MAX,	 -4096ull,   UINT64_MAX,
	};

	if (below(mutation, 4) == 0)
		return random_next(&mutation->random) >> below(mutation, 48);
	return numbers[below(mutation, ARRAY_LENGTH(numbers))];
}

/* A device tree within the value: a bundle may bring one for its guest. */
static bool mutate_inner_tree(struct mutation *mutation, uint8_t *value, size_t *size)
{
	struct mutation inner = {.random = random_next(&mutation->random) | 1,
				 .depth = mutation->depth + 1};

	return mutate_tree(&inner, value, size, VALUE_LIMIT);
}

static uint64_t number_at(const uint8_t *value, unsigned width, bool little_endian)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < width; i++)
		number = number << 8 | value[little_endian ? width - 1 - i : i];
	return number;
}

/* One number within the value: a cell, two cells, or as an ELF file has it. */
static void mutate_number(struct mutation *mutation, uint8_t *value, int length)
{
	uint64_t number;
	unsigned width = 4U << below(mutation, 2);
	bool elf = length > 4 && memcmp(value, "\x7f\x45LF", 4) == 0;
	bool little_endian = elf || below(mutation, 4) == 0;
	unsigned at;

	if (length < (int)width)
		return;
	at = 4 * below(mutation, ((unsigned)length - width) / 4 + 1);
	/* A little more or less than there was, or anything. */
	number = below(mutation, 3) == 0 ? number_at(value + at, width, little_endian) +
						   below(mutation, 33) - 16
					 : some_number(mutation);
	for (unsigned i = 0; i < width; i++) {
		unsigned shift = 8 * (little_endian ? i : width - 1 - i);

		value[at + i] = (uint8_t)(number >> shift);
	}
}

static void mutate_value(struct mutation *mutation)
{
	static uint8_t values[DEPTH_LIMIT][VALUE_LIMIT];
	uint8_t *value = values[mutation->depth];
	int node, length;
	const char *name = below(mutation, 2)
				   ? some_property(mutation, &node, &length)
				   : some_long_property(mutation, &node, &length);
	size_t size;

	if (!name || length < 0 || length > VALUE_LIMIT)
		return;
	size = (size_t)length;
	if (size > 0)
		memcpy(value, fdt_getprop(mutation->fdt, node, name, NULL), size);
	if (below(mutation, 3) == 0)
		mutate_number(mutation, value, length);
	else if (!mutate_inner_tree(mutation, value, &size))
		size = LLVMFuzzerMutate(value, size,
					size + 16 < VALUE_LIMIT ? size + 16 : size);
	fdt_setprop(mutation->fdt, node, name, value, (int)size);
}

static void set_value(struct mutation *mutation)
{
	int node, length;
	const char *name = some_property(mutation, &node, &length);
	const char *word = some_word(mutation);

	if (!name || below(mutation, 2) == 0)
		name = some_word(mutation);
	switch (below(mutation, 4)) {
	case 0:
		fdt_setprop_string(mutation->fdt, node, name, word);
		break;
	case 1:
		fdt_setprop_u32(mutation->fdt, node, name,
				(uint32_t)some_number(mutation));
		break;
	case 2:
		fdt_setprop_u64(mutation->fdt, node, name, some_number(mutation));
		break;
	default:
		fdt_appendprop_u64(mutation->fdt, node, name, some_number(mutation));
		break;
	}
}

/* ---- structure ---- */

static void copy_value(struct mutation *mutation)
{
	static uint8_t value[VALUE_LIMIT];
	int node, length;
	const char *name = some_property(mutation, &node, &length);

	if (!name || length < 0 || length > VALUE_LIMIT)
		return;
	if (length > 0)
		memcpy(value, fdt_getprop(mutation->fdt, node, name, NULL),
		       (size_t)length);
	fdt_setprop(mutation->fdt, some_node(mutation), name, value, length);
}

static void cut_value(struct mutation *mutation)
{
	int node, length;
	const char *name = some_property(mutation, &node, &length);
	void *room;

	if (!name || length == 0)
		return;
	length = (int)below(mutation, (unsigned)length);
	fdt_setprop_placeholder(mutation->fdt, node, name, length, &room);
}

static void delete_property(struct mutation *mutation)
{
	int node, length;
	const char *name = some_property(mutation, &node, &length);

	if (name)
		fdt_delprop(mutation->fdt, node, name);
}

static void delete_node(struct mutation *mutation)
{
	int node = some_node(mutation);

	if (node > 0)
		fdt_del_node(mutation->fdt, node);
}

static void add_node(struct mutation *mutation)
{
	fdt_add_subnode(mutation->fdt, some_node(mutation), some_word(mutation));
}

static void rename_node(struct mutation *mutation)
{
	int node = some_node(mutation);

	if (node > 0)
		fdt_set_name(mutation->fdt, node, some_word(mutation));
}

static void reserve_memory(struct mutation *mutation)
{
	fdt_add_mem_rsv(mutation->fdt, some_number(mutation), some_number(mutation));
}

static void change_boot_hart(struct mutation *mutation)
{
	fdt_set_boot_cpuid_phys(mutation->fdt, (uint32_t)some_number(mutation));
}

static void (*const changes[])(struct mutation *mutation) = {
	mutate_value, mutate_value, mutate_value,   mutate_value,     set_value,
	set_value,    copy_value,   cut_value,	    delete_property,  delete_node,
	add_node,     rename_node,  reserve_memory, change_boot_hart,
};

/* False, and nothing changed, if there is no sound tree in front, or no room. */
static bool mutate_tree(struct mutation *mutation, uint8_t *data, size_t *size,
			size_t max_size)
{
	static uint64_t trees[DEPTH_LIMIT][TREE_LIMIT / 8];
	size_t before, after, tail;
	void *fdt;

	if (mutation->depth == DEPTH_LIMIT || *size < sizeof(struct fdt_header) ||
	    *size > TREE_LIMIT / 2)
		return false;
	fdt = memcpy(trees[mutation->depth], data, *size);
	/* Older versions are what some libfdt's check itself stumbles on. */
	if (fdt_magic(fdt) != FDT_MAGIC || fdt_version(fdt) < 16 ||
	    fdt_totalsize(fdt) > *size || fdt_check_full(fdt, *size) != 0)
		return false;
	before = fdt_totalsize(fdt);
	tail = *size - before;
	if (fdt_open_into(fdt, fdt, TREE_LIMIT) != 0)
		return false;
	mutation->fdt = fdt;
	do
		changes[below(mutation, ARRAY_LENGTH(changes))](mutation);
	while (below(mutation, 4) == 0);
	fdt_pack(fdt);
	after = fdt_totalsize(fdt);
	if (after + tail > max_size)
		return false;
	memmove(data + after, data + before, tail);
	memcpy(data, fdt, after);
	*size = after + tail;
	return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct mutation mutation = {.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

	if (below(&mutation, 4) > 0 && mutate_tree(&mutation, data, &size, max_size))
		return size;
	return LLVMFuzzerMutate(data, size, max_size);
}
