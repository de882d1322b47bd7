/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-mmio device on the bench, and a driver that can do everything wrong: RAM of
 * two runs that are not adjacent, the interrupt wire, and rings made entry by entry.
 * Registers go through mmio_read() and mmio_write(), as a guest's accesses do.
 */
#ifndef TESTS_UNIT_VIRTIO_BENCH_H
#define TESTS_UNIT_VIRTIO_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/virtio_mmio.h"

#define BASE	   UINT64_C(0x10001000)
#define RAM	   UINT64_C(0x80000000)
#define RUN_SIZE   (64 * UINT64_C(1024))
#define RUNS	   2U
#define RAM_END	   (RAM + RUNS * RUN_SIZE)
#define DESC	   (RAM + 0x1000) /* where the driver has its rings */
#define AVAIL	   (RAM + 0x2000)
#define USED	   (RAM + 0x3000)
#define QUEUE_STEP 0x4000		     /* from one queue's to the next's */
#define DATA	   (RAM + RUN_SIZE - 0x1000) /* and its data: over the runs' bound */

enum {
	NEXT = 1,
	WRITE = 2,
	INDIRECT = 4,
};

static struct {
	struct guest_memory ram;
	struct mmio_device *device;
	bool wire;
	unsigned raised;
	unsigned writes; /* to RAM, by the device */
} outside;

void harts_serve(void)
{
	fail_msg("a lock is waited for");
}

static inline void set_wire(struct irq_line *line, bool level)
{
	assert_int_equal(line->source, 1);
	outside.raised += level && !outside.wire;
	outside.wire = level;
}

static inline enum status write_ram(void *context, gpa_t to, const void *from,
				    uint64_t size)
{
	assert_ptr_equal(context, &outside);
	outside.writes++;
	return guest_memory_write(&outside.ram, to, from, size);
}

static const struct virtio_memory bench_memory = {&outside.ram, write_ram, &outside};
static const struct irq_line bench_line = {set_wire, &outside, 1};

static inline void bench_create(struct mmio_device *device)
{
	memset(&outside, 0, sizeof(outside));
	outside.device = device;
	outside.ram = (struct guest_memory){
		.base = GPA(RAM), .size = RUNS * RUN_SIZE, .run_count = RUNS};
	for (unsigned i = 0; i < RUNS; i++)
		outside.ram.runs[i] = (struct guest_run){
			GPA(RAM + i * RUN_SIZE),
			pointer_hpa(aligned_alloc(PAGE_SIZE, RUN_SIZE)), RUN_SIZE};
	assert_int_equal(guest_memory_zero(&outside.ram, GPA(RAM), RUNS * RUN_SIZE),
			 STATUS_OK);
}

static inline void bench_destroy(void)
{
	for (unsigned i = 0; i < RUNS; i++)
		free(hpa_pointer(outside.ram.runs[i].hpa));
}

/* ---- the driver's side ---- */

static inline uint32_t in(uint64_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_true(mmio_read(&outside.device, 1, GPA(BASE + offset), 4, &value));
	return (uint32_t)value;
}

static inline void out(uint64_t offset, uint32_t value)
{
	assert_true(mmio_write(&outside.device, 1, GPA(BASE + offset), 4, value));
}

static inline void poke(uint64_t at, const void *from, uint64_t size)
{
	assert_int_equal(guest_memory_write(&outside.ram, GPA(at), from, size),
			 STATUS_OK);
}

static inline void peek(uint64_t at, void *to, uint64_t size)
{
	assert_int_equal(guest_memory_read(&outside.ram, to, GPA(at), size), STATUS_OK);
}

static inline void poke16(uint64_t at, uint16_t value)
{
	poke(at, &value, sizeof(value));
}

static inline uint16_t peek16(uint64_t at)
{
	uint16_t value;

	peek(at, &value, sizeof(value));
	return value;
}

static inline uint32_t peek32(uint64_t at)
{
	uint32_t value;

	peek(at, &value, sizeof(value));
	return value;
}

static inline void features(uint32_t low, uint32_t high)
{
	out(0x70, 0);
	out(0x70, 1);
	out(0x70, 3);
	out(0x24, 0);
	out(0x20, low);
	out(0x24, 1);
	out(0x20, high);
	out(0x70, 0xb);
}

static inline void place_queue(unsigned queue, uint32_t size)
{
	const uint32_t at = queue * QUEUE_STEP;

	out(0x30, queue);
	out(0x38, size);
	out(0x80, (uint32_t)DESC + at);
	out(0x84, 0);
	out(0x90, (uint32_t)AVAIL + at);
	out(0x94, 0);
	out(0xa0, (uint32_t)USED + at);
	out(0xa4, 0);
}

/* A driver that works, with queues of that size. */
static inline void drive(unsigned queues, uint32_t size)
{
	features(0, 1);
	for (unsigned i = 0; i < queues; i++) {
		place_queue(i, size);
		out(0x44, 1);
	}
	out(0x70, 0xf);
	assert_int_equal(in(0x70), 0xf);
}

static inline void describe_of(unsigned queue, unsigned index, uint64_t address,
			       uint32_t length, uint16_t flags, uint16_t next)
{
	const uint64_t at = DESC + queue * QUEUE_STEP + index * 16;

	poke(at, &address, sizeof(address));
	poke(at + 8, &length, sizeof(length));
	poke16(at + 12, flags);
	poke16(at + 14, next);
}

static inline void describe(unsigned index, uint64_t address, uint32_t length,
			    uint16_t flags, uint16_t next)
{
	describe_of(0, index, address, length, flags, next);
}

/* The chain at `head` is the next of a queue of 8. */
static inline void offer_of(unsigned queue, uint16_t head)
{
	const uint64_t ring = AVAIL + queue * QUEUE_STEP;
	const uint16_t index = peek16(ring + 2);

	poke16(ring + 4 + index % 8 * 2, head);
	poke16(ring + 2, (uint16_t)(index + 1));
}

static inline void offer(uint16_t head)
{
	offer_of(0, head);
}

static inline unsigned used_count(unsigned queue)
{
	return peek16(USED + queue * QUEUE_STEP + 2);
}

static inline uint32_t used_length(unsigned queue, unsigned index)
{
	return peek32(USED + queue * QUEUE_STEP + 4 + index % 8 * 8 + 4);
}

/* The device asks for a reset, has told of it, and does nothing more until then. */
static inline void assert_failed_device(void)
{
	const unsigned used = used_count(0);

	assert_int_equal(in(0x70), 0x4f);
	assert_int_equal(in(0x60) & 2, 2);
	assert_true(outside.wire);
	out(0x50, 0);
	assert_int_equal(used_count(0), used);
}

#endif
