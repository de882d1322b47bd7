/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/plic.c drivers/vplic.c drivers/mmio.c */
/*
 * The host's PLIC driver against a PLIC: the one shown to guests. Every access
 * must be 32 bits wide; what other contexts have set up must stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "drivers/host_mmio.h"
#include "drivers/plic.h"
#include "drivers/vplic.h"

#define BASE	UINT64_C(0x0c000000)
#define CONTEXT 3U

static struct vplic chip;
static struct plic plic;
static bool output[VPLIC_CONTEXTS_MAX];
static uintptr_t last_written;

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	struct mmio_device *devices[] = {&chip.device};
	uint64_t value;

	assert_true(mmio_read(devices, 1, GPA(address), width, &value));
	return (uint32_t)value;
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	struct mmio_device *devices[] = {&chip.device};

	assert_true(mmio_write(devices, 1, GPA(address), width, value));
	last_written = address;
}

static void notify(void *argument, unsigned context, bool pending)
{
	(void)argument;
	output[context] = pending;
}

/* A controller as a careless firmware leaves it: all on, thresholds up. */
static int setup(void **state)
{
	(void)state;
	assert_int_equal(vplic_init(&chip, GPA(BASE), 95, 8, notify, NULL), STATUS_OK);
	for (unsigned context = 0; context < 8; context++) {
		output[context] = false;
		for (unsigned word = 0; word < 3; word++)
			host_mmio_write(BASE + 0x2000 + 0x80 * context + 4 * word, 4,
					UINT32_MAX);
		host_mmio_write(BASE + 0x200000 + 0x1000 * context, 4, 7);
	}
	return plic_init(&plic, BASE, CONTEXT, 95);
}

static void init_quiets_its_own_context_only(void **state)
{
	(void)state;
	for (unsigned context = 0; context < 8; context++) {
		bool own = context == CONTEXT;

		for (unsigned word = 0; word < 3; word++) {
			uintptr_t enable = BASE + 0x2000 + 0x80 * context + 4 * word;
			uint32_t all = word == 0 ? 0xfffffffe : 0xffffffff;

			assert_int_equal(host_mmio_read(enable, 4), own ? 0 : all);
		}
		assert_int_equal(host_mmio_read(BASE + 0x200000 + 0x1000 * context, 4),
				 own ? 0 : 7);
	}
}

/* QEMU's tells of what is pending when a priority is written, not an enable bit. */
static void what_interrupts_already_is_heard(void **state)
{
	(void)state;
	assert_int_equal(plic_enable(&plic, 8, 1), STATUS_OK);
	assert_int_equal(last_written, BASE + 8 * 4);
}

static void init_goes_by_the_number_of_sources(void **state)
{
	struct plic other;

	(void)state;
	host_mmio_write(BASE + 0x2188, 4, UINT32_MAX);
	assert_int_equal(plic_init(&other, BASE, CONTEXT, 63), STATUS_OK);
	assert_int_equal(host_mmio_read(BASE + 0x2188, 4), UINT32_MAX);
	assert_int_equal(plic_init(&other, BASE, CONTEXT, 64), STATUS_OK);
	assert_int_equal(host_mmio_read(BASE + 0x2188, 4), 0);
	assert_int_equal(plic_init(&other, BASE, 15872, 95), STATUS_INVALID);
	assert_int_equal(plic_init(&other, BASE, 0, 1024), STATUS_INVALID);
}

static void enables_sources_one_by_one(void **state)
{
	static const unsigned sources[] = {1, 10, 31, 32, 33, 95};
	uint32_t expected[3] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sources); i++) {
		unsigned source = sources[i];

		assert_int_equal(plic_enable(&plic, source, 1 + source % 7), STATUS_OK);
		expected[source / 32] |= UINT32_C(1) << source % 32;
		assert_int_equal(host_mmio_read(BASE + 4 * source, 4), 1 + source % 7);
		for (unsigned word = 0; word < 3; word++)
			assert_int_equal(host_mmio_read(BASE + 0x2180 + 4 * word, 4),
					 expected[word]);
	}
	assert_int_equal(plic_enable(&plic, 0, 1), STATUS_NOT_FOUND);
	assert_int_equal(plic_enable(&plic, 96, 1), STATUS_NOT_FOUND);
}

static void claims_and_completes(void **state)
{
	(void)state;
	assert_int_equal(plic_claim(&plic), 0);
	assert_int_equal(plic_enable(&plic, 10, 1), STATUS_OK);
	assert_int_equal(plic_enable(&plic, 33, 2), STATUS_OK);
	vplic_set_level(&chip, 10, true);
	assert_true(output[CONTEXT]);
	vplic_set_level(&chip, 33, true);
	assert_int_equal(plic_claim(&plic), 33);
	assert_int_equal(plic_claim(&plic), 10);
	assert_int_equal(plic_claim(&plic), 0);
	assert_false(output[CONTEXT]);
	vplic_set_level(&chip, 33, false);
	plic_complete(&plic, 33);
	assert_false(output[CONTEXT]);
	plic_complete(&plic, 10);
	assert_true(output[CONTEXT]);
	assert_int_equal(plic_claim(&plic), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(init_quiets_its_own_context_only, setup),
		cmocka_unit_test_setup(what_interrupts_already_is_heard, setup),
		cmocka_unit_test_setup(init_goes_by_the_number_of_sources, setup),
		cmocka_unit_test_setup(enables_sources_one_by_one, setup),
		cmocka_unit_test_setup(claims_and_completes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
