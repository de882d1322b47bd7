/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits by class, with the instructions that each took: all samples are kept, since
 * what is asked for is their distribution. One hart's own; nothing locks.
 */
#ifndef SCRIPTS_PLUGIN_EXIT_CLASSES_H
#define SCRIPTS_PLUGIN_EXIT_CLASSES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REASONS_LIMIT 64
#define CLASSES_LIMIT 256

/* The order of struct exit_class's samples is that of sides[]. */
enum side { SIDE_HYPERVISOR, SIDE_FIRMWARE, SIDES };

struct exit_sample {
	uint32_t instructions[SIDES];
};

/* Exits for which the same reasons were counted, on the same path. */
struct exit_class {
	const char *special; /* NULL, or what there is no reason for */
	uint64_t fast, full; /* reasons, a bit each */
	struct exit_sample *samples;
	size_t count, room;
};

struct exit_classes {
	struct exit_class all[CLASSES_LIMIT];
	unsigned count;
};

/* Made where there is none yet. `special` is told apart by its address. */
struct exit_class *exit_class_of(struct exit_classes *classes, const char *special,
				 uint64_t fast, uint64_t full);

void exit_class_add(struct exit_class *group, uint32_t hypervisor, uint32_t firmware);

/* The rest of a JSON object: counts and deciles, least and most among them. */
void exit_class_write(FILE *out, struct exit_class *group);

void exit_classes_forget(struct exit_classes *classes);

#endif
