/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/m/aclint.c core/device_tree.c core/reason.c core/log.c */
/* libs: -lfdt */
/*
 * Whose the registers of a CLINT, or of ACLINT's devices, are: device trees whose
 * devices are words of this process, in which what is written is then looked for.
 */
#include <string.h>

#include <libfdt.h>

#include "arch/riscv/m/aclint.h"
#include "core/arch.h"
#include "tests/unit/silent_console.h"

#define SOFTWARE 3
#define TIMER	 7

static uint64_t tree[1024];
static uint64_t first[0xc000 / 8], second[0xc000 / 8];
static struct host_fdt host;
static const char *why;

void arch_io_barrier(void)
{
}

/* ---- trees ---- */

static void begin(void)
{
	memset(first, 0, sizeof(first));
	memset(second, 0, sizeof(second));
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	assert_int_equal(fdt_begin_node(tree, ""), 0);
	assert_int_equal(fdt_property_u32(tree, "#address-cells", 2), 0);
	assert_int_equal(fdt_property_u32(tree, "#size-cells", 2), 0);
}

struct piece {
	void *base;
	uint64_t size;
};

/* Entries are phandle << 8 | interrupt; 0 ends them. */
static void device(const char *compatible, const struct piece *pieces, unsigned count,
		   const uint32_t *entries)
{
	fdt64_t reg[4];
	fdt32_t pairs[32];
	unsigned used = 0;

	for (unsigned i = 0; i < count; i++) {
		reg[2 * i] = cpu_to_fdt64((uintptr_t)pieces[i].base);
		reg[2 * i + 1] = cpu_to_fdt64(pieces[i].size);
	}
	for (; entries[used / 2] != 0; used += 2) {
		pairs[used] = cpu_to_fdt32(entries[used / 2] >> 8);
		pairs[used + 1] = cpu_to_fdt32(entries[used / 2] & 0xff);
	}
	assert_int_equal(fdt_begin_node(tree, compatible), 0);
	assert_int_equal(
		fdt_property(tree, "compatible", compatible, (int)strlen(compatible) + 1),
		0);
	assert_int_equal(fdt_property(tree, "reg", reg, (int)(count * 16)), 0);
	assert_int_equal(
		fdt_property(tree, "interrupts-extended", pairs, (int)(used * 4)), 0);
	assert_int_equal(fdt_end_node(tree), 0);
}

/* Harts by the phandles of their interrupt controllers, the boot hart's first. */
static enum status find(unsigned count, const uint32_t *phandles)
{
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	host = (struct host_fdt){.hart_count = count};
	for (unsigned i = 0; i < count; i++)
		host.harts[i].intc_phandle = phandles[i];
	return aclint_find(tree, &host, &why);
}

#define ENTRY(phandle, interrupt) ((phandle) << 8 | (interrupt))
#define BOTH(phandle)		  ENTRY(phandle, SOFTWARE), ENTRY(phandle, TIMER)

static void clint(void *base, uint64_t size, const uint32_t *entries)
{
	const struct piece all = {base, size};

	device("sifive,clint0", &all, 1, entries);
}

static uint32_t word(const uint64_t *device_words, unsigned number)
{
	return (uint32_t)(device_words[number / 2] >> (number % 2 * 32));
}

/* ---- the tests ---- */

/* Hart 0 of such chips has no MMU, and its place in the list all the same. */
static void a_clint_by_its_order(void **state)
{
	const uint32_t entries[] = {BOTH(1), BOTH(7), BOTH(5), 0};
	const uint32_t harts[] = {5, 7};

	(void)state;
	begin();
	clint(first, sizeof(first), entries);
	assert_int_equal(find(2, harts), STATUS_OK);
	assert_true(aclint_has(0) && aclint_has(1) && !aclint_has(2));
	aclint_kick(0, true);
	assert_int_equal(word(first, 2), 1);
	aclint_kick(1, true);
	assert_int_equal(word(first, 1), 1);
	aclint_kick(0, false);
	assert_int_equal(word(first, 2), 0);
	aclint_timer_set(0, 1234);
	assert_int_equal(first[0x4000 / 8 + 2], 1234);
	aclint_timer_set(1, UINT64_MAX);
	assert_true(first[0x4000 / 8 + 1] == UINT64_MAX);
	assert_ptr_equal(clint_time, &first[0xbff8 / 8]);
}

