/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits by class. See exit_classes.h. */
#include "scripts/plugin/exit_classes.h"

#include <stdlib.h>

#define FIRST_ROOM 1024

struct exit_class *exit_class_of(struct exit_classes *classes, const char *special,
				 uint64_t fast, uint64_t full)
{
	struct exit_class *found = classes->all;

	for (unsigned i = 0; i < classes->count; i++, found++)
		if (found->special == special && found->fast == fast &&
		    found->full == full)
			return found;
	if (classes->count == CLASSES_LIMIT)
		abort();
	classes->count++;
	*found = (struct exit_class){.special = special, .fast = fast, .full = full};
	return found;
}

void exit_class_add(struct exit_class *group, uint32_t hypervisor, uint32_t firmware)
{
	if (group->count == group->room) {
		group->room = group->room ? 2 * group->room : FIRST_ROOM;
		group->samples =
			realloc(group->samples, group->room * sizeof(*group->samples));
		if (!group->samples)
			abort();
	}
	group->samples[group->count++] = (struct exit_sample){{hypervisor, firmware}};
}

static int compare(uint32_t x, uint32_t y)
{
	return (x > y) - (x < y);
}

static int by_hypervisor(const void *a, const void *b)
{
	const struct exit_sample *x = a, *y = b;

	return compare(x->instructions[SIDE_HYPERVISOR],
		       y->instructions[SIDE_HYPERVISOR]);
}

static int by_firmware(const void *a, const void *b)
{
	const struct exit_sample *x = a, *y = b;

	return compare(x->instructions[SIDE_FIRMWARE], y->instructions[SIDE_FIRMWARE]);
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} sides[SIDES] = {
	[SIDE_HYPERVISOR] = {"hypervisor", by_hypervisor},
	[SIDE_FIRMWARE] = {"firmware", by_firmware},
};

/* The first of the eleven is the least, the last one the most. */
static void write_side(FILE *out, struct exit_class *group, enum side side)
{
	uint64_t total = 0;

	qsort(group->samples, group->count, sizeof(*group->samples), sides[side].compare);
	for (size_t i = 0; i < group->count; i++)
		total += group->samples[i].instructions[side];
	fprintf(out, ", \"%s\": {\"total\": %lu, \"deciles\": [", sides[side].name,
		(unsigned long)total);
	for (size_t i = 0; i <= 10; i++)
		fprintf(out, "%s%u", i ? ", " : "",
			group->samples[(group->count - 1) * i / 10].instructions[side]);
	fputs("]}", out);
}

void exit_class_write(FILE *out, struct exit_class *group)
{
	fprintf(out, ", \"count\": %zu", group->count);
	write_side(out, group, SIDE_HYPERVISOR);
	write_side(out, group, SIDE_FIRMWARE);
}

void exit_classes_forget(struct exit_classes *classes)
{
	for (unsigned i = 0; i < classes->count; i++)
		free(classes->all[i].samples);
	classes->count = 0;
}
