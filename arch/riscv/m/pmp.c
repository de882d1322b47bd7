/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four entries of PMP. See pmp.h.
 *
 * The lowest entry that matches decides: the pool is in the region, which is in RAM.
 * No entry is locked, so that M-mode may do all that it could before.
 */
#include "arch/riscv/m/pmp.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/layout.h"
#include "arch/riscv/m/aclint.h"
#include "core/reason.h"

#define PMP_R	  UINT64_C(1)
#define PMP_RWX	  UINT64_C(7)
#define PMP_TOR	  UINT64_C(0x08)
#define PMP_NAPOT UINT64_C(0x18)

/* A byte for each; entry 2 is off, and no more than where entry 3 begins. */
#define CONFIGURATION ((PMP_NAPOT | PMP_R) | PMP_NAPOT << 8 | (PMP_TOR | PMP_RWX) << 24)

static char closed_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* switch.S; status is what mstatus is to be for the access. */
bool guarded_load_as(gva_t gva, uint16_t *half, uint64_t status);

/* ---- what there is ---- */

/*
 * Off all of them are, and so an address stops nothing. Those that a hart has not read
 * as 0, or are no CSR of it at all.
 */
#define KEEPS(number)                                                                    \
	(guarded("csrw " CSR_TEXT(number) ", %1", "r"(UINT64_MAX)) &&                    \
	 csr_read(number) != 0 &&                                                        \
	 guarded("csrw " CSR_TEXT(number) ", %1", "r"(UINT64_C(0))) &&                   \
	 csr_read(number) == 0)

static unsigned count_entries(void)
{
	const bool kept[] = {
		KEEPS(0x3b0), KEEPS(0x3b1), KEEPS(0x3b2), KEEPS(0x3b3),
		KEEPS(0x3b4), KEEPS(0x3b5), KEEPS(0x3b6), KEEPS(0x3b7),
		KEEPS(0x3b8), KEEPS(0x3b9), KEEPS(0x3ba), KEEPS(0x3bb),
		KEEPS(0x3bc), KEEPS(0x3bd), KEEPS(0x3be), KEEPS(0x3bf),
	};
	unsigned count = 0;

	while (count < ARRAY_LENGTH(kept) && kept[count])
		count++;
	return count;
}

/* Of an entry that is off, the bits below the granule read as 0. */
static uint64_t find_granule(void)
{
	uint64_t granule = 4, kept;

	csr_write(CSR_PMPADDR0, UINT64_MAX);
	kept = csr_read(CSR_PMPADDR0);
	for (; !(kept & 1); kept >>= 1)
		granule *= 2;
	csr_write(CSR_PMPADDR0, 0);
	return granule;
}

/* Whatever a first stage has left; those from 16 on few harts have. */
static bool switch_off(void)
{
	const unsigned long zero = 0;

	if (!guarded("csrw " CSR_TEXT(CSR_PMPCFG0) ", %1", "r"(zero)))
		return false;
	(void)guarded("csrw " CSR_TEXT(CSR_PMPCFG2) ", %1", "r"(zero));
	(void)guarded("csrw 0x3a4, %1", "r"(zero));
	(void)guarded("csrw 0x3a6, %1", "r"(zero));
	(void)guarded("csrw 0x3a8, %1", "r"(zero));
	(void)guarded("csrw 0x3aa, %1", "r"(zero));
	(void)guarded("csrw 0x3ac, %1", "r"(zero));
	(void)guarded("csrw 0x3ae, %1", "r"(zero));
	return true;
}

enum status pmp_probe(struct pmp_abilities *abilities, const char **why)
{
	*abilities = (struct pmp_abilities){0};
	if (switch_off() && csr_read(CSR_PMPCFG0) != 0)
		return refuse(why, STATUS_UNSUPPORTED,
			      "PMP: entries are locked by what ran before Gnomon "
			      "(pmpcfg0 is 0x%lx)",
			      csr_read(CSR_PMPCFG0));
	if (switch_off())
		abilities->entries = count_entries();
	if (abilities->entries < PMP_ENTRIES_USED)
		return refuse(why, STATUS_UNSUPPORTED,
			      "PMP: this hart has %u entries, and %u are needed to keep "
			      "guests out of Gnomon's memory",
			      abilities->entries, PMP_ENTRIES_USED);
	abilities->granule = find_granule();
	return STATUS_OK;
}

/* ---- closing ---- */

/* Naturally aligned powers of two: the ones below the lowest 0 say how large. */
static uint64_t napot(struct host_range range)
{
	return (range.base.raw | (range.size / 2 - 1)) >> 2;
}

static bool write_entries(const struct pmp_layout *layout)
{
	const uint64_t pool = napot(layout->pool), region = napot(layout->region);
	const uint64_t start = layout->ram.base.raw >> 2;
	const uint64_t end = (layout->ram.base.raw + layout->ram.size) >> 2;

	if (!switch_off())
		return false;
	csr_write(CSR_PMPADDR0, pool);
	csr_write(CSR_PMPADDR1, region);
	csr_write(CSR_PMPADDR2, start);
	csr_write(CSR_PMPADDR3, end);
	csr_write(CSR_PMPCFG0, CONFIGURATION);
	__asm__ volatile("sfence.vma" ::: "memory");
	return csr_read(CSR_PMPCFG0) == CONFIGURATION && csr_read(CSR_PMPADDR0) == pool &&
	       csr_read(CSR_PMPADDR1) == region && csr_read(CSR_PMPADDR2) == start &&
	       csr_read(CSR_PMPADDR3) == end;
}

/* As a guest in S-mode would, were no shadow table in its way. */
static bool can_load(uint64_t address)
{
	const uint64_t status = csr_read(CSR_MSTATUS) & ~(uint64_t)MSTATUS_MPP;
	uint16_t half;

	return guarded_load_as(GVA(address), &half,
			       status | MSTATUS_MPP_S | MSTATUS_MPRV);
}

static bool is_closed(const struct pmp_layout *layout)
{
	csr_write(CSR_SATP, 0);
	return can_load(layout->pool.base.raw) && !can_load((uintptr_t)image_start) &&
	       !can_load(layout->own.base.raw + layout->own.size - 2) &&
	       !can_load((uintptr_t)closed_page) && !can_load((uintptr_t)clint_time);
}

static const struct pmp_layout *closed;

enum status pmp_close(const struct pmp_layout *layout, const char **why)
{
	closed = layout;
	return pmp_close_again(why);
}

enum status pmp_close_again(const char **why)
{
	const struct pmp_layout *layout = closed;

	if (!write_entries(layout))
		return refuse(why, STATUS_UNSUPPORTED,
			      "PMP: this hart does not keep what its entries are told");
	if (!is_closed(layout))
		return refuse(why, STATUS_UNSUPPORTED,
			      "PMP: this hart does not do what its entries say");
	return STATUS_OK;
}

hpa_t pmp_closed_page(void)
{
	return HPA((uintptr_t)closed_page);
}
