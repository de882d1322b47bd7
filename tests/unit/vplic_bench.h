/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's interrupt controller on the bench: its wires, its outputs and its
 * registers, for the tests that include this. Registers are reached through
 * mmio_read() and mmio_write(), as a guest's accesses do.
 */
#ifndef TESTS_UNIT_VPLIC_BENCH_H
#define TESTS_UNIT_VPLIC_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/vplic.h"

#define BASE	 UINT64_C(0x0c000000)
#define SOURCES	 40U /* neither a whole word nor all there could be */
#define CONTEXTS 3U

static struct vplic vplic;
static struct mmio_device *devices[1];
static bool output[VPLIC_CONTEXTS_MAX];
static unsigned notifications;

static inline void notify(void *argument, unsigned context, bool pending)
{
	assert_ptr_equal(argument, output);
	assert_true(context < vplic.contexts);
	assert_int_not_equal(output[context], pending); /* only on change */
	output[context] = pending;
	notifications++;
}

static inline int setup(void **state)
{
	(void)state;
	memset(output, 0, sizeof(output));
	notifications = 0;
	devices[0] = &vplic.device;
	return (int)vplic_init(&vplic, GPA(BASE), SOURCES, CONTEXTS, notify, output);
}

static inline uint32_t load(uint64_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_true(mmio_read(devices, 1, GPA(BASE + offset), 4, &value));
	return (uint32_t)value;
}

static inline void store(uint64_t offset, uint32_t value)
{
	assert_true(mmio_write(devices, 1, GPA(BASE + offset), 4, value));
}

static inline void set_priority(unsigned source, uint32_t priority)
{
	store(4 * source, priority);
}

static inline uint64_t enable_offset(unsigned context, unsigned source)
{
	return 0x2000 + 0x80 * context + source / 32 * 4;
}

static inline void set_enable(unsigned context, unsigned source, bool enabled)
{
	uint32_t word = load(enable_offset(context, source));
	uint32_t bit = UINT32_C(1) << source % 32;

	store(enable_offset(context, source), enabled ? word | bit : word & ~bit);
}

static inline void set_threshold(unsigned context, uint32_t threshold)
{
	store(0x200000 + 0x1000 * context, threshold);
}

static inline uint32_t claim(unsigned context)
{
	return load(0x200004 + 0x1000 * context);
}

static inline void complete(unsigned context, uint32_t source)
{
	store(0x200004 + 0x1000 * context, source);
}

static inline bool is_pending(unsigned source)
{
	return load(0x1000 + source / 32 * 4) >> source % 32 & 1;
}

static inline void wire(unsigned source, bool level)
{
	struct irq_line line = vplic_line(&vplic, source);

	irq_line_set(&line, level);
}

#endif
