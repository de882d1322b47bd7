/* SPDX-License-Identifier: BSD-2-Clause */
/* From a machine that is up to VMs that have ended. See gnomon.h. */
#include "core/gnomon.h"
#include "core/arch.h"
#include "core/bundle.h"
#include "core/bundle_place.h"
#include "core/canary.h"
#include "core/check.h"
#include "core/console.h"
#include "core/harts.h"
#include "core/host_disks.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/monitor.h"
#include "core/options.h"
#include "core/panic.h"
#include "core/reason.h"
#include "core/scheduler.h"
#include "core/selftest.h"
#include "core/timer.h"
#include "core/uplink.h"
#include "core/vm.h"
#include "core/vm_life.h"
#include "lsp/asid.h"
#include "lsp/encoding.h"
#include "mm/page_alloc.h"

#define TICKS_PER_SECOND 100 /* of what devices may interrupt in */

static struct options options;

bool gnomon_find_uart(void)
{
	const struct host_console *console = &machine.fdt.console;

	return console->is_present &&
	       uart_init(&machine.uart,
			 uart_find_driver(console->compatible, console->compatible_size),
			 console->base.raw, console->register_shift,
			 console->access_width) == STATUS_OK;
}

static void init_interrupts(void)
{
	unsigned context;

	if (machine.fdt.plic.is_present &&
	    arch_plic_context(&machine.fdt.harts[0], &context) &&
	    plic_init(&machine.plic, machine.fdt.plic.base.raw, context,
		      machine.fdt.plic.sources) == STATUS_OK)
		interrupt_init(&machine.plic,
			       machine.fdt.timebase_frequency / TICKS_PER_SECOND);
}

static void receive(void *context)
{
	(void)context;
	mux_receive();
}

static void init_console(void)
{
	const struct host_console *console = &machine.fdt.console;

	if (options.console_by_firmware || !console->has_interrupt ||
	    !interrupt_is_possible() || !gnomon_find_uart()) {
		log_line("console: through the firmware, polled 100 times a second");
		interrupt_add(0, 0, receive, NULL);
		return;
	}
	console_use_uart(&machine.uart);
	uart_interrupt_enable(&machine.uart);
	interrupt_add(console->interrupt, 0, receive, NULL);
	log_line("console: %s at 0x%lx, interrupt %u", console->compatible,
		 console->base.raw, console->interrupt);
}

/*
 * A line for whoever gave us the token, with the console held; false: nobody did.
 */
static bool begin_report(void)
{
	if (!options.report[0])
		return false;
	console_hold();
	console_line_start();
	console_write("gnomon: report ");
	console_write(options.report);
	console_put(' ');
	return true;
}

void gnomon_parked(void)
{
	log_line("this machine has no known way to power off: it may be switched off "
		 "now");
	if (begin_report()) {
		console_write("parked\r\n");
		console_release();
	}
}

static void report(const struct vm *vm)
{
	if (!begin_report())
		return;
	vm_report(vm);
	console_write("\r\n");
	console_release();
}

static void report_refusal(const char *name, const char *why)
{
	if (!begin_report())
		return;
	vm_report_refusal(name, why);
	console_write("\r\n");
	console_release();
}

_Noreturn void gnomon_refuse(const char *why)
{
	log_line("%s", why);
	report_refusal("", why);
	canary_end();
	arch_power_off(true);
}

void gnomon_read_options(void)
{
	const char *why;

	if (options_parse(&options, machine.fdt.bootargs, &why) != STATUS_OK)
		gnomon_refuse(why);
	if (!check_begin(options.check_every))
		log_line("check-every: this build checks nothing, the debug build does");
}

const char *gnomon_pretended_errata(void)
{
	return options.errata;
}

static void choose_faults(void)
{
	const char *why = NULL;
	enum status status;

	if (!options.faults[0]) {
		encoding_choose(arch_faults());
		return;
	}
	status = encoding_choose(options.faults);
	if (status == STATUS_UNSUPPORTED)
		refuse(&why, status,
		       "boot arguments: faults=%s: this machine cannot have these",
		       options.faults);
	else if (status != STATUS_OK)
		refuse(&why, status,
		       "boot arguments: faults=%s: it is faults=reflect, faults=poison "
		       "or faults=hole",
		       options.faults);
	if (why)
		gnomon_refuse(why);
	log_line("faults: %s, for paging mode lsp", encoding.name);
}

static void limit_asids(void)
{
	const char *why;

	if (!options.has_asid_bits)
		return;
	if (asid_bits_limit(options.asid_bits) != STATUS_OK) {
		refuse(&why, STATUS_UNSUPPORTED,
		       "boot arguments: asid-bits=%u: this chip has %u of them",
		       options.asid_bits, asid_bits());
		gnomon_refuse(why);
	}
	log_line("translation: shadow tables use %u of %u ASID bits, as asid-bits says",
		 asid_bits(), arch_asid_bits());
}

static void find_devices(void)
{
	const char *why;

	host_disks_find(options.uplink,
			options.disk_patience * machine.fdt.timebase_frequency);
	if (!options.uplink[0] || uplink_is_there())
		return;
	refuse(&why, STATUS_NOT_FOUND,
	       "boot arguments: uplink=%s: this machine has no virtio network card that "
	       "can be used",
	       options.uplink);
	gnomon_refuse(why);
}

void gnomon_init_devices(void)
{
	choose_faults();
	limit_asids();
	init_interrupts();
	init_console();
	find_devices();
	timer_init(machine.fdt.timebase_frequency);
	scheduler_init();
	monitor_init(options.escape, options.escape_count, options.interleave);
	harts_start();
}

/* Of several the default is the first: its console is in the foreground. */
static void add_vms(const struct bundle *bundle)
{
	const unsigned count = bundle_count(bundle);
	struct vm_config config;
	const char *why;

	for (unsigned i = 0; i < count; i++) {
		const unsigned index = (bundle_default(bundle) + i) % count;

		if (bundle_vm(bundle, index, &config, &why) != STATUS_OK)
			gnomon_refuse(why);
		if (life_add(&config, &why) == STATUS_OK)
			continue;
		log_line("vm %s: %s", config.name, why);
		report_refusal(config.name, why);
	}
}

static void read_bundle(void)
{
	const struct host_range *initrd = &machine.fdt.initrd;
	struct bundle bundle;
	const char *why;

	if (initrd->size == 0)
		gnomon_refuse(bundle_sought());
	if (bundle_open(&bundle, (const void *)(uintptr_t)initrd->base.raw, initrd->size,
			&why) != STATUS_OK)
		gnomon_refuse(why);
	add_vms(&bundle);
}

static void begun(void)
{
	selftest_begin(options.selftest);
}

static bool checked(const char **why)
{
	return selftest_end(options.selftest, why);
}

_Noreturn void gnomon_main(void)
{
	const struct life_plan plan = {
		.seconds = options.time_limit,
		.begun = begun,
		.checked = checked,
		.report = report,
	};
	const uint64_t free_pages = page_alloc_free_pages();
	const char *why;
	bool went_well;

	if (!selftest_alone(options.selftest, &why))
		gnomon_refuse(why);
	if (canary_begin(options.canary, &why) != STATUS_OK)
		gnomon_refuse(why);
	read_bundle();
	went_well = life_run(&plan);
	canary_end();
	/* Whatever the guests did, all of their memory is back. */
	assert(page_alloc_free_pages() == free_pages);
	arch_power_off(!went_well);
}
