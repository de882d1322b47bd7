/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults and user code of the benchmark guest. See trap.h. */
#include "guests/bench/trap.h"

#include "guests/bench/bench.h"
#include "guests/lib/console.h"
#include "guests/lib/sbi.h"

extern char bench_vector[], trap_stack_top[], user_page[], user_store_code[],
	user_load_code[];

uint64_t user_run(uint64_t entry, const struct user_walk *walk);
void trap_fault(uint64_t cause, uint64_t va);

static struct {
	fault_handler handler;
	uint64_t faults;
	bool trying; /* can_load() or can_store() is at it */
	bool refused;
} trap;

void trap_init(void)
{
	csr_write(sscratch, (uintptr_t)trap_stack_top);
	csr_write(stvec, (uintptr_t)bench_vector);
	csr_set(sstatus, SSTATUS_SUM);
}

void trap_handler_set(fault_handler handler)
{
	trap.handler = handler;
	trap.faults = 0;
}

uint64_t trap_faults(void)
{
	return trap.faults;
}

static bool is_page_fault(uint64_t cause)
{
	return cause == CAUSE_LOAD_PAGE_FAULT || cause == CAUSE_STORE_PAGE_FAULT ||
	       cause == CAUSE_FETCH_PAGE_FAULT;
}

/* Called by the vector. */
void trap_fault(uint64_t cause, uint64_t va)
{
	if (is_page_fault(cause) && trap.trying) {
		trap.refused = true;
		csr_write(sepc, csr_read(sepc) + 4);
		return;
	}
	if (is_page_fault(cause) && trap.handler && trap.handler(va, cause)) {
		trap.faults++;
		return;
	}
	print("bench: stray trap: cause 0x%lx stval 0x%lx pc 0x%lx\n", cause, va,
	      csr_read(sepc));
	sbi_shutdown(true);
}

/* The access is one instruction of 4 bytes, so that it can be skipped. */
bool can_load(uint64_t va, uint64_t *value)
{
	trap = (typeof(trap)){trap.handler, trap.faults, true, false};
	__asm__ volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop"
			 : "=&r"(*value)
			 : "r"(va)
			 : "memory");
	trap.trying = false;
	return !trap.refused;
}

bool can_store(uint64_t va, uint64_t value)
{
	trap = (typeof(trap)){trap.handler, trap.faults, true, false};
	__asm__ volatile(".option push\n.option norvc\nsd %0, 0(%1)\n.option pop"
			 :
			 : "r"(value), "r"(va)
			 : "memory");
	trap.trying = false;
	return !trap.refused;
}

static uint64_t run(const char *code, const struct user_walk *walk)
{
	uint64_t offset = (uint64_t)(code - user_page);

	return user_run(user_text(user_space_current()->mode) + offset, walk);
}

void user_store(const struct user_walk *walk)
{
	run(user_store_code, walk);
}

uint64_t user_load(const struct user_walk *walk)
{
	return run(user_load_code, walk);
}
