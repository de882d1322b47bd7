/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether there is a vector unit, and where a vCPU's registers of it are. See vector.h.
 */
#include "arch/riscv/m/vector.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "mm/page_alloc.h"

#define REGISTERS 32

/* vector_registers.S; mstatus.VS is on. */
void vector_registers_save(struct vector_state *state);
void vector_registers_restore(const struct vector_state *state);

/* Harts without one keep mstatus.VS off, or have no vlenb. */
unsigned vector_probe(void)
{
	unsigned long unused = 0;
	unsigned bytes = 0;

	csr_set(CSR_MSTATUS, MSTATUS_VS);
	if ((csr_read(CSR_MSTATUS) & MSTATUS_VS) != 0 &&
	    guarded("csrr zero, " CSR_TEXT(CSR_VLENB), "r"(unused)))
		bytes = (unsigned)csr_read(CSR_VLENB);
	csr_clear(CSR_MSTATUS, MSTATUS_VS);
	return bytes;
}

static unsigned order(void)
{
	return page_order_for((uint64_t)REGISTERS * features.vector_bytes);
}

enum status vector_create(struct arch_vcpu *vcpu)
{
	if (features.vector_bytes == 0)
		return STATUS_OK;
	vcpu->vector.registers = page_alloc_zeroed(order());
	return vcpu->vector.registers ? STATUS_OK : STATUS_NO_MEMORY;
}

void vector_destroy(struct arch_vcpu *vcpu)
{
	if (vcpu->vector.registers)
		page_free(vcpu->vector.registers, order());
	vcpu->vector.registers = NULL;
}

void vector_save(struct arch_vcpu *vcpu)
{
	if (features.vector_bytes == 0)
		return;
	csr_set(CSR_MSTATUS, MSTATUS_VS);
	vector_registers_save(&vcpu->vector);
}

void vector_restore(const struct arch_vcpu *vcpu)
{
	if (features.vector_bytes == 0)
		return;
	csr_set(CSR_MSTATUS, MSTATUS_VS);
	vector_registers_restore(&vcpu->vector);
}
