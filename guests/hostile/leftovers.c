/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others have left in the hart: all CSRs that can be read, and the floating-point
 * and vector registers. A canary word in any of them is a breach; tests have a first
 * stage put some there (tests/qemu/first_stage.S). Guests' C touches none of these.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/probe.h"

#define CSR_COUNT     4096
#define CSR_VLENB     0xc22U
#define REGISTERS     32
#define REGISTER_SIZE 8192 /* of a vector register, at most */

#define CSRR_A2(csr) (0x2673U | (csr) << 20)
#define FSD(n)	     (0x00053027U | (n) << 20) /* fsd fn, 0(a0) */
#define VS1R(n)	     (0x02850027U | (n) << 7)  /* vs1r.v vn, (a0) */

static uint64_t *buffer;

static bool run(uint32_t instruction, uint64_t *a2)
{
	struct context context = {.x[REG_A0] = (uintptr_t)buffer};
	uint64_t cause = run_one_at(instruction, SUPERVISOR, 0, &context);

	if (a2)
		*a2 = context.x[REG_A2];
	return cause == CAUSE_BREAKPOINT;
}

/* The register that the instruction stores. */
static bool look(uint32_t instruction, unsigned number, uint64_t size)
{
	if (!run(instruction, NULL))
		return false;
	for (uint64_t i = 0; i < size / 8; i++)
		check_value(buffer[i], number);
	return true;
}

static unsigned look_at_vectors(void)
{
	uint64_t bytes;
	unsigned seen = 0;

	if (!run(CSRR_A2(CSR_VLENB), &bytes) || bytes > REGISTER_SIZE)
		return 0;
	for (unsigned n = 0; n < REGISTERS; n++)
		seen += look(VS1R(n), n, bytes);
	return seen;
}

void attack_leftovers(void)
{
	unsigned csrs = 0, floats = 0, vectors;
	uint64_t value;

	buffer = pages_new(REGISTER_SIZE / PAGE_SIZE);
	csr_set(sstatus, SSTATUS_FS | SSTATUS_VS);
	for (unsigned n = 0; n < REGISTERS; n++)
		floats += look(FSD(n), n, 8);
	vectors = look_at_vectors();
	for (unsigned csr = 0; csr < CSR_COUNT; csr++)
		if (run(CSRR_A2(csr), &value)) {
			csrs++;
			check_value(value, csr);
		}
	csr_clear(sstatus, SSTATUS_VS);
	print("leftovers: none in %u CSRs, %u floating-point and %u vector registers\n",
	      csrs, floats, vectors);
}
