/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose memory is where on seat m. See pmp_layout.h. */
#include "arch/riscv/m/pmp_layout.h"
#include "core/reason.h"

static uint64_t end_of(struct host_range range)
{
	return range.base.raw + range.size;
}

static bool contains(struct host_range outer, struct host_range inner)
{
	return range_within(inner.base.raw, inner.size, outer.base.raw, outer.size);
}

static bool overlap(struct host_range a, struct host_range b)
{
	return a.base.raw < end_of(b) && b.base.raw < end_of(a);
}

/* The range and all the memory that touches it, or what has been added to it. */
static struct host_range grow(const struct host_fdt *fdt, struct host_range range)
{
	for (unsigned i = 0; i < fdt->memory_count; i++) {
		const struct host_range *memory = &fdt->memory[i];
		uint64_t start = range.base.raw, end = end_of(range);

		if (memory->base.raw > end || end_of(*memory) < start ||
		    contains(range, *memory))
			continue;
		if (memory->base.raw < start)
			start = memory->base.raw;
		if (end_of(*memory) > end)
			end = end_of(*memory);
		range = (struct host_range){HPA(start), end - start};
		i = UINT32_MAX; /* once more from the first */
	}
	return range;
}

static struct host_range largest_stretch(const struct host_fdt *fdt, uint64_t granule)
{
	struct host_range best = {0};
	uint64_t start, end;

	for (unsigned i = 0; i < fdt->memory_count; i++) {
		struct host_range stretch = grow(fdt, fdt->memory[i]);

		if (stretch.size > best.size)
			best = stretch;
	}
	start = align_up(best.base.raw, granule);
	end = align_down(end_of(best), granule);
	return (struct host_range){HPA(start), start < end ? end - start : 0};
}

static struct host_range stretch_around(const struct host_fdt *fdt,
					struct host_range image)
{
	for (unsigned i = 0; i < fdt->memory_count; i++) {
		struct host_range stretch = grow(fdt, fdt->memory[i]);

		if (contains(stretch, image))
			return stretch;
	}
	return (struct host_range){0};
}

static bool is_free(const struct host_fdt *fdt, struct host_range range)
{
	for (unsigned i = 0; i < fdt->reserved_count; i++)
		if (overlap(range, (struct host_range){fdt->reserved[i].base,
						       fdt->reserved[i].size}))
			return false;
	return !overlap(range, fdt->tree) && !overlap(range, fdt->initrd);
}

/* The region of that size around the image: false if it cannot be. */
static bool place(struct pmp_layout *layout, const struct host_fdt *fdt,
		  struct host_range image, struct host_range stretch, uint64_t size)
{
	const uint64_t half = size / 2;

	layout->region = (struct host_range){HPA(align_down(image.base.raw, size)), size};
	layout->own = (struct host_range){HPA(align_down(image.base.raw, half)), half};
	layout->pool = (struct host_range){HPA(layout->own.base.raw ^ half), half};
	return contains(stretch, layout->region) && contains(layout->own, image) &&
	       is_free(fdt, layout->pool);
}

static uint64_t power_of_two_within(uint64_t size)
{
	uint64_t power = 1;

	while (power <= size / 2)
		power *= 2;
	return power;
}

/* As large as is wanted, or nearly; larger where the image lies so that it must be. */
static bool choose_region(struct pmp_layout *layout, const struct host_fdt *fdt,
			  struct host_range image, uint64_t granule)
{
	const struct host_range stretch = stretch_around(fdt, image);
	const uint64_t least =
		granule > PMP_REGION_LEAST / 2 ? 2 * granule : PMP_REGION_LEAST;
	const uint64_t most = layout->ram.size / 2;
	uint64_t wanted = power_of_two_within(layout->ram.size / PMP_REGION_SHARE);

	if (wanted < least)
		wanted = least;
	for (uint64_t size = wanted; size >= least && size <= most; size /= 2)
		if (place(layout, fdt, image, stretch, size))
			return true;
	for (uint64_t size = 2 * wanted; size <= most; size *= 2)
		if (place(layout, fdt, image, stretch, size))
			return true;
	return false;
}

enum status pmp_layout_choose(struct pmp_layout *layout, const struct host_fdt *fdt,
			      struct host_range image, uint64_t granule, const char **why)
{
	if (granule < PAGE_SIZE)
		granule = PAGE_SIZE;
	layout->ram = largest_stretch(fdt, granule);
	if (!choose_region(layout, fdt, image, granule))
		return refuse(why, STATUS_NO_MEMORY,
			      "%lu MiB of RAM, and none to close to guests: an aligned "
			      "power of two around the image at 0x%lx, %lu MiB to half "
			      "of RAM, with nothing reserved in its other half",
			      layout->ram.size / MIB, image.base.raw,
			      PMP_REGION_LEAST / MIB);
	return STATUS_OK;
}

struct page_division pmp_layout_division(const struct pmp_layout *layout)
{
	return (struct page_division){{
		[PAGES_OWN] = layout->own,
		[PAGES_TABLES] = layout->pool,
		[PAGES_GUESTS] = layout->ram,
	}};
}
