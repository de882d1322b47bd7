/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that moves in, looks what others have left in its memory, and leaves something
 * of its own everywhere before it waits to be thrown out.
 *
 * RAM is zero when a VM begins, but for its image and its device tree: whatever else is
 * there is somebody's secret. Several lives of it, one after the other or side by side,
 * find each other's marks if a hypervisor gives memory away as it is.
 */
#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/guest.h"
#include "guests/lib/platform.h"
#include "guests/lib/string.h"

#define MARK	   UINT64_C(0x7e5a17c0ffee1157)
#define TREE_MAGIC 0xedfe0dd0u /* as it lies in memory */

struct finds {
	uint64_t words; /* that are not zero */
	uint64_t marks; /* of these, another life's */
	uint64_t first;
};

extern char image_start[], image_end[];

/* The page behind this one, or behind the image where this is its first. */
static uint64_t next(uint64_t page)
{
	if (page + PAGE_SIZE != (uintptr_t)image_start)
		return page + PAGE_SIZE;
	return align_up((uintptr_t)image_end, PAGE_SIZE);
}

/* Of the device tree that begins there; 0: none does. */
static uint64_t tree_size(uint64_t page)
{
	const uint8_t *bytes = (const uint8_t *)page;

	if (*(const uint32_t *)page != TREE_MAGIC)
		return 0;
	return (uint64_t)bytes[4] << 24 | (uint64_t)bytes[5] << 16 |
	       (uint64_t)bytes[6] << 8 | bytes[7];
}

static void look(struct finds *finds, const uint64_t *word)
{
	if (*word == 0)
		return;
	if (finds->words++ == 0)
		finds->first = (uintptr_t)word;
	finds->marks += *word == MARK;
}

static void search(struct finds *finds, const uint64_t *words)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		look(finds, &words[i]);
}

static void leave_marks(uint64_t *words)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		words[i] = MARK;
}

bool guest_main(void)
{
	struct finds finds = {0};
	uint64_t page, tree_end = 0;

	for (page = platform.memory_base; page < platform.memory_end; page = next(page)) {
		uint64_t size = tree_size(page);

		if (size > 0)
			tree_end = page + size;
		if (page >= tree_end)
			search(&finds, (const uint64_t *)page);
	}
	if (finds.words > 0)
		print("tenant: %lu words were there, the first at 0x%lx, %lu of them "
		      "another "
		      "tenant's\n",
		      finds.words, finds.first, finds.marks);
	for (page = platform.memory_base; page < platform.memory_end; page = next(page))
		leave_marks((uint64_t *)page);
	print("tenant: %lu MiB, %s\n", (platform.memory_end - platform.memory_base) / MIB,
	      finds.words > 0 ? "used" : "as new");
	while (!platform_argument("leave"))
		__asm__ volatile("wfi");
	return finds.words == 0;
}
