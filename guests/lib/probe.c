/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes: setting up the registers for one access and sorting what came of it.
 *
 * Causes follow the privileged specification, table of scause values; that LR
 * counts as a load and SC and AMO as stores is said with the R, W and X bits
 * (section "Addressing and Memory Protection" of Sv32).
 */
#include "guests/lib/probe.h"

#include "guests/lib/context.h"
#include "guests/lib/csr.h"

const struct access_info access_info[ACCESS_COUNT] = {
#define ACCESS(name, kind, width, extended, before, insn, after)                         \
	{#name, KIND_##kind, width, extended},
#define ACCESS_C ACCESS
#include "guests/lib/accesses.inc"
#undef ACCESS_C
#undef ACCESS
	{"FETCH", KIND_FETCH, 8, false},
};

struct probe_stub {
	uint64_t entry;
	uint64_t insn;
	uint64_t end;
};

extern const struct probe_stub probe_table[];

uint64_t probe_user_base = (uintptr_t)probe_code;

static struct probe_stub find_stub(enum access access, uint64_t va, unsigned how)
{
	struct probe_stub stub;
	uint64_t move = how & USER ? probe_user_base - (uintptr_t)probe_code : 0;

	if (access == FETCH)
		return (struct probe_stub){va, va, va + 4};
	stub = probe_table[access];
	return (struct probe_stub){stub.entry + move, stub.insn + move, stub.end + move};
}

uint64_t probe_sstatus(unsigned how)
{
	uint64_t sstatus = csr_read(sstatus) & ~(SSTATUS_SIE | SSTATUS_SPIE |
						 SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR);

	if (!(how & USER))
		sstatus |= SSTATUS_SPP;
	if (how & SUM)
		sstatus |= SSTATUS_SUM;
	if (how & MXR)
		sstatus |= SSTATUS_MXR;
	if (how & INTERRUPTS)
		sstatus |= SSTATUS_SPIE;
	return sstatus;
}

struct outcome probe(enum access access, uint64_t va, uint64_t operand, unsigned how)
{
	struct probe_stub stub = find_stub(access, va, how);
	struct context context = {.pc = stub.entry};

	context.x[REG_A0] = va;
	context.x[REG_A1] = operand;
	context.sstatus = probe_sstatus(how);
	context_run(&context);
	if (context.cause == CAUSE_BREAKPOINT && context.pc == stub.end)
		context.cause = OUTCOME_DONE;
	return (struct outcome){.cause = context.cause,
				.stval = context.stval,
				.sepc = context.pc,
				.insn = stub.insn,
				.value = context.x[REG_A0]};
}

uint64_t page_fault_cause(enum access_kind kind)
{
	switch (kind) {
	case KIND_FETCH:
		return CAUSE_FETCH_PAGE_FAULT;
	case KIND_LOAD:
	case KIND_LR:
		return CAUSE_LOAD_PAGE_FAULT;
	default:
		return CAUSE_STORE_PAGE_FAULT;
	}
}

uint64_t access_fault_cause(enum access_kind kind)
{
	return kind == KIND_FETCH ? CAUSE_FETCH_ACCESS : page_fault_cause(kind) - 8;
}
