/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/mmio.c */
/*
 * Dispatch of a guest's accesses to devices: which device, which offset, which
 * bytes of the value, and what is refused before a device sees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/mmio.h"

/* A device that notes what it was asked; offset 0x8 is a bus error. */
struct probe {
	struct mmio_device device;
	unsigned calls;
	uint64_t offset;
	unsigned width;
	uint64_t value;
};

static bool probe_access(struct mmio_device *device, uint64_t offset, unsigned width,
			 uint64_t value)
{
	struct probe *probe = (struct probe *)device;

	probe->calls++;
	probe->offset = offset;
	probe->width = width;
	probe->value = value;
	return offset != 0x8;
}

static bool probe_read(struct mmio_device *device, uint64_t offset, unsigned width,
		       uint64_t *value)
{
	*value = UINT64_C(0x8899aabbccddeeff);
	return probe_access(device, offset, width, 0);
}

static struct probe probes[3];
static struct mmio_device *devices[3];

/* Two devices side by side, and one that ends with the address space. */
static int setup(void **state)
{
	static const struct {
		uint64_t base;
		uint64_t size;
	} windows[] = {{0x1000, 0x100}, {0x1100, 0x10}, {UINT64_MAX - 0xfff, 0x1000}};

	(void)state;
	memset(probes, 0, sizeof(probes));
	for (size_t i = 0; i < ARRAY_LENGTH(windows); i++) {
		probes[i].device = (struct mmio_device){.name = "probe",
							.base = GPA(windows[i].base),
							.size = windows[i].size,
							.read = probe_read,
							.write = probe_access};
		devices[i] = &probes[i].device;
	}
	return 0;
}

static unsigned calls(void)
{
	return probes[0].calls + probes[1].calls + probes[2].calls;
}

static struct mmio_device *find(uint64_t gpa, unsigned width)
{
	return mmio_find(devices, ARRAY_LENGTH(devices), GPA(gpa), width);
}

static bool load(uint64_t gpa, unsigned width, uint64_t *value)
{
	return mmio_read(devices, ARRAY_LENGTH(devices), GPA(gpa), width, value);
}

static bool store(uint64_t gpa, unsigned width, uint64_t value)
{
	return mmio_write(devices, ARRAY_LENGTH(devices), GPA(gpa), width, value);
}

static void finds_the_window(void **state)
{
	(void)state;
	assert_ptr_equal(find(0x1000, 1), devices[0]);
	assert_ptr_equal(find(0x10ff, 1), devices[0]);
	assert_ptr_equal(find(0x10f8, 8), devices[0]);
	assert_ptr_equal(find(0x1100, 1), devices[1]);
	assert_ptr_equal(find(0x110c, 4), devices[1]);
	assert_ptr_equal(find(UINT64_MAX, 1), devices[2]);
	assert_ptr_equal(find(UINT64_MAX - 7, 8), devices[2]);
	assert_null(find(0xfff, 1));
	assert_null(find(0x1110, 1));
	assert_null(find(0, 8));
	assert_null(mmio_find(devices, 0, GPA(0x1000), 1));
}

static void must_lie_wholly_inside(void **state)
{
	(void)state;
	probes[1].device.size = 0xe;
	assert_ptr_equal(find(0x110c, 2), devices[1]);
	assert_null(find(0x110c, 4));
	assert_null(find(0x1108, 8));
}

static void must_be_aligned_and_of_legal_width(void **state)
{
	static const unsigned widths[] = {1, 2, 4, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(widths); i++) {
		for (uint64_t gpa = 0x1000; gpa < 0x1040; gpa++) {
			bool found = find(gpa, widths[i]) != NULL;

			assert_int_equal(found, gpa % widths[i] == 0);
		}
	}
	assert_null(find(0x1000, 0));
	assert_null(find(0x1000, 3));
	assert_null(find(0x1000, 16));
}

static void passes_offset_width_and_low_bytes(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(store(0x1104, 2, UINT64_C(0x1122334455667788)));
	assert_int_equal(probes[1].offset, 4);
	assert_int_equal(probes[1].width, 2);
	assert_int_equal(probes[1].value, 0x7788);
	assert_true(store(0x1000, 8, UINT64_C(0x1122334455667788)));
	assert_int_equal(probes[0].value, UINT64_C(0x1122334455667788));
	assert_true(load(0x1001, 1, &value));
	assert_int_equal(value, 0xff);
	assert_true(load(0x1002, 2, &value));
	assert_int_equal(value, 0xeeff);
	assert_true(load(0x1004, 4, &value));
	assert_int_equal(value, 0xccddeeff);
	assert_true(load(0x1010, 8, &value));
	assert_int_equal(value, UINT64_C(0x8899aabbccddeeff));
	assert_int_equal(calls(), 6);
}

static void a_bus_error_is_one(void **state)
{
	uint64_t value = 42;

	(void)state;
	assert_false(load(0x1008, 4, &value));
	assert_false(store(0x1008, 4, 1));
	assert_int_equal(probes[0].calls, 2);
	assert_false(load(0x2000, 4, &value));
	assert_false(store(0x2000, 4, 1));
	assert_false(load(0x1001, 2, &value));
	assert_false(store(0x1001, 2, 1));
	assert_int_equal(calls(), 2);
	assert_int_equal(value, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_the_window, setup),
		cmocka_unit_test_setup(must_lie_wholly_inside, setup),
		cmocka_unit_test_setup(must_be_aligned_and_of_legal_width, setup),
		cmocka_unit_test_setup(passes_offset_width_and_low_bytes, setup),
		cmocka_unit_test_setup(a_bus_error_is_one, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
