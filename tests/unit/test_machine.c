/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/machine.c core/reason.c core/log.c mm/page_alloc.c tests/unit/lone_hart.c */
/* sources: tests/unit/host_ram.c */
/*
 * Which of the machine's RAM is free, with reserved ranges that overlap, touch,
 * nest and stick out, against a map with one byte for each unit of address.
 */
#include <string.h>

#include "core/machine.h"
#include "mm/page_alloc.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

#define UNIT  0x800u
#define UNITS 512u
#define BASE  UINT64_C(0x80000000)

static uint8_t expected[UNITS], got[UNITS];
static unsigned ranges;

static struct host_range units(unsigned from, unsigned count)
{
	return (struct host_range){HPA(BASE + from * UNIT), (uint64_t)count * UNIT};
}

static enum status note(struct host_range range, void *context)
{
	assert_ptr_equal(context, got);
	assert_true(range.size > 0);
	assert_true(range_within(range.base.raw, range.size, BASE, UNITS * UNIT));
	for (uint64_t at = range.base.raw; at < range.base.raw + range.size; at += UNIT)
		got[(at - BASE) / UNIT]++;
	ranges++;
	return STATUS_OK;
}

static void mark(struct host_range range, uint8_t value)
{
	for (unsigned i = 0; i < range.size / UNIT; i++)
		expected[(range.base.raw - BASE) / UNIT + i] = value;
}

static void start(void)
{
	memset(&machine, 0, sizeof(machine));
	memset(expected, 0, sizeof(expected));
}

static void add_memory(struct host_range range)
{
	machine.fdt.memory[machine.fdt.memory_count++] = range;
	mark(range, 1);
}

static void add_reserved(struct host_range range, bool no_map)
{
	machine.fdt.reserved[machine.fdt.reserved_count++] =
		(struct host_reserved){range.base, range.size, no_map};
}

/* The map must be covered exactly, each unit at most once. */
static void check(struct host_range image)
{
	struct host_fdt *fdt = &machine.fdt;
	uint8_t mappable[UNITS];

	memcpy(mappable, expected, sizeof(mappable));
	mark(image, 0);
	memset(got, 0, sizeof(got));
	for (unsigned i = 0; i < fdt->reserved_count; i++)
		if (fdt->reserved[i].no_map)
			mark((struct host_range){fdt->reserved[i].base,
						 fdt->reserved[i].size},
			     0);
	assert_int_equal(machine_for_each_mappable(image, note, got), STATUS_OK);
	assert_memory_equal(got, expected, sizeof(got));
	memset(got, 0, sizeof(got));
	for (unsigned i = 0; i < fdt->reserved_count; i++)
		mark((struct host_range){fdt->reserved[i].base, fdt->reserved[i].size},
		     0);
	mark(fdt->tree, 0);
	mark(fdt->initrd, 0);
	assert_int_equal(machine_for_each_free(image, note, got), STATUS_OK);
	assert_memory_equal(got, expected, sizeof(got));
	memcpy(expected, mappable, sizeof(expected));
}

static void ranges_that_overlap_touch_and_nest(void **state)
{
	(void)state;
	start();
	add_memory(units(100, 300));
	machine.fdt.tree = units(110, 10);
	machine.fdt.initrd = units(390, 50); /* sticks out */
	add_reserved(units(90, 15), true);   /* begins before RAM */
	add_reserved(units(200, 20), false);
	add_reserved(units(210, 20), true);
	add_reserved(units(230, 5), false); /* touches */
	add_reserved(units(205, 2), true);  /* nested */
	add_reserved(units(0, 10), true);   /* nowhere near */
	add_reserved(units(300, 0), true);  /* empty */
	check(units(150, 30));
}

static void several_memories(void **state)
{
	(void)state;
	start();
	add_memory(units(300, 100));
	add_memory(units(0, 100));
	add_memory(units(150, 1));
	add_reserved(units(50, 300), false);
	check(units(0, 20));
	/* all of a memory reserved */
	add_reserved(units(290, 130), true);
	check(units(0, 20));
}

static void memories_that_overlap_and_nest(void **state)
{
	(void)state;
	start();
	add_memory(units(100, 50));
	add_memory(units(120, 100)); /* sticks out behind */
	add_memory(units(90, 20));   /* begins before */
	add_memory(units(110, 5));   /* nested */
	add_memory(units(100, 50));  /* the same again */
	add_memory(units(80, 200));  /* around all of them */
	add_reserved(units(140, 20), true);
	check(units(105, 10));
}

static void nothing_reserved_and_everything(void **state)
{
	(void)state;
	start();
	add_memory(units(10, 20));
	ranges = 0;
	check(units(0, 0));
	assert_int_equal(ranges, 2);
	add_reserved(units(10, 20), true);
	ranges = 0;
	check(units(0, 0));
	assert_int_equal(ranges, 0);
}

