/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that never end, each in its own way: idle for ever, busy for ever, in
 * one exit after the other, or in one trap of its own after the other. Nothing
 * but the hypervisor's time limit ends them.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"

static void idle(void)
{
	csr_write(sie, 0);
	for (;;)
		wait_for_interrupt();
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static void call(void)
{
	for (;;)
		SBI_CALL(random_word(), random_word(), random_word());
}

static void fence(void)
{
	for (;;)
		fence_va(random_word());
}

/* The handler's own first instruction traps. */
static void trap(void)
{
	static const uint32_t handler __attribute__((aligned(4))) = 0;

	csr_write(stvec, (uintptr_t)&handler);
	__asm__ volatile("unimp");
}

static void fetch_nothing(void)
{
	csr_write(stvec, random_vacant());
	__asm__ volatile("unimp");
}

/* A deadline that has passed, and a handler that does nothing about it. */
static void interrupt(void)
{
	sbi_set_timer(0);
	__asm__ volatile("la t0, 1f; csrw stvec, t0; csrw sie, %0; csrsi sstatus, 2\n"
			 "2: j 2b\n"
			 ".balign 4\n"
			 "1: sret" ::"r"(INTERRUPT_STI)
			 : "t0");
}

static void print_for_ever(void)
{
	for (;;)
		*(volatile uint8_t *)UART = 'x';
}

void attack_hang(void)
{
	static void (*const hangs[])(void) = {
		idle, spin, call, fence, trap, fetch_nothing, interrupt, print_for_ever};

	/* By the seed itself, so that as many seeds as there are ways try all. */
	hangs[attack_seed() % ARRAY_LENGTH(hangs)]();
}
