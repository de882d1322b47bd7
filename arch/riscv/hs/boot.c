/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of seat hs: from the firmware's jump to core/, in order. The first line
 * goes out before anything else is looked at, so that silence always means the
 * firmware; what then follows is the checklist of what this machine has, what
 * it lacks, and what that costs. Runs on the boot hart alone.
 */
#include "arch/riscv/checklist.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/hs/host_table.h"
#include "arch/riscv/hs/sbi_client.h"
#include "arch/riscv/place.h"
#include "arch/riscv/seat.h"
#include "core/arch.h"
#include "core/bundle_place.h"
#include "core/console.h"
#include "core/gnomon.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/sbi_numbers.h"
#include "core/string.h"
#include "mm/page_alloc.h"
#include "mm/paging.h"

_Noreturn void boot_main(uint64_t hart, const void *tree);
/* A trap in Gnomon itself that nothing expected: a defect, said as such. */
_Noreturn void host_trap_panic(uint64_t cause, uint64_t pc, uint64_t value, uint64_t sp)
{
	log_line("internal error: trap %lu at image + 0x%lx, value 0x%lx, sp 0x%lx",
		 cause, pc - (uintptr_t)image_start, value, sp);
	arch_power_off(true);
}

/* The device tree cannot be read, so there is nobody to report to. */
static _Noreturn void give_up(const char *why)
{
	log_line("cannot start: %s", why);
	arch_power_off(true);
}

static void log_machine(void)
{
	const struct host_hart *hart = &machine.fdt.harts[0];
	uint64_t version = sbi_version();

	log_line("firmware: SBI %u.%u", (unsigned)(version >> 24) & 0x7f,
		 (unsigned)version & 0xffffff);
	log_line("hart: %lu, %u in the machine, %s", hart->id, machine.fdt.hart_count,
		 base_letters(hart));
	log_line("memory: %lu MiB, %lu MiB free; image at 0x%lx, %lu KiB", memory_mib(),
		 page_alloc_free_pages() * PAGE_SIZE / MIB, (uintptr_t)image_start,
		 host_image().size >> 10);
}

static void log_features(void)
{
	log_line("translation:%s, %u ASID bits; G-stage:%s, %u VMID bits",
		 mode_names(features.guest_modes, ""), features.asid_bits,
		 mode_names(features.gstage_modes, "x4"), features.vmid_bits);
	log_line(
		"timer: %u Hz, %s", machine.fdt.timebase_frequency,
		features.sstc
			? "guests have their own (Sstc)"
			: "no Sstc for guests: each tick is an exit, each set-timer too");
	log_guest();
	log_faults();
	if (!features.access_faults)
		log_line("warning: a guest's access faults do not arrive here; page "
			 "faults are taken by the hypervisor instead");
}

static struct hart_identity identity(void)
{
	return (struct hart_identity){
		sbi_call(SBI_EXTENSION_BASE, SBI_BASE_MVENDORID, 0, 0, 0).value,
		sbi_call(SBI_EXTENSION_BASE, SBI_BASE_MARCHID, 0, 0, 0).value,
		sbi_call(SBI_EXTENSION_BASE, SBI_BASE_MIMPID, 0, 0, 0).value,
	};
}

static void start_memory(void)
{
	const struct bundle_hints hints = {.built_in = bundle_address};
	const char *why;

	bundle_find(host_image(), &hints);
	machine_move_bundle(host_image());
	if (machine_memory_init(host_image(), NULL, &why) != STATUS_OK ||
	    host_table_enable(&why) != STATUS_OK)
		gnomon_refuse(why);
}

_Noreturn void boot_main(uint64_t hart, const void *tree)
{
	struct hart_identity self;
	const char *why;

	log_line("Gnomon starts on hart %lu", hart);
	harts[0].id = hart;
	if (host_fdt_read(&machine.fdt, tree, hart, &why) != STATUS_OK)
		give_up(why);
	gnomon_read_options();
	self = identity();
	errata_begin(&self);
	start_memory();
	log_machine();
	features_probe(&features);
	if (!features.hypervisor)
		gnomon_refuse("this chip has no hypervisor extension (H), which seat hs "
			      "needs");
	log_features();
	gnomon_init_devices();
	gnomon_main();
}