static void random_ranges(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned at = random_below(&seed, 20);

		start();
		while (at < UNITS - 100 && machine.fdt.memory_count < 6) {
			unsigned size = 1 + random_below(&seed, 80);

			add_memory(units(at, size));
			at += size + random_below(&seed, 30);
		}
		for (unsigned i = random_below(&seed, HOST_RESERVED_LIMIT + 1); i > 0;
		     i--)
			add_reserved(units(random_below(&seed, UNITS - 40),
					   random_below(&seed, 40)),
				     random_below(&seed, 2));
		machine.fdt.tree =
			units(random_below(&seed, 400), random_below(&seed, 9));
		machine.fdt.initrd =
			units(random_below(&seed, 400), random_below(&seed, 100));
		check(units(random_below(&seed, 400), random_below(&seed, 50)));
	}
}

static enum status refuse_second(struct host_range range, void *context)
{
	unsigned *calls = context;

	(void)range;
	return ++*calls == 2 ? STATUS_TOO_BIG : STATUS_OK;
}

static void the_first_refusal_ends_it(void **state)
{
	unsigned calls = 0;

	(void)state;
	start();
	for (unsigned i = 0; i < 5; i++)
		add_memory(units(i * 20, 10));
	assert_int_equal(machine_for_each_free(units(0, 0), refuse_second, &calls),
			 STATUS_TOO_BIG);
	assert_int_equal(calls, 2);
}

/* ---- the bundle ---- */

/* 8 KiB and a byte of it in the middle of 4 MiB, between the image and the tree. */
static void begin_with_bundle(hpa_t ram)
{
	start();
	machine.fdt.memory_count = 1;
	machine.fdt.memory[0] = (struct host_range){ram, 4 * MIB};
	machine.fdt.tree = (struct host_range){HPA(ram.raw + 3 * MIB), 4096};
	machine.fdt.initrd = (struct host_range){HPA(ram.raw + 2 * MIB), 8193};
	memset((void *)(uintptr_t)machine.fdt.initrd.base.raw, 0x5a, 8193);
}

static void bundle_is_at(uint64_t address)
{
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)address;

	assert_int_equal(machine.fdt.initrd.base.raw, address);
	assert_int_equal(machine.fdt.initrd.size, 8193);
	for (unsigned i = 0; i < 8193; i++)
		assert_int_equal(bytes[i], 0x5a);
}

static void the_bundle_goes_to_the_upper_end(void **state)
{
	hpa_t ram = host_ram_map(4 * MIB, 2 * MIB);
	struct host_range image = {ram, 300 * 1024};

	(void)state;
	begin_with_bundle(ram);
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 4 * MIB - 3 * PAGE_SIZE);
	/* there it stays */
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 4 * MIB - 3 * PAGE_SIZE);
	/* below the tree, where all above it is taken */
	begin_with_bundle(ram);
	add_reserved((struct host_range){HPA(ram.raw + 3 * MIB), MIB}, true);
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 3 * MIB - 3 * PAGE_SIZE);
	host_ram_unmap(ram, 4 * MIB);
}

/* What the tree calls memory ends before it, or begins behind. */
static void a_bundle_from_outside_of_ram_goes_to_the_upper_end(void **state)
{
	hpa_t ram = host_ram_map(4 * MIB, 2 * MIB);
	struct host_range image = {ram, 300 * 1024};

	(void)state;
	begin_with_bundle(ram);
	machine.fdt.memory[0].size = 2 * MIB - 4096;
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 2 * MIB - 4 * PAGE_SIZE);
	begin_with_bundle(ram);
	machine.fdt.memory[0].base = HPA(ram.raw + 3 * MIB);
	machine.fdt.memory[0].size = MIB;
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 4 * MIB - 3 * PAGE_SIZE);
	/* in part, too; and it stays where there is no room for it */
	begin_with_bundle(ram);
	machine.fdt.memory[0].size = 2 * MIB + 4096;
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 2 * MIB - 3 * PAGE_SIZE);
	begin_with_bundle(ram);
	machine.fdt.memory[0].size = 8192;
	machine_move_bundle((struct host_range){ram, 4096});
	bundle_is_at(ram.raw + 2 * MIB);
	host_ram_unmap(ram, 4 * MIB);
}

static void a_bundle_with_no_room_above_stays(void **state)
{
	hpa_t ram = host_ram_map(4 * MIB, 2 * MIB);
	struct host_range image = {ram, 300 * 1024};

	(void)state;
	begin_with_bundle(ram);
	add_reserved((struct host_range){HPA(ram.raw + 2 * MIB + 16384), MIB - 16384},
		     true);
	add_reserved((struct host_range){HPA(ram.raw + 3 * MIB), MIB - 8192}, false);
	machine_move_bundle(image);
	bundle_is_at(ram.raw + 2 * MIB);
	/* nor is there one to move */
	machine.fdt.reserved_count = 0;
	machine.fdt.initrd = (struct host_range){HPA(0), 0};
	machine_move_bundle(image);
	assert_int_equal(machine.fdt.initrd.base.raw, 0);
	host_ram_unmap(ram, 4 * MIB);
}

