/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/m/pmp_layout.c core/reason.c core/log.c */
/* sources: tests/unit/host_ram.c */
/*
 * Whose memory is where on seat m: known machines, odd places and little RAM, and at
 * random against what must hold of any layout.
 */
#include <string.h>

#include "arch/riscv/m/pmp_layout.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

static struct host_fdt fdt;
static struct pmp_layout layout;

static struct host_range range(uint64_t base, uint64_t size)
{
	return (struct host_range){HPA(base), size};
}

static void start(uint64_t base, uint64_t size)
{
	memset(&fdt, 0, sizeof(fdt));
	memset(&layout, 0, sizeof(layout));
	fdt.memory_count = 1;
	fdt.memory[0] = range(base, size);
}

static void add_memory(uint64_t base, uint64_t size)
{
	fdt.memory[fdt.memory_count++] = range(base, size);
}

static void reserve(uint64_t base, uint64_t size)
{
	fdt.reserved[fdt.reserved_count++] =
		(struct host_reserved){HPA(base), size, false};
}

static bool overlap(struct host_range a, struct host_range b)
{
	return a.base.raw < b.base.raw + b.size && b.base.raw < a.base.raw + a.size;
}

static bool contains(struct host_range outer, struct host_range inner)
{
	return range_within(inner.base.raw, inner.size, outer.base.raw, outer.size);
}

static void expect_range(struct host_range got, uint64_t base, uint64_t size)
{
	assert_int_equal(got.base.raw, base);
	assert_int_equal(got.size, size);
}

static void expect_sound(struct host_range image, uint64_t granule)
{
	const uint64_t size = layout.region.size;

	assert_true(size >= PMP_REGION_LEAST && (size & (size - 1)) == 0);
	assert_true(is_aligned(layout.region.base.raw, size));
	assert_int_equal(layout.own.size, size / 2);
	assert_int_equal(layout.pool.size, size / 2);
	assert_true(size / 2 >= granule);
	assert_true(contains(layout.region, layout.own));
	assert_true(contains(layout.region, layout.pool));
	assert_false(overlap(layout.own, layout.pool));
	assert_true(contains(layout.own, image));
	assert_false(overlap(layout.pool, fdt.tree));
	assert_false(overlap(layout.pool, fdt.initrd));
	for (unsigned i = 0; i < fdt.reserved_count; i++)
		assert_false(overlap(layout.pool, range(fdt.reserved[i].base.raw,
							fdt.reserved[i].size)));
	assert_true(is_aligned(layout.ram.base.raw | layout.ram.size, granule));
	assert_true(layout.ram.size >= 2 * size);
}

static void expect_layout(struct host_range image, uint64_t region, uint64_t size)
{
	const char *why = NULL;

	assert_int_equal(pmp_layout_choose(&layout, &fdt, image, 4, &why), STATUS_OK);
	assert_null(why);
	expect_sound(image, PAGE_SIZE);
	expect_range(layout.region, region, size);
}

static void expect_refusal(struct host_range image, uint64_t granule)
{
	const char *why = NULL;

	assert_int_equal(pmp_layout_choose(&layout, &fdt, image, granule, &why),
			 STATUS_NO_MEMORY);
	assert_non_null(strstr(why, "none to close to guests"));
}

static void known_machines(void **state)
{
	(void)state;
	/* QEMU virt: a sixteenth of RAM is no power of two. */
	start(0x80000000, 768 * MIB);
	expect_layout(range(0x80000000, 400 * 1024), 0x80000000, 32 * MIB);
	expect_range(layout.own, 0x80000000, 16 * MIB);
	expect_range(layout.pool, 0x81000000, 16 * MIB);
	expect_range(layout.ram, 0x80000000, 768 * MIB);
	/* VisionFive 2, the image behind where its SPL has been */
	start(0x40000000, 4 * GIB);
	expect_layout(range(0x40200000, 400 * 1024), 0x40000000, 256 * MIB);
	expect_range(layout.pool, 0x48000000, 128 * MIB);
	expect_range(layout.ram, 0x40000000, 4 * GIB);
}

static void an_image_at_odd_places(void **state)
{
	(void)state;
	start(0x80000000, 512 * MIB);
	/* in the upper half, so that the pool is the lower one */
	expect_layout(range(0x81900000, 400 * 1024), 0x80000000, 32 * MIB);
	expect_range(layout.own, 0x81000000, 16 * MIB);
	expect_range(layout.pool, 0x80000000, 16 * MIB);
	/* across the middle of what would do, and across the end of that */
	expect_layout(range(0x80fff000, 2 * PAGE_SIZE), 0x80000000, 64 * MIB);
	expect_layout(range(0x81fff000, 2 * PAGE_SIZE), 0x80000000, 128 * MIB);
	expect_layout(range(0x83fff000, 2 * PAGE_SIZE), 0x80000000, 256 * MIB);
	/* across the middle of half of RAM, and of all */
	expect_refusal(range(0x87fff000, 2 * PAGE_SIZE), 4);
	expect_refusal(range(0x8ffff000, 2 * PAGE_SIZE), 4);
	expect_layout(range(0x9ff00000, MIB), 0x9e000000, 32 * MIB);
	/* where there is no RAM, or not enough */
	expect_refusal(range(0x9ff00000, MIB + 1), 4);
	expect_refusal(range(0x08000000, MIB), 4);
}

