/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for the bundle. See bundle_place.h.
 *
 * A place is believed only if what is there is a whole FIT image apart from Gnomon's
 * own: a first stage that has nothing to say may leave any number in its registers.
 */
#include "core/bundle_place.h"
#include "core/arch.h"
#include "core/bundle.h"
#include "core/device_tree.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/string.h"

static char sought[160];

static bool overlap(struct host_range a, struct host_range b)
{
	return a.base.raw < b.base.raw + b.size && b.base.raw < a.base.raw + a.size;
}

/* Its first byte and its last stand for those between. */
static bool can_be_read(struct host_range range)
{
	const uint64_t last = range.base.raw + range.size - 1;

	return last >= range.base.raw && arch_can_load(range.base) &&
	       arch_can_load(HPA(last));
}

/* The bundle's bytes there, 0 if there is none. limit: what they have at most. */
static uint64_t bundle_size_at(hpa_t address, uint64_t limit)
{
	const void *tree = (const void *)(uintptr_t)address.raw;
	uint64_t size = sizeof(struct fdt_header);

	if (address.raw == 0 || !is_aligned(address.raw, 8) ||
	    !can_be_read((struct host_range){address, size}) ||
	    fdt_magic(tree) != FDT_MAGIC)
		return 0;
	size = fdt_totalsize(tree);
	if (size > limit || !can_be_read((struct host_range){address, size}) ||
	    fdt_check_full(tree, size) != 0)
		return 0;
	size = bundle_extent(tree);
	return size <= limit && can_be_read((struct host_range){address, size}) ? size
										: 0;
}

/* limit: UINT64_MAX if nobody says. */
static bool take(struct host_range image, uint64_t address, uint64_t limit)
{
	const struct host_range found = {HPA(address),
					 bundle_size_at(HPA(address), limit)};

	if (found.size == 0 || overlap(found, image) || overlap(found, machine.fdt.tree))
		return false;
	machine.fdt.initrd = found;
	return true;
}

static void add(const char *what, uint64_t address)
{
	size_t used = strlen(sought);

	if (address != 0)
		format_text(sought + used, sizeof(sought) - used, "%s 0x%lx (%s)",
			    used > 0 ? "," : "", address, what);
}

/* QEMU names the image itself for what comes next if that is all it has loaded. */
static void note(struct host_range image, const struct bundle_hints *hints, hpa_t chosen)
{
	sought[0] = '\0';
	if (!overlap(image, (struct host_range){HPA(hints->next_stage), 1}))
		add("the first stage's next address", hints->next_stage);
	add("/chosen", chosen.raw);
	add("this build's", hints->built_in);
}

void bundle_find(struct host_range image, const struct bundle_hints *hints)
{
	const struct host_range chosen = machine.fdt.initrd;

	note(image, hints, chosen.base);
	if (take(image, hints->next_stage, UINT64_MAX) ||
	    take(image, chosen.base.raw, chosen.size) ||
	    take(image, hints->built_in, UINT64_MAX))
		return;
	if (chosen.size > 0 && !can_be_read(chosen))
		machine.fdt.initrd.size = 0;
}

const char *bundle_sought(void)
{
	static char text[sizeof(sought) + 40];

	format_text(text, sizeof(text), "the bundle is missing: %s%s",
		    sought[0] ? "there is none at" : "nothing says where it is", sought);
	return text;
}
