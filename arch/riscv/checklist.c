/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that both seats begin with. See checklist.h. */
#include "arch/riscv/checklist.h"
#include "arch/riscv/features.h"
#include "core/arch.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/string.h"
#include "mm/paging.h"

uint64_t memory_mib(void)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < machine.fdt.memory_count; i++)
		size += machine.fdt.memory[i].size;
	return size / MIB;
}

const char *mode_names(uint32_t modes, const char *suffix)
{
	static char text[2][48];
	static unsigned turn;
	char *out = text[turn++ & 1];

	format_text(out, sizeof(text[0]), "%s%s%s%s%s%s", modes & 1 << 8 ? " Sv39" : "",
		    modes & 1 << 8 ? suffix : "", modes & 1 << 9 ? " Sv48" : "",
		    modes & 1 << 9 ? suffix : "", modes & 1 << 10 ? " Sv57" : "",
		    modes & 1 << 10 ? suffix : "");
	return modes ? out : " none";
}

/* "rv64imafdch": what follows the first '_' is too long for a line. */
const char *base_letters(const struct host_hart *hart)
{
	static char text[32];
	unsigned i = 0;

	for (; hart->isa && hart->isa[i] && hart->isa[i] != '_' && i < sizeof(text) - 1;
	     i++)
		text[i] = hart->isa[i];
	return i > 0 ? text : "no riscv,isa in the device tree";
}

static void log_guest_isa(void)
{
	const char *names[32];
	const struct paging_isa isa = {features.svade, .cache_management = true};
	size_t count = arch_guest_extensions(&isa, names, ARRAY_LENGTH(names));
	char text[200];
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(text) - 1; i++) {
		format_text(text + used, sizeof(text) - used, " %s", names[i]);
		used += strlen(text + used);
	}
	log_line("guests may see:%s", text);
}

void log_guest(void)
{
	log_guest_isa();
	for (unsigned i = 0; paging_mode_at(i); i++) {
		const struct paging_mode *mode = paging_mode_at(i);

		log_line("paging mode %s: %s", mode->name,
			 mode->missing() ? mode->missing() : "yes");
	}
}

void log_faults(void)
{
	if (features.lr_as_store)
		log_line("lr: its page faults are reported as a store's; its code is "
			 "read to tell");
	if (features.lr_needs_write)
		log_line("warning: lr faults on pages that are only readable, in guests "
			 "as without them");
	if (features.stores_as_loads)
		log_line("access faults: a store's are reported as a load's; its code is "
			 "read to tell");
}
