/* SPDX-License-Identifier: BSD-2-Clause */
/* Gnomon's own page table. See host_table.h. */
#include "arch/riscv/hs/host_table.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/layout.h"
#include "core/machine.h"
#include "core/reason.h"
#include "mm/page_table.h"

#define TEXT_FLAGS   (PTE_R | PTE_X | PTE_A | PTE_D)
#define RODATA_FLAGS (PTE_R | PTE_A | PTE_D)
#define DATA_FLAGS   (PTE_R | PTE_W | PTE_A | PTE_D)

static uint64_t satp; /* of all harts */

struct host_range host_image(void)
{
	return (struct host_range){HPA((uintptr_t)image_start),
				   (uintptr_t)image_end - (uintptr_t)image_start};
}

static enum status map(struct page_table *table, const char *start, const char *end,
		       uint64_t flags)
{
	uint64_t address = (uintptr_t)start;

	return page_table_map(table, address, HPA(address), (uint64_t)(end - start),
			      flags, 0);
}

static enum status map_image(struct page_table *table)
{
	const uint64_t stride = STACK_GUARD_SIZE + STACK_SIZE;
	enum status status = map(table, image_start, text_end, TEXT_FLAGS);

	if (status == STATUS_OK)
		status = map(table, text_end, rodata_end, RODATA_FLAGS);
	if (status == STATUS_OK)
		status = map(table, rodata_end, stacks, DATA_FLAGS);
	/* Each stack grows down towards its guard, which stays unmapped. */
	for (unsigned i = 0; i < HART_LIMIT && status == STATUS_OK; i++) {
		const char *guard = stacks + i * stride;

		status = map(table, guard + STACK_GUARD_SIZE, guard + stride, DATA_FLAGS);
	}
	return status;
}

static enum status map_ram(struct host_range range, void *context)
{
	uint64_t start = align_up(range.base.raw, PAGE_SIZE);
	uint64_t end = align_down(range.base.raw + range.size, PAGE_SIZE);

	if (start >= end)
		return STATUS_OK;
	return page_table_map(context, start, HPA(start), end - start, DATA_FLAGS, 2);
}

static enum status map_device(struct page_table *table, hpa_t base, uint64_t size)
{
	uint64_t start = align_down(base.raw, PAGE_SIZE);
	uint64_t end = align_up(base.raw + size, PAGE_SIZE);

	return page_table_map(table, start, HPA(start), end - start, DATA_FLAGS, 0);
}

static enum status map_devices(struct page_table *table)
{
	const struct host_fdt *fdt = &machine.fdt;
	enum status status = STATUS_OK;

	if (fdt->console.is_present)
		status = map_device(table, fdt->console.base, fdt->console.size);
	if (status == STATUS_OK && fdt->plic.is_present)
		status = map_device(table, fdt->plic.base, fdt->plic.size);
	for (unsigned i = 0; status == STATUS_OK && i < fdt->virtio_count; i++)
		status = map_device(table, fdt->virtio[i].base, fdt->virtio[i].size);
	return status;
}

/* The smallest mode that reaches all of RAM at identity. */
static unsigned mode_for_memory(void)
{
	unsigned mode = SATP_SV39;

	for (unsigned i = 0; i < machine.fdt.memory_count; i++) {
		const struct host_range *memory = &machine.fdt.memory[i];

		while (mode < SATP_SV57 &&
		       !gva_is_canonical(GVA(memory->base.raw + memory->size - 1),
					 mode_levels(mode)))
			mode++;
	}
	return mode;
}

bool host_table_join(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
	csr_write(CSR_SATP, satp);
	if (csr_read(CSR_SATP) != satp)
		return false;
	__asm__ volatile("sfence.vma" ::: "memory");
	return true;
}

enum status host_table_enable(const char **why)
{
	unsigned mode = mode_for_memory();
	struct page_table table;
	enum status status = page_table_create(&table, mode, false);

	if (status == STATUS_OK)
		status = map_image(&table);
	if (status == STATUS_OK)
		status = machine_for_each_mappable(host_image(), map_ram, &table);
	if (status == STATUS_OK)
		status = map_devices(&table);
	if (status != STATUS_OK)
		return refuse(why, status, "no memory for Gnomon's own page table");
	satp = (uint64_t)mode << SATP_MODE_SHIFT | (uintptr_t)table.root >> PAGE_SHIFT;
	if (!host_table_join())
		return refuse(why, STATUS_UNSUPPORTED,
			      "RAM lies higher than this hart can translate");
	return STATUS_OK;
}