/* Two devices for each pair of harts, as machines of several sockets have them. */
static void aclint_of_several_devices(void **state)
{
	const struct piece words[] = {{first, 8}, {first + 1, 8}};
	const struct piece timers[][2] = {{{second, 8}, {second + 1, 16}},
					  {{second + 3, 8}, {second + 4, 16}}};
	const uint32_t software[][3] = {{ENTRY(2, SOFTWARE), ENTRY(1, SOFTWARE), 0},
					{ENTRY(3, SOFTWARE), ENTRY(4, SOFTWARE), 0}};
	const uint32_t timer[][3] = {{ENTRY(1, TIMER), ENTRY(2, TIMER), 0},
				     {ENTRY(3, TIMER), ENTRY(4, TIMER), 0}};
	const uint32_t harts[] = {4, 3, 2, 1};

	(void)state;
	begin();
	for (unsigned i = 0; i < 2; i++) {
		device("riscv,aclint-mswi", &words[i], 1, software[i]);
		device("riscv,aclint-mtimer", timers[i], 2, timer[i]);
	}
	assert_int_equal(find(4, harts), STATUS_OK);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(aclint_has(i));
		aclint_timer_set(i, 100 + i);
	}
	assert_int_equal(second[1], 103);
	assert_int_equal(second[2], 102);
	assert_int_equal(second[4], 101);
	assert_int_equal(second[5], 100);
	aclint_kick(0, true);
	assert_int_equal(word(first, 3), 1);
	aclint_kick(2, true);
	assert_int_equal(word(first, 0), 1);
	assert_int_equal(word(first, 1) + word(first, 2), 0);
}

static void a_hart_that_no_device_knows(void **state)
{
	const uint32_t entries[] = {BOTH(1), ENTRY(2, SOFTWARE), 0};
	const uint32_t harts[] = {1, 2, 3, 0};

	(void)state;
	begin();
	clint(first, sizeof(first), entries);
	assert_int_equal(find(4, harts), STATUS_OK);
	assert_true(aclint_has(0));
	assert_false(aclint_has(1) || aclint_has(2) || aclint_has(3));
}

static void registers_that_the_device_has_not(void **state)
{
	const struct piece words = {first, 4};
	const struct piece timers[] = {{second, 8}, {second + 1, 8}};
	const uint32_t software[] = {ENTRY(1, SOFTWARE), ENTRY(2, SOFTWARE), 0};
	const uint32_t timer[] = {ENTRY(1, TIMER), ENTRY(2, TIMER), 0};
	const uint32_t harts[] = {1, 2};

	(void)state;
	begin();
	device("riscv,aclint-mswi", &words, 1, software);
	device("riscv,aclint-mtimer", timers, 2, timer);
	assert_int_equal(find(2, harts), STATUS_OK);
	assert_true(aclint_has(0) && !aclint_has(1));
}

static void machines_with_no_timer(void **state)
{
	const uint32_t others[] = {BOTH(2), 0}, ours[] = {BOTH(1), 0};
	const uint32_t hart = 1;

	(void)state;
	begin();
	assert_int_equal(find(1, &hart), STATUS_NOT_FOUND);
	assert_non_null(strstr(why, "no timer"));
	begin();
	clint(first, sizeof(first), others);
	assert_int_equal(find(1, &hart), STATUS_NOT_FOUND);
	begin();
	clint(first, sizeof(first) - 8, ours);
	assert_int_equal(find(1, &hart), STATUS_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clint_by_its_order),
		cmocka_unit_test(aclint_of_several_devices),
		cmocka_unit_test(a_hart_that_no_device_knows),
		cmocka_unit_test(registers_that_the_device_has_not),
		cmocka_unit_test(machines_with_no_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