static void ram_that_is_not_aligned(void **state)
{
	(void)state;
	/* 32 MiB would begin before RAM does */
	start(0x81000000, 256 * MIB);
	expect_layout(range(0x81000000, MIB), 0x81000000, 16 * MIB);
	start(0x80800000, 512 * MIB);
	expect_refusal(range(0x80800000, MIB), 4);
	start(0x80000000 + 100, 256 * MIB);
	expect_layout(range(0x84000000, MIB), 0x84000000, 16 * MIB);
	expect_range(layout.ram, 0x80001000, 256 * MIB - PAGE_SIZE);
}

static void little_ram(void **state)
{
	(void)state;
	start(0x80000000, 32 * MIB);
	expect_layout(range(0x80000000, MIB), 0x80000000, 16 * MIB);
	start(0x80000000, 32 * MIB - 1);
	expect_refusal(range(0x80000000, MIB), 4);
	start(0x80000000, 0);
	expect_refusal(range(0x80000000, MIB), 4);
	fdt.memory_count = 0;
	expect_refusal(range(0x80000000, MIB), 4);
}

static void what_is_reserved_keeps_out_of_the_pool(void **state)
{
	(void)state;
	start(0x80000000, 2 * GIB);
	reserve(0x80001000, PAGE_SIZE); /* in the own half: no matter */
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 128 * MIB);
	reserve(0x84000000, PAGE_SIZE);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 64 * MIB);
	fdt.tree = range(0x83fff000, 100);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 32 * MIB);
	fdt.initrd = range(0x81000000, MIB);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 16 * MIB);
	/* nothing small is left, something larger is */
	reserve(0x80c00000, PAGE_SIZE);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 256 * MIB);
	reserve(0x88000000, PAGE_SIZE);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, 512 * MIB);
	reserve(0x90000000, PAGE_SIZE);
	expect_layout(range(0x80000000, PAGE_SIZE), 0x80000000, GIB);
	reserve(0xa0000000, PAGE_SIZE);
	expect_refusal(range(0x80000000, PAGE_SIZE), 4);
}

/* What lies between two stretches of RAM may be a device: only one is open. */
static void several_stretches(void **state)
{
	(void)state;
	start(0x100000000, 2 * GIB);
	add_memory(0x80000000, GIB);
	expect_layout(range(0x80000000, MIB), 0x80000000, 128 * MIB);
	expect_range(layout.ram, 0x100000000, 2 * GIB);
	/* with what touches it and overlaps it, told in any order */
	start(0xa0000000, 256 * MIB);
	add_memory(0x20000000, 64 * MIB);
	add_memory(0x80000000, 256 * MIB);
	add_memory(0x90000000, 256 * MIB);
	add_memory(0x94000000, 16 * MIB);
	expect_layout(range(0x80000000, MIB), 0x80000000, 32 * MIB);
	expect_range(layout.ram, 0x80000000, 768 * MIB);
}

static void a_coarse_granule(void **state)
{
	const struct host_range image = range(0x80000000, MIB);
	const char *why = NULL;

	(void)state;
	start(0x80000000, 100 * MIB);
	add_memory(0x40000000, 16 * MIB);
	assert_int_equal(pmp_layout_choose(&layout, &fdt, image, 16 * MIB, &why),
			 STATUS_OK);
	expect_sound(image, 16 * MIB);
	expect_range(layout.region, 0x80000000, 32 * MIB);
	expect_range(layout.ram, 0x80000000, 96 * MIB);
	expect_refusal(image, 32 * MIB);
}

static void the_page_allocator_is_told(void **state)
{
	struct page_division division;

	(void)state;
	start(0x80000000, 512 * MIB);
	expect_layout(range(0x80000000, MIB), 0x80000000, 32 * MIB);
	division = pmp_layout_division(&layout);
	expect_range(division.ranges[PAGES_OWN], 0x80000000, 16 * MIB);
	expect_range(division.ranges[PAGES_TABLES], 0x81000000, 16 * MIB);
	expect_range(division.ranges[PAGES_GUESTS], 0x80000000, 512 * MIB);
}

static struct host_range random_range(uint64_t *seed, uint64_t limit)
{
	return range(0x80000000 + random_below(seed, 1u << 30),
		     random_below(seed, (uint32_t)limit));
}

static void at_random(void **state)
{
	unsigned found = 0;
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct host_range image = random_range(&seed, 4 * MIB);
		uint64_t granule = UINT64_C(4) << random_below(&seed, 20);
		const char *why = NULL;

		start(0x80000000 + random_below(&seed, 64) * MIB,
		      (1 + random_below(&seed, 1024)) * MIB);
		if (random_below(&seed, 2))
			add_memory(0xa0000000, random_below(&seed, 1024) * MIB);
		fdt.tree = random_range(&seed, 65536);
		fdt.initrd = random_range(&seed, 64 * MIB);
		for (unsigned i = random_below(&seed, 4); i > 0; i--)
			reserve(0x80000000 + random_below(&seed, 1u << 30),
				random_below(&seed, 1u << 20));
		if (pmp_layout_choose(&layout, &fdt, image, granule, &why) != STATUS_OK)
			continue;
		expect_sound(image, granule < PAGE_SIZE ? PAGE_SIZE : granule);
		found++;
	}
	assert_true(found > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_machines),
		cmocka_unit_test(an_image_at_odd_places),
		cmocka_unit_test(ram_that_is_not_aligned),
		cmocka_unit_test(little_ram),
		cmocka_unit_test(what_is_reserved_keeps_out_of_the_pool),
		cmocka_unit_test(several_stretches),
		cmocka_unit_test(a_coarse_granule),
		cmocka_unit_test(the_page_allocator_is_told),
		cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
