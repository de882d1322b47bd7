/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/bundle_place.c core/bundle.c core/device_tree.c core/machine.c */
/* sources: core/bundle_image.c core/bundle_devices.c */
/* sources: core/reason.c core/log.c mm/page_alloc.c tests/unit/lone_hart.c tests/unit/host_ram.c */
/* libs: -lfdt */
/*
 * Which of the places that could have a bundle is believed, where some have none, have
 * half of one, have it where Gnomon itself is, or cannot be read at all.
 */
#include <string.h>

#include "core/arch.h"
#include "core/bundle_place.h"
#include "core/device_tree.h"
#include "core/machine.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

#define SIZE (4 * MIB)

static hpa_t ram;
static uint64_t unreadable;
static const struct host_range no_image;

bool arch_can_load(hpa_t address)
{
	return address.raw >= ram.raw && address.raw < ram.raw + SIZE &&
	       address.raw != unreadable;
}

static void *at(uint64_t offset)
{
	return (void *)(uintptr_t)(ram.raw + offset);
}

static int begin(void **state)
{
	(void)state;
	ram = host_ram_map(SIZE, 2 * MIB);
	memset(at(0), 0, SIZE);
	memset(&machine, 0, sizeof(machine));
	machine.fdt.memory_count = 1;
	machine.fdt.memory[0] = (struct host_range){ram, SIZE};
	unreadable = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	host_ram_unmap(ram, SIZE);
	return 0;
}

/* A FIT image of so many bytes with one image; external: its data are behind the tree. */
static uint64_t put_bundle(uint64_t offset, int size, uint32_t external)
{
	void *fdt = at(offset);
	int images, image;

	assert_int_equal(fdt_create_empty_tree(fdt, size), 0);
	images = fdt_add_subnode(fdt, 0, "images");
	image = fdt_add_subnode(fdt, images, "kernel");
	assert_true(image > 0);
	if (external > 0) {
		assert_int_equal(fdt_setprop_u32(fdt, image, "data-offset", 8), 0);
		assert_int_equal(fdt_setprop_u32(fdt, image, "data-size", external), 0);
	}
	return external > 0 ? (uint64_t)size + 8 + external : (uint64_t)size;
}

static void choose(uint64_t offset, uint64_t size)
{
	machine.fdt.initrd = (struct host_range){HPA(ram.raw + offset), size};
}

/* Offsets from the start of RAM, 0 for none. */
static void find(uint64_t next, uint64_t built_in)
{
	const struct bundle_hints hints = {next ? ram.raw + next : 0,
					   built_in ? ram.raw + built_in : 0};

	bundle_find(no_image, &hints);
}

static void found(uint64_t offset, uint64_t size)
{
	assert_int_equal(machine.fdt.initrd.base.raw, ram.raw + offset);
	assert_int_equal(machine.fdt.initrd.size, size);
}

static void the_order(void **state)
{
	(void)state;
	put_bundle(0x1000, 0x800, 0);
	put_bundle(0x2000, 0x900, 0);
	put_bundle(0x3000, 0xa00, 0);
	choose(0x2000, 0x1000);
	find(0x1000, 0x3000);
	found(0x1000, 0x800);
	choose(0x2000, 0x1000);
	find(0, 0x3000);
	found(0x2000, 0x900);
	choose(0x4000, 0x1000);
	find(0x5000, 0x3000);
	found(0x3000, 0xa00);
	choose(0, 0);
	find(0, 0x3000);
	found(0x3000, 0xa00);
}

/* Reading it is to say what is wrong with it. */
static void what_is_chosen_stays_if_nothing_is_better(void **state)
{
	(void)state;
	choose(0x2000, 0x1234);
	find(0x1000, 0x3000);
	found(0x2000, 0x1234);
	/* longer than it is said to be: truncated */
	put_bundle(0x2000, 0x900, 0);
	choose(0x2000, 0x8ff);
	find(0, 0);
	found(0x2000, 0x8ff);
	/* ... unless it cannot be read */
	unreadable = ram.raw + 0x2000;
	find(0, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
}

static void all_of_it_has_to_be_there(void **state)
{
	uint64_t size;

	(void)state;
	size = put_bundle(0x1000, 0x800, 0x5000);
	find(0x1000, 0);
	found(0x1000, size);
	choose(0, 0);
	unreadable = ram.raw + 0x1000 + size - 1;
	find(0x1000, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
	unreadable = 0;
	find(0x1004, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
	/* data of 4 GiB less a byte, and a tree that reaches out of RAM */
	put_bundle(0x1000, 0x800, UINT32_MAX);
	find(0x1000, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
	put_bundle(0x1000, 0x800, 0);
	fdt_set_totalsize(at(0x1000), SIZE);
	find(0x1000, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
	/* the start of a tree */
	put_bundle(0x1000, 0x800, 0);
	fdt_set_off_dt_struct(at(0x1000), 0x7fc);
	find(0x1000, 0);
	assert_int_equal(machine.fdt.initrd.size, 0);
}

static void gnomons_own_is_no_bundle(void **state)
{
	const struct bundle_hints hints = {ram.raw + 0x1000, 0};
	const struct host_range image = {HPA(ram.raw + 0x17ff), 1};

	(void)state;
	put_bundle(0x1000, 0x800, 0);
	bundle_find(image, &hints);
	assert_int_equal(machine.fdt.initrd.size, 0);
	machine.fdt.tree = (struct host_range){HPA(ram.raw + 0x1000), 0x800};
	bundle_find(no_image, &hints);
	assert_int_equal(machine.fdt.initrd.size, 0);
	machine.fdt.tree.base = HPA(ram.raw + 0x1800);
	bundle_find((struct host_range){HPA(ram.raw), 0x1000}, &hints);
	found(0x1000, 0x800);
}

static void where_it_was_sought_is_one_line(void **state)
{
	const struct bundle_hints none = {0}, two = {0x40200000, 0x44000000};

	(void)state;
	bundle_find(no_image, &none);
	assert_string_equal(bundle_sought(),
			    "the bundle is missing: nothing says where it is");
	bundle_find(no_image, &two);
	assert_string_equal(bundle_sought(),
			    "the bundle is missing: there is none at 0x40200000 (the "
			    "first stage's next address), 0x44000000 (this build's)");
	machine.fdt.initrd = (struct host_range){HPA(0x50000000), 1};
	bundle_find(no_image, &none);
	assert_string_equal(bundle_sought(),
			    "the bundle is missing: there is none at 0x50000000 "
			    "(/chosen)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_order, begin, end),
		cmocka_unit_test_setup_teardown(what_is_chosen_stays_if_nothing_is_better,
						begin, end),
		cmocka_unit_test_setup_teardown(all_of_it_has_to_be_there, begin, end),
		cmocka_unit_test_setup_teardown(gnomons_own_is_no_bundle, begin, end),
		cmocka_unit_test_setup_teardown(where_it_was_sought_is_one_line, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
