/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of seat m: from the reset, or the first stage's jump, to core/, in order. There
 * is nobody below to speak through, so that the first line comes when the device tree
 * has said where the UART is. Runs on the boot hart alone.
 */
#include "arch/riscv/checklist.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/m/aclint.h"
#include "arch/riscv/m/extensions.h"
#include "arch/riscv/m/pmp.h"
#include "arch/riscv/m/power.h"
#include "arch/riscv/place.h"
#include "arch/riscv/seat.h"
#include "core/arch.h"
#include "core/bundle_place.h"
#include "core/console.h"
#include "core/gnomon.h"
#include "core/harts.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/string.h"
#include "mm/page_alloc.h"
#include "mm/paging.h"

static bool has_uart;
static struct pmp_abilities protection;
static struct pmp_layout layout;

_Noreturn void boot_main(uint64_t hart, const void *tree, uint64_t next_stage);

/* A trap in Gnomon itself that nothing expected: a defect, said as such. */
_Noreturn void host_trap_panic(uint64_t cause, uint64_t pc, uint64_t value, uint64_t sp)
{
	log_line("internal error: trap %lu at image + 0x%lx, value 0x%lx, sp 0x%lx",
		 cause, pc - (uintptr_t)image_start, value, sp);
	arch_power_off(true);
}

/* ---- the console before there is one ---- */

void arch_firmware_put(uint8_t byte)
{
	if (has_uart)
		uart_put(&machine.uart, byte);
}

int arch_firmware_get(void)
{
	return has_uart ? uart_get(&machine.uart) : -1;
}

_Noreturn void arch_power_off(bool failure)
{
	harts_stop_others();
	if (!power_off(failure))
		gnomon_parked();
	arch_hart_park();
}

/* ---- the checklist ---- */

static struct host_range image(void)
{
	return (struct host_range){HPA((uintptr_t)image_start),
				   (uintptr_t)image_end - (uintptr_t)image_start};
}

static void log_machine(void)
{
	const struct host_hart *hart = &machine.fdt.harts[0];

	log_line("hart: %lu, %u in the machine, %s", hart->id, machine.fdt.hart_count,
		 base_letters(hart));
	log_line("memory: %lu MiB, %lu MiB free for guests; image at 0x%lx, %lu KiB",
		 memory_mib(), page_alloc_free_of(PAGES_GUESTS) * PAGE_SIZE / MIB,
		 (uintptr_t)image_start, image().size >> 10);
}

/* In M-mode no page is read-only or missing: no W^X, and no guards below the stacks. */
static void log_protection(void)
{
	log_line("PMP: %u of %u entries; closed to guests: all devices, and %lu MiB at "
		 "0x%lx for Gnomon, with a pool of shadow tables, %lu MiB at 0x%lx, that "
		 "page-table walks read; no W^X and no stack guards in M-mode",
		 PMP_ENTRIES_USED, protection.entries, layout.region.size / MIB,
		 layout.region.base.raw, layout.pool.size / MIB, layout.pool.base.raw);
}

/* All that is handed out from here on lies where it must. */
static void close_memory(uint64_t next_stage)
{
	const struct bundle_hints hints = {next_stage, bundle_address};
	struct page_division division;
	const char *why;

	bundle_find(image(), &hints);
	machine_move_bundle(image());
	if (pmp_probe(&protection, &why) != STATUS_OK ||
	    pmp_layout_choose(&layout, &machine.fdt, image(), protection.granule, &why) !=
		    STATUS_OK)
		gnomon_refuse(why);
	division = pmp_layout_division(&layout);
	if (machine_memory_init(image(), &division, &why) != STATUS_OK ||
	    pmp_close(&layout, &why) != STATUS_OK)
		gnomon_refuse(why);
}

static struct hart_identity identity(void)
{
	return (struct hart_identity){csr_read(CSR_MVENDORID), csr_read(CSR_MARCHID),
				      csr_read(CSR_MIMPID)};
}

static void log_features(void)
{
	log_line("translation:%s, %u ASID bits; no G-stage",
		 mode_names(features.guest_modes, ""), features.asid_bits);
	log_line("timer: %u Hz, %s%s", machine.fdt.timebase_frequency,
		 features.sstc
			 ? "guests have their own (Sstc)"
			 : "no Sstc for guests: each tick is an exit, each set-timer too",
		 features.time ? ""
			       : ", and no time CSR: an rdtime costs one short exit");
	log_line("hypervisor extension: %s", extensions_hypervisor());
	log_guest();
	log_faults();
	if (features.poison.raw == 0)
		log_line("warning: access faults of closed pages do not tell what they "
			 "are of; page faults are taken by the hypervisor instead");
}

_Noreturn void boot_main(uint64_t hart, const void *tree, uint64_t next_stage)
{
	struct hart_identity self;
	const char *why;
	enum status status;

	harts[0].id = hart;
	status = host_fdt_read(&machine.fdt, tree, hart, &why);
	extensions_let_trap();
	has_uart = gnomon_find_uart();
	if (machine.fdt.tree.size > 0) /* it is a tree, if not one to start with */
		power_find(tree);
	log_line("Gnomon starts on hart %lu, as the machine's firmware", hart);
	if (status == STATUS_OK)
		status = aclint_find(tree, &machine.fdt, &why);
	if (status != STATUS_OK) {
		log_line("cannot start: %s", why);
		arch_power_off(true);
	}
	gnomon_read_options();
	self = identity();
	errata_begin(&self);
	close_memory(next_stage);
	log_machine();
	log_protection();
	if (!extensions_close(&why))
		gnomon_refuse(why);
	features_probe(&features);
	if (!features.satp_traps)
		gnomon_refuse("mstatus.TVM does not work on this hart: satp and fences "
			      "of a guest do not trap, and it could not be kept from "
			      "tables of its own");
	log_features();
	gnomon_init_devices();
	gnomon_main();
}
