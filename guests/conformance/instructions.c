/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running instructions that were put together at run time.
 *
 * They are written to one scratch page of the image, followed by an ebreak; the
 * fence.i makes them visible to fetches (unprivileged specification, Zifencei).
 */
#include "guests/conformance/instructions.h"

#include "guests/conformance/check.h"
#include "guests/lib/csr.h"
#include "guests/lib/probe.h"

#define SCRATCH_INSTRUCTIONS 64

static uint32_t scratch[SCRATCH_INSTRUCTIONS] __attribute__((aligned(4096)));

void registers_pattern(struct context *context)
{
	for (unsigned n = 1; n < 32; n++)
		context->x[n] = UINT64_C(0x0101010101010101) * n ^ UINT64_C(0x5a) << 56;
}

void expect_registers(const char *what, const struct context *seen,
		      const struct context *expected, uint32_t except)
{
	for (unsigned n = 1; n < 32; n++) {
		if (except >> n & 1 || seen->x[n] == expected->x[n])
			continue;
		fail("%s: x%u should be 0x%lx, is 0x%lx", what, n, expected->x[n],
		     seen->x[n]);
		return;
	}
}

uint64_t run_instructions(struct context *context, const uint32_t *instructions,
			  unsigned count, unsigned how)
{
	for (unsigned i = 0; i < count; i++)
		scratch[i] = instructions[i];
	scratch[count] = EBREAK;
	fence_instructions();
	context->pc = (uintptr_t)scratch;
	context->sstatus = probe_sstatus(how);
	context_run(context);
	return (uintptr_t)scratch;
}