/* ---- the page allocator ---- */

#define RAM (16 * MIB)

/* Every page that the allocator gives is in RAM, free, and nobody else's. */
static void the_allocator_gets_what_is_free(void **state)
{
	hpa_t ram = host_ram_map(RAM, 2 * MIB);
	struct host_range image = {ram, 300 * 1024};
	const char *why = NULL;
	uint64_t free, reserved_pages = (300 + 64 + 100) / 4;

	(void)state;
	start();
	machine.fdt.memory_count = 1;
	machine.fdt.memory[0] = (struct host_range){ram, RAM};
	machine.fdt.tree = (struct host_range){HPA(ram.raw + 4 * MIB + 100), 64 * 1024};
	add_reserved((struct host_range){HPA(ram.raw + 8 * MIB), 100 * 1024}, true);
	assert_int_equal(machine_memory_init(image, NULL, &why), STATUS_OK);
	free = page_alloc_free_pages();
	/* the tree's odd ends and the allocator's own bytes cost a few more */
	assert_true(free <= RAM / PAGE_SIZE - reserved_pages - 1);
	assert_true(free >= RAM / PAGE_SIZE - reserved_pages - 4);
	for (uint64_t i = 0; i < free; i++) {
		char *page = page_alloc(0);

		assert_true(range_within((uintptr_t)page, PAGE_SIZE, ram.raw, RAM));
		assert_false((uintptr_t)page < ram.raw + 300 * 1024);
		assert_false((uintptr_t)page + PAGE_SIZE > ram.raw + 4 * MIB + 100 &&
			     (uintptr_t)page < ram.raw + 4 * MIB + 100 + 64 * 1024);
		assert_false((uintptr_t)page >= ram.raw + 8 * MIB &&
			     (uintptr_t)page < ram.raw + 8 * MIB + 100 * 1024);
		memset(page, 0x11, PAGE_SIZE);
	}
	assert_null(page_alloc(0));
	host_ram_unmap(ram, RAM);
}

/* Its own bytes are Gnomon's, wherever there is free RAM before that. */
static void a_division_reaches_the_allocator(void **state)
{
	hpa_t ram = host_ram_map(RAM, RAM);
	struct host_range image = {HPA(ram.raw + 8 * MIB), 300 * 1024};
	const struct page_division division = {{
		[PAGES_OWN] = {HPA(ram.raw + 8 * MIB), 4 * MIB},
		[PAGES_TABLES] = {HPA(ram.raw + 12 * MIB), 4 * MIB},
		[PAGES_GUESTS] = {ram, RAM},
	}};
	const char *why = NULL;

	(void)state;
	start();
	machine.fdt.memory_count = 1;
	machine.fdt.memory[0] = (struct host_range){ram, RAM};
	assert_int_equal(machine_memory_init(image, &division, &why), STATUS_OK);
	assert_int_equal(page_alloc_free_of(PAGES_OWN),
			 (4 * MIB - 300 * 1024) / PAGE_SIZE - 1);
	assert_int_equal(page_alloc_free_of(PAGES_TABLES), 4 * MIB / PAGE_SIZE);
	assert_int_equal(page_alloc_free_of(PAGES_GUESTS), 8 * MIB / PAGE_SIZE);
	image.size = 4 * MIB - 100;
	assert_int_equal(machine_memory_init(image, &division, &why), STATUS_NO_MEMORY);
	assert_non_null(why);
	host_ram_unmap(ram, RAM);
}

static void no_room_for_the_allocators_own(void **state)
{
	hpa_t ram = host_ram_map(2 * MIB, 2 * MIB);
	const char *why = NULL;

	(void)state;
	start();
	machine.fdt.memory_count = 1;
	machine.fdt.memory[0] = (struct host_range){ram, 2 * MIB};
	assert_int_equal(
		machine_memory_init((struct host_range){ram, 2 * MIB - 2048}, NULL, &why),
		STATUS_NO_MEMORY);
	assert_non_null(why);
	host_ram_unmap(ram, 2 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_overlap_touch_and_nest),
		cmocka_unit_test(several_memories),
		cmocka_unit_test(memories_that_overlap_and_nest),
		cmocka_unit_test(nothing_reserved_and_everything),
		cmocka_unit_test(random_ranges),
		cmocka_unit_test(the_first_refusal_ends_it),
		cmocka_unit_test(the_bundle_goes_to_the_upper_end),
		cmocka_unit_test(a_bundle_from_outside_of_ram_goes_to_the_upper_end),
		cmocka_unit_test(a_bundle_with_no_room_above_stays),
		cmocka_unit_test(the_allocator_gets_what_is_free),
		cmocka_unit_test(a_division_reaches_the_allocator),
		cmocka_unit_test(no_room_for_the_allocators_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
